"""The encoder of events into bytes of an event stream: the parser's counterpart (WHATWG HTML 9.2.5, the grammar)."""

import enum
import re
from collections.abc import Iterable

_BREAK = re.compile(r"\r\n|\r|\n")

LF, CR, CRLF = b"\n", b"\r", b"\r\n"


class LineEnds(enum.StrEnum):
    """The line ends that a server writes. ``mixed`` varies from line to line, always the same way for the same text."""

    LF = "lf"
    CR = "cr"
    CRLF = "crlf"
    MIXED = "mixed"


# In this order a CR is never followed by an LF, which together would be one line end instead of a line and a blank one.
_CYCLES = {
    LineEnds.LF: (LF,),
    LineEnds.CR: (CR,),
    LineEnds.CRLF: (CRLF,),
    LineEnds.MIXED: (LF, CR, CRLF),
}


def encode(
    type: str = "message",  # noqa: A002 - the standard's word
    data: str | None = "",
    id: str | None = None,  # noqa: A002 - the standard's word
    *,
    line_end: bytes | LineEnds = LF,
) -> bytes:
    """Return one block, ended by its blank line.

    ``data`` of several lines becomes several fields (CR and CRLF in it arrive as LF); ``None`` writes no data, so that
    nothing is dispatched. ``id`` of ``None`` writes no id, so that the earlier one persists; ``""`` resets it.
    Raises ``ValueError`` for what an event stream cannot express.
    """
    lines = []
    if id is not None:
        if re.search("[\0\r\n]", id):
            raise ValueError(f"expected an id without NUL, CR and LF, which no event stream can carry; got {id!r}")
        lines.append(f"id: {id}")
    if _BREAK.search(type):
        raise ValueError(f"expected a type without CR and LF, which no event stream can carry; got {type!r}")
    if type not in {"", "message"}:
        lines.append(f"event: {type}")
    if data is not None:
        lines += [f"data: {line}" for line in _BREAK.split(data)]
    return encode_lines(lines, line_end=line_end)


def encode_comment(text: str = "", *, line_end: bytes | LineEnds = LF) -> bytes:
    """Return comment lines and a blank line, the usual keep-alive. To be written between blocks only."""
    return encode_lines([f": {line}" if line else ":" for line in _BREAK.split(text)], line_end=line_end)


def encode_retry(ms: int, *, line_end: bytes | LineEnds = LF) -> bytes:
    """Return a ``retry`` field and a blank line. To be written between blocks only."""
    if ms < 0:
        raise ValueError(f"expected a reconnection time of at least 0 ms, got {ms!r}")
    return encode_lines([f"retry: {ms}"], line_end=line_end)


def encode_lines(lines: Iterable[str], *, line_end: bytes | LineEnds = LF) -> bytes:
    """Return these lines, which have no line ends, as one block: for servers that write fields in a way of their own.

    Raises ``ValueError`` for text that UTF-8 cannot carry.
    """
    text = "\n".join([*lines, "", ""])
    try:
        blob = text.encode()
    except UnicodeEncodeError as error:
        lone = error.object[error.start : error.end]
        raise ValueError(f"expected text that UTF-8 can carry, got the lone surrogate {lone!r}") from error
    cycle = _cycle(line_end)
    if cycle == (LF,):
        return blob
    if len(cycle) == 1:
        return blob.replace(LF, cycle[0])
    # The text's length chooses where the cycle starts, so that blocks of one shape do not all look the same.
    pieces = blob.split(LF)[:-1]
    return b"".join(piece + cycle[(len(blob) + at) % len(cycle)] for at, piece in enumerate(pieces))


def _cycle(line_end: bytes | LineEnds) -> tuple[bytes, ...]:
    if isinstance(line_end, LineEnds):
        return _CYCLES[line_end]
    if line_end not in {LF, CR, CRLF}:
        raise ValueError(f"expected LF, CR or CRLF as the line end, got {line_end!r}")
    return (line_end,)
