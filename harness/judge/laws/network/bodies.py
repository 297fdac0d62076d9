"""The boxes' acts on the bodies of a client's event streams: muted, reset, held; and none that no deed says.

An event is followed from its write to the client's socket. What stood in its way for all of that time is what it met:
nothing passes a mute, nor a reset; a buffer lets nothing go before it is full, or its time is over, and then all of it.
Where a cut waits for its event no box holds anything.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

import msgspec

from harness.deeds import acts
from harness.deeds.network_state import StandingDeed
from harness.history import Boxed, Delivered, Emit, Request, Said, Subscriber, Write
from harness.history.records import PING_DIGEST
from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.facts.gate_timeline import passing
from harness.judge.laws.network.box_timeline import BoxTimeline, course, named, of_streams
from harness.judge.laws.network.faults import NetworkDeviation
from harness.judge.laws.network.flows import CLIENT, DOWN, RecordedFlow
from harness.judge.laws.network.gates import flows
from harness.judge.laws.network.shapes import stretches

_TAGS: Mapping[str, type] = {"muted": acts.MutesStreams, "reset": acts.ResetsStreams, "held": acts.Buffers}
"""A box's word on what it did to a body, and the act that has it do so."""

PROMPT = 0.25
"""Seconds within which a buffer that is due has let go, beside its path's delay."""

BROAD = 125_000
"""Bytes/s of the slowest line on which an event's own time does not count."""


class StreamItem(msgspec.Struct):
    """An event of a stream, or what the server said besides: when it was written, and when the socket took it."""

    t_ns: int
    offset: int  # of the body's bytes before it; -1: no record says
    name: str  # of an event
    taken: Delivered | None = None
    followed: bool = False  # a copy follows it, or an event of no log


def faults(client: ClientCase) -> Iterator[NetworkDeviation]:
    """Yield what became of one client's streams against the plan."""
    line, muted = course(client), set[int]()
    for record in client.boxed:
        if record.what in _TAGS and record.t_ns < client.case.end_ns and record.rid not in muted:
            yield from _unplanned(client, line, record)
            if record.what == "muted":
                muted.add(record.rid)  # for good: bytes are missing
    if not line.ever(*_TAGS.values()):
        return
    for request in client.streams:
        flow = flows(client.case).get(request.cid)
        written = items(client.case).get(request.rid)
        if flow is not None and written:
            yield from _Stream(client, line, request, flow, written).faults()


def _unplanned(client: ClientCase, line: BoxTimeline, record: Boxed) -> Iterator[NetworkDeviation]:
    flow = flows(client.case).get(record.cid)
    if flow is None:
        return
    found = [of_streams(boxes, flow.path) for boxes in line.at(record.t_ns, record.seq)]
    if not any(one is not None and isinstance(one.deed.act, _TAGS[record.what]) for one in found):
        text = f"a box of the middle had its event stream {record.what}, and no deed has it do so"
        yield flow.fault(f"{record.what}-unplanned", record, text)


