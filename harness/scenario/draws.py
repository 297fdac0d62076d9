"""Drawn durations: ``200ms to 4.5s`` in the timeline is one duration, log-uniform, drawn anew at each use."""

import math
import random
import re
from collections.abc import Callable

from harness.errors import UsageError
from harness.units import parse_duration, quote, spell_duration

_RANGE = re.compile(r"(?<!\S)([0-9][0-9a-z.]*) to ([0-9][0-9a-z.]*)(?!\S)")

Dice = Callable[[], random.Random]
"""Where the numbers come from, asked only when something is to be drawn."""


def draw(text: str, dice: random.Random) -> float:
    """Return one duration from ``SHORTER to LONGER``, rounded to a millisecond (a microsecond below 10 ms).

    Raises ``UsageError`` unless the shorter comes first and is more than zero: nothing is log-uniform from zero.
    """
    shorter, longer = (parse_duration(part.strip()) for part in text.split(" to "))
    if not 0 < shorter < longer:
        raise UsageError(f"expected the shorter duration first and more than zero, got {quote(text)}")
    found = shorter * math.exp(dice.random() * math.log(longer / shorter))
    return min(max(round(found, 3 if shorter >= 0.01 else 6), shorter), longer)


def has_draws(text: str) -> bool:
    """Whether a text of the timeline leaves something to be drawn."""
    return _RANGE.search(text) is not None


def drawn(text: str, dice: Dice) -> tuple[str, str]:
    """Return the text with every range replaced by what was drawn, and the text to show: that with the ranges."""
    if not has_draws(text):
        return text, text
    source, ranges = dice(), []

    def one(found: re.Match[str]) -> str:
        ranges.append(found[0])
        return spell_duration(draw(found[0], source))

    plain = _RANGE.sub(one, text)
    return plain, f"{plain} (drawn from {', '.join(ranges)})"
