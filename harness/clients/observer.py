"""Everything of a client that can be observed. The client never looks at what an observer does."""

from dataclasses import dataclass


@dataclass(kw_only=True)
class AttemptReport:
    """The course of one attempt at the stream, from its dial to its end.

    ``how``: eof, error, refused, unreachable, timeout (connect deadline), watchdog, suspect, status, wrong-type,
    too-big, signal, done, closed, cancelled. ``opened``: 200 and ``text/event-stream``. ``events`` counts what was
    dispatched, ``fresh`` those not seen before. ``retry_after`` and ``server_retry`` are seconds asked for by the
    server. ``spoke``: the connection came about, so that a failure is not the network's alone.
    """

    n: int
    how: str = "cancelled"
    detail: str = ""
    status: int = 0
    spoke: bool = False
    opened: bool = False
    fresh: int = 0
    events: int = 0
    bytes: int = 0
    retry_after: float | None = None
    server_retry: float | None = None
    began: float = 0.0  # of trio's clock
    opened_at: float = 0.0


class Observer:
    """Subclass it and override what you care for; every method does nothing here. They must be quick and not raise."""

    def attempt_began(self, n: int, cause: str, wait: float, last_event_id: str) -> None:
        """Learn that a dial for the stream begins.

        ``cause``: start, ended, failed, signal, refreshed, retry-after, server-retry, or probe (while polling).
        """

    def attempt_ended(self, report: AttemptReport) -> None:
        """Learn that the attempt is over and its connection closed."""

    def block(self, attempt: int, event_id: str, *, event: bool) -> None:
        """Learn that a block of the stream was complete: it moved the id, or it was an event."""

    def status(self, word: str, attempt: int) -> None:
        """Learn that the client calls itself connecting, connected, reconnecting, polling or closed."""

    def gap(self, reason: str, event_id: str, *, healed: bool) -> None:
        """Events are missing for good, or (``healed``) a snapshot has covered them."""

    def absorbed(self, event_id: str, why: str) -> None:
        """Learn that an event was kept from the app: repeat, late, coalesced."""

    def adopted(self, event_id: str) -> None:
        """Learn that a snapshot's cursor became the client's."""

    def results(self, job: str, status: int, body: bytes, *, whole: bool, detail: str) -> None:
        """Learn that a transfer of results ended."""
