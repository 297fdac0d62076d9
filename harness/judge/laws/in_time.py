"""H4, in time: each deed came when the plan says, on the same side of the job's events and of the other deeds.

It judges the harness and the machine. A deed that came so late that it met another story than the planned one tested
something else; one that was only late is judged by its real times.
"""

from harness.deeds.acts import Deed as Planned
from harness.history import Deed, Emit
from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.laws.outcome import Law, Outcome

TOLERANCE = 0.25
"""Seconds by which a deed may be late without a question."""

ADVICE = "The machine was too busy to keep the plan: run it again alone, or on a quieter machine"


def _judge(case: Case) -> Outcome:
    outcome = Outcome()
    if not case.plan.deeds:
        outcome.skip("the plan has no deeds")
    due = sorted(case.at(emit.intended_ns) for emit in case.history.all(Emit))
    late: list[float] = []
    for record in case.history.all(Deed):
        planned = case.plan.deeds[record.deed]
        behind = case.at(record.issued_ns) - planned.at
        if abs(behind) <= TOLERANCE:
            outcome.hold()
            continue
        between = [at for at in due if planned.at < at < planned.at + behind]
        text = f"the deed at {phrases.limit(planned.at)} ({planned.actor} {planned.text}) came {_by(behind)}"
        if behind < 0 or between or _overtaken(case, planned, behind):
            crossed = f", after an event that was due at {phrases.moment(between[0])}" if between else ""
            outcome.fail(text + crossed, case.evidence(record, text), advice=ADVICE, cause="deed-late")
        else:
            late.append(behind)
    if late:
        outcome.hold(f"late: {phrases.amount(len(late), 'deed')} by up to {phrases.duration(max(late))}")
    return outcome


def _by(behind: float) -> str:
    return f"{phrases.duration(abs(behind))} {'late' if behind > 0 else 'early'}"


def _overtaken(case: Case, planned: Planned, behind: float) -> bool:
    """Whether another deed that was planned behind this one came before it."""
    passed = {deed.index for deed in case.plan.deeds if planned.at < deed.at < planned.at + behind}
    done = [record for record in case.history.all(Deed) if record.deed in passed]
    return any(case.at(record.issued_ns) < planned.at + behind for record in done)


LAW = Law(code="H4", word="in-time", judge=_judge)
