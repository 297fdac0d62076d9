"""The plan's deeds as they were carried out at one gate, folded: what each made of the network, and when.

Never by the model that drives the gate, which is on trial. Deeds that were not carried out (yet) count at their planned
time. Who asks gets them in order of time, each with the stretch in which it took hold: a deed between its issue and its
return, what has no record of its own (the end of a sleep, or of a lost path's grace) about the time it was due.
"""

import math
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from harness.deeds import acts
from harness.deeds.catalogue import effect_of
from harness.deeds.network_state import Fold, Grace, Passed, StateChange
from harness.history import DeedDone
from harness.judge.case import Case
from harness.scenario.model import network_at_start

LATE = 0.05
"""Seconds, beside the run's highest lag, by which a task of the harness may do late on real sockets what was due."""

TOLERANCE = 0.25
"""Seconds by which a deed may come late; a deed that never came would have come by then."""


class Slack(msgspec.Struct, frozen=True):
    """The exactness of a run's stamps: of what has a record, and of what was due at a time. Nanoseconds."""

    tick_ns: int
    late_ns: int


def slack(case: Case) -> Slack:
    """Return a run's slack: a millisecond in virtual time; on real sockets 3 ms and its highest lag."""
    if case.plan.world == "virtual":
        return Slack(1_000_000, 1_000_000)
    tick = 3_000_000 + round(case.slack * 1e9)
    return Slack(tick, tick + round(LATE * 1e9))


class CarriedOut(msgspec.Struct, frozen=True):
    """A deed was carried out: within these stamps, and before every record behind ``seq``."""

    issued_ns: int
    returned_ns: int
    seq: int


class Expired(msgspec.Struct, frozen=True):
    """The own time of a deed is over, or it has been used up."""

    index: int


What = acts.Deed | Grace | Expired


class ScheduledChange(msgspec.Struct, frozen=True):
    """One thing that is done to the network, or comes of itself.

    It takes hold ``at`` this scenario second, not before ``since_ns`` and not after ``until_ns``; where it has a
    ``seq``, every record behind that one comes after it (0: no record says).
    """

    at: float
    since_ns: int
    until_ns: int
    seq: int
    what: What

    def later(self, seconds: float, what: What, slack: Slack) -> "ScheduledChange":
        """Return what comes of it so many seconds later."""
        lasts_ns = round(seconds * 1e9)
        since_ns, until_ns = self.since_ns + lasts_ns - slack.tick_ns, self.until_ns + lasts_ns + slack.late_ns
        return ScheduledChange(self.at + seconds, since_ns, until_ns, 0, what)

    def made(self, change: StateChange) -> "Happened":
        """Return it with what it made of the network."""
        return Happened(self.at, self.since_ns, self.until_ns, self.seq, self.what, change)


class Happened(ScheduledChange, frozen=True):
    """A due change that has come, with the network as it then was."""

    change: StateChange


def at_gate(records: Iterable[DeedDone]) -> dict[int, CarriedOut]:
    """Return when each deed was carried out for one client: its own gate's record before the shared one."""
    found: dict[int, DeedDone] = {}
    for record in records:
        if not record.error and (record.client or record.deed not in found):
            found[record.deed] = record
    return {index: CarriedOut(one.issued_ns, one.returned_ns, one.seq) for index, one in found.items()}


def at_all_gates(records: Iterable[DeedDone]) -> dict[int, CarriedOut]:
    """Return when each deed was carried out at some gate, from the first one's beginning to the last one's end."""
    found: dict[int, CarriedOut] = {}
    for record in records:
        if record.error:
            continue
        one = CarriedOut(record.issued_ns, record.returned_ns, record.seq)
        if (other := found.get(record.deed)) is not None:
            one = CarriedOut(min(other.issued_ns, one.issued_ns), max(other.returned_ns, one.returned_ns), one.seq)
        found[record.deed] = one
    return found


def fold(
    case: Case, deeds: Iterable[acts.Deed], done: Mapping[int, CarriedOut], spent: Mapping[int, int]
) -> list[Happened]:
    """Return these deeds and all that comes of them, in order of time; one that was not ``done`` as it was planned.

    ``spent``: when an act that answers so many times had done so.
    """
    found: list[Happened] = []
    told, begun = Fold(network_at_start(case.plan)), dict[int, ScheduledChange]()

    def pass_to(at: float) -> None:
        for passed in told.pass_to(at):
            due = _of_itself(passed, begun[passed.deed.index], slack(case))
            found.append(due.made(passed.change))

    for due in sorted(_to_come(case, deeds, done, spent), key=lambda due: due.at):
        pass_to(due.at)
        if isinstance(due.what, acts.Deed):
            begun[due.what.index] = due
            change = told.do(due.what, due.at, until=_until(case, due))
        else:
            assert isinstance(due.what, Expired)
            change = told.take_back(due.what.index)
        found.append(due.made(change))
    pass_to(math.inf)
    return found


def _of_itself(passed: Passed, begun: ScheduledChange, slack: Slack) -> ScheduledChange:
    """Return what came of a deed by itself."""
    grace = passed.grace
    if grace is not None:
        return begun.later(grace.seconds, grace, slack)
    due = begun.later(effect_of(passed.deed.act).seconds or 0.0, Expired(passed.deed.index), slack)
    return msgspec.structs.replace(due, at=passed.at)


def _until(case: Case, due: ScheduledChange) -> float | None:
    """Return when the own time of a deed is over: not before its call has returned."""
    own = effect_of(due.what.act).seconds if isinstance(due.what, acts.Deed) else None
    return max(due.at + own, case.at(due.until_ns)) if own and due.seq else None


def _to_come(
    case: Case, deeds: Iterable[acts.Deed], done: Mapping[int, CarriedOut], spent: Mapping[int, int]
) -> Iterator[ScheduledChange]:
    """Yield the deeds, and the ends of those that are used up."""
    for deed in deeds:
        planned_ns = case.ns(deed.at)
        one = done.get(deed.index) or CarriedOut(planned_ns, planned_ns + round(TOLERANCE * 1e9), 0)
        issued, returned = case.at(one.issued_ns), case.at(one.returned_ns) if one.seq else deed.at
        own = effect_of(deed.act).seconds
        # A call that returns only when it is over began when it was made.
        at = issued if own and returned - issued > own / 2 else returned
        yield ScheduledChange(at, one.issued_ns, one.returned_ns, one.seq, deed)
        spent_ns = spent.get(deed.index)
        if spent_ns is not None:
            yield ScheduledChange(max(returned, case.at(spent_ns)), spent_ns, spent_ns, 0, Expired(deed.index))
