"""After the runs of a campaign: its virtual ones are repeated where asked for, and held against the real ones.

Where the worlds differ, the real run is made again, until ``MOST_REAL_RUNS`` say anything: a disagreement is a virtual
trace outside what they span.
"""

import trio

from harness.campaign.campaign import Campaign, RunOutcome
from harness.campaign.compare_folders import AGAIN, TWICE, beside, compare_twice, compare_worlds
from harness.campaign.folders import copy_plan
from harness.compare.agreement import MOST_REAL_RUNS
from harness.world import virtual

MOST_TRIES = MOST_REAL_RUNS + 3
"""Real runs made of one plan at most: a run that was cut short says nothing, and another takes its place."""


async def compare_runs(campaign: Campaign, stop: trio.Event, *, worlds: bool, twice: bool) -> None:
    """Make every comparison asked for, as many at once as the campaign has slots; each run goes to ``on_run_end``."""
    if not (worlds or twice):
        return
    room = trio.CapacityLimiter(campaign.jobs)

    async def one(ran: RunOutcome) -> None:
        if twice and not ran.finished.fault:
            await _repeat(campaign, ran, stop, room)
        if worlds and not ran.finished.fault:
            await _hold(campaign, ran, stop, room)
        await campaign.on_run_end(ran)

    async with trio.open_nursery() as nursery:
        for ran in campaign.ran:
            if ran.plan.world == virtual.NAME:
                nursery.start_soon(one, ran)


async def _repeat(campaign: Campaign, ran: RunOutcome, stop: trio.Event, room: trio.CapacityLimiter) -> None:
    """Run it again in a process with another hash seed; a run that was stopped is no repetition."""
    async with room:
        if stop.is_set():
            return
        await campaign.once_more(ran.plan, copy_plan(ran.folder, TWICE), stop, hash_seed=(campaign.hash_seed or 0) + 1)
    compare_twice(ran.folder)


async def _hold(campaign: Campaign, ran: RunOutcome, stop: trio.Event, room: trio.CapacityLimiter) -> None:
    """Compare, and make one more real run as long as one may settle a difference."""
    first = beside(ran.folder, ran.plan)
    if not first.is_dir():  # a scenario for virtual time alone
        return
    for number in range(2, MOST_TRIES + 2):
        async with room:
            if not compare_worlds(ran.folder).open or number > MOST_TRIES or stop.is_set():
                return
            real = next(other.plan for other in campaign.ran if other.folder == first)
            await campaign.once_more(real, copy_plan(first, f"{AGAIN}{number}"), stop)
