"""L11, stop: no stream or poll request is begun after the end, whether the job's or a fatal status."""

import msgspec

from harness.history import Record, Request, Response
from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.laws.outcome import Law, Outcome
from harness.judge.refusals import refusal

ADVICE = "Fix: after the terminal event, or a status that says stop, cancel every timer that would reconnect or poll"


class Stop(msgspec.Struct, frozen=True):
    """Why the client had to stop, and since when."""

    at_ns: int
    why: str
    record: Record
    polls: int  # requests of status that are still allowed


def _judge(case: Case) -> Outcome:
    outcome = Outcome()
    for client in case.clients:
        stop = _stop(client)
        if stop is not None:
            _of_client(client, stop, outcome)
        elif case.cut_short:
            outcome.doubt(f"the run was cut short at {phrases.moment(case.end)}, before the end of the job")
        else:
            outcome.skip("the client never learned of an end")
    return outcome


def _stop(client: ClientCase) -> Stop | None:
    """Return the first of: the terminal callback, a fatal status on the stream."""
    found: list[Stop] = []
    if client.screen.terminals:
        app = client.screen.terminals[0].app
        found.append(Stop(app.enter_ns, f"on_{app.callback}", app, 0))
    response = refusal(client)
    if response is not None:
        found.append(Stop(response.t_ns, f"status {response.status}", response, 1 if response.status == 204 else 0))
    return min(found, key=lambda stop: stop.at_ns, default=None)


def _of_client(client: ClientCase, stop: Stop, outcome: Outcome) -> None:
    case = client.case
    since = stop.at_ns + round(case.slack * 1e9)
    if isinstance(stop.record, Response):
        # The gate saw the status before the client did.
        since += round(max(spec.shape.latency + spec.shape.jitter for spec in case.plan.paths.values()) * 2e9)
    later = [request for request in client.requests if request.t_ns > since and request.what in {"stream", "poll"}]
    # A poll whose token had run out is asked again with a new one: that is the same question.
    again = [poll for poll in client.requests if poll.what == "poll" and _refused_after(client, poll, stop)]
    allowed = stop.polls + len(again) if stop.polls else 0
    polls = [request for request in later if request.what == "poll"][:allowed]
    later = [request for request in later if request not in polls]
    if not later:
        outcome.hold()
        return
    at = phrases.moment(case.at(later[0].t_ns))
    text = f"{client.called} began {_listed(later)} after the end: the first at {at}, {stop.why} had come at "
    text += phrases.moment(case.at(stop.at_ns))
    shown = [case.evidence(stop.record, stop.why, t_ns=stop.at_ns)]
    shown += [case.evidence(request, f"{request.what} request") for request in later]
    outcome.fail(text, *shown, advice=ADVICE)


def _refused_after(client: ClientCase, poll: Request, stop: Stop) -> bool:
    answer = client.responses.get(poll.rid)
    return answer is not None and answer.status == 401 and answer.t_ns > stop.at_ns


def _listed(later: list[Request]) -> str:
    kinds = {what: sum(request.what == what for request in later) for what in ("stream", "poll")}
    return phrases.several([phrases.amount(count, f"{what} request") for what, count in kinds.items() if count])


LAW = Law(code="L11", word="stop", judge=_judge)
