"""The records of the gate and of the phone: connections, their bytes and ends, dials, signals, what was read."""

from collections import deque
from collections.abc import Iterator

from harness.history import (
    Chunk,
    Conn,
    ConnEnd,
    DeedDone,
    Dial,
    EndPassed,
    Listens,
    Read,
    SignalHeard,
    SignalTold,
    Waited,
)
from harness.history.records import Record
from harness.judge.laws.whole.ledger import Ledger, Rules
from harness.vocabulary import CANARY

DOWN = "downstream"

KILLS = frozenset({"loses", "offline", "resumed"})
"""The OS's words when it kills connections and dials."""


def _conn(record: Conn, ledger: Ledger) -> str:
    known = record.cid in ledger.conns
    ledger.conns[record.cid] = record
    ledger.dialled.setdefault((record.client, record.peer.rpartition(":")[2]), []).append(record)
    return f"connection {record.cid} begins twice" if known else ""


def _chunk(record: Chunk, ledger: Ledger) -> str:
    cid = record.cid
    if cid not in ledger.conns:
        return f"bytes of connection {cid} come before it"
    key, end = (cid, record.direction), record.offset + record.length
    so_far = ledger.carried.at.get(key, 0)
    pieces = ledger.carried.pieces.setdefault(key, {})
    wrong = ""
    if record.offset >= so_far:
        if record.offset > so_far:
            ledger.carried.holes.setdefault(key, {})[so_far] = record.offset, record
        ledger.carried.at[key] = end
        _summed(record, end, ledger)
    elif pieces.get(record.offset) != record.length and not _filled(record, end, ledger):
        wrong = f"bytes {record.offset} to {end} of connection {cid} are told of twice {record.direction}"
    if record.fate == "delivered":
        # What was half sent may be given up, and told of once more: of each direction the last alone.
        pieces.pop(ledger.carried.last.get(key, record.offset), None)
        pieces[record.offset] = record.length
        ledger.carried.last[key] = record.offset
        if record.direction == DOWN:
            ledger.carried.received[cid] = max(end, ledger.carried.received.get(cid, 0))
    elif record.fate == "held":
        pieces[record.offset] = record.length
    else:
        pieces.pop(record.offset, None)
    return wrong


def _filled(record: Chunk, end: int, ledger: Ledger) -> bool:
    """Fill a hole with bytes that queued behind others while the path let them pass: nothing told of them until now."""
    holes = ledger.carried.holes.get((record.cid, record.direction), {})
    upto, behind = holes.get(record.offset, (0, record))
    if end > upto:
        return False
    del holes[record.offset]
    if end < upto:
        holes[end] = upto, behind
    return True


def _summed(record: Chunk, end: int, ledger: Ledger) -> None:
    """Keep the sum of bytes that came, as far as it may be asked for."""
    if not record.crc:
        return
    if record.direction == DOWN:
        ledger.carried.crcs.setdefault(record.cid, deque()).append((end, record.crc))
    else:
        ledger.carried.crc_up[record.cid] = end, record.crc


def _waited(record: Waited, ledger: Ledger) -> str:
    if record.cid not in ledger.conns:
        return f"bytes of connection {record.cid} wait at the radio before it"
    so_far = ledger.carried.at.get((record.cid, record.direction), 0)
    if record.offset != so_far:
        return f"bytes of connection {record.cid} wait at {record.offset} {record.direction}, where {so_far} is next"
    return ""


def _conn_end(record: ConnEnd, ledger: Ledger) -> str:
    key = record.cid, record.side
    if record.cid not in ledger.conns:
        return f"connection {record.cid} ends before it begins"
    if record.held:
        ledger.held_ends.add(key)
    if key in ledger.ended:
        return f"connection {record.cid} ends twice at its {record.side}"
    ledger.ended.add(key)
    if record.side != "client":
        return ""
    end, crc = ledger.carried.crc_up.get(record.cid, (0, 0))
    if record.sent and record.sent == end and record.crc != crc:
        return f"the bytes of connection {record.cid} at the gate are not those that its phone had sent"
    if record.how != "closed":
        ledger.left.add(record.cid)
    elif record.swallowed and ledger.conns[record.cid].client not in {CANARY, *ledger.bereaved}:
        return f"connection {record.cid} was lost before the OS of its client knew of a loss"
    return ""


