"""L15, discreet: with tokens, errors, callbacks, requests, live streams and polling.

What leaves no record cannot be judged, and the law says so where it held: whether TLS was verified, and the CPU of a
client in its own process.
"""

from operator import attrgetter

from harness.history import App, Response
from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.facts.clinging import allowance, clinging
from harness.judge.facts.endings import StreamEnding, hasty_endings
from harness.judge.facts.gap_notices import ALOUD, BusyApp, invented_gaps, told_by, untold_gap
from harness.judge.facts.giving_up import GAVE_UP, gave_up, giving_up_advice, giving_up_evidence, giving_up_text
from harness.judge.facts.refusals import refusal
from harness.judge.facts.requests import request_lives
from harness.judge.facts.secrets import home, leaked
from harness.judge.laws.findings import SHOWN, Law, LawFindings

UNSEEN = "TLS and CPU leave no record"

_FINAL = 204

_ADVICE = {
    "token": "Fix: follow redirects by hand, and send the token to the job server's own origin only",
    "untold": "Fix: tell the app once that the job was refused for good, and stop",
    "gap": "Fix: tell the app of each gap that the server says (409, 410, reset, a new epoch), once, before going on",
    "invented": "Fix: only the server can say that events are missing: 409, 410, reset, or an id of a new epoch",
    "serial": "Fix: call back from one task, or queue events behind the callback that is running",
    "requests": "Fix: back off between attempts, and poll no oftener than the fallback's interval",
    "hasty": "Fix: a read deadline above the server's keep-alive, fed by every byte, comments included",
    "polling": "Fix: while polling, try the stream again every `retry stream`, and return to it at its first byte",
}


def _judge(case: Case) -> LawFindings:
    outcome = LawFindings()
    for client in case.clients:
        if not client.requests:
            outcome.doubt("no request was seen at the gate")
            continue
        before = len(outcome.findings)
        for part in (_tokens, _errors, _gaps, _callbacks, _budget, _streams, _polling):
            part(client, outcome)
        if len(outcome.findings) == before:
            unreported = "" if client.reports else "; the client reports no callbacks"
            outcome.hold(f"{phrases.amount(len(client.requests), 'request')} in order ({UNSEEN}{unreported})")
    return outcome


def _tokens(client: ClientCase, outcome: LawFindings) -> None:
    found = leaked(client)
    if not found:
        return
    at = phrases.moment(client.case.at(found[0].t_ns))
    text = f"{client.called} sent its token to {found[0].origin} at {at}; the job server is {home(client)}"
    if len(found) > 1:
        text += f" ({phrases.amount(len(found), 'request')} with it)"
    redirects = [a for a in client.responses.values() if a.location and a.seq < found[0].seq]
    shown = [client.case.evidence(a, f"{a.status}, location {a.location}") for a in redirects[-1:]]
    shown += [client.case.evidence(one, f"{one.what} request with the token to {one.origin}") for one in found[:SHOWN]]
    outcome.fail(text, *shown, advice=_ADVICE["token"], cause="token-leaked")


def _errors(client: ClientCase, outcome: LawFindings) -> None:
    """A final error while the job lives; more than one; none where the job was refused for good."""
    app = gave_up(client)
    if app is not None:
        outcome.fail(
            giving_up_text(client, app),
            *giving_up_evidence(client, app),
            advice=giving_up_advice(client, app),
            cause=GAVE_UP,
        )
    elif len(client.screen.errors) > 1:
        shown = [client.case.evidence(app, "on_error", t_ns=app.enter_ns) for app in client.screen.errors[:SHOWN]]
        text = f"on_error ended it for the app {len(client.screen.errors)} times"
        outcome.fail(text, *shown, advice=_ADVICE["untold"], cause="ended-twice")
    elif (stop := refusal(client)) is not None and _silent(client, stop):
        at = phrases.moment(client.case.at(stop.t_ns))
        text = f"the job was refused for good at {at} ({stop.status}), and the app was told nothing of it"
        outcome.fail(text, client.case.evidence(stop, f"{stop.status}"), advice=_ADVICE["untold"], cause="untold-end")
    elif stop is not None and (late := _late(client, stop)) is not None:
        at, told = phrases.moment(client.case.at(stop.t_ns)), phrases.moment(client.case.at(late.enter_ns))
        text = f"the job was refused for good at {at} ({stop.status}), and the app was told so at {told} only"
        text += f" (limit {phrases.limit(ALOUD)})"
        shown = [client.case.evidence(stop, f"{stop.status}")]
        shown.append(client.case.evidence(late, "on_error", t_ns=late.enter_ns))
        outcome.fail(text, *shown, advice=_ADVICE["untold"], cause="late-end")


def _late(client: ClientCase, stop: Response) -> App | None:
    """Return the final error that came later than a client has time for after a final answer; None where none did.

    After a 204 a client may ask first what became of its job, however long that takes.
    """
    read_ns = request_lives(client)[stop.rid].read_ns
    if read_ns is None or stop.status == _FINAL or client.screen.terminals or not client.screen.errors:
        return None
    told = client.screen.errors[0]
    return told if told.enter_ns > told_by(client, read_ns) else None


def _silent(client: ClientCase, stop: Response) -> bool:
    """Return whether the app was told neither an error nor the end in the time that a client has for it."""
    due_ns = stop.t_ns + round((ALOUD + client.once(BusyApp).longest) * 1e9) + client.case.near_ns
    return due_ns < client.case.end_ns and not client.screen.errors and not client.screen.terminals


