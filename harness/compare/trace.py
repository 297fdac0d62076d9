"""The trace of one run: all that a user could see of it, in a form in which two runs can be compared.

Law states, anomalies, the app's sequence, gaps, results and attempts; the times apart from them. Identities are those
of the truth, (rank of the epoch, index), since the names of epochs and jobs are a run's own.

*Contested* is what falls within ``NEAR`` of a deed that makes it doubtful: an event emitted so close to it may have
slipped through or not, in the same world too. Deeds at 0 s are the setting, and come before everything. Just before a
stall of the weather it is an event's jitter that decides whether it is held: that changes its time only.
"""

import bisect
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from harness.deeds.catalogue import FactKind, effect_of
from harness.history import Attempt, AttemptEnd, Gap, History, Results
from harness.history.records import Record
from harness.judge.case import Case, ClientCase
from harness.judge.facts.endings import deadlines
from harness.judge.facts.screen import Shown
from harness.judge.facts.truth import ACCEPTED, Position
from harness.judge.judge import judge
from harness.judge.verdict import Evidence, LawVerdict
from harness.scenario.model import Plan, StallPulse

NEAR = 0.25
"""Seconds between a deed and an emission or a deadline, under which two worlds may order them differently."""

_OF_AN_EVENT = frozenset(FactKind) - {FactKind.ANSWER}
"""Facts that decide whether a just emitted event slips through. A client that hears a signal may add to them."""

ANOMALIES = ("lost", "duplicated", "reordered", "corrupted", "phantom", "regressed", "wrong_resumes")
"""Fields of ``Counts`` that must be equal."""


class TraceStep(msgspec.Struct, frozen=True):
    """One thing seen: what is compared of it, its time in scenario seconds, its record and the words for both."""

    key: tuple[Any, ...]
    at: float
    shown: Evidence
    position: Position = ACCEPTED  # of the event shown; of an attempt: where it resumed
    over: float = 0.0  # of an attempt: when it ended


class ClientTrace(msgspec.Struct, frozen=True, kw_only=True):
    """The trace of one client: all that its user saw.

    ``near`` are the positions emitted near a deed, ``windy`` those emitted just before a stall of the weather.
    """

    name: str
    shown: tuple[TraceStep, ...]
    gaps: tuple[TraceStep, ...]
    results: tuple[TraceStep, ...]
    attempts: tuple[TraceStep, ...]
    near: frozenset[Position]
    windy: frozenset[Position]


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """The data by which one run is compared. ``doubt`` says why it can agree with nothing; empty where it can.

    ``contested`` is when the first deed came near an emission or a deadline; None where none did.
    """

    world: str
    laws: dict[str, LawVerdict]
    anomalies: dict[str, int]
    clients: tuple[ClientTrace, ...]
    contested: float | None
    lag_p99: float | None
    lag_max: float = 0.0
    doubt: str = ""


def trace_of(plan: Plan, history: History) -> Trace:
    """Return the trace of one run. Pure, as the verdict that is part of it."""
    world = history.run.world if history.run else plan.world
    plan = msgspec.structs.replace(plan, world=world)
    case, verdict = Case(plan, history), judge(plan, history)
    return Trace(
        world=world,
        laws={law.law: law for law in verdict.laws},
        anomalies={name: getattr(verdict.counts, name) for name in ANOMALIES},
        clients=tuple(map(_client, case.clients)),
        contested=_contested(case),
        lag_p99=case.lag.p99,
        lag_max=case.slack,
        doubt=_doubt(case),
    )


def _doubt(case: Case) -> str:
    if case.empty:
        return case.nothing.replace("the history", "its history").replace("the run", "it")
    if case.cut_short:
        return f"it was cut short at {case.end:.1f} s ({case.ended})"
    if case.plan.world == "real" and case.lag.p99 is None:
        return "its scheduler lag was not measured"
    return ""


def _client(client: ClientCase) -> ClientTrace:
    return ClientTrace(
        name=client.name,
        shown=tuple(_shown(client)),
        gaps=tuple(
            _step(client, gap, (gap.reason, gap.healed), f"told a gap ({gap.reason})" + ", healed" * gap.healed)
            for gap in client.said(Gap)
        ),
        results=tuple(
            _step(client, one, (one.status, one.whole, one.length, one.digest), f"results {one.status}, {one.length} B")
            for one in client.said(Results)
        ),
        attempts=tuple(_attempts(client)),
        near=frozenset(_near(client)),
        windy=frozenset(_windy(client)),
    )


