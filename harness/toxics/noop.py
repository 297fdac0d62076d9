"""noop: hands each chunk on at once. Also the hidden first stage of every chain, and a toxic that lost its draw."""

from typing import ClassVar

from harness.chance import Dice
from harness.toxics.toxic import Chunk, Step, Toxic


class Noop(Toxic, frozen=True):
    """Nothing happens."""

    type: ClassVar[str] = "noop"

    def take(self, chunk: Chunk, now: float, dice: Dice) -> list[Step]:  # noqa: ARG002 - the toxics' signature
        """Hand the chunk on at once."""
        return [Step(0.0, chunk)]
