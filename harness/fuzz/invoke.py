"""One ``harness fuzz``, from what was asked for to a folder of examples."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO, cast

import msgspec
import trio

from harness.campaign.folders import new_invocation, point_latest
from harness.campaign.invoke import cores, default_jobs, run_until_signalled
from harness.clients.mutants import MUTANTS
from harness.errors import UsageError
from harness.extras import FUZZ
from harness.fuzz.confirm import confirm
from harness.fuzz.display import SearchDisplay
from harness.fuzz.findings import FailureGroup, Findings
from harness.fuzz.generate import invent
from harness.fuzz.genotype import Fault, Genotype, Paths, Texts
from harness.fuzz.saving import save_example, save_summary
from harness.fuzz.search import MOST_SHRUNK, SHRINK, Search
from harness.fuzz.tasks import Hunt, Hunted, Setup
from harness.scenario import Plan, Project, Scenario, find, find_project, load, plans
from harness.scenario.clients import named
from harness.scenario.document import Data
from harness.scenario.place import VARIABLE, nearest
from harness.scenario.project import NO_PROJECT
from harness.units import parse_instant, quote
from harness.world import real

SEEDS = 1_000
"""Tried where nothing else is asked for."""

MUTANT_SEEDS = 2_000
MUTANT_SECONDS = 30.0
"""For each mutant, whichever is over first."""


class FuzzOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The caller's options. ``seeds`` and ``seconds`` None: ``SEEDS``; both: whichever is over first."""

    scenario: str | None = None
    client: str | None = None
    first: int = 1
    seeds: int | None = None
    seconds: float | None = None
    jobs: int | None = None
    out: Path | None = None
    real: bool = True
    toxiproxy: str = "auto"


class FuzzResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a search. ``signal`` is the number of the signal that cut it short, or 0."""

    findings: Findings
    hunted: list[Hunted]
    folder: Path
    searched: float
    """Seconds of the search alone."""
    signal: int = 0


class Fuzz:
    """A search with its setup, its folder, and what stops it."""

    def __init__(self, options: FuzzOptions) -> None:
        self._options = options
        self._project: Project = find_project(Path.cwd()) or NO_PROJECT
        self.client = named(options.client, self._project.clients) if options.client is not None else None
        self.base = self._base()
        self.jobs = options.jobs or cores()
        self.search = Search(Setup(client=self.client, base=self.base), jobs=self.jobs)
        self.began = real.wall_clock()
        self.folder = new_invocation(options.out or Path("results/fuzz"), self.began)
        self._searched = 0.0

    @property
    def seeds(self) -> int | None:
        """The number of seeds to try; None where time alone is the limit."""
        return self._options.seeds or (None if self._options.seconds else SEEDS)

    def _base(self) -> Genotype | None:
        if self._options.scenario is None:
            return None
        files = find(self._options.scenario)
        if len(files) > 1:
            raise UsageError(
                f"{self._options.scenario} holds {len(files)} scenarios: expected one to invent faults over"
            )
        return base_of(load(files[0], project=self._project), project=self._project)

    async def run(self, stop: trio.Event) -> None:
        """Search, make examples small, run them on real sockets. After ``stop`` what is still to come is left out."""
        await self._search(stop)
        if self.search.findings.groups:
            await self.search.shrink(stop)
        examples = self._save_examples()
        if self._options.real and examples:
            await self._confirm(examples, stop)

    async def hunt(self, mutants: Sequence[str], stop: trio.Event) -> None:
        """Hunt these mutants; all of them where none is named."""
        hunts = [
            Hunt(
                mutant=mutant,
                first=self._options.first,
                seeds=self._options.seeds or MUTANT_SEEDS,
                seconds=self._options.seconds or MUTANT_SECONDS,
                shrink_seconds=SHRINK,
            )
            for mutant in mutants
        ]
        await self.search.mutants(hunts, stop)
        for one in self.search.hunted:
            if one.example is not None:
                group = FailureGroup(failure=one.example.failure, example=one.example.seed, faults=one.example.before)
                group.small = one.example
                folder = self.folder / one.mutant
                folder.mkdir()
                save_example(folder, group, one.example.genotype, one.mutant, self._project)

    async def _search(self, stop: trio.Event) -> None:
        with trio.move_on_after(self._options.seconds or math.inf):
            await self.search.seeds(self._options.first, self.seeds, stop)
        self._searched = real.wall_clock() - self.began

    def _save_examples(self) -> list[FailureGroup]:
        """Write a scenario for each group; return the groups that were made small."""
        for group in self.search.findings.ranked[:MOST_SHRUNK]:
            genotype = group.small.genotype if group.small else invent(group.example, self.base, project=self._project)
            client = self.client or "reference"
            group.file = save_example(self.folder, group, genotype, client, self._project).name
        return [group for group in self.search.findings.ranked if group.small]

    async def _confirm(self, groups: Sequence[FailureGroup], stop: trio.Event) -> None:
        examples: dict[bytes, list[FailureGroup]] = {}
        for group in groups:
            if group.small is not None:
                examples.setdefault(msgspec.json.encode(group.small.genotype), []).append(group)
        self.search.doing = "confirming"
        self.search.to_confirm = len(examples)
        limit = trio.CapacityLimiter(self._options.jobs or default_jobs())

        async def one(plan: Plan, alike: Sequence[FailureGroup]) -> None:
            async with limit:
                if not stop.is_set():
                    await confirm(alike, plan, self.folder / "real", self._options.toxiproxy, stop)
                    self.search.confirmed += 1

        async with trio.open_nursery() as nursery:
            for example, alike in examples.items():
                genotype = msgspec.json.decode(example, type=Genotype)
                plan = genotype.plan(client=self.client, world=real.NAME, project=self._project)
                nursery.start_soon(one, plan, alike)

    def done(self, number: int) -> FuzzResult:
        """Write the summary; return everything. ``number`` is that of the signal that cut the search short, or 0."""
        save_summary(
            self.folder,
            self.search.findings,
            client=self.client or "reference",
            first=self._options.first,
            seconds=real.wall_clock() - self.began,
            aborted=bool(number),
        )
        point_latest(self.folder)
        return FuzzResult(
            findings=self.search.findings,
            hunted=self.search.hunted,
            folder=self.folder,
            searched=self._searched,
            signal=number,
        )


def fuzz(options: FuzzOptions, stream: TextIO, *, terminal: bool, mutants: Sequence[str] | None = None) -> FuzzResult:
    """Search; or, where ``mutants`` are given (an empty list: all), hunt those.

    Raises ``UsageError`` for bad input, ``EnvironmentFault`` where hypothesis is not installed or results cannot be
    written; nothing was started.
    """
    FUZZ.require("harness fuzz")
    for name in mutants or ():
        if name not in MUTANTS:
            raise UsageError(f"{quote(name)} is no mutant{nearest(name, MUTANTS)}: expected {', '.join(MUTANTS)}")
    started = Fuzz(options)
    hunted = list(mutants or MUTANTS) if mutants is not None else []
    watch = SearchDisplay(stream, terminal=terminal, total=len(hunted) if mutants is not None else started.seeds)
    main = started.run if mutants is None else partial(started.hunt, hunted)
    number = real.run(partial(run_until_signalled, main, partial(watch.show, started.search)))
    return started.done(number)


def base_of(scenario: Scenario, *, select: Mapping[str, str] | None = None, project: Project | None = None) -> Genotype:
    """Return a checked scenario as a genotype over which faults are invented: its job, paths, settings and timeline.

    Of a sweep the first variant is taken, or the one that ``select`` names. Its expectations and its limit are about
    its own timeline and are left out; its waivers stay.

    Raises ``UsageError`` for a bad ``select``, and for a job that never ends: nothing could be healed after it.
    """
    plan = plans(scenario, select=select, project=project)[0]
    if plan.job.ends == "never":
        raise UsageError(f"{scenario.file}: the job never ends, so no fault can be over before its end")

    def section(data: Data) -> Texts:
        return cast("Texts", _replaced(data or {}, plan.variables))

    return Genotype(
        seed=plan.seed,
        title=plan.scenario,
        job=section(scenario.job),
        server=section(scenario.server),
        paths=cast("Paths", _replaced(scenario.paths, plan.variables)),
        device=section(scenario.device),
        client=section(scenario.client),
        waive=cast("Texts", scenario.waive or {}),
        kept=tuple(sorted(_timeline(_replaced(scenario.timeline, plan.variables)), key=lambda fault: fault.at)),
    )


def _replaced(data: Data, variables: Mapping[str, str]) -> Data:
    """Return the data with each name of the sweep replaced, as compiling would."""
    if isinstance(data, str):
        return VARIABLE.sub(lambda found: variables[found[1]], data)
    if isinstance(data, Mapping):
        return {str(_replaced(key, variables)): _replaced(value, variables) for key, value in data.items()}
    return [_replaced(value, variables) for value in data]


def _timeline(timeline: Data) -> Iterator[Fault]:
    for when, actors in cast("Mapping[str, Mapping[str, Data]]", timeline or {}).items():
        at = parse_instant(when.partition("..")[0].strip())
        for actor, deeds in actors.items():
            for deed in [deeds] if isinstance(deeds, str) else cast("list[str]", deeds):
                yield Fault(at=at, actor=actor, deed=deed, when=when)
