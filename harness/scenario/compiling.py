"""Compiling: a scenario → its variants → a plan for each, or every problem at once."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec

from harness.chance import Chance
from harness.deeds.acts import Deed
from harness.errors import Problem, ScenarioError, UsageError
from harness.scenario.bounds import refuse_excess
from harness.scenario.clients import named, read_client
from harness.scenario.deadlines import horizon, terminal_due
from harness.scenario.document import SECTIONS, Data, Scenario, Trail
from harness.scenario.emissions import accepted, intended
from harness.scenario.expectations import read_expectations, read_mutants, read_waivers
from harness.scenario.model import DeviceSpec, Expectation, JobSpec, Plan, Warned, job_ends
from harness.scenario.paths import WrittenPath, read_paths
from harness.scenario.phrases import choice, more_than_zero
from harness.scenario.place import MOST_PROBLEMS, VARIABLE, Book, Place
from harness.scenario.project import NO_PROJECT, Project
from harness.scenario.reachability import attended, lost_for_good, unattended
from harness.scenario.sense import BY_A_WAY, coinciding, hopeless, impassable, indigestible, pointless, restless, unmet
from harness.scenario.settings import read_device, read_job, read_server
from harness.scenario.sweep import Variant, read_sweep, selected
from harness.scenario.timeline import before, departures, read_timeline, renumbered
from harness.scenario.weather import MOST_CHANGES, weather
from harness.units import parse_count, parse_duration, quote, spell_duration

DEFAULT_SEED = 7
"""The seed of a run that names none, so that two runs of a file meet the same weather."""

WORLDS = ("real", "virtual")

WORLD = choice("world", {"any": "real", "virtual": "virtual"})
"""Where a scenario may run: anywhere, or in virtual time alone, being too long for real sockets."""

_NOT_REPLACED = ("scenario", "about", "seed", "waive", "sweep")
"""Sections in which ``$`` is a sign like any other."""

_REQUIRED = {"scenario": "scenario: a title", "job": "job: {lasts: 60s}", "paths": "paths: {wifi: wifi}"}


class _Draft(NamedTuple):
    """One variant, read: the plan without its draws, departures and horizon, and the problems met."""

    variant: Variant
    plan: Plan
    ways: dict[str, WrittenPath]
    problems: list[Problem]


def check(scenario: Scenario, noted: Sequence[Problem] = (), project: Project = NO_PROJECT) -> None:
    """Raise ``ScenarioError`` with all problems of all variants; nothing is drawn.

    ``noted`` are the problems of the file's structure: what else is wrong in their lines may well be their consequence.
    """
    variants, book = _variants(scenario)
    problems = _problems(scenario, book, _drafts(scenario, variants, project))
    lines = {problem.line for problem in noted}
    _raise([*noted, *(problem for problem in problems if problem.line not in lines)], scenario.file)


def plans(
    scenario: Scenario,
    *,
    seed: int | None = None,
    client: str | None = None,
    select: Mapping[str, str] | None = None,
    limit: float | None = None,
    world: str = "real",
    project: Project | None = None,
) -> list[Plan]:
    """Return the plans of the variants, in the file's order.

    ``seed``, ``limit`` (seconds) and ``client`` are the command line's and win over the file; ``client`` also drops the
    file's policies, or they would heal the client asked for (see ``read_client``). ``select`` picks variants by their
    values. ``project`` knows more clients. A scenario that is for virtual time alone has plans of no other ``world``.

    Raises ``ScenarioError`` for problems of the scenario, ``UsageError`` for
    those of the arguments.
    """
    if world not in WORLDS:
        raise UsageError(f"expected the world {' or '.join(WORLDS)}, got {quote(world)}")
    if limit is not None and not 0 < limit < math.inf:
        raise UsageError(f"expected a limit of more than zero, got {limit:g} s")
    project = project or NO_PROJECT
    replaced_by = None if client is None else named(client, project.clients)
    variants, book = _variants(scenario)
    drafts = _drafts(scenario, variants, project, replaced_by, seed)
    _raise(_problems(scenario, book, drafts), scenario.file)
    asked = selected(variants, select or {})
    found: list[Plan] = []
    room = MOST_CHANGES
    for draft in drafts:
        if draft.variant in asked:
            found.append(_finished(draft, scenario, limit, world, room))
            room -= len(found[-1].weather)
    return found


def _variants(scenario: Scenario) -> tuple[list[Variant], Book]:
    book = Book(file=scenario.file, marks=scenario.marks)
    return read_sweep(Place(book, ("sweep",), scenario.sweep, raw=True)), book


def _drafts(
    scenario: Scenario,
    variants: Sequence[Variant],
    project: Project,
    replaced_by: str | None = None,
    seed: int | None = None,
) -> list[_Draft]:
    """Read the variants, up to the first with more problems than will be told."""
    drafts: list[_Draft] = []
    for variant in variants:
        drafts.append(_read(scenario, variant, project, replaced_by, seed))
        if len(drafts[-1].problems) >= MOST_PROBLEMS:
            break
    return drafts


def _problems(scenario: Scenario, book: Book, drafts: Sequence[_Draft]) -> list[Problem]:
    """Return each problem once; a problem that not all variants have names its variants."""
    owners: dict[Problem, list[str]] = {}
    for draft in drafts:
        for problem in dict.fromkeys(draft.problems):
            owners.setdefault(problem, []).append(draft.variant.name)
    problems = list(book.problems)
    for problem, names in owners.items():
        whose = f" (with {names[0]})" if len(names) < len(drafts) else ""
        problems.append(Problem(problem.file, problem.line, problem.column, problem.message + whose))
    return [*problems, *_unused(scenario, drafts[0].variant)]


def _raise(problems: list[Problem], file: str) -> None:
    """Raise the problems in file order, if there are any."""
    if problems:
        problems.sort(key=lambda problem: (problem.line, problem.column))
        rest = len(problems) - MOST_PROBLEMS
        more = [Problem(file, 0, 0, f"and {rest} problems more")] if rest > 0 else []
        raise ScenarioError((*problems[:MOST_PROBLEMS], *more))


def _unused(scenario: Scenario, variant: Variant) -> list[Problem]:
    """Return a problem for each name of the sweep that nothing uses, at its (first) place."""
    if not variant.variables:
        return []
    sections = [getattr(scenario, section) for section in SECTIONS if section not in _NOT_REPLACED]
    used = {name for text in _texts(sections) for name in VARIABLE.findall(text)}
    sweep = Book(file=scenario.file, marks=scenario.marks)
    for name in variant.variables:
        if name not in used:
            trail: Trail = ("sweep", name) if isinstance(scenario.sweep, Mapping) else ("sweep", 0, name)
            Place(sweep, trail, "").fail(f'nothing uses "${name}"', at_key=True)
    return sweep.problems


def _texts(data: Data) -> Iterator[str]:
    """Yield all keys and values."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        yield from data
        yield from _texts(list(data.values()))
    elif isinstance(data, Sequence):
        for value in data:
            yield from _texts(value)


