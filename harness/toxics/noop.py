"""noop: hands each chunk on at once. Also the hidden first stage of every chain, and a toxic that lost its draw."""

from collections.abc import Iterable
from typing import ClassVar

from harness.toxics.toxic import DelayedChunk, StageContext, StreamChunk, Toxic


class Noop(Toxic, frozen=True):
    """A toxic that does nothing."""

    type: ClassVar[str] = "noop"

    def take(self, chunk: StreamChunk, run: StageContext) -> Iterable[DelayedChunk]:  # noqa: ARG002 - the toxics' signature
        """Hand the chunk on at once."""
        return (DelayedChunk(0.0, chunk),)
