"""The records written for the client: its attempts, its status words, the callbacks of its app; and the runner's deeds.

What a client says of itself may be wrong: it is held to nothing here but to its own numbers. That it showed what never
reached it is another law's where no server ever emitted it; where one did, the record of its arrival is missing.
"""

from collections.abc import Iterator

from harness.history import App, Attempt, AttemptEnd, Canary, Deed, Status
from harness.history.records import Record
from harness.judge.whole.books import Books, Rules

STREAM = "stream"


def _attempt(record: Attempt, books: Books) -> str:
    due = books.attempts.get(record.client, 0) + 1
    books.attempts[record.client] = record.n
    books.trying.add((record.client, record.n))
    return f"attempt {record.n} of {record.client} comes where {due} was due" if record.n != due else ""


def _attempt_end(record: AttemptEnd, books: Books) -> str:
    key = record.client, record.n
    if key not in books.trying:
        return f"attempt {record.n} of {record.client} ends before it begins"
    books.trying.discard(key)
    return ""


def _status(record: Status, books: Books) -> str:
    books.words[record.client] += 1
    due = books.words[record.client]
    books.words[record.client] = record.no
    return f"status word {record.no} of {record.client} comes where {due} was due" if record.no != due else ""


def _app(record: App, books: Books) -> str:
    client = record.client
    books.callbacks[client] += 1
    due = books.callbacks[client]
    books.callbacks[client] = record.no
    if record.no != due:
        return f"callback {record.no} of {client} comes where {due} was due"
    if record.source != STREAM or not record.digest or client in books.unread:
        return ""
    if record.digest in books.digests.get(client, ()):
        return ""
    emitted = [one for one in books.events.get((record.job, record.digest), ()) if one.type == record.callback]
    answered = books.snapshots.get(client, ())
    if not emitted or any((one.job, one.epoch, one.index) in answered for one in emitted):
        return ""
    if books.cuts[client]:  # it may have been made of what came of an event that was cut: the client's fault
        books.cuts[client] -= 1
        return ""
    return f"the app of {client} was shown event {record.id} before it reached the phone"


def _deed(record: Deed, books: Books) -> str:
    key = record.deed, record.client
    twice = key in books.deeds
    books.deeds.add(key)
    books.done.add(record.deed)
    return f"deed {record.deed} is carried out twice" if twice else ""


def _canary(record: Canary, books: Books) -> str:
    return "" if record.deed in books.done else f"deed {record.deed} is proved before it was carried out"


RULES: Rules = {
    Attempt: _attempt,
    AttemptEnd: _attempt_end,
    Status: _status,
    App: _app,
    Deed: _deed,
    Canary: _canary,
}


def unfinished(books: Books) -> Iterator[tuple[Record, str]]:
    """Yield the attempts that never end."""
    if not books.finished:
        return
    for record in books.case.history.all(Attempt):
        if (record.client, record.n) in books.trying:
            yield record, f"attempt {record.n} of {record.client} never ends"
