"""Staleness: what the user feels.

At t it is t minus the intended emission of the oldest due state newer than what the screen shows, else zero. The
accepted job is state 0, and what never comes is censored at the horizon (where the run was cut short, at its end). As a
series it is a saw: ramps of slope one, and zero between them.
"""

import msgspec

from harness.judge.case import ClientCase
from harness.judge.facts.truth import ACCEPTED


class StalenessRamp(msgspec.Struct, frozen=True):
    """Staleness grows from ``low`` to ``high`` seconds between two scenario times, with slope one."""

    start: float
    end: float
    low: float
    high: float


class Staleness(msgspec.Struct, frozen=True):
    """One client's series, from the job's acceptance to its end on the screen, in scenario seconds."""

    start: float
    end: float
    ramps: list[StalenessRamp]
    censored: bool

    @property
    def highest(self) -> float:
        """The worst of it, in seconds."""
        return max((ramp.high for ramp in self.ramps), default=0.0)

    def quantile(self, numerator: int, denominator: int) -> float:
        """Return the least staleness that is not exceeded for this share of the time."""
        total = self.end - self.start
        left = total * (denominator - numerator) / denominator  # how long it may be exceeded
        # From the highest value down: as many ramps as cross a level, so much time passes for each second of descent.
        turns = [(ramp.high, 1) for ramp in self.ramps] + [(ramp.low, -1) for ramp in self.ramps]
        crossing, level = 0, self.highest
        for value, turn in sorted(turns, reverse=True):
            passed = crossing * (level - value)
            if crossing and passed > left:
                return level - left / crossing
            left -= passed
            level = value
            crossing += turn
        return 0.0


def staleness(client: ClientCase) -> Staleness | None:
    """Return a client's staleness; None where no job was accepted."""
    return client.once(_staleness)


def _staleness(client: ClientCase) -> Staleness | None:
    case, truth, screen = client.case, client.truth, client.screen
    if truth.accepted_ns is None:
        return None
    limit_ns = case.end_ns if case.cut_short else max(case.end_ns, case.ns(case.horizon))
    last = truth.events[-1].position if truth.events else ACCEPTED
    complete = screen.newest >= last
    end_ns = screen.advances[-1][0] if complete and screen.advances else limit_ns
    ramps: list[StalenessRamp] = []
    since, shown = truth.accepted_ns, ACCEPTED
    for at_ns, position in [*screen.advances, (end_ns, last)]:
        waiting = truth.after(shown)
        if waiting is not None and max(since, waiting.intended_ns) < at_ns:
            start = max(since, waiting.intended_ns)
            ramps.append(
                StalenessRamp(
                    case.at(start),
                    case.at(at_ns),
                    (start - waiting.intended_ns) / 1e9,
                    (at_ns - waiting.intended_ns) / 1e9,
                )
            )
        since, shown = at_ns, max(shown, position)
    return Staleness(case.at(truth.accepted_ns), case.at(end_ns), ramps, not complete)
