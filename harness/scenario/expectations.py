"""``expect``, ``waive`` and ``mutants``: what the file demands of a run, and excuses."""

from collections.abc import Callable
from typing import NamedTuple

from harness.errors import UsageError
from harness.scenario.clients import MUTANTS
from harness.scenario.model import Expectation, Moment
from harness.scenario.phrases import match
from harness.scenario.place import Place, nearest, not_built
from harness.units import parse_count, parse_instant, quote

COUNTS = (
    "attempts",
    "reconnections",
    "wasted attempts",
    "requests",
    "polls",
    "results fetched",
    "live streams",
    "delivered by both at once",
    "events delivered",
    "lost",
    "duplicated",
    "reordered",
    "corrupted",
    "phantom",
    "regressed",
    "wrong resumes",
    "duplicates absorbed",
    "gaps surfaced",
    "errors shown",
)
DURATIONS = ("recovery", "detection", "update latency", "transport", "staleness", "overlap")
MOMENTS = ("terminal", "fallback", "stream restored", "results ready")
LATER = ("arrivals per second", "memory", "traffic", "token refreshes", "secrets leaked")
STATISTICS = ("p95", "p50", "max")

LAWS = (
    "fault-seen",
    "terminal-once",
    "no-gap",
    "no-duplicate",
    "order",
    "progress",
    "one-stream",
    "resume",
    "backoff",
    "recovery",
    "honest-status",
    "stop",
    "clean-exit",
    "server-frees",
    "prompt",
    "discreet",
)
"""L0 to L15, as ``waive`` calls them."""


class _Metric(NamedTuple):
    name: str
    statistic: str


class _Bound(NamedTuple):
    sort: str
    limit: float
    text: str
    unit: str = ""
    moment: Moment | None = None


def read_expectations(place: Place) -> tuple[Expectation, ...]:
    """Return the metrics and their bounds. Problems are noted."""
    found = []
    for entry in place.entries("{recovery: under 5s}"):
        metric = entry.read_key(_metric)
        if metric is None:
            continue
        bound = entry.read(_bounds(metric.name))
        if bound is None:
            continue
        mark = place.book.mark(entry.trail).value
        found.append(
            Expectation(
                metric=metric.name,
                statistic=metric.statistic,
                sort=bound.sort,
                limit=bound.limit,
                unit=bound.unit,
                moment=bound.moment,
                text=bound.text,
                line=mark.line,
                column=mark.column,
            )
        )
    return tuple(found)


def _metric(text: str) -> _Metric:
    words = text.split()
    name, statistic = " ".join(words), ""
    if words and words[-1] in STATISTICS:
        name, statistic = " ".join(words[:-1]), words[-1]
    if name in LATER:
        raise not_built(name)
    known = (*COUNTS, *DURATIONS, *MOMENTS)
    if name not in known:
        raise UsageError(f"{quote(text)} is no metric{nearest(name, (*known, *LATER))}")
    if statistic and name not in DURATIONS:
        raise UsageError(f"{quote(text)}: only durations have a {statistic} ({', '.join(DURATIONS)})")
    return _Metric(name, statistic)


def _bounds(metric: str) -> Callable[[str], _Bound]:
    if metric in COUNTS:
        return _count_bound
    return _duration_bound if metric in DURATIONS else _moment_bound


def _count_bound(text: str) -> _Bound:
    shown = " ".join(text.split())
    for form, sort in (("at most N", "at most"), ("at least N", "at least")):
        if values := match(form, text):
            return _Bound(sort, float(values[0]), shown)
    if shown.isdecimal():
        return _Bound("is", float(parse_count(shown)), shown)
    raise UsageError(f"expected a count: 6, at most 6 or at least 6, got {quote(text)}")


def _duration_bound(text: str) -> _Bound:
    if values := match("under DURATION", text):
        return _Bound("under", values[0], " ".join(text.split()), "s")
    raise UsageError(f"expected a duration: under 5s, got {quote(text)}")


def _moment_bound(text: str) -> _Bound:
    words = " ".join(text.split())
    within, found, moment = words.partition(" of ")
    values = match("within DURATION", within)
    if not found or not values:
        raise UsageError(f"expected a moment: within 2s of the end (or the start, or 90s), got {quote(text)}")
    if moment in {"the start", "the end"}:
        return _Bound("within", values[0], words, "s", Moment(word=moment))
    return _Bound("within", values[0], words, "s", Moment(word="at", at=parse_instant(moment)))


def read_waivers(place: Place) -> dict[str, str]:
    """Return the reason by law. Problems are noted."""
    waivers = {}
    for entry in place.entries("{prompt: the reason in words}"):
        law = entry.read_key(_law)
        reason = entry.read(str)
        if law is not None and reason is not None:
            waivers[law] = " ".join(reason.split())
    return waivers


def _law(text: str) -> str:
    if text == LAWS[0]:
        raise UsageError(f"{quote(text)} can never be waived: without its fault a run tests nothing")
    if text not in LAWS:
        raise UsageError(f"{quote(text)} is no law{nearest(text, LAWS)}: expected one of {', '.join(LAWS[1:])}")
    return text


def read_mutants(place: Place) -> tuple[str, ...]:
    """Return the names of the wrong clients that this scenario must catch. Problems are noted."""

    def known(text: str) -> str:
        if text not in MUTANTS:
            raise UsageError(
                f"{quote(text)} is no mutant{nearest(text, MUTANTS)}: expected one of {', '.join(MUTANTS)}"
            )
        return text

    if place.value == ():
        return ()
    found = [item.read(known) for item in place.items("[no-watchdog]")]
    return tuple(name for name in found if name is not None)
