"""What the server meant to emit, and what it emitted: the plan's schedule, as its deeds change it, on time."""

from collections.abc import Iterator

from harness.deeds.acts import Act, Bursts, Ends, Pauses, Restarts, Resumes
from harness.history import Deed, Emit, Job, Rescheduled
from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.server.bounds import ROUNDING_NS, Bounds, Fault, off
from harness.judge.server.facts import FOREVER, Epoch, Served
from harness.scenario.model import schedule


def schedules(case: Case, served: Served, bounds: Bounds) -> Iterator[Fault]:
    """The first schedule of a job is the plan's; another one is a deed's doing."""
    planned = [round(due * 1e9) for due in schedule(case.plan.job)]
    for first, *later in served.jobs.values():
        yield from _first_schedule(case, first.begun, planned, bounds)
        for epoch in later:
            at_ns = epoch.begun.t_ns
            if not any(one.since_ns <= at_ns and not _keeps_log(one.act) for one in served.restarts):
                yield f"the server began {epoch.called} of a job that it was not told to lose", epoch.begun
    for change in case.history.all(Rescheduled):
        yield from _change(case, served, change, bounds)


def emissions(case: Case, served: Served, bounds: Bounds) -> Iterator[Fault]:
    """Each event is emitted when the schedule says, and none after the end."""
    early_ns, late_ns = -bounds.tick_ns, bounds.late_ns
    for epoch in served.epochs.values():
        due, again, end = epoch.schedule, served.jobs[epoch.begun.job][0] is not epoch, None
        for emit in epoch.emits:
            index, behind = emit.index, emit.actual_ns - emit.intended_ns
            if end is not None:
                yield f"the server emitted {epoch.event(index)} after the end of its job", emit, end
            if index >= len(due) or abs(emit.intended_ns - due[index]) > ROUNDING_NS:
                yield from _unplanned(case, epoch, emit, bounds)
            if again and index == 0:  # it was intended when the oldest state it stands for was due
                behind = emit.actual_ns - epoch.begun.t_ns
            if not early_ns <= behind <= late_ns:
                yield f"the server emitted {epoch.event(index)} {off(behind)}", emit
            if emit.terminal:
                end = emit
        if end is not None and not _may_end(case, end):
            yield f"the server ended its job as {end.type}, which nobody had planned", end


def overdue(case: Case, served: Served, bounds: Bounds) -> Iterator[Fault]:
    """What was due before the run's end was emitted, and a job whose log was lost was read again."""
    for epochs in served.jobs.values():
        epoch, emits = epochs[-1], epochs[-1].emits
        if any(one.emits and one.emits[-1].terminal for one in epochs):
            continue
        due_ns = epoch.schedule[len(emits)] if len(emits) < len(epoch.schedule) else FOREVER
        if emits and len(epochs) == 1:
            due_ns = min(due_ns, emits[-1].intended_ns + round(case.plan.job.no_progress * 1e9))
        lost_ns = _lost_from(served, epoch)
        if due_ns + bounds.late_ns < min(case.end_ns, lost_ns):
            at = phrases.moment(case.at(due_ns))
            yield f"the server never emitted {epoch.event(len(emits))}, which was due at {at}", epoch.begun
        back_ns = _back_from(served) if lost_ns < FOREVER else FOREVER
        if back_ns + bounds.late_ns < case.end_ns:
            at = phrases.moment(case.at(back_ns))
            yield f"the server never read its job from storage again, where it was back at {at}", epoch.begun


def _first_schedule(case: Case, first: Job, planned: list[int], bounds: Bounds) -> Iterator[Fault]:
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


def _change(case: Case, served: Served, change: Rescheduled, bounds: Bounds) -> Iterator[Fault]:
    epoch = served.epochs.get((change.job, change.epoch))
    if epoch is None or not epoch.whole:
        return
    told = [
        done
        for done in case.history.all(Deed)
        if done.issued_ns - bounds.tick_ns <= change.t_ns <= done.returned_ns + bounds.tick_ns
        and _why(case.plan.deeds[done.deed].act) == change.why
    ]
    if not told:
        at = phrases.moment(case.at(change.t_ns))
        yield f"the server changed its schedule at {at} ({change.why}), and no deed had told it to", change
    due = epoch.newest_at(change.seq) + 1
    if change.first != due:
        yield f"the server changed its schedule from {epoch.event(change.first)} on, where {due} was next", change


def _why(act: Act) -> str:
    return str(act.__struct_config__.tag) if isinstance(act, Pauses | Resumes | Bursts | Ends) else ""


def _unplanned(case: Case, epoch: Epoch, emit: Emit, bounds: Bounds) -> Iterator[Fault]:
    """An event that is off the schedule: of those only the end of a job without progress is lawful."""
    if emit.type == "timeout" and _without_progress(case, epoch, emit, bounds):
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
    """Whether a job may end so: as planned, as a deed said, or for want of progress."""
    done = (case.plan.deeds[record.deed].act for record in case.history.all(Deed) if record.issued_ns <= end.t_ns)
    return end.type in {case.plan.job.ends, "timeout", *(act.how for act in done if isinstance(act, Ends))}


def _lost_from(served: Served, epoch: Epoch) -> int:
    """Return from when on the log of this epoch may have been lost; ``FOREVER``: it was not."""
    lossy = (one.since_ns for one in served.restarts if not _keeps_log(one.act))
    return min((since_ns for since_ns in lossy if since_ns >= epoch.begun.t_ns), default=FOREVER)


def _back_from(served: Served) -> int:
    """Return when the server was back from the last restart of the run."""
    acts = ((one, one.act.after) for one in served.restarts if isinstance(one.act, Restarts))
    return max(max(one.sure_ns, one.since_ns + round(after * 1e9)) for one, after in acts)


def _keeps_log(act: Act) -> bool:
    return isinstance(act, Restarts) and act.keeps_log
