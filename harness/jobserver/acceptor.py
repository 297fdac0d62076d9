"""The server's acceptor: the door where connections come in, and the way by which all of them are shown out.

While it is *shut*, it refuses dials and holds no connection. Shutting is polite and has an end: it tells streams
``bye``, lets answers under way finish, closes a connection that is silent between two requests at once, and drops each
connection that is left after ``PeerLimits.linger``. A server that hangs is not polite.
"""

import logging

import trio

from harness.errors import HarnessError
from harness.jobserver.behaviour import ServerBehaviour
from harness.jobserver.connection import HttpConnection, PeerLimits
from harness.jobserver.endpoints import JobApi
from harness.jobserver.probe_streams import ProbePosts
from harness.jobserver.registry import Registry
from harness.network.accepting import accept
from harness.network.http_server import HttpRequest, Refusal
from harness.seams import Door, Listener

log = logging.getLogger(__name__)


class ServerSession:
    """One connection that is inside."""

    def __init__(self, connection: HttpConnection) -> None:
        self.connection = connection
        self.idle = trio.CancelScope()  # between two requests
        self.stay = trio.CancelScope()


class Acceptor:
    """Accepts connections and answers their requests, until cancelled."""

    def __init__(self, registry: Registry, behaviour: ServerBehaviour, limits: PeerLimits) -> None:
        self._registry = registry
        self.pulses = ProbePosts()
        self._endpoints = JobApi(registry, self.pulses)
        self._behaviour = behaviour
        self._limits = limits
        self._sessions: dict[ServerSession, None] = {}  # in order of coming
        self._left = trio.Event()
        self._shut = False
        self._listener: Listener | None = None

    @property
    def door(self) -> Door:
        """The door as a dial meets it."""
        return Door.REFUSE if self._shut else Door.OPEN

    @property
    def sessions(self) -> int:
        """The number of open connections."""
        return len(self._sessions)

    async def receive(self, listener: Listener, nursery: trio.Nursery) -> None:
        """Let connections in until cancelled."""
        self._listener = listener
        while True:
            stream = await accept(listener, "the job server")
            if self._shut:  # let in by the kernel before the door was shut
                stream.reset()
                continue
            session = ServerSession(HttpConnection(stream, self._limits, self._behaviour))
            self._sessions[session] = None
            nursery.start_soon(self._serve_connection, session)

    async def shut(self) -> None:
        """Refuse dials, close all connections, and return when the last is closed. The port is kept."""
        assert self._listener is not None, "a server is told nothing before it has started"
        self._shut = True
        await self._listener.set_door(Door.REFUSE)
        if not self._behaviour.hangs:
            for stream in list(self._registry.streams.values()):
                stream.close("stopped")
            for session in self._sessions:
                session.connection.leaving.set()
                session.idle.cancel()
            with trio.move_on_after(self._limits.linger):
                await self._emptied()
        for session in self._sessions:
            session.stay.cancel()
        await self._emptied()

    async def open(self) -> None:
        """Let connections in again, on the same port."""
        assert self._listener is not None, "a server is told nothing before it has started"
        self._shut = False
        await self._listener.set_door(Door.OPEN)

    async def _emptied(self) -> None:
        while self._sessions:
            self._left = trio.Event()
            await self._left.wait()

    async def _serve_connection(self, session: ServerSession) -> None:
        connection, counts = session.connection, self._registry.counts
        counts.connections += 1
        counts.open_connections += 1
        try:
            with session.stay:
                await self._serve(session)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            connection.stream.reset()
        finally:
            counts.open_connections -= 1
            del self._sessions[session]
            self._left.set()
            connection.stream.close()

    async def _serve(self, session: ServerSession) -> None:
        try:
            if self._registry.counts.open_connections > self._limits.connections:
                await session.connection.refuse(Refusal(503, "full", "no more connections can be held"))
            else:
                await self._converse(session)
        except Refusal as refusal:
            await session.connection.refuse(refusal)

    async def _converse(self, session: ServerSession) -> None:
        connection = session.connection
        while not self._shut:
            request = None
            with trio.CancelScope() as session.idle:
                request = await connection.next_request()
            if request is None:
                return
            self._registry.counts.requests += 1
            if not (await self._answer(request, connection) and connection.reusable()):
                return

    async def _answer(self, request: HttpRequest, connection: HttpConnection) -> bool:
        try:
            return await self._endpoints.answer(request, connection)
        except (trio.BrokenResourceError, trio.ClosedResourceError, Refusal):
            raise  # the peer's doing
        except (HarnessError, AssertionError, ExceptionGroup):
            raise  # a machine that cannot go on, or a broken invariant of ours
        except Exception as error:  # a defect of one handler: the peer hears 500, the log has the rest
            self._registry.counts.faults += 1
            log.exception("%s %s failed", request.method, request.path)
            if connection.answered:
                raise trio.BrokenResourceError("failed within an answer") from error
            raise Refusal(500, "internal", "the server failed to answer") from error
