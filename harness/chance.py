"""The seam of chance: one named random stream per consumer, all from the run's seed.

A consumer is known by its name, so a new one does not shift the draws of the others: draws are keyed by
stream and attempt, so that one more attempt does not shift the rest.
"""

import functools
import hashlib
import random


class Dice:
    """A generator that is seeded when it is first asked: that costs more than most of them are ever used for."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    @functools.cached_property
    def rng(self) -> random.Random:
        """The generator; the same seed always gives the same draws."""
        return random.Random(self.seed)  # noqa: S311 - repeatable, not secret

    def split(self, number: int) -> "Dice":
        """Return dice of their own for the ``number``-th part of whatever these are for, without a draw."""
        mixed = (self.seed + number * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF  # splitmix64's odd constant
        return Dice(mixed)


class Chance:
    """Named random streams of one run.

    >>> Chance(7).stream("backoff", "c1", 2).random() == Chance(7).stream("backoff", "c1", 2).random()
    True
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def stream(self, *name: str | int) -> random.Random:
        """Return a fresh generator for this name; the same seed and name always give the same draws."""
        return self.dice(*name).rng

    def dice(self, *name: str | int) -> Dice:
        """Return fresh dice for this name: the generator that ``stream`` gives, not made yet."""
        key = "\x1f".join([str(self.seed), *map(str, name)]).encode()
        digest = hashlib.blake2b(key, digest_size=8).digest()
        return Dice(int.from_bytes(digest, "big"))
