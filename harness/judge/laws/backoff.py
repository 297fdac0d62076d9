"""L8, backoff: each dial of the stream in its time; no herd, no storm; Retry-After heeded; one new token a refusal."""

import math
from collections.abc import Sequence

from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.facts.attempts import AttemptLife
from harness.judge.facts.giving_up import GAVE_UP, gave_up, giving_up_advice
from harness.judge.laws.findings import SHOWN, Law, LawFindings
from harness.judge.obligations import owed, pace
from harness.judge.obligations.closings import closings
from harness.judge.obligations.due import late_ones
from harness.judge.obligations.polls import polls_missed
from harness.judge.obligations.put_off import hurried
from harness.judge.obligations.questions import questions
from harness.judge.obligations.rows import EARLY, ObligationRow
from harness.judge.obligations.walk import Missed, walk
from harness.judge.verdict import Evidence
from harness.sse.policy import Jitter, declared

_ADVICE = {
    "short": "Fix: count attempts since the last new event; being connected, or a timer, is no evidence that it works",
    "long": "Fix: cap the wait, and sleep on a monotonic clock",
    "signal": "Fix: let a signal of a new network end the wait, and drop the dial that hangs",
    "deadline": "Fix: bound each dial with a connect deadline",
    "watchdog": "Fix: bound each read with a deadline: a request's, an opened stream's, a flowing one's",
    "patience": "Fix: give a dial as long as the connect deadline says: the first packet may be lost",
    "silence": "Fix: give a request, and a stream before its first byte, as long as the deadlines that are declared",
    "hurried": "Fix: heed Retry-After, in seconds or as a date, wherever it comes: of polls, results and tokens too",
    "herd": "Fix: draw each wait anew from [d/2, d], or a server's restart brings all clients back at once",
    "storm": "Fix: wait before each attempt that nothing called for",
    "start": "Fix: dial the stream as soon as the job is accepted",
    "request": "Fix: send the request as soon as its connection is there",
    "gap": "Fix: ask for the status within a second of a gap, and by an interval until it is answered whole",
    "polls": "Fix: ask for the status by the interval that is declared, one question at a time",
    "tokens": "Fix: ask for a new token once, whoever was refused, and wait where none is given",
}


def _judge(case: Case) -> LawFindings:
    outcome = LawFindings()
    for client in case.clients:
        before = len(outcome.findings)
        _hurried(client, outcome)
        _held_on(client, outcome)
        _given_up(client, outcome)
        _closings(client, outcome)
        _questions(client, outcome)
        _tokens(client, outcome)
        _polls(client, outcome)
        _walked(client, outcome, before)
    if case.plan.client.count > 1 and _jitters(case):
        _herd(case, pace.herd_of_many([one for client in case.clients for one in pace.plain_waits(client)]), outcome)
    return outcome


def _walked(client: ClientCase, outcome: LawFindings, before: int) -> None:
    found = walk(client)
    _storm(client, pace.storm(found), outcome)
    if not found.steps and not found.missed:
        if client.case.cut_short and not client.conns:
            outcome.doubt("no dial was recorded before the run was cut short")
        else:
            outcome.skip(
                "the client did not reconnect" if client.case.plan.deeds else "a baseline exercises no backoff"
            )
    missed = [*found.missed, *([one] if (one := found.owed()) is not None else [])]
    for one in missed:
        _missed(client, one, outcome)
    if _jitters(client.case):
        _herd(client.case, pace.herd(pace.plain_waits(client)), outcome)
    bounded = [step for step in found.steps if math.isfinite(step.window.high)]
    if bounded and len(outcome.findings) == before:
        outcome.hold(f"{phrases.amount(len(bounded), 'dial')} in their time")
    elif found.steps and not bounded:
        outcome.skip("the client does not declare its backoff")


def _jitters(case: Case) -> bool:
    return declared(case.declared.jitter) and case.declared.jitter is not Jitter.NONE


