"""The metrics a scenario may bound, each as what one client's records say: counts, durations, moments.

The names are the loader's (``harness.scenario.expectations``); a test holds the two lists against each other.
"""

from collections.abc import Callable, Mapping

import msgspec

from harness.history import App, Health
from harness.judge.case import Case, ClientCase
from harness.judge.facts.polling import POLLING, askings
from harness.judge.facts.secrets import leaked
from harness.judge.facts.streams import most_at_once, overlaps
from harness.judge.facts.tries import tries
from harness.judge.measures import counts
from harness.judge.measures.latency import samples
from harness.judge.measures.outages import Outage, outages
from harness.judge.measures.staleness import staleness
from harness.judge.measures.steady import planned, steady
from harness.judge.percentiles import LOST, QUANTILES, Estimate, estimate, least_n


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """A measurement of a client, or of one of its outages. ``reason``: why there is no value, or what the value means.

    ``open`` says that the run was cut short and the figure could only have grown.
    """

    estimate: Estimate
    reason: str = ""
    judged: bool = True
    open: bool = False


def exactly(value: float, n: int = 1, *, reason: str = "", open_: bool = False) -> Measurement:
    """Return a figure without uncertainty."""
    return Measurement(estimate=Estimate(value, value, value, n), reason=reason, open=open_)


def absent(reason: str, *, judged: bool) -> Measurement:
    """Return that there is no figure: ``judged`` False where there was nothing to measure."""
    return Measurement(estimate=Estimate(None, None, None, 0), reason=reason, judged=judged)


def _events_by_both(client: ClientCase) -> int:
    """Events dispatched while stream and polling both fed the app: between two polls' events, from the stream."""
    shown = client.screen.shown
    polled = [one.app.enter_ns for one in shown if one.answer is not None]
    if len(polled) < 2:
        return 0
    streamed = [one.app for one in shown if one.answer is None and polled[0] < one.app.enter_ns < polled[-1]]
    return sum(_both_at(client, app, polled) for app in streamed)


def _both_at(client: ClientCase, app: App, polled: list[int]) -> bool:
    """Return whether the polls around a streamed event are neighbours: one fallback, not two with a stream between."""
    before = max(at for at in polled if at < app.enter_ns)
    after = min(at for at in polled if at > app.enter_ns)
    return (after - before) / 1e9 <= 2 * client.case.plan.client.policies.poll_every


def _token_refreshes(client: ClientCase) -> int:
    """Requests for a token after the first one that carried any: the first token is no refresh."""
    first = next((request.seq for request in client.requests if request.token), None)
    asked = [request for request in client.requests if request.what == "token"]
    return sum(first is not None and request.seq > first for request in asked)


COUNTS: Mapping[str, Callable[[ClientCase], int]] = {
    "attempts": counts.redials,
    "reconnections": counts.FIELDS["reconnections"],
    "wasted attempts": counts.FIELDS["wasted_attempts"],
    "requests": counts.requests,
    "polls": counts.of_kind("poll"),
    "results fetched": counts.of_kind("results"),
    "live streams": most_at_once,
    "delivered by both at once": _events_by_both,
    "events delivered": counts.delivered,
    "lost": counts.lost,
    "duplicated": counts.FIELDS["duplicated"],
    "reordered": counts.FIELDS["reordered"],
    "corrupted": counts.FIELDS["corrupted"],
    "phantom": counts.FIELDS["phantom"],
    "regressed": counts.FIELDS["regressed"],
    "wrong resumes": counts.wrong_resumes,
    "duplicates absorbed": counts.FIELDS["absorbed"],
    "gaps surfaced": counts.FIELDS["gaps"],
    "errors shown": lambda client: len(client.screen.errors),
    "token refreshes": _token_refreshes,
    "secrets leaked": lambda client: len(leaked(client)),
}


def _recovery(client: ClientCase, _statistic: str) -> list[Measurement]:
    return [_of_lapse(client, outage, outage.recovery) for outage in outages(client)]


def _detection(client: ClientCase, _statistic: str) -> list[Measurement]:
    found = []
    for outage in outages(client):
        if outage.detected is None and outage.caught_up is not None:
            found.append(absent("the stream outlived the fault", judged=False))
        elif outage.healed is None:
            found.append(_of_lapse(client, msgspec.structs.replace(outage, spared=""), outage.detection))
        else:
            found.append(_of_lapse(client, outage, outage.detection))
    return found


def _of_lapse(client: ClientCase, outage: Outage, value: float | None) -> Measurement:
    if value is not None:
        return exactly(value)
    if outage.spared:
        return absent(outage.spared, judged=False)
    if client.case.cut_short:
        return absent("the run was cut short", judged=True)
    return exactly(LOST, reason="never")


