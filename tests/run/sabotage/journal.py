# ruff: noqa: E501 - a table
"""Faults of the journal: records that are lost, doubled, swapped, stamped wrongly or changed.

They are made of the records of a lawful run, which cost nothing more. What the loss of a record that was never
numbered does to the numbers behind it is done here too: a connection goes by its record's.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from harness.history import records as kinds
from harness.history.records import Record
from harness.vocabulary import CANARY
from tests.run.sabotage.gate import H0, H1, H2, H3, H4
from tests.run.sabotage.row import Doctor, Row

SECOND = 1_000_000_000

Pick = Callable[[list[int]], list[int]]
"""Which of the places of a kind's records are meant."""


def tag(record: Record) -> str:
    return str(record.__struct_config__.tag)


def middle(places: list[int]) -> list[int]:
    return places[len(places) // 2 : len(places) // 2 + 1]


def last(places: list[int]) -> list[int]:
    return places[-1:]


def every(places: list[int]) -> list[int]:
    return places


def every_40th(places: list[int]) -> list[int]:
    return places[39::40]


def _places(records: list[Record], kind: str) -> list[int]:
    """Return where records of a kind are, those of the canary's flows apart: no second record tells of these."""
    probes = {record.cid for record in records if isinstance(record, kinds.Conn) and record.client == CANARY}
    return [
        n
        for n, record in enumerate(records)
        if kind in ("", tag(record)) and tag(record) not in ("run", "end") and getattr(record, "cid", 0) not in probes
    ]


def _of_kind(records: list[Record], kind: str, field: str) -> list[int]:
    """Return where those records of a kind are of which another record bears this field out."""
    bears_out = BORNE_OUT.get((kind, field))
    places = _places(records, kind)
    if bears_out is None:
        return places
    known = bears_out(records)
    return [n for n in places if known(records[n])]


def loses(kind: str, pick: Pick, *, numbered: bool = False, counted: bool = True) -> Doctor:
    """Lose records of this kind (or any): after they were ``numbered`` or before, ``counted`` by the journal or not."""

    def doctor(records: list[Record]) -> list[Record]:
        lost = set(pick(_of_kind(records, kind, "")))
        left = [record for n, record in enumerate(records) if n not in lost]
        if not counted:
            left = [_uncounted(record, [tag(records[n]) for n in lost]) for record in left]
        return left if numbered else _renumbered(left)

    return doctor


def _uncounted(record: Record, lost: list[str]) -> Record:
    if not isinstance(record, kinds.End):
        return record
    counts = {kind: count - lost.count(kind) for kind, count in record.counts.items()}
    return msgspec.structs.replace(record, counts={kind: count for kind, count in counts.items() if count})


def _renumbered(records: list[Record]) -> list[Record]:
    new = {record.seq: n for n, record in enumerate(records, 1)}
    # A number whose record is lost goes by what would have come there.
    past = 0
    for seq in range(1, max(new) + 1):
        past = new.setdefault(seq, past + 1) if seq not in new else new[seq]
    return [_having(record, new) for record in records]


def _having(record: Record, new: dict[int, int]) -> Record:
    changes: dict[str, Any] = {"seq": new[record.seq]}
    for field in ("cid", "told"):
        if (number := getattr(record, field, 0)) in new:
            changes[field] = new[number]
    return msgspec.structs.replace(record, **changes)


def doubles(kind: str) -> Doctor:
    """One record is written twice, under a number of its own, and counted once."""

    def doctor(records: list[Record]) -> list[Record]:
        places = middle(_places(records, kind))
        if not places:
            return records
        [place] = places
        again = msgspec.structs.replace(records[place])
        made = [*records[: place + 1], again, *records[place + 1 :]]
        new = {id(record): n for n, record in enumerate(made, 1)}
        by_seq = {record.seq: new[id(record)] for record in made if record is not again}
        return [msgspec.structs.replace(_having(record, by_seq), seq=new[id(record)]) for record in made]

    return doctor


def swaps(kind: str) -> Doctor:
    """A record changes places, and numbers, with the next one that matters to what it tells of."""

    def doctor(records: list[Record]) -> list[Record]:
        places = middle(_places(records, kind))
        if not places:
            return records
        [place] = places
        made = list(records)
        one, two = made[place], made[place + 1]
        made[place] = msgspec.structs.replace(two, seq=one.seq)
        made[place + 1] = msgspec.structs.replace(one, seq=two.seq)
        return made

    return doctor


def changes(kind: str, change: Callable[[Any], dict[str, Any]], pick: Pick = middle, field: str = "") -> Doctor:
    """Some records of a kind say something else, of this field if only some are borne out."""

    def doctor(records: list[Record]) -> list[Record]:
        chosen = set(pick(_of_kind(records, kind, field)))
        return [
            msgspec.structs.replace(record, **change(record)) if n in chosen else record
            for n, record in enumerate(records)
        ]

    return doctor


def other(field: str) -> Callable[[Any], dict[str, Any]]:
    """Another value of a field of the same kind."""

    def change(record: Any) -> dict[str, Any]:
        value = getattr(record, field)
        if isinstance(value, bool):
            return {field: not value}
        if isinstance(value, int | float):
            return {field: value + (SECOND if field.endswith("_ns") else 1)}
        if value is None:
            return {field: "a-1"}
        if isinstance(value, str):
            swaps = {"upstream": "downstream", "downstream": "upstream", "client": "server", "server": "client"}
            swaps |= {"delivered": "dropped", "held": "dropped", "dropped": "delivered", "fin": "rst", "rst": "fin"}
            swaps |= {"closed": "fin", "wifi": "cellular", "cellular": "wifi", "open": "close", "close": "open"}
            return {field: swaps.get(value, value[:-1] + ("0" if value[-1:] != "0" else "1"))}
        if isinstance(value, list):
            return {field: [*value[:-1], value[-1] + SECOND] if value else [SECOND]}
        raise AssertionError((record, field))

    return change


HANDED = "tour"
"""The plan in which most kinds are written. Others by the kind."""

PLAN_OF = {
    "weather": "stalls by itself", "gap_signal": "expires", "end_passed": "stalled, and the client leaves", "heard": "handoff",
    "listens": "handoff", "signal": "handoff", "waited": "handoff", "dial": "handoff", "said": "retry at the start",
    "conn_end how": "restarts",
}  # fmt: skip

FACTS: dict[str, tuple[str, ...]] = {
    "deed": ("deed", "issued_ns", "returned_ns"),
    "signal": ("what", "path", "ears"),
    "heard": ("what", "path", "told"),
    "listens": ("on",),
    "dial": ("path", "from_ns", "to_ns", "fate"),
    "boxed": ("cid", "what", "rid", "detail"),
    "conn": ("cid", "client", "path"),
    "chunk": ("cid", "direction", "offset", "length", "fate"),
    "conn_end": ("cid", "side", "how", "swallowed", "held"),
    "waited": ("cid", "direction", "offset", "until_ns"),
    "request": ("rid", "cid", "what", "job", "last_event_id"),
    "response": ("rid", "cid", "status", "content_type"),
    "body": ("rid", "cid", "length", "digest", "whole"),
    "stream_began": ("rid", "cid"),
    "delivered": ("rid", "cid", "id", "type", "digest", "size"),
    "job": ("job", "epoch", "accepted_ns", "schedule_ns"),
    "rescheduled": ("first", "schedule_ns"),
    "emit": ("job", "epoch", "index", "id", "type", "digest", "intended_ns", "actual_ns"),
    "write": ("sub", "epoch", "first", "last", "rid", "began_ns", "offset"),
    "said": ("sub", "what"),
    "snapshot": ("epoch", "state_index", "rid", "digest"),
    "subscriber": ("sub", "what", "cursor", "rid"),
    "weather": ("path", "lasts"),
    "read": ("cid", "upto"),
}
"""The kinds that tell facts, and their fields that another record, or the plan, bears out."""

Known = Callable[[Any], bool]


def _answered(records: list[Record], *answers: type[Record]) -> Known:
    rids = {one.rid for one in records if isinstance(one, answers)}
    return lambda one: one.rid in rids


def _delivered(records: list[Record]) -> Known:
    digests = {one.digest for one in records if isinstance(one, kinds.Delivered)}
    return lambda one: one.digest in digests


def _met(records: list[Record]) -> Known:
    met = {one.cid for one in records if isinstance(one, kinds.Read) and one.end in ("fin", "rst")}
    return lambda one: one.side == "server" and one.how != "closed" and one.cid in met


def _first_end(records: list[Record]) -> Known:
    first: dict[int, Record] = {}
    for one in records:
        if isinstance(one, kinds.ConnEnd):
            first.setdefault(one.cid, one)
    return lambda one: first[one.cid] is one and one.how != "closed"


def _read_on(records: list[Record]) -> Known:
    last = {one.cid: one for one in records if isinstance(one, kinds.Read)}
    return lambda one: last[one.cid] is not one


def _followed(records: list[Record]) -> Known:
    last = {(one.cid, one.direction): one.offset for one in records if isinstance(one, kinds.Chunk)}
    return lambda one: one.offset < last[one.cid, one.direction]


BORNE_OUT: dict[tuple[str, str], Callable[[list[Record]], Known]] = {
    # No law reads the cursor of a poll, how a client left, or what an event would have been that no client got.
    ("chunk", ""): _followed,
    ("chunk", "length"): _followed,
    ("conn_end", "how"): _met,
    ("conn_end", "swallowed"): _first_end,
    ("emit", "digest"): _delivered,
    ("read", ""): _read_on,
    ("request", "job"): lambda records: _answered(records, kinds.Snapshot, kinds.Subscriber),
    ("request", "last_event_id"): lambda records: _answered(records, kinds.Subscriber),
    ("response", "content_type"): lambda records: _answered(records, kinds.StreamBegan),
    ("subscriber", "cursor"): lambda _: lambda one: one.what == "open",
}
"""Of which records of a kind a field, or that there is one (no field), is borne out; of all others of the kind each is."""

OTHERS = (
    "canary",
    "shaped",
    "census",
    "gap_signal",
    "end_passed",
    "attempt",
    "attempt_end",
    "block",
    "app",
    "status",
)
"""Kinds of which records may be lost. In virtual time none tells of the harness's health. What a client claims is not borne out by anything, and is believed by no law."""


def _plan(kind: str, field: str = "") -> str:
    return PLAN_OF.get(f"{kind} {field}", PLAN_OF.get(kind, HANDED))


def _rows() -> list[Row]:
    rows = [
        Row("every fortieth record is lost", HANDED, H1, "", doctor=loses("", every_40th, numbered=True)),
        Row("every fortieth record is lost before it is numbered", HANDED, H1, "", doctor=loses("", every_40th)),
        Row("every fortieth record is never handed in", HANDED, H1, "", doctor=loses("", every_40th, counted=False)),
        Row(
            "all stamps are a second off from the middle on",
            HANDED,
            H1,
            "stamp|record|time|clock",
            doctor=changes("", lambda one: {"t_ns": one.t_ns + SECOND}, lambda places: places[len(places) // 2 :]),
        ),
    ]
    for kind in (*FACTS, *OTHERS):
        plan, law = _plan(kind), f"{H0}|{H1}|{H2}|{H3}|{H4}"
        rows += [
            Row(f"a {kind} record is lost", plan, H1, "missing|record", doctor=loses(kind, middle, numbered=True)),
            Row(f"a {kind} record is lost before it is numbered", plan, H1, "", doctor=loses(kind, middle)),
            Row(f"a {kind} record is never handed in", plan, law, "", doctor=loses(kind, middle, counted=False)),
            Row(f"no {kind} record is handed in", plan, law, "", doctor=loses(kind, every, counted=False)),
            Row(f"a {kind} record is written twice", plan, law, "", doctor=doubles(kind)),
            Row(
                f"a {kind} record has a stamp that is a second off", plan, law, "", doctor=changes(kind, other("t_ns"))
            ),
        ]
        rows += [
            Row(
                f"a {kind} record has another {field}",
                _plan(kind, field),
                law,
                "",
                doctor=changes(kind, other(field), field=field),
            )
            for field in FACTS.get(kind, ())
        ]
    return rows


ROWS = tuple(_rows())
