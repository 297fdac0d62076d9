"""``/healthz/stream``: held streams for the harness's own probes, of no job and in no record.

A canary holds one to see what a path, and the boxes on it, do to a connection that is in use. The server writes a
*beat* every ``PERIOD`` seconds, or less often until the probe looks (``ProbePost.hurry``), which tells when it was
written and how many bytes of the request's body had come by then. So a reader knows how long each beat took, and what
came of its own bytes, from its own connection alone.

- ``GET /healthz/stream`` is an event stream: what a box does to event streams, it does to this one.
- ``POST /healthz/stream/KEY`` is one only where ``Accept`` asks for it: else it is for who wants to know the path
  alone. Its body, chunked and as long as the peer likes, is read while the beats are written. The bytes are those of
  ``pattern``, so that one that was changed, lost or added on the way is seen. ``KEY`` is one that the probe has
  announced to ``ProbePosts``, and finds there what the server's side saw.

Beats stop by themselves after ``LASTS`` seconds, since a stream without a reader costs work. The body of
the GET ends with them; the POST goes on being read until its peer leaves.
"""

import math
import re
from collections.abc import Awaitable, Callable

import msgspec
import trio

from harness.clock import MovableSleep
from harness.jobserver.connection import HttpConnection
from harness.network.http_server import Headers

PERIOD = 0.05
LASTS = 3.0
BEATS = round(LASTS / PERIOD)

BEGAN = "x-began"
"""The header that says when the stream began, in seconds of trio's clock: beats count microseconds from there."""

BEAT = re.compile(rb"id:(?P<number>\d+)\nevent:beat\ndata:(?P<sent>\d+) (?P<came>\d+) \xc3\xa9\n\n")
"""A beat on the wire: its number, its microseconds, and the bytes of the body that had come."""

EVENT_STREAM: Headers = (("content-type", "text/event-stream"), ("cache-control", "no-store"))
_OPAQUE: Headers = (("content-type", "application/octet-stream"), ("cache-control", "no-store"))
_CYCLE = bytes(range(251))  # a prime: no power of two that a buffer has is a multiple of it
_PATTERN = _CYCLE * 263


def beat(number: int, micros: int = 0, came: int = 0) -> bytes:
    """Return a beat, small enough for the slowest line and the finest slices: 1 KB/s, and 1 B each millisecond."""
    return b"id:%d\nevent:beat\ndata:%d %d \xc3\xa9\n\n" % (number, micros, came)


def pattern(offset: int, length: int) -> bytes:
    """Return so many bytes, at most 64 KiB, of what every probe sends, from this offset of its body on."""
    start = offset % len(_CYCLE)
    return _PATTERN[start : start + length]


class ProbePost(msgspec.Struct):
    """The server's view of one POST. Times are trio's. ``pace``: seconds from one beat to the next."""

    pace: float = PERIOD
    hurried: Callable[[], None] = lambda: None  # called by ``hurry``
    arrivals: list[tuple[float, int]] = []  # when bytes of the body came, and how many there were then
    changed: Callable[[], None] = lambda: None  # called when bytes have come, and at the end
    written: list[float] = []  # when each beat was
    spoiled: int | None = None  # where the body was first not what every probe sends
    ended: str = ""  # fin, rst, whole (the body had its own end), stopped (the server ended it)
    ended_at: float = math.inf

    def note(self, data: bytes) -> None:
        """More of the body has come."""
        came = self.came
        if self.spoiled is None and data != pattern(came, len(data)):
            self.spoiled = came
        self.arrivals.append((trio.current_time(), came + len(data)))
        self.changed()

    def hurry(self) -> None:
        """Beat now, and each ``PERIOD`` from now on."""
        if self.pace > PERIOD:
            self.pace = PERIOD
            self.hurried()

    def end(self, why: str) -> None:
        """It has ended; the first reason counts."""
        if not self.ended:
            self.ended, self.ended_at = why, trio.current_time()
            self.changed()

    @property
    def came(self) -> int:
        """The number of bytes of the body that have come."""
        return self.arrivals[-1][1] if self.arrivals else 0


