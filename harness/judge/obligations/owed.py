"""Obligations that no later dial can show: to let go of what hangs, and no sooner; to ask one token a refusal."""

import math
from collections.abc import Iterator

import msgspec

from harness.history import Request
from harness.history.records import Record
from harness.judge.case import WAKING_SIGNALS, ClientCase
from harness.judge.facts.asking import asks
from harness.judge.facts.dials import dials
from harness.judge.facts.instructions import UNAUTHORIZED
from harness.judge.facts.network_timeline import NetworkTimeline
from harness.judge.facts.polling import gap_open, pollings
from harness.judge.facts.radio import end_came_ns
from harness.judge.facts.requests import CLIENT, dial_lives, lives_of, request_lives
from harness.judge.obligations.due import over_at
from harness.judge.obligations.rows import AT_ONCE, LATE, ObligationRow

_GIVEN_UP = "given up"
_WOKE = frozenset({"resumed"})

Held = tuple[ObligationRow, Record, str, int, int]
"""A thing that a client held: the row by which it is dropped, its record, its words, its first and last stamp."""


class HeldOn(msgspec.Struct, frozen=True):
    """A dial or stream that a client did not drop for a signal. ``over`` is when it was, in scenario seconds."""

    row: ObligationRow
    record: Record
    signal: Record
    due: float
    over: float
    what: str


class GivenUp(msgspec.Struct, frozen=True, kw_only=True):
    """An act of giving up at ``over``, due at ``due`` at the earliest, counted from ``since``. Scenario seconds.

    ``cid`` is the connection whose answers are its own; 0: it was not let in.
    """

    row: ObligationRow
    record: Record
    what: str
    since: float
    due: float
    over: float
    cid: int = 0


def held_on(client: ClientCase) -> Iterator[HeldOn]:
    """Yield what outlived a signal of a new way to the server (row 8), and streams that outlived a waking (row 56).

    A dial that hangs and a stream request without an answer are dropped for any of these signals; an open stream is
    for a device that woke: its sockets are dead. Only a client that declares to reconnect is held to it. What was over
    within ``NEAR`` of the signal has no order with it.
    """
    if client.case.declared.heeds_signals is not True:
        return
    case, near = client.case, client.case.near_ns
    for row, record, what, began_ns, over_ns in [*_waiting(client), *_open(client)]:
        words = _WOKE if row is ObligationRow.WAKING else WAKING_SIGNALS
        for signal in client.signals:
            if signal.what not in words or not began_ns + near < signal.t_ns < over_ns - near:
                continue
            at = case.at(signal.t_ns)
            due = at + AT_ONCE + client.once(NetworkTimeline).slept(at, case.at(over_ns))
            if case.at(over_ns) > due + LATE + case.slack:
                yield HeldOn(row, record, signal, due, case.at(over_ns), what)
                break


def _open(client: ClientCase) -> Iterator[Held]:
    """Yield each stream that has opened, as long as the job's end is not known and no callback may hold up its end."""
    over = over_at(client)
    late_ns = round(client.case.plan.client.policies.handler_takes * 1e9)
    for life in lives_of(client, "stream"):
        if life.answer is not None and life.streams:
            end_ns = client.case.end_ns if life.end_ns is None else life.end_ns - late_ns
            until_ns = end_ns if math.isinf(over) else min(end_ns, client.case.ns(over))
            yield ObligationRow.WAKING, life.answer, "stream of a device that slept", life.answer.t_ns, until_ns


def given_up_early(client: ClientCase) -> Iterator[GivenUp]:
    """Yield what a client gave up before its declared time, though nothing told it to (rows 7, 10 and 25).

    These tell it to: a signal, a sleep, the job's end at the radio or in a callback, a gap (its question has a time of
    its own) and the fall to polling. So does an answer or a first byte that came on another connection meanwhile: it
    may have made the dial, or the stream, needless.
    """
    case, near = client.case, client.case.near_ns
    told = [(one.t_ns, 0) for one in [*client.signals, *client.heard]]
    told += [(one.t_ns, one.cid) for one in client.responses.values()]
    told += [(one.began.t_ns, one.request.cid) for one in request_lives(client).values() if one.began is not None]
    told += [(span.since_ns, 0) for span in pollings(client)]
    ended = [end_came_ns(client), *(app.enter_ns for app in client.screen.ends)]
    for one in _patient(client):
        began_ns, over_ns = case.ns(one.since), case.ns(one.over)
        if one.over >= one.due - LATE - case.slack or over_ns + near >= case.end_ns:
            continue
        calls = [*(at_ns for at_ns, cid in told if not cid or cid != one.cid), *ended]
        if any(began_ns - near <= at_ns <= over_ns + near for at_ns in calls) or gap_open(client, over_ns):
            continue
        if not client.once(NetworkTimeline).slept(one.since, one.over):
            yield one


