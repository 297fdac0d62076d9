"""The times in which a client may live by polling, and the reason of each of its status requests.

The only entry to polling is the one that obligations allow: streams that were reached and brought no event. So

1. A stream request *failed* where it ended without an event at the client's socket, in one of these ways: by an answer
   that is no stream, by the server or the network, or by the client after the silence that its policies declare. One
   that the client gave up sooner (for a signal, or its own whim) has not failed; nor has a dial that was never let in.
   A redirect that leads on, a 401 that was answered by a new token, and a final status are no failures.
2. Polling may begin at the end of the failure that is as many as ``failures before fallback``; or, however few there
   are, ``falls_back_within`` after the first of them was dialled, at that instant where the client waits and its last
   dial was let in, else at the end of the next failure; once it has begun, at each failure. An event ends all that.
3. It lasts until the first body byte of the next stream, whatever the client calls it.
4. A status request outside of it is an *asking* where a gap is open (a refused cursor is one), or a stream was answered
   204; else it is a *stray*.

Where facts are in doubt the earlier entry counts: the word "polling" buys nothing, and a doubt costs nothing.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from operator import attrgetter

import msgspec

from harness.history import Delivered
from harness.judge.case import ClientCase
from harness.judge.facts.instructions import UNAUTHORIZED, events_delivered, leads_on, told_gaps
from harness.judge.facts.reading import ReadMarks
from harness.judge.facts.requests import ANSWERED, CLIENT, RequestLife, dial_lives, lives_of

POLLING, GAP, FINAL, STRAY = "polling", "gap", "204", "stray"
"""Why the status was asked for: the client lives by polling, a gap is open, a 204 said stop, or for no reason."""

ROUNDING = 0.05
"""Seconds by which a client's own deadline may seem to end a silence early, seen from the gate."""


class Polling(msgspec.Struct, frozen=True):
    """A time in which a client may live by polling, to ``until_ns``: the next stream's first body byte, or infinity."""

    since_ns: int
    until_ns: float


class Asking(msgspec.Struct, frozen=True):
    """One status request, and why it was made: ``POLLING``, ``GAP``, ``FINAL`` or ``STRAY``."""

    life: RequestLife
    why: str


def pollings(client: ClientCase) -> list[Polling]:
    """Return the times in which a client may live by polling, in order."""
    return client.once(_pollings)


def may_poll(client: ClientCase, at_ns: int) -> bool:
    """Return whether a client may live by polling at this stamp, or near it."""
    near, spans = client.case.near_ns, pollings(client)
    place = bisect_right(spans, at_ns + near, key=attrgetter("since_ns"))
    return bool(place) and at_ns <= spans[place - 1].until_ns + near


def askings(client: ClientCase) -> list[Asking]:
    """Return the status requests of a client with the reason of each, in order."""
    return client.once(_askings)


def gap_open(client: ClientCase, at_ns: int) -> bool:
    """Return whether a client may ask for the status at this stamp because of a gap that nothing has covered yet."""
    near = client.case.near_ns
    return any(gap.record.t_ns <= at_ns + near and at_ns <= gap.covered_ns + near for gap in told_gaps(client))


def _askings(client: ClientCase) -> list[Asking]:
    finals = [life.answer.t_ns for life in lives_of(client, "stream") if life.answer and life.answer.status == 204]
    found = []
    for life in lives_of(client, "poll"):
        at_ns = life.begun_ns
        if gap_open(client, at_ns):
            why = GAP
        elif finals and finals[0] <= at_ns + client.case.near_ns:
            why = FINAL
        else:
            why = POLLING if may_poll(client, at_ns) else STRAY
        found.append(Asking(life, why))
    return found


def _pollings(client: ClientCase) -> list[Polling]:
    streams = lives_of(client, "stream")
    begun = sorted((life.began.t_ns, life.request.seq) for life in streams if life.began is not None)
    found: list[Polling] = []
    for since_ns, failed_seq in _Entries(client).stamps():
        if found and since_ns < found[-1].until_ns:
            continue
        place = bisect_right(begun, (since_ns, failed_seq))  # the next stream may begin at the very stamp
        found.append(Polling(since_ns, begun[place][0] if place < len(begun) else math.inf))
    return found


