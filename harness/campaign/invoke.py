"""One ``harness run``, from names to a folder of results: what to run, running it, the report."""

import contextlib
import os
import platform
import signal
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec
import trio

import harness
from harness.campaign.campaign import Campaign, OnRunEnd, RunOutcome, ignore_run_end
from harness.campaign.comparisons import compare_runs
from harness.campaign.finish import Figures
from harness.campaign.folders import forget_old, kept, new_invocation, point_latest
from harness.campaign.fork_launch import FIRST_HASH_SEED, Started
from harness.campaign.late_runs import repeat_late
from harness.campaign.live import LiveDisplay, titled
from harness.campaign.selection import BOTH, Choice, chosen
from harness.console import Terminated, ended_by_sigterm
from harness.errors import BadRecords, EnvironmentFault, UsageError
from harness.report.compose import write_report
from harness.report.folder import Invocation, Manifest, key_of, read_results, write_manifest
from harness.scenario import find_project
from harness.scenario.model import Plan
from harness.scenario.project import NO_PROJECT
from harness.toxiproxy.address import is_url, url_address
from harness.world import real, virtual


class CampaignOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The caller's options, beside the choice of plans. None: the value in ``harness.toml``, else the default."""

    choice: Choice
    toxiproxy: str | None = None
    out: Path | None = None
    jobs: int | None = None
    maxfail: int | None = None
    figures: Figures = Figures.ALL
    keep: int | None = None  # results folders to leave beside the new one
    twice: bool = False  # each virtual run again, in a process with another hash seed
    command: str = ""
    unknown: Literal["fail", "warn"] = "fail"  # what an unknown verdict means for the exit code


class CampaignResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a campaign. ``page`` is None where the report could not be written: the manifest says why."""

    results: Invocation
    page: Path | None
    ran: list[RunOutcome]


def cores() -> int:
    """Return how many processes can be busy at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_jobs() -> int:
    """Three runs side by side on two cores: each takes a tenth of one, and more would disturb the latency law."""
    return cores() + cores() // 2


def length(plan: Plan) -> float:
    """About how long a run takes, in seconds: long ones are started first, so that all end together."""
    return max([plan.job.lasts, *(deed.at for deed in plan.deeds)])


def _turn(plan: Plan) -> tuple[bool, float]:
    """Virtual runs come first: they are done at once."""
    return plan.world != virtual.NAME, -length(plan)


