"""L14, prompt: in steady windows the 95 % interval of this run's p99 lies under 100 ms, where the network allows it."""

from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.latency import Sample, eligible, samples
from harness.judge.laws.outcome import SHOWN, Law, Outcome
from harness.judge.percentiles import LOST, QUANTILES, estimate, least_n
from harness.judge.steady import planned, steady

LIMIT = 0.100
NEEDED = least_n(*QUANTILES["p99"])


def _judge(case: Case) -> Outcome:
    outcome = Outcome()
    if not any(client.reports for client in case.clients) and not case.cut_short:
        outcome.skip("the client reports no callbacks")
        return outcome
    taken = [sample for client in case.clients for sample in samples(client) if sample.prompt]
    expected = sum(planned(client, [w for w in steady(client) if eligible(w, case.plan)]) for client in case.clients)
    if expected < NEEDED:
        if any(eligible(window, case.plan) for client in case.clients for window in steady(client)):
            outcome.skip(f"the plan has {expected} steady events (a p99 needs {NEEDED})")
        else:
            outcome.skip("no steady window on a path that allows less than 100 ms")
        return outcome
    doubt = case.doubtful(LIMIT)
    if len(taken) < NEEDED:
        lag = f"; {doubt}" if doubt else ""
        outcome.doubt(f"{len(taken)} of {expected} planned steady events observed (needs {NEEDED}){lag}")
    elif doubt:
        outcome.doubt(doubt)
    else:
        _measure(case, taken, outcome)
    return outcome


def _measure(case: Case, taken: list[Sample], outcome: Outcome) -> None:
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
        shown = [case.evidence(s.event.record, f"id {s.event.id}: {_said(s.latency)} to the screen") for s in slow]
        outcome.fail(f"updates were not prompt: {figure}, limit 100 ms", *shown, advice=_ADVICE)
    else:
        outcome.doubt(f"{figure}: the interval holds the limit of 100 ms")


def _said(seconds: float) -> str:
    return "lost" if seconds == LOST else phrases.duration(seconds)


_ADVICE = "Fix: dispatch an event at its blank line, do not wait for a full buffer, and keep slow work out of callbacks"

LAW = Law(code="L14", word="prompt", judge=_judge)
