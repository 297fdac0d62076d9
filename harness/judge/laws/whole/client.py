"""The records written for the client: its attempts, its status words, the callbacks of its app; and the runner's deeds.

What a client says of itself may be wrong: only the numbers that its recorder gives are held to here, and not how it
numbers its attempts, nor whether it ends them. That it showed what never
reached it is another law's where no server ever emitted it; where one did, the record of its arrival is missing.
"""

from collections.abc import Iterator, Mapping

from harness.history import App, Attempt, AttemptEnd, Block, Canary, Census, DeedDone, Health, Status
from harness.history.records import Record
from harness.judge import phrases
from harness.judge.laws.whole.ledger import Ledger, Rules

STREAM = "stream"

_COUNTED: Mapping[str, type[Record]] = {"app": App, "attempt": Attempt, "block": Block, "status": Status}
"""The kinds that an attempt's end counts."""


def _attempt(record: Attempt, ledger: Ledger) -> str:
    return ledger.misnumbered(
        record, record.client, record.no, f"beginning {record.no} of an attempt of {record.client}"
    )


def _attempt_end(record: AttemptEnd, ledger: Ledger) -> str:
    client = record.client
    if wrong := ledger.misnumbered(record, client, record.no, f"end {record.no} of an attempt of {client}"):
        return wrong
    for kind, count in record.written.items():
        found = ledger.numbers[_COUNTED[kind], client] if kind in _COUNTED else count
        if found != count:
            text = f"{phrases.amount(count, 'record')} of kind {kind} of {client} were written and {found}"
            return f"{text} are there as attempt {record.n} ends"
    return ""


def _block(record: Block, ledger: Ledger) -> str:
    return ledger.misnumbered(record, record.client, record.no, f"block {record.no} of {record.client}")


def _status(record: Status, ledger: Ledger) -> str:
    client = record.client
    if wrong := ledger.misnumbered(record, client, record.no, f"status word {record.no} of {client}"):
        return wrong
    ends = ledger.numbers[AttemptEnd, client]
    if ends >= record.ends:
        return ""
    told = f"{phrases.amount(record.ends, 'end')} of attempts of {client} were written and {ends}"
    return f"{told} are there as it says {record.word}"


def _app(record: App, ledger: Ledger) -> str:
    client = record.client
    if wrong := ledger.misnumbered(record, client, record.no, f"callback {record.no} of {client}"):
        return wrong
    if record.source != STREAM or not record.digest or client in ledger.unread:
        return ""
    arrived = ledger.arrived.get((client, record.digest), ())
    if arrived:
        read = client not in ledger.phones or any(ledger.carried.read.get(cid, 0) > offset for cid, offset in arrived)
        return "" if read else f"the app of {client} was shown event {record.id} before the phone had read its bytes"
    emitted = [one for one in ledger.events.get((record.job, record.digest), ()) if one.type == record.callback]
    answered = ledger.snapshots.get(client, ())
    if not emitted or any((one.job, one.epoch, one.index) in answered for one in emitted):
        return ""
    if ledger.cuts[client]:  # it may have been made of what came of an event that was cut: the client's fault
        ledger.cuts[client] -= 1
        return ""
    return f"the app of {client} was shown event {record.id} before it reached the phone"


def _deed(record: DeedDone, ledger: Ledger) -> str:
    key = record.deed, record.client
    twice = key in ledger.deeds
    ledger.deeds.add(key)
    ledger.done.add(record.deed)
    return f"deed {record.deed} is carried out twice" if twice else ""


def _census(record: Census, ledger: Ledger) -> str:
    ledger.censuses[record.when] += 1
    return f"a census of the {record.when} is taken twice" if ledger.censuses[record.when] > 1 else ""


def _health(record: Health, ledger: Ledger) -> str:
    return ledger.misnumbered(record, "", record.no, f"health record {record.no}")


def _canary(record: Canary, ledger: Ledger) -> str:
    return "" if record.deed in ledger.done else f"deed {record.deed} is proved before it was carried out"


RULES: Rules = {
    Attempt: _attempt,
    AttemptEnd: _attempt_end,
    Block: _block,
    Status: _status,
    App: _app,
    DeedDone: _deed,
    Canary: _canary,
    Census: _census,
    Health: _health,
}


def unfinished(ledger: Ledger) -> Iterator[tuple[Record, str]]:
    """Yield what the runner never told of itself."""
    if not ledger.finished:
        return
    for when in ("start", "end"):
        if not ledger.censuses[when]:
            yield ledger.case.history.records[-1], f"no census of the {when} was taken"
    if ledger.case.plan.world == "real" and not ledger.numbers[Health, ""]:
        yield ledger.case.history.records[-1], "the harness never told how late its own scheduler was"
