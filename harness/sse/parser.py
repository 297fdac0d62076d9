r"""The event stream parser of WHATWG HTML 9.2.6, for the bytes of one connection in any slicing.

The work is left to C. Line ends are made LF as the bytes arrive, so a block ends at ``\n\n`` and nowhere else; a search
that covers only what is new finds it. A CR that ends a chunk counts at once, and an LF that then starts the next chunk
is dropped, so nothing waits for more bytes. One regular expression takes a block of the commonest shape apart (id,
event and one line of data), by itself where a chunk completes no other, else among all that it completes; every other
block is read line by line.

Decoding whole blocks instead of the whole stream is sound: LF and CR are never part of a longer UTF-8 sequence, so a
broken character ends with its line at the latest.

What a line settles by itself is settled when it ends: ``retry`` fields are reported, comments dropped. So a stream of
keep-alive comments holds no memory, and only lines that wait for their block count towards its size.
"""

import re
import sys
from collections.abc import Iterable, Iterator

from harness.errors import PeerError
from harness.sse.digits import read_digits
from harness.sse.events import Event, IdChange, Retry, Wire

_BOM = b"\xef\xbb\xbf"

# As numbers: CPython finds a number in bytes at once, but tries a byte string as a number first, and fails slowly.
_LF, _CR = 10, 13

_EARLY = frozenset(b"\n:r")
"""First bytes of the lines that take effect before their block ends: a blank line, a comment, ``retry``."""

# The commonest shape: type, id before or after it, one line of data. An empty id resets the buffer and an empty type is
# the default: neither fits, so that "absent" and "empty" are told apart elsewhere. Possessive, so a block that does not
# fit is given up at once.
_COMMON = (
    r"(?:id: ?+([^\n\0]++)\n)?+"
    r"(?:event: ?+([^\n]++)\n)?+"
    r"(?:id: ?+([^\n\0]++)\n)?+"
    r"data: ?+([^\n]*+)\n\n"
)
_ONE = re.compile(_COMMON).fullmatch
_BLOCKS = re.compile(_COMMON + r"|((?:[^\n]++\n)*+\n)").findall  # one match a block, whatever its shape

# Lines of at least this many characters are found faster by a search than by the expression.
_LONG = 1_000


class EventTooBig(PeerError):
    """A block, or a single line, outgrew the parser's limit. The parser is finished; the connection should be dropped.

    ``limit`` is the limit and ``size`` what had come since the block's start, both in bytes; ``before`` is what
    the same call to ``feed`` completed before the offending block, in stream order: it is still to be dispatched.
    """

    def __init__(self, limit: int, size: int, before: tuple[Wire, ...]) -> None:
        super().__init__(
            f"expected events of at most {limit} bytes, but the server sent one that passes it (so far {size} bytes); "
            "raise `max event` if its events are this large"
        )
        self.limit = limit
        self.size = size
        self.before = before


