"""Clients that read the bytes of a stream wrongly: parsers with one fault each, and how a client comes by one."""

import re
from collections.abc import Iterable

from harness.clients.decisions import Decisions
from harness.sse.events import Event, Wire
from harness.sse.parser import Parser
from harness.sse.policy import Policies
from harness.sse.session import Session

BUFFER = 1024
"""Bytes that ``FillsBuffer`` reads at a time: the default of a client that did."""

_BLANK_LINES = re.compile(rb"\n{2,}")


class ParsesWith(Decisions):
    """Reads each connection with a parser of this ``kind``."""

    def __init__(self, policies: Policies, kind: type[Parser]) -> None:
        super().__init__(policies)
        self._kind = kind

    def parser(self, session: Session) -> Parser:
        """Return a new one."""
        return self._kind(last_event_id=session.last_event_id, max_event=self.policies.max_event)


class GluesConnections(Decisions):
    """Reads all connections with one parser: what the end of one cut off is glued to the beginning of the next."""

    _kept: Parser | None = None

    def parser(self, session: Session) -> Parser:
        """Return the one of the first connection."""
        self._kept = self._kept or super().parser(session)
        return self._kept


class DispatchesAtEof(Decisions):
    """Takes the end of a connection for the end of the event that it cut short."""

    def left_over(self, parser: Parser) -> list[Wire]:
        """Dispatch what there is of it."""
        return parser.feed(b"\n\n")


class OneEventLate(Parser):
    """Finds the end of an event only as the next one comes."""

    _late: tuple[Wire, ...] = ()

    def feed(self, data: bytes) -> list[Wire]:
        """Keep the last of what is complete."""
        found = [*self._late, *super().feed(data)]
        self._late = tuple(found[-1:])
        return found[:-1]


class FillsBuffer(Parser):
    """Looks at the bytes when ``BUFFER`` of them are there."""

    _waiting = b""

    def feed(self, data: bytes) -> list[Wire]:
        """Take full buffers only."""
        self._waiting += data
        full = len(self._waiting) // BUFFER * BUFFER
        data, self._waiting = self._waiting[:full], self._waiting[full:]
        return super().feed(data)


class SplitsCrlf(Parser):
    """Counts a CRLF that two reads share as two line ends."""

    def feed(self, data: bytes) -> list[Wire]:
        """Forget that the last byte was a CR."""
        self._skip_lf = False
        return super().feed(data)


class WithholdsCr(Parser):
    """Keeps a CR back until the next byte has told whether it is a CRLF, though the line has ended either way."""

    _cr = b""

    def feed(self, data: bytes) -> list[Wire]:
        """Keep a CR that comes last."""
        data = self._cr + data
        self._cr = b"\r" if data.endswith(b"\r") else b""
        return super().feed(data.removesuffix(self._cr))


class DecodesChunks(Parser):
    """Decodes each read by itself: a character that two reads share comes out as U+FFFD, several times."""

    def feed(self, data: bytes) -> list[Wire]:
        """Lose what is not whole."""
        return super().feed(data.decode("utf-8", "replace").encode())


class SplitsOnUnicode(Parser):
    """Takes for a line end whatever ``str.splitlines`` does: U+2028, U+0085, form feeds."""

    def _parsed(self, blocks: str) -> list[Wire]:
        return super()._parsed("\n".join(blocks.splitlines()) + "\n")


class ShowsPhantoms(Parser):
    """Dispatches a block without data where there is an id from before, such as a keep-alive comment.

    Its type is that of updates, as for an app with one handler for all: events of other types are not shown.
    """

    def _read(self, lines: Iterable[str], found: list[Wire]) -> None:
        before = len(found)
        super()._read(lines, found)
        if len(found) == before and self.last_event_id:
            found.append(Event("processing", "", self.last_event_id, has_id=False))


class DropsRemainder(Parser):
    """Takes each read for whole events: what one leaves unended is not there any more as the next one comes."""

    def feed(self, data: bytes) -> list[Wire]:
        """Forget what is pending."""
        found = super().feed(data)
        self._held.clear()
        self._line = 0
        return found


class DropsBlankLines(Parser):
    """Reads lines with a function that leaves out empty ones, and so never sees the end of an event."""

    _ended = False

    def feed(self, data: bytes) -> list[Wire]:
        """Leave them out, also where two reads share one."""
        if self._ended:
            data = data.lstrip(b"\n")
        self._ended = data.endswith(b"\n") if data else self._ended
        return super().feed(_BLANK_LINES.sub(b"\n", data))


class MisnumbersBursts(Parser):
    """Looks up an event's id as it hands it on: those that came in one read all have the last one's."""

    def feed(self, data: bytes) -> list[Wire]:
        """Give all the newest id."""
        return [
            Event(wire.type, wire.data, self.last_event_id, wire.has_id) if isinstance(wire, Event) else wire
            for wire in super().feed(data)
        ]
