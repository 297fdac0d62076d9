"""The second pass of shrinking, by hypothesis: several simplifications at once, which the first takes one at a time.

What is left of the example becomes a strategy: each fault kept or not, each number on a ladder from round to as it is,
the times of all moved together. hypothesis looks for what fails in that space and shrinks it to its simplest corner.
"""

import contextlib
import random
import warnings
from collections.abc import Sequence
from typing import Any

from harness.fuzz.genotype import SETTINGS, Fault, Genotype
from harness.fuzz.shrink import Bench
from harness.fuzz.simpler import rounder_times, simpler_text, weight

MOST_EXAMPLES = 2_000
"""The clock ends a search before that."""


class _Enough(Exception):
    """The time is up."""


def polish(bench: Bench) -> Genotype:
    """Return the lightest genotype known when the bench's time is up, or when hypothesis has no simpler one."""
    hypothesis = _hypothesis()
    settings = hypothesis.settings(
        max_examples=MOST_EXAMPLES,
        deadline=None,
        database=None,
        derandomize=False,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],  # `explain` takes ten times as long on 3.11
    )

    def lighter(candidate: Genotype) -> bool:
        if bench.over:
            raise _Enough
        if weight(candidate) > weight(bench.best):
            return False
        return candidate == bench.best or bench.keeps(candidate)

    dice = random.Random(bench.best.seed)  # noqa: S311 - repeatable, not secret
    with contextlib.suppress(_Enough, hypothesis.errors.HypothesisException):
        hypothesis.find(_space(bench.best), lighter, settings=settings, random=dice)
    return bench.best


def _hypothesis() -> Any:
    """Import hypothesis: 0.3 s, and only shrinking needs it.

    It warns that it cannot manage trio's generator, which is nothing to us: ``world.virtual`` seeds that for each run.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import hypothesis  # noqa: PLC0415
        import hypothesis.errors  # noqa: PLC0415
    return hypothesis


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
        shift = draw(st.integers(0, 8))
        faults = []
        for fault in example.faults:
            if draw(st.integers(0, 3)):
                at = max(0.0, fault.at - (8 - shift) / 2 if shift < 8 else fault.at)
                at = chosen([*rounder_times(at), at])
                deed = chosen([*simpler_text(fault.deed), fault.deed])
                faults.append(Fault(at=round(at, 3), actor=fault.actor, deed=deed))
        return example.having(**sections, faults=tuple(sorted(faults, key=lambda one: one.at)))

    return genotypes()
