"""limit_data: the connection is closed after so many bytes."""

from collections.abc import Iterable
from typing import ClassVar

from harness.toxics.toxic import DelayedChunk, StageContext, StreamChunk, Toxic


class LimitData(Toxic, frozen=True):
    """Let exactly ``bytes`` bytes pass, then close; with 0 the first chunk closes.

    Counted per connection, from when the toxic was added; an update keeps the count, and one below the count closes
    at the next chunk.
    """

    bytes: int = 0
    type: ClassVar[str] = "limit_data"
    keeps: ClassVar[bool] = True

    def take(self, chunk: StreamChunk, run: StageContext) -> Iterable[DelayedChunk]:
        """Hand on what is within the limit, and swallow the rest."""
        left = max(0, self.bytes - run.passed)
        if len(chunk.data) < left:
            return (DelayedChunk(0.0, chunk),)
        close = DelayedChunk(0.0, StreamChunk(chunk.data[left:], chunk.stamp, end=True))
        return (DelayedChunk(0.0, StreamChunk(chunk.data[:left], chunk.stamp)), close) if left else (close,)
