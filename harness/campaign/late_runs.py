"""Real runs that came to nothing because a deed came late are made once more, one at a time, with nothing beside them.

A machine with many runs side by side may be too busy for one of them. What the first try left lies inside the run's
folder (``late``): it is evidence, and no run of the report. The second try counts, whatever becomes of it.
"""

import contextlib
import shutil
from pathlib import Path

import msgspec
import trio

from harness.campaign.campaign import Campaign, RunOutcome, judged
from harness.campaign.folders import copy_plan, keep_ending
from harness.campaign.workers import JudgingWorker
from harness.errors import EnvironmentFault
from harness.history.files import PLAN
from harness.report.folder import LATE


async def repeat_late(campaign: Campaign, stop: trio.Event) -> None:
    """Repeat every run that was late, unless ``stop`` is set; each then goes to ``on_run_end``."""
    worker = JudgingWorker(campaign.figures)
    try:
        for ran in campaign.late:
            place = campaign.ran.index(ran)
            if not stop.is_set():
                campaign.ran[place] = await _repeated(campaign, ran, worker, stop)
            await campaign.on_run_end(campaign.ran[place])
    finally:
        await worker.aclose()


async def _repeated(campaign: Campaign, ran: RunOutcome, worker: JudgingWorker, stop: trio.Event) -> RunOutcome:
    began = trio.current_time()
    aside = ran.folder / LATE
    try:
        copy_plan(ran.folder, LATE)
        _move(ran.folder, aside)
        ending = await campaign.once_more(ran.plan, ran.folder, stop)
    except (EnvironmentFault, OSError):
        with contextlib.suppress(OSError):
            _move(aside, ran.folder)  # the first try is all there is
            shutil.rmtree(aside)
        return ran
    keep_ending(ran.folder, ending)
    finished = await judged(worker.finish, ran.folder, stop)
    campaign.told(ran.plan, finished)
    took = ran.took + trio.current_time() - began
    return msgspec.structs.replace(ran, ending=ending, finished=finished, took=took)


def _move(source: Path, target: Path) -> None:
    """Move what a run left, but its plan."""
    for path in sorted(source.iterdir()):
        if path.is_file() and path.name != PLAN:
            path.replace(target / path.name)
