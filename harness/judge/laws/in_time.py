"""H4, in time: each deed came when the plan says, on the same side of the job's events, deadlines and other deeds.

It judges the harness and the machine. A deed that met another story than the planned one, an event before it instead of
behind it, tested something else; one that was only late is judged by its real times. Facts nearer than the run's slack
have no order, where the deed was in time; where it was late, facts that came in one turn of the scheduler have none.
What a deed meets while it is carried out, gate by gate, may be on either side of it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from operator import attrgetter

import msgspec

from harness.deeds.acts import Deed as Planned
from harness.history import DeedDone, Emit
from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.facts.deeds import TOLERANCE, slack
from harness.judge.facts.endings import deadlines
from harness.judge.facts.weather import made
from harness.judge.laws.findings import Law, LawFindings

TURN_NS = 3_000_000
"""Nanoseconds within which what is overdue comes in any order."""

ADVICE = "The machine was too busy to keep the plan: run it again alone, or on a quieter machine"


class TimedFact(msgspec.Struct, frozen=True):
    """An event of a client's job, or a deadline of the client: when it was due, and when it came."""

    due_ns: int
    came_ns: int
    what: str


def lateness(case: Case) -> Mapping[int, float]:
    """Return by how many seconds each deed that was late came behind its plan, by its index; at the last gate."""
    return case.once(_lateness)


def late(behind: Mapping[int, float]) -> str:
    """Return ``late: 1 deed by 310 ms``; empty where none was."""
    if not behind:
        return ""
    by = "by" if len(behind) == 1 else "by up to"
    return f"late: {phrases.amount(len(behind), 'deed')} {by} {phrases.duration(max(behind.values()))}"


def _lateness(case: Case) -> Mapping[int, float]:
    found: dict[int, float] = {}
    for record in case.history.all(DeedDone):
        behind = case.at(record.issued_ns) - case.plan.deeds[record.deed].at
        if behind > TOLERANCE:
            found[record.deed] = max(behind, found.get(record.deed, 0.0))
    return found


def _judge(case: Case) -> LawFindings:
    outcome = LawFindings()
    if not (case.plan.deeds or any(one.record is not None for one in made(case))):
        outcome.skip("the plan has no deeds, and no weather came")  # what should have come is for H3
    facts = {client.name: _facts(client) for client in case.clients}
    facts[""] = sorted((fact for one in facts.values() for fact in one), key=attrgetter("due_ns"))
    begun: dict[int, int] = {}
    for record in case.history.all(DeedDone):
        begun.setdefault(record.deed, record.issued_ns)
    for record in case.history.all(DeedDone):
        planned = case.plan.deeds[record.deed]
        behind = case.at(record.issued_ns) - planned.at
        crossed = ""
        if behind > TOLERANCE or record.issued_ns == begun[record.deed]:
            tick_ns = TURN_NS if behind > TOLERANCE else slack(case).tick_ns
            crossed = _crossed(case, record, facts.get(record.client, []), tick_ns)
            crossed = crossed or _overtaken(case, planned, record, begun, tick_ns)
        if behind >= -TOLERANCE and not crossed:
            outcome.hold()
            continue
        text = f"the deed at {phrases.limit(planned.at)} ({planned.actor} {planned.text}) came {_by(behind)}{crossed}"
        outcome.fail(text, case.evidence(record, text), advice=ADVICE, cause="deed-late")
    weather = _weather(case, begun, outcome)
    if lateness(case) or weather:
        outcome.hold("; ".join(filter(None, [late(lateness(case)), weather])))
    return outcome


def _weather(case: Case, begun: Mapping[int, int], outcome: LawFindings) -> str:
    """Hold the order of a path's weather among the deeds on this path; return how much of it was late."""
    came: dict[str, list[TimedFact]] = {}
    for index, issued_ns in begun.items():
        deed = case.plan.deeds[index]
        came.setdefault(deed.actor, []).append(TimedFact(case.ns(deed.at), issued_ns, f"{deed.actor} {deed.text}"))
    behind: list[float] = []
    for one in made(case):
        if one.record is None:
            continue
        path, due_ns, at_ns = one.planned.path, case.ns(one.planned.at), one.record.t_ns
        said = f"the {one.record.what} of {path} at {phrases.limit(one.planned.at)}"
        if (at_ns - due_ns) / 1e9 > TOLERANCE:
            behind.append((at_ns - due_ns) / 1e9)
            others = came.get(path, [])
            met = next((o for o in others if o.due_ns > due_ns + TURN_NS and o.came_ns < at_ns - TURN_NS), None)
            if met is not None:
                text = f"{said} came {_by(behind[-1])}, after {met.what} that was due behind it"
                outcome.fail(text, case.evidence(one.record, text), advice=ADVICE, cause="deed-late")
        outcome.hold()
    return (
        f"late: {phrases.amount(len(behind), 'change')} of weather by up to {phrases.duration(max(behind))}"
        if behind
        else ""
    )


def _by(behind: float) -> str:
    return f"{phrases.duration(abs(behind))} {'late' if behind > 0 else 'early'}"


def _facts(client: ClientCase) -> list[TimedFact]:
    emits = client.case.grouped(Emit, "job")
    found = [TimedFact(one.intended_ns, one.actual_ns, "an event") for job in client.jobs for one in emits.get(job, [])]
    found += [TimedFact(at_ns, at_ns, f"a deadline of {client.called}") for at_ns in deadlines(client)]
    return sorted(found, key=attrgetter("due_ns"))


def _crossed(case: Case, record: DeedDone, facts: list[TimedFact], tick_ns: int) -> str:
    """Name the first fact that was due behind a deed, and came before it."""
    due: Callable[[TimedFact], int] = attrgetter("due_ns")
    first = bisect_right(facts, case.ns(case.plan.deeds[record.deed].at) + tick_ns, key=due)
    last = bisect_left(facts, record.issued_ns - tick_ns, key=due)
    met = next((fact for fact in facts[first:last] if fact.came_ns < record.issued_ns - tick_ns), None)
    return f", after {met.what} that was due at {phrases.moment(case.at(met.due_ns))}" if met is not None else ""


def _overtaken(case: Case, planned: Planned, record: DeedDone, begun: Mapping[int, int], tick_ns: int) -> str:
    """Name another deed that was planned behind this one, and came before it."""
    before_ns = record.issued_ns - tick_ns
    for index, issued_ns in begun.items():
        other = case.plan.deeds[index]
        if issued_ns < before_ns and other.at > planned.at + tick_ns / 1e9:
            return f", after the one at {phrases.limit(other.at)} ({other.actor} {other.text})"
    return ""


LAW = Law(
    code="H4",
    word="in-time",
    title="The deeds came when the plan says",
    priority=2,
    judge=_judge,
    says="Each deed was issued within 250 ms of its time. One that came later is judged by its real time, unless "
    "it came on another side of an event, of a deadline of the client or of another deed than planned: then "
    "the run is void, since it tested another story. A run on real sockets that is void for this alone is "
    "made once more, with no other beside it.",
    breaks=("This law judges the machine, not the client: see `harness doctor`, and run with fewer jobs (-j).",),
)
