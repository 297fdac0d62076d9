"""Live streams that the client itself ended, and whether it had a reason (law L15).

A stream is live once a byte of its body has come. Its client may end it, sooner after a byte than its declared watchdog
allows, where the other side had ended it, its own path was lost, the device woke, the job's end or an error had come,
an event was too big, or a gap asks for a new cursor. A new way beside it (a join, another default) is no reason.
"""

import bisect
from collections.abc import Iterator
from operator import attrgetter

import msgspec

from harness.history import ConnEnd, Delivered, Read, Request
from harness.judge.case import ClientCase
from harness.judge.facts.instructions import told_gaps
from harness.judge.facts.network_timeline import NetworkTimeline
from harness.judge.facts.requests import CLIENT, RequestLife, lives_of
from harness.judge.facts.screen import TERMINAL_CALLBACKS
from harness.judge.facts.snapshots import delivered_states
from harness.sse.policy import declared

NEAR = 0.1
"""Seconds: a byte that comes as the deadline fires is no life that the client could have seen."""

ROUNDING = 0.05
"""Seconds by which a client's own deadline may seem to fire early, seen from the gate."""

REACTION = 1.0
"""Seconds within which a client acts on a signal that it heard, or after its device woke."""

GIVEN_UP = "given up"
"""The fate of a dial that its client gave up."""

_LOST = frozenset({"loses", "offline", "suspended", "resumed"})
"""Signals by which a device tells that sockets are dead."""


class StreamEnding(msgspec.Struct, frozen=True):
    """One stream that its client ended. ``age``: seconds since the last byte; ``events_age`` since the last event."""

    request: Request
    end: ConnEnd
    at_ns: int
    age: float
    events_age: float | None


def hasty_endings(client: ClientCase) -> list[StreamEnding]:
    """Return the streams that the client ended sooner after a byte than its declared watchdog, without a reason."""
    watchdog = client.case.declared.watchdog
    if not declared(watchdog):
        return []
    allowed = float("inf") if watchdog is None else watchdog - ROUNDING - client.case.slack
    return [one for one in _endings(client) if one.age < allowed and not _reason(client, one)]


def deadlines(client: ClientCase) -> list[int]:
    """Return the stamps at which a declared deadline of the client fired, in order.

    It gave up a dial after its connect deadline, or ended a stream that had been silent for as long as its watchdog
    allows, or its suspicion where no byte of the body had come.
    """
    policies, short = client.case.declared, ROUNDING + client.case.slack
    dials = [one for one in client.dials if one.fate == GIVEN_UP]
    found = [one.to_ns for one in dials if _bore(policies.connect_timeout, (one.to_ns - one.from_ns) / 1e9 + short)]
    for life in lives_of(client, "stream"):
        if life.by == CLIENT and life.end_ns is not None:
            silence = (life.end_ns - _last_byte_ns(client, life)) / 1e9 + short
            suspected = life.began is None and _bore(policies.suspects_after, silence)
            if suspected or _bore(policies.watchdog, silence):
                found.append(life.end_ns)
    return sorted(found)


def _bore(timeout: float | None, seconds: float) -> bool:
    """Return whether a client bore something for as long as it declares to."""
    return declared(timeout) and timeout is not None and seconds >= timeout


def _last_byte_ns(client: ClientCase, life: RequestLife) -> int:
    """Return when the last byte of a stream came before its end; without one, when it was asked for."""
    came = client.bytes_down.get(life.request.cid, [])
    place = bisect.bisect_left(came, life.end_ns or 0, key=attrgetter("t_ns"))
    return max(came[place - 1].t_ns if place else 0, life.request.t_ns)


def _endings(client: ClientCase) -> Iterator[StreamEnding]:
    """Yield the live streams that the client's own FIN or RST ended while the run went on."""
    for life in lives_of(client, "stream"):
        mine = client.own_end(life.request.cid)
        if life.began is None or life.by != CLIENT or life.end_ns is None or mine is None:
            continue
        if life.end_ns < client.case.end_ns - client.case.near_ns:
            ending = _ending(client, life, mine, life.end_ns)
            if ending is not None:
                yield ending


