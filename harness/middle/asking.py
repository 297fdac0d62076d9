"""The requests of one flow, as they are heard from the client: each head's facts, and where each message lies.

Each message has an h11 connection of its own, of the server's role; so keep-alive and pipelining need no bookkeeping
but the offsets.
"""

import re
from collections.abc import Callable

import h11
import msgspec

from harness.middle.heads import LONGEST_HEAD, headers_of
from harness.middle.replies import Reply

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_BEGINNING = re.compile(rb"\A%s(?:\Z| [^ \r\n]*+(?:\Z| (?:[HTP/0-9.]*\r?\Z|HTTP/[0-9]\.[0-9]\r?\n)))" % _TOKEN)
"""A request line (RFC 9112, 3), or as much of one as has come."""


class Exchange(msgspec.Struct, eq=False):
    """One request and its answer.

    ``head`` and ``end`` are offsets in what the client sent: behind the head, and behind the last byte, if known.
    """

    rid: int
    method: bytes
    what: str
    closes: bool  # the connection cannot carry another request behind this one
    cursor: str = ""  # the last event ID that it carried
    head: int = 0
    end: int | None = None
    kept: bool = False  # its bytes are not the server's
    reply: Reply | None = None  # a box's, in the server's place
    begun: bool = False  # the head of its answer has come


class RequestReader:
    """Reads what a client sends. ``asked`` makes the exchange of a head; all are then handed to ``exchanges``."""

    def __init__(
        self, asked: Callable[[h11.Request, dict[str, str]], Exchange], exchanges: Callable[[Exchange], None]
    ) -> None:
        self._asked = asked
        self._hand_on = exchanges
        self._reader: h11.Connection | None = None
        self._current: Exchange | None = None
        self._read = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises h11's protocol errors for what is no HTTP."""
        self._read += len(data)
        while data:
            if self._reader is None:
                self._reader = h11.Connection(h11.SERVER, max_incomplete_event_size=LONGEST_HEAD)
            self._reader.receive_data(data)
            data = self._follow(self._reader)

    def _follow(self, reader: h11.Connection) -> bytes:
        """Read on; return what lies behind the message's end, if that has come."""
        while (event := reader.next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.Request):
                self._current = self._asked(event, headers_of(event.headers))
                self._current.head = self._read - len(reader.trailing_data[0])
                self._hand_on(self._current)
            elif isinstance(event, h11.EndOfMessage):
                rest, _ = reader.trailing_data
                assert self._current is not None
                self._current.end = self._read - len(rest)
                self._reader = self._current = None
                return bytes(rest)
            elif not isinstance(event, h11.Data):
                raise h11.RemoteProtocolError(f"no HTTP from here on: {event!r}")
        if self._current is None and not _BEGINNING.match(reader.trailing_data[0]):
            raise h11.RemoteProtocolError("expected a request line")  # h11 would wait for a blank line
        return b""