def _refuse(options: CampaignOptions, default_toxiproxy: str | None) -> None:
    """Raise ``UsageError`` for options that do not go together, or not with the world."""
    world = options.choice.world
    if options.toxiproxy is not None and not options.toxiproxy.strip():
        raise UsageError(f"--toxiproxy takes auto, embedded, a path or a URL, not {options.toxiproxy!r}")
    chosen_toxiproxy = options.toxiproxy or default_toxiproxy or ""
    if is_url(chosen_toxiproxy):
        url_address(chosen_toxiproxy)
    if options.twice and world != virtual.NAME:
        raise UsageError(
            "--twice needs --world virtual: only there does a seed replay exactly; on real sockets the kernel's "
            "scheduler has a say (--repeat runs anew, --world both compares)"
        )
    if world == virtual.NAME and options.toxiproxy not in {None, "auto"}:
        raise UsageError(
            f"--toxiproxy {options.toxiproxy} has no place in --world virtual: its toxics are simulated in the run's "
            "own process, where no other process and no socket may be (--world real or both can use it)"
        )


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign that can begin, and what its manifest says: ``began`` in seconds of the wall clock."""

    options: CampaignOptions
    campaign: Campaign
    planned: list[Plan]
    folder: Path
    began: float

    async def run(self, stop: trio.Event) -> None:
        """Run everything, until all is done or ``stop`` is set; compare what is to be compared."""
        options = self.options
        await self.campaign.run(stop)
        await repeat_late(self.campaign, stop)
        await compare_runs(self.campaign, stop, worlds=options.choice.world == BOTH, twice=options.twice)

    def conclude(self, number: int = 0) -> CampaignResult:
        """Write the manifest and the report. ``number`` is that of the signal which stopped the runs, or 0."""
        manifest = _manifest(self.options, self.campaign, self.began, self.planned, number)
        page = None
        try:
            write_manifest(self.folder, manifest)
            # A user who interrupted once waits for no figure.
            page = write_report(self.folder, draw=self.options.figures is Figures.ALL and not number)
            point_latest(self.folder)
        except (EnvironmentFault, BadRecords) as error:  # what the runs showed is told all the same
            manifest = msgspec.structs.replace(manifest, fault=str(error))
        if self.options.keep is not None:
            forget_old(self.folder.parent, keep=self.options.keep, newest=self.folder)
        return CampaignResult(results=read_results(self.folder, manifest), page=page, ran=self.campaign.ran)


def prepare(
    options: CampaignOptions,
    live: LiveDisplay,
    on_run_end: OnRunEnd = ignore_run_end,
    *,
    forking: Started | None = None,
) -> Prepared:
    """Choose the plans and create the results folder. Nothing is started.

    Raises ``UsageError`` for bad input, and ``EnvironmentFault`` where results cannot be written.
    """
    project = find_project(Path.cwd()) or NO_PROJECT
    defaults = project.defaults
    choice = msgspec.structs.replace(
        options.choice,
        seed=defaults.seed if options.choice.seed is None else options.choice.seed,
        timeout=defaults.timeout if options.choice.timeout is None else options.choice.timeout,
    )
    planned = chosen(choice, project, live.note)
    live.expect(planned)
    _refuse(options, defaults.toxiproxy)
    live.warn(planned)
    began = real.wall_clock()
    folder = new_invocation(options.out or Path(defaults.out or "results"), began)
    campaign = Campaign(
        sorted(planned, key=_turn),
        folder,
        jobs=options.jobs or defaults.jobs or default_jobs(),
        toxiproxy=options.toxiproxy or defaults.toxiproxy or "auto",
        maxfail=options.maxfail,
        live=live,
        on_run_end=on_run_end,
        hash_seed=FIRST_HASH_SEED if options.twice else None,
        compared=options.twice or choice.world == BOTH,
        forking=forking,
        figures=options.figures,
    )
    return Prepared(options=options, campaign=campaign, planned=planned, folder=folder, began=began)


def invoke(
    options: CampaignOptions,
    live: LiveDisplay,
    on_run_end: OnRunEnd = ignore_run_end,
    *,
    forking: Started | None = None,
) -> CampaignResult:
    """Run everything, judge it, draw it, write the report. ``on_run_end`` is told of each run as it ends.

    Virtual runs are forked from a server started before, or else from one of this invocation's own.

    Raises as ``prepare`` does. SIGINT and SIGTERM stop the runs, which keep and judge what they have; a second one
    ends them at once.
    """
    prepared = prepare(options, live, on_run_end, forking=forking)
    number = real.run(partial(run_until_signalled, prepared.run, live.redraw))
    with reporting_what_is_kept(prepared.folder):
        return prepared.conclude(number)


@contextlib.contextmanager
def reporting_what_is_kept(folder: Path) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM meanwhile say what is left. Raises the interruption with these words."""
    try:
        with ended_by_sigterm():
            yield
    except (KeyboardInterrupt, Terminated) as error:
        raise type(error)(f"interrupted: {kept(folder)}") from None


async def run_until_signalled(
    main: Callable[[trio.Event], Awaitable[None]], show: Callable[[], Awaitable[None]]
) -> int:
    """Run ``main`` while it listens for signals, and ``show`` beside it. Returns the signal that stopped it, or 0.

    The first signal sets the event that ``main`` is given, the second cancels it.
    """
    stop = trio.Event()
    caught: list[int] = []
    async with trio.open_nursery() as nursery:
        await nursery.start(_watch_signals, stop, caught, nursery.cancel_scope)
        nursery.start_soon(show)
        await main(stop)
        nursery.cancel_scope.cancel()
    return caught[0] if caught else 0


async def _watch_signals(
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


def _manifest(options: CampaignOptions, campaign: Campaign, began: float, planned: list[Plan], number: int) -> Manifest:
    place = {id(plan): index for index, plan in enumerate(planned)}
    started = sorted(campaign.started, key=lambda folder: place[id(campaign.started[folder])])
    waiting = sorted(campaign.waiting, key=lambda plan: place[id(plan)])
    titles = titled(planned)
    index, count = options.choice.shard
    toxiproxies = dict.fromkeys(ran.finished.toxiproxy for ran in campaign.ran)
    return Manifest(
        started=datetime.fromtimestamp(began, UTC).isoformat(timespec="seconds"),
        seconds=round(real.wall_clock() - began, 3),
        command=options.command,
        version=harness.__version__,
        commit=_commit(),
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        toxiproxy=", ".join(name for name in toxiproxies if name),
        not_run=tuple(titles[id(plan)] for plan in waiting),
        order=tuple(map(key_of, started)),
        took={key_of(ran.folder): round(ran.took, 3) for ran in campaign.ran},
        faults={key_of(ran.folder): ran.finished.fault for ran in campaign.ran if ran.finished.fault},
        signal=number,
        unknown=options.unknown,
        shards=(f"{index}/{count}",) if count > 1 else (),
    )


def _commit() -> str:
    """Return the commit of the working folder, for the report's head; empty where there is none."""
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
