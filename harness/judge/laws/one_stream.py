"""L6, one stream at a time: never two of one client and job for longer than the linger, none at the end."""

from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.laws.outcome import Law, Outcome
from harness.judge.streams import Live, Overlap, live_streams, overlaps
from harness.judge.verdict import Evidence

LINGER = 1.0
"""Seconds for which an old stream may outlive the new one's request, where the scenario sets no ``overlap``."""

ADVICE = "Fix: close the old connection before, or as soon as, the new one's request is written"


def linger(case: Case) -> float:
    """Return the longest overlap allowed: the scenario's ``overlap`` limit, or the default."""
    limits = [one.limit for one in case.plan.expect if one.metric == "overlap" and one.sort == "under"]
    return min(limits, default=LINGER)


def _judge(case: Case) -> Outcome:
    outcome = Outcome()
    for client in case.clients:
        if not client.streams:
            outcome.doubt("no stream request was seen at the gate")
            continue
        before = len(outcome.findings)
        _together(client, outcome)
        _at_the_end(client, outcome)
        if len(outcome.findings) == before:
            outcome.hold()
    return outcome


def _together(client: ClientCase, outcome: Outcome) -> None:
    case = client.case
    allowed = linger(case) + case.slack
    long = [one for one in overlaps(client) if (one.end_ns - one.start_ns) / 1e9 > allowed]
    if not long:
        return
    doubt = case.doubtful(linger(case))
    if doubt:
        outcome.doubt(doubt)
        return
    worst = max(long, key=lambda one: one.end_ns - one.start_ns)
    lasted = phrases.duration((worst.end_ns - worst.start_ns) / 1e9)
    at = phrases.moment(case.at(worst.start_ns))
    text = (
        f"{client.called} kept {phrases.amount(len(worst.streams), 'stream')} of one job open for {lasted} from {at} "
        f"(limit {phrases.limit(linger(case))})"
    )
    outcome.fail(text, *_evidence(client, worst), advice=ADVICE, cause="two-streams")


def _evidence(client: ClientCase, overlap: Overlap) -> list[Evidence]:
    return [_opened(client, live) for live in overlap.streams]


def _opened(client: ClientCase, live: Live) -> Evidence:
    until = "never closed" if live.end_ns is None else f"closed at {phrases.moment(client.case.at(live.end_ns))}"
    return client.case.evidence(live.request, f"stream on connection {live.request.cid}, {until}")


def _at_the_end(client: ClientCase, outcome: Outcome) -> None:
    """A client that has told the app the job's end, or says it is closed, must have let go of its stream.

    One that ends as the run does was ended by those who took it down.
    """
    closed = any(one.word == "closed" and one.t_ns < client.case.end_ns for one in client.statuses)
    over = bool(client.screen.terminals) or closed
    left = [live for live in live_streams(client) if live.end_ns is None or live.end_ns >= client.case.end_ns]
    if over and left and not client.case.cut_short:
        what = "a stream" if len(left) == 1 else phrases.amount(len(left), "stream")
        text = f"{client.called} still held {what} at the end of the run"
        outcome.fail(text, *[_opened(client, live) for live in left], advice="Fix: close the stream when the job ends")


LAW = Law(code="L6", word="one-stream", judge=_judge)