def _gaps(client: ClientCase, outcome: LawFindings) -> None:
    """Check that each gap that the server said is told, and none besides."""
    case = client.case
    if not client.reports:
        return
    for app, said in invented_gaps(client):
        at = phrases.moment(case.at(app.enter_ns))
        detail = f" ({app.detail})" if app.detail else ""
        text = f"on_gap was called at {at}{detail}, though the server had said {said}"
        outcome.fail(
            text, case.evidence(app, "on_gap", t_ns=app.enter_ns), advice=_ADVICE["invented"], cause="gap-invented"
        )
        return
    missed = untold_gap(client)
    if missed is not None:
        at = phrases.moment(case.at(missed.record.t_ns))
        text = f"the server said at {at} that events are missing ({missed.how}), and the app was never told of a gap"
        shown = case.evidence(missed.record, f"{missed.how}: events are missing for good")
        outcome.fail(text, shown, advice=_ADVICE["gap"], cause="gap-untold")


def _callbacks(client: ClientCase, outcome: LawFindings) -> None:
    together: list[tuple[App, App]] = []
    running: App | None = None
    for app in sorted([*client.screen.callbacks, *client.gaps_told], key=attrgetter("enter_ns", "seq")):
        if running is not None and app.enter_ns < running.exit_ns:
            together.append((running, app))
        running = app if running is None else max(running, app, key=lambda one: one.exit_ns)
    if not together:
        return
    first, second = together[0]
    at = phrases.moment(client.case.at(second.enter_ns))
    text = f"on_{second.callback} was called at {at} while on_{first.callback} was still running"
    if len(together) > 1:
        text += f" ({len(together)} times in all)"
    left = phrases.moment(client.case.at(first.exit_ns))
    shown = [
        client.case.evidence(first, f"on_{first.callback} until {left}", t_ns=first.enter_ns),
        client.case.evidence(second, f"on_{second.callback} begins", t_ns=second.enter_ns),
    ]
    outcome.fail(text, *shown, advice=_ADVICE["serial"], cause="callbacks-overlap")


def _budget(client: ClientCase, outcome: LawFindings) -> None:
    """The scenario's ``requests``, where it bounds them from above."""
    budgets = [e.limit for e in client.case.plan.expect if e.metric == "requests" and e.sort in {"at most", "is"}]
    if not budgets or len(client.requests) <= min(budgets):
        return
    over = client.requests[int(min(budgets))]
    made, at = phrases.amount(len(client.requests), "request"), phrases.moment(client.case.at(over.t_ns))
    text = f"{client.called} made {made}, the scenario allows {min(budgets):g}: that was spent at {at}"
    shown = client.case.evidence(over, f"the first request too many: {over.what}")
    outcome.fail(text, shown, advice=_ADVICE["requests"], cause="too-many-requests")


def _streams(client: ClientCase, outcome: LawFindings) -> None:
    found = hasty_endings(client)
    if not found:
        return
    case, worst = client.case, min(found, key=lambda one: one.age)
    watchdog = case.plan.client.policies.watchdog
    doubt = case.doubtful(watchdog) if watchdog is not None else ""
    if doubt:
        outcome.doubt(doubt)
        return
    at = phrases.moment(case.at(worst.at_ns))
    text = f"{client.called} ended a live stream at {at}: {_age(worst)}, "
    text += "it declares no watchdog" if watchdog is None else f"its watchdog is {phrases.limit(watchdog)}"
    if len(found) > 1:
        text += f" ({len(found)} times in all)"
    shown = [case.evidence(one.end, f"the client hung up; {_age(one)}", t_ns=one.at_ns) for one in found[:SHOWN]]
    outcome.fail(text, *shown, advice=_ADVICE["hasty"], cause="hasty-watchdog")


def _age(ending: StreamEnding) -> str:
    age = f"its last byte had come {phrases.duration(ending.age)} before"
    if ending.events_age is not None and ending.events_age > 2 * ending.age:
        age += f" (a comment; its last event {phrases.duration(ending.events_age)})"
    return age


def _polling(client: ClientCase, outcome: LawFindings) -> None:
    case = client.case
    limit = allowance(client)
    found = [one for one in clinging(client) if one.lasted > limit + case.slack]
    if not found:
        return
    worst = max(found, key=lambda one: one.lasted)
    text = (
        f"{client.called} went on polling for {phrases.duration(worst.lasted)} though event streams could pass from "
        f"{phrases.moment(worst.usable)} on (limit {phrases.limit(round(limit, 1))})"
    )
    shown = [case.evidence(poll, "poll") for poll in (worst.polls[0], worst.polls[-1])]
    outcome.fail(text, *shown, advice=_ADVICE["polling"], cause="never-returned")


LAW = Law(
    code="L15",
    word="discreet",
    title="Discreet with tokens, errors, callbacks and requests",
    priority=18,
    judge=_judge,
    says="No token follows a redirect to another origin, nor goes over TLS that was not verified. No final error "
    "while the job lives, unless the server refused for good or the policy's attempts are spent; one due is "
    "told within 1 s. Callbacks one at a time. No more requests than the scenario's `requests`. No live "
    "stream ended by the client within its watchdog of a byte (a comment is one), unless a signal said so. No "
    "polling for longer than `retry stream` + R after streams can pass again. TLS and CPU leave no record, so "
    "they are not judged.",
    breaks=(
        "A stream is ended by a timeout shorter than its heartbeat: dhyansraj/mcp-mesh 267",
        "A watchdog that only events feed cuts a quiet but healthy stream, comments and all",
        "A client that fell back to polling never tries the stream again",
    ),
)
