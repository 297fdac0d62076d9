"""What a parser finds in an event stream: three small values.

They are structs without garbage-collector tracking, because the parser makes a million of them a second.
"""

import msgspec


class Event(msgspec.Struct, frozen=True, gc=False):
    """A dispatched event. ``type`` is never empty; ``id`` is the last event ID at the moment of dispatch."""

    type: str
    data: str
    id: str


class IdChange(msgspec.Struct, frozen=True, gc=False):
    """A block without data that changed the last event ID: no event, yet the next request must carry ``id``."""

    id: str


class Retry(msgspec.Struct, frozen=True, gc=False):
    """A valid ``retry`` field, reported at its line without waiting for the block's end. ``ms`` is never negative."""

    ms: int

    @property
    def seconds(self) -> float:
        """The same, as the rest of the harness counts time."""
        return self.ms / 1000


Wire = Event | IdChange | Retry
"""Anything a parser returns, in stream order."""
