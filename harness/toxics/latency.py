"""latency: every chunk leaves later, pipelined and in order."""

from collections.abc import Iterable
from typing import ClassVar

from harness.toxics.toxic import DelayedChunk, StageContext, StreamChunk, Toxic


class Latency(Toxic, frozen=True):
    """Delay each chunk by ``latency`` ± ``jitter`` milliseconds after it was read.

    The jitter is a whole number of milliseconds, drawn uniformly from [-jitter, jitter - 1] per chunk. Nothing
    reorders: a chunk is taken only when the one before it has left.
    """

    latency: int = 0
    jitter: int = 0
    type: ClassVar[str] = "latency"
    buffer: ClassVar[int] = 1024

    def take(self, chunk: StreamChunk, run: StageContext) -> Iterable[DelayedChunk]:
        """Hold the chunk to its stamp plus the delay, and move the stamp by that delay."""
        delay_ms = self.latency
        if self.jitter > 0:
            delay_ms += run.dice.rng.randrange(2 * self.jitter) - self.jitter
        leave = chunk.stamp + max(0, delay_ms) / 1000
        return (DelayedChunk(max(0.0, leave - run.now), StreamChunk(chunk.data, leave)),)
