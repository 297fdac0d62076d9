"""The records of the gate and of the phone: connections, their bytes and ends, dials, signals, what was read."""

from collections.abc import Iterator

from harness.history import (
    Chunk,
    Conn,
    ConnEnd,
    Deed,
    Dial,
    EndPassed,
    Listens,
    Read,
    SignalHeard,
    SignalTold,
    Waited,
)
from harness.history.records import Record
from harness.judge.whole.books import Books, Rules
from harness.vocabulary import CANARY

KILLS = frozenset({"loses", "offline", "resumed"})
"""What the OS tells of when it kills connections and dials."""


def _conn(record: Conn, books: Books) -> str:
    known = record.cid in books.conns
    books.conns[record.cid] = record
    books.dialled.setdefault((record.client, record.peer.rpartition(":")[2]), []).append(record)
    return f"connection {record.cid} begins twice" if known else ""


def _chunk(record: Chunk, books: Books) -> str:
    cid = record.cid
    if cid not in books.conns:
        return f"bytes of connection {cid} come before it"
    key = cid, record.direction
    so_far = books.at.get(key, 0)
    end = record.offset + record.length
    if record.offset > so_far:
        books.at[key] = end
        return f"{record.offset - so_far} bytes of connection {cid} are missing {record.direction}"
    if end > so_far:
        books.at[key] = end
    if record.fate == "delivered" and record.direction == "downstream" and end > books.received.get(cid, 0):
        books.received[cid] = end
    return ""


def _waited(record: Waited, books: Books) -> str:
    if record.cid not in books.conns:
        return f"bytes of connection {record.cid} wait at the radio before it"
    so_far = books.at.get((record.cid, record.direction), 0)
    if record.offset != so_far:
        return f"bytes of connection {record.cid} wait at {record.offset} {record.direction}, where {so_far} is next"
    return ""


def _conn_end(record: ConnEnd, books: Books) -> str:
    key = record.cid, record.side
    if record.cid not in books.conns:
        return f"connection {record.cid} ends before it begins"
    if record.held:
        books.held_ends.add(key)
    if key in books.ended:
        return f"connection {record.cid} ends twice at its {record.side}"
    books.ended.add(key)
    if record.side != "client":
        return ""
    if record.how != "closed":
        books.left.add(record.cid)
    elif record.swallowed and books.conns[record.cid].client not in {CANARY, *books.bereaved}:
        return f"connection {record.cid} was lost before the OS of its client knew of a loss"
    return ""


def _end_passed(record: EndPassed, books: Books) -> str:
    if (record.cid, record.side) not in books.held_ends:
        return f"an end of connection {record.cid} was let go that nobody had held"
    return ""


def _read(record: Read, books: Books) -> str:
    cid, upto = record.cid, record.upto
    if upto > books.received.get(cid, 0):
        return f"the phone read {upto} bytes of connection {cid} where {books.received.get(cid, 0)} had come"
    before = books.read.get(cid, 0)
    books.read[cid] = upto
    again = upto < before or (upto == before and not record.end)
    return f"the phone read connection {cid} up to {upto} after {before}" if again else ""


def _dial(record: Dial, books: Books) -> str:
    if record.port:
        books.dials.setdefault((record.client, str(record.port)), []).append(record)
    if record.fate == "lost" and record.client not in books.bereaved:
        return f"a dial of {record.client} was lost before its OS knew of a loss"
    return ""


def _listens(record: Listens, books: Books) -> str:
    books.listeners[record.client] += 1 if record.on else -1
    return f"{record.client} ceases to listen before it began" if books.listeners[record.client] < 0 else ""


def _signal(record: SignalTold, books: Books) -> str:
    books.told[record.seq] = record
    if record.what in KILLS:
        books.bereaved.add(record.client)
    return ""


def _heard(record: SignalHeard, books: Books) -> str:
    told = books.told.get(record.told)
    if told is None or (told.client, told.what, told.path) != (record.client, record.what, record.path):
        return f"{record.client} heard {record.what} before it was told"
    books.hearings[record.told] += 1
    return (
        f"{record.client} heard {record.what} more often than it listened"
        if books.hearings[record.told] > told.ears
        else ""
    )


RULES: Rules = {
    Conn: _conn,
    Chunk: _chunk,
    Waited: _waited,
    ConnEnd: _conn_end,
    EndPassed: _end_passed,
    Read: _read,
    Dial: _dial,
    Listens: _listens,
    SignalTold: _signal,
    SignalHeard: _heard,
}


def unfinished(books: Books) -> Iterator[tuple[Record, str]]:
    """Yield the connections without an end, and dials and connections that do not belong to each other."""
    yield from _dials(books)
    if not books.finished:
        return
    for cid, conn in books.conns.items():
        for side in ("client", "server"):
            if (cid, side) not in books.ended:
                yield conn, f"connection {cid} of {conn.client} never ends at its {side}"


def _dials(books: Books) -> Iterator[tuple[Record, str]]:
    """Each connection of a phone was dialled, and each dial that came through is one: by the port, in order."""
    for (client, port), conns in books.dialled.items():
        dials = books.dials.get((client, port), [])
        for place, conn in enumerate(conns if client != CANARY else ()):
            if place >= len(dials):
                if books.finished:
                    yield conn, f"connection {conn.cid} of {client} was dialled by nobody"
            elif conn.t_ns < dials[place].from_ns:
                yield conn, f"connection {conn.cid} of {client} begins before it was dialled"
    for (client, port), dials in books.dials.items():
        opened = [dial for dial in dials if dial.fate == "open" and not _met_a_change(dial, books)]
        if len(opened) > len(books.dialled.get((client, port), [])):
            yield opened[-1], f"a dial of {client} from port {port} came through, and no connection did"


def _met_a_change(dial: Dial, books: Books) -> bool:
    """Whether a door was moved, or the run ended, as it came through: what no gate had taken by then is gone."""
    near = books.case.near_ns
    if dial.to_ns >= books.case.end_ns - near:
        return True
    deeds = (deed for deed in books.case.history.all(Deed) if deed.client in {"", dial.client})
    return any(deed.issued_ns - near <= dial.to_ns <= deed.returned_ns + near for deed in deeds)
