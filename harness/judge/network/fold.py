"""The plan's deeds as they were carried out at one gate, folded: what each made of the network, and when.

Never by the model that drives the gate, which is on trial. Deeds that were not carried out (yet) count at their planned
time. Who asks gets them in order of time, each with the stretch in which it took hold: a deed between its issue and its
return, what has no record of its own (the end of a sleep, or of a lost path's grace) about the time it was due.
"""

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from harness.deeds import acts
from harness.deeds.network_state import Change, Grace, NetworkState, after, lingered, over, own_time
from harness.history import Deed
from harness.judge.case import Case
from harness.scenario.model import network_at_start

LATE = 0.05
"""Seconds, beside the run's highest lag, by which a task of the harness may do late on real sockets what was due."""

TOLERANCE = 0.25
"""Seconds by which a deed may come late; one that never came would have come by then."""


class Slack(msgspec.Struct, frozen=True):
    """How exact a run's stamps are: of what has a record, and of what was due at a time. Nanoseconds."""

    tick_ns: int
    late_ns: int


def slack(case: Case) -> Slack:
    """Return a run's slack: a millisecond in virtual time; on real sockets 3 ms and its highest lag."""
    if case.plan.world == "virtual":
        return Slack(1_000_000, 1_000_000)
    tick = 3_000_000 + round(case.slack * 1e9)
    return Slack(tick, tick + round(LATE * 1e9))


class Done(msgspec.Struct, frozen=True):
    """A deed was carried out: within these stamps, and before every record behind ``seq``."""

    issued_ns: int
    returned_ns: int
    seq: int


class Over(msgspec.Struct, frozen=True):
    """The own time of a deed is over, or it has been used up."""

    index: int


What = acts.Deed | Grace | Over


class Due(msgspec.Struct, frozen=True):
    """One thing that is done to the network, or comes of itself.

    It takes hold ``at`` this scenario second, not before ``since_ns`` and not after ``until_ns``; where it has a
    ``seq``, every record behind that one comes after it (0: no record says).
    """

    at: float
    since_ns: int
    until_ns: int
    seq: int
    what: What

    def later(self, seconds: float, what: What, slack: Slack) -> "Due":
        """Return what comes of it so many seconds later."""
        lasts_ns = round(seconds * 1e9)
        since_ns, until_ns = self.since_ns + lasts_ns - slack.tick_ns, self.until_ns + lasts_ns + slack.late_ns
        return Due(self.at + seconds, since_ns, until_ns, 0, what)


class Happened(Due, frozen=True):
    """What was due has come, and this is what it made of the network."""

    change: Change


def at_gate(records: Iterable[Deed]) -> dict[int, Done]:
    """Return when each deed was carried out for one client: its own gate's record before the shared one."""
    found: dict[int, Deed] = {}
    for record in records:
        if not record.error and (record.client or record.deed not in found):
            found[record.deed] = record
    return {index: Done(one.issued_ns, one.returned_ns, one.seq) for index, one in found.items()}


def at_all_gates(records: Iterable[Deed]) -> dict[int, Done]:
    """Return when each deed was carried out at some gate, from the first one's beginning to the last one's end."""
    found: dict[int, Done] = {}
    for record in records:
        if record.error:
            continue
        one = Done(record.issued_ns, record.returned_ns, record.seq)
        if (other := found.get(record.deed)) is not None:
            one = Done(min(other.issued_ns, one.issued_ns), max(other.returned_ns, one.returned_ns), one.seq)
        found[record.deed] = one
    return found


def fold(case: Case, done: Mapping[int, Done], spent: Mapping[int, int]) -> list[Happened]:
    """Return all that was done, in order. ``spent``: when an act that answers so many times had done so."""
    found: list[Happened] = []
    network, ties = network_at_start(case.plan), itertools.count()
    queue = [(one.at, next(ties), one) for one in _to_come(case, done, spent)]
    heapq.heapify(queue)
    while queue:
        at, _, due = heapq.heappop(queue)
        change = _change(network, due.what, at)
        network = change.state
        if change.grace is not None:
            over_then = due.later(change.grace.seconds, change.grace, slack(case))
            heapq.heappush(queue, (over_then.at, next(ties), over_then))
        found.append(Happened(due.at, due.since_ns, due.until_ns, due.seq, due.what, change))
    return found


def _change(network: NetworkState, what: What, at: float) -> Change:
    match what:
        case Grace():
            return lingered(network, what)
        case Over(index=index):
            return over(network, index)
        case _:
            return after(network, what, at)


def _to_come(case: Case, done: Mapping[int, Done], spent: Mapping[int, int]) -> Iterator[Due]:
    """Yield the deeds, and the ends of those that end by themselves."""
    for deed in case.plan.deeds:
        planned_ns = case.ns(deed.at)
        one = done.get(deed.index) or Done(planned_ns, planned_ns + round(TOLERANCE * 1e9), 0)
        issued, returned = case.at(one.issued_ns), case.at(one.returned_ns) if one.seq else deed.at
        own = own_time(deed.act)
        if own is not None and deed.undoes is None:
            # A call that returns only when it is over began when it was made.
            returns_late = returned - issued > own / 2
            begun = Due(issued if returns_late else returned, one.issued_ns, one.returned_ns, one.seq, deed)
            ends = begun.later(own, Over(deed.index), slack(case))
            yield msgspec.structs.replace(ends, at=max(ends.at, returned))
            yield begun
        else:
            yield Due(returned, one.issued_ns, one.returned_ns, one.seq, deed)
        spent_ns = spent.get(deed.index)
        if spent_ns is not None:
            yield Due(max(returned, case.at(spent_ns)), spent_ns, spent_ns, 0, Over(deed.index))