class _Stream:
    """One stream of a client, held against what stood in its way. ``written``: what the server wrote on it."""

    def __init__(
        self, client: ClientCase, line: BoxTimeline, request: Request, flow: RecordedFlow, written: Sequence[StreamItem]
    ) -> None:
        self._client = client
        self._line = line
        self._request = request
        self._flow = flow
        self._items = written
        self._tick_ns = flow.timeline.slack.tick_ns
        self._late_ns = flow.timeline.slack.late_ns
        self._cut_ns = min(_cuts(client, flow), default=math.inf)  # from then on a cut waits for its event
        muted = (box.t_ns for box in flow.boxed if box.rid == request.rid and box.what == "muted")
        self._muted_ns = min(muted, default=math.inf)  # for good: bytes are missing

    def faults(self) -> Iterator[NetworkDeviation]:
        """Yield the first event of each kind that was treated otherwise than planned."""
        yield from self._passed()
        yield from self._not_reset()
        yield from self._too_soon()
        yield from self._too_late()

    def _met(self, since_ns: float, until_ns: float) -> StandingDeed | None:
        """Return the one act that all of a stretch had in the way of streams; None: something else, or a cut."""
        found: StandingDeed | None = None
        if until_ns + self._tick_ns >= self._cut_ns:
            return None
        for boxes in self._line.within(since_ns - self._tick_ns, until_ns + self._tick_ns):
            one = of_streams(boxes, self._flow.path)
            if one is None or (found is not None and found.deed.index != one.deed.index):
                return None
            found = one
        return found

    def _passed(self) -> Iterator[NetworkDeviation]:
        """An event came through where nothing passes."""
        for item in self._items:
            if item.taken is None:
                continue
            one = self._met(item.t_ns, item.taken.t_ns)
            if one is not None and isinstance(one.deed.act, acts.MutesStreams | acts.ResetsStreams):
                text = f"event {item.name} of its stream passed, where {named(self._client, one)}"
                yield self._flow.fault("body-passed", item.taken, text)
                return

    def _not_reset(self) -> Iterator[NetworkDeviation]:
        """A stream's head came through to live on."""
        answer = self._client.responses.get(self._request.rid)
        sent = self._flow.sent.get(self._request.rid)
        if answer is None or sent is None or answer.by or answer.t_ns >= self._client.case.end_ns:
            return
        one = self._met(sent.t_ns, answer.t_ns)
        if one is None or not isinstance(one.deed.act, acts.ResetsStreams):
            return
        reset = any(box.rid == self._request.rid and box.what == "reset" for box in self._flow.boxed)
        if not reset or CLIENT not in self._flow.ends:
            text = f"its stream was not reset, where {named(self._client, one)}"
            yield self._flow.fault("body-not-reset", answer, text)

    def _too_soon(self) -> Iterator[NetworkDeviation]:
        """A buffer let go of what it was to hold. What is taken at one instant was let go at once."""
        begun = self._items[0]  # the first that may be held: what follows the last event that was let go
        took = [(at, item.taken) for at, item in enumerate(self._items) if item.taken is not None]
        for (at, taken), after in zip_longest(took, took[1:]):
            if after is not None and after[1].t_ns <= taken.t_ns + self._tick_ns:
                continue  # the last of a batch speaks for it, and for what lies in it without a record
            one = self._met(begun.t_ns, taken.t_ns)
            if one is not None and isinstance(one.deed.act, acts.Buffers) and not self._over_by(taken.t_ns):
                text = self._short_of(one.deed.act, begun, at, taken.t_ns)
                if text:
                    name = self._items[at].name
                    why = f"event {name} of its stream was let go {text}, where {named(self._client, one)}"
                    yield self._flow.fault("body-too-soon", taken, why)
                    return
            begun = self._items[min(at + 1, len(self._items) - 1)]

    def _short_of(self, act: acts.Buffers, begun: StreamItem, at: int, t_ns: int) -> str:
        """Say in what a batch that ends with the event at this place was let go too soon; empty: it was not."""
        item = self._items[at]
        if act.seconds is not None:
            held = (t_ns - begun.t_ns) / 1e9
            return f"after {phrases.duration(held)}" if held < act.seconds - self._tick_ns / 1e9 else ""
        if act.each_event:
            behind = self._items[at + 1 :]
            varied = self._client.case.plan.server.frames == "varied"
            lost = varied and all(one.taken is None for one in behind)  # a ping that followed it, on its way
            followed = item.followed or lost or not behind or behind[0].t_ns <= t_ns + self._tick_ns
            return "" if followed else "before anything had followed it"
        most = self._most_behind(at)
        if act.size is None or most is None or begun.offset < 0 or most - begun.offset >= act.size:
            return ""
        return f"with {phrases.size(most - begun.offset)}"

    def _most_behind(self, at: int) -> int | None:
        """Return how many bytes there were at the most as an event was let go: a part of what follows it too."""
        after = sorted({one.offset for one in self._items[at + 1 :] if one.offset > self._items[at].offset >= 0})
        return after[1] if len(after) > 1 else None

    def _too_late(self) -> Iterator[NetworkDeviation]:
        """A buffer kept what it was to let go."""
        way_ns = _way_ns(self._client.case, self._flow.path)
        if math.isinf(way_ns):
            return
        for at, item in enumerate(self._items):
            one = self._met(item.t_ns, item.t_ns) if item.name else None
            if one is None or not isinstance(one.deed.act, acts.Buffers):
                continue
            due_ns = self._due_ns(one.deed.act, at) + way_ns + self._late_ns
            if due_ns >= self._cut_ns or item.t_ns + self._late_ns >= self._muted_ns:
                return
            if (item.taken is None or item.taken.t_ns > due_ns) and self._open(item.t_ns, due_ns):
                written = phrases.limit(self._client.case.at(item.t_ns))
                text = f"event {item.name} of its stream, written at {written}, was held too long, where"
                shown = item.taken or self._request
                yield self._flow.fault("body-too-late", shown, f"{text} {named(self._client, one)}", t_ns=round(due_ns))
                return

    def _due_ns(self, act: acts.Buffers, at: int) -> float:
        """Return by when an event has left its box, but for its way there."""
        item, behind = self._items[at], self._items[at + 1 :]
        if act.seconds is not None:
            return item.t_ns + act.seconds * 1e9
        if act.each_event:
            return behind[0].t_ns if behind else math.inf
        full = item.offset + (act.size or 0)
        return next((one.t_ns for one in behind if one.offset >= full and item.offset >= 0), math.inf)

    def _open(self, since_ns: float, until_ns: float) -> bool:
        """Return whether nothing but a box kept an event from its way: the path passes, and the connection lives."""
        flow = self._flow
        if until_ns >= self._client.case.end_ns or any(end.t_ns <= until_ns for end in flow.ends.values()):
            return False
        if DOWN in flow.dead or any(box.what not in _TAGS for box in flow.boxed):
            return False
        return flow.timeline.surely_since(passing((flow.path, DOWN)), round(until_ns)) <= since_ns

    def _over_by(self, t_ns: int) -> bool:
        """Return whether the server had ended the stream: what a box holds goes with the end."""
        return self._client.case.once(_closed).get(self._request.rid, math.inf) <= t_ns + self._tick_ns


