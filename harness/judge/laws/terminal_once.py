"""L1, terminal once: by the horizon exactly one terminal event reached the app, the true one; nothing after it.

It is the true one by its content: the truth's own type and payload, at the radio by then, or a status answer of the end
that was delivered whole.
"""

from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.explain.causes import OUTAGES, loss_cause
from harness.judge.facts.refusals import no_end_due
from harness.judge.facts.screen import Shown
from harness.judge.facts.snapshots import DeliveredState, delivered_states
from harness.judge.facts.truth import EmittedEvent
from harness.judge.laws.findings import Law, LawFindings

ADVICE = "Fix: after completed, failed or timeout close the stream, cancel its timers and drop what is still queued"


def _judge(case: Case) -> LawFindings:
    outcome = LawFindings()
    for client in case.clients:
        if not client.reports:
            _silent(case, outcome)
            continue
        _of_client(client, outcome)
    return outcome


def _silent(case: Case, outcome: LawFindings) -> None:
    if case.cut_short:
        outcome.doubt("the client reported nothing before the run was cut short")
    else:
        outcome.skip("the client reports no callbacks")


def _of_client(client: ClientCase, outcome: LawFindings) -> None:
    truth, terminals = client.truth.terminal, client.screen.terminals
    if not terminals:
        _none(client, truth, outcome)
        return
    first = terminals[0]
    before = len(outcome.findings)
    _true(client, first, truth, outcome)
    if len(terminals) > 1:
        _twice(client, terminals, outcome)
    else:
        _after(client, first, outcome)
    if len(outcome.findings) == before:
        outcome.hold()


def _none(client: ClientCase, truth: EmittedEvent | None, outcome: LawFindings) -> None:
    case = client.case
    if case.cut_short:
        outcome.doubt(f"the run was cut short at {phrases.moment(case.end)}, before the horizon")
    elif truth is not None and (told := _told(client, truth)) is not None:
        _untold(client, truth, told, outcome)
    elif truth is None and case.plan.job.ends == "never":
        outcome.skip("the job never ends")
    elif not_due := no_end_due(client) or case.nobody:
        outcome.skip(not_due)
    elif truth is None:
        outcome.doubt("the server never emitted a terminal event")
    else:
        at = phrases.moment(case.at(truth.actual_ns))
        cause = loss_cause(client, [truth])
        shown = case.evidence(
            truth.record, f"emitted {truth.type}, id {truth.id}; the app never saw it", t_ns=truth.actual_ns
        )
        # What a client did about an outage is the verdict's own sentence.
        why = f": {cause.sentence}" if cause is not None and cause.key not in OUTAGES else ""
        outcome.fail(
            f"{truth.type}, emitted at {at}, never reached the app{why}",
            *(cause.evidence if cause else ()), shown,
            advice=cause.advice if cause else "", cause=cause.key if cause else "",
        )  # fmt: skip


def _told(client: ClientCase, truth: EmittedEvent) -> DeliveredState | None:
    """Return the first status answer of the end that the client certainly read; None where none was."""
    states = delivered_states(client)
    return next((one for one in states if one.position == truth.position and one.known_ns is not None), None)


def _untold(client: ClientCase, truth: EmittedEvent, told: DeliveredState, outcome: LawFindings) -> None:
    at = phrases.moment(client.case.at(told.at_ns))
    shown = client.case.evidence(told.life.request, f"status asked for; the answer told {truth.type}")
    outcome.fail(f"a status answer told {truth.type} at {at}, and it never reached the app", shown)


def _true(client: ClientCase, shown: Shown, truth: EmittedEvent | None, outcome: LawFindings) -> None:
    case, app = client.case, shown.app
    said = case.evidence(app, f"on_{app.callback}, id {app.id or 'none'}", t_ns=app.enter_ns)
    at = phrases.moment(case.at(app.enter_ns))
    if truth is None:
        outcome.fail(f"the app was told {app.callback} at {at}, but the server emitted no terminal event", said)
        return
    emitted = case.evidence(truth.record, f"emitted {truth.type}, id {truth.id}", t_ns=truth.actual_ns)
    if app.callback != truth.type:
        outcome.fail(f"the app was told {app.callback} at {at}, the truth is {truth.type}", said, emitted)
    elif app.enter_ns < truth.actual_ns:
        outcome.fail(f"the app was told {app.callback} at {at}, before it was emitted", said, emitted)
    elif shown.unreached:
        outcome.fail(f"the app was told {app.callback} at {at}, before it had reached the phone", said, emitted)
    elif shown.corrupted or shown.phantom:
        outcome.fail(f"the app got {app.callback} at {at} with a payload that differs from the truth", said, emitted)


def _twice(client: ClientCase, terminals: list[Shown], outcome: LawFindings) -> None:
    words = phrases.several([shown.app.callback for shown in terminals[:3]])
    evidence = [
        client.case.evidence(shown.app, f"on_{shown.app.callback}, id {shown.app.id}", t_ns=shown.app.enter_ns)
        for shown in terminals
    ]
    outcome.fail(f"the job ended {len(terminals)} times for the app: {words}", *evidence, advice=ADVICE)


def _after(client: ClientCase, terminal: Shown, outcome: LawFindings) -> None:
    place = client.screen.callbacks.index(terminal.app)
    later = client.screen.callbacks[place + 1 :]
    if not later:
        return
    at = phrases.moment(client.case.at(later[0].enter_ns))
    ended = client.case.evidence(terminal.app, f"on_{terminal.app.callback}", t_ns=terminal.app.enter_ns)
    shown = [client.case.evidence(app, f"on_{app.callback}, id {app.id or 'none'}", t_ns=app.enter_ns) for app in later]
    outcome.fail(
        f"on_{later[0].callback} was called at {at}, after on_{terminal.app.callback} had ended the job",
        ended, *shown, advice=ADVICE,
    )  # fmt: skip


LAW = Law(
    code="L1",
    word="terminal-once",
    title="One terminal event, the true one",
    priority=6,
    judge=_judge,
    says="By the horizon exactly one of completed, failed and timeout reached the app, the one the server emitted, "
    "with its payload and not before it was emitted. No callback comes after it.",
    breaks=(
        "A half-open connection is never noticed, and the end of the job with it: dzianisv/opencode-mobile 186",
        "It gives up silently after some minutes or attempts: r3labs/sse 147; GoogleCloudPlatform/scion PR 1258",
        "An exception in the stream ends the iteration for good: rtfol/aiohttp-sse-client 307",
    ),
)
