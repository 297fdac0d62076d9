"""A feed: one held stream of the harness's own through the gate, fed in both directions, and all that was seen of it.

It sends a *piece* upstream every ``PERIOD`` seconds, less often until a proof looks (``hurry``), and reads the
server's beats (``harness.jobserver.probe_streams``). It judges nothing: it keeps when each byte was sent and came, at
either end, and how either end came to be. So a proof is a look at what is written here, and many may look.
"""

import math
from collections.abc import Callable, Sequence

import trio

from harness.clock import MovableSleep
from harness.jobserver.probe_streams import BEATS, PERIOD, ProbePosts, pattern
from harness.network.gate import Gate
from harness.run.beats import Beat, BeatReader
from harness.run.probe import READ, Meeting, Release, ending_of
from harness.seams import Stream
from harness.vocabulary import Direction

IDLE = 4 * PERIOD
"""Seconds between pieces, and beats, while no proof looks: each costs work, and a few keep a connection in use."""

PIECE = 16
"""Bytes of a piece. With its framing 22, or 440 B/s: less than the slowest line carries."""


class ProbeStream:
    """One stream. ``run`` sends and reads, until ``close``; everything else only looks."""

    def __init__(
        self, path: str, stream: Stream, pulses: ProbePosts, release: Release, *, streams: bool = False
    ) -> None:
        self.path = path
        self.streams = streams  # its answer is an event stream
        self.opened = trio.current_time()
        self.pieces: list[tuple[float, int]] = []  # when one was sent, and how many bytes of the body were sent then
        self.end: Meeting | None = None  # what ended it, unless that was ``close``
        self.ended_at = math.inf
        self.answer = BeatReader()
        self.closed = False
        self.pushed = False  # more was sent than pieces: what comes behind it may have to wait
        self._key, self.pulse = pulses.announce()
        self._forget = pulses.take
        self.pulse.changed = self._changed
        self.pulse.pace = IDLE
        self._stream = stream
        self._release = release
        self._movable_sleep = MovableSleep()
        self._rests = False
        self._scope = trio.CancelScope()
        self._lookers = trio.lowlevel.ParkingLot()

    @classmethod
    async def open(cls, gate: Gate, path: str, pulses: ProbePosts, *, streams: bool = False) -> "ProbeStream":
        """Dial; hangs and fails as any dial. ``streams``: be answered by an event stream."""
        return cls(path, await gate.dial(path), pulses, gate.release, streams=streams)

    # What was seen.

    @property
    def flowing(self) -> bool:
        """True if bytes have come at either end, and neither end has."""
        return bool(self.beats and self.pulse.arrivals) and self.end is None and not self.pulse.ended

    @property
    def beats(self) -> list[Beat]:
        """Those that have come."""
        return self.answer.beats

    @property
    def wrong(self) -> str:
        """The bytes that came otherwise than they were sent, in either direction, in words; empty where none did."""
        if self.answer.misread:
            return f"downstream: {self.answer.misread}"
        if self.pulse.spoiled is not None:
            return f"upstream: byte {self.pulse.spoiled} of the body is not the one that was sent"
        return ""

    def lived_to(self, instant: float) -> bool:
        """Return whether neither end had come by then."""
        return min(self.ended_at, self.pulse.ended_at) >= instant

    def sent_by(self, instant: float) -> int:
        """Return how many bytes of the body had been sent by then."""
        return next((upto for at, upto in reversed(self.pieces) if at <= instant), 0)

    def sent(self, way: Direction) -> Sequence[float]:
        """Return when bytes were sent in this direction."""
        return self.pulse.written if way is Direction.DOWNSTREAM else [at for at, _ in self.pieces]

    def seen(self, way: Direction) -> tuple[float, float]:
        """Return when the newest of the bytes that have come in this direction were sent, and when they came.

        Minus infinity where none have.
        """
        if way is Direction.DOWNSTREAM:
            last = self.beats[-1] if self.beats else None
            return (last.written, last.read) if last is not None else (-math.inf, -math.inf)
        if not self.pulse.arrivals:
            return -math.inf, -math.inf
        at, came = self.pulse.arrivals[-1]
        return next((sent for sent, upto in reversed(self.pieces) if upto <= came), self.opened), at

    def over(self, way: Direction) -> bool:
        """Return whether nothing is sent in this direction any more."""
        return self._rests if way is Direction.UPSTREAM else len(self.pulse.written) == BEATS

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

    def hurry(self) -> None:
        """Send each ``PERIOD`` from now on, at either end: a proof looks."""
        if self.pulse.pace > PERIOD:
            self.pulse.hurry()
            self._movable_sleep.end()

    def push(self, size: int) -> int:
        """Send so many bytes at once, between two pieces; return how many of the body have been sent by then."""
        self.pushed = True
        self._write(b"%x\r\n%b\r\n" % (size, pattern(self._sent, size)), size)
        return self._sent

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
        head = f"POST /healthz/stream/{self._key} HTTP/1.1\r\nHost: canary\r\nTransfer-Encoding: chunked\r\n"
        accept = "Accept: text/event-stream\r\n" if self.streams else ""
        writes = self._write(f"{head}{accept}\r\n".encode(), 0)
        due = self.opened
        for _ in range(BEATS):
            writes = writes and self._write(b"%x\r\n%b\r\n" % (PIECE, pattern(self._sent, PIECE)), PIECE)
            if not writes:
                break
            due += self.pulse.pace
            await self._movable_sleep.until(due)
            due = min(due, trio.current_time())
        self._rests = True

    def _write(self, data: bytes, size: int) -> bool:
        """Send what is to be sent, or nothing more where only a part of it was taken."""
        try:
            taken = self._stream.send_now(data)
        except trio.ClosedResourceError:
            return False
        except trio.BrokenResourceError as error:
            if ending_of(error) == "rst":  # a kernel says it once, to the first call
                self._note("rst")
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
        self._note(end)

    def _note(self, end: Meeting) -> None:
        if self.end is None:
            self.end, self.ended_at = end, trio.current_time()
            self._changed()

    def _changed(self) -> None:
        self._lookers.unpark_all()