class ProbePosts:
    """The POSTs that probes have announced, by key."""

    def __init__(self) -> None:
        self._announced: dict[str, ProbePost] = {}
        self._keys = 0

    def announce(self) -> tuple[str, ProbePost]:
        """Return the key of a POST that is going to come, and what will be seen of it here."""
        self._keys += 1
        pulse = self._announced[str(self._keys)] = ProbePost()
        return str(self._keys), pulse

    def take(self, key: str) -> ProbePost | None:
        """Return what was announced by this key, once."""
        return self._announced.pop(key, None)


class HeldStream:
    """One stream under way. ``hear`` waits for more of what the peer sends, and returns False at its end."""

    def __init__(self, connection: HttpConnection, pulse: ProbePost, hear: Callable[[], Awaitable[bool]]) -> None:
        self._connection = connection
        self._pulse = pulse
        self._hear = hear
        self._movable_sleep = MovableSleep()
        self._scope = trio.CancelScope()
        pulse.hurried = self._movable_sleep.end

    async def serve(self, headers: Headers, *, until_left: bool) -> bool:
        """Answer; ``until_left``: go on when the beats are over. Return whether the peer may still listen."""
        try:
            async with trio.open_nursery() as nursery:
                self._scope = nursery.cancel_scope
                nursery.start_soon(self._listen)
                nursery.start_soon(self._leave)
                await self._beat(headers)
                while until_left and not self._pulse.ended:
                    await self._movable_sleep.until(math.inf)
                self._scope.cancel()
        finally:
            self._pulse.end("stopped")
        if self._pulse.ended in {"fin", "rst"}:
            return False
        await self._connection.send(self._connection.end_stream())
        return True

    async def _beat(self, headers: Headers) -> None:
        connection, pulse = self._connection, self._pulse
        await connection.may_write()
        due = began = trio.current_time()
        opening = connection.begin_stream((*headers, (BEGAN, repr(began))))
        while (number := len(pulse.written)) < BEATS and not pulse.ended:
            await connection.may_write()
            now = trio.current_time()
            pulse.written.append(now)
            try:
                micros = math.floor((now - began) * 1e6)
                await connection.send(opening + connection.frame(beat(number, micros, pulse.came)))
            except trio.BrokenResourceError:
                self._end("rst")
                return
            opening = b""
            if not pulse.ended:
                due += pulse.pace
                await self._movable_sleep.until(due)
                due = min(due, trio.current_time())  # it was told to hurry

    async def _listen(self) -> None:
        try:
            while await self._hear():
                pass
            self._end("fin")
        except trio.BrokenResourceError:
            self._end("rst")

    async def _leave(self) -> None:
        await self._connection.leaving.wait()
        self._end("stopped")

    def _end(self, why: str) -> None:
        self._pulse.end(why)
        if self._pulse.ended in {"fin", "rst"}:
            self._scope.cancel()  # also where the server hangs
        self._movable_sleep.end()


async def listen_to(connection: HttpConnection) -> bool:
    """Answer a GET: an event stream of beats, with an end. Return whether the connection is still good."""
    return await HeldStream(connection, ProbePost(), connection.hear).serve(EVENT_STREAM, until_left=False)


async def exchange_with(connection: HttpConnection, pulse: ProbePost, *, streams: bool) -> bool:
    """Answer a POST whose body is still coming, by an event stream or not. The connection is good for nothing else."""

    async def hears() -> bool:
        data = await connection.more()
        if data:
            pulse.note(data)
        elif not connection.half_heard:
            pulse.end("whole")
        return bool(data)

    await HeldStream(connection, pulse, hears).serve(EVENT_STREAM if streams else _OPAQUE, until_left=True)
    return False
