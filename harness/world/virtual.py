"""Virtual time on a simulated network: minutes take milliseconds, and a seed replays exactly.

trio's ``MockClock`` jumps to the next deadline whenever nothing can run, so a run costs its work and none of its
waiting. Everything of a run must then live in this one trio run: a thread or another process would let virtual time
fly past it (a 50 ms thread let 300 s pass), and a kernel's socket would be read too late.

Exact replay needs three things, each tried without the others (20 runs of 20 clients with tied deadlines, in processes
of their own with random hash seeds, gave 20, 4 and 1 different histories): trio's own generator seeded, its
deterministic scheduling switched on, and no order of ours taken from a set or from ``id()``. trio has no public switch
(its issue 2675); ``_repeatable`` sets the two private names, and nothing else here or elsewhere may.
"""

import gc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import trio
import trio.testing

from harness.errors import HarnessError
from harness.network import kernel
from harness.network.simulated import SimNetwork
from harness.toxiproxy.simulated import SimulatedToxiproxy
from harness.world.world import World

T = TypeVar("T")

NAME = "virtual"

LIMIT = 7 * 86_400.0
"""Virtual seconds after which a run that has not ended is taken for a deadlock: no scenario lasts a week."""

STEPS = 20_000_000
"""Steps of tasks after which a run is taken for a livelock, wherever its clock is: minutes of work."""

INSTANT_STEPS = 1_000_000
"""Steps at one instant of virtual time that are a livelock: its clock will never move again."""

_EPOCH_NS = 1_000_000_000  # a stamp of 0 would mean "not stamped yet"
_NEW_YEAR = 1_767_225_600.0  # 2026-01-01T00:00:00Z, as good as any


class Stuck(HarnessError):
    """A run in virtual time that would never end. The message says when, and which kind it is."""


def stamp() -> int:
    """Virtual time in nanoseconds."""
    return round(trio.current_time() * 1e9) + _EPOCH_NS


def wall_clock() -> float:
    """Seconds since 1970, as far as the simulated world knows: it begins with the year 2026."""
    return _NEW_YEAR + trio.current_time()


def world() -> World:
    """A new world for one run: an empty network whose dials knock as this host's do."""
    schedule = kernel.syn_schedule()
    network = SimNetwork() if schedule is None else SimNetwork(syn=schedule.instants)
    return World(
        name=NAME,
        network=network,
        stamp=stamp,
        wall_clock=wall_clock,
        sockets=network.sockets,
        proxies=partial(SimulatedToxiproxy, network),
        facts={"syn_retries_at": " ".join(f"{instant:g}s" for instant in network.syn), "clock": "virtual"},
    )


def run(main: Callable[[], Awaitable[T]], *, seed: int, limit: float = LIMIT, steps: int = STEPS) -> T:
    """Run in virtual time until ``main`` returns. The same ``main`` and ``seed`` give the same history.

    Raises ``Stuck`` instead of hanging: for a deadlock when ``limit`` virtual seconds have passed, for a livelock after
    ``steps`` steps, or after ``INSTANT_STEPS`` while the clock stood still. A loop that never yields to trio is not
    found.
    """
    with _repeatable(seed):
        budget = _Budget(steps)
        clock = trio.testing.MockClock(autojump_threshold=0)
        return trio.run(_bounded, main, limit, budget, clock=clock, instruments=[budget])


@contextmanager
def spacious_memory() -> Iterator[None]:
    """Collect garbage less often, for many runs in a row: 20 to 40 % faster. What lives now is not looked at again."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def _bounded(main: Callable[[], Awaitable[T]], limit: float, budget: "_Budget") -> T:
    with trio.CancelScope(deadline=trio.current_time() + limit) as scope:
        budget.scope = scope
        return await main()
    if budget.spent:
        raise Stuck(f"livelock at {trio.current_time():.3f} s of virtual time: {budget.spent}")
    raise Stuck(f"deadlock: nothing has ended the run in {limit:g} s of virtual time")


class _Budget(trio.abc.Instrument):
    """Counts steps, and ends the run when there were too many. trio drops an instrument that raises: it cancels."""

    def __init__(self, steps: int) -> None:
        self.scope: trio.CancelScope | None = None
        self.spent = ""
        self._left = steps
        self._steps = steps
        self._instant = -1.0
        self._look_at = max(0, steps - INSTANT_STEPS)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Count one, and look at the clock now and then."""
        self._left -= 1
        if self._left <= self._look_at:
            self._look(task)

    def _look(self, task: trio.lowlevel.Task) -> None:
        now = trio.current_time()
        stood_still = now == self._instant
        self._instant = now
        self._look_at = max(0, self._left - INSTANT_STEPS)
        if (stood_still or self._left <= 0) and not self.spent and self.scope is not None:
            many = f"{INSTANT_STEPS:,} steps at one instant" if stood_still else f"{self._steps:,} steps"
            self.spent = f"{many}, the last of {task.name}"
            self.scope.cancel()


@contextmanager
def _repeatable(seed: int) -> Iterator[None]:
    """Make trio's scheduler draw from ``seed``, and its batches keep one order: the only place that touches both."""
    internals: Any = trio._core._run  # noqa: SLF001 - see the module
    before = internals._ALLOW_DETERMINISTIC_SCHEDULING  # noqa: SLF001 - the same
    internals._ALLOW_DETERMINISTIC_SCHEDULING = True  # noqa: SLF001 - the same
    internals._r.seed(seed)  # noqa: SLF001 - the same
    try:
        yield
    finally:
        internals._ALLOW_DETERMINISTIC_SCHEDULING = before  # noqa: SLF001 - the same
