"""Where results go: one folder per invocation, one below it per run, and ``latest``."""

import contextlib
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import EnvironmentFault
from harness.report.folder import PLAN, SCENARIO, run_folder_name, safe_name, write_json, write_text
from harness.scenario.model import Plan


def new_invocation(root: Path, now: float) -> Path:
    """Create ``root/20260514T101502Z-3fa9``. ``now`` is seconds since 1970.

    Raises ``EnvironmentFault`` where the folder cannot be written, before anything is started.
    """
    name = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
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
    scenario = invocation / safe_name(plan.name)
    folder = scenario / run_folder_name(plan)
    write_text(scenario / SCENARIO, plan.source)
    write_json(folder / PLAN, plan)
    return folder


def point_latest(invocation: Path) -> None:
    """Make ``latest`` beside the invocation point at it, in one step. Where links are not allowed, do without."""
    link = invocation.parent / "latest"
    temporary = invocation.parent / f".latest-{invocation.name}"
    with contextlib.suppress(OSError):
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(invocation.name, target_is_directory=True)
        if link.is_dir() and not link.is_symlink():
            temporary.unlink()  # somebody's own folder: not ours to replace
            return
        os.replace(temporary, link)  # noqa: PTH105 - Path.replace would follow nothing else either; the syscall is the point
