"""L11, stop: no stream or poll request is begun after the end, whether the job's or a fatal status."""

import msgspec

from harness.history import Record, Request, Response
from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.laws.outcome import Law, Outcome

EXEMPT = frozenset({401, 403, 408, 409, 410, 425, 429})
"""Never fatal on the stream: refreshed, waited out, or healed by a snapshot (a second 401 in a row is)."""

ADVICE = "Fix: after the terminal event, or a status that says stop, cancel every timer that would reconnect or poll"


class Stop(msgspec.Struct, frozen=True):
    """Why the client had to stop, and since when."""

    at_ns: int
    why: str
    record: Record
    polls: int  # requests of status that are still allowed


def fatal(status: int, retries: tuple[str, ...], stops: tuple[str, ...]) -> bool:
    """Whether a status of the stream is fatal by the plan's policies; ``retries`` wins where both match."""
    if status in EXEMPT or _matches(status, retries):
        return False
    return _matches(status, stops)


def _matches(status: int, patterns: tuple[str, ...]) -> bool:
    return any(pattern in {str(status), f"{status // 100}xx"} for pattern in patterns)


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
    policies = client.case.plan.client.policies
    refused = 0
    for request in client.streams:
        response: Response | None = client.responses.get(request.rid)
        if response is None:
            continue
        refused = refused + 1 if response.status == 401 else 0
        if refused > 1 or fatal(response.status, policies.retries, policies.stops):
            polls = 1 if response.status == 204 else 0
            found.append(Stop(response.t_ns, f"status {response.status}", response, polls))
    return min(found, key=lambda stop: stop.at_ns, default=None)


def _of_client(client: ClientCase, stop: Stop, outcome: Outcome) -> None:
    case = client.case
    since = stop.at_ns + round(case.slack * 1e9)
    if isinstance(stop.record, Response):
        # The gate saw the status before the client did.
        since += round(max(spec.shape.latency + spec.shape.jitter for spec in case.plan.paths.values()) * 2e9)
    later = [request for request in client.requests if request.t_ns > since and request.what in {"stream", "poll"}]
    polls = [request for request in later if request.what == "poll"][: stop.polls]
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


def _listed(later: list[Request]) -> str:
    kinds = {what: sum(request.what == what for request in later) for what in ("stream", "poll")}
    return phrases.several([phrases.amount(count, f"{what} request") for what, count in kinds.items() if count])


LAW = Law(code="L11", word="stop", judge=_judge)
