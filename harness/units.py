"""Quantities as people write them ⇄ numbers as the code keeps them: seconds, bytes, bytes/s, shares of 1.

Every quantity carries its unit in the text, so that no bare number can be misread. ``parse_…`` reads exactly the
language's tokens and raises ``UsageError`` for all else; ``spell_…`` writes a token that reads back as the same number;
``format_…`` is for people, and does not read back.
"""

import re
from decimal import Decimal

from harness.errors import UsageError
from harness.escaping import on_one_line

_DURATION_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}
_SIZE_UNITS = {"MB": 1_000_000, "KB": 1_000, "B": 1}
_BIT_RATE_UNITS = {"Mbps": 1_000_000, "kbps": 1_000}

_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,9})?"
_PART = re.compile(rf"({_NUMBER})(us|ms|s|m|h|d)")
_SIZE = re.compile(rf"({_NUMBER})(B|KB|MB)")
_RATE = re.compile(rf"({_NUMBER})/(s|h)")
_BIT_RATE = re.compile(rf"({_NUMBER})(kbps|Mbps)")
_PERCENT = re.compile(rf"({_NUMBER})%")
_COUNT_DIGITS = 15
_COUNT = re.compile(rf"0|[1-9][0-9]{{0,{_COUNT_DIGITS - 1}}}")

_FRACTION_LAST = r"(?![0-9a-z]*\.[0-9]+[a-z]+[0-9])"  # no part follows one with a fraction

PATTERNS = {
    "DURATION": f"(?=[0-9]){_FRACTION_LAST}" + "".join(f"(?:{_NUMBER}{unit})?" for unit in _DURATION_UNITS),
    "SIZE": _SIZE.pattern,
    "RATE": _RATE.pattern,
    "BITRATE": _BIT_RATE.pattern,
    "PERCENT": _PERCENT.pattern,
    "N": f"(?:{_COUNT.pattern})",
}
"""The tokens as regular expressions that editors understand too (ECMA 262); no anchors."""

LONGEST = 10_000 * 86_400.0
"""The longest duration that is taken for meant: 10 000 days."""

_PEOPLE_USE_MINUTES = 300.0


def quote(text: str, longest: int = 60) -> str:
    """Return the text in double quotes on one line, shortened, for an error message."""
    shown = text if len(text) <= longest else text[: longest - 1] + "…"
    return f'"{on_one_line(shown)}"'


def parse_duration(text: str) -> float:
    """Return seconds. ``150ms``, ``1m30s``: larger units first, each once, no blank; a fraction in the last part only.

    Rounded to a nanosecond, so that ``20.4s`` and ``20400ms`` are the same number. Raises ``UsageError`` for a text of
    another form.
    """
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise UsageError(f"expected a duration such as 150ms or 1m30s, got {quote(text)}{_duration_hint(text)}")
    units = list(_DURATION_UNITS)
    ranks = [units.index(unit) for _, unit in parts]
    if ranks != sorted(set(ranks)):
        raise UsageError(f"expected larger units first and each once, as in 1m30s, got {quote(text)}")
    if any("." in number for number, _ in parts[:-1]):
        raise UsageError(f"expected a fraction in the last part only, as in 1m30.5s, got {quote(text)}")
    seconds = round(sum(float(number) * _DURATION_UNITS[unit] for number, unit in parts), 9)
    if seconds > LONGEST:
        raise UsageError(f"expected at most {LONGEST / 86_400:.0f}d, got {quote(text)}")
    return seconds


def _duration_hint(text: str) -> str:
    if re.fullmatch(_NUMBER, text):
        return ": a unit is always needed (us ms s m h d)"
    if " " in text and _PART.fullmatch("".join(text.split())):
        return ": no blank before the unit"
    if re.fullmatch(rf"-{_NUMBER}(us|ms|s|m|h|d)", text):
        return ": a duration has no sign"
    return " (units: us ms s m h d)"


def parse_instant(text: str) -> float:
    """Return seconds from ``10s`` or a sum of durations, ``10s+500ms``; rounded to a nanosecond as durations are."""
    return round(sum(parse_duration(part) for part in text.split("+")), 9)


