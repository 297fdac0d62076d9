"""The intentions of a job once deeds have spoken to it: the plan's schedule, paused, resumed, hastened and ended.

The rules of the language, written here a second time: the server's own are on trial. A pause swallows what is due in
it, but not the end; where it swallowed anything, resuming makes one update at once. A burst adds updates, the first of
them at once. An end is now, and nothing comes after it; so is a timeout, ``no progress`` after the last update, whether
or not the server was there to tell of it.
"""

import math
from collections.abc import Iterator

from harness.deeds.acts import Act, Bursts, Deed, Ends, Pauses, Resumes
from harness.history import DeedDone, Emit, Job, Rescheduled
from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.facts.server import FOREVER, Epoch, ServerFacts
from harness.judge.laws.server.bounds import Bounds, ServerDeviation
from harness.scenario.model import schedule


def changes(case: Case, served: ServerFacts, bounds: Bounds) -> Iterator[ServerDeviation]:
    """Check that each job does what deeds tell it, and changes its schedule for nothing else."""
    told = [
        (record, case.plan.deeds[record.deed])
        for record in case.history.all(DeedDone)
        if not record.error and isinstance(case.plan.deeds[record.deed].act, Pauses | Resumes | Bursts | Ends)
    ]
    reschedules = case.grouped(Rescheduled, "job")
    for job, epochs in served.jobs.items():
        changed = reschedules.get(job, [])
        if (told or changed or len(epochs) > 1) and all(epoch.whole for epoch in epochs):
            yield from _Job(case, served, bounds, epochs).follow(told, changed)


class _Intent:
    """The intentions of one job, in nanoseconds after it was accepted."""

    def __init__(self, case: Case) -> None:
        due = [round(at * 1e9) for at in schedule(case.plan.job)]
        self._end = FOREVER if case.plan.job.ends == "never" else due.pop()
        self._updates = due
        self._extras: list[int] = []
        self._paused: int | None = None
        self._pauses: list[tuple[int, int]] = []  # those that are over
        self._no_progress = round(case.plan.job.no_progress * 1e9)

    def tell(self, act: Act, now: int) -> None:
        """Take in what the job is told at this time."""
        match act:
            case Pauses():
                self._paused = now if self._paused is None else self._paused
            case Resumes() if self._paused is not None:
                if any(self._paused < due <= now for due in (*self._updates, *self._extras)):
                    self._extras.append(now)
                self._pauses.append((self._paused, now))
                self._paused = None
            case Bursts(rate=rate, lasts=lasts):
                count = math.floor(rate * lasts + 1e-9)
                self._extras += [now + round(number / rate * 1e9) for number in range(count)]
            case Ends():
                self._end, self._updates, self._extras = now, [], []
            case _:
                pass

    def ahead(self, now: int) -> list[int]:
        """Return when its events are due from this time on."""
        coming = [] if self._paused is not None else [*self._updates, *self._extras]
        return sorted(due for due in coming if now <= due <= self._end) + ([self._end] if self._end < FOREVER else [])

    def times_out(self, at: int, tick: int) -> bool:
        """Return whether its last update before this time came ``no progress`` earlier, give or take a tick."""
        last = at - self._no_progress
        pauses = [*self._pauses, *([(self._paused, FOREVER)] if self._paused is not None else [])]

        def swallowed(due: int, margin: int) -> bool:
            return any(since - margin < due <= until + margin for since, until in pauses)

        steps = [due for due in (*self._updates, *self._extras) if last - tick <= due < at - tick]
        came = any(due <= last + tick and not swallowed(due, -tick) for due in steps)
        return came and all(due <= last + tick or swallowed(due, tick) for due in steps)


