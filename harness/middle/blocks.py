"""The ends of an event stream's blocks, and the places of cuts inside one (WHATWG HTML 9.2.5: lines and blank lines).

Blocks, not events: a comment alone is a block too, and a box that waits for the next event is content with one.
"""

import re

_LINE = re.compile(rb"\r\n|\r|\n")
BOM = b"\xef\xbb\xbf"
TAIL = 4
"""Bytes before a place that tell whether a block begins there: two line ends of two bytes."""


class BlockScanner:
    """Finds the ends of blocks in a body that comes in any pieces. ``tail`` is what came last before the first."""

    def __init__(self, tail: bytes = b"") -> None:
        self.at_start = True  # a block begins with the next byte
        self._line_empty = True
        self._after_cr = False
        self.feed(tail)

    def feed(self, piece: bytes) -> list[int]:
        """Return the places in this piece just behind a blank line."""
        ends: list[int] = []
        at = 0
        for match in _LINE.finditer(piece):
            if match.start() > at:
                self._line_empty = self.at_start = self._after_cr = False
            at = match.end()
            if self._after_cr and match.group() == b"\n" and match.start() == 0:
                self._after_cr = False  # the second half of a CRLF, whose line has ended already
                continue
            if self._line_empty:
                ends.append(at)
                self.at_start = True
            self._line_empty = True
            self._after_cr = match.group() == b"\r" and at == len(piece)
        if at < len(piece):
            self._line_empty = self.at_start = self._after_cr = False
        return ends


def is_event(block: bytes) -> bool:
    """Return whether this block has data, and so dispatches something."""
    return any(line.removeprefix(BOM).partition(b":")[0] == b"data" for line in _LINE.split(block))


def cut_at(block: bytes, mid: str) -> int:
    """Return where inside a whole block the connection ends: ``id``, ``data``, ``character`` or ``event``.

    A block without such a line is cut in its data, one without a multi-byte character too.
    """
    if block.startswith(BOM):
        return len(BOM) + cut_at(block[len(BOM) :], mid)
    if mid == "event":
        return len(block) - len(_blank_line(block))
    if mid == "character" and (inside := re.search(rb"[\xc2-\xf4][\x80-\xbf]", block)):
        return inside.start() + 1
    line = (re.search(rb"(?m)(?:^|(?<=\r))id:[^\r\n]*", block) if mid == "id" else None) or re.search(
        rb"(?:^|(?<=[\r\n]))data(?=[:\r\n])[^\r\n]*", block
    )
    if line is None:
        return len(block) // 2
    colon = block.find(b":", line.start(), line.end())
    value = line.start() if colon < 0 else colon + 1
    return value + max(1, (line.end() - value) // 2)


def _blank_line(block: bytes) -> bytes:
    """Return the line end that is the blank line of a whole block."""
    lines = _LINE.findall(block)
    return lines[-1] if lines else b""