def _update_latency(client: ClientCase, statistic: str) -> list[Measurement]:
    taken = [sample.latency for sample in samples(client) if sample.path]
    return [_percentile(client, taken, statistic or "p99")]


def _transport(client: ClientCase, statistic: str) -> list[Measurement]:
    taken = [sample.transport for sample in samples(client) if sample.path]
    return [_percentile(client, taken, statistic or "p99")]


def _percentile(client: ClientCase, taken: list[float], statistic: str) -> Measurement:
    """Return a percentile. It is not judged where the plan has too few steady events, and unknown where the run has."""
    found = estimate(taken, statistic)
    if found.value is not None:
        return Measurement(estimate=found)
    needed = 1 if statistic == "max" else least_n(*QUANTILES[statistic])
    expected = planned(client, steady(client))
    if expected < needed:
        return absent(f"the plan has {expected} steady events ({statistic} needs {needed})", judged=False)
    return absent(f"{found.n} of {expected} planned steady events observed ({statistic} needs {needed})", judged=True)


def _staleness(client: ClientCase, statistic: str) -> list[Measurement]:
    series = staleness(client)
    if series is None:
        return [absent("no job was accepted", judged=True)]
    value = series.highest if statistic in {"", "max"} else series.quantile(*QUANTILES[statistic])
    return [exactly(value, len(client.truth.events), open_=series.censored and client.case.cut_short)]


def _overlap(client: ClientCase, _statistic: str) -> list[Measurement]:
    longest = max(((one.end_ns - one.start_ns) / 1e9 for one in overlaps(client)), default=0.0)
    return [exactly(longest)]


DURATIONS: Mapping[str, Callable[[ClientCase, str], list[Measurement]]] = {
    "recovery": _recovery,
    "detection": _detection,
    "update latency": _update_latency,
    "transport": _transport,
    "staleness": _staleness,
    "overlap": _overlap,
}


def _terminal(client: ClientCase) -> int | None:
    terminals = client.screen.terminals
    return terminals[0].app.enter_ns if terminals else None


def _fallback(client: ClientCase) -> int | None:
    """Return when the first status request was made that the policies call polling, whatever the client calls it."""
    return next((asking.life.request.t_ns for asking in askings(client) if asking.why == POLLING), None)


def _stream_restored(client: ClientCase) -> int | None:
    """Return when the app was shown the first event of a stream after that."""
    polled = _fallback(client)
    if polled is None:
        return None
    streamed = (one.app.enter_ns for one in client.screen.shown if one.answer is None and one.event is not None)
    return next((at_ns for at_ns in streamed if at_ns > polled), None)


def _results_ready(client: ClientCase) -> int | None:
    return next((one.t_ns for one in client.app_results), None)


NEVER: Mapping[str, str] = {
    "terminal": "the app never got a terminal event",
    "fallback": "the client never fell back to polling",
    "stream restored": "the client never returned from polling to the stream",
    "results ready": "the results never came whole",
}
"""The meaning of a moment that did not come."""

MOMENTS: Mapping[str, Callable[[ClientCase], int | None]] = {
    "terminal": _terminal,
    "fallback": _fallback,
    "stream restored": _stream_restored,
    "results ready": _results_ready,
}

WINDOW_NS = 1_000_000_000

SHARED = "of the harness's own process, in which its clients run"


def _memory(client: ClientCase) -> Measurement:
    """Return the process's peak over its first sample."""
    sizes = [health.rss for health in client.case.history.all(Health) if health.rss]
    if not sizes:
        return absent("the process's size was not sampled", judged=True)
    return exactly(max(sizes) - sizes[0], len(sizes), reason=SHARED, open_=client.case.cut_short)


def _traffic(client: ClientCase) -> Measurement:
    """Bytes that passed its gate, both ways."""
    passed = sum(chunk.length for chunk in client.chunks if chunk.fate == "delivered")
    return exactly(passed, open_=client.case.cut_short)


SIZES: Mapping[str, Callable[[ClientCase], Measurement]] = {"memory": _memory, "traffic": _traffic}
"""By name, in bytes, of one client."""


def _arrivals(case: Case) -> int:
    """Return the most stream dials of all clients in any second."""
    dials = sorted(one.began_ns for client in case.clients for one in tries(client))
    most = first = 0
    for place, at_ns in enumerate(dials):
        while at_ns - dials[first] >= WINDOW_NS:
            first += 1
        most = max(most, place - first + 1)
    return most


CROWDS: Mapping[str, Callable[[Case], int]] = {"arrivals per second": _arrivals}
"""By name, of all clients together."""


def crowd(case: Case, metric: str, unit: str) -> Measurement:
    """Return a count over all clients; as a share of them where the bound is one (``%``)."""
    count = CROWDS[metric](case)
    value = count / case.plan.client.count if unit == "%" else count
    return exactly(value, case.plan.client.count, open_=case.cut_short)
