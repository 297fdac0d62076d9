"""L6, one stream at a time, and nothing beside it.

1. Never two streams of one client and job for longer than the linger, none at the end.
2. Few connections that carry no request.
3. No stream outlives the end that the app was told by more than the linger.
4. No status request begun beside a stream that lives, apart from asking for an open gap and after a 204,
   nor elsewhere without a reason.
5. A request that starts work is begun once, unless its answer was lost.
"""

from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.facts.extra_requests import (
    AFTER_THE_END,
    SPARE,
    begun_again,
    beside_streams,
    held_after,
    spare_connections,
    strays,
)
from harness.judge.facts.streams import LiveStream, Overlap, live_streams, overlaps
from harness.judge.laws.findings import SHOWN, Law, LawFindings
from harness.judge.verdict import Evidence

LINGER = 1.0
"""Seconds for which an old stream may outlive the new one's request, where the scenario sets no ``overlap``."""

ADVICE = "Fix: close the old connection before, or as soon as, the new one's request is written"

_ADVICE = {
    "end": "Fix: close the stream when the job ends",
    "spare": "Fix: dial when there is something to ask, and close what is not used; a pool keeps what it may use again",
    "beside": "Fix: stop polling at the first byte of a stream, and ask beside one only while a gap is open",
    "stray": "Fix: ask for the status where streams have failed as often as is declared, for a gap, and after a 204",
    "again": "Fix: start the work once; ask for its status where the answer was lost, or send an idempotency key",
}


def linger(case: Case) -> float:
    """Return the longest overlap allowed: the scenario's ``overlap`` limit, or the default."""
    limits = [one.limit for one in case.plan.expect if one.metric == "overlap" and one.sort == "under"]
    return min(limits, default=LINGER)


def _judge(case: Case) -> LawFindings:
    outcome = LawFindings()
    for client in case.clients:
        if not client.streams:
            outcome.doubt("no stream request was seen at the gate")
            continue
        before = len(outcome.findings)
        for part in (_together, _at_the_end, _spare, _beside, _again):
            part(client, outcome)
        if len(outcome.findings) == before:
            outcome.hold()
    return outcome


def _together(client: ClientCase, outcome: LawFindings) -> None:
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


def _opened(client: ClientCase, live: LiveStream) -> Evidence:
    until = "never closed" if live.end_ns is None else f"closed at {phrases.moment(client.case.at(live.end_ns))}"
    return client.case.evidence(live.request, f"stream on connection {live.request.cid}, {until}")


def _at_the_end(client: ClientCase, outcome: LawFindings) -> None:
    """Check that a client that has told the app the job's end, or says it is closed, has let go of its stream.

    One that ends as the run does was ended by those who took it down.
    """
    closed = any(one.word == "closed" and one.t_ns < client.case.end_ns for one in client.statuses)
    over = bool(client.screen.terminals) or closed
    left = [live for live in live_streams(client) if live.end_ns is None or live.end_ns >= client.case.end_ns]
    if over and left and not client.case.cut_short:
        what = "a stream" if len(left) == 1 else phrases.amount(len(left), "stream")
        text = f"{client.called} still held {what} at the end of the run"
        outcome.fail(text, *[_opened(client, live) for live in left], advice=_ADVICE["end"])
    elif over and not left:
        _after_the_end(client, outcome)


def _after_the_end(client: ClientCase, outcome: LawFindings) -> None:
    case = client.case
    found = held_after(client)
    if found is None:
        return
    end, lives = found
    lasted = phrases.duration(((lives[0].end_ns or case.end_ns) - end.exit_ns) / 1e9)
    text = f"{client.called} held its stream for {lasted} after on_{end.callback}"
    text += f" (limit {phrases.limit(AFTER_THE_END)})"
    shown = [case.evidence(end, f"on_{end.callback}", t_ns=end.exit_ns)]
    shown += [_opened(client, live) for live in lives]
    outcome.fail(text, *shown, advice=_ADVICE["end"], cause="stream-after-end")


def _spare(client: ClientCase, outcome: LawFindings) -> None:
    found, made = spare_connections(client), len(client.conns)
    if len(found) < SPARE and 3 * len(found) <= made:
        return
    case = client.case
    at = phrases.moment(case.at(found[0].t_ns))
    text = (
        f"{len(found)} of {client.called}'s {phrases.amount(made, 'connection')} carried no request: the first at {at}"
    )
    text += f" (allowed: one in three, and fewer than {SPARE})"
    shown = [case.evidence(conn, f"connection {conn.cid} on {conn.path}, no request") for conn in found[:SHOWN]]
    outcome.fail(text, *shown, advice=_ADVICE["spare"], cause="idle-connections")


def _beside(client: ClientCase, outcome: LawFindings) -> None:
    found = beside_streams(client)
    if not found:
        _stray(client, outcome)
        return
    case, first = client.case, found[0]
    at, cid = phrases.moment(case.at(first.poll.begun_ns)), first.stream.request.cid
    age = phrases.duration(first.age)
    text = f"{client.called} asked for the status at {at}, {age} after a byte of the live stream on connection {cid}"
    text += ", and no gap was open"
    if len(found) > 1:
        text += f" ({len(found)} times in all)"
    shown = [case.evidence(first.stream.request, f"stream on connection {cid}")]
    shown += [case.evidence(one.poll.request, "status asked for") for one in found[: SHOWN - 1]]
    outcome.fail(text, *shown, advice=_ADVICE["beside"], cause="polls-beside-stream")


def _stray(client: ClientCase, outcome: LawFindings) -> None:
    found = strays(client)
    if not found:
        return
    case = client.case
    at = phrases.moment(case.at(found[0].begun_ns))
    text = f"{client.called} asked for the status at {at}, with no cause to poll and no gap open"
    if len(found) > 1:
        text += f" ({len(found)} times in all)"
    shown = [case.evidence(life.request, "status asked for") for life in found[:SHOWN]]
    outcome.fail(text, *shown, advice=_ADVICE["stray"], cause="stray-poll")


def _again(client: ClientCase, outcome: LawFindings) -> None:
    found = begun_again(client)
    if found is None:
        return
    case, (first, again) = client.case, found
    assert first.answer is not None
    at, before = phrases.moment(case.at(again.request.t_ns)), phrases.moment(case.at(first.request.t_ns))
    status = first.answer.status
    text = f"{client.called} started its work again at {at}; the start of {before} had been accepted ({status})"
    shown = [case.evidence(first.answer, f"{status}: the work is started")]
    shown.append(case.evidence(again.request, "started again"))
    outcome.fail(text, *shown, advice=_ADVICE["again"], cause="started-twice")


LAW = Law(
    code="L6",
    word="one-stream",
    title="One stream at a time",
    priority=14,
    judge=_judge,
    says="A stream lives from its request to the client's side closed, as the gate sees it. Never two of one "
    "client and job for longer than the linger (1 s, or the scenario's `overlap`), and none when the client "
    "is done: its own side is closed within 1 s of the end that the app was told. The status is asked for "
    "while polling, for a gap and after a 204 only.",
    breaks=(
        "Reconnections multiply: launchdarkly/js-core 633, 458; oguzbilgic/kern-ai PR 16",
        "A close during a reconnection is forgotten: launchdarkly/swift-eventsource PR 42",
    ),
)
