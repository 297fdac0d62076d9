"""Metrics of bytes, and of the crowd: memory, traffic, arrivals per second."""

from collections.abc import Callable, Mapping

from harness.history import Health
from harness.judge.case import Case, ClientCase
from harness.judge.facts.tries import tries
from harness.judge.measures.metrics import Measurement, absent, exactly

WINDOW_NS = 1_000_000_000

SHARED = "of the harness's own process, in which its clients run"


def _memory(client: ClientCase) -> Measurement:
    """The process's peak over its first sample."""
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
    """The most stream dials of all clients in any second."""
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
