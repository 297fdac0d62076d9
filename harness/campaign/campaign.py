"""The campaign: every plan run in a process of its own, judged and drawn by another, side by side as far as allowed."""

import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec
import trio

from harness.campaign.children import ChildExit, run_child
from harness.campaign.finish import Figures, Finished
from harness.campaign.folders import keep_ending, kept, new_run, redact_log
from harness.campaign.fork_client import Forks
from harness.campaign.fork_launch import FORKS, Started, started
from harness.campaign.live import LiveDisplay
from harness.campaign.workers import JudgingWorker
from harness.errors import EnvironmentFault
from harness.report.folder import run_folder_name, safe_name
from harness.scenario.model import Plan
from harness.trouble import in_words
from harness.world import virtual


class RunOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one plan: the end of its process, and the judge's ``word``, or a ``fault``."""

    plan: Plan
    folder: Path
    ending: ChildExit
    finished: Finished
    took: float  # seconds of the wall clock, from its process's start until it was judged and drawn


OnRunEnd = Callable[[RunOutcome], Awaitable[None]]
"""Is told of each run as soon as it is over; its slot waits for it. Must not raise."""


async def ignore_run_end(ran: RunOutcome) -> None:
    """Heed nothing."""


GRACE = 15.0
"""Seconds in which a run that was stopped is still judged and drawn."""


async def judged(finish: Callable[[Path], Awaitable[Finished]], folder: Path, stop: trio.Event) -> Finished:
    """Let a run be judged and drawn, until ``stop`` is set; a run that was stopped has ``GRACE`` seconds then.

    What it left is in its folder all the same, and the fault that is returned says so.
    """
    grace = GRACE if stop.is_set() else 0.0
    found = Finished(fault=f"{folder} was interrupted while it was judged and drawn: {kept(folder.parents[1])}")

    async def interrupt(everything: trio.CancelScope) -> None:
        await stop.wait()
        await trio.sleep(grace)
        everything.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(interrupt, nursery.cancel_scope)
        found = await finish(folder)
        nursery.cancel_scope.cancel()
    return found


class Campaign:
    """Runs plans, ``jobs`` at a time. ``ran`` grows as they end; what was never started stays in ``waiting``.

    ``started`` has every plan that left it, by folder: also those of which nothing came.

    With a ``hash_seed``, that of Python in every virtual run's process (``PYTHONHASHSEED``); else whatever it takes.
    These are forked from a server of the campaign's own, or from one that is ``forking`` already; without ``FORKS``
    each is a fresh process. Where they are still to be ``compared``, the comparing code calls
    ``on_run_end``. The repeating code calls it for the real runs that came to nothing for being ``late``.
    """

    def __init__(
        self,
        plans: Sequence[Plan],
        invocation: Path,
        *,
        jobs: int,
        toxiproxy: str,
        maxfail: int | None,
        live: LiveDisplay,
        on_run_end: OnRunEnd = ignore_run_end,
        hash_seed: int | None = None,
        compared: bool = False,
        forking: Started | None = None,
        figures: Figures = Figures.ALL,
    ) -> None:
        self.waiting = deque(plans)
        self.ran: list[RunOutcome] = []
        self.late: list[RunOutcome] = []
        self.started: dict[Path, Plan] = {}
        self._invocation = invocation
        self.jobs = max(1, min(jobs, len(plans)))
        self.hash_seed = hash_seed
        self.figures = figures
        self._toxiproxy = toxiproxy
        self._maxfail = maxfail
        self._live = live
        self.on_run_end = on_run_end
        self._compared = compared
        self._forking = forking
        self._failures = 0

    async def run(self, stop: trio.Event) -> None:
        """Run until all are done, ``maxfail`` failed, or ``stop`` is set.

        After ``stop`` no more are started, and those that run keep and judge what they have. Runs of one world follow
        those of another: one in virtual time never waits, and beside a real one it would be that one's lag.
        """
        while self._going_on(stop):
            world = self.waiting[0].world
            slot = partial(self._slot, world)
            with contextlib.ExitStack() as stack:
                if world == virtual.NAME and FORKS:
                    server = self._forking or stack.enter_context(
                        started(hash_seed=self.hash_seed, figures=self.figures)
                    )
                    slot = partial(self._forked, Forks(server))
                async with trio.open_nursery() as nursery:
                    for _ in range(self.jobs):
                        nursery.start_soon(slot, stop)

    async def _slot(self, world: str, stop: trio.Event) -> None:
        """Runs of one world one after another, each in a fresh process."""
        worker = JudgingWorker(self.figures)

        async def child(plan: Plan, folder: Path) -> ChildExit:
            return await self.once_more(plan, folder, stop)

        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(worker.warm_up)
                await self._serve(child, worker.finish, world, stop)
                nursery.cancel_scope.cancel()
        finally:
            await worker.aclose()

    async def _forked(self, forks: Forks, stop: trio.Event) -> None:
        """Virtual runs one after another: no timing of theirs could be disturbed."""

        async def fork(plan: Plan, folder: Path) -> ChildExit:
            ending = await forks.run(folder, partial(self._live.tell, plan), stop)
            redact_log(folder)
            return ending

        await self._serve(fork, forks.finish, virtual.NAME, stop)

    async def _serve(
        self,
        run: Callable[[Plan, Path], Awaitable[ChildExit]],
        finish: Callable[[Path], Awaitable[Finished]],
        world: str,
        stop: trio.Event,
    ) -> None:
        while self._going_on(stop) and self.waiting[0].world == world:
            plan = self.waiting.popleft()
            began = trio.current_time()
            folder, ending, finished = await self._one(plan, run, finish, stop)
            self.told(plan, finished)
            took = trio.current_time() - began
            self.ran.append(RunOutcome(plan=plan, folder=folder, ending=ending, finished=finished, took=took))
            if finished.late:
                self.late.append(self.ran[-1])
                continue
            self._failures += finished.word != "pass"
            if not (self._compared and plan.world == virtual.NAME):
                await self.on_run_end(self.ran[-1])

    async def _one(
        self,
        plan: Plan,
        run: Callable[[Plan, Path], Awaitable[ChildExit]],
        finish: Callable[[Path], Awaitable[Finished]],
        stop: trio.Event,
    ) -> tuple[Path, ChildExit, Finished]:
        """Run, judge and draw one plan. A plan that cannot be run ends no other: it has no verdict, and says why."""
        folder = self._invocation / safe_name(plan.name) / run_folder_name(plan)
        try:
            folder = new_run(self._invocation, plan)
            self.started[folder] = plan
            ending = await run(plan, folder)
        except (EnvironmentFault, OSError) as error:
            self.started[folder] = plan
            fault = f"it could not be run: {in_words(error) or error}"
            return folder, ChildExit(what="fault"), Finished(fault=fault)
        keep_ending(folder, ending)
        return folder, ending, await judged(finish, folder, stop)

    async def once_more(self, plan: Plan, folder: Path, stop: trio.Event, *, hash_seed: int | None = None) -> ChildExit:
        """Run the plan that lies in ``folder``, without judging it."""
        tell = partial(self._live.tell, plan)
        ending = await run_child(folder, self._toxiproxy, tell, stop, hash_seed=hash_seed)
        redact_log(folder)
        return ending

    def told(self, plan: Plan, finished: Finished) -> None:
        """Show that a run is over, and what it came to."""
        self._live.over(plan, finished.word or "fault")

    def _going_on(self, stop: trio.Event) -> bool:
        enough = self._maxfail is not None and self._failures >= self._maxfail
        return bool(self.waiting) and not stop.is_set() and not enough