def _ending(client: ClientCase, life: RequestLife, end: ConnEnd, at_ns: int) -> StreamEnding | None:
    """Return how old the last byte was; None where none came before the moment of the end itself."""
    assert life.began is not None
    until = at_ns - round(NEAR * 1e9)
    came = client.bytes_down.get(life.request.cid, [])
    place = bisect.bisect_right(came, until, key=attrgetter("t_ns"))
    if not place or came[place - 1].t_ns < life.began.t_ns:
        return None
    events = [one.t_ns for one in _blocks(client, life.request) if one.event and one.t_ns <= until]
    age = (at_ns - came[place - 1].t_ns) / 1e9
    return StreamEnding(life.request, end, at_ns, age, (at_ns - events[-1]) / 1e9 if events else None)


def _blocks(client: ClientCase, request: Request) -> list[Delivered]:
    return client.case.grouped(Delivered, "rid").get(request.rid, [])


def _reason(client: ClientCase, ending: StreamEnding) -> bool:
    """Return whether a fact gave the client a reason to end its stream then."""
    return any(found(client, ending) for found in (_met_its_end, _lost_its_path, _woke, _is_over, _too_big, _gap))


def _met_its_end(client: ClientCase, ending: StreamEnding) -> bool:
    """The phone met the other side's end. An end that the gate passed on before is no end of the client's at all."""
    marks = client.case.grouped(Read, "cid").get(ending.request.cid, ())
    return any(mark.end in {"fin", "rst", "lost"} for mark in marks)


def _lost_its_path(client: ClientCase, ending: StreamEnding) -> bool:
    """Return whether the device said that it lost the stream's own path, or all of them."""
    path = next((conn.path for conn in client.conns if conn.cid == ending.request.cid), "")
    said = [one for one in client.heard if one.what in _LOST and one.path in {"", path}]
    return any(_just_before(client, ending, one.t_ns) for one in said)


def _woke(client: ClientCase, ending: StreamEnding) -> bool:
    """Return whether the device slept, or had just woken: its sockets were dead, and its deadlines overdue."""
    case = client.case
    for since, until in client.once(NetworkTimeline).asleep:
        if case.ns(since) <= ending.at_ns <= case.ns(until) or _just_before(client, ending, case.ns(until)):
            return True
    return False


def _is_over(client: ClientCase, ending: StreamEnding) -> bool:
    """Return whether the job's end had come, by the stream or a status answer, or the app was told a final error."""
    by_ns = ending.at_ns + client.case.near_ns
    terminal = (event.position for event in client.truth.events if event.terminal)
    ends = set(terminal)
    if any(state.position in ends and state.at_ns <= by_ns for state in delivered_states(client)):
        return True
    if any(one.type in TERMINAL_CALLBACKS and one.t_ns <= by_ns for one in _blocks(client, ending.request)):
        return True
    return any(app.enter_ns <= by_ns for app in client.screen.ends)


def _too_big(client: ClientCase, ending: StreamEnding) -> bool:
    """Return whether an event was larger than the client declares to take, or what came since the last block was."""
    most = client.case.plan.client.policies.max_event
    if most is None:
        return False
    blocks = _blocks(client, ending.request)
    if any(one.size > most for one in blocks):
        return True
    since = blocks[-1].seq if blocks else ending.request.seq
    pending = (chunk.length for chunk in client.bytes_down.get(ending.request.cid, ()) if chunk.seq > since)
    return sum(pending) >= most


def _gap(client: ClientCase, ending: StreamEnding) -> bool:
    """Return whether a gap that this stream told of is open: a new cursor is needed."""
    by_ns = ending.at_ns + client.case.near_ns
    return any(
        gap.request.rid == ending.request.rid and gap.record.t_ns <= by_ns <= gap.covered_ns + client.case.near_ns
        for gap in told_gaps(client)
    )


def _just_before(client: ClientCase, ending: StreamEnding, at_ns: int) -> bool:
    near = client.case.near_ns
    return at_ns - near <= ending.at_ns <= at_ns + round(REACTION * 1e9) + near