def _read(scenario: Scenario, variant: Variant, project: Project, replaced_by: str | None, seed: int | None) -> _Draft:
    """Read all sections of one variant."""
    book = Book(file=scenario.file, marks=scenario.marks, variables=variant.variables)

    def place(section: str, *, raw: bool = False) -> Place:
        return Place(book, (section,), getattr(scenario, section), raw)

    _require(book, scenario)
    ways = read_paths(place("paths")) if scenario.paths else {}
    device = read_device(place("device"), ways) if ways else {"starts_on": ""}
    specs = {name: way.spec for name, way in ways.items()}
    written = (place("seed", raw=True).read(parse_count) or 0) if scenario.seed else DEFAULT_SEED
    seed = written if seed is None else seed
    deeds = read_timeline(place("timeline"), specs, device["starts_on"], Chance(seed)) if ways else ()
    plan = Plan(
        scenario=_free_text(place("scenario", raw=True)),
        about=_free_text(place("about", raw=True)),
        name=scenario.name,
        source=scenario.source,
        file=scenario.file,
        variant=variant.name,
        variables=dict(variant.variables),
        seed=seed,
        job=read_job(place("job")) if scenario.job else JobSpec(lasts=1.0),
        server=read_server(place("server")),
        paths=specs,
        device=DeviceSpec(**device),
        client=read_client(place("client"), replaced_by, project.clients),
        deeds=deeds,
        expect=read_expectations(place("expect")),
        waive=read_waivers(place("waive", raw=True)),
        mutants=read_mutants(place("mutants")),
        limit=place("limit").read(more_than_zero(parse_duration)) if scenario.limit else None,
        **((place("world").read(WORLD.parse) or {}) if scenario.world else {}),
        horizon=0.0,
    )
    for deed in plan.deeds:
        if why := pointless(deed, plan.server):
            book.problems.append(Problem(book.file, deed.line, deed.column, f"timeline {quote(deed.text)}: {why}"))
    if late := _too_late(plan):
        deed, why = late
        book.problems.append(Problem(book.file, deed.line, deed.column, why))
    if not book.problems:
        refuse_excess(plan, book)
    if not book.problems:  # else the plan may not be what was meant
        weighed = _weighed(_departed(plan, ways), scenario, book, replaced=replaced_by is not None)
        plan = msgspec.structs.replace(plan, warnings=weighed)
    return _Draft(variant, plan, ways, book.problems)


