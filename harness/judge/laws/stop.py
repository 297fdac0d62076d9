"""L11, stop: no stream or poll is dialled for after the end, whether the job's or a final status.

A dial that was never let in, or that carried nothing, shows no purpose: it counts where nothing else was left to ask.

The end has come when a client has certainly read it from a stream, too, though the app is shown it later: no other
stream is dialled for then. A gap that it has to wait for, and the reorder window, are waited for.
"""

import msgspec

from harness.history import Dial, Record
from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.facts.instructions import told_gaps
from harness.judge.facts.lives import EventFate, Life, lives
from harness.judge.facts.refusals import no_results_due, refusal
from harness.judge.facts.requests import RequestLife, dial_lives, request_lives
from harness.judge.laws.findings import Law, LawFindings
from harness.sse.policy import declared

OWN = 0.05
"""Seconds beside the run's lag: what a client needs to cancel what it was about to dial."""

OVERLOOKED_ADVICE = "Fix: take the end from the stream that brings it, and dial for no other"

ADVICE = "Fix: after the terminal event, or a status that says stop, cancel every timer that would reconnect or poll"


class StopReason(msgspec.Struct, frozen=True):
    """The reason why the client had to stop, and the stamp since which it had to."""

    at_ns: int
    why: str
    record: Record
    polls: int  # requests of status that are still allowed


def _judge(case: Case) -> LawFindings:
    outcome = LawFindings()
    for client in case.clients:
        stop = _stop(client)
        again = _overlooked(client)
        if again is not None:
            _of_overlooked(client, *again, outcome)
        elif stop is not None:
            _of_client(client, stop, outcome)
        elif case.cut_short:
            outcome.doubt(f"the run was cut short at {phrases.moment(case.end)}, before the end of the job")
        else:
            outcome.skip("the client never learned of an end")
    return outcome


def _stop(client: ClientCase) -> StopReason | None:
    """Return the first of: the terminal callback, a final status that was certainly read."""
    found: list[StopReason] = []
    if client.screen.terminals:
        app = client.screen.terminals[0].app
        found.append(StopReason(app.enter_ns, f"on_{app.callback}", app, 0))
    response = refusal(client)
    read_ns = request_lives(client)[response.rid].read_ns if response is not None else None
    says_stop = response is not None and (response.status == 204 or declared(client.case.declared.stops))
    if response is not None and says_stop and read_ns is not None:
        found.append(StopReason(read_ns, f"status {response.status}", response, 1 if response.status == 204 else 0))
    return min(found, key=lambda stop: stop.at_ns, default=None)


def _overlooked(client: ClientCase) -> tuple[Life, RequestLife] | None:
    """Return an end that was read from a stream, and the stream that was dialled for before the app was shown it.

    None without such a stream. Law L1 judges an end that is never shown.
    """
    case, terminals = client.case, client.screen.terminals
    if not terminals:
        return None
    own_ns = round((OWN + case.slack + (case.plan.client.policies.reorder_window or 0.0)) * 1e9)
    shown_ns = terminals[0].app.enter_ns
    streams = [life for life in request_lives(client).values() if life.request.what == "stream"]
    for end in lives(client):
        if (
            not end.event.terminal
            or end.fate is EventFate.TOO_BIG
            or end.read_ns is None
            or _put_off(client, end.read_ns)
        ):
            continue
        since_ns = end.read_ns + own_ns + case.near_ns
        return next(((end, one) for one in streams if since_ns < one.begun_ns < shown_ns), None)
    return None


def _put_off(client: ClientCase, read_ns: int) -> bool:
    """Return whether a gap was open as the end was read, so that a snapshot comes first."""
    return any(gap.record.t_ns <= read_ns < gap.covered_ns for gap in told_gaps(client))


def _of_overlooked(client: ClientCase, end: Life, again: RequestLife, outcome: LawFindings) -> None:
    assert end.arrival is not None
    case, name = client.case, end.event.type
    at, came = phrases.moment(case.at(again.begun_ns)), phrases.moment(case.at(end.arrival.record.t_ns))
    text = f"{client.called} dialled for a stream at {at}, though {name} had reached it on the one before at {came}"
    shown = [case.evidence(end.arrival.record, f"{name} at the phone"), case.evidence(again.request, _NAMES["stream"])]
    outcome.fail(text, *shown, advice=OVERLOOKED_ADVICE)


def _of_client(client: ClientCase, stop: StopReason, outcome: LawFindings) -> None:
    case = client.case
    since_ns = stop.at_ns + round((OWN + case.slack) * 1e9)
    asked = [life for life in request_lives(client).values() if life.request.what in {"stream", "poll"}]
    later = [life for life in asked if life.begun_ns > since_ns]
    polls = [life for life in later if life.request.what == "poll"]
    # A poll whose token had run out is asked again with a new one: that is the same question.
    allowed = stop.polls + sum(_refused_after(life, stop) for life in asked) if stop.polls else 0
    begun: list[tuple[int, Record, str]] = [
        (life.begun_ns, life.request, life.request.what) for life in later if life not in polls[:allowed]
    ]
    begun += [(dial.from_ns, dial, "dial") for dial in _aimless(client, stop, since_ns)]
    if not begun:
        outcome.hold()
        return
    begun.sort(key=lambda one: one[0])
    at, had_come = phrases.moment(case.at(begun[0][0])), phrases.moment(case.at(stop.at_ns))
    text = f"{client.called} began {_listed([what for *_, what in begun])} after the end: the first at {at}, "
    text += f"{stop.why} had come at {had_come}"
    shown = [case.evidence(stop.record, stop.why, t_ns=stop.at_ns)]
    shown += [case.evidence(record, _NAMES[what], t_ns=at_ns) for at_ns, record, what in begun]
    outcome.fail(text, *shown, advice=ADVICE)


def _aimless(client: ClientCase, stop: StopReason, since_ns: int) -> list[Dial]:
    """Return the dials after an end that carried no request, where neither results nor a last poll were due."""
    fetches = client.case.declared.fetches_results  # undeclared: it may
    completed = any(shown.app.callback == "completed" for shown in client.screen.terminals)
    handed = min((got.t_ns for got in client.app_results), default=None)
    if stop.polls:
        return []
    if completed and fetches is not False and not no_results_due(client):
        if handed is None:
            return []
        since_ns = max(since_ns, handed)
    return [one.dial for one in dial_lives(client) if one.request is None and one.dial.from_ns > since_ns]


def _refused_after(life: RequestLife, stop: StopReason) -> bool:
    answer = life.answer
    asked = life.request.what == "poll" and answer is not None
    return asked and answer is not None and answer.status == 401 and answer.t_ns > stop.at_ns


_NAMES = {"stream": "stream request", "poll": "poll request", "dial": "dial without a request"}


def _listed(kinds: list[str]) -> str:
    counts = {what: kinds.count(what) for what in _NAMES}
    return phrases.several([_counted(count, what) for what, count in counts.items() if count])


def _counted(count: int, what: str) -> str:
    if what == "dial":
        return f"{phrases.amount(count, 'dial')} without a request"
    return phrases.amount(count, _NAMES[what])


LAW = Law(
    code="L11",
    word="stop",
    title="Silence after the end",
    priority=15,
    judge=_judge,
    says="No stream or poll request begins after the terminal event or a fatal status. Exempt: the results, and "
    "one poll after 204. Never fatal: a first 401, 403, 408, 425, 429, and 409 or 410 on the stream.",
    breaks=("A close during a reconnection races with it: launchdarkly/swift-eventsource PR 42, PR 19",),
)