def _hurried(client: ClientCase, outcome: LawFindings) -> None:
    for one in hurried(client):
        put_off, again = one.put_off, one.again
        doubt = client.case.doubtful(put_off.seconds)
        if doubt:
            outcome.doubt(doubt)
            continue
        what, came = _ASKED[again.what], (again.t_ns - put_off.answer.t_ns) / 1e9
        at = phrases.moment(client.case.at(again.t_ns))
        text = (
            f"{client.called} asked for {what} at {at}, {phrases.duration(came)} after the server had said "
            f"Retry-After {phrases.limit(put_off.seconds)}"
        )
        shown = [
            client.case.evidence(put_off.answer, f"{put_off.answer.status}, Retry-After {put_off.answer.retry_after}"),
            client.case.evidence(again, f"{what} asked for again"),
        ]
        outcome.fail(text, *shown, advice=_ADVICE["hurried"], cause="short-wait")


_ASKED = {"poll": "the status", "results": "the results", "token": "a token", "start": "a job"}


def _held_on(client: ClientCase, outcome: LawFindings) -> None:
    case = client.case
    for one in owed.held_on(client):
        text = (
            f"{one.row.called}: a {one.what} was to be dropped by {phrases.moment(one.due)}, and went on until "
            f"{phrases.moment(one.over)}"
        )
        shown = [case.evidence(one.signal, "the signal"), case.evidence(one.record, one.what)]
        outcome.fail(text, *shown, advice=_ADVICE["signal"], cause="deaf-dial")


def _given_up(client: ClientCase, outcome: LawFindings) -> None:
    for one in owed.given_up_early(client):
        text = (
            f"{one.row.called}: a {one.what} was given up at {phrases.moment(one.over)}, due from "
            f"{phrases.moment(one.due)}, and nothing had called for it"
        )
        dial = one.row is ObligationRow.CONNECT_DEADLINE
        key, cause = ("patience", "hasty-dial") if dial else ("silence", "hasty-watchdog")
        outcome.fail(text, client.case.evidence(one.record, one.what), advice=_ADVICE[key], cause=cause)


def _closings(client: ClientCase, outcome: LawFindings) -> None:
    for one in late_ones(client, closings(client)):
        dial = one.row is ObligationRow.CONNECT_DEADLINE
        shown = client.case.evidence(one.record, "the dial" if dial else "silent from here on")
        cause = "hung-dial" if dial else "late-watchdog"
        outcome.fail(one.sentence(), shown, advice=_ADVICE["deadline" if dial else "watchdog"], cause=cause)


def _questions(client: ClientCase, outcome: LawFindings) -> None:
    case = client.case
    for one in questions(client):
        if not (one.late(case) or (one.row is ObligationRow.FAILED_ASK and one.early(case))):
            continue
        key = _ASKS.get(one.row, "gap")
        shown = case.evidence(one.record, "what called for it")
        outcome.fail(one.sentence(), shown, advice=_ADVICE[key], cause=f"{key}-unasked")


_ASKS = {ObligationRow.START: "start", ObligationRow.ASK: "request"}


_GIVEN = 2
"""The hundreds of a status by which a token is given."""


def _tokens(client: ClientCase, outcome: LawFindings) -> None:
    for refused, asked in owed.tokens_too_many(client):
        at = phrases.moment(client.case.at(refused.t_ns))
        text = f"{ObligationRow.ONE_TOKEN.called}: a 401 at {at} led to {len(asked)} requests for a token, one is due"
        met = client.responses.get(asked[0].rid)
        if met is not None and met.status // 100 != _GIVEN:
            text += f": the first was answered {met.status}, and what met the 401 is to be asked again before the next"
        shown = [client.case.evidence(refused, "401"), *(client.case.evidence(one, "token asked for") for one in asked)]
        outcome.fail(text, *shown[:SHOWN], advice=_ADVICE["tokens"], cause="token-storm")


def _polls(client: ClientCase, outcome: LawFindings) -> None:
    found = polls_missed(client)
    if not found:
        return
    case, one = client.case, found[0]
    text = one.sentence(case) + (f" ({len(found)} times in all)" if len(found) > 1 else "")
    shown = [case.evidence(life.request, "a poll") for life in (one.before, one.again) if life is not None]
    outcome.fail(text, *shown, advice=_ADVICE["polls"], cause="poll-interval")


def _storm(client: ClientCase, found: Sequence[AttemptLife], outcome: LawFindings) -> None:
    if not found:
        return
    at = client.case.at
    first, last = at(found[0].began_ns), at(found[-1].began_ns)
    text = (
        f"{client.called} dialled the stream {len(found)} times within {phrases.duration(last - first)} at "
        f"{phrases.moment(first)}, and nothing had called for it"
    )
    shown = [client.case.evidence(one.record, "a dial", t_ns=one.began_ns) for one in found]
    outcome.fail(text, *shown, advice=_ADVICE["storm"], cause="storm")


