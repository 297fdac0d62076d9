"""L8, backoff: waits that grow, with jitter, reset only by evidence."""

from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.laws.outcome import SHOWN, Law, Outcome
from harness.judge.postponed import hurried
from harness.judge.verdict import Evidence
from harness.judge.waits import PLAIN, Wait, waits
from harness.sse.policy import Jitter

OVERHEAD = 0.02
"""Seconds that ending one attempt and beginning the next may take beside the wait itself."""

HERD = 4
"""So many plain waits in a row at one ratio to d are no jitter at all: a herd of such clients moves as one."""

ALIKE = 0.002

_ADVICE = {
    "short": "Fix: count attempts since the last new event; being connected, or a timer, is no evidence that it works",
    "long": "Fix: cap the wait, and sleep on a monotonic clock",
    "hurried": "Fix: heed Retry-After, in seconds or as a date, wherever it comes: of polls, results and tokens too",
    "herd": "Fix: draw each wait anew from [d/2, d], or a server's restart brings all clients back at once",
}


def _judge(case: Case) -> Outcome:
    outcome = Outcome()
    for client in case.clients:
        _hurried(client, outcome)
        if not client.attempts:
            _unreported(case, outcome)
        elif len(client.attempts) == 1:
            outcome.skip("the client did not reconnect" if case.plan.deeds else "a baseline exercises no backoff")
        else:
            _of_client(client, outcome)
    return outcome


def _unreported(case: Case, outcome: Outcome) -> None:
    if case.cut_short:
        outcome.doubt("no attempt was recorded before the run was cut short")
    else:
        outcome.skip("the client declares no policy of its own and reports no attempts")


def _of_client(client: ClientCase, outcome: Outcome) -> None:
    before = len(outcome.findings)
    found = waits(client)
    for wait in found:
        _bounds(client, wait, outcome)
    _herd(client, [wait for wait in found if wait.sort == PLAIN], outcome)
    if len(outcome.findings) == before:
        outcome.hold(f"{phrases.amount(len(found), 'wait')} within bounds")


def _hurried(client: ClientCase, outcome: Outcome) -> None:
    """Judge what is asked beside the stream: whoever reports attempts or not, the gate saw it."""
    for put_off, again in hurried(client):
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


def _bounds(client: ClientCase, wait: Wait, outcome: Outcome) -> None:
    slack = client.case.slack + OVERHEAD
    if wait.low - slack <= wait.seconds and (wait.high is None or wait.seconds <= wait.high + slack):
        return
    doubt = client.case.doubtful(wait.delay)
    if doubt:
        outcome.doubt(doubt)
        return
    at = phrases.moment(client.case.at(wait.attempt.t_ns))
    if wait.seconds < wait.low:
        text = (
            f"attempt {wait.attempt.n} at {at} {_came(wait)}, at least {phrases.limit(wait.low)} was due ({_why(wait)})"
        )
        reset = _started_over(client, wait)
        text += f": it started over after attempt {wait.before.n}, which brought no new event" if reset else ""
        cause = "backoff-reset" if reset else "short-wait"
        outcome.fail(text, *_evidence(client, [wait]), advice=_ADVICE["short"], cause=cause)
    else:
        text = (
            f"attempt {wait.attempt.n} at {at} came {phrases.duration(wait.seconds)} after the last one's end, "
            f"at most {phrases.limit(wait.high or 0.0)} was due ({_why(wait)})"
        )
        outcome.fail(text, *_evidence(client, [wait]), advice=_ADVICE["long"], cause="long-wait")


def _came(wait: Wait) -> str:
    if wait.seconds < 0:
        return f"began {phrases.duration(-wait.seconds)} before the last one had ended"
    return f"came {phrases.duration(wait.seconds)} after the last one's end"


def _started_over(client: ClientCase, wait: Wait) -> bool:
    """Whether the wait is that of a first attempt, after one that was connected and brought nothing new."""
    base = client.case.plan.client.policies.backoff_base
    connected = wait.before.opened or wait.before.status == 200
    return wait.sort == PLAIN and connected and not wait.before.fresh and wait.seconds <= base + OVERHEAD


def _why(wait: Wait) -> str:
    if wait.sort in {"retry-after", "polling"}:
        return f"Retry-After {phrases.limit(wait.asked or 0.0)}"
    if wait.sort == "retry":
        return f"retry: {phrases.limit(wait.before.server_retry or 0.0)}, d = {phrases.limit(wait.delay)}"
    return f"d = {phrases.limit(wait.delay)}"


def _herd(client: ClientCase, plain: list[Wait], outcome: Outcome) -> None:
    """Four waits in a row: four of many would by chance be alike once in a long run."""
    if client.case.plan.client.policies.jitter is Jitter.NONE:
        return
    for place in range(len(plain) - HERD + 1):
        row = plain[place : place + HERD]
        ratios = [wait.seconds / wait.delay for wait in row]
        if max(ratios) - min(ratios) <= ALIKE * max(ratios):
            text = f"{HERD} waits in a row took {ratios[0]:.3f} of d: without jitter, a herd of clients moves as one"
            outcome.fail(text, *_evidence(client, row), advice=_ADVICE["herd"], cause="no-jitter")
            return


def _evidence(client: ClientCase, row: list[Wait]) -> list[Evidence]:
    found = []
    for wait in row[: SHOWN // 2 + 2]:
        if len(row) == 1:
            found.append(client.case.evidence(wait.before, f"attempt {wait.before.n} ended: {wait.before.how}"))
        text = f"attempt {wait.attempt.n} ({wait.attempt.cause}) after {phrases.duration(wait.seconds)}"
        found.append(client.case.evidence(wait.attempt, f"{text}, d = {phrases.limit(wait.delay)}"))
    return found


LAW = Law(code="L8", word="backoff", judge=_judge)
