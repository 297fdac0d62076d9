"""slicer: each chunk becomes many small ones."""

from collections.abc import Iterable, Iterator
from typing import ClassVar

from harness.chance import Dice
from harness.toxics.toxic import BadToxic, DelayedChunk, StageContext, StreamChunk, Toxic


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

    def take(self, chunk: StreamChunk, run: StageContext) -> Iterable[DelayedChunk]:
        """Cut the chunk, with a pause after each piece."""
        wait = max(0, self.delay) / 1_000_000
        start, pause = 0, 0.0
        for end in self._cuts(len(chunk.data), run.dice):
            yield DelayedChunk(pause, StreamChunk(chunk.data[start:end], chunk.stamp))
            start, pause = end, wait
        if wait:
            yield DelayedChunk(wait, StreamChunk(b"", chunk.stamp))

    def _cuts(self, length: int, dice: Dice) -> Iterator[int]:
        """Return the ascending ends of the pieces; the draws come in Toxiproxy's order, left half first.

        A stack instead of recursion: with the largest variation a split may take nothing off, so depth has no bound.
        One by one, as they are asked for: to cut 32 KiB to single bytes takes 20 ms, and nothing else would run then.
        """
        open_ends, start = [length], 0
        while open_ends:
            end = open_ends[-1]
            if end - start <= self.average_size + self.size_variation:
                open_ends.pop()
                if end > start:
                    yield end
                start = end
                continue
            middle = start + (end - start) // 2
            if self.size_variation:
                middle += dice.rng.randrange(2 * self.size_variation) - self.size_variation
            if start < middle < end:  # a split that takes nothing off is drawn again
                open_ends.append(middle)
