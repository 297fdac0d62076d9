"""A job that runs: its log driven by trio's clock, its stream woken at each event, the truth written down.

Emission keeps to an absolute schedule: each event is due at acceptance plus its offset, whatever came before it.

One task sleeps to the next event, and as a rule it is the stream's writer itself: a second task that woke it would cost
as much as the event does. While the job's stream has nothing to do it has *taken over*: it sleeps to that instant, and
on waking emits. At all other times (no stream, or one that is held up by its peer) the server's alarm clock does so.
"""

import math
from collections.abc import Callable
from typing import Protocol, assert_never

import msgspec
import trio

from harness.deeds.acts import Bursts, Ends, JobAct, Pauses, Resumes
from harness.history.journal import Journal
from harness.history.records import Emit, Job, Rescheduled, digest
from harness.jobserver.alarms import Alarms
from harness.jobserver.jobs import JobLog, LogEvent
from harness.jobserver.work import JobStep, Work


class ServerCounts(msgspec.Struct):
    """Counts of a server's deeds and of what it holds. All but ``open_*`` only grow."""

    connections: int = 0
    requests: int = 0
    tokens: int = 0  # issued
    jobs: int = 0
    streams: int = 0
    events: int = 0
    faults: int = 0
    open_connections: int = 0
    open_streams: int = 0


class LogFollower(Protocol):
    """A stream that follows a job."""

    def grown(self) -> None:
        """Learn that the log has a new event, or the next one is due at another time. Called at that instant."""

    def outdated(self) -> None:
        """A newer stream of the job has come: end, for that reason, a keep-alive interval from now."""


