"""The intended and the emitted events of the server: the plan's schedule, as its deeds change it, on time."""

from collections.abc import Iterator

from harness.deeds.acts import Ends
from harness.history import DeedDone, Emit, Job
from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.facts.server import FOREVER, Epoch, ServerDeed, ServerFacts
from harness.judge.laws.server.bounds import ROUNDING_NS, Bounds, ServerDeviation, off
from harness.scenario.model import schedule


def schedules(case: Case, served: ServerFacts, bounds: Bounds) -> Iterator[ServerDeviation]:
    """Check that the first schedule of a job is the plan's; another one is a deed's doing."""
    planned = [round(due * 1e9) for due in schedule(case.plan.job)]
    for first, *later in served.jobs.values():
        yield from _first_schedule(case, first.begun, planned, bounds)
        for epoch in later:
            at_ns = epoch.begun.t_ns
            if not any(one.since_ns <= at_ns and one.loses for one in served.restarts):
                yield f"the server began {epoch.called} of a job that it was not told to lose", epoch.begun


def emissions(case: Case, served: ServerFacts, bounds: Bounds) -> Iterator[ServerDeviation]:
    """Check that each event is emitted when the schedule says, and none after the end."""
    early_ns, late_ns = -bounds.tick_ns, bounds.late_ns
    for epoch in served.epochs.values():
        due, again, end = epoch.schedule, served.jobs[epoch.begun.job][0] is not epoch, None
        progress: float | None = None
        for emit in epoch.emits:
            index, behind = emit.index, emit.actual_ns - emit.intended_ns
            if end is not None:
                yield f"the server emitted {epoch.event(index)} after the end of its job", emit, end
            if index >= len(due) or abs(emit.intended_ns - due[index]) > ROUNDING_NS:
                yield from _unplanned(case, epoch, emit, bounds, again=again)
            if again and index == 0:  # it was intended when the oldest state it stands for was due
                behind = emit.actual_ns - epoch.begun.t_ns
            if not early_ns <= behind <= late_ns:
                yield f"the server emitted {epoch.event(index)} {off(behind)}", emit
            yield from _names(case, epoch, emit, again=again)
            if abs(emit.t_ns - emit.actual_ns) > bounds.tick_ns:
                yield f"the server told of {epoch.event(index)} {off(emit.t_ns - emit.actual_ns)}", emit
            if emit.progress is not None and progress is not None and emit.progress < progress:
                yield f"the server showed less progress in {epoch.event(index)} than before it", emit
            progress = emit.progress
            if emit.terminal:
                end = emit
        if end is not None and not _may_end(case, end):
            yield f"the server ended its job as {f'{end.type} {end.code}'.rstrip()}, which nobody had planned", end


def overdue(case: Case, served: ServerFacts, bounds: Bounds) -> Iterator[ServerDeviation]:
    """Yield each event that was due before the run's end and not emitted, and each lost log not read again in time."""
    for epochs in served.jobs.values():
        epoch, emits = epochs[-1], epochs[-1].emits
        yield from _lost_logs(case, served, epochs, bounds)
        if any(one.emits and one.emits[-1].terminal for one in epochs):
            continue
        due_ns = epoch.schedule[len(emits)] if len(emits) < len(epoch.schedule) else FOREVER
        if emits and len(epochs) == 1:
            due_ns = min(due_ns, emits[-1].intended_ns + round(case.plan.job.no_progress * 1e9))
        lossy = [one.since_ns for one in served.restarts if one.loses and one.since_ns >= epoch.begun.t_ns]
        if due_ns + bounds.late_ns < min([case.end_ns, *lossy]):
            at = phrases.moment(case.at(due_ns))
            yield f"the server never emitted {epoch.event(len(emits))}, which was due at {at}", epoch.begun


def _lost_logs(case: Case, served: ServerFacts, epochs: list[Epoch], bounds: Bounds) -> Iterator[ServerDeviation]:
    """Check that each restart that loses the log is followed by a new epoch of every job that was not over."""
    for place, lost in enumerate(served.restarts):
        known = [one for one in epochs if one.begun.t_ns < lost.since_ns]
        if not lost.loses or not known or lost.sure_ns == FOREVER or _over(known, lost.sure_ns + bounds.tick_ns):
            continue
        late = next((one for one in known[-1].emits if one.t_ns > lost.sure_ns + bounds.tick_ns), None)
        if late is not None:
            name = known[-1].event(late.index)
            yield f"the server emitted {name} into a log that it had lost in a restart", late, known[-1].begun
        again = next((one.begun for one in epochs if one.begun.t_ns >= lost.since_ns), None)
        ends = _returns(served.restarts[place:], bounds.tick_ns)
        if again is None and ends[-1].back_ns + bounds.late_ns < case.end_ns:
            at = phrases.moment(case.at(ends[-1].back_ns))
            yield f"the server was back from its restart at {at}, and never read its job again", known[-1].begun
        elif again is not None and not any(
            one.due_ns - bounds.tick_ns <= again.t_ns <= one.back_ns + bounds.late_ns for one in ends
        ):
            by = off(again.t_ns - ends[0].due_ns)
            yield f"the server was back from its restart {by}, by when it read its job again", again


