"""Runs held against each other, from their folders alone: two worlds, and a run in virtual time with its repetition.

A virtual run lies beside the real one of the same plan. Further real runs, made where the first differs, lie inside the
real one's folder (``again-2`` …), a repetition inside the virtual one's (``twice``): they are evidence, not runs of the
report. What came of it is ``agreement.json`` and ``replay.json`` in the virtual run's folder.
"""

from pathlib import Path

import msgspec

from harness.compare.agreement import Agreement, AgreementWord, agreement
from harness.compare.replay import Replay, replayed
from harness.errors import BadRecords
from harness.history import History
from harness.report.folder import AGREEMENT, REPLAY, read_plan, read_to_judge, run_folder_name, write_json
from harness.report.redact import redact_data
from harness.scenario.model import Plan
from harness.world import real, virtual

AGAIN = "again-"
TWICE = "twice"


def hold_together(folder: Path) -> None:
    """Compare a judged run with what lies beside it, and write what came of it. Other runs are left alone."""
    plan = _plan(folder)
    if plan is None or plan.world != virtual.NAME:
        return
    if (folder / TWICE).is_dir():
        compare_twice(folder)
    if beside(folder, plan).is_dir():
        compare_worlds(folder)


def beside(folder: Path, plan: Plan) -> Path:
    """Return the folder of the real run that belongs to a virtual one."""
    numbered = folder.name.removeprefix(run_folder_name(plan))
    return folder.parent / (run_folder_name(msgspec.structs.replace(plan, world=real.NAME)) + numbered)


def compare_worlds(folder: Path) -> Agreement:
    """Compare the virtual run in ``folder`` with every real one of its plan, and write ``agreement.json``."""
    plan = _plan(folder)
    if plan is None:
        return Agreement(said=AgreementWord.UNKNOWN, reason="its plan cannot be read")
    first = beside(folder, plan)
    folders = [first, *sorted(first.glob(f"{AGAIN}*"))] if first.is_dir() else []
    try:
        found = agreement(plan, [_history(one) for one in folders], _history(folder))
    except BadRecords as error:
        found = Agreement(said=AgreementWord.UNKNOWN, real_runs=len(folders), reason=str(error))
    write_json(folder / AGREEMENT, redact_data(msgspec.to_builtins(found)))
    return found


def compare_twice(folder: Path) -> Replay:
    """Compare the virtual run in ``folder`` with its repetition, and write ``replay.json``."""
    try:
        found = replayed(_history(folder), _history(folder / TWICE))
    except BadRecords as error:
        found = Replay(fault=str(error))
    write_json(folder / REPLAY, redact_data(msgspec.to_builtins(found)))
    return found


def _plan(folder: Path) -> Plan | None:
    try:
        return read_plan(folder)
    except BadRecords:
        return None


def _history(folder: Path) -> History:
    """Return the run's history; empty where it left none, which agrees with nothing."""
    return read_to_judge(folder)[1]
