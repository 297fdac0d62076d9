"""Clients that know one way of writing an event stream, where servers in the field have others."""

import re
from collections.abc import Iterable, Iterator

from harness.clients.attempt import EVENT_STREAM
from harness.clients.decisions import Decisions
from harness.sse.events import Event, IdChange, Wire
from harness.sse.parser import Parser
from harness.sse.response import ResponseVerdict

_WITHOUT_SPACE = re.compile(r"^data:(?! )[^\n]*\n", re.MULTILINE)


class RefusesParameters(Decisions):
    """Takes a content type with parameters, or in other letters, for another content type."""

    def judge(self, status: int, content_type: str | None, *, token_refreshed: bool) -> ResponseVerdict:
        """Compare the header as a whole."""
        kind = content_type if content_type == EVENT_STREAM else "application/octet-stream"
        return super().judge(status, kind, token_refreshed=token_refreshed)


class KeepsBom(Parser):
    """Reads a BOM as a part of the first line, whose field then has an unknown name."""

    def __init__(self, *, last_event_id: str = "", max_event: int | None = 1_000_000) -> None:
        super().__init__(last_event_id=last_event_id, max_event=max_event)
        self._head = None


class NeedsSpace(Parser):
    """Sees no ``data`` that has no space behind its colon."""

    def _parsed(self, blocks: str) -> list[Wire]:
        return super()._parsed(_WITHOUT_SPACE.sub("", blocks))


class BlanksId(Parser):
    """Forgets the last event ID at an event that has none."""

    def _parsed(self, blocks: str) -> list[Wire]:
        return [
            Event(wire.type, wire.data, "", has_id=False) if isinstance(wire, Event) and not wire.has_id else wire
            for wire in super()._parsed(blocks)
        ]


class SkipsIdBlocks(Parser):
    """Overlooks a block without data, its id too."""

    def _parsed(self, blocks: str) -> list[Wire]:
        before = self._last_event_id
        found = super()._parsed(blocks)
        if any(isinstance(wire, IdChange) for wire in found):
            events = [wire for wire in found if isinstance(wire, Event)]
            self._last_event_id = events[-1].id if events else before
        return [wire for wire in found if not isinstance(wire, IdChange)]


class LosesLateIds(Parser):
    """Takes an event as it was when its data came: an id behind that is lost."""

    def _read(self, lines: Iterable[str], found: list[Wire]) -> None:
        super()._read(_without_late_ids(lines), found)

    def _parsed(self, blocks: str) -> list[Wire]:
        found: list[Wire] = []
        self._read(blocks.split("\n")[:-1], found)
        return found


def _without_late_ids(lines: Iterable[str]) -> Iterator[str]:
    told = False
    for line in lines:
        name = line.partition(":")[0]
        told = bool(line) and (told or name == "data")
        if not (told and name == "id"):
            yield line


class EndsAtLf(Parser):
    r"""Finds the end of an event at ``\n\n`` and nowhere else, and the end of a line at LF."""

    _waiting = b""

    def feed(self, data: bytes) -> list[Wire]:
        """Take each CR for a character like any other."""
        self._waiting += data
        end = self._waiting.rfind(b"\n\n") + 2
        if end == 1:
            return []
        blocks, self._waiting = self._waiting[:end], self._waiting[end:]
        return self._parsed(blocks.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace"))


class DiscardsCr(Parser):
    """Leaves out each CR, also where it ends a line by itself."""

    def feed(self, data: bytes) -> list[Wire]:
        """Glue what a CR parts."""
        return super().feed(data.replace(b"\r", b""))
