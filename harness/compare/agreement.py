"""Do two worlds agree about a plan? A pure function of (plan, histories on real sockets, history in virtual time).

Law states, anomaly counts, the app's sequence, gaps and results must be
equal; so must (attempt outcome, ``Last-Event-ID``), in order as long as no deed lay near an emission or a deadline, as
sets after that. Times differ by at most max(50 ms, 3 x lag p99). Of several real runs each thing must be as in one of
them, and each time within what they span: one disagreement is then a virtual trace outside what they all show.

A client that goes by its own timers carries each path's jitter along, from one wait to the next (three attempts over
``wifi-cafe``, +-10 ms a crossing, were 57 ms apart): a time as far off as the client's step before it is no difference
of its own. How far they drifted in all is told beside it.

*Host noise is no disagreement.* One is told only after ``MOST_REAL_RUNS`` real runs that say anything, none of which
spans the virtual one; and not where in each of them its own largest lag explains what is different: a time that is no
further off than that, beyond what is allowed anyhow; anything else where that lag is above ``NEAR``. Then it is
unknown.

What was emitted near a deed decides nothing: of two ids with nothing but such events between them either is right, and
the times of those events are not compared, nor of those just before a stall of the weather. A law that is unknown
agrees with nothing.
"""

import enum
from collections.abc import Iterator, Sequence
from itertools import zip_longest

import msgspec

from harness.compare.pairing import Key, SettledIds, apart, settled_ids
from harness.compare.trace import NEAR, Trace, TraceStep, trace_of
from harness.history import History
from harness.judge.phrases import duration
from harness.judge.verdict import Evidence, LawState
from harness.scenario.model import Plan

LEAST = 0.05
"""Seconds by which times may differ however quiet the host was."""

LAGS = 3.0
"""Scheduler lags (p99) by which they may differ where it was not."""

MOST_REAL_RUNS = 5
"""Real runs whose span a virtual trace must leave before it is told that the worlds disagree."""

SCHEMA_VERSION = 1


class AgreementWord(enum.StrEnum):
    """The result of a comparison."""

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
    """A comparison's findings. ``first`` are the differences from the first real run alone, where more settled them.

    In seconds: ``widest`` is the largest distance between two times, ``tolerance`` the one allowed, and ``drift`` how
    far a time lay from the span of the real runs, steps before it counted in. ``times`` counts the times compared.
    ``sound`` counts the real runs that say anything. ``reason`` says why the comparison is unknown.
    """

    schema_version: int = SCHEMA_VERSION
    said: AgreementWord
    differences: tuple[Difference, ...] = ()
    first: tuple[Difference, ...] = ()
    real_runs: int = 0
    sound: int = 0
    times: int = 0
    widest: float = 0.0
    drift: float = 0.0
    tolerance: float = LEAST
    reason: str = ""

    @property
    def open(self) -> bool:
        """True if another real run may settle a difference."""
        return bool(self.differences) and self.sound < MOST_REAL_RUNS


def agreement(plan: Plan, real: Sequence[History], virtual: History) -> Agreement:
    """Compare the virtual history with one or more real ones of the same plan."""
    return compare([trace_of(plan, history) for history in real], trace_of(plan, virtual))


def compare(real: Sequence[Trace], virtual: Trace) -> Agreement:
    """Compare traces; see ``agreement``. A real run that says nothing is left out."""
    good = [trace for trace in real if not trace.doubt]
    if virtual.doubt:
        return Agreement(said=AgreementWord.UNKNOWN, real_runs=len(real), reason=f"of the virtual run {virtual.doubt}")
    if not good:
        why = f"of the real run {real[0].doubt}" if real else "there is no real run"
        return Agreement(said=AgreementWord.UNKNOWN, real_runs=len(real), reason=why)
    found = _differences(good, virtual)
    alone = _differences(good[:1], virtual) if len(good) > 1 and not found else ()
    doubt = _noise(good, virtual, found) if found else _unknown_laws(good, virtual)
    pairs = list(apart(good, virtual))
    return Agreement(
        said=AgreementWord.UNKNOWN if doubt else AgreementWord.DIFFER if found else AgreementWord.AGREE,
        differences=found,
        first=alone,
        real_runs=len(real),
        sound=len(good),
        times=len(pairs),
        widest=max((one.distance for one in pairs), default=0.0),
        drift=max((one.drift for one in pairs), default=0.0),
        tolerance=tolerance(good),
        reason=doubt,
    )


