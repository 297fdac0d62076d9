"""Shrinking: from a genotype that fails to a small one that fails in the same way.

Faults are left out first, halves, then one by one, then in pairs (a fault and what heals it go together); then
settings; then numbers become round. Each candidate must still be sensible: it compiles, and a client could have come
to the end of it.
"""

from collections.abc import Callable, Iterator
from itertools import combinations

import msgspec

from harness.errors import ScenarioError
from harness.fuzz.genotype import SETTINGS, Genotype
from harness.fuzz.healing import gives_time, lacking
from harness.fuzz.simpler import rounder_durations, rounder_times, simpler_text, weight, with_fault, without
from harness.scenario import Plan

Fails = Callable[[Plan], bool]
"""A test that returns whether a plan still fails as the first one did."""

MOST_PAIRED = 8
"""Faults of which pairs are tried: 28 of them."""

_PLAIN_PATH = "wifi"
_NEEDED = "lasts"


class Shrinker:
    """Tries candidates and keeps the lightest that fails. ``now`` is a clock in seconds; no try begins past the end."""

    def __init__(
        self, first: Genotype, fails: Fails, *, now: Callable[[], float], seconds: float, **plan: object
    ) -> None:
        self.best = first
        self.tries = 0
        self._fails = fails
        self._now = now
        self._until = now() + seconds
        self._options = plan
        self._seen: set[bytes] = set()

    @property
    def over(self) -> bool:
        """True if the time is up."""
        return self._now() >= self._until

    def extend(self, seconds: float) -> None:
        """Go on for so many seconds from now."""
        self._until = self._now() + seconds

    def keeps(self, candidate: Genotype) -> bool:
        """Try a candidate that is lighter than the best; True if it fails too, and so is the best now."""
        if self.over or weight(candidate) >= weight(self.best) or not self.still_fails(candidate):
            return False
        self.best = candidate
        return True

    def still_fails(self, candidate: Genotype) -> bool:
        """Return whether a candidate is sensible and fails in the same way. Each is tried once."""
        key = msgspec.json.encode(candidate)
        if key in self._seen:
            return False
        self._seen.add(key)
        try:
            plan = candidate.plan(**self._options)  # type: ignore[arg-type]
        except ScenarioError:
            return False
        if lacking(plan) or not gives_time(plan):
            return False
        self.tries += 1
        return self._fails(plan)


def shrink(bench: Shrinker) -> Genotype:
    """Return the lightest genotype that was found in the bench's time."""
    before = None
    while before != weight(bench.best) and not bench.over:
        before = weight(bench.best)
        _fewer_faults(bench)
        for candidates in (_fewer_settings, _plainer_paths, _rounder):
            _exhaust(bench, candidates)
    return bench.best


def _exhaust(bench: Shrinker, candidates: Callable[[Genotype], Iterator[Genotype]]) -> None:
    """Take the first candidate that is kept, until none is."""
    while any(bench.keeps(candidate) for candidate in candidates(bench.best)):
        pass


def _fewer_faults(bench: Shrinker) -> None:
    size = max(1, len(bench.best.faults) // 2)
    while size:
        _exhaust(bench, lambda genotype, size=size: _without_runs(genotype, size))  # type: ignore[misc]
        size //= 2
    _exhaust(bench, _without_pairs)


def _without_runs(genotype: Genotype, size: int) -> Iterator[Genotype]:
    count = len(genotype.faults)
    for first in range(count - size, -1, -1):
        yield without(genotype, *range(first, first + size))


def _without_pairs(genotype: Genotype) -> Iterator[Genotype]:
    if len(genotype.faults) <= MOST_PAIRED:
        for pair in combinations(range(len(genotype.faults)), 2):
            yield without(genotype, *pair)


def _fewer_settings(genotype: Genotype) -> Iterator[Genotype]:
    for section in SETTINGS:
        settings = getattr(genotype, section)
        yield genotype.having(**{section: {key: value for key, value in settings.items() if key == _NEEDED}})
    for section in SETTINGS:
        settings = getattr(genotype, section)
        for gone in settings:
            yield genotype.having(**{section: {key: value for key, value in settings.items() if key != gone}})


def _plainer_paths(genotype: Genotype) -> Iterator[Genotype]:
    spoken = " ".join(f"{fault.actor} {fault.deed}" for fault in (*genotype.kept, *genotype.faults)).split()
    for name in genotype.paths:
        if name not in spoken and len(genotype.paths) > 1:
            yield genotype.having(paths={other: value for other, value in genotype.paths.items() if other != name})
    for name, profile in genotype.paths.items():
        if profile != _PLAIN_PATH:
            yield genotype.having(paths={**genotype.paths, name: _PLAIN_PATH})


def _rounder(genotype: Genotype) -> Iterator[Genotype]:
    for place, fault in enumerate(genotype.faults):
        for deed in simpler_text(fault.deed):
            yield with_fault(genotype, place, deed=deed)
        for at in rounder_times(fault.at):
            yield with_fault(genotype, place, at=at)
    for section in SETTINGS:
        settings = getattr(genotype, section)
        for key, value in settings.items():
            texts = rounder_durations(value) if key == _NEEDED else simpler_text(value)
            for text in texts:
                yield genotype.having(**{section: {**settings, key: text}})