class RunningJob:
    """One accepted job. The first event is in the log when it is made; for the others it sets ``alarms``.

    The work goes on whether or not a server tells of it. Between ``lose_log`` and ``read_again`` there is no log, and
    nothing is emitted; no caller may ask for the log then.
    """

    def __init__(
        self,
        log: JobLog,
        work: Work,
        alarms: Alarms,
        counts: ServerCounts,
        journal: Journal | None,
        *,
        rid: int = 0,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self.log = log
        self.lost = False
        self.epochs: list[str] = []  # of logs that were lost
        self.accepted = trio.current_time()
        self.followers: list[LogFollower] = []  # the newest last: it alone takes over
        self._work = work
        self._unheard: float | None = None  # when the oldest step was due that was taken without a log
        self._driven_by: LogFollower | None = None
        self._next = self.accepted  # the instant of the next event
        self._alarms = alarms
        self._alarm = math.inf  # the instant for which one was set last
        self._counts = counts
        self._journal = journal
        self._ended = ended  # called once its end is in the log
        self._accepted_ns = journal.stamp() if journal is not None else 0
        self._record_job(work.ahead(), rid)
        self._emit()
        self._set_alarm()

    @property
    def over(self) -> bool:
        """True if its work is done and was told of, by a log that may be lost by now."""
        return self._work.over and self._unheard is None

    def wants(self, at: float) -> bool:
        """Return whether the alarm must emit the event that was due at this instant when it was set: no writer will."""
        return at == self._next and self._driven_by is None

    def ring(self, at: float) -> None:
        """Emit what is due at this alarm's instant, unless a writer will."""
        if self._alarm == at:
            self._alarm = math.inf
        if self.wants(at):
            self._emit_due()
            self._set_alarm()

    def take_over(self, follower: LogFollower) -> float:
        """Return the instant until which this stream may sleep, if nothing wakes it, and at which it must let go."""
        if follower is not self.followers[-1] or self.log.over:
            return math.inf
        self._driven_by = follower
        return self._next

    def hand_back(self, follower: LogFollower) -> None:
        """Emit what is due, and leave the rest to the alarm clock."""
        if self._driven_by is follower:
            self._driven_by = None
            self._emit_due()
            self._set_alarm()

    def follow(self, follower: LogFollower) -> None:
        """Make this the job's live stream: the newest wins, and the one before it has a while to leave by itself.

        Two streams of one client are its own bug. The bug would be hidden if the older stream were ended at once.
        """
        if self.followers:
            self.hand_back(self.followers[-1])
            self.followers[-1].outdated()
        self.followers.append(follower)

    def leave(self, follower: LogFollower) -> None:
        """A stream has ended."""
        self.hand_back(follower)
        self.followers.remove(follower)

    def results_left(self, kept: float) -> bool:
        """Return whether the results of a job that is over can still be had."""
        return trio.current_time() < self.accepted + self._work.last.due + kept

    def tell(self, act: JobAct) -> bool:
        """Tell the work to pause, resume, burst or end; return False where it is over and so does not listen."""
        self._emit_due()
        self._catch_up()
        if self._work.over:
            return False
        now = trio.current_time() - self.accepted
        match act:
            case Pauses():
                self._work.pause()
            case Resumes():
                self._work.resume(now)
            case Bursts(rate=rate, lasts=lasts):
                self._work.burst(now, rate, lasts)
            case Ends(how=how, code=code):
                self._work.end(now, how, code)
            case other:
                assert_never(other)
        if not self.lost:
            self._reschedule(str(act.__struct_config__.tag))
        return True

    def lose_log(self) -> None:
        """Forget all events, and emit none until it is read again. No stream may be open."""
        assert not self.followers, "a stream has to end before its log is lost"
        self._emit_due()
        self.lost = True
        self.epochs.append(self.log.epoch)
        self._next = math.inf

    def read_again(self, log: JobLog) -> None:
        """Go on in this new log of a new epoch, whose first event is the state that storage has now."""
        assert self.lost, "only a log that was lost is replaced"
        self._catch_up()
        now = trio.current_time() - self.accepted
        due = now if self._unheard is None else self._unheard
        self.log, self.lost, self._unheard = log, False, None
        self._record_job([due, *self._work.ahead()])
        self._write(self._work.last, due)
        self._set_alarm()

    def _catch_up(self) -> None:
        """Without a log: let the work be done that was due by now, unheard."""
        while self.lost and self._work.due is not None and self.accepted + self._work.due <= trio.current_time():
            step = self._work.take()
            self._unheard = step.due if self._unheard is None else self._unheard

    def _reschedule(self, why: str) -> None:
        """The work has other plans: say so in the records, and let the stream that has taken over know."""
        if self._journal is not None:
            self._journal.write(
                Rescheduled(
                    job=self.log.job_id,
                    epoch=self.log.epoch,
                    why=why,
                    first=self.log.newest + 1,
                    schedule_ns=[self._ns(due) for due in self._work.ahead()],
                )
            )
        due = self._work.due
        self._next = math.inf if due is None else self.accepted + due
        self._emit_due()
        if self._driven_by is None:
            self._set_alarm()
        else:
            self._driven_by.grown()

    def _set_alarm(self) -> None:
        if self._alarm != self._next < math.inf:
            self._alarm = self._next
            self._alarms.set(self._next, self)

    def _emit_due(self) -> None:
        now = trio.current_time()
        while self._next <= now:
            self._emit()

    def _emit(self) -> None:
        step = self._work.take()
        self._write(step, step.due)

    def _write(self, step: JobStep, intended: float) -> None:
        """Write the next event, and wake the tasks that wait for it."""
        event = self.log.append(step)
        due = self._work.due
        self._next = math.inf if due is None else self.accepted + due
        self._counts.events += 1
        if self._journal is not None:
            self._record(self._journal, event, intended, step.code if event.type == "failed" else "")
        for follower in self.followers:
            follower.grown()
        if self.log.over:
            self._ended()

    def _record(self, journal: Journal, event: LogEvent, intended: float, code: str) -> None:
        journal.write(
            Emit(
                job=self.log.job_id,
                epoch=self.log.epoch,
                index=event.index,
                id=event.id,
                type=event.type,
                digest=digest(event.type, event.data),
                intended_ns=self._ns(intended),
                actual_ns=journal.stamp(),
                progress=event.progress,
                terminal=event.terminal,
                code=code,
                size=len(event.data) if event.data.isascii() else len(event.data.encode()),
                after=event.after,
            )
        )

    def _record_job(self, schedule: list[float], rid: int = 0) -> None:
        if self._journal is not None:
            self._journal.write(
                Job(
                    job=self.log.job_id,
                    epoch=self.log.epoch,
                    accepted_ns=self._accepted_ns,
                    schedule_ns=[self._ns(due) for due in schedule],
                    total=self._work.spec.items,
                    rid=rid,
                )
            )

    def _ns(self, offset: float) -> int:
        return self._accepted_ns + round(offset * 1e9)