def _patient(client: ClientCase) -> Iterator[GivenUp]:
    """Yield each dial that a client gave up, and each stream that it ended before the first byte of its body."""
    at, policies = client.case.at, client.case.declared
    limit: object = policies.connect_timeout
    if isinstance(limit, float | int):
        for dial in (life.dial for life in dial_lives(client) if life.dial.fate == _GIVEN_UP):
            since = at(dial.from_ns)
            yield GivenUp(
                row=ObligationRow.CONNECT_DEADLINE, record=dial, what=f"dial through {dial.path}",
                since=since, due=since + limit, over=at(dial.to_ns),
            )  # fmt: skip
    silent = _at_least(policies.watchdog)
    bare = min(silent, _at_least(policies.suspects_after))
    for life in lives_of(client, "stream"):
        if life.by != CLIENT or life.end_ns is None or life.began is not None:
            continue
        if life.answer is None:
            row, since_ns, limit, what = ObligationRow.UNANSWERED, life.begun_ns, silent, "stream request"
        elif life.streams:
            row, since_ns, limit, what = ObligationRow.NO_BODY, life.answer.t_ns, bare, "stream without a byte"
        else:
            continue
        if math.isfinite(limit):
            since = at(since_ns)
            yield GivenUp(
                row=row, record=life.answer or life.request, what=what, since=since, due=since + limit,
                over=at(life.end_ns), cid=life.request.cid,
            )  # fmt: skip


def _at_least(policy: object) -> float:
    """Return the seconds that a client bears a silence at least: infinity for never, 0 where it is not declared."""
    if policy is None:
        return math.inf
    return float(policy) if isinstance(policy, float | int) else 0.0


def _waiting(client: ClientCase) -> Iterator[Held]:
    """Yield what a client waited for, with the stamps between which it did."""
    end_ns = client.case.end_ns
    for dial in dials(client).all:
        what = f"dial through {dial.path}" if dial.path else "dial"
        yield ObligationRow.SIGNAL_IN_DIAL, dial.record, what, dial.from_ns, min(dial.to_ns, end_ns)
    for request in client.streams:
        answer = client.responses.get(request.rid)
        ends = [end.closed_ns for end in client.ends_of.get(request.cid, ())]
        over = min([end_ns, *ends, *([answer.t_ns] if answer is not None else [])])
        yield ObligationRow.SIGNAL_IN_DIAL, request, "stream request without an answer", request.t_ns, over


def tokens_too_many(client: ClientCase) -> Iterator[tuple[Record, list[Request]]]:
    """Yield each 401 with the token requests that it led to, where they were more than one.

    The server may refuse a token that it gave: that is another 401. A client that got no token may ask again only after
    another refused request.
    """
    refused = sorted(
        (answer for answer in client.responses.values() if answer.status == UNAUTHORIZED), key=lambda one: one.t_ns
    )
    tokens = [request for request in client.requests if request.what == "token"]
    bounds = [one.t_ns for one in refused]
    for place, answer in enumerate(refused):
        until = bounds[place + 1] if place + 1 < len(bounds) else math.inf
        led_to = [one for one in tokens if answer.t_ns <= one.t_ns < until]
        if len(led_to) > 1 and not _doubtful(client, answer.t_ns):
            yield answer, led_to


def _doubtful(client: ClientCase, at_ns: int) -> bool:
    near = client.case.near_ns
    return any(abs(one.began_ns - at_ns) <= near and one.what == "" for one in asks(client).all)
