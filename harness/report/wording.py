"""The wording of numbers and states: one voice for the terminal, Markdown, JUnit, the figures and the page.

Whatever may have come from a file or a peer goes through ``printable`` on its way out.
"""

import re
import shlex
import textwrap
from collections.abc import Iterable, Sequence

from harness.escaping import STEERING
from harness.judge.verdict import ExpectationVerdict, Interval, LawState, Word
from harness.report.redact import redact
from harness.scenario.model import Expectation

SIGN: dict[str, str] = {Word.PASS: "✓", Word.FAIL: "✗", Word.UNKNOWN: "?", Word.VOID: "∅", "interrupted": "?"}
"""The second cue beside colour; the word itself is the third."""

STATE_SIGN = {
    LawState.HELD: "✓",
    LawState.FAILED: "✗",
    LawState.UNKNOWN: "?",
    LawState.NOT_JUDGED: "-",
    LawState.WAIVED: "~",
}

LOST = "lost"
"""The value in JSON of an infinite figure: what was measured never came."""

_SORTS = {"under": "<", "at most": "≤", "at least": "≥", "is": "=", "within": "<"}
_UNIT = re.compile(r"(?:ms|s|%|B|kB|MB|GB|of \d+)\b|%")
_TOGETHER = re.compile(r"(?<=\d) (?=[\w%])|(?<=[<≤≥=]) (?=\S)")
"""Where a line is not broken: between a figure and its unit or noun, and between a sign and its limit."""

_WHOLE = 32
"""Words up to this long are never cut: the text ends before them."""


def duration(value: float) -> str:
    """Return a measured duration: ``1.8 ms``, ``43 ms``, ``2.0 s``, ``110 s``, ``7m12s``."""
    if abs(value) < 0.0095:
        return f"{value * 1000:.1f}".removesuffix(".0") + " ms"
    if abs(value) < 0.9995:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if abs(value) < 99.95 else whole_duration(value)


def whole_duration(value: float) -> str:
    """Return a long duration without a fraction: ``110 s``, and from three minutes on ``7m12s``."""
    seconds = round(value)
    return f"{seconds} s" if abs(seconds) < 180 else f"{seconds // 60}m{seconds % 60:02d}s"


def elapsed(value: float) -> str:
    """Return how long a whole invocation took: ``43.2 s``, ``121.3 s``, ``7m12s``."""
    return f"{value:.1f} s" if value < 179.95 else whole_duration(value)


def bare(value: float) -> str:
    """Return a limit as a person writes it: ``5 s``, ``500 ms``."""
    if 0 < abs(value) < 1:
        return f"{value * 1000:g} ms"
    return f"{value:g} s"


def size(value: float) -> str:
    """Return a size in bytes with a decimal unit: ``214 B``, ``4.2 MB``."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(value) >= scale:
            return f"{value / scale:.1f} {unit}"
    return f"{value:.0f} B"


def number(value: float) -> str:
    """Return a count without a needless fraction."""
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.2f}"


def plural(count: int, noun: str) -> str:
    """Return ``1 scenario``, ``2 scenarios``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def quantity(value: float | str | None, unit: str, *, like: float | None = None) -> str:
    """Return a figure in its unit. ``like`` is the limit beside it: a limit in seconds keeps the figure in seconds."""
    if value is None:
        return "n too small"
    if isinstance(value, str):
        return value
    if unit == "s":
        in_seconds = like is not None and like >= 1 and 0.05 <= abs(value) < 1
        return f"{value:.1f} s" if in_seconds else duration(value)
    if unit == "B":
        return size(value)
    return f"{number(value)} %" if unit == "%" else number(value)


def measured(interval: Interval, *, like: float | None = None) -> str:
    """Return the value of a figure, ``lost`` where it is infinite, ``n too small`` where there is none."""
    return quantity(interval.value, interval.unit, like=like)


def spread(interval: Interval) -> str:
    """Return the 95 % interval of a figure as ``8 ms … 11 ms``; empty where it has none."""
    if interval.low is None or interval.high is None or interval.low == interval.high == interval.value:
        return ""
    return f"{quantity(interval.low, interval.unit)} … {quantity(interval.high, interval.unit)}"


