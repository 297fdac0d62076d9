"""The life of each event of one client's job: emitted, written to a stream, at the radio, shown; or where it ended.

The client has read an event that was *certainly* at the radio. It has to be shown, unless

- a status answer that the client was entitled to (``coverage``) stands for it: one that came no later than it had to be
  shown, or that a gap was waiting for when it came;
- the end had been shown by then, or was told by a status answer before it had to be shown;
- its own stream had brought a later one before it, and that was shown;
- it was pushed out of the app's queue (``Queue``): it was no terminal, and a later state was shown;
- it is of a type that has no callback, or larger than declared.

Every other event from the first on that the client could get has to be shown too, or be covered by such an answer;
unless the server withheld it without a word, or every answer asked for since it told of a gap was refused or cut, and
the app was told of that gap.
"""

import bisect
import enum
import itertools
import math
from collections.abc import Iterator
from operator import attrgetter, itemgetter

import msgspec

from harness.history import App, Body, Request
from harness.judge.case import ClientCase
from harness.judge.facts.coverage import covered, entitled, heals
from harness.judge.facts.instructions import told_gaps
from harness.judge.facts.radio import Arrival, StatusArrival, answers, arrivals
from harness.judge.facts.reading import ReadMarks
from harness.judge.facts.screen import EVENT_CALLBACKS
from harness.judge.facts.truth import ACCEPTED, EmittedEvent, Position
from harness.sse.policy import Ids

SOON = 1.0
"""Seconds from the radio to the app, handler and reorder window apart: what is not shown by then is overdue."""

GRACE = 1.0
"""Seconds before the end of a run in which what was emitted may still be on its way."""

FRAMING = 256
"""Bytes of a block besides its data, at most: field names, id and type, where a client counts them."""

AT_WORK = 0.001
"""Seconds from which on a callback takes time, so that what comes meanwhile has to queue."""


class EventFate(enum.StrEnum):
    """The fate of an event."""

    SHOWN = "shown"
    COALESCED = "coalesced"
    COVERED = "covered"
    WITHHELD = "withheld"
    ENDED = "after the end"
    LATE = "late"
    NO_CALLBACK = "no callback"
    TOO_BIG = "too big"
    SAID = "said aloud"
    NOT_OWED = "not owed"
    OPEN = "open"
    UNSHOWN = "unshown"  # certainly at the radio
    UNASKED = "unasked"  # not certainly there


LOST = frozenset({EventFate.UNSHOWN, EventFate.UNASKED})


class Life(msgspec.Struct, frozen=True):
    """One event and what became of it.

    ``arrival`` is the first that is certain, else the first. ``read_ns`` is when that was certainly read; None: in
    doubt, or it never came.
    """

    event: EmittedEvent
    fate: EventFate
    arrival: Arrival | None = None
    read_ns: int | None = None
    shown: App | None = None


def lives(client: ClientCase) -> list[Life]:
    """Return the lives of the events of a client's job, in order."""
    return client.once(_lives)


def lost(client: ClientCase) -> list[Life]:
    """Return the events that the client should have shown, and did not.

    Where the run was cut short, or no client could get through any more, of those that were not certainly at the radio
    these are what is older than something shown: it cannot come any more.
    """
    found = [life for life in lives(client) if life.fate in LOST]
    if client.case.cut_short or client.case.nobody:
        newest = client.screen.newest
        return [life for life in found if life.fate is EventFate.UNSHOWN or life.event.position < newest]
    return found


def _lives(client: ClientCase) -> list[Life]:
    return list(_Fates(client).found())