def _weighed(plan: Plan, scenario: Scenario, book: Book, *, replaced: bool) -> tuple[Warned, ...]:
    """Note what of a plan tests nothing or cannot be met by any client; return the warnings that it earns."""
    over = terminal_due(plan)
    for deed in {(deed.line, deed.column): deed for deed in reversed(tuple(unattended(plan)))}.values():
        why = f"at {deed.at:g} s {_job(plan)} has been over for {round(deed.at - over, 3):g} s"
        _note(book, deed, f"timeline {spell_duration(deed.at)}: {why}: nothing would be tried")
    warnings = []
    if loss := lost_for_good(plan):
        for expected in plan.expect:
            if expected.metric in BY_A_WAY:
                _note(book, expected, f"expect {expected.metric}: no client could meet it: {impassable(loss)}")
        line, column = (loss.deed.line, loss.deed.column) if loss.deed else book.mark(("paths",)).key
        warnings.append(Warned(line=line, column=column, text=hopeless(loss)))
    told: dict[tuple[int, int], Warned] = {}  # of a repeated deed the first
    for deed, why in (*unmet(plan), *coinciding(plan)):
        told.setdefault((deed.line, deed.column), Warned(line=deed.line, column=deed.column, text=why))
    warnings += told.values()
    for why, policy, other in (
        (restless(plan), "watchdog", ("server", "keepalive")),
        (indigestible(plan), "max event", ("job", "event size")),
    ):
        written = [("client", policy)] * (not replaced) + [other, ("client",)]
        trail = next((trail for trail in written if trail in scenario.marks), ())
        line, column = book.mark(trail).value
        if why:
            warnings.append(Warned(line=line, column=column, text=why))
    return tuple(warnings)


def _note(book: Book, what: Deed | Expectation, message: str) -> None:
    book.problems.append(Problem(book.file, what.line, what.column, message))


def _job(plan: Plan) -> str:
    """Return the job as a sentence names it: by its length, where no deed ends it sooner."""
    return "the job" if job_ends(plan) else f"the job of {plan.job.lasts:g} s"


def warned(plans: Sequence[Plan]) -> list[Problem]:
    """Return each warning of these plans once, in file order; a warning that some plans lack names its variants."""
    owners: dict[Problem, list[str]] = {}
    counts = Counter(plan.file for plan in plans)
    for plan in plans:
        for one in plan.warnings:
            owners.setdefault(Problem(plan.file, one.line, one.column, one.text, "warning"), []).append(plan.variant)
    found = [
        replace(problem, message=problem.message + (f" (with {names[0]})" if len(names) < counts[problem.file] else ""))
        for problem, names in owners.items()
    ]
    return sorted(found, key=lambda problem: (problem.file, problem.line, problem.column))


def _require(book: Book, scenario: Scenario) -> None:
    for section, example in _REQUIRED.items():
        if not getattr(scenario, section):
            Place(book, (), "").fail(f'"{section}" is missing, such as {example}')


def _free_text(place: Place) -> str:
    return " ".join((place.read(str) or "").split())


def _end(plan: Plan) -> tuple[float, str]:
    """Return when the run ends in any case, and why."""
    limit = (math.inf if plan.limit is None else plan.limit, "the limit")
    never = plan.job.ends == "never"
    left = (plan.client.arrive + plan.job.lasts if never else math.inf, "the job that never ends is left")
    return min(limit, left)


def _too_late(plan: Plan) -> tuple[Deed, str] | None:
    """Return the first deed that the run would not live to see, and why: unproved, it would make the run void."""
    end, why = _end(plan)
    for deed in plan.deeds:
        if deed.at >= end and deed.undoes is None:
            return deed, f"timeline {spell_duration(deed.at)}: comes after {why} at {spell_duration(end)}"
    return None


def _departed(plan: Plan, ways: Mapping[str, WrittenPath]) -> Plan:
    """Return the plan with the departures that its profiles bring before the run's end, where a client meets them."""
    starts = {name: (way.profile.name, way.mark) for name, way in ways.items()}
    gone = [deed for deed in departures(plan.deeds, starts, _end(plan)[0]) if attended(plan, deed.at)]
    deeds = renumbered(sorted((*plan.deeds, *gone), key=lambda deed: deed.at))
    return msgspec.structs.replace(plan, deeds=deeds)


def _finished(draft: _Draft, scenario: Scenario, limit: float | None, world: str, room: int) -> Plan:
    """Return the plan with the command line's words, its departures, its horizon and at most so much weather."""
    plan = draft.plan
    plan = msgspec.structs.replace(
        plan,
        limit=plan.limit if limit is None else limit,
        world=world if plan.world == "real" else plan.world,
    )
    if late := _too_late(plan):
        raise UsageError(late[1])
    plan = msgspec.structs.replace(plan, deeds=before(plan.deeds, _end(plan)[0]))
    plan = _departed(plan, draft.ways)
    plan = msgspec.structs.replace(plan, horizon=horizon(plan))
    emissions = intended(plan, accepted(plan))
    profiles = {name: way.profile for name, way in draft.ways.items()}
    try:
        changes = weather(profiles, plan.deeds, emissions, Chance(plan.seed), plan.horizon, most=room)
    except UsageError as refusal:
        book = Book(file=scenario.file, marks=scenario.marks)
        Place(book, ("paths",), "").fail(str(refusal), at_key=True)
        raise ScenarioError(tuple(book.problems)) from None
    return msgspec.structs.replace(plan, weather=changes)
