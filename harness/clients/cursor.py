"""What has been shown to the app, and so what a new id means: news, a repeat, something late, or another numbering.

Ids are opaque to clients, with one documented exception, without which nobody could tell an old event from a new one:
an id of the shape ``<epoch>-<ordinal>`` (everything before the last hyphen, then up to 18 ASCII digits) is read as the
ordinal-th event of that epoch. Ordinals are compared within one epoch only: after a restart without memory the server
counts from 0 again in a new epoch, and ``1`` is news then. Ids of any other shape are compared for equality, no more.
"""

import enum
import functools
from typing import NamedTuple

_DIGITS = 18  # what fits 64 bits: a longer tail is a hash or a timestamp of somebody's own
_HOLES = 64  # ranges remembered
_RETIRED = 16  # epochs remembered


class Standing(enum.Enum):
    """How an id stands to what was shown."""

    FRESH = enum.auto()
    REPEAT = enum.auto()
    LATE = enum.auto()  # older than what was shown, and never shown itself
    NEW_EPOCH = enum.auto()


class Position(NamedTuple):
    """A readable id."""

    epoch: str
    ordinal: int


@functools.lru_cache(maxsize=64)  # each event's id is looked at several times in a row
def position(event_id: str) -> Position | None:
    """Read an id of the documented shape; None for every other."""
    epoch, hyphen, ordinal = event_id.rpartition("-")
    if hyphen and ordinal.isascii() and ordinal.isdigit() and len(ordinal) <= _DIGITS:
        return Position(epoch, int(ordinal))
    return None


class Cursor:
    """The newest state shown, in memory of bounded size."""

    def __init__(self) -> None:
        self.id = ""
        self._at: Position | None = None
        self._holes: list[tuple[int, int]] = []  # ordinals skipped, first and last of each range
        self._retired: list[str] = []

    def standing(self, event_id: str) -> Standing:
        """Say what showing this id would mean. Events without an id are always fresh: nothing else is known."""
        at = position(event_id)
        if at is None:
            return Standing.REPEAT if event_id and event_id == self.id else Standing.FRESH
        if self._at is None or at == (self._at.epoch, self._at.ordinal + 1):
            return Standing.FRESH
        if at.epoch != self._at.epoch:
            return Standing.LATE if at.epoch in self._retired else Standing.NEW_EPOCH
        if at.ordinal > self._at.ordinal:
            return Standing.FRESH
        missed = any(first <= at.ordinal <= last for first, last in self._holes)
        return Standing.LATE if missed else Standing.REPEAT

    def follows(self, event_id: str) -> bool:
        """Whether this id comes next, with nothing between it and what was shown, as far as anyone can tell."""
        at = position(event_id)
        return at is None or self._at is None or at.epoch != self._at.epoch or at.ordinal <= self._at.ordinal + 1

    def show(self, event_id: str, *, complete: bool = False) -> None:
        """Move to this id, which must be fresh or of a new epoch.

        ``complete``: it covers all before it, as a snapshot does.
        """
        at, before = position(event_id), self._at
        self.id = event_id
        if at is None:
            return
        self._at = at
        if before is None or complete:
            self._holes.clear()
        if before is None:
            return
        if before.epoch != at.epoch:
            self._retired = [*self._retired, before.epoch][-_RETIRED:]
            self._holes.clear()
        elif at.ordinal > before.ordinal + 1 and not complete:
            self._holes = [*self._holes, (before.ordinal + 1, at.ordinal - 1)][-_HOLES:]
