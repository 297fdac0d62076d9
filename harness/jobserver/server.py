"""The reference server: it listens, answers, and leaves nothing behind when it ends."""

import logging

import trio

from harness.chance import Chance
from harness.errors import HarnessError
from harness.history.journal import Journal
from harness.jobserver.connection import Connection, Limits, Refusal, Request
from harness.jobserver.emission import Counts
from harness.jobserver.endpoints import Endpoints
from harness.jobserver.registry import Registry
from harness.scenario.model import JobSpec, ServerSpec
from harness.seams import Address, Listener, Network, Stream

LOOPBACK: Address = ("127.0.0.1", 0)

log = logging.getLogger(__name__)


class JobServer:
    """The job API on one address of either world. Every job is one of ``job``'s kind; ``journal`` gets the truth.

    Lives in the nursery given to ``start``, until ``stop`` or that nursery's cancellation; both free its port, its
    connections and its tasks. Not to be started twice.
    """

    def __init__(
        self,
        *,
        network: Network,
        journal: Journal | None,
        job: JobSpec,
        server: ServerSpec,
        chance: Chance,
        address: Address = LOOPBACK,
        limits: Limits | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._network = network
        self._address = address
        self._registry = Registry(spec=job, server=server, chance=chance, journal=journal, limits=self.limits)
        self._endpoints = Endpoints(self._registry)
        self._scope = trio.CancelScope()
        self._ended = trio.Event()

    @property
    def address(self) -> Address:
        """Where it listens; port 0 stands for any, until it has started."""
        return self._address

    @property
    def counts(self) -> Counts:
        """What it has done so far."""
        return self._registry.counts

    async def start(self, nursery: trio.Nursery) -> Address:
        """Listen; return the address. Raises ``EnvironmentFault`` where it cannot be bound."""
        address: Address = await nursery.start(self._run)
        return address

    async def stop(self) -> None:
        """Drop all connections and jobs, free the port, and return when that is done. For a started server only."""
        self._scope.cancel()
        await self._ended.wait()

    async def _run(self, *, task_status: trio.TaskStatus[Address]) -> None:
        listener = await self._network.listen(self._address)
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    self._registry.nursery = nursery
                    self._address = listener.address
                    task_status.started(self._address)
                    await self._accept(listener, nursery)
        finally:
            with trio.CancelScope(shield=True):
                await listener.aclose()
            self._ended.set()

    async def _accept(self, listener: Listener, nursery: trio.Nursery) -> None:
        while True:
            stream = await listener.accept()
            nursery.start_soon(self._connection, stream)

    async def _connection(self, stream: Stream) -> None:
        counts = self.counts
        counts.connections += 1
        counts.open_connections += 1
        connection = Connection(stream, self.limits)
        try:
            if counts.open_connections > self.limits.connections:
                await connection.refuse(Refusal(503, "full", "no more connections can be held"))
            else:
                await self._converse(connection)
        except Refusal as refusal:
            await connection.refuse(refusal)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            stream.reset()
        finally:
            counts.open_connections -= 1
            await trio.aclose_forcefully(stream)

    async def _converse(self, connection: Connection) -> None:
        while (request := await connection.next_request()) is not None:
            self.counts.requests += 1
            if not (await self._answer(request, connection) and connection.reusable()):
                return

    async def _answer(self, request: Request, connection: Connection) -> bool:
        try:
            return await self._endpoints.answer(request, connection)
        except (trio.BrokenResourceError, trio.ClosedResourceError, Refusal):
            raise  # the peer's doing
        except (HarnessError, AssertionError, ExceptionGroup):
            raise  # a machine that cannot go on, or a broken invariant of ours
        except Exception as error:  # a defect of one handler: the peer hears 500, the log has the rest
            self.counts.faults += 1
            log.exception("%s %s failed", request.method, request.path)
            if connection.answered:
                raise trio.BrokenResourceError("failed within an answer") from error
            raise Refusal(500, "internal", "the server failed to answer") from error


async def serve(
    address: Address,
    *,
    network: Network,
    job: JobSpec,
    server: ServerSpec,
    chance: Chance,
    journal: Journal | None = None,
    task_status: trio.TaskStatus[JobServer] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve alone on this address until cancelled. ``nursery.start`` hands back the server, for its counts."""
    jobs = JobServer(network=network, journal=journal, job=job, server=server, chance=chance, address=address)
    async with trio.open_nursery() as nursery:
        await jobs.start(nursery)
        task_status.started(jobs)
        await trio.sleep_forever()
