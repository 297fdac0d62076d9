"""The heads of the server's answers on one flow, as they come from the path, and whether a body follows.

A reader per head, of h11's client role. Bodies are not h11's: their bytes must be found at their places on the wire.
"""

import functools

import h11

from harness.middle.heads import LONGEST_HEAD

_NOTHING_MORE = h11.EndOfMessage()
_BODILESS = (204, 304)


@functools.lru_cache(maxsize=16)
def _question(method: bytes) -> h11.Request:
    """Return any request of this method. To make one costs h11 more than to send it."""
    return h11.Request(method=method, target=b"/", headers=[(b"host", b"any")])


class HeadReader:
    """Reads the head of one answer to a request of this method."""

    def __init__(self, method: bytes) -> None:
        self._reader = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
        self._reader.send(_question(method))
        self._reader.send(_NOTHING_MORE)

    def feed(self, data: bytes) -> tuple[int, h11.Response | None]:
        """Return how many of these bytes belong to the head, and the head once it is whole. It is done then.

        Raises h11's protocol errors for what is no HTTP.
        """
        self._reader.receive_data(data)
        while (event := self._reader.next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.Response):
                return len(data) - len(self._reader.trailing_data[0]), event
            if not isinstance(event, h11.InformationalResponse) or event.status_code == 101:
                raise h11.RemoteProtocolError(f"no HTTP from here on: {event!r}")
        return len(data), None


def bodiless(method: bytes, status: int) -> bool:
    """Return whether an answer has no body, whatever its head says (RFC 9112, 6.3)."""
    return method == b"HEAD" or status in _BODILESS or (method == b"CONNECT" and status < 300)
