"""The demand of one row on a client: by when an act was due, and when it came."""

import math
from collections.abc import Iterable, Iterator

import msgspec

from harness.history.records import Record
from harness.judge.case import Case, ClientCase
from harness.judge.facts.network_timeline import NetworkTimeline
from harness.judge.facts.radio import end_came_ns
from harness.judge.facts.snapshots import delivered_states
from harness.judge.obligations.rows import EARLY, LATE, ObligationRow


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """One act, due from ``low`` to ``high``, in scenario seconds; it came at ``came``, infinity: never.

    ``record`` made it due. ``what`` is the sentence's subject, ``act`` what was to be done: ``a dial`` ``to be given
    up``. ``declared``: the bound is a policy's; else it is what stands for a policy that is declared as never.
    """

    row: ObligationRow
    record: Record
    what: str
    act: str
    low: float
    high: float
    came: float = math.inf
    declared: bool = True

    def late(self, case: Case) -> bool:
        """Return whether it came too late, or never though the run went on beyond its time.

        A callback that blocks its client holds everything up for as long as it is declared to take.
        """
        over = self.high + LATE + case.slack + case.plan.client.policies.handler_takes
        return over < min(self.came, case.end, case.horizon)

    def early(self, case: Case) -> bool:
        """Return whether it came too soon."""
        return self.came < self.low - EARLY - case.slack

    def sentence(self) -> str:
        """Return what was due by which row, and what came."""
        at = f"{self.came:.2f} s"
        if self.came < self.low:
            return f"{self.row.called}: {self.what} was {self.act} from {self.low:.2f} s on, and was at {at}"
        came = f"and was at {at}" if math.isfinite(self.came) else "and never was"
        return f"{self.row.called}: {self.what} was {self.act} by {self.high:.2f} s, {came}"


def late_ones(client: ClientCase, found: Iterable[Due]) -> Iterator[Due]:
    """Yield those that came too late by a policy that was declared."""
    return (one for one in found if one.declared and one.late(client.case))


def over_at(client: ClientCase) -> float:
    """Return when the job's end was at a client's radio, or its app was told an end, in scenario seconds.

    Infinity where neither was. A busy app is told later than its client knows.
    """
    return client.once(_over_at)


def answered_at(client: ClientCase) -> float:
    """Return when a status answer, or its app, was told an end: who rests a stream may not know what that brings."""
    return client.once(_answered_at)


def _over_at(client: ClientCase) -> float:
    came = end_came_ns(client)
    return min(answered_at(client), client.case.at_or_never(came))


def _answered_at(client: ClientCase) -> float:
    ends = {event.position for event in client.truth.events if event.terminal}
    came = [app.enter_ns for app in client.screen.ends]
    came += [state.at_ns for state in delivered_states(client) if state.position in ends]
    return client.case.at(min(came)) if came else math.inf


def awake_until(client: ClientCase, since: float, seconds: float) -> float:
    """Return when a client's patience of so many seconds has run out at the latest, in scenario seconds.

    Time asleep does not count. A client may also restart its count when its device wakes.
    """
    due = since + seconds
    for begun, woke in client.once(NetworkTimeline).asleep:
        if since < woke and begun <= due:
            due = max(due, woke + seconds)
    return due