def _returns(restarts: list[ServerDeed], tick_ns: int) -> list[ServerDeed]:
    """Return the restarts that may end the first one's absence: a further one before it was back puts that off."""
    found = [restarts[0]]
    for later in restarts[1:]:
        if later.since_ns < found[-1].back_ns - tick_ns:
            found = [later]
        elif later.since_ns <= found[-1].back_ns + tick_ns:
            found.append(later)
    return found


def _over(epochs: list[Epoch], at_ns: int) -> bool:
    """Return whether a job's end had been emitted by then, into one of these epochs."""
    return any(one.emits and one.emits[-1].terminal and one.emits[-1].t_ns <= at_ns for one in epochs)


def _first_schedule(case: Case, first: Job, planned: list[int], bounds: Bounds) -> Iterator[ServerDeviation]:
    accepted_ns, said = first.accepted_ns, first.schedule_ns
    if not bounds.in_time(first.t_ns - accepted_ns):
        at = phrases.moment(case.at(accepted_ns))
        yield f"the server accepted a job at {at}, and told of it {off(first.t_ns - accepted_ns)}", first
    if len(said) != len(planned):
        yield f"the server meant to emit {phrases.amount(len(said), 'event')}, and the plan has {len(planned):,}", first
        return
    for index, (its, due) in enumerate(zip(said, planned, strict=True)):
        behind = its - accepted_ns - due
        if abs(behind) > ROUNDING_NS:
            yield f"the server meant to emit event {first.epoch}-{index} {off(behind)}", first
            return


def _names(case: Case, epoch: Epoch, emit: Emit, *, again: bool) -> Iterator[ServerDeviation]:
    """An event has the id and the type of its place, and leaves its id out only where it may."""
    if not _called_right(emit, again=again):
        yield f"the server called {epoch.event(emit.index)} {emit.id!r}, and its type {emit.type}", emit
    if emit.after and not _may_lack_id(case, epoch, emit):
        yield f"the server wrote {epoch.event(emit.index)} without an id, which it may not do there", emit


def _called_right(emit: Emit, *, again: bool) -> bool:
    """Return whether an event has the id and the type of its place: the state found where a log is read ``again``."""
    types = {"processing"} if emit.index else {"initialized"}
    if emit.terminal:
        types = {"completed", "failed", "timeout"}
    elif again and emit.index == 0:
        types = {"initialized", "processing"}
    return emit.type in types and emit.id == f"{emit.epoch}-{emit.index}"


def _may_lack_id(case: Case, epoch: Epoch, emit: Emit) -> bool:
    """Whether an event may be told with the id before it: of varied frames, one that is neither the first nor the last.

    That id is an event's own, so that no other is told with it; and no stream begins behind a gap.
    """
    server, before = case.plan.server, epoch.emits[emit.index - 1] if 0 < emit.index < len(epoch.emits) else None
    if before is None or before.after or emit.after != before.id or emit.digest == before.digest or emit.terminal:
        return False
    return server.frames == "varied" and server.expired_cursor == "410"


def _unplanned(case: Case, epoch: Epoch, emit: Emit, bounds: Bounds, *, again: bool) -> Iterator[ServerDeviation]:
    """An event that is off the schedule: of those only the end of a job without progress is lawful.

    The first event of a log that is read ``again`` is no progress: what its job intended says when that times out.
    """
    if emit.type == "timeout" and ((again and emit.index == 1) or _without_progress(case, epoch, emit, bounds)):
        return
    if emit.index < len(epoch.schedule):
        by = off(emit.intended_ns - epoch.schedule[emit.index])
        yield f"the server meant to emit {epoch.event(emit.index)} {by}", emit, epoch.begun
    else:
        yield f"the server emitted {epoch.event(emit.index)}, which nobody had planned", emit, epoch.begun


def _without_progress(case: Case, epoch: Epoch, emit: Emit, bounds: Bounds) -> bool:
    known = 0 < emit.index < len(epoch.emits)
    before_ns = epoch.emits[emit.index - 1].intended_ns if known else epoch.begun.accepted_ns
    return emit.intended_ns - before_ns >= round(case.plan.job.no_progress * 1e9) - bounds.tick_ns


def _may_end(case: Case, end: Emit) -> bool:
    """Return whether a job may end so: as planned, as a deed said, or for want of progress."""
    done = (case.plan.deeds[record.deed].act for record in case.history.all(DeedDone) if record.issued_ns <= end.t_ns)
    ways = {(act.how, act.code) for act in done if isinstance(act, Ends)}
    ways |= {(case.plan.job.ends, case.plan.job.code), ("timeout", "")}
    return (end.type, end.code) in {(how, code if how == "failed" else "") for how, code in ways}