class _Fates:
    """Says of each event of one client what became of it."""

    def __init__(self, client: ClientCase) -> None:
        case, policies = client.case, client.case.plan.client.policies
        self._client = client
        self._screen = client.screen
        self._policies = policies
        self._soon_ns = round((SOON + policies.handler_takes + (policies.reorder_window or 0.0)) * 1e9) + case.near_ns
        self._arrived: dict[Position, list[Arrival]] = {}
        for arrival in arrivals(client):
            self._arrived.setdefault(arrival.event.position, []).append(arrival)
        self._covered = covered(client)
        self._entitled = [one for one in entitled(client) if one.position <= self._screen.newest]
        terminals = self._screen.terminals
        self._over_ns = terminals[0].app.enter_ns if terminals else None
        # An end that a status answer told may overtake what a stream has brought; one of the stream itself follows it.
        self._overtaken_ns = self._soon_ns if terminals and terminals[0].answer is not None else 0
        self._first = _first(client)
        self._withheld = _withheld(client)
        self._said = _said_aloud(client)
        self._due_ns = case.end_ns - round(GRACE * 1e9) if case.plan.job.ends == "never" else case.end_ns
        self._queue = client.once(Queue)

    def found(self) -> Iterator[Life]:
        """Yield the lives, in order."""
        reading = self._client.once(ReadMarks)
        for event in self._client.truth.events:
            came = self._arrived.get(event.position, [])
            read = ((one, reading.read_ns(one.record)) for one in came)
            arrival, read_ns = next(((one, at) for one, at in read if at is not None), (None, None))
            shown = self._screen.delivered.get(event.position)
            if shown is not None:
                fate = EventFate.SHOWN
            elif arrival is not None:
                fate = self._at_radio(event, arrival)
            else:
                fate = self._elsewhere(event)
            yield Life(event, fate, arrival or (came[0] if came else None), read_ns, shown)

    def _at_radio(self, event: EmittedEvent, arrival: Arrival) -> EventFate:
        """Say why an event that was certainly read was not shown."""
        at_ns = arrival.record.t_ns
        newest = self._screen.newest_at(at_ns + self._soon_ns)
        if event.type not in EVENT_CALLBACKS:
            return EventFate.NO_CALLBACK
        if self._policies.max_event is not None and arrival.record.size + FRAMING > self._policies.max_event:
            return EventFate.TOO_BIG
        if self._over_ns is not None and self._over_ns <= at_ns + self._overtaken_ns:
            return EventFate.ENDED
        if arrival.behind and newest > event.position:
            return EventFate.LATE
        if any(self._stands_for(one, event, at_ns) for one in self._entitled):
            return EventFate.COVERED
        if not event.terminal and self._queue.dropped(event, at_ns):
            return EventFate.COALESCED
        if event.position < self._first:
            return EventFate.NOT_OWED
        case = self._client.case
        late_ns = case.end_ns if case.cut_short or case.plan.job.ends == "never" else 1 << 62
        return EventFate.OPEN if at_ns + self._soon_ns > late_ns else EventFate.UNSHOWN

    def _stands_for(self, answer: StatusArrival, event: EmittedEvent, at_ns: int) -> bool:
        """Return whether an answer stands for an event that came then: it came in time, or a gap was waiting for it."""
        if answer.position < event.position:
            return False
        near_ns = self._client.case.near_ns
        return answer.body.t_ns <= at_ns + self._soon_ns or any(
            heals(gap, answer) and gap.record.t_ns - near_ns <= at_ns <= answer.body.t_ns
            for gap in told_gaps(self._client)
        )

    def _elsewhere(self, event: EmittedEvent) -> EventFate:
        """Say what became of an event that was not certainly at the radio."""
        if self._covered is not None and event.position <= self._covered:
            return EventFate.COVERED
        if event.position < self._first:
            return EventFate.NOT_OWED
        if event.actual_ns > self._due_ns:
            return EventFate.OPEN
        if event.position in self._withheld:
            return EventFate.WITHHELD
        said = self._said
        if said is not None and event.position[0] == said[0] and event.position < said:
            return EventFate.SAID
        return EventFate.UNASKED


class Queue:
    """The app's queue: which update may have been pushed out of it behind a callback that was under way.

    1. As many updates as the policy ``queue`` says wait behind a callback, and one more pushes out the oldest of them.
       So an update that was pushed out had as many newer states at the radio when the app was shown a later one. The
       bounded buffers of the field that keep the newest do so: ``bufferingNewest(n)``, ``DROP_OLDEST``.
    2. The update waited from its coming until then: callbacks followed each other without a pause, and the last took
       time.
    3. A client that declares no queue may let any number wait: one that keeps the newest alone is lawful.
    """

    def __init__(self, client: ClientCase) -> None:
        self._client = client
        room: object = client.case.declared.queue
        self.room = math.inf if room is None else room if isinstance(room, int) else 0
        """Updates that may wait."""
        self._callbacks = sorted([*client.screen.callbacks, *client.gaps_told], key=attrgetter("enter_ns"))
        self._enters = [app.enter_ns for app in self._callbacks]
        came = {one.position: one.body.t_ns for one in reversed(answers(client))}
        for arrival in arrivals(client):
            at_ns = arrival.record.t_ns
            came[arrival.event.position] = min(at_ns, came.get(arrival.event.position, at_ns))
        self._positions = sorted(came)
        self._came = [came[position] for position in self._positions]
        self._none_before = list(itertools.accumulate(reversed(self._came), min))[::-1]

    def dropped(self, event: EmittedEvent, at_ns: int) -> bool:
        """Return whether an event that came then may have been pushed out by later ones, of which one was shown."""
        if self.room == math.inf:
            return False
        newer = self.newer(event, at_ns)
        return newer is not None and newer >= self.room

    def newer(self, event: EmittedEvent, at_ns: int) -> int | None:
        """Return how many later states had come, up to ``room``, when the app was shown one of them in its place.

        None where the event, which came ``at_ns``, did not wait behind callbacks, or nothing later was shown.
        """
        advances = self._client.screen.advances
        entered, behind = bisect.bisect_left(advances, (at_ns, ACCEPTED)), _place_behind(advances, event.position)
        place = max(entered, behind)
        if place == len(advances) or not self._waited(at_ns, advances[place][0]):
            return None
        return self._newer(event.position, advances[place][0])

    def _waited(self, since_ns: int, until_ns: int) -> bool:
        """Return whether callbacks followed each other between two stamps, and the last took time."""
        near_ns = self._client.case.near_ns
        place = bisect.bisect_left(self._enters, until_ns) - 1
        if place < 0 or self._callbacks[place].exit_ns - self._enters[place] < AT_WORK * 1e9:
            return False
        while until_ns - self._callbacks[place].exit_ns <= near_ns:
            until_ns = self._enters[place]
            if until_ns <= since_ns + near_ns:
                return True
            place -= 1
            if place < 0:
                break
        return False

    def _newer(self, position: Position, by_ns: int) -> int:
        """Return how many states newer than this one had come by then; no more than have room are counted."""
        newer = 0
        for place in range(bisect.bisect_right(self._positions, position), len(self._positions)):
            if newer >= self.room or self._none_before[place] > by_ns:
                break
            newer += self._came[place] <= by_ns
        return newer