def against(expected: Expectation | None, verdict: ExpectationVerdict) -> str:
    """Return a figure beside its limit: ``recovery 2.0 s < 5 s``. Without the plan's own bound, its text as written.

    A bound that was not met is still written as the bound, so that "6.2 s < 5 s" never appears: the limit is named.
    """
    name = verdict.metric + (f" {expected.statistic}" if expected and expected.statistic else "")
    if expected is None:
        return f"{name} {measured(verdict.measured)} ({verdict.limit})"
    if verdict.state is LawState.NOT_JUDGED:
        return f"{name} not judged"
    if verdict.measured.value is None:
        return f"{name} not measured ({verdict.reason})" if verdict.reason else f"{name} not measured"
    shown = measured(verdict.measured, like=expected.limit if expected.unit == "s" else None)
    limit = bare(expected.limit) if expected.unit == "s" else quantity(expected.limit, expected.unit)
    if verdict.state is LawState.FAILED and verdict.measured.value == LOST:
        return f"{name} never (limit {_SORTS[expected.sort]} {limit})"
    if verdict.state is LawState.FAILED:
        return f"{name} {shown} (limit {_SORTS[expected.sort]} {limit})"
    return f"{name} {shown} {_SORTS[expected.sort]} {limit}"


def printable(text: str) -> str:
    """Return text fit for any output: no secrets, and U+FFFD for what could steer a terminal or break XML."""
    return STEERING.sub("\ufffd", redact(text))


def flat(text: str) -> str:
    """Return text on one line, printable, however long."""
    return printable(" ".join(text.split()))


def one_line(text: str, width: int) -> str:
    """Return text on one line, printable, cut at ``width`` with an ellipsis: never inside a figure or a short word."""
    whole = flat(text)
    if len(whole) <= width:
        return whole
    end = max(0, width - 1)
    start = whole.rfind(" ", 0, end + 1)
    if start >= 0 and len(whole[start + 1 :].split(" ", 1)[0]) <= _WHOLE:  # a longer word is cut where it must be
        while start > 0 and _UNIT.match(whole, start + 1) and whole[start - 1].isdigit():
            start = whole.rfind(" ", 0, start)
        end = max(0, start)
    return whole[:end].rstrip(" ,;:·(") + "…"


def wrapped(text: str, *, indent: str, width: int, hanging: str | None = None) -> list[str]:
    """Return text as lines of at most ``width`` columns, the first after ``indent``, the rest after ``hanging``."""
    later = indent if hanging is None else hanging
    held = _TOGETHER.sub("\u00a0", flat(text))
    lines = textwrap.wrap(held, width, initial_indent=indent, subsequent_indent=later, break_on_hyphens=False)
    return [line.replace("\u00a0", " ") for line in lines] or [indent.rstrip()]


def command_lines(command: str, width: int) -> list[str]:
    """Return a command on lines of at most ``width`` columns, broken between its words as a shell reads it on."""
    try:
        words = [shlex.quote(word) for word in shlex.split(flat(command))]
    except ValueError:  # a quote that is not closed: some of it was no fit for a terminal
        return [flat(command)]
    lines = words[:1]
    for word in words[1:]:
        if len(lines[-1]) + len(word) + 3 <= width:
            lines[-1] += f" {word}"
        else:
            lines[-1] += " \\"
            lines.append(f"  {word}")
    return lines


def joined(parts: Iterable[str]) -> str:
    """Return the non-empty parts with middle dots between them."""
    return " · ".join(part for part in parts if part)


def joined_by(mark: str, *parts: str) -> str:
    """Return the non-empty parts with this mark between them."""
    return mark.join(part for part in parts if part)


def fitting(parts: Sequence[str], width: int, mark: str) -> str:
    """Return as many whole parts as fit into ``width``, then an ellipsis where there are more."""
    text = ""
    for place, part in enumerate(parts):
        longer = printable(f"{text}{mark}{part}" if text else part)
        room = width if place == len(parts) - 1 else width - len(mark) - 1
        if len(longer) > room:
            return f"{text}{mark.rstrip()} …" if text else one_line(part, width)
        text = longer
    return text
