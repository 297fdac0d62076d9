"""The other world: a shrunk example run once on real sockets, in a child of its own as ``harness run`` does it."""

from collections.abc import Sequence
from pathlib import Path

import trio

from harness.campaign.children import run_child
from harness.campaign.finish import judge_folder
from harness.campaign.folders import new_run, redact_log
from harness.errors import HarnessError
from harness.fuzz.findings import FailureGroup
from harness.fuzz.trial import failures_of
from harness.run.progress import Progress
from harness.scenario import Plan

FAILS_TOO = "fails on real sockets too"
PASSES = "passes on real sockets: only virtual time shows it"


async def confirm(groups: Sequence[FailureGroup], plan: Plan, folder: Path, toxiproxy: str, stop: trio.Event) -> None:
    """Run the plan on real sockets below ``folder``, and note in the groups that it is an example of what came of it.

    After ``stop`` nothing is noted.
    """
    run = new_run(folder, plan)
    ending = await run_child(run, toxiproxy, _ignore, stop)
    redact_log(run)
    if stop.is_set():
        return
    laws: list[str] = []
    trouble = f"could not be run on real sockets: {ending.detail}" if ending.what != "ended" else ""
    if not trouble:
        try:
            laws = [failure.law for failure in failures_of(judge_folder(run))]
        except HarnessError as error:
            trouble = f"could not be judged on real sockets: {error}"
    for group in groups:
        group.real = trouble or _said(group.failure.law, laws)


def _said(law: str, laws: Sequence[str]) -> str:
    if law in laws:
        return FAILS_TOO
    return f"fails otherwise on real sockets: {', '.join(dict.fromkeys(laws))}" if laws else PASSES


def _ignore(progress: Progress) -> None:
    del progress
