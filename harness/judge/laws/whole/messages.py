"""The records of the HTTP stage: requests, answers, and what of them reached the client's socket."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from harness.history import Body, Boxed, Delivered, Emit, Request, Response, StreamBegan, StreamEnded, Write
from harness.history.records import PING_DIGEST, Record
from harness.judge.facts.streams import is_stream
from harness.judge.laws.whole.ledger import Ledger, Rules
from harness.vocabulary import CANARY

MIDDLE = "middle"
RESET = "reset"

REFUSALS = frozenset({400, 408, 413, 414, 431, 501, 505})
"""Answers to what is no request: the server keeps no record of one."""


def _request(record: Request, ledger: Ledger) -> str:
    rid, due = record.rid, len(ledger.requests) + 1
    ledger.requests[rid] = record
    ledger.waiting.setdefault(record.cid, []).append(rid)
    if rid != due:
        return f"request {rid} comes where {due} was due"
    return "" if record.cid in ledger.conns else f"request {rid} comes before its connection"


def _response(record: Response, ledger: Ledger) -> str:
    rid = record.rid
    request = ledger.requests.get(rid)
    if request is None:
        return f"request {rid} is answered before it was made"
    waiting = ledger.waiting.get(record.cid, [])
    if rid not in waiting:
        return f"request {rid} is answered twice, or on another connection"
    passed_over = waiting[0] if waiting[0] != rid else 0
    del waiting[: waiting.index(rid) + 1]
    ledger.answers[rid] = record.status
    if is_stream(record):
        ledger.streams.add(rid)
    if record.coding:
        ledger.unread.add(request.client)
    if record.by == MIDDLE:
        ledger.by_middle.add(rid)
        if rid not in ledger.boxed:
            return f"request {rid} has a box's answer before a box acts on it"
    elif rid in ledger.states:
        ledger.snapshots.setdefault(request.client, set()).add(ledger.states[rid])
    if passed_over:
        return f"request {passed_over} has no answer where request {rid} behind it has one"
    return _by_the_server(record, request, ledger)


def _by_the_server(record: Response, request: Request, ledger: Ledger) -> str:
    """Hold an answer at the client against what the server told of it."""
    if record.by == MIDDLE or request.client == CANARY or request.method == "HEAD" or not ledger.server_tells:
        return ""
    told = ledger.said.get(record.rid)
    if told is None:
        return "" if record.status in REFUSALS else f"request {record.rid} is answered before the server answered it"
    if told[0] != record.status:
        return f"request {record.rid} was answered {told[0]} and {record.status} reached the client"
    return ""


def _stream_began(record: StreamBegan, ledger: Ledger) -> str:
    if record.rid in ledger.began:
        return f"the stream of request {record.rid} begins twice"
    ledger.began.add(record.rid)
    if record.rid in ledger.answers and ledger.requests[record.rid].cid != record.cid:
        return f"the stream of request {record.rid} begins on another connection"
    return "" if record.rid in ledger.answers else f"the stream of request {record.rid} begins before its answer"


def _stream_ended(record: StreamEnded, ledger: Ledger) -> str:
    return "" if record.rid in ledger.answers else f"the stream of request {record.rid} ends before its answer"


def _body(record: Body, ledger: Ledger) -> str:
    rid = record.rid
    if rid not in ledger.answers:
        return f"the body of request {rid} comes before its answer"
    if rid in ledger.bodies:
        return f"the body of request {rid} comes twice"
    ledger.bodies.add(rid)
    if ledger.requests[rid].cid != record.cid:
        return f"the body of request {rid} comes on another connection"
    told = ledger.said.get(rid)
    if told is None or rid in ledger.by_middle or ledger.requests[rid].method == "HEAD":
        return ""
    _, length, digest = told
    cut = length and not record.whole and record.length == length
    if length is not None and (record.length > length or (record.whole and record.length != length) or cut):
        return f"request {rid} was answered with {length} bytes and {record.length} reached the client"
    if record.whole and digest and record.digest != digest:
        return f"the body of request {rid} is not what the server answered"
    return ""


def _delivered(record: Delivered, ledger: Ledger) -> str:
    rid = record.rid
    request = ledger.requests.get(rid)
    if request is None or rid not in ledger.answers:
        return f"an event of request {rid} reached the phone before its answer"
    if rid not in ledger.began:
        return f"an event of request {rid} reached the phone before the first byte of its stream"
    if record.cid != request.cid:
        return f"an event of request {rid} reached the phone on another connection"
    return _event(record, request, ledger) if record.event and request.job else ""


def _event(record: Delivered, request: Request, ledger: Ledger) -> str:
    """Hold an event that reached the phone against what the server has emitted and written."""
    rid = record.rid
    if record.type == RESET:
        told = ledger.gaps.get(rid) == RESET or not ledger.server_tells
        return "" if told else f"request {rid} was reset, and no server said so"
    if record.digest == PING_DIGEST:
        return ""
    arrival = record.cid, ledger.carried.last.get((record.cid, "downstream"), 0)
    ledger.arrived.setdefault((request.client, record.digest), []).append(arrival)
    if record.cid in ledger.left:
        return f"event {record.id} reached connection {record.cid} after its client had left"
    emitted = ledger.events.get((request.job, record.digest), ())
    emit = next((one for one in emitted if one.told_id == record.id), None)
    if emit is None:
        return f"event {record.id} at the phone ({request.client}) is none that the server had emitted"
    if (record.type, record.size) != (emit.type, emit.size or record.size):
        return f"event {record.id} at the phone ({request.client}) is of another type or size than the server emitted"
    return _written(record, emit, ledger)


def _written(record: Delivered, emit: Emit, ledger: Ledger) -> str:
    sub = ledger.sub_of.get(record.rid)
    if sub is None:
        return "" if not ledger.server_tells else f"event {record.id} reached the phone, and no stream of the server"
    last = ledger.written[sub][-1] if ledger.written[sub] else None
    if last is None or last.epoch != emit.epoch or not last.first <= emit.index <= last.last:
        ledger.unwritten.append((record, emit))
    return ""


def _boxed(record: Boxed, ledger: Ledger) -> str:
    if record.cid not in ledger.conns:
        return f"a box acts on connection {record.cid} before it begins"
    if {(record.cid, "client"), (record.cid, "server")} <= ledger.ended:
        return f"a box acts on connection {record.cid} after its end"
    ledger.boxed.add(record.rid)
    ledger.cuts[record.client] += record.what == "cut"
    unknown = record.rid and record.rid not in ledger.requests
    return f"a box acts on request {record.rid} before it was made" if unknown else ""


RULES: Rules = {
    Request: _request,
    Response: _response,
    StreamBegan: _stream_began,
    StreamEnded: _stream_ended,
    Body: _body,
    Delivered: _delivered,
    Boxed: _boxed,
}


def unfinished(ledger: Ledger) -> Iterator[tuple[Record, str]]:
    """Yield the answers without a body, and the events at a radio that no write covers or that came before it began."""
    for rid in ledger.answers if ledger.finished else ():
        request = ledger.requests[rid]
        if rid not in ledger.bodies and rid not in ledger.streams and request.client != CANARY:
            yield request, f"the answer to request {rid} has no body, and none that was cut short"
    found = _covering(ledger)
    for record, emit in ledger.unwritten:
        covering = found.get((ledger.sub_of[record.rid], emit.epoch, emit.index), [])
        if not covering:
            if ledger.finished:
                yield record, f"event {record.id} reached the phone and was never written to its stream"
        elif all(one.began_ns > record.t_ns for one in covering):
            yield record, f"event {record.id} reached the phone before it was written"


def _covering(ledger: Ledger) -> dict[tuple[int, str, int], list[Write]]:
    """Return the writes that cover the events at a radio, by stream, epoch and index."""
    wanted: dict[tuple[int, str], set[int]] = {}
    for record, emit in ledger.unwritten:
        wanted.setdefault((ledger.sub_of[record.rid], emit.epoch), set()).add(emit.index)
    found: dict[tuple[int, str, int], list[Write]] = {}
    for (sub, epoch), indices in wanted.items():
        ordered = sorted(indices)
        for write in ledger.written[sub]:
            if write.epoch == epoch:
                for index in ordered[bisect_left(ordered, write.first) : bisect_right(ordered, write.last)]:
                    found.setdefault((sub, epoch, index), []).append(write)
    return found