def _end_passed(record: EndPassed, ledger: Ledger) -> str:
    if (record.cid, record.side) not in ledger.held_ends:
        return f"an end of connection {record.cid} was let go that nobody had held"
    return ""


def _read(record: Read, ledger: Ledger) -> str:
    cid, upto = record.cid, record.upto
    if upto > ledger.carried.received.get(cid, 0):
        return f"the phone read {upto} bytes of connection {cid} where {ledger.carried.received.get(cid, 0)} had come"
    before = ledger.carried.read.get(cid, 0)
    ledger.carried.read[cid] = upto
    if wrong := ledger.misnumbered(record, cid, record.no, f"reading {record.no} of connection {cid}"):
        return wrong
    crcs = ledger.carried.crcs.get(cid, deque())
    while crcs and crcs[0][0] <= upto:
        end, crc = crcs.popleft()
        if end == upto and record.crc not in (0, crc):
            return f"the bytes that the phone read of connection {cid} are not those that its radio had for it"
    again = upto < before or (upto == before and not record.end)
    return f"the phone read connection {cid} up to {upto} after {before}" if again else ""


def _dial(record: Dial, ledger: Ledger) -> str:
    if record.no:
        ledger.phones.add(record.client)
    if wrong := ledger.misnumbered(record, record.client, record.no, f"dial {record.no} of {record.client}"):
        return wrong
    if record.port:
        ledger.dials.setdefault((record.client, str(record.port)), []).append(record)
    if record.fate == "lost" and record.client not in ledger.bereaved:
        return f"a dial of {record.client} was lost before its OS knew of a loss"
    return ""


def _listens(record: Listens, ledger: Ledger) -> str:
    ledger.listeners[record.client] += 1 if record.on else -1
    return f"{record.client} ceases to listen before it began" if ledger.listeners[record.client] < 0 else ""


def _signal(record: SignalTold, ledger: Ledger) -> str:
    ledger.told[record.seq] = record
    if record.what in KILLS:
        ledger.bereaved.add(record.client)
    return ""


def _heard(record: SignalHeard, ledger: Ledger) -> str:
    told = ledger.told.get(record.told)
    if told is None or (told.client, told.what, told.path) != (record.client, record.what, record.path):
        return f"{record.client} heard {record.what} before it was told"
    ledger.hearings[record.told] += 1
    return (
        f"{record.client} heard {record.what} more often than it listened"
        if ledger.hearings[record.told] > told.ears
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


def unfinished(ledger: Ledger) -> Iterator[tuple[Record, str]]:
    """Yield the connections without an end, and dials and connections that do not belong to each other."""
    yield from _dials(ledger)
    if not ledger.finished:
        return
    for (cid, way), holes in ledger.carried.holes.items():
        for offset, (upto, behind) in holes.items():
            yield behind, f"{upto - offset} bytes of connection {cid} are missing {way}"
    for cid, conn in ledger.conns.items():
        for side in ("client", "server"):
            if (cid, side) not in ledger.ended:
                yield conn, f"connection {cid} of {conn.client} never ends at its {side}"


def _dials(ledger: Ledger) -> Iterator[tuple[Record, str]]:
    """Check that each connection of a phone has its dial, and each dial let in its connection, by port in order."""
    for (client, port), conns in ledger.dialled.items():
        dials = ledger.dials.get((client, port), [])
        for place, conn in enumerate(conns if client != CANARY else ()):
            if place >= len(dials):
                if ledger.finished:
                    yield conn, f"connection {conn.cid} of {client} was dialled by nobody"
            elif conn.t_ns < dials[place].from_ns:
                yield conn, f"connection {conn.cid} of {client} begins before it was dialled"
    for (client, port), dials in ledger.dials.items():
        opened = [dial for dial in dials if dial.fate == "open" and not _met_a_change(dial, ledger)]
        if len(opened) > len(ledger.dialled.get((client, port), [])):
            yield opened[-1], f"a dial of {client} from port {port} came through, and no connection did"


def _met_a_change(dial: Dial, ledger: Ledger) -> bool:
    """Return whether a door was moved, or the run ended, as it came through: what no gate had taken by then is gone."""
    near = ledger.case.near_ns
    if dial.to_ns >= ledger.case.end_ns - near:
        return True
    deeds = (deed for deed in ledger.case.history.all(DeedDone) if deed.client in {"", dial.client})
    return any(deed.issued_ns - near <= dial.to_ns <= deed.returned_ns + near for deed in deeds)
