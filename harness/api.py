"""The names that Python users import, all as ``harness.NAME``: load a scenario, run it, judge results again.

Every run is a process of its own, in either world, so none shares an event loop with its caller. A run that fails is
a ``Result``; only what kept a run from being judged is an exception.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from html import escape
from io import StringIO
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
import trio
import yaml

from harness.campaign.invoke import CampaignOptions, CampaignResult, Prepared, prepare
from harness.campaign.live import LiveDisplay
from harness.campaign.rejudge import judge_results, results_folder
from harness.campaign.selection import Choice
from harness.errors import BadRecords, EnvironmentFault, UsageError
from harness.extras import REPORT
from harness.files import read_bytes
from harness.history import records
from harness.judge.verdict import Interval, LawVerdict, Verdict
from harness.report import compose, terminal
from harness.report.folder import MANIFEST, Invocation, Manifest, RunResult, read_json, read_results, write_manifest
from harness.report.wording import printable
from harness.scenario import Scenario, document, find, find_project, loading
from harness.scenario.place import nearest

World = Literal["real", "virtual", "both"]


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of a run, as SVG text and as the bytes of a PNG on white. A notebook shows it by itself."""

    name: str
    svg: str
    png: bytes

    def __repr__(self) -> str:
        """Return its name; an image is no text to print."""
        return f"<Picture {self.name}>"

    def _repr_svg_(self) -> str:
        return self.svg


class Result:
    """One run: what was asked of it, what was recorded, and what the judge says of it.

    ``str(result)`` is what the terminal says of it; in a notebook it draws itself.
    """

    def __init__(self, run: RunResult) -> None:
        self._run = run

    @property
    def verdict(self) -> str:
        """The word: pass, fail, unknown or void; ``interrupted`` where that is why nothing can be said."""
        return self._run.word

    @property
    def sentence(self) -> str:
        """The judge's sentence on the run, in the app's words."""
        return self._run.verdict.sentence

    @property
    def passed(self) -> bool:
        """True for the verdict ``pass``."""
        return self.verdict == "pass"

    @property
    def details(self) -> Verdict:
        """Everything that ``verdict.json`` holds."""
        return self._run.verdict

    @property
    def laws(self) -> Mapping[str, LawVerdict]:
        """Each law of the run by its word, such as ``no-gap``; its ``state`` is held, failed, unknown or not judged."""
        return {law.law: law for law in self._run.verdict.laws}

    @property
    def measures(self) -> Mapping[str, Interval]:
        """Each figure by its name, such as ``update latency p99``: ``value``, ``low``, ``high``, ``n``, ``unit``."""
        return self._run.verdict.measures

    @property
    def scenario(self) -> str:
        """The scenario's short name."""
        return self._run.plan.name

    @property
    def variant(self) -> str:
        """The variant of the sweep; empty without one."""
        return self._run.plan.variant

    @property
    def client(self) -> str:
        """The name of the client under test."""
        return self._run.verdict.client

    @property
    def seed(self) -> int:
        """The seed of all draws: the run again, with ``run_scenario(…, seed=…)``."""
        return self._run.plan.seed

    @property
    def folder(self) -> Path:
        """The folder of plan, history, verdict and figures."""
        return self._run.folder

    @property
    def results_folder(self) -> Path:
        """Where the report of all runs that were made together is; what ``rejudge`` takes."""
        return self.folder.parents[1]

    def records(self) -> list[records.Record]:
        """Return the history, record by record, in the order of time. Raises ``BadRecords`` where it is damaged."""
        return list(self._run.history.records)

    def figure(self, name: str = "strip") -> Picture:
        """Return a figure of the run: strip, zoom, staleness, latency or distribution.

        Raises ``UsageError`` for a name that this run has no figure of, and ``EnvironmentFault`` without the plotting
        library.
        """
        known = sorted(path.stem for path in self.folder.glob("*.svg"))
        if not known:
            REPORT.require("a figure")
            known = sorted({path.stem for path in compose.draw_run(self.folder)})
        if name not in known:
            raise UsageError(f"{name!r} is no figure of this run{nearest(name, known)}: it has {', '.join(known)}")
        svg = read_bytes(self.folder / f"{name}.svg").decode()
        return Picture(name=name, svg=svg, png=read_bytes(self.folder / f"{name}.png"))

    def report(self, folder: str | os.PathLike[str]) -> Path:
        """Write the report of this run alone into a new folder, its files beside it, and return the page.

        Raises ``UsageError`` where the folder holds something, ``EnvironmentFault`` where it cannot be written.
        """
        target = Path(folder)
        try:
            if target.exists() and any(target.iterdir()):
                raise UsageError(f"{target} is not empty: a report needs a folder of its own")
            inside = target / self.folder.parent.name
            shutil.copytree(self.folder, inside / self.folder.name)
            for beside in self.folder.parent.glob("*.yaml"):
                shutil.copy(beside, inside)
            write_manifest(target, self._alone())
        except OSError as error:
            raise EnvironmentFault(f"cannot write {target}: {error.strerror or error}") from error
        return compose.write_report(target)

    def _alone(self) -> Manifest:
        """Return what its invocation said of machine and command, of this run alone."""
        with contextlib.suppress(BadRecords):
            whole = read_json(self.results_folder / MANIFEST, Manifest)
            took = {key: took for key, took in whole.took.items() if key == self._run.key}
            return msgspec.structs.replace(whole, order=(self._run.key,), not_run=(), took=took, faults={}, fault="")
        return Manifest(order=(self._run.key,))

    def __str__(self) -> str:
        """Return what the terminal says of this run."""
        invocation = Invocation(folder=self.results_folder, runs=[self._run])
        return terminal.render(invocation).rstrip("\n")

    def __repr__(self) -> str:
        """Return its title and its verdict, in one line."""
        return f"<Result {self._run.title} {self.client} seed {self.seed}: {self.verdict}>"

    def _repr_html_(self) -> str:
        drawn = ""
        with contextlib.suppress(UsageError, EnvironmentFault, BadRecords):
            drawn = self.figure("strip").svg
        return f"<pre>{escape(str(self))}</pre>{drawn[max(0, drawn.find('<svg')) :]}"


