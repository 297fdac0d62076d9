"""``expect``: each bound of the file against what was measured, and against its interval where it has one.

Upper end inside the limit passes, lower end outside fails, else unknown. Several clients or outages: every one must
meet the limit, and the worst is shown. What was missing when a run was cut short is unknown.
"""

import math

import msgspec

from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.explain.shortfalls import shortfall
from harness.judge.measures.metrics import (
    COUNTS,
    CROWDS,
    DURATIONS,
    MOMENTS,
    NEVER,
    SIZES,
    Measurement,
    absent,
    crowd,
    exactly,
)
from harness.judge.percentiles import LOST
from harness.judge.verdict import ExpectationVerdict, Interval, LawState
from harness.scenario.model import Expectation

_WORST = {LawState.FAILED: 0, LawState.UNKNOWN: 1, LawState.HELD: 2, LawState.NOT_JUDGED: 3}


class _Judged(msgspec.Struct, frozen=True):
    reading: Measurement
    state: LawState
    reason: str
    client: ClientCase | None = None


def judge_expectations(case: Case) -> tuple[ExpectationVerdict, ...]:
    """Return the verdict on every expectation of the plan, in the file's order."""
    return tuple(_verdict(case, expectation) for expectation in case.plan.expect)


def _verdict(case: Case, expectation: Expectation) -> ExpectationVerdict:
    unit = "s" if expectation.metric in DURATIONS or expectation.metric in MOMENTS else expectation.unit
    judged = [
        msgspec.structs.replace(_state(case, expectation, reading), client=client)
        for client, reading in _readings(case, expectation)
    ]
    worst = min(judged, key=lambda one: (_WORST[one.state], -_badness(expectation, one.reading)))
    verdict = ExpectationVerdict(
        metric=expectation.metric,
        limit=expectation.text or f"{expectation.sort} {expectation.limit:g}",
        state=worst.state,
        measured=Interval.of(worst.reading.estimate, unit),
        margin=_margin(expectation, worst.reading.estimate.value),
        line=expectation.line,
        reason=worst.reason,
    )
    return _explained(verdict, expectation, worst.client) if worst.state is LawState.FAILED else verdict


def _explained(verdict: ExpectationVerdict, expectation: Expectation, client: ClientCase | None) -> ExpectationVerdict:
    """Return a bound that was not met with its story."""
    never = verdict.measured.value == "lost" and verdict.reason in NEVER.values()
    what = verdict.reason if never else f"{verdict.metric} {_said(verdict.measured)}"
    cause = shortfall(client, expectation) if client is not None else None
    text = f"{what} (limit {verdict.limit})"
    if cause is None:
        return msgspec.structs.replace(verdict, sentence=text)
    return msgspec.structs.replace(
        verdict,
        sentence=f"{text}: {cause.sentence}",
        evidence=cause.evidence,
        advice=cause.advice,
        cause=cause.key,
    )


def _said(measured: Interval) -> str:
    value = measured.value
    if not isinstance(value, float | int):
        return "never" if value == "lost" else "unknown"
    match measured.unit:
        case "s":
            return phrases.duration(value)
        case "%":
            return f"{value:.0%}".replace("%", " %")
        case "B":
            return phrases.size(value)
        case _:
            return f"{value:g}"


def _readings(case: Case, expectation: Expectation) -> list[tuple[ClientCase | None, Measurement]]:
    """Return one reading for each client, or for each of its outages."""
    if case.empty:
        return [(None, absent(case.nothing, judged=True))]
    if expectation.metric in CROWDS:
        return [(None, crowd(case, expectation.metric, expectation.unit))]
    found = [(client, reading) for client in case.clients for reading in _of_client(case, expectation, client)]
    return [*found] or [(None, absent("no outage in this run", judged=False))]


def _of_client(case: Case, expectation: Expectation, client: ClientCase) -> list[Measurement]:
    metric = expectation.metric
    if metric in COUNTS:
        return [exactly(COUNTS[metric](client), open_=case.cut_short)]
    if metric in DURATIONS:
        return DURATIONS[metric](client, expectation.statistic)
    if metric in MOMENTS:
        return [_moment(case, expectation, MOMENTS[metric](client), client.truth.terminal)]
    if metric in SIZES:
        return [SIZES[metric](client)]
    return [absent(f"this harness knows no metric {metric!r}", judged=True)]


def _moment(case: Case, expectation: Expectation, at_ns: int | None, end: object) -> Measurement:
    """Return how long after its reference a moment came; never: infinitely late."""
    reference = _reference(case, expectation, end)
    if reference is None:
        return absent("the job did not end", judged=case.plan.job.ends != "never")
    if at_ns is not None:
        return exactly(max(0.0, case.at(at_ns) - reference))
    late = case.end - reference > expectation.limit
    if case.cut_short and not late:
        return absent("the run was cut short", judged=True)
    return exactly(LOST, reason=NEVER[expectation.metric])


def _reference(case: Case, expectation: Expectation, end: object) -> float | None:
    moment = expectation.moment
    if moment is None or moment.word == "the start":
        return 0.0
    if moment.word == "at":
        return moment.at
    stamp = getattr(end, "actual_ns", None)
    return None if stamp is None else case.at(stamp)


def _state(case: Case, expectation: Expectation, reading: Measurement) -> _Judged:
    found = reading.estimate
    if not reading.judged:
        return _Judged(reading, LawState.NOT_JUDGED, reading.reason)
    if found.value is None or found.low is None or found.high is None:
        return _Judged(reading, LawState.UNKNOWN, reading.reason)
    timed = expectation.metric in DURATIONS or expectation.metric in MOMENTS
    slack = case.slack if timed else 0.0
    low, high = _inside(expectation, found.low, slack), _inside(expectation, found.high, slack)
    if reading.open and not _settled(expectation, found.value):
        return _Judged(reading, LawState.UNKNOWN, "the run was cut short")
    if low == high:
        doubt = case.doubtful(expectation.limit) if timed and not math.isinf(found.value) else ""
        if doubt:
            return _Judged(reading, LawState.UNKNOWN, doubt)
        return _Judged(reading, LawState.HELD if high else LawState.FAILED, reading.reason)
    span = f"{phrases.duration(found.low)} to {phrases.duration(found.high)}"
    return _Judged(reading, LawState.UNKNOWN, f"the interval {span} holds the limit")


def _settled(expectation: Expectation, value: float) -> bool:
    """Return whether a figure that can only grow has its verdict already: enough of it, or too much."""
    if expectation.sort == "at least":
        return value >= expectation.limit
    return value > expectation.limit


def _inside(expectation: Expectation, value: float, slack: float) -> bool:
    match expectation.sort:
        case "at least":
            return value >= expectation.limit
        case "at most":
            return value <= expectation.limit
        case "under":
            return value < expectation.limit + slack
        case "within":
            return value <= expectation.limit + slack
        case _:
            return value == expectation.limit


def _badness(expectation: Expectation, reading: Measurement) -> float:
    value = reading.estimate.value
    if value is None:
        return 0.0
    if expectation.sort == "at least":
        return -value
    return abs(value - expectation.limit) if expectation.sort == "is" else value


def _margin(expectation: Expectation, value: float | None) -> float | None:
    if value is None or math.isinf(value):
        return None
    if expectation.sort == "at least":
        return value - expectation.limit
    if expectation.sort == "is":
        return 0.0 - abs(value - expectation.limit)
    return expectation.limit - value
