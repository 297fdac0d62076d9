"""The server's answers on one flow, as they come from the path: each head, and where each message ends.

A reader per answer, of h11's client role, which has been told the method and so knows where the answer ends. The body
of an event stream is not h11's: whoever asks follows it, and comes back behind it.
"""

import functools
from collections.abc import Callable

import h11

from harness.middle.asking import Exchange
from harness.middle.heads import LONGEST_HEAD

_NOTHING_MORE = h11.EndOfMessage()


@functools.lru_cache(maxsize=16)
def _question(method: bytes) -> h11.Request:
    """Return any request of this method. To make one costs h11 more than to send it."""
    return h11.Request(method=method, target=b"/", headers=[(b"host", b"any")])


class ResponseReader:
    """Reads one answer. ``heard`` is told its head, and how many bytes of the last ``feed`` belong to it.

    It returns whether the body is its own to follow (an event stream's).
    """

    def __init__(self, exchange: Exchange, heard: Callable[[h11.Response, int], bool]) -> None:
        self._heard = heard
        self._reader = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
        self._reader.send(_question(exchange.method))
        self._reader.send(_NOTHING_MORE)

    def feed(self, data: bytes) -> tuple[int, bool]:
        """Return how many bytes are this reader's, and whether it is done with them: its answer, or its head, ended.

        Raises h11's protocol errors for what is no HTTP.
        """
        self._reader.receive_data(data)
        while (event := self._reader.next_event()) is not h11.NEED_DATA:
            used = len(data) - len(self._reader.trailing_data[0])
            if isinstance(event, h11.Response):
                if self._heard(event, used):
                    return used, True
            elif isinstance(event, h11.EndOfMessage):
                return used, True
            elif isinstance(event, h11.InformationalResponse) and event.status_code != 101:
                continue
            elif not isinstance(event, h11.Data):
                raise h11.RemoteProtocolError(f"no HTTP from here on: {event!r}")
        return len(data), False
