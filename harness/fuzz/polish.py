"""The second pass of shrinking, by hypothesis: several simplifications at once, which the first takes one at a time.

What is left of the example becomes a strategy: each fault kept or not, each number on a ladder from round to as it is,
the times of all moved together. hypothesis looks for what fails in that space and shrinks it to its simplest corner.
"""

import contextlib
import random
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from harness.fuzz.genotype import SETTINGS, Fault, Genotype
from harness.fuzz.shrink import Shrinker
from harness.fuzz.simpler import rounder_times, simpler_text, weight

MOST_EXAMPLES = 2_000
"""The clock ends a search before that."""


class _Enough(Exception):
    """The time is up."""


def polish(bench: Shrinker) -> Genotype:
    """Return the lightest genotype known when the bench's time is up, or when hypothesis has no simpler one."""

    def lighter(candidate: Genotype) -> bool:
        if bench.over:
            raise _Enough
        if weight(candidate) > weight(bench.best):
            return False
        return candidate == bench.best or bench.keeps(candidate)

    with warnings.catch_warnings():
        # It warns that it cannot manage trio's generator: nothing to us, `world.virtual` seeds that for each run.
        warnings.simplefilter("ignore")
        _find(bench.best, lighter)
    return bench.best


def _find(example: Genotype, holds: Callable[[Genotype], bool]) -> None:
    """Let hypothesis find and shrink what holds in the space of the example."""
    import hypothesis  # noqa: PLC0415 - 0.3 s, and only shrinking needs it
    import hypothesis.errors  # noqa: PLC0415

    settings = hypothesis.settings(
        max_examples=MOST_EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],  # `explain` takes ten times as long on 3.11
    )
    dice = random.Random(example.seed)  # noqa: S311 - repeatable, not secret
    with contextlib.suppress(_Enough, hypothesis.errors.HypothesisException):
        hypothesis.find(_space(example), holds, settings=settings, random=dice)


def _space(example: Genotype) -> Any:
    """Return the strategy of everything between the example and nothing."""
    from hypothesis import strategies as st  # noqa: PLC0415

    @st.composite
    def genotypes(draw: Any) -> Genotype:
        def chosen(ladder: Sequence[Any]) -> Any:
            return ladder[draw(st.integers(0, len(ladder) - 1))]

        sections = {}
        for section in SETTINGS:
            settings = getattr(example, section)
            kept = {key: value for key, value in settings.items() if key == "lasts" or draw(st.integers(0, 3))}
            sections[section] = {key: chosen([*simpler_text(value), value]) for key, value in kept.items()}
        first = example.faults[0].at if example.faults else 0.0
        moved = chosen([*rounder_times(first), first]) - first
        faults = []
        for fault in example.faults:
            if draw(st.integers(0, 3)):
                at = max(0.0, round(fault.at + moved, 3))
                deed = chosen([*simpler_text(fault.deed), fault.deed])
                faults.append(Fault(at=chosen([at, *rounder_times(at)]), actor=fault.actor, deed=deed))
        return example.having(**sections, faults=tuple(sorted(faults, key=lambda one: one.at)))

    return genotypes()
