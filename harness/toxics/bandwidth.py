"""bandwidth: store and forward at a rate. A rate of 0 is a stall that loses nothing."""

import math
from collections.abc import Iterable
from typing import ClassVar

from harness.toxics.toxic import BadToxic, DelayedChunk, StageContext, StreamChunk, Toxic

PIECE_SECONDS = 0.1  # what takes longer than this is sent in pieces of this length


class Bandwidth(Toxic, frozen=True):
    """Send n bytes n/``rate`` milliseconds after they were taken; ``rate`` is in KB/s, and a KB is 1000 bytes.

    Chunks of more than 100 ms are cut to pieces, one per 100 ms. Idle time earns no credit.
    """

    rate: int = 0
    type: ClassVar[str] = "bandwidth"

    def check(self) -> None:
        """Refuse a negative rate."""
        if self.rate < 0:
            raise BadToxic(f"bandwidth rate: expected 0 (a stall) or more KB/s, got {self.rate}")

    def take(self, chunk: StreamChunk, run: StageContext) -> Iterable[DelayedChunk]:  # noqa: ARG002 - the toxics' signature
        """Cut the chunk to pieces, each with the time that it takes on the wire."""
        if self.rate == 0:
            yield DelayedChunk(math.inf, chunk)
            return
        data, piece = chunk.data, self.rate * 100
        last = max(0, math.ceil(len(data) / piece) - 1) * piece
        for start in range(0, last, piece):
            yield DelayedChunk(PIECE_SECONDS, StreamChunk(data[start : start + piece], chunk.stamp))
        yield DelayedChunk((len(data) - last) / (self.rate * 1000), StreamChunk(data[last:], chunk.stamp))
