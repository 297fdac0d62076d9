"""The three values that a parser finds in an event stream.

They are structs without garbage-collector tracking, because the parser makes a million of them a second.
"""

import msgspec


class Event(msgspec.Struct, frozen=True, gc=False, eq=False):
    """A dispatched event. ``type`` is never empty; ``id`` is the last event ID at the moment of dispatch.

    ``has_id``: the block said it, so it is this event's own; else it is that of an event before. Two events are equal
    without it: it tells how the id came to be, not what an app is told.
    """

    type: str
    data: str
    id: str
    has_id: bool = True

    def __eq__(self, other: object) -> bool:
        """Compare what an app is told."""
        if not isinstance(other, Event):
            return NotImplemented
        return (self.type, self.data, self.id) == (other.type, other.data, other.id)

    def __hash__(self) -> int:
        """Return one number for equal events."""
        return hash((self.type, self.data, self.id))


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
