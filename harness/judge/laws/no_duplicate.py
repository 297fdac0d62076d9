"""L3: no duplicate, phantom or corrupted event reaches the app.

A callback is of the type and has the payload of an event that had reached the phone, or shows a status answer that was
delivered whole. What a server sent twice, in one stream or in answer to an id that lay at or beyond it, is a repeat
only to a client that reads more from ids than the standard gives them. To one that declares them opaque the second is
another event: showing it is lawful. So it is to any client of an event without an id that came again (``Screen``).
"""

from collections import Counter

from harness.history.records import digest
from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.explain.causes import repeat_cause
from harness.judge.facts.radio import Arrival, arrivals
from harness.judge.facts.screen import Shown
from harness.judge.facts.truth import Position
from harness.judge.laws.findings import SHOWN, Law, LawFindings, judge_shown
from harness.judge.verdict import Evidence
from harness.sse.policy import Ids

_ADVICE = {
    "duplicated": "Fix: compare each id with those already dispatched; a replay may overlap what the app has",
    "unreached": "Fix: show an event when it has come, and nothing that is only expected",
    "phantom": "Fix: dispatch only data that a blank line completed; a comment, a block without data, or what a cut "
    "left over, is no event",
    "corrupted": "Fix: decode UTF-8 across chunks, and drop a partial event when its connection ends",
}


def _judge(case: Case) -> LawFindings:
    return judge_shown(case, _of_client)


def _of_client(client: ClientCase, outcome: LawFindings) -> None:
    shown = client.screen.shown
    again = [one for one in shown if one.duplicated and not one.corrupted]
    hollow = [one for one in shown if one.duplicated and one.corrupted]
    repeated = _unlawful(client, again)
    unreached = [one for one in shown if one.unreached]
    phantoms = [one for one in shown if one.phantom]
    corrupted = [one for one in shown if one.corrupted and not one.duplicated]
    if repeated:
        _repeated(client, repeated, outcome)
    if hollow:
        _made_up(client, hollow, outcome)
    if phantoms:
        what = phrases.amount(len(phantoms), "event")
        names = ", ".join(one.app.id or f"a {one.app.callback} without an id" for one in phantoms[:3])
        text = f"the app got {what} that the server never emitted ({names})"
        outcome.fail(text, *_evidence(client, phantoms, "never emitted"), advice=_ADVICE["phantom"])
    if unreached:
        which = phrases.events([one.event.index for one in unreached if one.event])
        at = phrases.moment(client.case.at(unreached[0].app.enter_ns))
        text = f"{which} {'was' if len(unreached) == 1 else 'were'} shown at {at}, before reaching the phone"
        outcome.fail(text, *_evidence(client, unreached, "not at the phone yet"), advice=_ADVICE["unreached"])
    if corrupted:
        which = phrases.events([one.event.index for one in corrupted if one.event])
        text = f"{which} reached the app with another payload than was emitted"
        outcome.fail(text, *_evidence(client, corrupted, "payload differs"), advice=_ADVICE["corrupted"])
    if not (repeated or hollow or phantoms or unreached or corrupted):
        outcome.hold(_told_again(client, again))


def _told_again(client: ClientCase, again: list[Shown]) -> str:
    """Return why it was lawful to show events again; empty where none was."""
    retold = sum(one.retold for one in client.screen.shown)
    parts = []
    if again:
        count = phrases.amount(len(again), "event")
        parts.append(f"{count} shown again, as the server sent them twice: ids are opaque to {client.called}")
    if retold:
        parts.append(f"{phrases.amount(retold, 'event')} without an id shown again, as a replay or an answer told it")
    return "; ".join(parts)


def _unlawful(client: ClientCase, again: list[Shown]) -> list[Shown]:
    """Return the repeats that are the client's own: more than the server sent twice to a client of opaque ids."""
    if not again or client.case.plan.client.policies.ids is not Ids.OPAQUE:
        return again
    sent = _sent_twice(client)
    found, times = [], Counter[Position]()
    for one in again:
        assert one.event is not None
        position = one.event.position
        times[position] += 1
        came = sum(arrival.record.t_ns <= one.app.enter_ns for arrival in sent.get(position, ()))
        if one.answer is not None or times[position] > came:
            found.append(one)
    return found


