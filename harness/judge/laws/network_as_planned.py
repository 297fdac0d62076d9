"""H3, the network was as planned: what the gates did with the client's own bytes and dials is what the deeds say.

It judges the harness, not the client. A canary shows that a fault was there; only the client's own connections show
that it was there for the client, in both directions and at both ends, and that nothing else was.
"""

from collections.abc import Iterator

from harness.judge.case import Case
from harness.judge.laws.findings import Law, LawFindings
from harness.judge.laws.network import bodies, boxes, cuts, delays, dials, gates, idle, signals, weather
from harness.judge.laws.network.faults import NetworkDeviation

ADVICE = "The harness did not do what the plan says, or more: nothing can be said of the client. Report it with the run"


def _judge(case: Case) -> LawFindings:
    outcome = LawFindings()
    for fault in _faults(case):
        shown = (case.evidence(record, text) for record, text in fault.shown)
        outcome.fail(fault.sentence, *shown, advice=ADVICE, cause=fault.kind)
    outcome.hold()
    return outcome


def _faults(case: Case) -> Iterator[NetworkDeviation]:
    yield from gates.faults(case)
    yield from dials.faults(case)
    yield from weather.faults(case)
    yield from delays.faults(case)
    for client in case.clients:
        yield from signals.faults(client)
        yield from boxes.faults(client)
        yield from bodies.faults(client)
        yield from idle.faults(client)
        yield from cuts.faults(client)


LAW = Law(
    code="H3",
    word="network-as-planned",
    title="The network was as planned",
    priority=4,
    judge=_judge,
    says="What the gates did with the client's own bytes, connections and dials is what the deeds say, in both "
    "directions and at both ends: nothing passed a path that was silent, stalled or refused, nobody was told "
    "of a silent death, every connection that a deed ends was ended, each radio was paid for, each delay, "
    "rate, stall and signal of the plan was there, and none besides. Where it was not, the run is void: the "
    "client met another network than the planned one.",
    breaks=("This law judges the harness and the machine, not the client: see `harness doctor`.",),
)
