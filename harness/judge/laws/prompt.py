"""L14, prompt: (a) where the network allows less than 100 ms the p99 of updates is less; (b) the client adds little.

(a) In steady windows the 95 % interval of this run's p99, from intended emission to the screen, lies under 100 ms.
(b) On every path the client's own share, from the phone's radio to the app, callbacks apart, is under 50 ms at the p99
(with fewer than 368 events: at the median), and each under 1 s.
"""

from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.facts.lives import SOON
from harness.judge.facts.shares import Share, shares
from harness.judge.laws.findings import SHOWN, Law, LawFindings
from harness.judge.measures.latency import Sample, eligible, samples
from harness.judge.measures.steady import planned, steady
from harness.judge.percentiles import LOST, QUANTILES, at_rank, estimate, least_n, rank
from harness.judge.verdict import Evidence

LIMIT = 0.100
NEEDED = least_n(*QUANTILES["p99"])

OWN_LIMIT = 0.050
"""Seconds of the client's own share, from the radio to the app."""


def _judge(case: Case) -> LawFindings:
    outcome = LawFindings()
    if not any(client.reports for client in case.clients) and not case.cut_short:
        outcome.skip("the client reports no callbacks")
        return outcome
    _on_the_way(case, outcome)
    _to_the_app(case, [share for client in case.clients for share in shares(client)], outcome)
    return outcome


def _on_the_way(case: Case, outcome: LawFindings) -> None:
    """(a) From intended emission to the screen."""
    taken = [sample for client in case.clients for sample in samples(client) if sample.prompt]
    expected = sum(planned(client, [w for w in steady(client) if eligible(w, case.plan)]) for client in case.clients)
    if expected < NEEDED:
        if any(eligible(window, case.plan) for client in case.clients for window in steady(client)):
            outcome.skip(f"the plan has {expected} steady events (a p99 needs {NEEDED})")
        else:
            outcome.skip("no steady window on a path that allows less than 100 ms")
        return
    doubt = case.doubtful(LIMIT)
    if len(taken) < NEEDED:
        lag = f"; {doubt}" if doubt else ""
        outcome.doubt(f"{len(taken)} of {expected} planned steady events observed (needs {NEEDED}){lag}")
    elif doubt:
        outcome.doubt(doubt)
    else:
        _measure(case, taken, outcome)


def _to_the_app(case: Case, taken: list[Share], outcome: LawFindings) -> None:
    """(b) From the radio to the app."""
    if not taken:
        outcome.skip("no event of a stream was shown")
        return
    slow = [share for share in taken if share.seconds > SOON + case.slack]
    if doubt := case.doubtful(SOON):
        outcome.skip(doubt)
        return
    if slow:
        worst = max(slow, key=lambda share: share.seconds)
        assert worst.life.arrival is not None
        at = phrases.moment(case.at(worst.life.arrival.record.t_ns))
        text = f"event {worst.life.event.index} reached the phone at {at}, and the app {_said(worst.seconds)} later"
        outcome.fail(text, *_kept(case, slow), advice=_ADVICE)
        return
    ordered = sorted(share.seconds for share in taken)
    name, place = (
        ("p99", rank(len(ordered), 99, 100)) if len(ordered) >= NEEDED else ("median", rank(len(ordered), 1, 2))
    )
    value = at_rank(ordered, place)
    figure = f"from the phone to the app: {name} {_said(value)} (n = {len(ordered)})"
    if doubt := case.doubtful(OWN_LIMIT):
        outcome.skip(doubt)
    elif value >= OWN_LIMIT:
        slow = [share for share in taken if share.seconds >= OWN_LIMIT]
        outcome.fail(f"the client kept what it had: {figure}, limit 50 ms", *_kept(case, slow), advice=_ADVICE)
    else:
        outcome.hold("; ".join([figure, *outcome.not_judged]))


def _kept(case: Case, slow: list[Share]) -> list[Evidence]:
    worst = sorted(slow, key=lambda share: -share.seconds)[:SHOWN]
    records = [(share.life.arrival.record, share) for share in worst if share.life.arrival is not None]
    return [
        case.evidence(one, f"id {one.id} at the phone; {_said(share.seconds)} to the app") for one, share in records
    ]


def _measure(case: Case, taken: list[Sample], outcome: LawFindings) -> None:
    found = estimate([sample.latency for sample in taken], "p99")
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    where = phrases.several([phrases.path(name) for name in dict.fromkeys(sample.path for sample in taken)])
    figure = (
        f"p99 {_said(found.value)} on {where} (n = {found.n}, 95 % interval {_said(found.low)} to {_said(found.high)})"
    )
    if found.high < LIMIT:
        outcome.hold(figure)
    elif found.low >= LIMIT:
        slow = sorted((s for s in taken if s.latency >= LIMIT), key=lambda s: -s.latency)[:SHOWN]
        shown = [case.evidence(s.event.record, f"{s.event.named}: {_said(s.latency)} to the screen") for s in slow]
        outcome.fail(f"updates were not prompt: {figure}, limit 100 ms", *shown, advice=_ADVICE)
    else:
        outcome.doubt(f"{figure}: the interval holds the limit of 100 ms")


def _said(seconds: float) -> str:
    return "lost" if seconds == LOST else phrases.duration(seconds)


_ADVICE = "Fix: dispatch an event at its blank line, do not wait for a full buffer, and keep slow work out of callbacks"

LAW = Law(
    code="L14",
    word="prompt",
    title="Under 100 ms where the network allows it",
    priority=21,
    judge=_judge,
    says="On paths without loss and with rtt/2 + jitter + 50 ms within 100 ms: in steady windows the 95 % interval "
    "of this run's p99, from intended emission to the app, lies under 100 ms. It takes 368 events. On every "
    "path the client's own share, from the phone's radio to the app, is under 50 ms (p99; with fewer events "
    "the median) and each under 1 s; what its app's callbacks take is not counted.",
    breaks=(
        "An event is held until the next chunk: mpetazzoni/sseclient 6; btubbs/sseclient 9",
        "Compression or a proxy makes batches of events: launchdarkly/okhttp-eventsource 65; nginx/nginx 1505",
    ),
)
