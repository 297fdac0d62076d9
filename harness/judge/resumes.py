"""Resumption: which ``Last-Event-ID`` each stream request carried, and which one it had to carry (law L7).

The id buffer is set by every block that a blank line completes, id-only blocks too; an empty id means no header
(WHATWG HTML, 9.2.6). A snapshot's cursor that the client adopted takes its place.
"""

import msgspec

from harness.history import Adopted, Attempt, Block, Request
from harness.judge.case import ClientCase
from harness.judge.facts.truth import ACCEPTED, Position


class Resume(msgspec.Struct, frozen=True):
    """One stream request. ``allowed`` are the ids it might carry; the last is what it should have been."""

    request: Request
    sent: str
    allowed: tuple[str, ...]
    first: bool
    right: bool
    source: Block | Adopted | None = None  # what set the id it should have carried


def resumes(client: ClientCase) -> list[Resume]:
    """Return the stream requests of a client, each held against the id buffer of its moment."""
    known = client.blocks or client.adopted or client.attempts
    return client.once(_by_buffer if known else _by_contract)


def _by_buffer(client: ClientCase) -> list[Resume]:
    """The reference client reports its blocks: the buffer is known at every record."""
    found: list[Resume] = []
    buffer = at_dial = ""
    source: Block | Adopted | None = None
    records = sorted([*client.blocks, *client.adopted, *client.attempts, *client.streams], key=lambda r: r.seq)
    for record in records:
        match record:
            case Block() | Adopted():
                if record.id != buffer:
                    buffer, source = record.id, record
            case Attempt():
                at_dial = buffer
            case Request():
                # A dying stream may complete one more block between the dial and its request: both ids are honest.
                sent = record.last_event_id or ""
                allowed = tuple(dict.fromkeys((at_dial, buffer)))
                found.append(Resume(record, sent, allowed, not found, sent in allowed, source))
                at_dial = buffer
    return found


def _by_contract(client: ClientCase) -> list[Resume]:
    """A foreign client: any id from the last one its app reported to the last one the server handed to its gate."""
    found: list[Resume] = []
    truth = client.truth
    for request in client.streams:
        sent = request.last_event_id or ""
        reported = _newest_reported(client, request.t_ns)
        handed = _newest_written(client, request.seq)
        event = truth.known(sent) if sent else None
        position = event.position if event else ACCEPTED
        first = not found
        # The server's writes are an upper bound: what was written may still have been dropped at the radio.
        right = (not sent if first else reported <= position <= max(handed, reported)) and (
            not sent or event is not None
        )
        allowed = tuple(e.id for e in truth.events if reported <= e.position <= handed) or ("",)
        found.append(Resume(request, sent, allowed, first, right))
    return found


def _newest_reported(client: ClientCase, before_ns: int) -> Position:
    seen = ACCEPTED
    for enter_ns, position in client.screen.advances:
        if enter_ns > before_ns:
            break
        seen = position
    return seen


def _newest_written(client: ClientCase, before_seq: int) -> Position:
    ranks = {event.record.epoch: event.position[0] for event in client.truth.events}
    written = [(ranks.get(w.epoch, 0), w.last) for w in client.writes if w.seq < before_seq]
    return max(written, default=ACCEPTED)
