"""The seam of chance: one named random stream per consumer, all from the run's seed.

A consumer is known by its name, so a new one does not shift the draws of the others (laws.md, section 4: draws are
keyed by stream and attempt, so that one more attempt does not shift the rest).
"""

import hashlib
import random


class Chance:
    """Named random streams of one run.

    >>> Chance(7).stream("backoff", "c1", 2).random() == Chance(7).stream("backoff", "c1", 2).random()
    True
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def stream(self, *name: str | int) -> random.Random:
        """Return a fresh generator for this name; the same seed and name always give the same draws."""
        key = "\x1f".join([str(self.seed), *map(str, name)]).encode()
        digest = hashlib.blake2b(key, digest_size=8).digest()
        return random.Random(int.from_bytes(digest, "big"))  # noqa: S311 - repeatable, not secret
