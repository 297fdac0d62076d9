"""The cursor: what the app was shown, and so the meaning of a new id: news, a repeat, late, or another numbering.

Ids are opaque to clients (WHATWG HTML, 9.2), and ``OpaqueCursor`` treats them so. ``Cursor`` is for servers that
document more, as the harness's own does: an id of the shape ``<epoch>-<ordinal>`` (everything before the last hyphen,
then up to 18 ASCII digits) is the ordinal-th event of that epoch. Ordinals are compared within one epoch only: after a
restart without memory such a server counts from 0 again in a new epoch, and ``1`` is news then. Ids of any other shape
are compared for equality, no more.
"""

import enum
import functools
from typing import NamedTuple

from harness.sse.events import Event

MEMORY = 1_024
"""Events that ``OpaqueCursor`` remembers as shown: a replay overlaps by no more."""

_DIGITS = 18  # what fits 64 bits: a longer tail is a hash or a server's own timestamp
_HOLES = 64  # ranges remembered
_RETIRED = 16  # epochs remembered


class IdStanding(enum.Enum):
    """The standing of an id against what was shown."""

    FRESH = enum.auto()
    REPEAT = enum.auto()
    LATE = enum.auto()  # older than what was shown, and never shown itself
    NEW_EPOCH = enum.auto()


NEWS = (IdStanding.FRESH, IdStanding.NEW_EPOCH)


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
    """The newest state shown, by ids that tell their order, in memory of bounded size."""

    def __init__(self) -> None:
        self.id = ""
        self._at: Position | None = None
        self._covered: Position | None = None  # the newest snapshot
        self._without_id = 0  # events shown without one since
        self._holes: list[tuple[int, int]] = []  # ordinals skipped, first and last of each range
        self._retired: list[str] = []

    def connected(self) -> None:
        """Learn that what comes from now on comes from a new connection: it says nothing to ids with an order."""

    def standing_of(self, event: Event) -> IdStanding:
        """Say what showing this event would mean.

        One without an id of its own is fresh, since nothing is known of it, unless a snapshot covers its place: it came
        behind an older id.
        """
        if event.has_id:
            return self.standing(event.id)
        at, covered = position(event.id), self._covered
        older = at is not None and covered is not None and at.epoch == covered.epoch and at.ordinal < covered.ordinal
        return IdStanding.REPEAT if older else IdStanding.FRESH

    def standing(self, event_id: str) -> IdStanding:
        """Say what showing a state of this id would mean. Without an id it is always fresh."""
        at = position(event_id)
        if at is None:
            return IdStanding.REPEAT if event_id and event_id == self.id else IdStanding.FRESH
        if self._at is None or at == (self._at.epoch, self._at.ordinal + 1):
            return IdStanding.FRESH
        if at.epoch != self._at.epoch:
            return IdStanding.LATE if at.epoch in self._retired else IdStanding.NEW_EPOCH
        if at.ordinal > self._at.ordinal:
            return IdStanding.FRESH
        missed = any(first <= at.ordinal <= last for first, last in self._holes)
        return IdStanding.LATE if missed else IdStanding.REPEAT

    def follows(self, event_id: str) -> bool:
        """Return whether this id comes next, with nothing between it and what was shown, as far as anyone can tell.

        What was shown without an id may have been what lies between.
        """
        at, last = position(event_id), self._at
        return at is None or last is None or at.epoch != last.epoch or at.ordinal <= last.ordinal + 1 + self._without_id

    def show_event(self, event: Event) -> None:
        """Move to this event's id, where it is its own and news."""
        if not event.has_id:
            self._without_id += 1
        elif self.standing(event.id) in NEWS:
            self.show(event.id)

    def show(self, event_id: str, *, complete: bool = False) -> None:
        """Move to this id, which must be fresh or of a new epoch.

        ``complete``: it covers all before it, as a snapshot does.
        """
        at, before = position(event_id), self._at
        self.id = event_id
        if at is None:
            return
        self._at = at
        self._covered = at if complete else self._covered
        self._without_id = 0
        if before is None or complete:
            self._holes.clear()
        if before is None:
            return
        if before.epoch != at.epoch:
            self._retired = [*self._retired, before.epoch][-_RETIRED:]
            self._holes.clear()
        elif at.ordinal > before.ordinal + 1 and not complete:
            self._holes = [*self._holes, (before.ordinal + 1, at.ordinal - 1)][-_HOLES:]


class OpaqueCursor(Cursor):
    """The last ``MEMORY`` events shown, by ids that tell nothing.

    1. A stream may bring any id again and mean another event: servers multiplex, number each connection, or send one id
       for all. So within a connection nothing is a repeat.
    2. A connection may begin with events that were shown: the *overlap*, of a server that replays from the cursor on
       and not from behind it, or from further back. It lasts as long as each event with an id repeats one, and for as
       many events as are remembered at the most.
    3. A repeat has the id, type and data of an event that was shown, or the id of a snapshot that was.
    4. A snapshot is news unless its id is among those shown.

    Of each event two numbers of 64 bits are kept, since an id may be as long as an event.
    """

    def __init__(self) -> None:
        super().__init__()
        self._shown: dict[int, int | None] = {}  # what was told under an id; None: a snapshot
        self._overlap = 0  # how many events more may be repeats

    def connected(self) -> None:
        """Begin an overlap."""
        self._overlap = len(self._shown)

    def standing_of(self, event: Event) -> IdStanding:
        """Say whether this event, which a stream brought just now, was shown before the connection."""
        if not (self._overlap and event.has_id and event.id):
            return IdStanding.FRESH
        key = hash(event.id)
        repeats = key in self._shown and self._shown[key] in (None, hash((event.type, event.data)))
        self._overlap = self._overlap - 1 if repeats else 0
        return IdStanding.REPEAT if repeats else IdStanding.FRESH

    def standing(self, event_id: str) -> IdStanding:
        """Say what showing a snapshot of this id would mean."""
        return IdStanding.REPEAT if hash(event_id) in self._shown else IdStanding.FRESH

    def follows(self, event_id: str) -> bool:
        """Return True: the order of these ids is unknown, so no event waits for another."""
        del event_id
        return True

    def show_event(self, event: Event) -> None:
        """Remember this event, where it has an id."""
        if event.has_id and event.id:
            self._remember(event.id, hash((event.type, event.data)))

    def show(self, event_id: str, *, complete: bool = False) -> None:
        """Remember a snapshot."""
        del complete
        self._remember(event_id, None)

    def _remember(self, event_id: str, told: int | None) -> None:
        self.id = event_id
        key = hash(event_id)
        self._shown.pop(key, None)  # the newest last
        self._shown[key] = told
        if len(self._shown) > MEMORY:
            del self._shown[next(iter(self._shown))]