def _shown(client: ClientCase) -> Iterator[TraceStep]:
    for shown in client.screen.shown:
        app = shown.app
        position = shown.event.position if shown.event else ACCEPTED
        said = f"{app.callback} {_named(client, position)} by {app.source}"
        step = _step(client, app, (*position, app.callback, _payload(client, shown)), said, t_ns=app.enter_ns)
        yield msgspec.structs.replace(step, position=position)


def _payload(client: ClientCase, shown: Shown) -> str:
    """Return the digest; with several clients only whether it is the truth's, since it covers the job's own name."""
    if client.case.plan.client.count == 1 or not shown.app.digest:
        return shown.app.digest
    return "corrupted" if shown.corrupted else "true"


def _attempts(client: ClientCase) -> Iterator[TraceStep]:
    ends = {end.n: end for end in client.said(AttemptEnd)}
    for attempt in client.said(Attempt):
        event = client.truth.known(attempt.last_event_id, attempt.t_ns) if attempt.last_event_id else None
        position = event.position if event else ACCEPTED
        known = event is not None or not attempt.last_event_id
        end = ends.get(attempt.n)
        how, status = (end.how, end.status) if end else ("open at the end", 0)
        said = f"attempt {attempt.n} from {_named(client, position) if known else 'an unknown id'}: {how}"
        step = _step(client, attempt, (how, status, known), said + (f" {status}" if status else ""))
        over = client.case.at(end.t_ns) if end else client.case.end
        yield msgspec.structs.replace(step, position=position, over=over)


def _named(client: ClientCase, position: Position) -> str:
    """Return an event in words: by its index, and its epoch where there are several."""
    if position == ACCEPTED:
        return "the beginning"
    return f"event {position[1]}" + (f" of epoch {position[0] + 1}" if client.truth.epochs else "")


def _step(client: ClientCase, record: Record, key: tuple[Any, ...], text: str, *, t_ns: int | None = None) -> TraceStep:
    said = text if client.case.plan.client.count == 1 else f"{client.name}: {text}"
    shown = client.case.evidence(record, said, t_ns=t_ns)
    return TraceStep(key, shown.at, shown)


def _near(client: ClientCase) -> Iterator[Position]:
    deeds = _deeds(client.case, _OF_AN_EVENT)
    for event in client.truth.events:
        if _closest(client.case.at(event.intended_ns), deeds) < NEAR:
            yield event.position


def _windy(client: ClientCase) -> Iterator[Position]:
    pulses = [one.at for one in client.case.plan.weather if isinstance(one, StallPulse)]
    for event in client.truth.events:
        at = client.case.at(event.intended_ns)
        place = bisect.bisect_left(pulses, at)
        if place < len(pulses) and pulses[place] - at < NEAR:
            yield event.position


def _contested(case: Case) -> float | None:
    """When the first deed comes near an emission or a deadline of any client."""
    moments = [moment for client in case.clients for moment in _moments(client)]
    return min((deed for deed in _deeds(case, frozenset(FactKind)) if _closest(deed, moments) < NEAR), default=None)


def _moments(client: ClientCase) -> Iterator[float]:
    """Emissions, and what deadlines of the client itself brought about."""
    at = client.case.at
    yield from (at(event.intended_ns) for event in client.truth.events)
    yield from (at(attempt.t_ns) for attempt in client.said(Attempt) if attempt.cause not in {"start", "signal"})
    yield from (at(fired_ns) for fired_ns in deadlines(client))
    yield from (at(request.t_ns) for request in client.requests if request.what == "poll")


def _deeds(case: Case, facts: frozenset[FactKind]) -> list[float]:
    """When deeds are done that make such facts doubtful."""
    deeds = [deed for deed in case.plan.deeds if deed.at > 0.0]
    return sorted({deed.at for deed in deeds if effect_of(deed.act).doubtful & facts})


def _closest(at: float, others: Iterable[float]) -> float:
    return min((abs(at - other) for other in others), default=float("inf"))
