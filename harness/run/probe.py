"""One flow of the harness's own: HTTP over a stream it dialled itself, to see what a path does to bytes.

The question is ``GET /healthz``; a server that does not know it answers 404, which proves as much.
"""

import errno
from typing import Literal

import h11
import msgspec
import trio

from harness.seams import Stream

Meeting = Literal["answer", "silence", "fin", "rst"]
READ = 65_536


class Met(msgspec.Struct, frozen=True, kw_only=True):
    """What a question met, after how many seconds, and in how many reads the answer came."""

    what: Meeting
    seconds: float
    reads: int = 0


class Probe:
    """A keep-alive connection that asks one question at a time."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.alive = True
        self.round_trip = 0.0  # seconds the last answer took
        self._http = h11.Connection(h11.CLIENT)

    async def ask(self, patience: float) -> Met:
        """Ask and wait for the whole answer, the connection's end, or ``patience`` seconds without either.

        After anything but an answer the flow asks no more; after silence it can still be watched by ``ending``.
        """
        began = trio.current_time()
        reads = 0
        what: Meeting = "silence"
        with trio.move_on_after(patience):
            try:
                question = h11.Request(method="GET", target="/healthz", headers=[("Host", "canary")])
                head = self._http.send(question)
                end = self._http.send(h11.EndOfMessage())
                await self.stream.send_all((head or b"") + (end or b""))
                what, reads = await self._answer()
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                what = ending_of(error)
            except h11.RemoteProtocolError:
                what = "answer"  # somebody answered; that it was no HTTP is not the path's doing
                self.alive = False
        if (what == "answer" and self.alive and not self._again()) or what != "answer":
            self.alive = False
        return Met(what=what, seconds=trio.current_time() - began, reads=reads)

    async def ending(self, patience: float) -> Meeting:
        """Wait for this connection's end without asking: ``fin``, ``rst``, or ``silence`` when patience runs out."""
        with trio.move_on_after(patience):
            try:
                while await self.stream.receive_some(READ):
                    pass
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                return ending_of(error)
            else:
                return "fin"
        return "silence"

    async def close(self) -> None:
        """Close without waiting."""
        self.alive = False
        await trio.aclose_forcefully(self.stream)

    async def _answer(self) -> tuple[Meeting, int]:
        reads = 0
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                data = await self.stream.receive_some(READ)
                if not data:
                    return "fin", reads
                reads += 1
                self._http.receive_data(bytes(data))
            elif isinstance(event, h11.EndOfMessage):
                return "answer", reads
            elif isinstance(event, h11.ConnectionClosed):
                return "fin", reads

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
