"""Do two worlds agree about a plan? A pure function of (plan, histories on real sockets, history in virtual time).

The wording is that of laws.md, section 4. Law states, anomaly counts, the app's sequence, gaps and results must be
equal; so must (attempt outcome, ``Last-Event-ID``), in order as long as no deed lay near an emission or a deadline, as
sets after that. Times differ by at most max(50 ms, 3 x lag p99). Of several real runs each thing must be as in one of
them, and each time within what they span: one disagreement is then a virtual trace outside what they all show.

What was emitted near a deed decides nothing: of two ids with nothing but such events between them either is right, and
the times of those events are not compared, nor of those just before a stall of the weather. A law that is unknown
agrees with nothing.
"""

import enum
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest

import msgspec

from harness.history import History
from harness.judge.phrases import duration
from harness.judge.trace import ClientTrace, Step, Trace, trace_of
from harness.judge.truth import ACCEPTED, Position
from harness.judge.verdict import Evidence, State
from harness.scenario.model import Plan

LEAST = 0.05
"""Seconds by which times may differ however quiet the host was."""

LAGS = 3.0
"""Scheduler lags (p99) by which they may differ where it was not."""

MOST_REAL_RUNS = 5
"""Real runs whose span a virtual trace must leave before it is told that the worlds disagree."""

SCHEMA_VERSION = 1

Key = tuple[object, ...]


class Said(enum.StrEnum):
    """What came of a comparison."""

    AGREE = "agree"
    DIFFER = "differ"
    UNKNOWN = "unknown"


class Difference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is not the same. ``real`` and ``virtual`` are the first records that differ, where they exist.

    ``what``: laws, anomalies, sequence, gaps, results, attempts or times.
    """

    what: str
    text: str
    real: Evidence | None = None
    virtual: Evidence | None = None


class Agreement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """What was found. ``first`` are the differences from the first real run alone, where more settled them.

    ``widest`` is the largest distance of a time from the span of the real runs, ``tolerance`` the one allowed, in
    seconds; ``times`` counts the times compared. ``reason`` says why the comparison is unknown.
    """

    schema_version: int = SCHEMA_VERSION
    said: Said
    differences: tuple[Difference, ...] = ()
    first: tuple[Difference, ...] = ()
    real_runs: int = 0
    times: int = 0
    widest: float = 0.0
    tolerance: float = LEAST
    reason: str = ""


def agreement(plan: Plan, real: Sequence[History], virtual: History) -> Agreement:
    """Compare the virtual history with one or more real ones of the same plan."""
    return compare([trace_of(plan, history) for history in real], trace_of(plan, virtual))


def compare(real: Sequence[Trace], virtual: Trace) -> Agreement:
    """Compare traces; see ``agreement``. A real run that says nothing is left out."""
    good = [trace for trace in real if not trace.doubt]
    if virtual.doubt:
        return Agreement(said=Said.UNKNOWN, real_runs=len(real), reason=f"of the virtual run {virtual.doubt}")
    if not good:
        why = f"of the real run {real[0].doubt}" if real else "there is no real run"
        return Agreement(said=Said.UNKNOWN, real_runs=len(real), reason=why)
    found = _differences(good, virtual)
    alone = _differences(good[:1], virtual) if len(good) > 1 and not found else ()
    doubt = _unknown_laws(good, virtual)
    apart = list(_apart(good, virtual))
    return Agreement(
        said=Said.DIFFER if found else Said.UNKNOWN if doubt else Said.AGREE,
        differences=found,
        first=alone,
        real_runs=len(real),
        times=len(apart),
        widest=max((distance for distance, *_ in apart), default=0.0),
        tolerance=tolerance(good),
        reason="" if found else doubt,
    )


def tolerance(real: Sequence[Trace]) -> float:
    """Return by how many seconds times may differ from these runs."""
    return max(LEAST, LAGS * max((trace.lag_p99 or 0.0 for trace in real), default=0.0))


def _differences(real: Sequence[Trace], virtual: Trace) -> tuple[Difference, ...]:
    return (
        *_laws(real, virtual),
        *_anomalies(real, virtual),
        *_steps(real, virtual),
        *_attempts(real, virtual),
        *_times(real, virtual),
    )


def _laws(real: Sequence[Trace], virtual: Trace) -> Iterator[Difference]:
    for name, law in virtual.laws.items():
        others = [trace.laws[name] for trace in real]
        states = {other.state for other in others}
        if law.state in states or State.UNKNOWN in {law.state, *states}:
            continue
        text = f"{name} {law.state} in virtual time, {others[0].state} on real sockets"
        shown = [next(iter(one.evidence), None) for one in (others[0], law)]
        yield Difference(what="laws", text=text, real=shown[0], virtual=shown[1])


def _unknown_laws(real: Sequence[Trace], virtual: Trace) -> str:
    """Return which law nobody can compare, and why; empty where all can be."""
    for name, law in virtual.laws.items():
        others = [trace.laws[name] for trace in real]
        unknown = next((one for one in (law, *others) if one.state is State.UNKNOWN), None)
        if unknown is not None and law.state not in {one.state for one in others} - {State.UNKNOWN}:
            return f"{name} is unknown ({unknown.reason})" if unknown.reason else f"{name} is unknown"
    return ""


def _anomalies(real: Sequence[Trace], virtual: Trace) -> Iterator[Difference]:
    for name, count in virtual.anomalies.items():
        others = [trace.anomalies[name] for trace in real]
        if count not in others:
            text = f"{count} {name.replace('_', ' ')} in virtual time, {_either(others)} on real sockets"
            yield Difference(what="anomalies", text=text)


def _steps(real: Sequence[Trace], virtual: Trace) -> Iterator[Difference]:
    """The app's sequence, the gaps and the results of each client, in order."""
    for place, client in enumerate(virtual.clients):
        others = [trace.clients[place] for trace in real]
        for what, name in (("sequence", "shown"), ("gaps", "gaps"), ("results", "results")):
            mine: tuple[Step, ...] = getattr(client, name)
            theirs: list[tuple[Step, ...]] = [getattr(other, name) for other in others]
            if _keys(mine) not in map(_keys, theirs):
                yield _first(what, theirs[0], mine)


