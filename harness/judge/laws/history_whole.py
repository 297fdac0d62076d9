"""H1, the history is whole: no record is missing, and nothing is told before what it follows from.

It judges the harness, not the client. A record that was lost would else be held against whoever it tells of: a journal
that dropped every fortieth record failed the client. ``seq`` says that one is missing; the numbers that each writer
gives its own say it too, where the journal lost one before it was numbered.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harness.history import (
    Attempt,
    Chunk,
    Conn,
    ConnEnd,
    Emit,
    EndPassed,
    Job,
    Request,
    Rescheduled,
    Response,
    Subscriber,
    Write,
)
from harness.history.records import Record
from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.laws.outcome import Law, Outcome

ADVICE = "The harness lost or misplaced a record: nothing can be said of the client. Record the run again"


class _Told:
    """What the records read so far have told of: who was there, and how far each writer's numbers have come."""

    def __init__(self) -> None:
        self.conns: set[int] = set()
        self.requests: set[int] = set()
        self.open: set[int] = set()
        self.epochs: set[tuple[str, str]] = set()
        self.emitted: dict[tuple[str, str], int] = {}
        self.bytes: dict[tuple[int, str], int] = {}
        self.held_ends: set[tuple[int, str]] = set()
        self.attempts: dict[str, int] = {}


def _conn(record: Conn, told: _Told) -> Iterator[str]:
    if record.cid in told.conns:
        yield f"connection {record.cid} begins twice"
    told.conns.add(record.cid)


def _chunk(record: Chunk, told: _Told) -> Iterator[str]:
    key = record.cid, record.direction
    if record.cid not in told.conns:
        yield f"bytes of connection {record.cid} come before it"
    so_far = told.bytes.get(key, 0)
    if record.offset > so_far:
        yield f"{record.offset - so_far} bytes of connection {record.cid} are missing {record.direction}"
    told.bytes[key] = max(so_far, record.offset + record.length)


def _conn_end(record: ConnEnd, told: _Told) -> Iterator[str]:
    if record.cid not in told.conns:
        yield f"connection {record.cid} ends before it begins"
    if record.held:
        told.held_ends.add((record.cid, record.side))


def _end_passed(record: EndPassed, told: _Told) -> Iterator[str]:
    if (record.cid, record.side) not in told.held_ends:
        yield f"an end of connection {record.cid} was let go that nobody had held"


def _request(record: Request, told: _Told) -> Iterator[str]:
    if record.rid != len(told.requests) + 1:
        yield f"request {record.rid} comes where {len(told.requests) + 1} was due"
    told.requests.add(record.rid)


def _response(record: Response, told: _Told) -> Iterator[str]:
    if record.rid not in told.requests:
        yield f"request {record.rid} is answered before it was made"


def _job(record: Job, told: _Told) -> Iterator[str]:
    told.epochs.add((record.job, record.epoch))
    yield from ()


def _rescheduled(record: Rescheduled, told: _Told) -> Iterator[str]:
    if (record.job, record.epoch) not in told.epochs:
        yield f"job {record.job} is rescheduled before it was accepted"


def _emit(record: Emit, told: _Told) -> Iterator[str]:
    key = record.job, record.epoch
    due = told.emitted.get(key, 0)
    if key not in told.epochs:
        yield f"job {record.job} emits before it was accepted"
    if record.index != due:
        yield f"event {record.epoch}-{record.index} is emitted where {record.epoch}-{due} was due"
    told.emitted[key] = record.index + 1


def _subscriber(record: Subscriber, told: _Told) -> Iterator[str]:
    if record.what == "open":
        if record.sub != len(told.open) + 1:
            yield f"stream {record.sub} of the server opens where {len(told.open) + 1} was due"
        told.open.add(record.sub)
    elif record.sub not in told.open:
        yield f"stream {record.sub} of the server closes before it opens"


def _write(record: Write, told: _Told) -> Iterator[str]:
    if record.sub not in told.open:
        yield f"stream {record.sub} of the server is written to before it opens"
    if record.last >= told.emitted.get((record.job, record.epoch), 0):
        yield f"event {record.epoch}-{record.last} is written before it was emitted"


def _attempt(record: Attempt, told: _Told) -> Iterator[str]:
    due = told.attempts.get(record.client, 0) + 1
    if record.n != due:
        yield f"attempt {record.n} of {record.client} comes where {due} was due"
    told.attempts[record.client] = record.n


_RULES: Mapping[type[Record], Callable[[Any, _Told], Iterator[str]]] = {
    Conn: _conn,
    Chunk: _chunk,
    ConnEnd: _conn_end,
    EndPassed: _end_passed,
    Request: _request,
    Response: _response,
    Job: _job,
    Rescheduled: _rescheduled,
    Emit: _emit,
    Subscriber: _subscriber,
    Write: _write,
    Attempt: _attempt,
}


def _judge(case: Case) -> Outcome:
    outcome, told, due = Outcome(), _Told(), 1
    for record in case.history.records:
        if record.seq != due:
            missing = f"record {due}" if record.seq == due + 1 else f"records {due} to {record.seq - 1}"
            text = f"{missing} of the history is missing" if record.seq > due else f"record {record.seq} comes twice"
            outcome.fail(text, case.evidence(record, "the record behind it"), advice=ADVICE, cause="record-missing")
        due = record.seq + 1
        rule = _RULES.get(type(record))
        for text in rule(record, told) if rule is not None else ():
            outcome.fail(text, case.evidence(record, text), advice=ADVICE, cause="record-missing")
    _count(case, outcome)
    outcome.hold()
    return outcome


def _count(case: Case, outcome: Outcome) -> None:
    """Hold how many records of each kind there are against what the journal was given."""
    end = case.history.end
    if end is None:
        return  # cut short
    found = Counter(str(record.__struct_config__.tag) for record in case.history.records if record.seq < end.seq)
    for kind in sorted(found.keys() | end.counts.keys()):
        given = end.counts.get(kind, 0)
        if found[kind] != given:
            text = f"{phrases.amount(given, 'record')} of kind {kind} were written and {found[kind]} are there"
            outcome.fail(text, case.evidence(end, text), advice=ADVICE, cause="record-missing")


LAW = Law(code="H1", word="history-whole", judge=_judge)
