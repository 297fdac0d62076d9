"""The questions for a completed job's results (rows 37 and 57): not before the end, soon after it, and again.

1. The end is known from when it was at the client's radio, on a stream or in a status answer.
2. The first dial for the results begins ``AT_ONCE`` after the app has taken the end, at the latest.
3. Where an attempt was in vain, the next one begins when the wait of rows 20 to 22 is over, at the latest. A client
   counts its attempts in its own way, so that is the cap's wait.
4. A dial that carried no request, and one for a token, may have been for them.
5. The time in which the device sleeps counts for nothing. An undeclared cap has no bound.
"""

import math
from collections.abc import Iterator
from operator import attrgetter

import msgspec

from harness.history.records import Record
from harness.judge.case import ClientCase
from harness.judge.facts.dials import dials
from harness.judge.facts.instructions import deferrals
from harness.judge.facts.network_timeline import NetworkTimeline
from harness.judge.facts.radio import end_came_ns
from harness.judge.facts.refusals import let_in
from harness.judge.facts.requests import RequestLife, dial_lives, lives_of
from harness.judge.facts.results import fetched
from harness.judge.obligations.rows import AT_ONCE, LARGEST_POWER, LATE, waits


class Tardy(msgspec.Struct, frozen=True):
    """An attempt at the results that began after it was due, in stamps. ``first``: none had been made before it."""

    record: Record
    began_ns: int
    due_ns: int
    first: bool


class _Try(msgspec.Struct, frozen=True):
    """An attempt at the results, in stamps: one that ``brought`` them is the last."""

    record: Record
    began_ns: int
    over_ns: float
    asked: float | None = None  # seconds of a Retry-After
    brought: bool = False


def early(client: ClientCase) -> RequestLife | None:
    """Return the first request for results that was made before the end was known; None where none was."""
    known_ns, near_ns = end_came_ns(client), client.case.near_ns
    if math.isinf(known_ns):
        return None
    return next((life for life in lives_of(client, "results") if life.request.t_ns + near_ns < known_ns), None)


def tardy(client: ClientCase) -> Tardy | None:
    """Return the first attempt at the results that began too late; None where none did."""
    told = next((one.app for one in client.screen.terminals if one.app.callback == "completed"), None)
    known_ns = end_came_ns(client)
    if told is None or math.isinf(known_ns):
        return None
    case, near_ns = client.case, client.case.near_ns
    before_ns, due_ns, first = told.exit_ns, told.exit_ns + AT_ONCE * 1e9, True
    for one in sorted(_tries(client, known_ns - near_ns), key=attrgetter("began_ns")):
        if one.began_ns > _awake_by(client, before_ns, due_ns) + LATE * 1e9 + near_ns:
            seen = dials(client).seen or let_in(client, before_ns, one.began_ns)
            return Tardy(one.record, one.began_ns, round(due_ns), first) if seen else None
        if one.brought or one.over_ns > case.end_ns:
            return None
        before_ns, first = max(before_ns, round(one.over_ns)), False
        due_ns = max(due_ns, _next_due(client, one))
    return None


def _tries(client: ClientCase, since_ns: float) -> Iterator[_Try]:
    """Yield what may have been an attempt at the results from this stamp on."""
    found, asked = fetched(client), {one.request.rid: one.asked for one in deferrals(client)}
    last = {life.request.rid for life in [*found.whole, *found.expired]}
    for what in ("results", "token"):
        for life in lives_of(client, what):
            if life.begun_ns >= since_ns:
                over_ns = math.inf if life.end_ns is None else life.end_ns
                rid = life.request.rid
                yield _Try(life.request, life.begun_ns, over_ns, asked.get(rid), rid in last)
    for one in dial_lives(client):
        if one.request is None and one.dial.from_ns >= since_ns:
            yield _Try(one.dial, one.dial.from_ns, one.dial.to_ns)


def _next_due(client: ClientCase, one: _Try) -> float:
    """Return the stamp by which the attempt after this one is due, sleep apart."""
    windows = waits(client.case.declared, (0.0, 0.0), LARGEST_POWER, None, one.asked)
    return one.over_ns + max(window.high for window in windows) * 1e9


def _awake_by(client: ClientCase, since_ns: int, due_ns: float) -> float:
    """Return what is due at a stamp, later by the sleep since another."""
    at = client.case.at
    if math.isinf(due_ns):
        return due_ns
    return client.case.ns(client.once(NetworkTimeline).awake_by(at(since_ns), at(round(due_ns))))
