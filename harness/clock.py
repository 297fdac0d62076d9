"""Time: the simulated world's clock, and movable sleeps, a third as dear as trio's under it.

Time is trio's clock in either world. The simulated one stands still while anything can run, and then jumps to what
happens next. trio asks a clock how long it may sleep only when no task can run; the answer here is always "not at
all": by then it is the time of the next deadline. trio's own ``MockClock`` does the same, but needs a second turn of
the scheduler for each jump, and an arithmetic of real time for each reading: together a seventh of a run.

``trio.testing.wait_all_tasks_blocked`` is not for this clock: it would wait until the last deadline has passed.
"""

import heapq
import itertools
import math
from collections.abc import Callable
from typing import Self

import trio

WakeTask = Callable[[int], bool]
"""Called with the token of an alarm; returns whether a task can run now."""


class SimClock(trio.abc.Clock):
    """Virtual seconds from 0. ``on_limit`` is called once every ``readings`` readings.

    Beside trio's deadlines it has *alarms*: functions that it calls when their instant has come. Neither the simulated
    network's work at an instant nor a task's sleep then needs a cancel scope, and the network needs no task.
    """

    def __init__(self, *, readings: int = 0, on_limit: Callable[[], None] = lambda: None) -> None:
        self.now = 0.0
        """Virtual seconds, for who knows that it is this clock."""
        self._alarms: list[tuple[float, int, WakeTask]] = []  # a heap
        self._tokens = itertools.count(1)
        self._left = self._readings = readings
        self._on_limit = on_limit

    @classmethod
    def current(cls) -> Self:
        """Return the clock of the trio run that is under way. Raises ``TypeError`` for another kind of clock."""
        clock = trio.lowlevel.current_clock()
        if not isinstance(clock, cls):
            raise TypeError("toxics in the simulated network need its own clock: run it by harness.world.virtual")
        return clock

    def at(self, when: float, ring: WakeTask) -> int:
        """Call ``ring`` at this instant, or as soon as nothing can run where that has passed. Returns its token.

        An alarm cannot be taken back: who sets another one compares tokens.
        """
        token = next(self._tokens)
        if when < math.inf:
            heapq.heappush(self._alarms, (when, token, ring))
        return token

    def start_clock(self) -> None:
        """It begins with the first jump."""

    def current_time(self) -> float:
        """Virtual seconds."""
        self._left -= 1
        if not self._left:
            self._left = self._readings
            self._on_limit()
        return self.now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Jump: to each alarm that comes before the deadline, until one has work for a task; else to the deadline.

        The alarms of one instant ring together, so that the scheduler shuffles the tasks that they wake.
        """
        alarms = self._alarms
        while alarms and alarms[0][0] <= deadline:
            instant = alarms[0][0]
            self.now = max(self.now, instant)
            work = False
            while alarms and alarms[0][0] <= self.now:
                _, token, ring = heapq.heappop(alarms)
                work = ring(token) or work
            if work:
                return 0.0
        if math.isinf(deadline):
            return deadline
        self.now = max(self.now, deadline)
        return 0.0


class Wakeup:
    """A place where one task waits until it is rung for, at a third of the cost of a ``trio.lowlevel.ParkingLot``."""

    __slots__ = ("_task",)

    def __init__(self) -> None:
        self._task: trio.lowlevel.Task | None = None

    def __bool__(self) -> bool:
        """Return whether a task waits."""
        return self._task is not None

    async def wait(self) -> None:
        """Wait for ``ring``."""
        assert self._task is None, "one task at a time may wait here"
        self._task = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(self._abort)

    def ring(self) -> None:
        """Let the waiting task go on."""
        if self._task is not None:
            task, self._task = self._task, None
            trio.lowlevel.reschedule(task)

    def _abort(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED


class MovableSleep:
    """A sleep that others can move or end, any number of times; of one task at a time."""

    __slots__ = ("_alarm", "_scope", "_wakeup")

    def __init__(self) -> None:
        self._scope: trio.CancelScope | None = None
        self._wakeup = Wakeup()  # where it sleeps under ``SimClock``
        self._alarm = 0  # the token of the one that ends it

    async def until(self, deadline: float) -> None:
        """Sleep to this instant of trio's clock, or until ``end``."""
        clock = trio.lowlevel.current_clock()
        if isinstance(clock, SimClock):
            self._alarm = clock.at(deadline, self._ring)
            await self._wakeup.wait()
        else:
            with trio.CancelScope(deadline=deadline) as self._scope:
                await trio.sleep_forever()
            self._scope = None

    def move(self, deadline: float) -> None:
        """Let it end at this instant instead."""
        if self._wakeup:
            self._alarm = SimClock.current().at(deadline, self._ring)
        elif self._scope is not None:
            self._scope.deadline = deadline

    def end(self) -> None:
        """End the sleep now, if a task sleeps."""
        if self._wakeup:
            self._wakeup.ring()
        elif self._scope is not None:
            self._scope.cancel()

    def _ring(self, token: int) -> bool:
        if not self._wakeup or token != self._alarm:
            return False
        self._wakeup.ring()
        return True


async def sleep_until(deadline: float) -> None:
    """Sleep to this instant of trio's clock."""
    await MovableSleep().until(deadline)
