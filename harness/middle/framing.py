"""The place of a response's body among its bytes on the wire (RFC 9112, 6 and 7.1), followed without copying it.

h11 would do for heads and short bodies; an event stream is followed here because its pieces must be found at their
places in the raw bytes, and because a quiet look at each chunk's size line is all a transparent stage can afford.
"""

import enum
from collections.abc import Mapping

LONGEST_LINE = 4096
"""Bytes of a chunk's size line or of a trailer line, before the framing counts as broken."""

_END = b"\r\n"
_SHORT_LINE = 20

Spans = list[tuple[int, int]]
"""Where body bytes lie in one read: from, to."""


class FramingError(Exception):
    """The peer's chunks are no chunks: where the response ends cannot be known."""


class _At(enum.Enum):
    SIZE = enum.auto()
    DATA = enum.auto()
    DATA_END = enum.auto()
    TRAILER = enum.auto()
    CLOSE = enum.auto()  # the body ends with the connection
    OVER = enum.auto()


class Framing:
    """Follows one body. ``headers`` are the response's, by lower-case name; a ``bodiless`` response has no body."""

    def __init__(self, headers: Mapping[str, str], *, bodiless: bool = False) -> None:
        self._line = b""
        self._left = 0
        self._error: FramingError | None = None
        if bodiless:
            self._at = _At.OVER
            self._chunked = False
        elif "chunked" in headers.get("transfer-encoding", "").lower():
            self._at = _At.SIZE
            self._chunked = True
        elif "content-length" in headers:
            self._left = int(headers["content-length"])
            self._at = _At.DATA if self._left else _At.OVER
            self._chunked = False
        else:
            self._at = _At.CLOSE
            self._chunked = False

    @property
    def over(self) -> bool:
        """True if the body has ended."""
        return self._at is _At.OVER

    @property
    def until_close(self) -> bool:
        """True if only the end of its connection ends the body."""
        return self._at is _At.CLOSE

    def follow(self, data: bytes) -> tuple[Spans, int]:
        """Return where the body lies in the next bytes, and how many of them belong to this response.

        Raises ``FramingError`` at the line that is wrong: what comes before it in the same bytes is returned first.
        """
        if self._error is not None:
            raise self._error
        spans: Spans = []
        at = 0
        while at < len(data) and self._at is not _At.OVER:
            if self._at is _At.DATA:
                to = min(len(data), at + self._left)
                spans.append((at, to))
                self._left -= to - at
                at = to
                if not self._left:
                    self._at = _At.DATA_END if self._chunked else _At.OVER
            elif self._at is _At.CLOSE:
                spans.append((at, len(data)))
                at = len(data)
            elif (chunk := self._whole_chunk(data, at)) is not None:
                spans.append(chunk)
                at = chunk[1] + len(_END)
            else:
                try:
                    at = self._read_line(data, at)
                except FramingError as error:
                    self._error = error
                    if not at:
                        raise
                    break
        return spans, at

    def _whole_chunk(self, data: bytes, at: int) -> tuple[int, int] | None:
        """Return where the data of a chunk lies that begins at ``at`` and ends in these bytes: the commonest case.

        None for what is not plainly that, which is then read line by line.
        """
        if self._at is not _At.SIZE or self._line:
            return None
        start = data.find(b"\n", at, at + _SHORT_LINE) + 1
        try:
            size = int(data[at:start], 16)
        except ValueError:
            return None
        stop = start + size
        return (start, stop) if size > 0 and data[stop : stop + len(_END)] == _END else None

    def _read_line(self, data: bytes, at: int) -> int:
        """Take bytes of the line of framing at ``at``, and act on it once it is whole."""
        end = data.find(b"\n", at)
        to = len(data) if end < 0 else end + 1
        self._line += data[at:to]
        if len(self._line) > LONGEST_LINE:
            raise FramingError(f"a line of framing longer than {LONGEST_LINE} bytes")
        if end >= 0:
            line, self._line = self._line.rstrip(b"\r\n"), b""
            self._end_line(line)
        return to

    def _end_line(self, line: bytes) -> None:
        if self._at is _At.SIZE:
            digits = line.partition(b";")[0].strip()
            try:
                self._left = int(digits, 16)
            except ValueError:
                self._left = -1
            if self._left < 0:
                raise FramingError(f"expected a chunk's size, got {line[:40]!r}")
            self._at = _At.DATA if self._left else _At.TRAILER
        elif self._at is _At.DATA_END:
            if line:
                raise FramingError(f"expected the end of a chunk, got {line[:40]!r}")
            self._at = _At.SIZE
        elif not line:
            self._at = _At.OVER