def load(path: str | os.PathLike[str]) -> Scenario:
    """Return the scenario of a file, or the bundled one of this name (``handoff``), wholly checked.

    Raises ``UsageError`` where there is none, and ``ScenarioError``, which is one, with every mistake in it.
    """
    found = find(os.fspath(path))
    if len(found) != 1:
        raise UsageError(f"{os.fspath(path)} holds {len(found)} scenarios: load one of them")
    return loading.load(found[0], project=find_project(Path.cwd()))


def run_scenario(
    scenario: Scenario | str | os.PathLike[str],
    *,
    world: World = "real",
    client: str | None = None,
    seed: int | None = None,
    select: Mapping[str, str] | None = None,
    toxiproxy: str = "auto",
    out: str | os.PathLike[str] | None = None,
) -> list[Result]:
    """Run a scenario and return a result for each of its variants, in the order of the file.

    ``scenario`` is one that was loaded or built, a file, or the name of a bundled one. ``client`` is a name as on the
    command line. ``select`` keeps the variants with these values. ``out`` is where the results folder is made:
    ``results``, or what ``harness.toml`` says, without it. Nothing is printed.

    Raises ``UsageError`` for what cannot be run, ``ScenarioError`` for mistakes in the scenario, ``EnvironmentFault``
    where this machine kept a run from being judged. In a trio program use ``arun_scenario``.
    """
    if trio.lowlevel.in_trio_run():
        raise UsageError("run_scenario was called inside trio: use `await harness.arun_scenario(…)` there")
    options = _options(scenario, world, client, seed, select, toxiproxy, out)
    return trio.run(_carry_out, prepare(options, _silent()))


async def arun_scenario(
    scenario: Scenario | str | os.PathLike[str],
    *,
    world: World = "real",
    client: str | None = None,
    seed: int | None = None,
    select: Mapping[str, str] | None = None,
    toxiproxy: str = "auto",
    out: str | os.PathLike[str] | None = None,
) -> list[Result]:
    """Do what ``run_scenario`` does, inside trio. Cancelled, it ends its processes; what was recorded is kept."""
    options = _options(scenario, world, client, seed, select, toxiproxy, out)
    return await _carry_out(prepare(options, _silent()))


def rejudge(folder: str | os.PathLike[str]) -> list[Result]:
    """Judge the runs of a results folder again, from their files alone, and write its report anew.

    ``folder`` is a result's ``results_folder``, or one that holds a ``latest``, as ``results`` does.

    Raises ``UsageError`` where it holds no runs, ``BadRecords`` where they are damaged or of an older harness.
    """
    target = results_folder(Path(folder))
    judge_results(target)
    return [Result(run) for run in read_results(target).runs]


def _options(  # noqa: PLR0917 - the arguments of its two callers
    scenario: Scenario | str | os.PathLike[str],
    world: World,
    client: str | None,
    seed: int | None,
    select: Mapping[str, str] | None,
    toxiproxy: str,
    out: str | os.PathLike[str] | None,
) -> CampaignOptions:
    one = scenario if isinstance(scenario, Scenario) else load(scenario)
    if world not in get_args(World):
        raise UsageError(f"expected the world real, virtual or both, got {world!r}")
    if seed is not None and type(seed) is not int:
        raise UsageError(f"expected the seed as an int, got {seed!r}")
    choice = Choice(targets=(_with_text(one),), client=client, seed=seed, select=dict(select or {}), world=world)
    return CampaignOptions(choice=choice, toxiproxy=toxiproxy, out=None if out is None else Path(out))


def _with_text(scenario: Scenario) -> Scenario:
    """Return a scenario that was built in Python with the text of the file that it would be, for its results folder."""
    if scenario.source:
        return scenario
    said = {name: _text(value) for name in document.SECTIONS if (value := getattr(scenario, name)) not in ("", {}, ())}
    source = yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=110)
    return msgspec.structs.replace(scenario, **said, source=source)


def _text(data: Any) -> Any:
    """Return numbers as the text that a file has of them; what else is no text is left for the language to refuse."""
    if isinstance(data, Mapping):
        return {key: _text(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_text(value) for value in data]
    return str(data) if isinstance(data, int | float) and not isinstance(data, bool) else data


async def _carry_out(prepared: Prepared) -> list[Result]:
    await prepared.run(trio.Event())
    return _results(await trio.to_thread.run_sync(prepared.conclude))


def _results(done: CampaignResult) -> list[Result]:
    """Return the runs. Raises ``EnvironmentFault`` with the reason for each run without a verdict."""
    if faults := list(dict.fromkeys(_faults(done))):
        raise EnvironmentFault("\n".join(printable(fault) for fault in faults))
    return [Result(run) for run in done.results.runs]


def _faults(done: CampaignResult) -> Iterator[str]:
    judged = {run.key for run in done.results.runs}
    yield from (f"{key}: {why}" for key, why in done.results.manifest.faults.items() if key not in judged)
    yield from done.results.left_out
    if done.results.manifest.fault:
        yield done.results.manifest.fault


def _silent() -> LiveDisplay:
    return LiveDisplay(StringIO(), terminal=False)
