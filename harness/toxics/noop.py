"""noop: hands each chunk on at once. Also the hidden first stage of every chain, and a toxic that lost its draw."""

from collections.abc import Iterable
from typing import ClassVar

from harness.toxics.toxic import Chunk, Run, Step, Toxic


class Noop(Toxic, frozen=True):
    """Nothing happens."""

    type: ClassVar[str] = "noop"

    def take(self, chunk: Chunk, run: Run) -> Iterable[Step]:  # noqa: ARG002 - the toxics' signature
        """Hand the chunk on at once."""
        return (Step(0.0, chunk),)
