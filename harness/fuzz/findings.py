"""The findings of a search so far, in bounded memory: a count, a few seeds and the smallest example of each group."""

from collections import Counter

import msgspec

from harness.fuzz.coverage import Cells
from harness.fuzz.tasks import Shrunk
from harness.fuzz.trial import OWN, TrialFailure, Tried

SHOWN = 10
"""Seeds of a group that are remembered."""


class FailureGroup(msgspec.Struct, kw_only=True):
    """Failures of one law and one cause. ``example`` is the seed with the fewest faults, of these the first."""

    failure: TrialFailure
    example: int
    faults: int
    count: int = 0
    seeds: list[int] = []
    small: Shrunk | None = None
    file: str = ""
    real: str = ""
    """The result of the small example on real sockets: fails too, passes, fails otherwise; empty where not tried."""

    def add(self, tried: Tried, failure: TrialFailure) -> None:
        """Count one more, whatever the order in which the seeds come."""
        self.count += 1
        self.seeds = sorted([*self.seeds, tried.seed])[:SHOWN]
        if (tried.faults, tried.seed) < (self.faults, self.example):
            self.failure, self.example, self.faults = failure, tried.seed, tried.faults


class Findings:
    """The groups, and what was exercised to find them."""

    def __init__(self) -> None:
        self.groups: dict[str, FailureGroup] = {}
        self.cells: Cells = Counter()
        self.tried = 0
        self.failing = 0

    def add(self, tried: Tried) -> None:
        """Take in what came of one seed."""
        self.tried += 1
        self.failing += bool(tried.failures)
        for deed, state, count in tried.cells:
            self.cells[deed, state] += count
        for failure in tried.failures:
            group = self.groups.get(failure.key)
            if group is None:
                group = FailureGroup(failure=failure, example=tried.seed, faults=tried.faults)
                self.groups[failure.key] = group
            group.add(tried, failure)

    @property
    def ranked(self) -> list[FailureGroup]:
        """The groups: laws that the client broke before the harness's own failures, the most frequent first."""

        def rank(group: FailureGroup) -> tuple[int, int, str]:
            law = group.failure.law
            return OWN.index(law) + 1 if law in OWN else 0, -group.count, group.failure.key

        return sorted(self.groups.values(), key=rank)
