"""Virtual time on a simulated network: minutes take milliseconds, and a seed replays exactly.

The clock jumps to the next deadline whenever nothing can run (``harness.clock``), so a run costs its work and
none of its waiting. Everything of a run must then live in this one trio run: a thread or another process would let
virtual time fly past it (a 50 ms thread let 300 s pass), and a kernel's socket would be read too late.

Exact replay needs three things, each tried without the others (20 runs of 20 clients with tied deadlines, in processes
of their own with random hash seeds, gave 20, 4 and 1 different histories): trio's own generator seeded, its
deterministic scheduling switched on, and no order of ours taken from a set or from ``id()``. trio has no public switch
(its issue 2675); ``_repeatable`` sets the two private names, and nothing else here or elsewhere may.
"""

import functools
import gc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import trio

from harness.clock import SimClock
from harness.errors import HarnessError
from harness.network import kernel
from harness.network.simulated import SimNetwork
from harness.toxiproxy.simulated import SimulatedToxiproxy
from harness.world.world import World

T = TypeVar("T")

NAME = "virtual"

LIMIT = 7 * 86_400.0
"""Virtual seconds after which a run that has not ended is taken for a deadlock: no scenario lasts a week."""

TURNS = 50_000_000
"""Readings of the clock after which a run is taken for a livelock, wherever it is: minutes of work. Each turn of the
scheduler is one, beside those of the tasks themselves."""

INSTANT_TURNS = 1_000_000
"""Readings at one instant of virtual time that are a livelock: the clock will never move again."""

_EPOCH_NS = 1_000_000_000  # a stamp of 0 would mean "not stamped yet"
_NEW_YEAR = 1_767_225_600.0  # 2026-01-01T00:00:00Z, as good as any


class Stuck(HarnessError):
    """A run in virtual time that would never end. The message says when, and which kind it is."""


@functools.cache
def _syn_schedule() -> kernel.SynSchedule | None:
    """This host's, read once: all runs of a process shall replay."""
    return kernel.syn_schedule()


def world() -> World:
    """Return a new world for the run that is under way: an empty network whose dials knock as this host's do.

    Its stamps are virtual nanoseconds; its wall clock begins with the year 2026.
    """
    clock = SimClock.current()
    schedule = _syn_schedule()
    network = SimNetwork() if schedule is None else SimNetwork(syn=schedule.instants)
    return World(
        name=NAME,
        network=network,
        stamp=lambda: round(clock.now * 1e9) + _EPOCH_NS,
        wall_clock=lambda: _NEW_YEAR + clock.now,
        sockets=network.sockets,
        proxies=partial(SimulatedToxiproxy, network),
        facts={"syn_retries_at": " ".join(f"{instant:g}s" for instant in network.syn), "clock": "virtual"},
    )


def run(main: Callable[[], Awaitable[T]], *, seed: int, limit: float = LIMIT, turns: int = TURNS) -> T:
    """Run in virtual time until ``main`` returns. The same ``main`` and ``seed`` give the same history.

    Raises ``Stuck`` instead of hanging: for a deadlock when ``limit`` virtual seconds have passed, for a livelock after
    ``turns`` readings of the clock, or after ``INSTANT_TURNS`` while it stood still. A loop that neither yields to trio
    nor reads the clock is not found.
    """
    with _repeatable(seed):
        budget = _Budget(turns)
        clock = SimClock(readings=min(turns, INSTANT_TURNS), on_limit=budget.look)
        return trio.run(_bounded, main, limit, budget, clock=clock)


_SPACIOUS = 50_000, 20, 2
"""The collector's thresholds for many runs in a row. What a run leaves in the oldest generation is garbage as well, of
which there would be ten megabytes after 10,000 runs; to look for it costs little, since what lived before is frozen."""


_A_CLIENT = 1_000
"""Objects that a client makes and keeps: each collection moves what is new, so a tenth of a crowd's run went there."""


@contextmanager
def spacious_memory(clients: int = 1) -> Iterator[None]:
    """Collect garbage less often, for many runs in a row: 20 to 40 % faster. What lives now is not looked at again.

    ``clients``: how many the largest of the runs has.
    """
    before = gc.get_threshold()
    gc.freeze()
    young, *older = _SPACIOUS
    gc.set_threshold(max(young, clients * _A_CLIENT), *older)
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
    """Ends the run when the clock was read too often. It looks on while a task is guilty, and costs nothing before."""

    def __init__(self, turns: int) -> None:
        self.scope: trio.CancelScope | None = None
        self.spent = ""
        self._turns = self._left = turns
        self._instant = -1.0

    def look(self) -> None:
        """``INSTANT_TURNS`` have passed, or all there were: see whether the clock has moved since the last time."""
        self._left -= min(self._turns, INSTANT_TURNS)
        now, before = trio.current_time(), self._instant
        self._instant = now
        if now == before:
            self.spent = f"{INSTANT_TURNS:,} turns at one instant"
        elif self._left <= 0:
            self.spent = f"{self._turns:,} turns"
        else:
            return
        trio.lowlevel.add_instrument(self)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Name the task, and end the run. trio drops an instrument that raises: it cancels."""
        self.spent += f", the last of {task.name}"
        trio.lowlevel.remove_instrument(self)
        if self.scope is not None:
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
