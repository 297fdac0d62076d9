"""slow_close: the end of the source comes later."""

from collections.abc import Iterable
from typing import ClassVar

from harness.toxics.toxic import DelayedChunk, StageContext, StreamChunk, Toxic


class SlowClose(Toxic, frozen=True):
    """Let data pass, and hold the end of the source back for ``delay`` milliseconds.

    An update restarts the delay, a removal ends it. It holds back only the end of its own direction: the other end
    of the connection, where its peer closes first, is closed as soon as that is known.
    """

    delay: int = 0
    type: ClassVar[str] = "slow_close"

    def take(self, chunk: StreamChunk, run: StageContext) -> Iterable[DelayedChunk]:  # noqa: ARG002 - the toxics' signature
        """Hand the chunk on at once."""
        return (DelayedChunk(0.0, chunk),)

    @property
    def end_wait(self) -> float:
        """The delay; a negative one is none."""
        return max(0, self.delay) / 1000
