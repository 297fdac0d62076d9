"""The client's own share of a delay: from when an event was at its radio, and nothing else in its way, to the app.

What is in its way, and no delay of the client's:

1. callbacks that the app is inside of meanwhile;
2. events that it has to wait for in the reorder window that is declared;
3. a snapshot that an open gap waits for: for 8 s at most, or half the watchdog's time; before the job's end for 10 s,
   or nine tenths of it (the obligations of a client with a gap);
4. each event of the same burst before it, for ``EACH``.

A time in which the device slept counts for nothing. What a callback took is known by its records.
"""

import bisect
import math
from collections.abc import Iterator

import msgspec

from harness.history import Body, Delivered
from harness.judge.case import ClientCase
from harness.judge.facts.coverage import heals
from harness.judge.facts.instructions import RESTS, RESTS_AT_THE_END, told_gaps
from harness.judge.facts.lives import Life, lives
from harness.judge.facts.network_timeline import NetworkTimeline
from harness.judge.facts.radio import answers
from harness.judge.facts.requests import streams_begun
from harness.judge.facts.screen import EVENT_CALLBACKS
from harness.judge.facts.snapshots import delivered_states
from harness.judge.facts.truth import ACCEPTED, EmittedEvent, Position

EACH = 200_000
"""Nanoseconds for each event of a burst that comes before another."""


class Share(msgspec.Struct, frozen=True):
    """The seconds for which a client kept an event. ``life`` was shown, by a stream."""

    life: Life
    seconds: float


class Kept(msgspec.Struct, frozen=True):
    """The app showed nothing as new as the state after an event for so many seconds; ``until_ns`` None: to the end.

    ``record`` is what brought it to the client's socket: a block of a stream, or the body of a status answer. ``older``
    is how many states the app was shown before it from when it was read, in callbacks longer than ``EACH``: behind none
    that takes time does anything wait in a queue, though one read may bring hundreds.
    """

    record: Delivered | Body
    event: EmittedEvent
    until_ns: int | None
    seconds: float
    older: int


def shares(client: ClientCase) -> list[Share]:
    """Return the client's share in each event that a stream brought and that was shown while the device was awake."""
    return client.once(_shares)


def kept(client: ClientCase) -> list[Kept]:
    """Return for each state that was newer than all at the radio how long the app was shown nothing as new.

    Such are the events that the client has certainly read, and the states of status answers. Times in which the app was
    inside a callback, or the device slept, are left out, and what had to be waited for.
    """
    return client.once(_kept)


class Turn(msgspec.Struct, frozen=True):
    """An update that the app was shown: at the radio at ``arrived_ns``, and due on the screen from ``due_ns`` on."""

    arrived_ns: int
    due_ns: int


def turn(client: ClientCase, shown_ns: int) -> Turn | None:
    """Return the turn of what the app was shown at a stamp; None where nothing was."""
    for one in shares(client):
        if one.life.shown is not None and one.life.shown.enter_ns == shown_ns and one.life.arrival is not None:
            return Turn(one.life.arrival.record.t_ns, shown_ns - round(one.seconds * 1e9))
    told = (one.answer for one in client.screen.shown if one.app.enter_ns == shown_ns and one.answer is not None)
    if (answer := next(told, None)) is None:
        return None
    return Turn(answer.body.t_ns, answer.body.t_ns + client.once(HandlerTime).between(answer.body.t_ns, shown_ns))


class _Waits:
    """The hindrances that may be in the way of a client's events."""

    def __init__(self, client: ClientCase) -> None:
        self._client = client
        policies = client.case.plan.client.policies
        self._window_ns = round((policies.reorder_window or 0.0) * 1e9)
        watchdog = math.inf if policies.watchdog is None else policies.watchdog
        self._rest_ns, self._rest_at_the_end_ns = (
            round(min(seconds, watchdog * share) * 1e9) for seconds, share in (RESTS, RESTS_AT_THE_END)
        )

    def over_ns(self, life: Life) -> int:
        """Return from when on an event at the radio had to be shown, callbacks and bursts apart."""
        assert life.arrival is not None
        at_ns, event = life.arrival.record.t_ns, life.event
        since_ns = at_ns
        newest = self._client.screen.newest_at(at_ns)
        if self._window_ns and newest != ACCEPTED and not self._follows(event, newest):
            since_ns += self._window_ns
        for gap in told_gaps(self._client):
            if gap.record.t_ns > at_ns or gap.covered_ns < at_ns:
                continue
            begun_ns = at_ns if event.terminal else gap.record.t_ns
            rest_ns = self._rest_at_the_end_ns if event.terminal else self._rest_ns
            covering = (one.body.t_ns for one in answers(self._client) if heals(gap, one))
            since_ns = max(since_ns, min(next(covering, begun_ns + rest_ns), begun_ns + rest_ns))
        return since_ns

    def _follows(self, event: EmittedEvent, newest: Position) -> bool:
        """Whether nothing lies between what was shown and an event, by their ids: one without may have no number."""
        before = self._client.truth.at((event.position[0], event.position[1] - 1))
        known = before is None or before.has_id
        return event.position <= (newest[0], newest[1] + known)