def _noise(real: Sequence[Trace], virtual: Trace, found: Sequence[Difference]) -> str:
    """Return why what is different shows no model to be wrong; empty where it does."""
    if len(real) < MOST_REAL_RUNS:
        runs = "1 real run" if len(real) == 1 else f"{len(real)} real runs"
        return f"{found[0].text}, in {runs} (a disagreement takes {MOST_REAL_RUNS})"
    late = [one for one in apart(real, virtual) if one.distance > tolerance(real)]
    times = all(one.beyond_lag <= LEAST for one in late)
    orders = all(one.what == "times" for one in found) or all(trace.lag_max > NEAR for trace in real)
    lag = duration(max(trace.lag_max for trace in real))
    return f"{found[0].text}, which the host's own lag of up to {lag} explains" if times and orders else ""


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
    """Yield the laws that came out differently.

    A law that holds in virtual time and is not judged on real sockets is none of them: plan and declarations, which
    decide that, are the same, so it was the host, which was too busy for the law's limit.
    """
    for name, law in virtual.laws.items():
        others = [trace.laws[name] for trace in real]
        states = {other.state for other in others}
        if law.state in states or LawState.UNKNOWN in {law.state, *states}:
            continue
        if law.state is LawState.HELD and LawState.NOT_JUDGED in states:
            continue
        text = f"{name} {law.state} in virtual time, {others[0].state} on real sockets"
        shown = [next(iter(one.evidence), None) for one in (others[0], law)]
        yield Difference(what="laws", text=text, real=shown[0], virtual=shown[1])


def _unknown_laws(real: Sequence[Trace], virtual: Trace) -> str:
    """Return which law cannot be compared, and why; empty where all can be."""
    for name, law in virtual.laws.items():
        others = [trace.laws[name] for trace in real]
        unknown = next((one for one in (law, *others) if one.state is LawState.UNKNOWN), None)
        if unknown is not None and law.state not in {one.state for one in others} - {LawState.UNKNOWN}:
            return f"{name} is unknown ({unknown.reason})" if unknown.reason else f"{name} is unknown"
    return ""


def _anomalies(real: Sequence[Trace], virtual: Trace) -> Iterator[Difference]:
    for name, count in virtual.anomalies.items():
        others = [trace.anomalies[name] for trace in real]
        if count not in others:
            text = f"{count} {name.replace('_', ' ')} in virtual time, {_either(others)} on real sockets"
            yield Difference(what="anomalies", text=text)


def _steps(real: Sequence[Trace], virtual: Trace) -> Iterator[Difference]:
    """Yield the differences in the app's sequence, the gaps and the results of each client, in order."""
    for place, client in enumerate(virtual.clients):
        others = [trace.clients[place] for trace in real]
        for what, name in (("sequence", "shown"), ("gaps", "gaps"), ("results", "results")):
            mine: tuple[TraceStep, ...] = getattr(client, name)
            theirs: list[tuple[TraceStep, ...]] = [getattr(other, name) for other in others]
            if _keys(mine) not in map(_keys, theirs):
                yield _first(what, theirs[0], mine)


def _attempts(real: Sequence[Trace], virtual: Trace) -> Iterator[Difference]:
    """Outcomes and ids: in order before the first contested deed, as sets after it."""
    for place, client in enumerate(virtual.clients):
        found: list[Difference] = []
        for trace in real:
            other, settled = trace.clients[place], settled_ids(client, trace.clients[place])
            moments = [one.contested for one in (trace, virtual) if one.contested is not None]
            found += _of_attempts(other.attempts, client.attempts, settled, min(moments, default=float("inf")))[:1]
        if len(found) == len(real):
            yield found[0]


def _of_attempts(
    theirs: Sequence[TraceStep], mine: Sequence[TraceStep], settled: SettledIds, contested: float
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


def _times(real: Sequence[Trace], virtual: Trace) -> Iterator[Difference]:
    """Yield the first time that is further from the real ones than allowed, and how many more are."""
    allowed = tolerance(real)
    late = sorted((one for one in apart(real, virtual) if one.distance > allowed), key=lambda one: one.virtual.at)
    if late:
        first = late[0]
        more = f", and {len(late) - 1} more did" if len(late) > 1 else ""
        text = f"{first.virtual.shown.text} came {duration(first.distance)} apart (allowed {duration(allowed)}){more}"
        yield Difference(what="times", text=text, real=first.real.shown, virtual=first.virtual.shown)


def _first(what: str, theirs: Sequence[TraceStep], mine: Sequence[TraceStep]) -> Difference:
    """Return the place at which two sequences part."""
    pairs = zip_longest(theirs, mine)
    other, step = next(pair for pair in pairs if pair[0] is None or pair[1] is None or pair[0].key != pair[1].key)
    return _differing(what, other, step)


def _differing(what: str, theirs: TraceStep | None, mine: TraceStep | None) -> Difference:
    texts = [step.shown.text if step is not None else "nothing more" for step in (mine, theirs)]
    if texts[0] == texts[1]:
        texts[0] += ", with another content"
    return Difference(
        what=what,
        text=f"{texts[0]} in virtual time, {texts[1]} on real sockets",
        real=theirs.shown if theirs else None,
        virtual=mine.shown if mine else None,
    )


def _keys(steps: Sequence[TraceStep]) -> list[Key]:
    return [step.key for step in steps]


def _at(step: TraceStep) -> float:
    return step.at


def _either(counts: Sequence[int]) -> str:
    return " or ".join(map(str, dict.fromkeys(counts)))
