"""The framing of event streams where ``frames: varied``: it is drawn from the ways of servers in the field.

All of it is one event stream to a client that reads as WHATWG HTML 9.2.6 says. A log draws how each of its events is
written, once: a replay has the same bytes. A stream draws how it begins.

1. An event's fields stand in any order, the id behind the data too; a space behind the colon or none. Its JSON has
   several lines, and so several ``data`` fields, or one.
2. Comments and unknown fields stand between the fields, comments also in a block of their own before the event.
3. An event may have no id (``JobLog`` says which): its last event ID is that of the event before it, whose id a stream
   is asked for from, so that a replay brings it again.
4. Behind an event may come a *ping*, an event without an id that no client has asked for: the last event ID stays what
   it was. Only behind an event, so that a ping is never all that a connection brought; and never behind the job's end.
5. A stream may begin with a BOM. Where it begins with the first event of its log it may be *primed*: a block of its own
   has an id that stands for the place before that event.
6. ``retry`` comes before the first event or right behind it. Its content type has parameters, or other letters.
"""

import random
from collections.abc import Sequence

import msgspec

from harness.history.records import PING, PING_DATA
from harness.sse.encoder import LineEnds, encode_comment, encode_lines

BOM = b"\xef\xbb\xbf"

CONTENT_TYPES = (
    "text/event-stream",
    "text/event-stream; charset=utf-8",
    "text/event-stream;charset=UTF-8",
    'Text/Event-Stream; charset="utf-8"',
    "text/event-stream; version=1; charset=utf-8",
)

_COMMENTS = ("", "ok", "data: of a comment", " id: 7")
_UNKNOWN = ("trace: 7f3a", "Data: in capitals", "dataset: 7", "events: 2", "identity: 7", " data: behind a space", "n")
"""Lines that no client may take for a field of the standard's."""

_LEAD = 0.15
_PING = 0.2
_WITHOUT_ID = 0.15
_SPACE = 0.5
_SPREAD = 0.4
_BOM = 0.7
_PRIMED = 0.4


def start_id(epoch: str) -> str:
    """Return the id that stands for the place before the first event of an epoch."""
    return f"{epoch}-start"


class Opening(msgspec.Struct, frozen=True):
    """The beginning of one stream. ``late_retry``: its ``retry`` comes right behind its first events."""

    content_type: str
    bom: bool
    primed: bool
    late_retry: bool


def draw_opening(rng: random.Random) -> Opening:
    """Draw how a stream begins."""
    return Opening(
        content_type=rng.choice(CONTENT_TYPES),
        bom=rng.random() < _BOM,
        primed=rng.random() < _PRIMED,
        late_retry=rng.random() < _SPREAD,
    )


class Frames:
    """Writes the events of one log, in its order."""

    def __init__(self, rng: random.Random, line_ends: LineEnds) -> None:
        self._rng = rng
        self._line_ends = line_ends

    def data(self, data: str, unlike: str) -> str:
        """Return the event's JSON object on one line or on several, not as ``unlike`` has it. It means the same."""
        spread = f"{{\n{data[1:-1]}\n}}"
        one, other = (spread, data) if self._rng.random() < _SPREAD else (data, spread)
        return other if one == unlike else one

    def leaves_out_id(self) -> bool:
        """Draw whether the next event, which may do without an id, has none."""
        return self._rng.random() < _WITHOUT_ID

    def event(self, kind: str, data: str, event_id: str, *, last: bool) -> bytes:
        """Return an event's block, and what stands before and behind it; behind the ``last`` one nothing.

        An empty ``event_id``: it has no id.
        """
        rng, ends = self._rng, self._line_ends
        lead = encode_comment(rng.choice(_COMMENTS), line_end=ends) if rng.random() < _LEAD else b""
        fields = [[self._field("id", event_id)]] if event_id else []
        fields.append([self._field("event", kind)])
        fields.append([self._field("data", line) for line in data.split("\n")])
        rng.shuffle(fields)
        block = encode_lines(self._mingled([line for lines in fields for line in lines]), line_end=ends)
        if last or rng.random() >= _PING:
            return lead + block
        return lead + block + encode_lines([f"event: {PING}", f"data: {PING_DATA}"], line_end=ends)

    def _field(self, name: str, value: str) -> str:
        """A space behind the colon is no part of the value, so one that begins with a space needs it."""
        return f"{name}: {value}" if value[:1] == " " or self._rng.random() < _SPACE else f"{name}:{value}"

    def _mingled(self, lines: Sequence[str]) -> list[str]:
        """Put a comment and an unknown field somewhere between the lines, now and then."""
        rng, mingled = self._rng, list(lines)
        for others, colon in ((_COMMENTS, ":"), (_UNKNOWN, "")):
            if rng.random() < _LEAD:
                mingled.insert(rng.randrange(len(mingled) + 1), colon + rng.choice(others))
        return mingled
