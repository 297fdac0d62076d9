"""Recorded runs judged again, from their files alone."""

from pathlib import Path

import msgspec

from harness.campaign.compare_folders import hold_together
from harness.campaign.finish import judge_folder
from harness.errors import UsageError
from harness.files import real_path
from harness.report.compose import write_report
from harness.report.folder import read_plan_to_judge, read_results, write_manifest


def judge_results(folder: Path, *, unknown: str | None = None) -> Path:
    """Judge every run of a results folder, write its report anew, and return the page.

    ``unknown`` is what an unknown verdict means from now on, fail or warn; None leaves it as it was. Raises
    ``BadRecords``, with no verdict written, where a run cannot be judged.
    """
    for run in run_folders(folder):
        read_plan_to_judge(run)  # all of them, before the first verdict is written anew
    for run in run_folders(folder):
        judge_folder(run)
        hold_together(run)
    if unknown is not None:
        write_manifest(folder, msgspec.structs.replace(read_results(folder).manifest, unknown=unknown))
    return write_report(folder, redraw=True)


def results_folder(folder: Path) -> Path:
    """Return the results folder that is meant: this one, or the newest in it.

    Raises ``UsageError`` where there is none.
    """
    for above, plan in enumerate(("*/plan.json", "plan.json")):
        if any(folder.glob(plan)):
            whole = real_path(folder).parents[above]
            raise UsageError(f"{folder} is a part of results: expected all of them, which are {whole}")
    for found in (folder, folder / "latest"):
        if (found / "manifest.json").exists() or run_folders(found):
            return real_path(found)
    raise UsageError(f"{folder} holds no recorded runs; `harness run` makes results/latest")


def run_folders(folder: Path) -> list[Path]:
    """Return the runs inside a results folder, by name."""
    return sorted(path.parent for path in real_path(folder).glob("*/*/plan.json"))
