"""The folders of results: one folder per invocation, one below it per run, and ``latest``."""

import contextlib
import itertools
import os
import re
import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from harness.campaign.children import ChildExit
from harness.errors import EnvironmentFault
from harness.escaping import visible
from harness.history.files import LOG, PLAN
from harness.report.folder import ENDING, MANIFEST, SCENARIO, run_folder_name, safe_name, write_json, write_text
from harness.report.redact import redact_file_text
from harness.scenario.model import Plan

INVOCATION = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")


def new_invocation(root: Path, now: float) -> Path:
    """Create ``root/20260514T101502Z-3fa9``. ``now`` is seconds since 1970.

    Raises ``EnvironmentFault`` where the folder cannot be written, before anything is started.
    """
    try:
        name = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    except (ValueError, OverflowError, OSError) as error:  # of whichever step; the calendar ends with 9999
        raise EnvironmentFault(f"this machine's clock is beyond the calendar ({error}): set it") from error
    folder = root / f"{name}-{secrets.token_hex(2)}"
    try:
        folder.mkdir(parents=True)
        probe = folder / ".write"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        raise EnvironmentFault(
            f"cannot write results to {root}: {error.strerror}; choose another folder with --out DIR"
        ) from error
    return folder


def new_run(invocation: Path, plan: Plan) -> Path:
    """Create ``NAME/CLIENT-WORLD-sSEED[-VARIANT]`` below the invocation, with the scenario and the plan in it."""
    scenario = _scenario_folder(invocation, plan)
    write_text(scenario / SCENARIO, redact_file_text(SCENARIO, plan.source))
    folder = _unused(scenario, run_folder_name(plan))
    write_text(folder / PLAN, redact_file_text(PLAN, msgspec.json.encode(plan).decode()))
    return folder


def keep_ending(folder: Path, ending: ChildExit) -> None:
    """Leave in a run's folder how its process ended, where its history may have no end record that tells of it.

    It does not tell of a missing folder or a full disk: the judging of the run does, next.
    """
    if ending.what != "ended" and folder.is_dir():
        with contextlib.suppress(EnvironmentFault):
            write_json(folder / ENDING, ending)


def copy_plan(folder: Path, name: str) -> Path:
    """Create the folder ``name`` inside a run's folder, for the same plan once more, and return it."""
    inside = folder / name
    write_text(inside / PLAN, (folder / PLAN).read_text(encoding="utf-8"))
    return inside


def _scenario_folder(invocation: Path, plan: Plan) -> Path:
    """Return the folder of this scenario; another file of the same name gets one of its own."""
    for number in itertools.count(1):
        folder = invocation / (safe_name(plan.name) + (f"-{number}" if number > 1 else ""))
        written = folder / SCENARIO
        if not written.exists() or written.read_text(encoding="utf-8") == redact_file_text(SCENARIO, plan.source):
            return folder
    raise AssertionError


def _unused(parent: Path, name: str) -> Path:
    return next(
        folder
        for number in itertools.count(1)
        if not (folder := parent / (name + (f"-{number}" if number > 1 else ""))).exists()
    )


def kept(invocation: Path) -> str:
    """Say what is left of an invocation that was interrupted, and what can be made of it."""
    return f"what was recorded is kept in {invocation}, and `harness judge {invocation}` judges and draws it"


def point_latest(invocation: Path) -> None:
    """Make ``latest`` beside the invocation point at it, in one step. Where links are not allowed, do without."""
    link = invocation.parent / "latest"
    temporary = invocation.parent / f".latest-{invocation.name}"
    with contextlib.suppress(OSError):
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(invocation.name, target_is_directory=True)
        if os.path.lexists(link) and not link.is_symlink():
            temporary.unlink()  # a user's own folder or file: not ours to replace
            return
        os.replace(temporary, link)  # noqa: PTH105 - Path.replace would follow nothing else either; the syscall is the point


def forget_old(root: Path, *, keep: int, newest: Path) -> None:
    """Remove the oldest invocations below ``root`` until ``keep`` are left beside ``newest``.

    Only folders named and filled as ours are: whatever else lies there stays.
    """
    ours = sorted(
        path
        for path in root.iterdir()
        if INVOCATION.fullmatch(path.name) and not path.is_symlink() and (path / MANIFEST).exists() and path != newest
    )
    for path in ours[: max(0, len(ours) - keep)]:
        shutil.rmtree(path, ignore_errors=True)


def redact_log(folder: Path) -> None:
    """Take out secrets, and what steers a terminal, of what a run said on standard error; its process has ended."""
    log = folder / LOG
    with contextlib.suppress(FileNotFoundError):  # another process moved the results, or deleted them
        if log.stat().st_size:
            write_text(log, visible(redact_file_text(LOG, log.read_text(encoding="utf-8", errors="replace"))))
