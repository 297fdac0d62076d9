"""The effects of each deed on a client's own: a flow, a dial, a request, a signal, or its job at the server.

A deed that touched nothing of any client was not *felt*: the client has passed a test that it never sat. Read from the
records alone. What counts is what the deed speaks of while it stands: bytes that a stalled path held, a dial to a door
that is shut, an answer of a box, a flow that was open when it was closed. What ends a fault is felt by what passes.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import assert_never

from harness.deeds.acts import (
    Answers,
    Buffers,
    Bursts,
    Clears,
    ComesOnline,
    Cuts,
    Drains,
    Ends,
    GoesOffline,
    Hangs,
    Joins,
    KillsIdle,
    Limits,
    Loses,
    MutesStreams,
    Orphans,
    Pauses,
    Prefers,
    Recovers,
    Repeats,
    ResetsStreams,
    Restarts,
    Resumes,
    RevokesToken,
    SendsRetry,
    SetReach,
    SetShape,
    SetSlice,
    ShowsPortal,
    SilencesKeepalive,
    Suspends,
)
from harness.deeds.catalogue import effect_of
from harness.device.words import Reach
from harness.history.records import Record
from harness.judge.case import ClientCase
from harness.judge.facts.footprints import DeedStretch, Facts, stretches, within

_UNAUTHORIZED = 401
_SERVER = "server"


def touched(client: ClientCase) -> Mapping[int, Record]:
    """Return of each deed that touched something of a client the first record that shows it, by the deed's index."""
    return client.once(_touched)


def on_its_own_flow(record: Record) -> bool:
    """Return whether a deed touched a flow, a dial, a request or a signal of a client, not a word of the server's."""
    return record.lane != _SERVER


def _touched(client: ClientCase) -> Mapping[int, Record]:
    facts = Facts(client)
    found = {}
    for stretch in stretches(client):
        record = MARKS[type(stretch.deed.act)](facts, stretch)
        if record is not None:
            found[stretch.deed.index] = record
    return found


def _path(stretch: DeedStretch) -> str:
    act = stretch.deed.act
    assert isinstance(act, Joins | Prefers | Loses)
    return act.path


def _everywhere(facts: Facts) -> Iterable[str]:
    return facts.client.case.plan.paths


def _shaped(facts: Facts, stretch: DeedStretch) -> Record | None:
    return facts.bytes(stretch, stretch.deed.actor, "delivered")


def _joined(facts: Facts, stretch: DeedStretch) -> Record | None:
    path = _path(stretch)
    return facts.heard(stretch, "joins", "prefers") or facts.dial(stretch, lambda one: one.path == path)


def _online(facts: Facts, stretch: DeedStretch) -> Record | None:
    return facts.heard(stretch, "online") or facts.dial(stretch, lambda one: bool(one.path))


def _lost(facts: Facts, stretch: DeedStretch) -> Record | None:
    return facts.heard(stretch, "loses") or facts.flow(stretch, [_path(stretch)])


def _offline(facts: Facts, stretch: DeedStretch) -> Record | None:
    heard = facts.heard(stretch, "offline") or facts.flow(stretch, _everywhere(facts))
    return heard or facts.dial(stretch, lambda one: not one.path)


def _slept(facts: Facts, stretch: DeedStretch) -> Record | None:
    return facts.heard(stretch, "suspended", "resumed") or facts.flow(stretch, _everywhere(facts))


def _cut(facts: Facts, stretch: DeedStretch) -> Record | None:
    return facts.boxed(stretch, stretch.done_ns + round(effect_of(stretch.deed.act).armed * 1e9))


def _boxed(facts: Facts, stretch: DeedStretch) -> Record | None:
    return facts.boxed(stretch, stretch.last_ns)


def _asked(facts: Facts, stretch: DeedStretch) -> Record | None:
    return facts.request(stretch) or facts.stream(stretch)


def _ended(facts: Facts, stretch: DeedStretch) -> Record | None:
    return facts.flow(stretch, _everywhere(facts)) or facts.request(stretch)


def _revoked(facts: Facts, stretch: DeedStretch) -> Record | None:
    refused = (one for one in facts.client.responses.values() if one.status == _UNAUTHORIZED)
    ended = (one for one in facts.subs if one.evidence == "expired")
    return within(refused, stretch.since_ns, stretch.last_ns) or within(ended, stretch.since_ns, stretch.last_ns)


def _silenced(facts: Facts, stretch: DeedStretch) -> Record | None:
    keepalive = facts.client.case.plan.server.keepalive
    return facts.silence(stretch, round(keepalive * 1e9)) if keepalive is not None else None


def _repeated(facts: Facts, stretch: DeedStretch) -> Record | None:
    return within((one for one in facts.subs if one.what == "open" and one.cursor), stretch.since_ns, stretch.last_ns)


def _buried(facts: Facts, stretch: DeedStretch) -> Record | None:
    closed = (one for one in facts.client.conn_ends if (one.side, one.how) == ("server", "closed"))
    return within(closed, stretch.since_ns, stretch.last_ns)


def _reached(facts: Facts, stretch: DeedStretch) -> Record | None:
    path, act = stretch.deed.actor, stretch.deed.act
    assert isinstance(act, SetReach)
    through = facts.dial(stretch, lambda one: one.path == path) if not act.once else None
    match act.word:
        case Reach.UP:
            return facts.bytes(stretch, path, "delivered") or through
        case Reach.STALLED:
            held = facts.bytes(stretch, path, "held")
            return held or facts.end(stretch, path, lambda end: end.held) or through
        case Reach.SILENT:
            lost = facts.bytes(stretch, path, "dropped")
            return lost or facts.end(stretch, path, lambda end: end.swallowed) or through
        case Reach.CLOSED | Reach.RESET:
            return facts.flow(stretch, [path]) or through
        case Reach.REFUSED | Reach.UNREACHABLE:
            return through
        case _:
            assert_never(act.word)


MARKS: Mapping[type, Callable[[Facts, DeedStretch], Record | None]] = {
    SetReach: _reached,
    SetShape: _shaped,
    SetSlice: _shaped,
    Limits: _shaped,
    Joins: _joined,
    Prefers: _joined,
    ComesOnline: _online,
    Loses: _lost,
    GoesOffline: _offline,
    Suspends: _slept,
    Cuts: _cut,
    Answers: _boxed,
    ShowsPortal: _boxed,
    MutesStreams: _boxed,
    ResetsStreams: _boxed,
    Buffers: _boxed,
    KillsIdle: _boxed,
    Clears: _asked,
    Recovers: _asked,
    Restarts: _ended,
    Drains: _ended,
    Hangs: _asked,
    RevokesToken: _revoked,
    SilencesKeepalive: _silenced,
    SendsRetry: Facts.retried,
    Repeats: _repeated,
    Orphans: _buried,
    Pauses: Facts.rescheduled,
    Resumes: Facts.rescheduled,
    Bursts: Facts.rescheduled,
    Ends: Facts.rescheduled,
}
"""The finder of each act's effect: it returns the first record of a client that shows what a deed did to it."""
