"""The simulated world's clock: it stands still while anything can run, and then jumps to what happens next.

trio asks a clock how long it may sleep only when no task can run. The answer here is always "not at all": the time is
by then that of the next deadline. trio's own ``MockClock`` does the same, but needs a second turn of the scheduler for
each jump, and an arithmetic of real time for each reading; both together were a seventh of a run.

What the network itself does at an instant needs no task either: it is an *alarm*, a function that the clock calls when
its instant has come, and that says whether a task can run now. A task that sleeps costs five times as much.

``trio.testing.wait_all_tasks_blocked`` is not for this clock: it would wait until the last deadline has passed.
"""

import heapq
import itertools
import math
from collections.abc import Callable
from typing import Self

import trio

Ring = Callable[[float], bool]
"""Called with the instant it was set for; returns whether it made a task runnable."""


class SimClock(trio.abc.Clock):
    """Virtual seconds from 0. ``impatient`` is called once every ``patience`` readings."""

    def __init__(self, *, patience: int = 0, impatient: Callable[[], None] = lambda: None) -> None:
        self._now = 0.0
        self._alarms: list[tuple[float, int, Ring]] = []  # a heap
        self._number = itertools.count()
        self._left = self._patience = patience
        self._impatient = impatient

    @classmethod
    def current(cls) -> Self:
        """The clock of the trio run that is under way. Raises ``TypeError`` where it is another kind of clock."""
        clock = trio.lowlevel.current_clock()
        if not isinstance(clock, cls):
            raise TypeError("toxics in the simulated network need its own clock: run it by harness.world.virtual")
        return clock

    def at(self, when: float, ring: Ring) -> None:
        """Call ``ring`` at this instant, or as soon as nothing can run where that has passed."""
        heapq.heappush(self._alarms, (when, next(self._number), ring))

    def start_clock(self) -> None:
        """It begins with the first jump."""

    def current_time(self) -> float:
        """Virtual seconds."""
        self._left -= 1
        if not self._left:
            self._left = self._patience
            self._impatient()
        return self._now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Jump: to each alarm that comes before the deadline, until one has work for a task; else to the deadline."""
        alarms = self._alarms
        while alarms and alarms[0][0] <= deadline:
            when, _, ring = heapq.heappop(alarms)
            self._now = max(self._now, when)
            if ring(when):
                return 0.0
        if math.isinf(deadline):
            return deadline
        self._now = max(self._now, deadline)
        return 0.0
