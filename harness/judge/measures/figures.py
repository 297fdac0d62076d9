"""The figures of a run, for the verdict: each over all clients, the worst where there are several."""

from harness.judge.case import Case
from harness.judge.facts.coverage import polled_for
from harness.judge.measures.latency import samples
from harness.judge.measures.outages import outages
from harness.judge.measures.staleness import staleness
from harness.judge.percentiles import estimate
from harness.judge.phrases import UNTESTED
from harness.judge.verdict import Interval


def measures(case: Case) -> dict[str, Interval]:
    """Return the figures by name. A path's own update latency is ``update latency on PATH``."""
    if case.empty:
        return {}
    steady = [sample for client in case.clients for sample in samples(client) if sample.path]
    found = {
        "update latency": Interval.of(estimate([sample.latency for sample in steady], "p99")),
        "transport": Interval.of(estimate([sample.transport for sample in steady], "p99")),
    }
    for path in dict.fromkeys(sample.path for sample in steady):
        found[f"update latency on {path}"] = Interval.of(
            estimate([one.latency for one in steady if one.path == path], "p99")
        )
    series = [one for one in (staleness(client) for client in case.clients) if one is not None]
    if series:
        found["staleness max"] = _exact(max(one.highest for one in series), len(series))
    polled = sum(polled_for(client) for client in case.clients)
    if polled:
        found["polling"] = _exact(polled, len(case.clients))
    all_outages = [outage for client in case.clients for outage in outages(client)]
    recoveries = [outage.recovery for outage in all_outages if outage.recovery is not None]
    if recoveries:
        found["recovery"] = _exact(max(recoveries), len(recoveries))
    untested = [outage.allowance for outage in all_outages if outage.spared.startswith(UNTESTED)]
    if untested:
        found["recovery untested"] = _exact(max(untested), len(untested))
    detections = [outage.detection for outage in all_outages if outage.detection is not None]
    if detections:
        found["detection"] = _exact(max(detections), len(detections))
    return found


def _exact(value: float, n: int) -> Interval:
    return Interval(value=value, low=value, high=value, n=n)
