"""limit_data: the connection is closed after so many bytes."""

from collections.abc import Iterable
from typing import ClassVar

from harness.toxics.toxic import Chunk, Run, Step, Toxic


class LimitData(Toxic, frozen=True):
    """Let exactly ``bytes`` bytes pass, then close; with 0 the first chunk closes.

    Counted per connection, from when the toxic was added; an update keeps the count, and one below the count closes
    at the next chunk.
    """

    bytes: int = 0
    type: ClassVar[str] = "limit_data"
    keeps: ClassVar[bool] = True

    def take(self, chunk: Chunk, run: Run) -> Iterable[Step]:
        """Hand on what is within the limit, and swallow the rest."""
        left = max(0, self.bytes - run.passed)
        if len(chunk.data) < left:
            return (Step(0.0, chunk),)
        close = Step(0.0, Chunk(chunk.data[left:], chunk.stamp, end=True))
        return (Step(0.0, Chunk(chunk.data[:left], chunk.stamp)), close) if left else (close,)
