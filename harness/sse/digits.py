"""Numbers as a peer writes them: ASCII digits, however many."""

LARGEST = 2**31 - 1
"""Larger numbers are taken as this one: 25 days of milliseconds, 68 years of seconds. Both uses allow a limit."""


def read_digits(text: str) -> int | None:
    """Return the number, at most ``LARGEST``; ``None`` unless the text consists of one or more ASCII digits."""
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0") or "0"
    # int() refuses more than 4,300 digits, and the value is beyond the limit long before that.
    return LARGEST if len(digits) > 10 else min(int(digits), LARGEST)
