"""The arrival of each stream at the client's socket: unchanged events, in order, from the id that was asked for.

A stream of bytes has no holes, whatever the network does: it only ends early. What is missing in the middle, comes
twice or in another order was never sent otherwise.
"""

from collections.abc import Iterator

from harness.history import Boxed, Delivered, Write
from harness.history.records import PING_DIGEST
from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.facts.server import ServedStream, ServerFacts
from harness.judge.laws.server.bounds import Bounds, ServerDeviation
from harness.judge.laws.server.writing import beginning
from harness.sse.digits import read_digits

WITHHOLDING = frozenset({"muted", "reset"})
"""The boxes' acts on streams of which nothing is to arrive."""


def deliveries(case: Case, served: ServerFacts, bounds: Bounds) -> Iterator[ServerDeviation]:
    """Check that each stream carried what was emitted, from its cursor on."""
    withheld = {one.rid for one in case.history.all(Boxed) if one.what in WITHHOLDING}
    for rid, delivered in case.grouped(Delivered, "rid").items():
        request = served.requests.get(delivered[0].rid)
        if request is None or request.client == "canary" or rid in withheld:
            continue  # what a box lets through of a stream that it withholds is no doing of the server's
        stream = served.by_rid.get(request.rid)
        if stream is None:
            if not served.streams:
                continue  # a server that tells of none is held by its other records
            yield f"request {rid} was told events on a stream that the server never opened", delivered[0]
        elif stream.epoch.whole:
            yield from _delivery(case, served, bounds, stream, delivered)
            yield from _primed(served, stream, delivered)
            if stream.retries or any(one.retry >= 0 for one in delivered):
                yield from _asked_retries(stream, delivered)


def _delivery(
    case: Case, served: ServerFacts, bounds: Bounds, stream: ServedStream, delivered: list[Delivered]
) -> Iterator[ServerDeviation]:
    epoch, repeats = stream.epoch, bool(served.repeats)
    before, times = -1, 0  # the newest event that it carried, and how often
    for one in delivered:
        if not one.event or (served.varied and one.digest == PING_DIGEST):
            continue
        emit = served.told(stream.opened.job, one)
        if one.type == "reset" and before < 0 and _resets(served, stream):
            continue
        if emit is None or emit.epoch != epoch.begun.epoch:
            yield f"{stream.called} carried an event of the id {one.id!r}, which its log does not have", one
            return
        index = emit.index
        if emit.digest != one.digest:
            yield f"{stream.called} carried other bytes than {epoch.event(index)} has", one, emit
        if index == before:
            times += 1
            if times > (_times(served, bounds, stream, index)[1] if repeats else 1):
                yield f"the server sent {epoch.event(index)} twice on {stream.called}", one, emit
                return
            continue
        if before < 0:
            lowest, highest = beginning(case, served, bounds, stream)
            if not lowest <= index <= highest:
                yield stream.answered_from(index, highest), one, stream.opened
        elif index != before + 1:
            yield _out_of_order(stream, before, index), one, emit
            return
        elif repeats and times < _times(served, bounds, stream, before)[0]:
            yield f"the server sent {epoch.event(before)} once on {stream.called}, and was told to repeat", one
        before, times = index, 1


def _primed(served: ServerFacts, stream: ServedStream, delivered: list[Delivered]) -> Iterator[ServerDeviation]:
    """Check that the only id that comes without an event is that of the place before the log's first one."""
    for one in delivered:
        if not one.event and one.retry < 0 and not (served.varied and one.id == stream.epoch.start_id):
            yield f"{stream.called} set the id to {one.id!r} without an event, which its log does not have", one
            return


def _asked_retries(stream: ServedStream, delivered: list[Delivered]) -> Iterator[ServerDeviation]:
    """Check each ``retry`` that reached the client: the server said it, at this place between the events."""
    said: list[int] = []
    before: dict[int, int] = {}  # how many the server had said, by the first event of each write
    for turn in stream.turns:
        if isinstance(turn, Write):
            before[turn.first] = len(said)
        elif turn.what == "retry" and (value := read_digits(turn.detail)) is not None:
            said.append(value)
    carried, due = 0, 0
    emits = stream.epoch.emits
    told = ((emits[index], count) for index, count in before.items() if index < len(emits))
    firsts = {(emit.told_id, emit.digest): count for emit, count in told}
    for one in delivered:
        if one.retry >= 0:
            if carried >= len(said) or said[carried] != one.retry:
                yield f"{stream.called} asked for retry {one.retry}, which the server had not said there", one
                return
            carried += 1
        due = firsts.get((one.id, one.digest), due) if one.event else due
        if carried < due:
            yield f"{stream.called} never asked for retry {said[carried]}, which the server said that it did", one
            return


def _resets(served: ServerFacts, stream: ServedStream) -> bool:
    return served.resumption(stream.epoch, stream.asked, stream.opened.seq).how == "reset"


def _times(served: ServerFacts, bounds: Bounds, stream: ServedStream, index: int) -> tuple[int, int]:
    """Return how often at least and at most an event is sent: twice while the server is told to repeat."""
    write = stream.write_of(index)
    counts = served.repeated(write.began_ns, bounds.tick_ns) if write is not None else {0, 1}
    return (1 if 0 in counts else 2), (1 if counts == {0} else 2)


def _out_of_order(stream: ServedStream, before: int, index: int) -> str:
    name, earlier = stream.epoch.event(index), stream.epoch.event(before)
    if index < before:
        return f"the server sent {name} after {earlier} on {stream.called}"
    return f"the server left out {phrases.events([*range(before + 1, index)])} on {stream.called}, after {earlier}"
