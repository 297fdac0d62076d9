"""The deadlines by which a client lets go of what brings nothing: a dial, a request, a stream (rows 7, 10, 25 and 31).

1. A dial that hangs is given up by the connect deadline.
2. A request without an answer is given up by the watchdog, and so is an answer that stops in its midst.
3. A stream that has opened, and of which no byte of a body comes, is given up by the watchdog or ``suspects after``,
   whichever is sooner. Both count from its head.
4. A stream that has begun is given up by the watchdog, a second later at most. What feeds the watchdog is declared: any
   byte, or events alone. It rests while a gap is asked about.

All are counted from what the client has read, where its phone says so, else from what was at its radio. Time asleep
does not count. For who declares *never*, a usual patience stands in, by which nothing fails on its own: it is named
where a recovery took too long. What is too early is law L15's, and row 7's own.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise
from operator import attrgetter

from harness.history import Chunk, Delivered, Read
from harness.judge.case import ClientCase
from harness.judge.facts.dials import dials
from harness.judge.facts.instructions import RESTS_AT_THE_END, told_gaps
from harness.judge.facts.polling import GAP, askings
from harness.judge.facts.reading import Arrived, ReadMarks
from harness.judge.facts.requests import RequestLife, request_lives
from harness.judge.facts.screen import TERMINAL_CALLBACKS
from harness.judge.obligations.due import Due, awake_until, over_at
from harness.judge.obligations.rows import AT_ONCE, EARLY, ObligationRow
from harness.scenario.deadlines import UNLIMITED_DIAL
from harness.sse.policy import FedBy

NEVER_SILENT = 20.0
"""Seconds that stand for a watchdog that is declared as never: the reference's."""


def closings(client: ClientCase) -> list[Due]:
    """Return what a client had to let go of, and when it was over: let go, ended by the other side, or answered.

    Of a stream only the silences that lasted as long as its watchdog are among them, and its last.
    """
    # Behind the job's end law L6 says when everything is let go of.
    over = over_at(client)
    return [one for one in borne(client) if one.high < over]


def borne(client: ClientCase) -> list[Due]:
    """Return the same with what need not be let go of any more: the end was known before its time."""
    return client.once(_borne)


def _borne(client: ClientCase) -> list[Due]:
    found = [*_dials(client)]
    for life in request_lives(client).values():
        found += _question(client, life)
        if life.request.what == "stream" and life.streams:
            found += _stream(client, life)
    return sorted(found, key=attrgetter("high"))


def _dials(client: ClientCase) -> Iterator[Due]:
    limit, declared = _deadline(client.case.declared.connect_timeout, UNLIMITED_DIAL)
    if limit is None:
        return
    at = client.case.at
    for dial in dials(client).all:
        since = at(dial.from_ns)
        yield Due(
            row=ObligationRow.CONNECT_DEADLINE, record=dial.record, what=f"a dial through {dial.path or 'no path'}",
            act="to be given up", low=since + limit - EARLY, high=awake_until(client, since, limit),
            came=at(dial.to_ns), declared=declared,
        )  # fmt: skip


def _question(client: ClientCase, life: RequestLife) -> Iterator[Due]:
    """Yield what is due of a request: an answer, all of it unless it is a stream, or an end."""
    limit, declared = _deadline(client.case.declared.watchdog, NEVER_SILENT)
    if limit is None:
        return
    at, request = client.case.at, life.request
    stamps, over = [request.t_ns], math.inf if life.end_ns is None else life.end_ns
    if life.answer is not None and life.streams:
        over = min(over, life.answer.t_ns)
    elif life.answer is not None:
        stamps += [life.answer.t_ns, *_came(client, life, life.answer.t_ns)]
    for since_ns, until_ns in _silences(stamps, over, limit):
        since = at(since_ns)
        what = f"a {request.what} request without an answer from {since:.2f} s on"
        yield Due(
            row=ObligationRow.UNANSWERED, record=request, what=what,
            act="to be given up", low=since + limit - EARLY, high=awake_until(client, since, limit),
            came=client.case.at_or_never(until_ns), declared=declared,
        )  # fmt: skip


