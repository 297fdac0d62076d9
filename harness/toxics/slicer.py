"""slicer: each chunk becomes many small ones."""

import itertools
from typing import ClassVar

from harness.chance import Dice
from harness.toxics.toxic import BadToxic, Chunk, Step, Toxic


class Slicer(Toxic, frozen=True):
    """Halve chunks until no piece is larger than ``average_size`` + ``size_variation`` bytes.

    Each split point moves by up to ± ``size_variation``. After each piece, also the last, comes a wait of ``delay``
    microseconds.
    """

    average_size: int = 0
    size_variation: int = 0
    delay: int = 0
    type: ClassVar[str] = "slicer"

    def check(self) -> None:
        """Refuse sizes with which halving would never end, or would cut outside the chunk."""
        if self.average_size < 1:
            raise BadToxic(f"slicer average_size: expected at least 1 byte, got {self.average_size}")
        if not 0 <= self.size_variation <= self.average_size:
            raise BadToxic(
                f"slicer size_variation: expected 0 to average_size ({self.average_size}), got {self.size_variation}"
            )

    def take(self, chunk: Chunk, now: float, dice: Dice) -> list[Step]:  # noqa: ARG002 - the toxics' signature
        """Cut the chunk, with a pause after each piece."""
        wait = max(0, self.delay) / 1_000_000
        cuts = self._cuts(len(chunk.data), dice)
        pieces = [Chunk(chunk.data[start:end], chunk.stamp) for start, end in itertools.pairwise(cuts)]
        steps = [Step(wait if at else 0.0, piece) for at, piece in enumerate(pieces)]
        if wait:
            steps.append(Step(wait, Chunk(b"", chunk.stamp)))
        return steps

    def _cuts(self, length: int, dice: Dice) -> list[int]:
        """Return the ascending cut points from 0 to ``length``; the draws come in Toxiproxy's order, left half first.

        A stack instead of recursion: with the largest variation a split may take nothing off, so depth has no bound.
        """
        cuts, open_ends, start = [0], [length], 0
        while open_ends:
            end = open_ends[-1]
            if end - start <= self.average_size + self.size_variation:
                open_ends.pop()
                if end > start:
                    cuts.append(end)
                start = end
                continue
            middle = start + (end - start) // 2
            if self.size_variation:
                middle += dice.rng.randrange(2 * self.size_variation) - self.size_variation
            if start < middle < end:  # a split that takes nothing off is drawn again
                open_ends.append(middle)
        return cuts
