"""L10, honest status: "connected" on evidence, "reconnecting" within D of the last byte and not while events flow."""

import bisect
import math

import msgspec

from harness.history import AttemptEnd, Response, Status
from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.causes import outage_cause, unrecovered
from harness.judge.laws.outcome import Law, Outcome
from harness.judge.outages import outages
from harness.judge.sky import Sky
from harness.judge.streams import is_stream
from harness.scenario.deadlines import detection_allowance

WHILE_EVENTS = 1.0
"""Seconds for which "reconnecting" may be said while events are dispatched."""


class Said(msgspec.Struct, frozen=True):
    """A word of the client, from when to when, in stamps."""

    status: Status
    start_ns: int
    end_ns: int


def _judge(case: Case) -> Outcome:
    outcome = Outcome()
    for client in case.clients:
        if not client.statuses:
            if case.cut_short:
                outcome.doubt("no status was recorded before the run was cut short")
            else:
                outcome.skip("the client reports no status")
            continue
        before = len(outcome.findings)
        said = _said(client)
        _evidence_of_connection(client, said, outcome)
        _silence(client, said, outcome)
        _while_events(client, said, outcome)
        if len(outcome.findings) == before:
            outcome.hold()
    return outcome


def _said(client: ClientCase) -> list[Said]:
    words = client.statuses
    ends = [status.t_ns for status in words[1:]] + [client.case.end_ns]
    return [Said(status, status.t_ns, max(end, status.t_ns)) for status, end in zip(words, ends, strict=True)]


def _evidence_of_connection(client: ClientCase, said: list[Said], outcome: Outcome) -> None:
    """Each "connected" needs, in that attempt, 200, the content type of a stream, and a byte of its body."""
    began = {attempt.n: attempt.seq for attempt in client.attempts}
    for one in said:
        status = one.status
        if status.word != "connected":
            continue
        since = began.get(status.attempt, max((seq for seq in began.values() if seq < status.seq), default=0))
        answers = [
            client.responses[request.rid]
            for request in client.streams
            if request.rid in client.responses
            and since <= request.seq
            and client.responses[request.rid].seq < status.seq
        ]
        good = [answer for answer in answers if is_stream(answer)]
        if good and not _mute(client, status.attempt, good[-1]):
            continue
        why = "no byte of an event stream had come" if good else "no event stream had been opened"
        if answers and not good:
            why = f"the answer was {answers[-1].status} {answers[-1].content_type}".rstrip()
        at = phrases.moment(client.case.at(status.t_ns))
        shown = [client.case.evidence(answer, f"{answer.status} {answer.content_type}") for answer in answers[-1:]]
        shown.append(client.case.evidence(status, "says connected"))
        outcome.fail(
            f"“connected” was shown at {at}, though {why}", *shown,
            advice=_ADVICE["evidence" if good or not answers else "answer"],
            cause="trusts-silence" if good else "unchecked-answer" if answers else "",
        )  # fmt: skip
        return


def _mute(client: ClientCase, attempt: int, answer: Response) -> bool:
    """Whether not one byte of the body came in that attempt: it says so, or a box that held all of it does."""
    end: AttemptEnd | None = client.attempt_ends.get(attempt)
    if end is not None:
        return end.bytes == 0 and end.events == 0 and end.opened
    held = any(boxed.cid == answer.cid and boxed.what.startswith("mute") for boxed in client.boxed)
    return held and not any(block.attempt == attempt for block in client.blocks)


def _silence(client: ClientCase, said: list[Said], outcome: Outcome) -> None:
    """From the last byte read, "connected" may stand for D at most.

    What comes while a gap is being settled is read when it is: its blocks say so.
    """
    case = client.case
    limit = detection_allowance(case.plan.client.policies)
    streams = {request.cid for request in client.streams}
    came = [
        chunk.t_ns
        for chunk in client.chunks
        if chunk.direction == "downstream" and chunk.fate == "delivered" and chunk.cid in streams
    ]
    came = sorted([*came, *(block.t_ns for block in client.blocks)])
    if not came:
        return
    for one in said:
        if one.status.word != "connected":
            continue
        worst, since = _longest(came, one, client)
        if worst <= limit + case.slack:
            continue
        doubt = case.doubtful(limit)
        if doubt:
            outcome.doubt(doubt)
            return
        text = f"“connected” was shown for {phrases.duration(worst)} of silence (limit {phrases.limit(limit)})"
        ended = case.evidence(one.status, f"says connected, until {phrases.moment(case.at(one.end_ns))}")
        cause = next((outage_cause(client, lapse) for lapse in outages(client) if unrecovered(lapse)), None)
        outcome.fail(
            f"{text} from {phrases.moment(case.at(since))} on" if cause is None else text,
            ended,
            *(cause.evidence if cause else ()),
            advice=cause.advice if cause else _ADVICE["silence"],
            cause=cause.key if cause else "",
        )
        return


def _longest(came: list[int], said: Said, client: ClientCase) -> tuple[float, int]:
    """Return the longest silence within a word's time, in seconds of the device being awake, and its beginning."""
    case, sky = client.case, client.once(Sky)
    first = bisect.bisect_left(came, said.start_ns)
    last = bisect.bisect_right(came, said.end_ns)
    # A byte that came before the word was said is no excuse for it, and no fault of it either.
    since = said.start_ns
    worst = (0.0, since)
    for at in [*came[first:last], said.end_ns]:
        silence = (at - since) / 1e9
        if silence > worst[0]:
            silence -= sky.slept(case.at(since), case.at(at))
        worst = max(worst, (silence, since))
        since = at
    return worst


def _while_events(client: ClientCase, said: list[Said], outcome: Outcome) -> None:
    """While events are dispatched, "reconnecting" may stand for a second at most.

    What the app is still shown of a stream that has ended was dispatched before. Records of one instant are told apart
    by their order.
    """
    case = client.case
    dispatched = [(block.t_ns, block.seq) for block in client.blocks if block.event]
    if not dispatched:
        dispatched = [(one.app.enter_ns, one.app.seq) for one in client.screen.shown if one.app.source == "stream"]
    places = {(one.app.enter_ns, one.app.seq): one.app for one in client.screen.shown}
    for place, one in enumerate(said):
        if one.status.word != "reconnecting":
            continue
        next_seq = said[place + 1].status.seq if place + 1 < len(said) else math.inf
        first = bisect.bisect_left(dispatched, (one.start_ns, one.status.seq))
        last = bisect.bisect_left(dispatched, (one.end_ns, next_seq))
        inside = dispatched[first:last]
        if not inside or (inside[-1][0] - inside[0][0]) / 1e9 <= WHILE_EVENTS + case.slack:
            continue
        lasted = phrases.duration((inside[-1][0] - inside[0][0]) / 1e9)
        text = f"“reconnecting” was shown for {lasted} while {phrases.amount(len(inside), 'event')} came in"
        shown = [app for at, app in sorted(places.items()) if at >= inside[0]][:2]
        events = [case.evidence(app, f"on_{app.callback}, id {app.id}", t_ns=app.enter_ns) for app in shown]
        outcome.fail(text, case.evidence(one.status, "says reconnecting"), *events, advice=_ADVICE["events"])
        return


_ADVICE = {
    "evidence": "Fix: say connected at the first byte of a 200 with text/event-stream, not at the dial",
    "answer": "Fix: an answer is a stream only with 200 and text/event-stream; anything else is a failed attempt",
    "silence": "Fix: a read deadline above the keep-alive, and say reconnecting when it fires",
    "events": "Fix: say connected as soon as the stream brings something again",
}

LAW = Law(code="L10", word="honest-status", judge=_judge)
