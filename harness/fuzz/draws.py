"""The draws of the fuzzer: from one named stream of the seed, in numbers that a person would have written."""

import math
import random
from collections.abc import Sequence
from typing import TypeVar

from harness.units import spell_duration, spell_size

T = TypeVar("T")


class Draws:
    """A generator with the few questions that are asked of it."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def chance(self, share: float) -> bool:
        """Return True for this share of the draws."""
        return self._rng.random() < share

    def pick(self, items: Sequence[T]) -> T:
        """Return one of them."""
        return items[int(self._rng.random() * len(items))]

    def weighted(self, items: Sequence[tuple[T, float]]) -> T:
        """Return one of them, each as often as its weight says."""
        left = self._rng.random() * sum(weight for _, weight in items)
        for item, weight in items:
            left -= weight
            if left < 0:
                return item
        return items[-1][0]

    def count(self, least: int, most: int) -> int:
        """Return a whole number, log-uniform, ends included."""
        return min(most, int(least * math.exp(self._rng.random() * math.log((most + 1) / least))))

    def moment(self, first: float, last: float) -> float:
        """Return seconds, uniform, to the hundredth."""
        return round(first + self._rng.random() * (last - first), 2)

    def seconds(self, shortest: float, longest: float) -> float:
        """Return seconds, log-uniform: as many short ones as long ones."""
        return _written(shortest * math.exp(self._rng.random() * math.log(longest / shortest)))

    def duration(self, shortest: float, longest: float) -> str:
        """Return a token of the language, log-uniform."""
        return spell_duration(self.seconds(shortest, longest))

    def size(self, least: int, most: int) -> str:
        """Return a token of the language, log-uniform."""
        return spell_size(self.count(least, most))


def _written(seconds: float) -> float:
    """Return two digits below a second, tenths of it above, as people write them; but never nothing."""
    return max(0.01, round(seconds, 1 if seconds >= 1 else 2))
