"""Tokens: the words in capitals of which the reference's forms are made, each with its parser and its pattern."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from harness.errors import UsageError
from harness.units import (
    PATTERNS,
    parse_bit_rate,
    parse_count,
    parse_duration,
    parse_instant,
    parse_percent,
    parse_rate,
    parse_size,
    quote,
)


class Placeholder(NamedTuple):
    """The values of a word in capitals. ``pattern`` is a regular expression without anchors, for editors too."""

    parse: Callable[[str], Any]
    pattern: str


def _status(text: str) -> int:
    if re.fullmatch("[1-5][0-9][0-9]", text) is None:
        raise UsageError(f"expected a status such as 503, got {quote(text)}")
    return int(text)


INSTANT = rf"{PATTERNS['DURATION']}(?:\+{PATTERNS['DURATION']})*"
DRAWN = rf"{PATTERNS['DURATION']}(?: +to +{PATTERNS['DURATION']})?"
"""A duration, or a range from which one is drawn: what the timeline may have wherever a form has ``DURATION``."""

TOKENS: Mapping[str, Placeholder] = {
    "DURATION": Placeholder(parse_duration, PATTERNS["DURATION"]),
    "INSTANT": Placeholder(parse_instant, INSTANT),
    "SIZE": Placeholder(parse_size, PATTERNS["SIZE"]),
    "RATE": Placeholder(parse_rate, PATTERNS["RATE"]),
    "BITRATE": Placeholder(parse_bit_rate, PATTERNS["BITRATE"]),
    "PERCENT": Placeholder(parse_percent, PATTERNS["PERCENT"]),
    "N": Placeholder(parse_count, PATTERNS["N"]),
    "CODE": Placeholder(_status, "[1-5][0-9][0-9]"),
    "WORD": Placeholder(str, r"[^\s]+"),
    "PATH": Placeholder(str, "[a-z0-9][a-z0-9-]*"),
}
