"""One reading of the gates' records: each is judged once, in its order, beside the timeline of its gate."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harness.history import Boxed, Chunk, Conn, ConnEnd, EndPassed, Read, Request, Waited
from harness.history.records import Record
from harness.judge.case import Case, ClientCase
from harness.judge.facts.gate_timeline import Timeline, TimelineReader, everywhere, happened, timeline
from harness.judge.laws.network import ends, passage
from harness.judge.laws.network.faults import NetworkDeviation
from harness.judge.laws.network.flows import CLIENT, UP, RecordedFlow
from harness.judge.laws.network.radios import ExpectedRadio, reigns
from harness.vocabulary import CANARY


class GateReading:
    """One client's gate: its timeline, read as far as the records are, and its radios. The canaries use none."""

    def __init__(self, timeline: Timeline, expected_radios: Mapping[str, ExpectedRadio]) -> None:
        self.timeline = timeline
        self.watch = TimelineReader(timeline)
        self.expected_radios = expected_radios


def flows(case: Case) -> Mapping[int, RecordedFlow]:
    """Return every connection at a gate, judged, by its number."""
    return case.once(_flows)


def faults(case: Case) -> Iterator[NetworkDeviation]:
    """Yield what the gates did with bytes and ends against the plan."""
    for flow in flows(case).values():
        yield from flow.faults.values()
    yield from ends.at_server(case, flows(case))


def _flows(case: Case) -> Mapping[int, RecordedFlow]:
    gates = {client.name: GateReading(timeline(client), _antennas(client)) for client in case.clients}
    gates[CANARY] = GateReading(everywhere(case), {})
    found: dict[int, RecordedFlow] = {}
    until_ns = case.end_ns
    for record in case.history.records:
        rule = _RULES.get(type(record))
        if rule is not None:
            flow = found.get(record.cid)  # type: ignore[attr-defined]  # all that have a rule have it
            if flow is not None and record.t_ns < until_ns:
                rule(flow, record)
        elif isinstance(record, Conn) and record.client in gates and record.path in case.plan.paths:
            gate = gates[record.client]
            flow = RecordedFlow(record, gate.timeline, gate.watch, gate.expected_radios.get(record.path))
            found[record.cid] = flow
            if flow.expected_radio is not None:
                flow.expected_radio.dial(flow, record)
    for flow in found.values():
        passage.finish(flow, until_ns)
        ends.finish(flow, until_ns)
    return found


def _antennas(client: ClientCase) -> Mapping[str, ExpectedRadio]:
    plan, slack = client.case.plan, timeline(client).slack
    return {path: ExpectedRadio(found, slack) for path, found in reigns(plan, happened(client)).items()}


def _chunk(flow: RecordedFlow, record: Chunk) -> None:
    held = passage.chunk(flow, record)
    if record.fate == "delivered":
        waited = (record.direction, record.offset) in flow.waits
        if flow.expected_radio is not None:
            flow.expected_radio.chunk(flow, record, held=held)
        if flow.asked and record.direction == UP:
            if not (held or waited):
                passage.at_once(flow, record, flow.asked_ns)
            flow.sent.update(dict.fromkeys(flow.asked, record))
            flow.asked.clear()


def _waited(flow: RecordedFlow, record: Waited) -> None:
    if flow.expected_radio is not None:
        flow.expected_radio.waits(flow, record)


def _request(flow: RecordedFlow, record: Request) -> None:
    flow.asked.append(record.rid)
    flow.asked_ns = record.t_ns
    if flow.expected_radio is not None:  # the phone's: a canary needs no sleep
        late_ns = flow.timeline.slack.late_ns
        if all(regime.asleep for regime in flow.timeline.within(record.t_ns - late_ns, record.t_ns)):
            flow.fail("asleep", record, "a request came from a device that slept")


def _read(flow: RecordedFlow, record: Read) -> None:
    if all(regime.asleep for regime in flow.at(record)):
        flow.fail("asleep", record, "a client read bytes on a device that slept")
    if record.end:
        ends.met(flow, record)


def _end(flow: RecordedFlow, record: ConnEnd) -> None:
    ends.end(flow, record)
    if record.side == CLIENT and record.how != "closed" and flow.expected_radio is not None:
        left_ns = record.closed_ns
        if all(one.asleep for one in flow.timeline.within(left_ns - flow.timeline.slack.late_ns, left_ns)):
            flow.fail("asleep", record, "a client left on a device that slept")


def _boxed(flow: RecordedFlow, record: Boxed) -> None:
    flow.boxed.append(record)


_RULES: Mapping[type[Record], Callable[[RecordedFlow, Any], None]] = {
    Chunk: _chunk,
    ConnEnd: _end,
    Read: _read,
    EndPassed: ends.end_passed,
    Waited: _waited,
    Boxed: _boxed,
    Request: _request,
}
