"""Runs of a story on disk, as a campaign leaves them."""

import gzip
from pathlib import Path

import msgspec

from harness.history import App, History
from harness.history.files import HISTORY, PLAN
from harness.report.folder import run_folder_name, write_bytes, write_json
from harness.scenario.model import Plan
from tests.judge.story import Story, changed, plan

REAL = msgspec.structs.replace(plan(), name="walk")
VIRTUAL = msgspec.structs.replace(REAL, world="virtual")


def told(the_plan: Plan, *, late: float = 0.0) -> History:
    """A flawless run; ``late`` keeps one event that long from the app."""
    history = Story(the_plan).run().history(health=the_plan.world != "virtual")
    if not late:
        return history
    app, ns = history.all(App)[7], round(late * 1e9)
    return changed(history, App, 7, enter_ns=app.enter_ns + ns, exit_ns=app.exit_ns + ns, t_ns=app.t_ns + ns)


def put(folder: Path, the_plan: Plan, history: History | None) -> Path:
    """Write what a child process leaves in its folder."""
    write_json(folder / PLAN, the_plan)
    if history is not None:
        lines = b"".join(msgspec.json.encode(record) + b"\n" for record in history.records)
        write_bytes(folder / HISTORY, gzip.compress(lines))
    return folder


def put_run(root: Path, the_plan: Plan, history: History | None, suffix: str = "") -> Path:
    """Write a run where an invocation has it."""
    return put(root / "walk" / (run_folder_name(the_plan) + suffix), the_plan, history)
