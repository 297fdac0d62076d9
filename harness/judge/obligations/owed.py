"""What a client owed that no later dial can show: to let go of what hangs, to dial at all, and one token a refusal."""

import math
from collections.abc import Iterator

import msgspec

from harness.history.records import Record
from harness.judge.case import WAKING_SIGNALS, ClientCase
from harness.judge.facts.asking import asks
from harness.judge.facts.dials import dials
from harness.judge.facts.instructions import UNAUTHORIZED
from harness.judge.facts.network_timeline import NetworkTimeline
from harness.judge.facts.polling import gap_open
from harness.judge.facts.radio import end_came_ns
from harness.judge.facts.requests import dial_lives, request_lives
from harness.judge.obligations.rows import AT_ONCE
from harness.judge.obligations.walk import LATE

_GIVEN_UP = "given up"


class HeldOn(msgspec.Struct, frozen=True):
    """What a client did not let go of for a signal (row 8). ``over`` is when it was, in scenario seconds."""

    record: Record
    signal: Record
    due: float
    over: float
    what: str


def held_on(client: ClientCase) -> Iterator[HeldOn]:
    """Yield dials that hung, and stream requests without an answer, that outlived a signal of a new way to the server.

    Only a client that declares to reconnect is held to it. What was over within ``NEAR`` of the signal has no order.
    """
    if client.case.declared.heeds_signals is not True:
        return
    heard = [one for one in client.signals if one.what in WAKING_SIGNALS]
    case, near = client.case, client.case.near_ns
    for record, what, began_ns, over_ns in _waiting(client):
        for signal in heard:
            if not began_ns + near < signal.t_ns < over_ns - near:
                continue
            at = case.at(signal.t_ns)
            due = at + AT_ONCE + client.once(NetworkTimeline).slept(at, case.at(over_ns))
            if case.at(over_ns) > due + LATE + case.slack:
                yield HeldOn(record, signal, due, case.at(over_ns), what)
                break


def given_up_early(client: ClientCase) -> Iterator[HeldOn]:
    """Yield dials that a client gave up before its declared connect deadline, though nothing told it to (row 7).

    A signal does, a sleep, the end at the radio, one that the app was told, a gap, whose asking has a time of its own,
    and any answer or first byte that came on another connection meanwhile: it may have made the dial needless.
    """
    limit: object = client.case.declared.connect_timeout
    if not isinstance(limit, float | int):
        return
    case, near = client.case, client.case.near_ns
    told = [one.t_ns for one in [*client.signals, *client.heard, *client.responses.values()]]
    told += [life.began.t_ns for life in request_lives(client).values() if life.began is not None]
    ended = [end_came_ns(client), *(app.enter_ns for app in client.screen.ends)]
    for life in dial_lives(client):
        dial = life.dial
        began, over = case.at(dial.from_ns), case.at(dial.to_ns)
        if dial.fate != _GIVEN_UP or over >= began + limit - LATE - case.slack or dial.to_ns + near >= case.end_ns:
            continue
        called = any(dial.from_ns - near <= at <= dial.to_ns + near for at in [*told, *ended])
        if called or gap_open(client, dial.to_ns) or client.once(NetworkTimeline).slept(began, over):
            continue
        yield HeldOn(dial, dial, began + limit, over, f"dial through {dial.path}")


def _waiting(client: ClientCase) -> Iterator[tuple[Record, str, int, int]]:
    """Yield what a client waited for, with the stamps between which it did."""
    end_ns = client.case.end_ns
    for dial in dials(client).all:
        yield dial.record, f"dial through {dial.path}" if dial.path else "dial", dial.from_ns, min(dial.to_ns, end_ns)
    for request in client.streams:
        answer = client.responses.get(request.rid)
        ends = [end.closed_ns for end in client.ends_of.get(request.cid, ())]
        over = min([end_ns, *ends, *([answer.t_ns] if answer is not None else [])])
        yield request, "stream request without an answer", request.t_ns, over


def tokens_too_many(client: ClientCase) -> Iterator[tuple[Record, list[Record]]]:
    """Yield each 401 with the token requests that it led to, where they were more than one.

    A token that was given may be refused in its turn: that is another 401. One that was not given may be asked for
    again only by a request that is refused again.
    """
    refused = sorted(
        (answer for answer in client.responses.values() if answer.status == UNAUTHORIZED), key=lambda one: one.t_ns
    )
    tokens = [request for request in client.requests if request.what == "token"]
    bounds = [one.t_ns for one in refused]
    for place, answer in enumerate(refused):
        until = bounds[place + 1] if place + 1 < len(bounds) else math.inf
        led_to: list[Record] = [one for one in tokens if answer.t_ns <= one.t_ns < until]
        if len(led_to) > 1 and not _doubtful(client, answer.t_ns):
            yield answer, led_to


def _doubtful(client: ClientCase, at_ns: int) -> bool:
    near = client.case.near_ns
    return any(abs(one.began_ns - at_ns) <= near and one.what == "" for one in asks(client).all)