def _attempts(real: Sequence[Trace], virtual: Trace) -> Iterator[Difference]:
    """Outcomes and ids: in order before the first contested deed, as sets after it."""
    for place, client in enumerate(virtual.clients):
        found: list[Difference] = []
        for trace in real:
            other, settled = trace.clients[place], _settled(client, trace.clients[place])
            moments = [one.contested for one in (trace, virtual) if one.contested is not None]
            found += _of_attempts(other.attempts, client.attempts, settled, min(moments, default=float("inf")))[:1]
        if len(found) == len(real):
            yield found[0]


def _of_attempts(
    theirs: Sequence[Step], mine: Sequence[Step], settled: "_Settled", contested: float
) -> list[Difference]:
    pairs = list(zip_longest(theirs, mine))
    ordered = [pair for pair in pairs if any(step is not None and step.over < contested for step in pair)]
    for other, step in ordered:
        if other is None or step is None or settled.outcome(other) != settled.outcome(step):
            return [_differing("attempts", other, step)]
    rest = pairs[len(ordered) :]
    real = {settled.outcome(step): step for step, _ in reversed(rest) if step is not None}
    virtual = {settled.outcome(step): step for _, step in reversed(rest) if step is not None}
    only_real = min((step for key, step in real.items() if key not in virtual), key=_at, default=None)
    only_virtual = min((step for key, step in virtual.items() if key not in real), key=_at, default=None)
    return [_differing("attempts", only_real, only_virtual)] if only_real or only_virtual else []


class _Settled:
    """Ids with nothing but contested events between them are one: each stands for the newest uncontested one."""

    def __init__(self, near: frozenset[Position], known: Sequence[Position]) -> None:
        self._near = near
        self._known = known

    def outcome(self, step: Step) -> Key:
        return (*step.key, self._of(step.position))

    def _of(self, position: Position) -> Position:
        if position not in self._near:
            return position
        return max((one for one in self._known if one < position), default=ACCEPTED)


