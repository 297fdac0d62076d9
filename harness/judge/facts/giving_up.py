"""A client that gives its job up while the job lives and nothing forbids to go on: when, upon what, and by what words.

A final error is lawful after an answer that says stop, where the attempts that were declared are spent, and where the
client never learned of its job.
"""

from itertools import takewhile

from harness.history import App, Response
from harness.judge import phrases
from harness.judge.case import ClientCase
from harness.judge.facts.attempts import AttemptLife
from harness.judge.facts.instructions import REFUSED
from harness.judge.facts.refusals import no_end_due, refusal
from harness.judge.facts.requests import dial_lives
from harness.judge.facts.tries import how_ended, number_of, over_ns, tries
from harness.judge.verdict import Evidence

GAVE_UP = "gave-up"

_ADVICE = "Fix: while the job lives, keep trying with backoff; say reconnecting, and keep on_error for the end"

_CURSOR_ADVICE = (
    "Fix: a 409 or 410 on the stream refuses the cursor, not the job: tell the app of the gap, ask for the job's "
    "status, and resume from its id, or from none"
)


def gave_up(client: ClientCase) -> App | None:
    """Return the callback by which a client gave its job up without a reason that counts; None where it did not."""
    return client.once(_gave_up)


def _gave_up(client: ClientCase) -> App | None:
    end = client.truth.terminal
    for app in client.screen.errors:
        alive = bool(client.truth.events) and (end is None or app.enter_ns < end.actual_ns)
        if alive and _final(client, app) and not _excused(client, app):
            return app
    return None


def _final(client: ClientCase, app: App) -> bool:
    """Return whether nothing was tried, and nothing came, after it."""
    later = [one.t_ns for one in client.requests if one.what in {"stream", "poll"}]
    later += [dial.from_ns for dial in client.dials]
    later += [shown.app.enter_ns for shown in client.screen.shown]
    return not any(at_ns > app.enter_ns for at_ns in later) and not client.case.cut_short


def _excused(client: ClientCase, app: App) -> bool:
    timeout = client.case.plan.client.policies.gives_up_after
    if timeout is not None and _tried(client) >= timeout:
        return True
    stop = refusal(client)
    return stop.t_ns <= app.enter_ns if stop is not None else bool(no_end_due(client))


def _tried(client: ClientCase) -> int:
    """Return how often a stream may have been dialled for. A dial that was never let in shows no purpose."""
    return sum(one.what in {"stream", ""} for one in dial_lives(client)) or len(client.streams)


def giving_up_text(client: ClientCase, app: App) -> str:
    """Return that the client gave up, upon what, and what it told the app."""
    at = phrases.moment(client.case.at(app.enter_ns))
    told = f" (it told the app: {app.detail})" if app.detail else ""
    met = _occasion(client, app)
    return f"{client.called} gave up at {at}, while the job was alive{', ' + met if met else ''}{told}"


def giving_up_advice(client: ClientCase, app: App) -> str:
    """Return what to do about it: a refused cursor is no refused job."""
    met = _last_met(client, app)
    return _CURSOR_ADVICE if isinstance(met, Response) and met.status in REFUSED else _ADVICE


def giving_up_evidence(client: ClientCase, app: App) -> tuple[Evidence, ...]:
    """Return what the client met, its last word, and the end of the job that it did not wait for."""
    case, end = client.case, client.truth.terminal
    met = _last_met(client, app)
    shown = []
    if isinstance(met, Response):
        shown.append(case.evidence(met, f"the stream request is answered {met.status}"))
    elif met is not None:
        text = f"attempt {number_of(client, met)} ends: {how_ended(client, met)}"
        shown.append(case.evidence(met.record, text, t_ns=over_ns(client, met)))
    told = f" ({app.detail})" if app.detail else ""
    shown.append(case.evidence(app, f"on_error{told}: the client tries no more", t_ns=app.enter_ns))
    if end is not None:
        ended = f"the job ended: {end.type}, id {end.id}"
        shown.append(case.evidence(end.record, ended, t_ns=end.actual_ns))
    return tuple(shown)


def _occasion(client: ClientCase, app: App) -> str:
    """Return upon what a client gave up: attempts in vain, an answer, or the end of a stream."""
    vain = sum(1 for _ in takewhile(lambda one: one.barren, reversed(_over(client, app))))
    met = _last_met(client, app)
    if isinstance(met, Response) and not any(
        one.status == met.status for one in client.responses.values() if one.seq < met.seq
    ):
        return f"when a stream request was answered {met.status}"
    if vain > 1:
        return f"after {phrases.amount(vain, 'attempt')} that brought no event"
    if not isinstance(met, AttemptLife):
        return ""
    return f"upon the end of its attempt {number_of(client, met)} ({how_ended(client, met)})"


def _last_met(client: ClientCase, app: App) -> Response | AttemptLife | None:
    """Return the refusal that the client's last stream request met, else its last attempt that was over."""
    asked = [request for request in client.streams if request.seq < app.seq]
    answer = client.responses.get(asked[-1].rid) if asked else None
    if answer is not None and answer.seq < app.seq and answer.status >= 300:
        return answer
    return next(reversed(_over(client, app)), None)


def _over(client: ClientCase, app: App) -> list[AttemptLife]:
    """Return the attempts that were over when the client gave up, in order."""
    by_ns = app.enter_ns + client.case.near_ns
    return [one for one in tries(client) if one.end_hi is not None and (one.end_lo or 0) <= by_ns]
