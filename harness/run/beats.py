"""The beats of a held stream, as they come: parsed from the raw bytes of its answer, each held against the one before.

No I/O, and no clock: the caller says what it read, and when.
"""

import math
from typing import NamedTuple

from harness.jobserver.probe_streams import BEAT, BEGAN
from harness.middle.framing import Framing, FramingError
from harness.middle.heads import LONGEST_HEAD

LONGEST = 64
"""Bytes of a beat, or more."""


class Beat(NamedTuple):
    """A beat that came: its number, when it was written and read, and how many bytes it says had come upstream."""

    number: int
    written: float
    read: float
    came: int

    @property
    def took(self) -> float:
        """The seconds that the beat was on its way."""
        return self.read - self.written


class BeatReader:
    """Reads one answer."""

    def __init__(self) -> None:
        self.beats: list[Beat] = []
        self.status = 0  # of the answer, once its head has come
        self.content_type = ""
        self.stranger = False  # the answer is not the server's own stream
        self.misread = ""  # what was no beat, or not the one that was due
        self.over = False  # the body has come to its end
        self._framing: Framing | None = None
        self._began = 0.0
        self._received = b""

    @property
    def inside(self) -> bool:
        """True if a beat has begun to come, and is not whole."""
        return bool(self._received) and self._framing is not None

    def take(self, data: bytes, now: float) -> None:
        """Note what these bytes, read now, bring."""
        if self.stranger or self.misread:
            return
        if self._framing is None:
            data = self._head(self._received + data)
        if self._framing is None:
            return
        try:
            spans, _ = self._framing.follow(data)
        except FramingError as error:
            self.misread = str(error)
            return
        self.over = self._framing.over
        self._body(self._received + b"".join([data[start:end] for start, end in spans]), now)

    def _head(self, received: bytes) -> bytes:
        """Read the head once it is whole; return what lies behind it."""
        head, end, rest = received.partition(b"\r\n\r\n")
        if not end:
            self._received = received
            if len(received) > LONGEST_HEAD:
                self.misread = "no head of an answer"
            return b""
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        code = first[9:12] if first.startswith("HTTP/1.") else ""
        self.status = int(code) if code.isdecimal() else -1
        self.content_type = headers.get("content-type", "").partition(";")[0].lower()
        self._began = began_of(headers.get(BEGAN, ""))
        if math.isnan(self._began):
            self.stranger = True
            return b""
        self._framing, self._received = Framing(headers), b""
        return rest

    def _body(self, body: bytes, now: float) -> None:
        at = 0
        while (found := BEAT.match(body, at)) is not None:
            number, came = int(found["number"]), int(found["came"])
            if number != len(self.beats) or (self.beats and came < self.beats[-1].came):
                self.misread = f"beat {number} ({came} B came) where {len(self.beats)} was due"
                return
            self.beats.append(Beat(number, self._began + int(found["sent"]) / 1e6, now, came))
            at = found.end()
        self._received = body[at:]
        if b"\n\n" in self._received or len(self._received) > LONGEST:
            self.misread = f"{self._received[:LONGEST]!r} is no beat"


def began_of(said: str) -> float:
    """Return the instant at which a server says that its answer began; NaN where it says none."""
    try:
        return float(said)
    except ValueError:
        return math.nan
