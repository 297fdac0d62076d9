"""timeout: data vanishes, and the connection is closed once no more comes."""

import math
from collections.abc import Iterable
from typing import ClassVar

from harness.toxics.toxic import DelayedChunk, StageContext, StreamChunk, Toxic


class Timeout(Toxic, frozen=True):
    """Drop all data, and close the connection after ``timeout`` milliseconds without a chunk; 0 or less: never.

    The time runs from the start, also on an idle connection, and each dropped chunk restarts it. The end of the
    source passes at once. A removal closes every connection that is open: a peer whose bytes were dropped must not go
    on as if nothing were missing.
    """

    timeout: int = 0
    type: ClassVar[str] = "timeout"
    closes_when_removed: ClassVar[bool] = True

    def take(self, chunk: StreamChunk, run: StageContext) -> Iterable[DelayedChunk]:  # noqa: ARG002 - the toxics' signature
        """Drop the chunk."""
        return ()

    @property
    def idle_timeout(self) -> float:
        """The timeout."""
        return self.timeout / 1000 if self.timeout > 0 else math.inf