class Parser:
    """The parser of one connection: ``feed`` it what arrives, and drop it at the end of the stream.

    A block that the end of the stream cuts short is never dispatched, so there is nothing to call at EOF.
    """

    def __init__(self, *, last_event_id: str = "", max_event: int | None = 1_000_000) -> None:
        self._last_event_id = last_event_id
        self._limit = sys.maxsize if max_event is None else max_event
        self._held = bytearray()  # the pending block's lines, and the line not ended yet
        self._line = 0  # where in it the first line starts that has not been looked at
        self._head: bytes | None = b""  # a possible beginning of the BOM; None once the stream has begun
        self._skip_lf = False  # the last byte was a CR: an LF right after it belongs to the same line end
        self._special = True  # one of: the stream has not begun, an LF may be skipped, the parser is finished
        self._error: EventTooBig | None = None

    @property
    def last_event_id(self) -> str:
        """The last event ID as of the last completed block: what a reconnection has to send."""
        return self._last_event_id

    def feed(self, data: bytes) -> list[Wire]:
        """Take the next bytes, and return what they complete.

        Raises ``EventTooBig`` where a block or line passes the limit, and again on every later call.
        """
        held = self._held
        if _CR in data or self._special:
            data = self._prepared(data)
        if _LF not in data:  # nothing ends here, whatever is pending
            held += data
            if len(held) > self._limit:
                self._check(held)
            return []
        if held:
            seam = len(held)
            held += data
            if len(held) > self._limit:
                self._check(held)
            stop = held.find(_LF, seam) + 1
            if held[self._line] not in _EARLY and held.find(_LF, stop) < 0:
                self._line = stop  # one line ended, and it waits for its block
                return []
            end = held.rfind(b"\n\n", seam - 1) + 2
            if end == 1:
                return self._settled([])
            self._line = 0
            blocks = held[:end].decode("utf-8", "replace")
            del held[:end]
        else:
            if len(data) > self._limit:
                self._check(data)
            end = data.rfind(b"\n\n") + 2
            if end == len(data):
                return self._parsed(data.decode("utf-8", "replace"))
            if end == 1:
                held += data
                return self._settled([])
            blocks = data[:end].decode("utf-8", "replace")
            held += data[end:]
        found = self._parsed(blocks)
        return self._settled(found) if _LF in held else found

    def _prepared(self, data: bytes) -> bytes:
        """Return the bytes with LF as their only line end, and without the stream's leading BOM."""
        if self._error is not None:
            raise EventTooBig(self._error.limit, self._error.size, ())
        if self._head is not None:
            data = self._head + data
            if len(data) < len(_BOM) and _BOM.startswith(data):
                self._head = data
                return b""
            self._head = None
            data = data.removeprefix(_BOM)
        if self._skip_lf and data:
            data = data.removeprefix(b"\n")
            self._skip_lf = False
        if _CR in data:
            self._skip_lf = data[-1] == _CR
            ended = self._skip_lf or data[-1] == _LF
            data = b"\n".join(data.splitlines()) + b"\n" * ended  # bytes split at CR, LF and CRLF only
        self._special = self._skip_lf
        return data

    def _parsed(self, blocks: str) -> list[Wire]:
        """Read complete blocks."""
        if len(blocks) <= _LONG and (one := _ONE(blocks)):
            id_before, kind, id_after, value = one.groups()
            if last_id := id_after or id_before:
                self._last_event_id = last_id
                return [Event(kind or "message", value, last_id)]
            return [Event(kind or "message", value, self._last_event_id, False)]
        found: list[Wire] = []
        if len(blocks) > _LONG:
            middle = len(blocks) // 2  # as good a place as any to see how long the lines are
            if blocks.find("\n", middle) > middle + _LONG:
                self._read(_long_lines(blocks), found)
                return found
        add = found.append
        last_id = self._last_event_id
        for id_before, kind, id_after, value, other in _BLOCKS(blocks):
            if other:
                if other != "\n":
                    self._last_event_id = last_id
                    self._read(other[:-1].split("\n"), found)
                    last_id = self._last_event_id
            elif id_before or id_after:
                last_id = id_after or id_before
                add(Event(kind or "message", value, last_id))
            else:
                add(Event(kind or "message", value, last_id, False))
        self._last_event_id = last_id
        return found

    def _read(self, lines: Iterable[str], found: list[Wire]) -> None:
        """Read the lines of complete blocks, of any shape: WHATWG HTML 9.2.6 as it is written."""
        data: list[str] = []
        kind, has_id = "", False
        last_id = self._last_event_id
        for line in lines:
            if not line:
                if data:
                    found.append(Event(kind or "message", "\n".join(data), last_id, has_id))
                elif last_id != self._last_event_id:
                    found.append(IdChange(last_id))
                self._last_event_id = last_id
                data.clear()
                kind, has_id = "", False
                continue
            name, _, value = line.partition(":")  # a comment has the name "", which is as unknown as any other
            if value[:1] == " ":
                value = value[1:]
            if name == "data":
                data.append(value)
            elif name == "event":
                kind = value
            elif name == "id":
                if "\0" not in value:
                    last_id, has_id = value, True
            elif name == "retry":
                _add_retry(value, found)

    def _settled(self, found: list[Wire]) -> list[Wire]:
        """Take out of the pending block the lines that need not wait for its end."""
        held = self._held
        line = self._line
        while (stop := held.find(_LF, line) + 1) and held[line] not in _EARLY:
            line = stop
        if stop:
            stop = held.rfind(_LF) + 1
            kept = b"".join(
                text
                for text in bytes(held[line:stop]).splitlines(keepends=True)
                # A blank line here comes before the block's first field.
                if text[0] not in b"\n:" and not _is_retry(text[:-1], found)
            )
            held[line:stop] = kept
            line += len(kept)
        self._line = line
        return found

    def _check(self, region: bytes | bytearray) -> None:
        """Raise if any block in these bytes passes the limit, wherever the chunks were cut."""
        start = at = kept = 0  # the block, the line, and the bytes of the block's lines so far that have to be held
        *lines, unended = bytes(region).split(b"\n")
        for line in lines:
            if kept + len(line) > self._limit:
                break
            at += len(line) + 1
            if not line:
                start, kept = at, 0
            elif not line.startswith(b":") and not _is_retry(line, []):
                kept += len(line) + 1
                if kept > self._limit:
                    break
        else:
            if kept + len(unended) <= self._limit:
                return
        before = self._parsed(region[:start].decode("utf-8", "replace"))
        for early in bytes(region[start:at]).split(b"\n"):
            _is_retry(early, before)
        size = len(region) - start
        self._held.clear()
        self._special = True
        self._error = EventTooBig(self._limit, size, tuple(before))
        raise self._error


def _long_lines(blocks: str) -> Iterator[str]:
    start = 0
    while (stop := blocks.find("\n", start)) >= 0:
        yield blocks[start:stop]
        start = stop + 1


def _is_retry(line: bytes, found: list[Wire]) -> bool:
    """Is this a ``retry`` field? If its value is valid it is added to ``found``."""
    if line[:5] != b"retry":
        return False
    name, _, value = line.partition(b":")
    if name != b"retry":
        return False
    _add_retry(value.removeprefix(b" ").decode("utf-8", "replace"), found)
    return True


def _add_retry(value: str, found: list[Wire]) -> None:
    """Add what a ``retry`` field means, which is nothing unless its value consists of ASCII digits only."""
    ms = read_digits(value)
    if ms is not None:
        found.append(Retry(ms))
