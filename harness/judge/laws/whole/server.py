"""The records of the server: jobs, emissions, streams, what their sockets took, and every other answer."""

from collections.abc import Iterator

from harness.history import Answered, Emit, GapSignal, Job, Rescheduled, Said, Snapshot, Subscriber, Write
from harness.history.records import Record
from harness.judge.laws.whole.ledger import Ledger, Rules

GONE = 410
"""The answer to a cursor that is older than the log."""


def _job(record: Job, ledger: Ledger) -> str:
    ledger.epochs.add((record.job, record.epoch))
    return _known(record.rid, ledger) or _asked(record.rid, "start", "", ledger)


def _rescheduled(record: Rescheduled, ledger: Ledger) -> str:
    if (record.job, record.epoch) not in ledger.epochs:
        return f"job {record.job} is rescheduled before it was accepted"
    return ""


def _emit(record: Emit, ledger: Ledger) -> str:
    key = record.job, record.epoch
    due = ledger.emitted.get(key, 0)
    ledger.emitted[key] = record.index + 1
    ledger.events.setdefault((record.job, record.digest), []).append(record)
    if key not in ledger.epochs:
        return f"job {record.job} emits before it was accepted"
    if record.index != due:
        return f"event {record.epoch}-{record.index} is emitted where {record.epoch}-{due} was due"
    return ""


def _subscriber(record: Subscriber, ledger: Ledger) -> str:
    sub = record.sub
    if record.what == "open":
        due = len(ledger.subs) + 1
        ledger.subs[sub] = record
        ledger.open.add(sub)
        ledger.written[sub] = []
        if record.rid:
            ledger.sub_of[record.rid] = sub
            ledger.said[record.rid] = 200, None, ""
        if sub != due:
            return f"stream {sub} of the server opens where {due} was due"
        return _known(record.rid, ledger) or _asked(record.rid, "stream", record.job, ledger, cursor=record.cursor)
    if sub not in ledger.open:
        return f"stream {sub} of the server closes before it opens"
    ledger.open.discard(sub)
    return ""


def _write(record: Write, ledger: Ledger) -> str:
    sub = record.sub
    if sub not in ledger.open:
        return f"stream {sub} of the server is written to before it opens"
    before = ledger.written[sub]
    if before and record.offset <= before[-1].offset:
        return f"stream {sub} of the server is written to at {record.offset} after {before[-1].offset}"
    before.append(record)
    at = ledger.body_at.get(sub, record.offset)
    if record.length:
        ledger.body_at[sub] = record.offset + record.length
    if record.offset != at:
        return f"stream {sub} of the server is written to at {record.offset}, where its body had come to {at}"
    if record.rid != ledger.subs[sub].rid:
        return f"stream {sub} of the server is written to for request {record.rid}, and was opened by another"
    if record.last >= ledger.emitted.get((record.job, record.epoch), 0):
        return f"event {record.epoch}-{record.last} is written before it was emitted"
    return ""


def _said(record: Said, ledger: Ledger) -> str:
    if record.sub in ledger.body_at:
        ledger.body_at[record.sub] += record.length
    return "" if record.sub in ledger.open else f"stream {record.sub} of the server says {record.what} before it opens"


def _answered(record: Answered, ledger: Ledger) -> str:
    ledger.said[record.rid] = record.status, record.length, record.digest
    request = ledger.requests.get(record.rid)
    if request is not None and request.what == "stream" and record.status == GONE and record.rid not in ledger.gaps:
        return f"request {record.rid} is answered {GONE}, and no gap was told of"
    return _known(record.rid, ledger)


def _snapshot(record: Snapshot, ledger: Ledger) -> str:
    if record.rid:
        ledger.said[record.rid] = 200, record.length or None, record.digest
        ledger.states[record.rid] = record.job, record.epoch, record.state_index
    if record.state_index >= ledger.emitted.get((record.job, record.epoch), 0):
        return f"a status answer tells of event {record.epoch}-{record.state_index} before it was emitted"
    return _known(record.rid, ledger) or _asked(record.rid, "poll", record.job, ledger)


def _gap_signal(record: GapSignal, ledger: Ledger) -> str:
    ledger.gaps[record.rid] = record.how
    return _known(record.rid, ledger)


def _asked(rid: int, what: str, job: str, ledger: Ledger, *, cursor: str | None = None) -> str:
    """Hold what the server answered against what the HTTP stage saw asked; ``cursor``: of a stream."""
    request = ledger.requests.get(rid)
    if request is None:
        return ""
    if (request.what, request.job) != (what, job):
        return f"request {rid} asked for {request.what} {request.job} and was answered as one for {what} {job}"
    if cursor is not None and (request.last_event_id or "") != cursor:
        return f"request {rid} carried the cursor {request.last_event_id or ''!r} and the server was asked {cursor!r}"
    return ""


def _known(rid: int, ledger: Ledger) -> str:
    return f"the server answers request {rid} before it was made" if rid and rid not in ledger.requests else ""


RULES: Rules = {
    Job: _job,
    Rescheduled: _rescheduled,
    Emit: _emit,
    Subscriber: _subscriber,
    Write: _write,
    Said: _said,
    Answered: _answered,
    Snapshot: _snapshot,
    GapSignal: _gap_signal,
}


def unfinished(ledger: Ledger) -> Iterator[tuple[Record, str]]:
    """Yield the streams that never close."""
    for sub in sorted(ledger.open) if ledger.finished else ():
        yield ledger.subs[sub], f"stream {sub} of the server never closes"
