"""A job that runs: its log driven by trio's clock, its stream woken at each event, the truth written down.

Emission keeps to an absolute schedule: each event is due at acceptance plus its offset, whatever came before it.

One task sleeps to the next event, and as a rule it is the stream's writer itself: a second task that woke it would cost
as much as the event does. While the job's stream has nothing to do it holds the *reins*: it sleeps to that instant, and
on waking emits. At all other times (no stream, or one that is held up by its peer) the job's own task does so.
"""

import math
from typing import Protocol

import msgspec
import trio

from harness.history.journal import Journal
from harness.history.records import Emit, Job, digest
from harness.jobserver.jobs import Event, JobLog


class Counts(msgspec.Struct):
    """What a server has done, and what it holds. All but ``open_*`` only grow."""

    connections: int = 0
    requests: int = 0
    jobs: int = 0
    streams: int = 0
    events: int = 0
    faults: int = 0
    open_connections: int = 0
    open_streams: int = 0


class Follower(Protocol):
    """A stream that follows a job."""

    def grown(self) -> None:
        """The log has a new event. Called at the instant of its emission."""

    def close(self, evidence: str) -> None:
        """End, and say in the records why."""


class RunningJob:
    """One accepted job. The first event is in the log when it is made; the others need ``run``."""

    def __init__(self, log: JobLog, counts: Counts, journal: Journal | None) -> None:
        self.log = log
        self.accepted = trio.current_time()
        self.ended_at: float | None = None
        self.follower: Follower | None = None
        self._driven_by: Follower | None = None
        self._nap = trio.CancelScope()
        self._next = self.accepted  # the instant of the next event
        self._counts = counts
        self._journal = journal
        self._accepted_ns = journal.stamp() if journal is not None else 0
        if journal is not None:
            schedule_ns = [self._ns(offset) for offset in log.schedule]
            journal.write(
                Job(
                    job=log.job_id,
                    epoch=log.epoch,
                    accepted_ns=self._accepted_ns,
                    schedule_ns=schedule_ns,
                    total=log.spec.items,
                )
            )
        self._emit()

    async def run(self) -> None:
        """Emit until the job is over, whenever nobody else holds the reins."""
        while self.log.due is not None:
            with trio.CancelScope(deadline=self._next if self._driven_by is None else math.inf) as self._nap:
                await trio.sleep_forever()
            self._emit_due()

    def take_reins(self, follower: Follower) -> float:
        """Return the instant until which this stream may sleep, if nothing wakes it, and at which it must let go."""
        if follower is not self.follower or self.log.over:
            return math.inf
        self._driven_by = follower
        self._nap.deadline = math.inf
        return self._next

    def drop_reins(self, follower: Follower) -> None:
        """Emit what is due, and leave the rest to the job's own task."""
        if self._driven_by is follower:
            self._driven_by = None
            self._emit_due()
            self._nap.deadline = self._next

    def follow(self, follower: Follower) -> None:
        """Make this the job's one live stream: the newest wins, the one before it ends."""
        if self.follower is not None:
            self.drop_reins(self.follower)
            self.follower.close("newer")
        self.follower = follower

    def leave(self, follower: Follower) -> None:
        """A stream has ended."""
        self.drop_reins(follower)
        if self.follower is follower:
            self.follower = None

    def results_left(self, kept: float) -> bool:
        """Whether the results of a completed job can still be had."""
        return self.ended_at is not None and trio.current_time() < self.ended_at + kept

    def _emit_due(self) -> None:
        now = trio.current_time()
        while self._next <= now:
            self._emit()

    def _emit(self) -> None:
        event = self.log.advance()
        due = self.log.due
        self._next = math.inf if due is None else self.accepted + due
        self._counts.events += 1
        if event.terminal:
            self.ended_at = trio.current_time()
            self._nap.cancel()  # the job's own task has nothing left to wait for
        if self._journal is not None:
            self._record(self._journal, event)
        if self.follower is not None:
            self.follower.grown()

    def _record(self, journal: Journal, event: Event) -> None:
        journal.write(
            Emit(
                job=self.log.job_id,
                epoch=self.log.epoch,
                index=event.index,
                id=event.id,
                type=event.type,
                digest=digest(event.type, event.data),
                intended_ns=self._ns(event.due),
                actual_ns=journal.stamp(),
                progress=event.progress,
                terminal=event.terminal,
            )
        )

    def _ns(self, offset: float) -> int:
        return self._accepted_ns + round(offset * 1e9)
