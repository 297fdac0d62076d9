"""Live streams that the client itself ended, and whether it had a reason (law L15).

A reason is the job's end, a signal of the device, an error or an end that came from the other side, an event beyond the
size allowed, or silence for as long as the declared watchdog. A 200 without a byte of its body was not live yet.
"""

import bisect

import msgspec

from harness.history import AttemptEnd, ConnEnd, Request
from harness.judge.case import ClientCase

OWN_TIMERS = frozenset({"timeout", "watchdog", "suspect"})
"""Ends of an attempt that a deadline of the client made."""

NEAR = 0.1
"""Seconds: a byte that comes as the deadline fires is no life that the client could have seen."""

ROUNDING = 0.05
"""Seconds by which a client's own deadline may seem to fire early, seen from the gate."""

_JUDGED = frozenset({"watchdog", "suspect", "signal"})
"""Ends of an attempt that the client decides on; all others answer the peer, the job's end or the app."""


class Ending(msgspec.Struct, frozen=True):
    """One stream that its client ended. ``age``: seconds since the last byte; ``events_age`` since the last event."""

    request: Request
    end: AttemptEnd | ConnEnd
    age: float
    events_age: float | None


def hasty_endings(client: ClientCase) -> list[Ending]:
    """Return the streams that the client ended sooner after a byte than its declared watchdog, without a reason."""
    watchdog = client.case.plan.client.policies.watchdog
    allowed = float("inf") if watchdog is None else watchdog - ROUNDING - client.case.slack
    ended = _reported(client) if client.attempts else _seen(client)
    return [one for one in ended if one.age < allowed]


def _reported(client: ClientCase) -> list[Ending]:
    """The ends that the client says were its own decision."""
    found = []
    for end in client.attempt_ends.values():
        if end.how not in _JUDGED or not (end.bytes or end.events) or _signalled(client, end):
            continue
        began = next((attempt.seq for attempt in client.attempts if attempt.n == end.n), 0)
        request = next((one for one in client.streams if began < one.seq < end.seq), None)
        ending = _ending(client, request, end) if request is not None else None
        if ending is not None:
            found.append(ending)
    return found


def _seen(client: ClientCase) -> list[Ending]:
    """A client that reports no attempts: its side of a stream closed before the server's, and before the job's end."""
    over_ns = min([shown.app.enter_ns for shown in client.screen.terminals], default=client.case.end_ns)
    server = {end.cid: end.seq for end in reversed(client.conn_ends) if end.side == "server"}
    ends = {end.cid: end for end in reversed(client.conn_ends) if end.side == "client"}
    found = []
    for request in client.streams:
        end = ends.get(request.cid)
        if end is None or end.how == "closed" or end.t_ns >= over_ns or server.get(end.cid, end.seq) < end.seq:
            continue
        told = any(abs(signal.t_ns - end.t_ns) <= 1e9 for signal in client.signals)
        ending = None if told else _ending(client, request, end)
        if ending is not None:
            found.append(ending)
    return found


def _signalled(client: ClientCase, end: AttemptEnd) -> bool:
    """Whether the client heard the device say something while the attempt lasted, where it says so."""
    near = client.case.near_ns
    began = next((attempt.t_ns for attempt in client.attempts if attempt.n == end.n), end.t_ns)
    return end.how == "signal" and any(began - near <= one.t_ns <= end.t_ns + near for one in client.heard)


def _ending(client: ClientCase, request: Request, end: AttemptEnd | ConnEnd) -> Ending | None:
    answer = client.responses.get(request.rid)
    if answer is None:
        return None
    until = end.t_ns - round(NEAR * 1e9)
    came = [c.t_ns for c in client.bytes_down.get(request.cid, []) if answer.t_ns < c.t_ns <= until]
    if not came:
        return None
    times = [block.t_ns for block in client.blocks if block.event]
    place = bisect.bisect_right(times, until)
    events_age = (end.t_ns - times[place - 1]) / 1e9 if place and times[place - 1] >= request.t_ns else None
    return Ending(request, end, (end.t_ns - came[-1]) / 1e9, events_age)
