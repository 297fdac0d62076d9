"""The state that outlives a connection: the last event ID and the reconnection time (WHATWG HTML 9.2.2)."""

import re

from harness.sse.events import Retry, Wire

# RFC 9110, 5.5. An id may hold anything but NUL and line ends; one that no header can carry is not sent, since a
# request that can never be written would be tried for ever. An empty one means no header (WHATWG HTML 9.2.3).
_LEGAL = re.compile(rb"[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?").fullmatch


class Session:
    """The cursor and the reconnection time of one event source, over all its connections.

    ``last_event_id`` is what the next request carries. ``reconnection_time`` is in seconds, exactly as the server's
    last valid ``retry`` gave it; ``None`` until there was one (the first value is the client's own choice).
    """

    def __init__(self, last_event_id: str = "", reconnection_time: float | None = None) -> None:
        self.last_event_id = last_event_id
        self.reconnection_time = reconnection_time

    def note(self, wire: Wire) -> None:
        """Remember what a parser returned. To be called for each item, in order, when it is dispatched."""
        if isinstance(wire, Retry):
            self.reconnection_time = wire.seconds
        else:
            self.last_event_id = wire.id


def header_value(text: str) -> bytes | None:
    """Return the value of a header, in UTF-8; ``None`` where none can carry it (RFC 9110, 5.5)."""
    try:
        value = text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return None
    return value if not value or _LEGAL(value) else None


def cursor_header(cursor: str) -> bytes | None:
    """Return the value of ``Last-Event-ID``; ``None`` where the header must be absent, or cannot be sent."""
    return header_value(cursor) or None
