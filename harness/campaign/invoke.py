"""One ``harness run``, from names to a folder of results: what to run, running it, the report."""

import os
import platform
import signal
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec
import trio

import harness
from harness.campaign.campaign import Campaign, Ran
from harness.campaign.folders import new_invocation, point_latest
from harness.campaign.live import Live
from harness.errors import UsageError
from harness.report.compose import write_report
from harness.report.folder import MANIFEST, Manifest, write_json
from harness.report.redact import redact
from harness.scenario import find, load, plans
from harness.scenario.model import Plan
from harness.world import real


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller asked for. ``targets`` are files, folders or names of bundled scenarios."""

    targets: tuple[str, ...]
    client: str | None = None
    seed: int | None = None
    select: Mapping[str, str] = {}
    timeout: float | None = None
    toxiproxy: str = "auto"
    out: Path = Path("results")
    jobs: int | None = None
    maxfail: int | None = None
    command: str = ""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. ``signal`` is the number of the signal that cut it short, or 0."""

    folder: Path
    page: Path
    ran: list[Ran]
    signal: int = 0


def targets(wish: Wish) -> list[Path]:
    """The scenario files that the wish names; ``scenarios/`` here when it names none."""
    names = wish.targets or ("scenarios",)
    if not wish.targets and not Path("scenarios").is_dir():
        raise UsageError(
            "no scenario named, and there is no folder scenarios/ here: try `harness run handoff`, or `harness list`"
        )
    return list(dict.fromkeys(path for name in names for path in find(name)))


def compiled(wish: Wish) -> list[Plan]:
    """Every plan of every file. Raises ``UsageError`` with all mistakes before anything is started."""
    files = targets(wish)
    scenarios = [load(path) for path in files]
    found = [
        plan
        for scenario in scenarios
        for plan in plans(
            scenario, seed=wish.seed, client=wish.client, select=wish.select, limit=wish.timeout, world=real.NAME
        )
    ]
    if not found:
        raise UsageError(f"no scenario matched {', '.join(wish.targets)}")
    return found


def default_jobs() -> int:
    """As many runs side by side as there are cores: more would disturb the latency law."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def invoke(wish: Wish, live: Live) -> Done:
    """Run everything, judge it, draw it, write the report.

    Raises ``UsageError`` for bad input (nothing was started) and ``EnvironmentFault`` where results cannot be written.
    SIGINT and SIGTERM stop the runs, which keep and judge what they have; a second one ends them at once.
    """
    waiting = compiled(wish)
    began = real.wall_clock()
    folder = new_invocation(wish.out, began)
    jobs = wish.jobs or default_jobs()
    campaign = Campaign(waiting, folder, jobs=jobs, toxiproxy=wish.toxiproxy, maxfail=wish.maxfail, live=live)
    number = real.run(partial(_run, campaign, live))
    manifest = _manifest(wish, campaign, began, aborted=number != 0)
    write_json(folder / MANIFEST, manifest)
    page = write_report(folder)
    point_latest(folder)
    return Done(folder=folder, page=page, ran=campaign.ran, signal=number)


async def _run(campaign: Campaign, live: Live) -> int:
    """Run the campaign with an ear for signals. Returns the signal that stopped it, or 0."""
    stop = trio.Event()
    caught: list[int] = []
    async with trio.open_nursery() as nursery:
        await nursery.start(_hear, stop, caught, nursery.cancel_scope)
        nursery.start_soon(live.redraw)
        await campaign.run(stop)
        live.end()
        nursery.cancel_scope.cancel()
    return caught[0] if caught else 0


async def _hear(
    stop: trio.Event,
    caught: list[int],
    everything: trio.CancelScope,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for number in signals:
            if caught:
                everything.cancel()
            caught.append(number)
            stop.set()


def _manifest(wish: Wish, campaign: Campaign, began: float, *, aborted: bool) -> Manifest:
    toxiproxies = dict.fromkeys(ran.finished.toxiproxy for ran in campaign.ran)
    return Manifest(
        started=datetime.fromtimestamp(began, UTC).isoformat(timespec="seconds"),
        seconds=round(real.wall_clock() - began, 3),
        command=redact(wish.command),
        version=harness.__version__,
        commit=_commit(),
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        toxiproxy=", ".join(name for name in toxiproxies if name),
        not_run=tuple(f"{plan.name} {plan.variant}".strip() for plan in campaign.waiting),
        environment={},
        aborted=aborted,
    )


def _commit() -> str:
    """The commit of the working folder, for the report's head; empty where there is none."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - whichever git the user has
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
