"""One flow of the harness's own: HTTP over a stream it dialled itself, to see what a path and its boxes do.

The plain question is ``GET /healthz``; a server that does not know it answers 404, which proves as much. An event
stream is asked for at ``/healthz/stream``, and a body of a size at ``/healthz/bytes/SIZE``.
"""

import errno
from typing import Literal

import h11
import msgspec
import trio

from harness.seams import Stream

Meeting = Literal["answer", "silence", "fin", "rst"]
READ = 65_536
BLINK = 0.001  # seconds: enough for what is there already
HEALTH = "/healthz"
STREAM = "/healthz/stream"
BYTES = "/healthz/bytes"


class Met(msgspec.Struct, frozen=True, kw_only=True):
    """What a question met, after how many seconds, in how many reads of how many bytes in all; its answer's head."""

    what: Meeting
    seconds: float
    reads: int = 0
    length: int = 0
    status: int = 0
    content_type: str = ""


class Probe:
    """A keep-alive connection that asks one question at a time, or listens to one event stream.

    Whoever shares it takes its ``turn`` first.
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.alive = True  # it carries another question
        self.mute = False  # its last question is unanswered: only its end can be met
        self.closed = False  # by ourselves
        self.turn = trio.Lock()
        self.round_trip = 0.0  # seconds the last answer took
        self.received = b""  # of the body listened to
        self._http = h11.Connection(h11.CLIENT)
        self._head: h11.Response | None = None
        self._reads = self._length = 0

    async def ask(self, patience: float, *, target: str = HEALTH, accept: str = "*/*") -> Met:
        """Ask and wait for the whole answer, the connection's end, or ``patience`` seconds without either.

        After anything but an answer the flow asks no more; after silence it can still be watched by ``ending``, which
        is all that is done where it carries no more questions.
        """
        if not self.alive:
            began = trio.current_time()
            return Met(what=await self.ending(patience), seconds=trio.current_time() - began)
        self.alive, self.mute = False, True  # also where this is cancelled: the answer may still be on its way
        met = await self._meet(patience, target, accept, whole=True)
        self.mute = met.what == "silence"
        if met.what == "answer":
            self.round_trip = met.seconds
            self.alive = self._again()
        return met

    async def listen(self, patience: float) -> Met:
        """Ask for an event stream and wait for its head; ``body`` then reads on."""
        self.alive = False  # it carries no more questions
        return await self._meet(patience, STREAM, "text/event-stream", whole=False)

    async def look(self) -> None:
        """Notice whether the connection has ended meanwhile."""
        if self.alive or self.mute:
            await self.ending(BLINK)

    async def body(self, patience: float, *, least: int = 1) -> Meeting:
        """Wait until ``least`` bytes of the body are ``received`` (answer), its end, or neither (silence)."""
        with trio.move_on_after(patience):
            try:
                while len(self.received) < least:
                    event = await self._event()
                    if isinstance(event, h11.Data):
                        self.received += bytes(event.data)
                    elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                        return "fin"
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                return ending_of(error)
            except h11.RemoteProtocolError:
                return "fin"  # the body ended in the middle of a chunk
            else:
                return "answer"
        return "silence"

    async def ending(self, patience: float) -> Meeting:
        """Wait for this connection's end without asking: ``fin``, ``rst``, or ``silence`` when patience runs out."""
        what: Meeting = "silence"
        with trio.move_on_after(patience):
            try:
                while await self.stream.receive_some(READ):
                    pass
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                what = ending_of(error)
            else:
                what = "fin"
        if what != "silence":
            self.alive = self.mute = False
        return what

    async def close(self) -> None:
        """Close without waiting, also where cancelled. Who waits on it meets an end of no meaning."""
        self.alive = self.mute = False
        self.closed = True
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(self.stream)

    async def _meet(self, patience: float, target: str, accept: str, *, whole: bool) -> Met:
        began = trio.current_time()
        what: Meeting = "silence"
        with trio.move_on_after(patience):
            try:
                await self._send(target, accept)
                what = await self._answer(whole=whole)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                what = ending_of(error)
            except h11.RemoteProtocolError:
                what = "answer"  # somebody answered; that it was no HTTP is not the path's doing
        return Met(
            what=what,
            seconds=trio.current_time() - began,
            reads=self._reads,
            length=self._length,
            status=self._head.status_code if self._head is not None else 0,
            content_type=_content_type(self._head),
        )

    async def _send(self, target: str, accept: str) -> None:
        question = h11.Request(method="GET", target=target, headers=[("Host", "canary"), ("Accept", accept)])
        self._head = None
        self._reads = self._length = 0
        head = self._http.send(question)
        end = self._http.send(h11.EndOfMessage())
        await self.stream.send_all((head or b"") + (end or b""))

    async def _answer(self, *, whole: bool) -> Meeting:
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                self._head = event
                if not whole:
                    return "answer"
            elif isinstance(event, h11.EndOfMessage):
                return "answer"
            elif isinstance(event, h11.ConnectionClosed):
                return "fin"

    async def _event(self) -> object:
        """The next event of the answer, reading as much as it takes; ``ConnectionClosed`` at FIN."""
        while (event := self._http.next_event()) is h11.NEED_DATA:
            data = bytes(await self.stream.receive_some(READ))
            if not data:
                return h11.ConnectionClosed()
            self._reads += 1
            self._length += len(data)
            self._http.receive_data(data)
        return event

    def _again(self) -> bool:
        """Whether this connection may carry another question."""
        try:
            self._http.start_next_cycle()
        except h11.LocalProtocolError:
            return False
        return True


def ending_of(error: Exception) -> Meeting:
    """Tell a RST from an orderly end by the errno below trio's error."""
    cause = error.__cause__
    if isinstance(cause, OSError) and cause.errno in {errno.EPIPE, errno.ESHUTDOWN}:
        return "fin"
    return "rst"


def _content_type(head: h11.Response | None) -> str:
    if head is None:
        return ""
    found = (value for name, value in head.headers if name == b"content-type")
    return next(found, b"").decode("latin-1").partition(";")[0].strip().lower()
