"""The other world: a shrunk example run once on real sockets, in a child of its own as ``harness run`` does it."""

from pathlib import Path

import trio

from harness.campaign.children import run_child
from harness.campaign.finish import judge_folder
from harness.campaign.folders import new_run, redact_log
from harness.errors import HarnessError
from harness.fuzz.findings import Group
from harness.fuzz.trial import failures_of
from harness.run.tidings import Tidings
from harness.scenario import Plan

FAILS_TOO = "fails on real sockets too"
PASSES = "passes on real sockets: only virtual time shows it"


async def confirm(group: Group, plan: Plan, folder: Path, toxiproxy: str, stop: trio.Event) -> None:
    """Run the plan on real sockets below ``folder``, and note in the group what came of it."""
    run = new_run(folder, plan)
    ending = await run_child(run, toxiproxy, _ignore, stop)
    redact_log(run)
    if stop.is_set():
        return
    if ending.what != "ended":
        group.real = f"could not be run on real sockets: {ending.detail}"
        return
    try:
        verdict = judge_folder(run)
    except HarnessError as error:
        group.real = f"could not be judged on real sockets: {error}"
        return
    laws = [failure.law for failure in failures_of(verdict)]
    law = group.failure.law
    if law in laws:
        group.real = FAILS_TOO
    else:
        group.real = f"fails otherwise on real sockets: {', '.join(dict.fromkeys(laws))}" if laws else PASSES


def _ignore(tidings: Tidings) -> None:
    del tidings