def _shares(client: ClientCase) -> list[Share]:
    return list(_each(client))


def _each(client: ClientCase) -> Iterator[Share]:
    waits, timeline, at, busy = _Waits(client), client.once(NetworkTimeline), client.case.at, client.once(HandlerTime)
    streamed = {id(one.app) for one in client.screen.shown if one.answer is None}
    burst_ns, before = -1, 0
    for life in sorted((one for one in lives(client) if one.arrival is not None), key=_came):
        assert life.arrival is not None
        at_ns, app = life.arrival.record.t_ns, life.shown
        before = before + 1 if at_ns == burst_ns else 0
        burst_ns = at_ns
        if app is None or id(app) not in streamed or app.enter_ns < at_ns:
            continue
        if app.enter_ns > at_ns and timeline.slept(at(at_ns), at(app.enter_ns)):
            continue
        since_ns = waits.over_ns(life)
        kept_ns = app.enter_ns - since_ns - busy.between(since_ns, app.enter_ns) - before * EACH
        yield Share(life, max(0, kept_ns) / 1e9)


def _came(life: Life) -> tuple[int, int]:
    assert life.arrival is not None
    return life.arrival.record.t_ns, life.arrival.record.seq


class _Read(msgspec.Struct, frozen=True):
    """A state that the client has certainly read, ``read_ns``; ``since_ns`` is from when on it had to be shown."""

    record: Delivered | Body
    event: EmittedEvent
    read_ns: int
    since_ns: int


def _kept(client: ClientCase) -> list[Kept]:
    timeline, busy = client.once(NetworkTimeline), client.once(HandlerTime)
    at, advances, end_ns = client.case.at, client.screen.advances, client.case.end_ns
    terminals, apps = client.screen.terminals, [shown.app for shown in client.screen.shown]
    enters = [app.enter_ns for app in apps if app.exit_ns - app.enter_ns > EACH]
    over_ns = terminals[0].app.enter_ns if terminals else end_ns
    found: list[Kept] = []
    newest, place = ACCEPTED, 0
    for one in sorted([*_streamed(client), *_answered(client)], key=_taken):
        position = one.event.position
        if position <= newest or one.record.t_ns >= over_ns:
            continue
        newest = position
        while place < len(advances) and advances[place][1] < position:
            place += 1
        until_ns = advances[place][0] if place < len(advances) else None
        shown_ns = max(one.since_ns, over_ns if until_ns is None else until_ns)
        seconds = (shown_ns - one.since_ns - busy.between(one.since_ns, shown_ns)) / 1e9
        seconds -= timeline.slept(at(one.since_ns), at(shown_ns))
        older = bisect.bisect_left(enters, shown_ns) - bisect.bisect_right(enters, max(one.read_ns, one.since_ns))
        found.append(Kept(one.record, one.event, until_ns, max(0.0, seconds), max(0, older)))
    return found


def _taken(one: _Read) -> tuple[int, int]:
    return one.record.t_ns, one.record.seq


def _streamed(client: ClientCase) -> Iterator[_Read]:
    """Yield what streams brought of a type that has a callback."""
    waits = _Waits(client)
    for life in lives(client):
        if life.arrival is not None and life.read_ns is not None and life.event.type in EVENT_CALLBACKS:
            yield _Read(life.arrival.record, life.event, life.read_ns, waits.over_ns(life))


def _answered(client: ClientCase) -> Iterator[_Read]:
    """Yield what status answers told that were certainly read.

    An answer is not taken any more where a stream began to feed the app while it was asked for, nor after the app was
    told an end.
    """
    begun, near_ns = streams_begun(client), client.case.near_ns
    ends = client.screen.ends
    over_ns = min((app.enter_ns for app in ends), default=client.case.end_ns)
    for answer, state in zip(answers(client), delivered_states(client), strict=True):
        if answer.event is None or state.known_ns is None or state.known_ns + near_ns >= over_ns:
            continue
        place = bisect.bisect_left(begun, state.life.begun_ns)
        if place == len(begun) or begun[place] > state.known_ns + near_ns:
            yield _Read(answer.body, answer.event, state.known_ns, state.known_ns)


class HandlerTime:
    """For how long the app was inside callbacks."""

    def __init__(self, client: ClientCase) -> None:
        self._exits = [app.exit_ns for app in client.screen.callbacks]
        self._enters = [app.enter_ns for app in client.screen.callbacks]

    def between(self, start_ns: int, end_ns: int) -> int:
        """Return for how many nanoseconds between two stamps."""
        if end_ns <= start_ns:
            return 0
        first, last = bisect.bisect_right(self._exits, start_ns), bisect.bisect_left(self._enters, end_ns)
        spans = zip(self._enters[first:last], self._exits[first:last], strict=True)
        return sum(min(leaves, end_ns) - max(enters, start_ns) for enters, leaves in spans)
