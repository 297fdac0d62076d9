"""Resumption: which ``Last-Event-ID`` each stream request carried, and which ones it might carry (law L7).

The last event ID string is set by every block that a blank line completes, id-only blocks too, and never at the ``id``
line; an empty one means no header (WHATWG HTML, 9.2.6). What blocks a client had is a fact: the stage parsed them as
its socket took them. So a request may carry

1. the string as it stood at some moment from the last event that its app was shown, before it dialled, to the last
   block at its radio, before it asked: what of these it had read, and committed, is the client's to know. An id that
   came without an event waits for nothing: it is committed as soon as it was certainly read;
2. the cursor that a status answer gave it since then;
3. after a cursor that was refused (409, 410), the refused one or none, until a status answer has come that was asked
   for since: from then on that one's, a later one's, what a stream brought since, or none.

Facts nearer than ``near`` have no order, and what is in doubt counts both ways. A redirect is followed with the header
of the request that was redirected.
"""

from bisect import bisect_right
from operator import attrgetter, itemgetter

import msgspec

from harness.history import Delivered, Request, Snapshot
from harness.judge.case import ClientCase
from harness.judge.facts.instructions import REFUSED, leads_on
from harness.judge.facts.reading import ReadMarks
from harness.judge.facts.requests import RequestLife, lives_of
from harness.judge.facts.snapshots import DeliveredState, delivered_states


class ResumeRequest(msgspec.Struct, frozen=True):
    """One stream request. ``allowed`` are the ids it might carry; the last is what it should have been.

    ``refused`` is the answer before it that refused the client's cursor, where a status answer replaced that.
    """

    request: Request
    sent: str
    allowed: tuple[str, ...]
    first: bool
    right: bool
    source: Delivered | Snapshot | None = None  # what gave the id it should have carried
    refused: RequestLife | None = None


def resumes(client: ClientCase) -> list[ResumeRequest]:
    """Return the stream requests of a client, each held against what it might carry."""
    return client.once(_resumes)


def _resumes(client: ClientCase) -> list[ResumeRequest]:
    found: list[ResumeRequest] = []
    buffer = client.once(_Buffer)
    led: RequestLife | None = None  # the request that a redirect leads on from
    for life in lives_of(client, "stream"):
        first = led or life
        found.append(buffer.held_against(life, dialled_ns=first.dialled_ns, first=not found))
        led = first if life.answer is not None and leads_on(life.answer) else None
    return found


class _Buffer:
    """The last event ID string of one client, as its radio had it."""

    def __init__(self, client: ClientCase) -> None:
        self._near_ns = client.case.near_ns
        self._blocks = client.delivered
        self._states = delivered_states(client)
        self._refusals = [
            life for life in lives_of(client, "stream") if life.answer is not None and life.answer.status in REFUSED
        ]
        self._truth = client.truth
        self._shown = _shown(client, self._blocks)
        reading, alone = client.once(ReadMarks), [at for at, block in enumerate(self._blocks) if _alone(block)]
        read = ((reading.read_ns(self._blocks[place]), place) for place in alone)
        self._committed = [(read_ns, place) for read_ns, place in read if read_ns is not None]

    def held_against(self, life: RequestLife, *, dialled_ns: int, first: bool) -> ResumeRequest:
        """Return what a request, whose attempt was dialled then, might carry."""
        request, sent = life.request, life.request.last_event_id or ""
        least = self._least(dialled_ns)
        blocks = self._blocks[max(least, 0) : bisect_right(self._blocks, request.seq, key=attrgetter("seq"))]
        given: list[tuple[int, str, Delivered | Snapshot | None]] = [(0, "", None)] if least < 0 else []
        given += [(block.t_ns, block.id, block) for block in blocks]
        states = self._states_since(least, request.t_ns)
        given += [(state.at_ns, state.id, state.snapshot) for state in states]
        refused = self._replaced(dialled_ns)
        if refused is not None:
            assert refused.answer is not None
            since = refused.answer.t_ns
            given = [(since, "", None), *((at, name, by) for at, name, by in given if by is not None and at >= since)]
        elif self._refusals and self._refusals[0].request.seq < request.seq:
            given.insert(0, (0, "", None))
        given.sort(key=itemgetter(0))
        _, due, source = given[-1]
        ids = [name for _, name, _ in given]
        allowed = tuple(dict.fromkeys([*(name for name in ids if name != due), due]))
        right = sent in allowed
        return ResumeRequest(request, sent, allowed, first, right, source if due else None, refused)

    def _least(self, dialled_ns: int) -> int:
        """Return the place of the last block that was committed before a dial, shown or without an event; -1: none."""
        by_ns = dialled_ns - self._near_ns
        place = bisect_right(self._shown, by_ns, key=itemgetter(0))
        committed = [place for read_ns, place in self._committed if read_ns <= by_ns]
        return max([*committed, self._shown[place - 1][1] if place else -1])

    def _states_since(self, least: int, asked_ns: int) -> list[DeliveredState]:
        """Return the status answers that came since the last event shown, or that were ahead of it."""
        states = [state for state in self._states if state.at_ns <= asked_ns]
        if least < 0:
            return states
        shown = self._blocks[least]
        event = self._truth.carried(shown.id, shown.digest, shown.seq) or self._truth.known(shown.id, shown.t_ns)
        return [
            state for state in states
            if state.at_ns >= shown.t_ns or event is None or state.position >= event.position
        ]  # fmt: skip

    def _replaced(self, dialled_ns: int) -> RequestLife | None:
        """Return the last refusal for certain before a dial, where a status answer that it led to was read by then."""
        certain = [one for one in self._refusals if one.read_ns is not None and one.read_ns < dialled_ns]
        if not certain:
            return None
        refused = certain[-1]
        assert refused.answer is not None
        by_ns = dialled_ns - self._near_ns
        since = refused.answer.t_ns
        known = (one for one in self._states if one.known_ns is not None and one.known_ns <= by_ns)
        return refused if any(one.life.request.t_ns >= since for one in known) else None


def _alone(block: Delivered) -> bool:
    """Return whether a block had an id and no event."""
    return not block.event and block.retry < 0


def _shown(client: ClientCase, blocks: list[Delivered]) -> list[tuple[int, int]]:
    """Return when the app was shown something of a stream, and the place of the newest block it was shown by then.

    A callback is told by its content; of equal events it is the oldest that was not shown.
    """
    places: dict[tuple[str, str], list[int]] = {}
    for place in range(len(blocks) - 1, -1, -1):
        if blocks[place].event:
            places.setdefault((blocks[place].type, blocks[place].digest), []).append(place)
    found: list[tuple[int, int]] = []
    newest = -1
    for app in client.screen.callbacks:
        waiting = places.get((app.callback, app.digest))
        if app.source == "stream" and waiting and blocks[waiting[-1]].t_ns <= app.enter_ns:
            newest = max(newest, waiting.pop())
            found.append((app.enter_ns, newest))
    return found
