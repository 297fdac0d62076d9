"""The exactness that the server must have, and the form in which its fault is told."""

from harness.history.records import Record
from harness.judge import phrases
from harness.judge.case import Case

LATE = 0.25
"""Seconds by which the server may be late, besides the run's own lag."""

TICK_NS = 1_000_000
"""Two clocks of the harness, float seconds and whole nanoseconds, agree to this, besides the run's own lag."""

ROUNDING_NS = 2
"""Two sums of float seconds may differ by so much once they are nanoseconds."""

ServerDeviation = tuple[str, *tuple[Record | None, ...]]
"""A sentence, and the records that show it."""


class Bounds:
    """The nanoseconds by which the server may be late, and by which a clock may say that it was early."""

    def __init__(self, case: Case) -> None:
        lag_ns = round(case.slack * 1e9)
        self.tick_ns = TICK_NS + lag_ns
        self.late_ns = round(LATE * 1e9) + lag_ns

    def in_time(self, behind_ns: int) -> bool:
        """Return whether something came neither too late nor too early."""
        return -self.tick_ns <= behind_ns <= self.late_ns


def off(by_ns: int) -> str:
    """Return ``300 ms late``, or ``early``."""
    return f"{phrases.duration(abs(by_ns) / 1e9)} {'late' if by_ns > 0 else 'early'}"