def _missed(client: ClientCase, one: Missed, outcome: LawFindings) -> None:
    case, window = client.case, one.window
    doubt = case.doubtful(window.delay) if window.delay else ""
    if doubt:
        outcome.doubt(doubt)
        return
    shown: list[Evidence] = [_ended(client, one.before)]
    text = one.sentence(case)
    if one.attempt is None:
        app = gave_up(client)
        advice, cause = (giving_up_advice(client, app), GAVE_UP) if app is not None else (_ADVICE["long"], "no-dial")
        outcome.fail(text, *shown, advice=advice, cause=cause)
        return
    shown.append(case.evidence(one.attempt.record, "the dial", t_ns=one.attempt.began_ns))
    if case.at(one.attempt.began_ns) < window.low:
        reset = _started_over(client, one)
        text += ": it started over, though the attempt before brought no new event" if reset else ""
        outcome.fail(text, *shown, advice=_ADVICE["short"], cause="backoff-reset" if reset else "short-wait")
        return
    signal = window.row is ObligationRow.SIGNAL
    outcome.fail(text, *shown, advice=_ADVICE["signal" if signal else "long"], cause="deaf" if signal else "long-wait")


def _ended(client: ClientCase, before: AttemptLife) -> Evidence:
    status = f", answered {before.status}" if before.status else ""
    stamp = before.end_lo if before.end_lo is not None else before.began_ns
    return client.case.evidence(before.record, f"the attempt before ended{status}", t_ns=stamp)


def _started_over(client: ClientCase, one: Missed) -> bool:
    """Return whether the wait is that of a first attempt, after one that was connected and brought nothing new."""
    base = client.case.declared.backoff_base
    if (
        one.attempt is None
        or one.window.row is not ObligationRow.PLAIN
        or not one.before.opened
        or one.before.fresh is not False
    ):
        return False
    came = (one.attempt.began_ns - (one.before.end_lo or one.attempt.began_ns)) / 1e9
    return declared(base) and came <= base + EARLY


def _herd(case: Case, found: Sequence[pace.Plain], outcome: LawFindings) -> None:
    if not found:
        return
    text = f"{len(found)} plain waits took {found[0].ratio:.3f} of d: without jitter, a herd of clients moves as one"
    tries = [one.step.attempt for one in found[:SHOWN]]
    shown = [case.evidence(one.record, "a dial", t_ns=one.began_ns) for one in tries]
    outcome.fail(text, *shown, advice=_ADVICE["herd"], cause="no-jitter")


LAW = Law(
    code="L8",
    word="backoff",
    title="Backoff with jitter, reset only by evidence",
    priority=17,
    judge=_judge,
    says="With n the attempts since a new event, d = min(cap, base · 2ⁿ): a wait lies within [d/2, d]; after "
    "`retry:` within [d, 1.5 d], where d is never shorter than the field says, whatever the cap; after "
    "Retry-After a within [a, a + base], where a counts up to `retry stream` or the cap, whichever is longer; "
    "polls, results, tokens and starts come no sooner than they were told either. A signal ends the wait in "
    "which the client hears it, and drops the dial that hangs. What brings nothing is let go of in its time: "
    "a dial by the connect deadline, a request without an answer and a stream without a byte by the watchdog "
    "or `suspects after`, a silent stream by the watchdog and a second. An accepted job's stream is dialled "
    "within a second, a request follows its connection, the status for a gap is asked for within a second, "
    "and again by the cap where that was in vain. Being connected resets nothing. A 401 leads to one request "
    "for a token. No dial is given up before the connect deadline unless something calls for it, and polls "
    "come by their interval. Of at least six plain waits a third, and four, at one ratio to d are no jitter; "
    "four dials of the stream within 250 ms that nothing called for are a storm. All by facts, whatever the "
    "client says.",
    breaks=(
        "The backoff resets when a connection opens: launchdarkly/ruby-eventsource PR 5, okhttp-eventsource PR 31",
        "100 requests a second against an error: fanout/reconnecting-eventsource 73",
        "No jitter, and a herd after each restart: launchdarkly/java-server-sdk 74",
    ),
)
