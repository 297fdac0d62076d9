"""A feed: one held stream of the harness's own through the gate, fed in both directions, and all that was seen of it.

It sends a *piece* upstream every ``PERIOD`` seconds and reads the server's beats (``harness.jobserver.pulse``). It
judges nothing: it keeps when each byte was sent and came, at either end, and how either end came to be. So a proof is a
look at what is written here, and many may look.
"""

from collections.abc import Callable

import trio

from harness.clock import Nap
from harness.jobserver.pulse import BEATS, PERIOD, Pulses, pattern
from harness.network.gate import Gate
from harness.run.beats import Beat, BeatReader
from harness.run.probe import READ, Meeting, ending_of
from harness.seams import Stream

PIECE = 16
"""Bytes of a piece. With its framing 22, or 440 B/s: less than the slowest line carries."""


class Feed:
    """One stream. ``run`` sends and reads, until ``close``; everything else only looks."""

    def __init__(self, path: str, stream: Stream, pulses: Pulses, release: Callable[[Stream], None]) -> None:
        self.path = path
        self.opened = trio.current_time()
        self.pieces: list[tuple[float, int]] = []  # when one was sent, and how many bytes of the body were sent then
        self.end: Meeting | None = None  # what ended it, unless that was ``close``
        self.answer = BeatReader()
        self.closed = False
        self._key, self.pulse = pulses.announce()
        self._forget = pulses.take
        self.pulse.changed = self._changed
        self._stream = stream
        self._release = release
        self._nap = Nap()
        self._scope = trio.CancelScope()
        self._lookers = trio.lowlevel.ParkingLot()

    @classmethod
    async def open(cls, gate: Gate, path: str, pulses: Pulses) -> "Feed":
        """Dial; hangs and fails as any dial."""
        return cls(path, await gate.dial(path), pulses, gate.release)

    # What was seen.

    @property
    def flowing(self) -> bool:
        """Whether bytes have come at either end, and neither end has."""
        return bool(self.beats and self.pulse.arrivals) and self.end is None and not self.pulse.ended

    @property
    def beats(self) -> list[Beat]:
        """Those that have come."""
        return self.answer.beats

    @property
    def wrong(self) -> str:
        """What came otherwise than it was sent, in either direction."""
        if self.answer.misread:
            return f"downstream: {self.answer.misread}"
        if self.pulse.spoiled is not None:
            return f"upstream: byte {self.pulse.spoiled} of the body is not the one that was sent"
        return ""

    def sent_by(self, instant: float) -> int:
        """Return how many bytes of the body had been sent by then."""
        return next((upto for at, upto in reversed(self.pieces) if at <= instant), 0)

    def written_since(self, instant: float) -> Beat | None:
        """Return the last beat that has come, if it was written after that instant."""
        last = self.beats[-1] if self.beats else None
        return last if last is not None and last.written > instant else None

    @property
    def complete(self) -> bool:
        """Whether every beat that was written has come, and none is written any more."""
        return len(self.beats) == self.pulse.beats == BEATS

    async def until(self, seen: Callable[[], bool], deadline: float) -> bool:
        """Wait until this has been ``seen``, or the instant has come; return whether it was."""
        with trio.CancelScope(deadline=deadline):
            while not seen():
                await self._lookers.park()
        return seen()

    # Its life.

    async def run(self) -> None:
        """Send and read, until ``close``; leaves nothing open at either end of the gate."""
        with self._scope:
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._send)
                    await self._read()
                    await trio.sleep_forever()  # what becomes of the server's side is to be seen too
            finally:
                self._leave()

    def push(self, size: int) -> None:
        """Send so many bytes at once, between two pieces."""
        self._write(b"%x\r\n%b\r\n" % (size, pattern(self._sent, size)), size)

    def close(self) -> None:
        """Leave, and let the server's side end. Idempotent."""
        self.closed = True
        self._scope.cancel()
        self._leave()

    def _leave(self) -> None:
        self._forget(self._key)
        self._release(self._stream)
        self._stream.close()
        self._changed()

    @property
    def _sent(self) -> int:
        return self.pieces[-1][1] if self.pieces else 0

    async def _send(self) -> None:
        head = f"POST /healthz/stream/{self._key} HTTP/1.1\r\nHost: canary\r\nTransfer-Encoding: chunked\r\n\r\n"
        if not self._write(head.encode(), 0):
            return
        for number in range(BEATS):
            if not self._write(b"%x\r\n%b\r\n" % (PIECE, pattern(self._sent, PIECE)), PIECE):
                return
            await self._nap.until(self.opened + (number + 1) * PERIOD)

    def _write(self, data: bytes, size: int) -> bool:
        """Send what is to be sent, or nothing more: who reads learns of the end, and half a piece is none."""
        try:
            taken = self._stream.send_now(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        self.pieces.append((trio.current_time(), self._sent + size))
        return taken == len(data)

    async def _read(self) -> None:
        end: Meeting = "fin"
        try:
            while data := bytes(await self._stream.receive_some(READ)):
                self.answer.take(data, trio.current_time())
                self._changed()
        except trio.ClosedResourceError:
            return
        except trio.BrokenResourceError as error:
            end = ending_of(error)
        self.end = end
        self._changed()

    def _changed(self) -> None:
        self._lookers.unpark_all()