def _stream(client: ClientCase, life: RequestLife) -> Iterator[Due]:
    assert life.answer is not None
    over = math.inf if life.end_ns is None else life.end_ns
    yield from _bodiless(client, life, over)
    if life.began is None:
        return
    over = min(over, _ended_ns(client, life))
    limit, declared = _deadline(client.case.declared.watchdog, NEVER_SILENT)
    if limit is None:
        return
    began = _read(client, life.began)
    stamps = [began, *_fed(client, life, began), *_settled(client, life, limit)]
    for since_ns, until_ns in _silences(sorted(stamps), over, limit):
        since = client.case.at(since_ns)
        yield Due(
            row=ObligationRow.SILENT, record=life.request, what=f"a stream, silent from {since:.2f} s on",
            act="to be let go of",
            low=since + limit - EARLY, high=awake_until(client, since, limit + AT_ONCE),
            came=client.case.at_or_never(until_ns), declared=declared,
        )  # fmt: skip


def _bodiless(client: ClientCase, life: RequestLife, over: float) -> Iterator[Due]:
    """Yield what is due of a stream before the first byte of its body."""
    assert life.answer is not None
    until_ns = over if life.began is None else min(over, life.began.t_ns)
    policies = client.case.declared
    bounds: tuple[object, ...] = (policies.watchdog, policies.suspects_after)
    known = [float(one) for one in bounds if isinstance(one, float | int)]
    if not known and None not in bounds:
        return
    limit = min(known, default=NEVER_SILENT)
    since = client.case.at(_read(client, life.answer))
    yield Due(
        row=ObligationRow.NO_BODY, record=life.answer,
        what=f"a stream without a byte of its body from {since:.2f} s on",
        act="to be let go of", low=since + limit - EARLY, high=awake_until(client, since, limit),
        came=client.case.at_or_never(until_ns), declared=bool(known),
    )  # fmt: skip


def _deadline(policy: object, never: float) -> tuple[float | None, bool]:
    """Return for how many seconds a client bears a silence, None where it does not say; and whether it declares it."""
    if policy is None:
        return never, False
    return (float(policy), True) if isinstance(policy, float | int) else (None, False)


def _silences(stamps: list[int], over: float, limit: float) -> Iterator[tuple[int, float]]:
    """Yield the silences between stamps, up to the end, that are as long as a deadline, and the last one."""
    inside = [one for one in stamps if one < over] or stamps[:1]
    for since, until in pairwise([*inside, over]):
        if until is over or until - since >= limit * 1e9:
            yield round(since), until


def _fed(client: ClientCase, life: RequestLife, began_ns: int) -> Iterator[int]:
    """Yield when a stream's watchdog was fed."""
    assert life.answer is not None
    if client.case.declared.watchdog_fed_by is not FedBy.EVENTS or life.answer.coding:
        yield from _came(client, life, began_ns)
        return
    for one in client.case.grouped(Delivered, "rid").get(life.request.rid, ()):
        if one.event:
            yield _read(client, one)


def _came(client: ClientCase, life: RequestLife, since_ns: int) -> Iterator[int]:
    """Yield when bytes came on a request's connection: as they were read, else as they were at the client's radio."""
    cid = life.request.cid
    marks: list[Read] | list[Chunk] = client.case.grouped(Read, "cid").get(cid, [])
    came = marks or client.bytes_down.get(cid, [])
    for one in came[bisect_left(came, since_ns, key=attrgetter("t_ns")) :]:
        if not (isinstance(one, Read) and one.end):
            yield one.t_ns


def _settled(client: ClientCase, life: RequestLife, limit: float) -> Iterator[int]:
    """Yield when a stream had rested for the gaps that it told of."""
    longest, share = RESTS_AT_THE_END
    rests_ns = round(min(longest, share * limit) * 1e9)
    for gap in told_gaps(client):
        if gap.request.rid != life.request.rid:
            continue
        told_ns = gap.record.t_ns if gap.read_ns is None else gap.read_ns
        asked = (one.life.end_ns for one in askings(client) if one.why == GAP and one.life.begun_ns >= told_ns)
        over = next((end_ns for end_ns in asked if end_ns is not None), math.inf)
        yield round(min(over, told_ns + rests_ns))


def _ended_ns(client: ClientCase, life: RequestLife) -> float:
    """Return when a stream brought the job's end, behind which law L6 says when it is let go of; infinity: never."""
    blocks = client.case.grouped(Delivered, "rid").get(life.request.rid, ())
    return next((one.t_ns for one in blocks if one.type in TERMINAL_CALLBACKS), math.inf)


def _read(client: ClientCase, arrived: Arrived) -> int:
    """Return the stamp at which this was read; where that is in doubt, when it was at the client's radio."""
    found = client.once(ReadMarks).read_ns(arrived) if arrived.cid in client.case.grouped(Read, "cid") else None
    return arrived.t_ns if found is None else found
