"""Ground truth, from the server's own records: what was emitted, under which identity, and when it was due.

An event's identity is (epoch, index), never its id, which is opaque (the design, words). Epochs are ordered by their
first appearance, so that a *position* (rank of the epoch, index) orders everything one job ever emitted.
"""

import bisect
from collections.abc import Iterable

import msgspec

from harness.history import Emit, Job

Position = tuple[int, int]
"""Rank of the epoch (0 is the first), and index in it; index -1 is the accepted job, before any event."""

ACCEPTED: Position = (0, -1)


class Event(msgspec.Struct, frozen=True):
    """One emitted event. Times are stamps in nanoseconds."""

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


class Truth:
    """Everything that one job emitted, in order of position. A repeated emission counts once, at its first time."""

    def __init__(self, job: str, jobs: Iterable[Job], emits: Iterable[Emit]) -> None:
        self.job = job
        self.records = list(jobs)
        self._ranks: dict[str, int] = {}
        for record in self.records:
            self._ranks.setdefault(record.epoch, len(self._ranks))
        by_position: dict[Position, Event] = {}
        for emit in emits:
            event = self._event(emit)
            by_position.setdefault(event.position, event)
        self.events = [by_position[position] for position in sorted(by_position)]
        self._by_id: dict[str, list[Event]] = {}
        for event in self.events:
            self._by_id.setdefault(event.id, []).append(event)
        self._intended = _running_max([event.intended_ns for event in self.events])

    def _event(self, emit: Emit) -> Event:
        rank = self._ranks.setdefault(emit.epoch, len(self._ranks))
        return Event(
            (rank, emit.index), emit.id, emit.type, emit.digest, emit.intended_ns, emit.actual_ns, emit.terminal,
            emit.progress, emit,
        )  # fmt: skip

    @property
    def accepted_ns(self) -> int | None:
        """When the job was accepted; None where no record says so."""
        return self.records[0].accepted_ns if self.records else None

    @property
    def terminal(self) -> Event | None:
        """The job's terminal event, of the newest epoch that has one."""
        return next((event for event in reversed(self.events) if event.terminal), None)

    def known(self, event_id: str, at_ns: int | None = None) -> Event | None:
        """Return the event with this id; where a new epoch used it again, the newest emitted by ``at_ns``."""
        candidates = self._by_id.get(event_id)
        if not candidates:
            return None
        if at_ns is None or len(candidates) == 1:
            return candidates[0]
        emitted = [event for event in candidates if event.actual_ns <= at_ns]
        return emitted[-1] if emitted else candidates[0]

    def newest_due(self, at_ns: int) -> Event | None:
        """Return the newest event whose intended emission lies at or before this stamp; None before the first."""
        place = bisect.bisect_right(self._intended, at_ns)
        return self.events[place - 1] if place else None

    def first_due_from(self, at_ns: int) -> Event | None:
        """Return the first event intended at or after this stamp; None where nothing more was due."""
        place = bisect.bisect_left(self._intended, at_ns)
        return self.events[place] if place < len(self.events) else None

    def after(self, position: Position) -> Event | None:
        """Return the event that follows a position; None after the last."""
        place = bisect.bisect_right(self.events, position, key=_position)
        return self.events[place] if place < len(self.events) else None


def _position(event: Event) -> Position:
    return event.position


def _running_max(stamps: list[int]) -> list[int]:
    """A later index is never due earlier: a burst or a pause may leave intended times out of order."""
    highest = 0
    raised = []
    for stamp in stamps:
        highest = max(highest, stamp)
        raised.append(highest)
    return raised