class _Entries:
    """The walk over a client's stream requests that finds the entries to polling."""

    def __init__(self, client: ClientCase) -> None:
        self._client = client
        self._policies = client.case.plan.client.policies
        self._within_ns = round(self._policies.falls_back_within * 1e9)
        self._failures = 0
        self._first_ns: int | None = None  # when the first failure was dialled
        self._fell_back = False
        self._events: dict[int, list[Delivered]] = {}
        for one in events_delivered(client):
            if self._policies.max_event is None or one.size <= self._policies.max_event:
                self._events.setdefault(one.rid, []).append(one)
        self._tokens = lives_of(client, "token")

    def stamps(self) -> Iterator[tuple[int, int]]:
        """Yield the stamps at which polling may begin, in order, each with the number of the stream that failed."""
        if self._policies.polls_after_failures is None:
            return
        streams = lives_of(self._client, "stream")
        for life, following in zip(streams, [*streams[1:], None], strict=False):
            read = self._first_read(life)
            if read is not None:
                self._failures, self._first_ns, self._fell_back = 0, None, False
                continue
            failed_ns = self._failed_ns(life, following)
            if failed_ns is None:
                continue
            self._failures += 1
            self._first_ns = life.dialled_ns if self._first_ns is None else self._first_ns
            if self._due(failed_ns):
                self._fell_back = True
                yield failed_ns, life.request.seq
            elif (at_ns := self._timer_ns(failed_ns, following)) is not None:
                self._fell_back = True
                yield at_ns, life.request.seq

    def _due(self, at_ns: int) -> bool:
        assert self._first_ns is not None
        enough = self._failures >= (self._policies.polls_after_failures or 0)
        return enough or self._fell_back or at_ns >= self._first_ns + self._within_ns - self._client.case.near_ns

    def _timer_ns(self, end_ns: int, following: RequestLife | None) -> int | None:
        """Return when the time is over before the next stream is asked for, unless the last dial then was in vain."""
        assert self._first_ns is not None
        at_ns = max(end_ns, self._first_ns + self._within_ns)
        if following is not None and following.dialled_ns + self._client.case.near_ns < at_ns:
            return None
        dials = dial_lives(self._client)
        place = bisect_left(dials, at_ns, key=lambda one: one.dial.from_ns)
        return None if place and dials[place - 1].conn is None and dials[place - 1].dial.to_ns > end_ns else at_ns

    def _first_read(self, life: RequestLife) -> int | None:
        """Return when the first event of a stream was certainly read; None where none was."""
        reading = self._client.once(ReadMarks)
        first = next(iter(self._events.get(life.request.rid, ())), None)
        return reading.read_ns(first) if first is not None else None

    def _failed_ns(self, life: RequestLife, following: RequestLife | None) -> int | None:
        """Return when a stream request had failed; None where it has not."""
        answer = life.answer
        if life.end_ns is None:
            return None
        if life.by == CLIENT and (answer is None or life.streams):
            return life.end_ns if self._silent(life) else None
        if life.by == ANSWERED and answer is not None:
            if leads_on(answer) or answer.status == 204:
                return None
            return self._refused_token(life, following) if answer.status == UNAUTHORIZED else life.end_ns
        return life.end_ns

    def _refused_token(self, life: RequestLife, following: RequestLife | None) -> int | None:
        """Return when asking for a token in place of a refused one had failed; None where a new one came.

        A poll may have begun to ask for it before; one that was never let in left no request, and failed at once.
        """
        assert life.answer is not None
        since, until = life.answer.seq, following.request.seq if following is not None else math.inf
        first = next((one for one in self._tokens if since < one.request.seq < until), None)
        if first is not None:
            asked = (one.dial for one in dial_lives(self._client) if one.request is None)
            lost = (dial.to_ns for dial in asked if life.answer.t_ns <= dial.from_ns < first.dialled_ns)
            return next(lost, None if first.given else first.end_ns)
        under_way = (one for one in self._tokens if one.request.seq < since and one.given)
        if any(one.answer is not None and one.answer.seq > life.request.seq for one in under_way):
            return None
        return life.end_ns

    def _silent(self, life: RequestLife) -> bool:
        """Return whether a stream that its client ended had been as silent as the client declares to bear."""
        assert life.end_ns is not None
        policies = self._policies
        watchdog = math.inf if policies.watchdog is None else policies.watchdog
        suspects = math.inf if policies.suspects_after is None else policies.suspects_after
        if life.answer is None:
            timeout, since_ns = watchdog, life.request.t_ns
        elif life.began is None:
            timeout, since_ns = min(watchdog, suspects), life.answer.t_ns
            if self._first_ns is not None and life.end_ns >= self._first_ns + self._within_ns - self._slack_ns:
                return True
        else:
            chunks = self._client.bytes_down.get(life.request.cid, [])
            # What came as the client left may have come behind that.
            last = bisect_left(chunks, life.end_ns - self._client.case.near_ns, key=attrgetter("t_ns"))
            timeout, since_ns = watchdog, chunks[last - 1].t_ns if last else life.began.t_ns
            if self._events.get(life.request.rid):
                return True  # it came, and whether it was read is in doubt
        return (life.end_ns - since_ns) / 1e9 >= timeout - ROUNDING - self._client.case.slack

    @property
    def _slack_ns(self) -> int:
        return round((ROUNDING + self._client.case.slack) * 1e9)