def parse_size(text: str) -> int:
    """Return bytes from ``200B``, ``10KB`` or ``1.5MB`` (powers of 1000; whole bytes). Raises ``UsageError``."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise UsageError(f"expected a size such as 200B, 10KB or 1MB, got {quote(text)}")
    size = Decimal(match[1]) * _SIZE_UNITS[match[2]]  # a float would be a byte off above some gigabytes
    if size != int(size):
        raise UsageError(f"expected a whole number of bytes, got {quote(text)}")
    return int(size)


def parse_rate(text: str) -> float:
    """Return events per second from ``200/s`` or ``13/h``. Raises ``UsageError`` for a text of another form."""
    match = _RATE.fullmatch(text)
    if match is None:
        raise UsageError(f"expected a rate such as 200/s or 13/h, got {quote(text)}")
    return float(match[1]) / (1.0 if match[2] == "s" else 3_600.0)


def parse_bit_rate(text: str) -> float:
    """Return bytes/s from bits: ``2Mbps`` is 250 000. Raises ``UsageError`` for a text of another form."""
    match = _BIT_RATE.fullmatch(text)
    if match is None:
        raise UsageError(f"expected a rate such as 330kbps or 2Mbps, got {quote(text)}")
    return float(match[1]) * _BIT_RATE_UNITS[match[2]] / 8


def parse_percent(text: str) -> float:
    """Return a share of 1 from ``5%``. Raises ``UsageError`` for a text of another form, and above 100%."""
    match = _PERCENT.fullmatch(text)
    if match is None or float(match[1]) > 100:
        raise UsageError(f"expected a percentage from 0% to 100%, got {quote(text)}")
    return float(match[1]) / 100


def parse_count(text: str) -> int:
    """Return a whole number: no sign, no exponent, no leading zero. Raises ``UsageError`` for anything else."""
    if _COUNT.fullmatch(text) is None:
        most = f" of at most {_COUNT_DIGITS} digits" if text.isdecimal() and len(text) > _COUNT_DIGITS else ""
        raise UsageError(f"expected a whole number such as 6{most}, got {quote(text)}")
    return int(text)


def _spell_number(value: float | Decimal) -> str:
    """Return up to nine decimals, without trailing zeros."""
    return f"{value:.9f}".rstrip("0").rstrip(".")


def spell_duration(seconds: float) -> str:
    """Return the token: ``1m30s``, ``500ms``, ``20.4s``; ``0s`` for nothing. Exact to a nanosecond."""
    assert seconds >= 0
    seconds = round(seconds, 9)
    if seconds < 1:
        return f"{_spell_number(seconds * 1e3)}ms" if seconds else "0s"
    spelt = ""
    for unit in ("d", "h", "m"):
        whole, seconds = divmod(seconds, _DURATION_UNITS[unit])
        spelt += f"{whole:.0f}{unit}" if whole else ""
    rest = _spell_number(seconds)
    return spelt if rest == "0" else f"{spelt}{rest}s"


def spell_size(size: int) -> str:
    """Return the token, in the largest unit that is exact with three decimals: ``1.5MB``."""
    unit = next((unit for unit, worth in _SIZE_UNITS.items() if size >= worth and size * 1_000 % worth == 0), "B")
    return f"{_spell_number(Decimal(size) / _SIZE_UNITS[unit])}{unit}"


def spell_bit_rate(bytes_per_second: float) -> str:
    """Return the token in bits: ``2Mbps``."""
    bits = bytes_per_second * 8
    unit = "Mbps" if bits >= _BIT_RATE_UNITS["Mbps"] else "kbps"
    return f"{_spell_number(bits / _BIT_RATE_UNITS[unit])}{unit}"


def format_duration(seconds: float) -> str:
    """Return a measured time for people.

    Milliseconds below 0.1 s, with one decimal below 10 ms unless it is 0 (``1.8 ms``, ``9 ms``, ``31 ms``); then
    seconds with one decimal (``0.3 s``, ``121.3 s``); from five minutes on ``7m12s`` or ``1h05m``. A negative time
    keeps its sign; infinity is ``never``.
    """
    if seconds < 0:
        return "-" + format_duration(-seconds)
    if seconds == float("inf"):
        return "never"
    if seconds < 0.0995:
        ms = seconds * 1e3
        return f"{ms:.0f} ms" if ms >= 9.95 or f"{ms:.1f}".endswith(".0") else f"{ms:.1f} ms"
    if seconds < _PEOPLE_USE_MINUTES:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3_600:
        return f"{whole // 60}m{whole % 60:02d}s"
    minutes = round(seconds / 60)
    return f"{minutes // 60}h{minutes % 60:02d}m"


def format_size(size: float) -> str:
    """Return a size for people, three digits at most: ``214 B``, ``10.0 KB``, ``1.5 MB``."""
    for unit in ("MB", "KB"):
        if size >= _SIZE_UNITS[unit]:
            return f"{size / _SIZE_UNITS[unit]:.1f} {unit}"
    return f"{size:.0f} B"