def _sent_twice(client: ClientCase) -> dict[Position, list[Arrival]]:
    """Return what a stream brought that it had brought before, or that the id it was asked from lay at or beyond."""
    found: dict[Position, list[Arrival]] = {}
    met: set[tuple[int, Position]] = set()
    for one in arrivals(client):
        position, asked = one.event.position, one.request.last_event_id
        after = client.truth.known(asked, one.request.t_ns) if asked else None
        if not one.event.has_id:
            continue
        if (one.request.rid, position) in met or (after is not None and after.position >= position):
            found.setdefault(position, []).append(one)
        met.add((one.request.rid, position))
    return found


def _repeated(client: ClientCase, repeated: list[Shown], outcome: LawFindings) -> None:
    indices = sorted({one.event.index for one in repeated if one.event})
    cause = repeat_cause(client, repeated[0].app.enter_ns)
    span = phrases.between(client.case.at(repeated[0].app.enter_ns), client.case.at(repeated[-1].app.enter_ns))
    verb = "was" if len(indices) == 1 else "were"
    text = f"{phrases.events(indices)} {verb} shown to the app again at {span}"
    outcome.fail(
        text + (f": {cause.sentence}" if cause else ""),
        *(cause.evidence if cause else ()), *_evidence(client, repeated, "delivered again"),
        advice=cause.advice if cause else _ADVICE["duplicated"], cause=cause.key if cause else "",
    )  # fmt: skip


def _made_up(client: ClientCase, hollow: list[Shown], outcome: LawFindings) -> None:
    """Tell callbacks with the id of an event that was shown before, and a payload that none has."""
    empty = all(one.app.digest == digest(one.app.callback, "") for one in hollow)
    what, first = phrases.amount(len(hollow), "callback"), hollow[0].app
    at = phrases.moment(client.case.at(first.enter_ns))
    payload = "an empty payload" if empty else "a payload that no event has"
    text = f"the app got {what} with {payload} and the id of an event that it had been shown before"
    shown = [
        _before(client, hollow[0]),
        *_evidence(client, hollow, "empty payload" if empty else "payload of no event"),
    ]
    outcome.fail(f"{text} (first {first.id} at {at})", *shown, advice=_ADVICE["phantom"], cause="made-up")


def _before(client: ClientCase, one: Shown) -> Evidence:
    """Return the callback that showed the event itself."""
    assert one.event is not None  # it is a repeat
    app = client.screen.delivered[one.event.position]
    return client.case.evidence(app, f"on_{app.callback}, id {app.id or 'none'}: the event itself", t_ns=app.enter_ns)


def _evidence(client: ClientCase, shown: list[Shown], why: str) -> list[Evidence]:
    return [
        client.case.evidence(one.app, f"on_{one.app.callback}, id {one.app.id or 'none'}: {why}", t_ns=one.app.enter_ns)
        for one in shown[:SHOWN]
    ]


LAW = Law(
    code="L3",
    word="no-duplicate",
    title="Nothing duplicated, invented or corrupted",
    priority=8,
    judge=_judge,
    says="No (epoch, index) reaches the app twice, none that was never emitted, none whose payload differs. What a "
    "callback is follows from its type and payload, and from no id: it has to be that of an event at the "
    "phone by then, or of a status answer that was delivered whole.",
    breaks=(
        "A full replay is shown again after each reconnection: athrvk/vayu 21; r3labs/sse 61",
        "A comment after an id becomes an empty event: florimondmanca/httpx-sse 35",
        "A partial event is dispatched at the end of a connection, or glued to the next: apache/cxf PR 825",
        "A character cut between chunks is garbled: teunlao/swift-ai-sdk PR 15; api7/aisix 111",
    ),
)