def _place_behind(advances: list[tuple[int, Position]], position: Position) -> int:
    """Return the place of the first advance of the screen beyond a position."""
    return bisect.bisect_right(advances, position, key=itemgetter(1))


def _first(client: ClientCase) -> Position:
    """Return the position from which on a client could get its job's events: older ones its server had dropped.

    That is what a stream brought first that was asked for without an id, if it brought the first event that was
    certainly read. Of an epoch that no stream met, the client never knew.
    """
    reading, reached = client.once(ReadMarks), arrivals(client)
    read = next((one for one in reached if reading.read_ns(one.record) is not None), None)
    if read is None or read.request.last_event_id or client.screen.newest_at(read.record.t_ns - 1) > ACCEPTED:
        return ACCEPTED
    return next(one.event.position for one in reached if one.request.rid == read.request.rid)


def _withheld(client: ClientCase) -> set[Position]:
    """Return what the server left out without a word of what an id had asked for.

    Of another epoch a client that reads nothing from ids cannot know.
    """
    truth, opaque = client.truth, client.case.plan.client.policies.ids is Ids.OPAQUE
    found: set[Position] = set()
    met: set[int] = set()
    told = {gap.request.rid for gap in told_gaps(client) if gap.how != "epoch"}
    for arrival in arrivals(client):
        rid, first = arrival.request.rid, arrival.event.position
        if rid in met:
            continue
        met.add(rid)
        asked = truth.place(arrival.request.last_event_id or "", arrival.request.t_ns)
        if asked is None or rid in told or not (opaque or asked[0] == first[0]):
            continue
        found |= {event.position for event in truth.events if asked < event.position < first}
    return found


def _said_aloud(client: ClientCase) -> Position | None:
    """Return what was shown first after a gap of which every snapshot was refused or cut, to the job's end.

    A portal's page is none, whatever its status. None is taken after the end (law L11): so much the client could only
    say aloud.
    """
    said = [gap for gap in told_gaps(client) if gap.covered_ns > client.case.end_ns]
    terminals = client.screen.terminals
    if not said or not terminals:
        return None
    gap, end = said[-1], terminals[0].app
    told = any(app.enter_ns >= gap.record.t_ns for app in client.gaps_told)
    asked = [
        poll
        for poll in client.requests
        if poll.what == "poll" and gap.record.seq < poll.seq and poll.t_ns <= end.enter_ns
    ]
    if not told or not asked or any(_had(client, poll) for poll in asked):
        return None
    after = (one.event for one in client.screen.shown if one.app.seq > gap.record.seq and one.answer is None)
    found = next((event for event in after if event is not None), None)
    return None if found is None else found.position


def _had(client: ClientCase, poll: Request) -> bool:
    """Return whether a status request was answered, or given up by the client itself."""
    answer = client.responses.get(poll.rid)
    if answer is not None:
        bodies = client.case.grouped(Body, "rid").get(poll.rid, ())
        return answer.status // 100 == 2 and not answer.by and any(body.whole for body in bodies)
    ends = client.ends_of.get(poll.cid, ())
    return not any(end.side == "client" and end.how == "closed" for end in ends)
