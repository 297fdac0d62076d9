"""reset_peer: the connection is reset once something happens on it."""

from collections.abc import Iterable
from typing import ClassVar

from harness.toxics.toxic import DelayedChunk, StageContext, StreamChunk, Toxic


class ResetPeer(Toxic, frozen=True):
    """Reset both sides ``timeout`` milliseconds after the first chunk, or the end of the source; that chunk is lost.

    An idle connection is never reset. Differently from Toxiproxy 2.12: connections that are open already get an RST as
    well (there: FIN); where the draw of ``toxicity`` is lost, closes stay FIN (there: RST, its issue #603); and the
    wait can be interrupted: an update restarts it, a removal lets the chunk pass (there: a removal waits).
    """

    timeout: int = 0
    type: ClassVar[str] = "reset_peer"
    keeps: ClassVar[bool] = True
    resets: ClassVar[bool] = True

    def take(self, chunk: StreamChunk, run: StageContext) -> Iterable[DelayedChunk]:  # noqa: ARG002 - the toxics' signature
        """Swallow the chunk, and close."""
        return (DelayedChunk(self.end_wait, StreamChunk(chunk.data, chunk.stamp, end=True)),)

    @property
    def end_wait(self) -> float:
        """The timeout; a negative one is none."""
        return max(0, self.timeout) / 1000