class _Job:
    """One job, with the deeds that it was told and the epochs that it was read into."""

    def __init__(self, case: Case, served: ServerFacts, bounds: Bounds, epochs: list[Epoch]) -> None:
        self._case, self._bounds, self._epochs = case, bounds, epochs
        self._accepted_ns = epochs[0].begun.accepted_ns
        self._intent = _Intent(case)
        self._over_ns = min(
            (one.emits[-1].t_ns for one in epochs if one.emits and one.emits[-1].terminal), default=FOREVER
        )
        self._lost = [(one.since_ns, _read_after(epochs, one.since_ns)) for one in served.restarts if one.loses]

    def follow(self, told: list[tuple[DeedDone, Deed]], reschedules: list[Rescheduled]) -> Iterator[ServerDeviation]:
        """Yield where its schedules are not what the deeds make of the plan's."""
        left = list(reschedules)
        steps: list[tuple[int, DeedDone | Job | Emit, Deed | None]] = [(one.seq, one, deed) for one, deed in told]
        for epoch in self._epochs[1:]:
            steps.append((epoch.begun.seq, epoch.begun, None))
            steps += [(emit.seq, emit, None) for emit in epoch.emits[1:2] if emit.type == "timeout"]
        for _, record, deed in sorted(steps, key=lambda step: step[0]):
            if isinstance(record, Job):
                yield from self._read_again(record)
            elif isinstance(record, Emit):
                if not self._times_out(record):
                    yield f"the server let its job time out in event {record.id}, though it had made progress", record
            elif deed is not None:
                change = next((one for one in left if self._answers(one, record, deed)), None)
                if change is not None:
                    left.remove(change)
                yield from self._told(record, deed, change)
        for change in left:
            at = phrases.moment(self._case.at(change.t_ns))
            yield f"the server changed its schedule at {at} ({change.why}), and no deed had told it to", change

    def _answers(self, change: Rescheduled, record: DeedDone, deed: Deed) -> bool:
        tick_ns = self._bounds.tick_ns
        in_time = record.issued_ns - tick_ns <= change.t_ns <= record.returned_ns + tick_ns
        return in_time and change.why == str(deed.act.__struct_config__.tag)

    def _told(self, record: DeedDone, deed: Deed, change: Rescheduled | None) -> Iterator[ServerDeviation]:
        at = phrases.moment(self._case.at(record.issued_ns))
        if change is None:
            if record.returned_ns <= self._epochs[0].begun.t_ns + self._bounds.tick_ns:
                return  # it was not there yet
            if not self._deaf(record):
                yield f"the server did not tell its job at {at} ({deed.text})", record
            self._intent.tell(deed.act, record.issued_ns - self._accepted_ns)
            return
        now = change.t_ns - self._accepted_ns
        self._intent.tell(deed.act, now)
        if not self._agree(change.schedule_ns, now):
            yield f"the server's job was told at {at} ({deed.text}), and its schedule is another one", change, record
        due = self._epoch_of(change).newest_at(change.seq) + 1
        if change.first != due:
            name = self._epoch_of(change).event(change.first)
            yield f"the server changed its schedule from {name} on, where {due} was next", change

    def _epoch_of(self, change: Rescheduled) -> Epoch:
        return next((one for one in self._epochs if one.begun.epoch == change.epoch), self._epochs[0])

    def _deaf(self, record: DeedDone) -> bool:
        """Return whether the job was over or its log lost when the deed was done: no record says then what it heard."""
        over = self._over_ns <= record.returned_ns + self._bounds.tick_ns
        return over or any(since <= record.returned_ns and record.issued_ns <= until for since, until in self._lost)

    def _read_again(self, begun: Job) -> Iterator[ServerDeviation]:
        now = begun.t_ns - self._accepted_ns
        if self._timed_out(begun):
            return
        if not self._agree(begun.schedule_ns[1:], now):
            yield (
                f"the server read its job from storage into epoch {begun.epoch}, and its schedule is another one",
                begun,
            )

    def _timed_out(self, begun: Job) -> bool:
        """Return whether a job was read as timed out while the server was away, and had intended to time out."""
        emits = next(one.emits for one in self._epochs if one.begun is begun)
        if not emits or emits[0].type != "timeout" or len(begun.schedule_ns) > 1:
            return False
        return self._times_out(emits[0])

    def _times_out(self, emit: Emit) -> bool:
        return self._intent.times_out(emit.intended_ns - self._accepted_ns, self._bounds.tick_ns)

    def _agree(self, said_ns: list[int], now: int) -> bool:
        """Return whether a schedule is the one intended; what is due in this very moment may be done or not."""
        its, due = [at - self._accepted_ns for at in said_ns], self._intent.ahead(now - self._bounds.tick_ns)
        shorter = min(len(its), len(due))
        rest = its[: len(its) - shorter] + due[: len(due) - shorter]
        pairs = zip(reversed(its), reversed(due), strict=False)
        moment = now + 2 * self._bounds.tick_ns
        return all(abs(one - other) <= self._bounds.tick_ns for one, other in pairs) and all(
            at <= moment for at in rest
        )


def _read_after(epochs: list[Epoch], at_ns: int) -> int:
    """Return when a job was read into its next epoch after this stamp."""
    return next((one.begun.t_ns for one in epochs if one.begun.t_ns >= at_ns), FOREVER)
