"""``expect``, ``waive`` and ``mutants``: what the file demands of a run, and excuses."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from harness.errors import UsageError
from harness.scenario.clients import MUTANTS
from harness.scenario.model import Expectation, Moment
from harness.scenario.phrases import match
from harness.scenario.place import Place, nearest
from harness.units import quote

COUNTS: Mapping[str, str] = {
    "attempts": "Stream dials begun after the first, those that failed at once included.",
    "reconnections": "Attempts after the first that got a 200.",
    "wasted attempts": "Attempts that gave no event.",
    "requests": "HTTP requests of all kinds.",
    "polls": "Requests for the status.",
    "results fetched": "Requests for the results.",
    "live streams": "The most streams that were live at one time, of each client.",
    "delivered by both at once": "Events shown while stream and polling both fed the app.",
    "events delivered": "Callbacks that showed an event.",
    "lost": "Events that were owed to the app and never shown.",
    "duplicated": "Events shown more than once.",
    "reordered": "Events shown behind a newer one.",
    "corrupted": "Events shown with other content than they were emitted with.",
    "phantom": "Events shown that were never emitted.",
    "regressed": "Callbacks whose progress went backwards.",
    "wrong resumes": "Requests that resumed from another event than the last one received.",
    "duplicates absorbed": "Repeats that reached the client and were hidden from the app.",
    "gaps surfaced": "Gaps that the app was told of.",
    "errors shown": "Calls of the app's on_error.",
}
DURATIONS: Mapping[str, str] = {
    "recovery": "From healing until the app had caught up; the longest, unless another statistic is named.",
    "detection": "From a fault until the client acted on it; the longest.",
    "update latency": "From the intended emission of an update to the app, in steady windows; the p99.",
    "transport": "From the emission of an update to the app, without the server's own delay; the p99.",
    "staleness": "The age of the oldest update that was due and not on the screen; the longest.",
    "overlap": "For how long two streams were live; the longest. It sets what law one-stream allows.",
}
MOMENTS: Mapping[str, str] = {
    "terminal": "When the app was told the terminal event.",
    "fallback": "When the first status was polled.",
    "stream restored": "When the first event came by a stream after polling.",
    "results ready": "When the results were complete.",
}
TOKEN_COUNTS: Mapping[str, str] = {
    "token refreshes": "Requests for a new token.",
    "secrets leaked": "Requests that carried the token to another origin than the server's.",
}
"""Counts of what only a server with tokens has."""

SIZES: Mapping[str, str] = {
    "memory": "The most by which the client's process grew.",
    "traffic": "Bytes of the client, both ways.",
}
CROWDS: Mapping[str, str] = {
    "arrivals per second": "The most stream dials of all clients in any 1 s.",
}
"""Counts over all clients: a number of them, or a share."""

METRICS: Mapping[str, str] = {**COUNTS, **TOKEN_COUNTS, **DURATIONS, **MOMENTS, **SIZES, **CROWDS}
"""The meaning of each metric, by name."""

STATISTICS = ("p95", "p50", "max")

OF_HARNESS = ("fault-seen", "history-whole", "server-as-planned", "network-as-planned", "in-time")
"""H0 to H4: they judge the harness, and a run that fails one is void."""

OF_CLIENT = (
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
    "fresh",
)
"""L1 to L16."""

LAWS = (*OF_HARNESS, *OF_CLIENT)
"""All, as ``waive`` and the reports call them."""


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
    if name not in METRICS:
        raise UsageError(f"{quote(text)} is no metric{nearest(name, METRICS)}")
    if statistic and name not in DURATIONS:
        raise UsageError(f"{quote(text)}: only durations have a {statistic} ({', '.join(DURATIONS)})")
    return _Metric(name, statistic)


class MetricKind(NamedTuple):
    """The bounds that a metric takes, as the reference writes them, and their form in messages."""

    forms: Mapping[str, Callable[..., tuple[str, float, str, Moment | None]]]
    shown: str


_COUNT_FORMS = {
    "N": lambda count: ("is", float(count), "", None),
    "at most N": lambda count: ("at most", float(count), "", None),
    "at least N": lambda count: ("at least", float(count), "", None),
}
COUNT = MetricKind(_COUNT_FORMS, "a count: 6, at most 6 or at least 6")
DURATION = MetricKind(
    {"under DURATION": lambda seconds: ("under", seconds, "s", None)},
    "a duration: under 5s",
)
SIZE = MetricKind({"under SIZE": lambda size: ("under", float(size), "B", None)}, "a size: under 20MB")
CROWD = MetricKind(
    {**_COUNT_FORMS, "under PERCENT": lambda share: ("under", share, "%", None)},
    "a count or a share of the clients: at most 40, or under 20%",
)
MOMENT = MetricKind(
    {
        "within DURATION of the start": lambda seconds: ("within", seconds, "s", Moment(word="the start")),
        "within DURATION of the end": lambda seconds: ("within", seconds, "s", Moment(word="the end")),
        "within DURATION of INSTANT": lambda seconds, at: ("within", seconds, "s", Moment(word="at", at=at)),
    },
    "a moment: within 2s of the end (or the start, or 90s)",
)

KINDS: Mapping[str, MetricKind] = {
    **dict.fromkeys((*COUNTS, *TOKEN_COUNTS), COUNT),
    **dict.fromkeys(DURATIONS, DURATION),
    **dict.fromkeys(MOMENTS, MOMENT),
    **dict.fromkeys(SIZES, SIZE),
    **dict.fromkeys(CROWDS, CROWD),
}
"""By metric."""


def _bounds(metric: str) -> Callable[[str], _Bound]:
    kind = KINDS[metric]

    def parse(text: str) -> _Bound:
        for form, make in kind.forms.items():
            if form == "N" and not text.strip().isdecimal():
                continue  # a single word of any kind is no count that is merely wrong
            if values := match(form, text):
                sort, limit, unit, moment = make(*values)
                return _Bound(sort, limit, " ".join(text.split()), unit, moment)
        raise UsageError(f"expected {kind.shown}, got {quote(text)}")

    return parse


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
    if text in OF_HARNESS:
        raise UsageError(f"{quote(text)} can never be waived: it judges the harness, not the client")
    if text not in LAWS:
        raise UsageError(f"{quote(text)} is no law{nearest(text, LAWS)}: expected one of {', '.join(OF_CLIENT)}")
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