def _settled(one: ClientTrace, other: ClientTrace) -> _Settled:
    near = one.near | other.near
    known = {step.position for step in (*one.shown, *other.shown)} - near
    return _Settled(near, sorted(known))


def _times(real: Sequence[Trace], virtual: Trace) -> Iterator[Difference]:
    """The first time that is further from the real ones than allowed, and how many more are."""
    allowed = tolerance(real)
    late = sorted((one for one in _apart(real, virtual) if one[0] > allowed), key=lambda one: one[2].at)
    if late:
        distance, theirs, mine = late[0]
        more = f", as are {len(late) - 1} more" if len(late) > 1 else ""
        text = f"{mine.shown.text} came {duration(distance)} apart (allowed {duration(allowed)}){more}"
        yield Difference(what="times", text=text, real=theirs.shown, virtual=mine.shown)


def _apart(real: Sequence[Trace], virtual: Trace) -> Iterator[tuple[float, Step, Step]]:
    """Each time that both worlds have: its distance from what the real ones span, the nearest of those, and its own."""
    for place, client in enumerate(virtual.clients):
        mine = [dict(_moments(client, trace.clients[place])) for trace in real]
        theirs = [dict(_moments(trace.clients[place], client)) for trace in real]
        for key in dict.fromkeys(key for moments in mine for key in moments):
            step = next(moments[key] for moments in mine if key in moments)
            others = [moments[key] for moments, own in zip(theirs, mine, strict=True) if key in moments and key in own]
            if not others:
                continue
            low, high = min(other.at for other in others), max(other.at for other in others)
            nearest = min(others, key=lambda other, at=step.at: abs(other.at - at))  # type: ignore[misc]  # bound now
            yield max(0.0, low - step.at, step.at - high), nearest, step


def _moments(one: ClientTrace, other: ClientTrace) -> Iterator[tuple[Key, Step]]:
    """The times of a client that can be held against the other's, by what they are of.

    Attempts have a pair as long as they went alike; what was emitted near a deed or before a stall has none.
    """
    seen: Counter[Key] = Counter()
    doubtful = one.near | other.near | one.windy | other.windy
    for step in one.shown:
        seen[step.key] += 1
        if step.position not in doubtful:
            yield ("shown", *step.key, seen[step.key]), step
    settled = _settled(one, other)
    for number, (step, twin) in enumerate(zip(one.attempts, other.attempts, strict=False), 1):
        if settled.outcome(step) != settled.outcome(twin):
            break
        yield ("attempt", number), step
        yield ("over", number), msgspec.structs.replace(step, at=step.over)
    for what, mine, its in (("gap", one.gaps, other.gaps), ("results", one.results, other.results)):
        for number, (step, twin) in enumerate(zip(mine, its, strict=False), 1):
            if step.key == twin.key:
                yield (what, number), step


def _first(what: str, theirs: Sequence[Step], mine: Sequence[Step]) -> Difference:
    """Where two sequences part."""
    pairs = zip_longest(theirs, mine)
    other, step = next(pair for pair in pairs if pair[0] is None or pair[1] is None or pair[0].key != pair[1].key)
    return _differing(what, other, step)


def _differing(what: str, theirs: Step | None, mine: Step | None) -> Difference:
    texts = [step.shown.text if step is not None else "nothing more" for step in (mine, theirs)]
    if texts[0] == texts[1]:
        texts[0] += ", with another content"
    return Difference(
        what=what,
        text=f"{texts[0]} in virtual time, {texts[1]} on real sockets",
        real=theirs.shown if theirs else None,
        virtual=mine.shown if mine else None,
    )


def _keys(steps: Sequence[Step]) -> list[Key]:
    return [step.key for step in steps]


def _at(step: Step) -> float:
    return step.at


def _either(counts: Sequence[int]) -> str:
    return " or ".join(map(str, dict.fromkeys(counts)))
