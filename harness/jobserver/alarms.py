"""One alarm clock for all jobs of a server: it rings for a job without a writer when the job's next event is due.

A job whose stream has caught up is woken by that stream, so nearly every alarm is void by the time it is due. Setting
one must therefore cost next to nothing, which changing a deadline of trio's does not (6 µs of an event's 150): alarms
wait in a heap, void ones stay there until they come to its top, and the clock's own deadline moves when an alarm is
earlier than that only.
"""

import heapq
import itertools
import math
from typing import Protocol

import trio

from harness.clock import MovableSleep


class AlarmOwner(Protocol):
    """The setter of an alarm."""

    def wants(self, at: float) -> bool:
        """Return whether the alarm that was set for this instant matters at present."""

    def ring(self, at: float) -> None:
        """The alarm of this instant is gone: the instant has come, or it did not matter when the clock looked."""


class Alarms:
    """The clock. Instants are those of trio's clock."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, AlarmOwner]] = []
        self._serial = itertools.count()  # alarms of one instant ring in the order in which they were set
        self._armed = math.inf
        self._movable_sleep = MovableSleep()

    def set(self, at: float, sleeper: AlarmOwner) -> None:
        """Ring at this instant, if the sleeper still wants it then."""
        heapq.heappush(self._heap, (at, next(self._serial), sleeper))
        if at < self._armed:
            self._armed = at
            self._movable_sleep.move(at)

    async def run(self) -> None:
        """Ring until cancelled."""
        while True:
            await self._movable_sleep.until(self._armed)
            self._ring()

    def _ring(self) -> None:
        now, heap = trio.current_time(), self._heap
        self._armed = -math.inf  # what is set meanwhile is looked at below
        while heap:
            at, _, sleeper = heap[0]
            if at > now and sleeper.wants(at):
                break
            heapq.heappop(heap)
            sleeper.ring(at)
        self._armed = heap[0][0] if heap else math.inf