def _cuts(client: ClientCase, flow: RecordedFlow) -> Iterator[int]:
    """Yield when streams of a connection were to be cut at their next event."""
    for record in client.deeds:
        deed = client.case.plan.deeds[record.deed]
        if isinstance(deed.act, acts.Cuts) and deed.actor == flow.path and record.returned_ns >= flow.conn.t_ns:
            yield record.issued_ns


def items(case: Case) -> Mapping[int, list[StreamItem]]:
    """Return what the server wrote on each stream, by its request's number, in order."""
    return case.once(_items)


def _items(case: Case) -> Mapping[int, list[StreamItem]]:
    rids = _rids(case)
    taken: dict[tuple[int, str, str], list[Delivered]] = {}
    pinged: set[tuple[int, str, str]] = set()  # keys of taken, of events behind which a ping came
    last: dict[int, tuple[int, str, str]] = {}  # by request, the key of its newest event
    for delivered in case.history.all(Delivered):
        if delivered.event and delivered.digest == PING_DIGEST:
            pinged.update({last[delivered.rid]} if delivered.rid in last else ())
        elif delivered.event:
            key = last[delivered.rid] = (delivered.rid, delivered.id, delivered.digest)
            taken.setdefault(key, []).append(delivered)
    emits = {(emit.job, emit.epoch, emit.index): emit for emit in case.history.all(Emit)}
    found: dict[int, list[StreamItem]] = {}
    written: list[Said | Write] = [*case.history.all(Said), *case.history.all(Write)]
    for write in sorted(written, key=lambda record: (record.began_ns, record.seq)):
        if isinstance(write, Said):
            found.setdefault(rids.get(write.sub, 0), []).append(StreamItem(write.began_ns, -1, ""))
            continue
        for index in range(write.first, write.last + 1):
            emit = emits.get((write.job, write.epoch, index))
            if emit is not None:
                key = (write.rid, emit.told_id, emit.digest)
                came = taken.get(key, [])
                offset = write.offset if index == write.first else -1
                followed = len(came) > 1 or key in pinged
                item = StreamItem(write.began_ns, offset, emit.id, came.pop(0) if came else None, followed)
                found.setdefault(write.rid, []).append(item)
    return found


def _closed(case: Case) -> Mapping[int, int]:
    """Return when the server ended each stream, by its request's number."""
    rids = _rids(case)
    closes = (record for record in case.history.all(Subscriber) if record.what == "close")
    return {rids.get(record.sub, 0): record.t_ns for record in closes}


def _rids(case: Case) -> Mapping[int, int]:
    """Return the number of the request of each stream of the server."""
    return {record.sub: record.rid for record in case.history.all(Subscriber) if record.what == "open"}


def _way_ns(case: Case, path: str) -> float:
    """Return how long an event is on its way at the most; infinity where its path is too narrow to say."""
    shapes = [one.shape for one in stretches(case)[path, DOWN]]
    if any(shape.slice_size is not None or (shape.down or BROAD) < BROAD for shape in shapes):
        return math.inf
    slowest = max(shape.latency + shape.jitter for shape in shapes)
    return (slowest + case.plan.paths[path].radio.wake + PROMPT) * 1e9
