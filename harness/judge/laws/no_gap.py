"""L2, no gap: (a) what reached the phone reaches the app; (b) what did not reach it is asked for, or said aloud."""

from harness.history import Write
from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.explain.causes import NEVER_NOTICED, Cause, loss_cause, unshown_cause
from harness.judge.facts.lives import EventFate, Life, lives, lost
from harness.judge.facts.refusals import no_end_due
from harness.judge.laws.findings import Law, LawFindings
from harness.judge.verdict import Evidence

MANY = 8
"""From so many events on, a sentence begins with their number."""

_SHOW = (
    "Fix: hand on every event that a blank line completes; only a full queue behind a busy callback may drop the oldest"
)


def _judge(case: Case) -> LawFindings:
    outcome = LawFindings()
    for client in case.clients:
        if not client.reports and not case.cut_short:
            outcome.skip("the client reports no callbacks")
        elif not client.truth.events:
            _no_truth(case, outcome)
        else:
            _of_client(client, outcome)
    return outcome


def _no_truth(case: Case, outcome: LawFindings) -> None:
    outcome.doubt("the server emitted nothing" + (" before the run was cut short" if case.cut_short else ""))


def _of_client(client: ClientCase, outcome: LawFindings) -> None:
    case = client.case
    gone = lost(client)
    unshown = [life for life in gone if life.fate is EventFate.UNSHOWN]
    unasked = [life for life in gone if life.fate is EventFate.UNASKED]
    open_ = sum(life.fate in {EventFate.UNASKED, EventFate.OPEN} for life in lives(client)) if case.cut_short else 0
    not_due = no_end_due(client) if not client.screen.terminals else ""
    if unshown:
        _unshown(client, unshown, outcome)
    if unasked and not_due:
        outcome.skip(not_due)
    elif unasked:
        _unasked(client, unasked, outcome)
    elif unshown:
        return
    elif open_:
        outcome.doubt(
            f"{phrases.amount(open_, 'event')} had not arrived when the run was cut short at {phrases.moment(case.end)}"
        )
    elif any(life.fate is EventFate.UNASKED for life in lives(client)):
        outcome.skip(case.nobody)
    else:
        outcome.hold(_beside(client))


def _beside(client: ClientCase) -> str:
    """Return what an app was spared lawfully; empty where it saw everything."""
    fates = [life.fate for life in lives(client)]
    parts = [
        f"{fates.count(fate)} {fate}"
        for fate in (EventFate.COALESCED, EventFate.COVERED, EventFate.WITHHELD, EventFate.SAID)
    ]
    told = ", ".join(part for part in parts if not part.startswith("0 "))
    return f"{fates.count(EventFate.SHOWN)} of {len(fates)} events shown, {told}" if told else ""


def _unshown(client: ClientCase, gone: list[Life], outcome: LawFindings) -> None:
    """(a) They were read, and never handed to the app."""
    case = client.case
    arrived = [life.arrival.record for life in gone if life.arrival is not None]
    span = phrases.between(case.at(arrived[0].t_ns), case.at(arrived[-1].t_ns))
    text = f"{_called(client, gone)} reached the phone at {span} and {_were(gone)} never shown"
    cause = unshown_cause(client, [life.event for life in gone])
    told = [case.evidence(one, f"id {one.id} at the phone; never shown") for one in (arrived[0], arrived[-1])]
    outcome.fail(
        text + (f": {cause.sentence}" if cause else ""),
        *(cause.evidence if cause else ()), *told,
        advice=cause.advice if cause else _SHOW, cause=cause.key if cause else "",
    )  # fmt: skip


def _unasked(client: ClientCase, gone: list[Life], outcome: LawFindings) -> None:
    """(b) They never certainly reached the phone, and were neither replayed nor covered."""
    cause = loss_cause(client, [life.event for life in gone])
    evidence = [*(cause.evidence if cause else ()), *(_last_seen(client, life)[1] for life in (gone[0], gone[-1]))]
    outcome.fail(
        _sentence(client, gone, cause),
        *evidence, advice=cause.advice if cause else "", cause=cause.key if cause else "",
    )  # fmt: skip


def _sentence(client: ClientCase, gone: list[Life], cause: Cause | None) -> str:
    case = client.case
    if cause is not None and cause.key == NEVER_NOTICED:
        return f"{phrases.amount(len(gone), 'event')} lost"
    span = phrases.between(case.at(gone[0].event.actual_ns), case.at(gone[-1].event.actual_ns))
    text = f"{_called(client, gone)} (emitted {span}) never arrived"
    return text + (f": {cause.sentence}" if cause else f": {_last_seen(client, gone[0])[0]}")


def _called(client: ClientCase, gone: list[Life]) -> str:
    text = phrases.events([life.event.index for life in gone])
    if client.case.plan.client.count > 1:
        text += f" of {client.name}"
    return f"{phrases.amount(len(gone), 'event')} lost: {text}" if len(gone) >= MANY else text


def _were(gone: list[Life]) -> str:
    return "was" if len(gone) == 1 else "were"


def _last_seen(client: ClientCase, life: Life) -> tuple[str, Evidence]:
    """Return the stage at which an event vanished, and the record that shows it."""
    case, event = client.case, life.event
    name = f"event {event.index}"
    if life.arrival is not None:
        at = phrases.moment(case.at(life.arrival.record.t_ns))
        shown = case.evidence(life.arrival.record, f"{event.named} at the phone's socket; not certainly read")
        return f"{name} was at the phone's socket at {at} when its connection ended, and was not asked for again", shown
    write = _write(client, life)
    if write is None:
        told = f"emitted {event.type}, {event.named}; never written to a stream"
        shown = case.evidence(event.record, told, t_ns=event.actual_ns)
        return f"{name} was never asked for", shown
    at = phrases.moment(case.at(write.t_ns))
    cid = next((request.cid for request in client.streams if request.rid == write.rid), 0)
    path = next((conn.path for conn in client.conns if conn.cid == cid), "")
    where = f" on {phrases.path(path)}" if path else ""
    shown = case.evidence(write, f"wrote {event.type}, {event.named}; it never reached the phone")
    return f"{name} was written at {at} and died{where}, and was not asked for again", shown


def _write(client: ClientCase, life: Life) -> Write | None:
    """Return the last write of an event to a stream of its client; None where there was none."""
    epoch, index = life.event.record.epoch, life.event.index
    written = (one for one in reversed(client.writes) if one.epoch == epoch and one.first <= index <= one.last)
    return next(written, None)


LAW = Law(
    code="L2",
    word="no-gap",
    title="No gap, or one said aloud",
    priority=7,
    judge=_judge,
    says="What reached the phone reaches the app: each event that the client has read is shown, whatever it says "
    "of it; or a snapshot stood for it in time; or it was pushed out of the app's queue, behind a callback "
    "that was under way, by as many newer updates as the client declares to have room for (never a terminal "
    "one). What did not reach it is asked for: it is replayed and shown, or covered by a snapshot that the "
    "client was entitled to: while polling after as many failures as declared, after a gap that the server "
    "said to it, or after 204. Coalesced, covered and withheld events are counted.",
    breaks=(
        "An id committed before its blank line loses a cut event: launchdarkly/swift-eventsource PR 40",
        "Events are cut or lost in chunked reading: btubbs/sseclient 28, 34; EventSource/eventsource 113",
        "The server's buffer is shorter than the outage and nobody says so: whatwg/html 8297; kenn-io/forge PR 360",
    ),
)
