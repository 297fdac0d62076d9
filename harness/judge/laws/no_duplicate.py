"""L3: no duplicate, phantom or corrupted event reaches the app.

What a server sends twice within a connection is a repeat only to a client that reads more from ids than the standard
gives them. To one that declares them opaque the second is another event: showing it is lawful.
"""

import math

from harness.deeds.acts import Repeats
from harness.judge import phrases
from harness.judge.app import Shown
from harness.judge.case import Case, ClientCase
from harness.judge.causes import repeat_cause
from harness.judge.laws.outcome import SHOWN, Law, Outcome
from harness.judge.verdict import Evidence
from harness.sse.policy import Ids

ON_ITS_WAY = 1.0
"""Seconds for which what a server sent while it repeated may be on its way."""

_ADVICE = {
    "duplicated": "Fix: compare each id with those already dispatched; a replay may overlap what the app has",
    "phantom": "Fix: dispatch only what a blank line completed; a comment, or what a cut left over, is no event",
    "corrupted": "Fix: decode UTF-8 across chunks, and drop a partial event when its connection ends",
}


def _judge(case: Case) -> Outcome:
    outcome = Outcome()
    for client in case.clients:
        if not client.screen.shown:
            _nothing_shown(client, outcome)
        else:
            _of_client(client, outcome)
    return outcome


def _nothing_shown(client: ClientCase, outcome: Outcome) -> None:
    if client.reports or client.case.cut_short:
        outcome.doubt("no event reached the app")
    else:
        outcome.skip("the client reports no callbacks")


def _of_client(client: ClientCase, outcome: Outcome) -> None:
    shown = client.screen.shown
    again = [(one, _sent_twice(client, one)) for one in shown if one.duplicated]
    repeated = [one for one, lawful in again if not lawful]
    phantoms = [one for one in shown if one.phantom]
    corrupted = [one for one in shown if one.corrupted]
    if repeated:
        _repeated(client, repeated, outcome)
    if phantoms:
        what = phrases.amount(len(phantoms), "event")
        names = ", ".join(one.app.id or f"a {one.app.callback} without an id" for one in phantoms[:3])
        text = f"the app got {what} that the server never emitted ({names})"
        outcome.fail(text, *_evidence(client, phantoms, "never emitted"), advice=_ADVICE["phantom"])
    if corrupted:
        which = phrases.events([one.event.index for one in corrupted if one.event])
        text = f"{which} reached the app with another payload than was emitted"
        outcome.fail(text, *_evidence(client, corrupted, "payload differs"), advice=_ADVICE["corrupted"])
    if not (repeated or phantoms or corrupted):
        count = f"{phrases.amount(len(again), 'event')} shown again, as the server sent them twice"
        outcome.hold(f"{count}: ids are opaque to {client.called}" if again else "")


def _sent_twice(client: ClientCase, one: Shown) -> bool:
    """Whether the app saw the event again right after it, of a server told to repeat, by a client of opaque ids."""
    case, deeds = client.case, client.case.plan.deeds
    if case.plan.client.policies.ids is not Ids.OPAQUE or one.event is None or one.event.position != one.before:
        return False
    over = {deed.undoes: deed.at + ON_ITS_WAY for deed in deeds if deed.undoes is not None}
    spans = [(deed.at, over.get(deed.index, math.inf)) for deed in deeds if isinstance(deed.act, Repeats)]
    return any(begun <= case.at(one.app.enter_ns) <= until for begun, until in spans)


def _repeated(client: ClientCase, repeated: list[Shown], outcome: Outcome) -> None:
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


def _evidence(client: ClientCase, shown: list[Shown], why: str) -> list[Evidence]:
    return [
        client.case.evidence(one.app, f"on_{one.app.callback}, id {one.app.id or 'none'}: {why}", t_ns=one.app.enter_ns)
        for one in shown[:SHOWN]
    ]


LAW = Law(code="L3", word="no-duplicate", judge=_judge)
