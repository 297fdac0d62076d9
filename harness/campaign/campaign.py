"""The campaign: every plan run in a child process, judged and drawn by a worker, side by side as far as allowed."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec
import trio

from harness.campaign.children import Ending, run_child
from harness.campaign.finish import Finished
from harness.campaign.folders import new_run, redact_log
from harness.campaign.live import Live
from harness.campaign.worker import WARM_UP_AFTER, Worker
from harness.scenario.model import Plan
from harness.world import virtual


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one plan: how its process ended, and what the judge said (``word``, or a ``fault``)."""

    plan: Plan
    folder: Path
    ending: Ending
    finished: Finished


Heed = Callable[[Ran], Awaitable[None]]
"""Is told of each run as soon as it is over; its slot waits for it. Must not raise."""


async def heedless(ran: Ran) -> None:
    """Heed nothing."""


class Campaign:
    """Runs plans, ``jobs`` at a time. ``ran`` grows as they end; what was never started stays in ``waiting``.

    With a ``hash_seed``, that of Python in every run's process (``PYTHONHASHSEED``); else whatever it takes. Where
    virtual runs are still to be ``compared``, it is left to whoever does that to let them be heeded.
    """

    def __init__(
        self,
        plans: Sequence[Plan],
        invocation: Path,
        *,
        jobs: int,
        toxiproxy: str,
        maxfail: int | None,
        live: Live,
        heed: Heed = heedless,
        hash_seed: int | None = None,
        compared: bool = False,
    ) -> None:
        self.waiting = deque(plans)
        self.ran: list[Ran] = []
        self._invocation = invocation
        self.jobs = max(1, min(jobs, len(plans)))
        self.hash_seed = hash_seed
        self._toxiproxy = toxiproxy
        self._maxfail = maxfail
        self._live = live
        self.heed = heed
        self._compared = compared
        self._failures = 0

    async def run(self, stop: trio.Event) -> None:
        """Run until all are done, ``maxfail`` failed, or ``stop`` is set.

        After ``stop`` no more are started, and those that run keep and judge what they have. Runs of one world follow
        those of another: one in virtual time never waits, and beside a real one it would be that one's lag.
        """
        while self._going_on(stop):
            async with trio.open_nursery() as nursery:
                for _ in range(self.jobs):
                    nursery.start_soon(self._slot, stop, self.waiting[0].world)

    async def _slot(self, stop: trio.Event, world: str) -> None:
        worker = Worker()
        try:
            async with trio.open_nursery() as nursery:
                # In virtual time no run is disturbed, and each is over before anything could be put off.
                nursery.start_soon(worker.warm_up, 0.0 if world == virtual.NAME else WARM_UP_AFTER)
                while self._going_on(stop) and self.waiting[0].world == world:
                    await self._one(self.waiting.popleft(), worker, stop)
                nursery.cancel_scope.cancel()
        finally:
            await worker.aclose()

    async def _one(self, plan: Plan, worker: Worker, stop: trio.Event) -> None:
        folder = new_run(self._invocation, plan)
        ending = await self.once_more(plan, folder, stop, hash_seed=self.hash_seed)
        finished = await worker.finish(folder)
        self._live.over(plan, finished.word or "fault")
        self._failures += finished.word != "pass"
        self.ran.append(Ran(plan=plan, folder=folder, ending=ending, finished=finished))
        if not (self._compared and plan.world == virtual.NAME):
            await self.heed(self.ran[-1])

    async def once_more(self, plan: Plan, folder: Path, stop: trio.Event, *, hash_seed: int | None = None) -> Ending:
        """Run the plan that lies in ``folder``, without judging it."""
        tell = partial(self._live.tell, plan)
        ending = await run_child(folder, self._toxiproxy, tell, stop, hash_seed=hash_seed)
        redact_log(folder)
        return ending

    def _going_on(self, stop: trio.Event) -> bool:
        enough = self._maxfail is not None and self._failures >= self._maxfail
        return bool(self.waiting) and not stop.is_set() and not enough
