"""Ground truth, from the server's own records: what was emitted, under which identity, and when it was due.

An event's identity is (epoch, index), never its id, which is opaque. Epochs are ordered by their
first appearance, so that a *position* (rank of the epoch, index) orders everything one job ever emitted. A further
``Job`` record of the same job begins a new epoch: what the older one's schedule had left by then is void.
"""

import bisect
from collections.abc import Iterable
from functools import cached_property

import msgspec

from harness.history import Emit, Job, Rescheduled
from harness.history.records import Record

Position = tuple[int, int]
"""Rank of the epoch (0 is the first), and index in it; index -1 is the accepted job, before any event."""

START = "start"
"""The text behind an epoch's name in the id of the place before its first event, where frames are varied."""

ACCEPTED: Position = (0, -1)


class EmittedEvent(msgspec.Struct, frozen=True):
    """One emitted event. Times are stamps in nanoseconds. ``id`` names its place, see ``Emit``."""

    position: Position
    id: str
    type: str
    digest: str
    intended_ns: int
    actual_ns: int
    terminal: bool
    progress: float | None
    record: Emit

    @property
    def index(self) -> int:
        """Its number within its epoch."""
        return self.position[1]

    @property
    def has_id(self) -> bool:
        """Whether it was written with an id of its own."""
        return not self.record.after

    @property
    def named(self) -> str:
        """Its id in a sentence."""
        return f"id {self.id}" if self.has_id else f"without an id behind {self.record.after}"


class Truth:
    """Everything that one job emitted, in order of position. A repeated emission counts once, at its first time."""

    def __init__(
        self, job: str, jobs: Iterable[Job], emits: Iterable[Emit], changes: Iterable[Rescheduled] = ()
    ) -> None:
        self.job = job
        self.records = sorted(jobs, key=_seq)
        self._changes = list(changes)
        self._ranks: dict[str, int] = {}
        for record in self.records:
            self._ranks.setdefault(record.epoch, len(self._ranks))
        by_position: dict[Position, EmittedEvent] = {}
        for emit in emits:
            event = self._event(emit)
            by_position.setdefault(event.position, event)
        self.events = [by_position[position] for position in sorted(by_position)]
        self._by_id: dict[str, list[EmittedEvent]] = {}
        for event in self.events:
            self._by_id.setdefault(event.id, []).append(event)
        self._told: dict[tuple[str, str], list[EmittedEvent]] = {}
        for event in self.events:
            self._told.setdefault((event.record.told_id, event.digest), []).append(event)
        self._by_position = by_position
        self._intended = _running_max([event.intended_ns for event in self.events])

    def _event(self, emit: Emit) -> EmittedEvent:
        rank = self._ranks.setdefault(emit.epoch, len(self._ranks))
        return EmittedEvent(
            (rank, emit.index), emit.id, emit.type, emit.digest, emit.intended_ns, emit.actual_ns, emit.terminal,
            emit.progress, emit,
        )  # fmt: skip

    @property
    def accepted_ns(self) -> int | None:
        """The time at which the job was accepted; None where no record says so."""
        return self.records[0].accepted_ns if self.records else None

    @property
    def epochs(self) -> list[Job]:
        """The records by which epochs after the first began, in order."""
        return self.records[1:]

    def begun(self, rank: int, at_ns: int) -> bool:
        """Return whether an epoch newer than this one had begun by then."""
        return any(record.t_ns <= at_ns and self._ranks[record.epoch] > rank for record in self.records)

    def position(self, epoch: str, index: int) -> Position:
        """Return the position of an index of an epoch; an epoch that no record names counts as the first."""
        return self._ranks.get(epoch, 0), index

    def epoch(self, position: Position) -> str:
        """Return the name of a position's epoch."""
        return next((name for name, rank in self._ranks.items() if rank == position[0]), "")

    @cached_property
    def schedule_ns(self) -> list[int]:
        """Intended emissions as the server planned them: changed by deeds of the job, cut off by a new epoch."""
        past: list[int] = []
        ahead: list[int] = []
        plans: list[Job | Rescheduled] = [*self.records, *self._changes]
        for record in sorted(plans, key=_seq):
            if isinstance(record, Job):
                past += [due for due in ahead if due <= record.t_ns]
                ahead = list(record.schedule_ns)
            else:
                ahead[record.first :] = record.schedule_ns
        return past + ahead

    @property
    def terminal(self) -> EmittedEvent | None:
        """The job's terminal event, of the newest epoch that has one."""
        return next((event for event in reversed(self.events) if event.terminal), None)

    def known(self, event_id: str, at_ns: int | None = None) -> EmittedEvent | None:
        """Return the event with this id; where a new epoch used it again, the newest emitted by ``at_ns``."""
        candidates = self._by_id.get(event_id)
        if not candidates:
            return None
        if at_ns is None or len(candidates) == 1:
            return candidates[0]
        emitted = [event for event in candidates if event.actual_ns <= at_ns]
        return emitted[-1] if emitted else candidates[0]

    def carried(self, event_id: str, digest: str, seq: int) -> EmittedEvent | None:
        """Return the event told with this last event ID and digest, emitted before this record; None: there is none."""
        candidates = self._told.get((event_id, digest), ())
        return next((one for one in reversed(candidates) if one.record.seq < seq), None)

    def at(self, position: Position) -> EmittedEvent | None:
        """Return the event at a position; None where there is none."""
        return self._by_position.get(position)

    def place(self, event_id: str, at_ns: int) -> Position | None:
        """Return the position that an id names: an event's, or the place before an epoch's first, which has one too."""
        event = self.known(event_id, at_ns)
        if event is not None:
            return event.position
        epoch, _, word = event_id.rpartition("-")
        return (self._ranks[epoch], -1) if word == START and epoch in self._ranks else None

    def newest_due(self, at_ns: int) -> EmittedEvent | None:
        """Return the newest event whose intended emission lies at or before this stamp; None before the first."""
        place = bisect.bisect_right(self._intended, at_ns)
        return self.events[place - 1] if place else None

    def first_due_from(self, at_ns: int) -> EmittedEvent | None:
        """Return the first event intended at or after this stamp; None where nothing more was due."""
        place = bisect.bisect_left(self._intended, at_ns)
        return self.events[place] if place < len(self.events) else None

    def after(self, position: Position) -> EmittedEvent | None:
        """Return the event that follows a position; None after the last."""
        place = bisect.bisect_right(self.events, position, key=_position)
        return self.events[place] if place < len(self.events) else None


def _seq(record: Record) -> int:
    return record.seq


def _position(event: EmittedEvent) -> Position:
    return event.position


def _running_max(stamps: list[int]) -> list[int]:
    """A later index is never due earlier: a burst or a pause may leave intended times out of order."""
    highest = 0
    raised = []
    for stamp in stamps:
        highest = max(highest, stamp)
        raised.append(highest)
    return raised
