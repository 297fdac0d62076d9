"""Does a run in virtual time replay exactly? Two histories of one plan, compared record by record."""

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

import msgspec

from harness.history import History, history_digest
from harness.history.fingerprint import without_facts
from harness.history.records import Record
from harness.judge.verdict import Evidence

SCHEMA_VERSION = 1

MOST_TEXT = 300
"""Signs of a record shown."""


class Replay(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Two digests; where they differ, the first record that does, in each. ``fault``: a run could not be compared."""

    schema_version: int = SCHEMA_VERSION
    digest: str = ""
    again: str = ""
    first: Evidence | None = None
    second: Evidence | None = None
    fault: str = ""

    @property
    def same(self) -> bool:
        """True if it is one and the same history."""
        return bool(self.digest) and self.digest == self.again

    @property
    def at(self) -> float:
        """The virtual time of the first difference, in scenario seconds."""
        return min((shown.at for shown in (self.first, self.second) if shown is not None), default=0.0)


def replayed(one: History, other: History) -> Replay:
    """Compare two histories. Empty ones are no replay of each other."""
    if one.run is None or other.run is None:
        return Replay(fault="one of the two runs left no history")
    found = Replay(digest=history_digest(one.records), again=history_digest(other.records))
    for first, second in zip_longest(one.records, other.records):
        mine = _plain(first)
        its = _plain(second)
        if mine != its:
            parted = {"first": _shown(one, first, mine, its), "second": _shown(other, second, its, mine)}
            return msgspec.structs.replace(found, **parted)
    return found


def _plain(record: Record | None) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(without_facts(record)) if record is not None else {}
    return found


def _shown(history: History, record: Record | None, mine: Mapping[str, Any], its: Mapping[str, Any]) -> Evidence | None:
    """Return a record as evidence: of two of a kind only the fields that differ, else all of it."""
    if record is None:
        return None
    fields = dict(mine)
    if its and mine.get("kind") == its.get("kind"):
        fields = {name: value for name, value in mine.items() if its.get(name) != value} or fields
    said = " ".join(f"{name}={value!r}" for name, value in fields.items() if name not in {"kind", "seq", "t_ns"})
    text = f"{mine.get('kind')} {said}".rstrip()
    text = text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"
    return Evidence(seq=record.seq, at=history.seconds(record.t_ns), lane=record.lane, text=text)
