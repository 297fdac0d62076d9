"""The idle connections that boxes ended, and when: none that a byte went through within the time, and none later.

A byte of the client counts as it goes on to the server, one of the server as it comes, whatever the radio then does.
"""

import itertools
from collections.abc import Iterator, Mapping

from harness.deeds import acts
from harness.deeds.network_state import StandingDeed
from harness.history import Boxed, Chunk, Waited
from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.laws.network.box_timeline import BoxTimeline, course, named, of_idle
from harness.judge.laws.network.faults import NetworkDeviation
from harness.judge.laws.network.flows import UP, RecordedFlow
from harness.judge.laws.network.gates import flows


def faults(client: ClientCase) -> Iterator[NetworkDeviation]:
    """Yield what boxes did to one client's idle connections against the plan."""
    line = course(client)
    for record in client.boxed:
        flow = flows(client.case).get(record.cid)
        if record.what == "killed" and record.t_ns < client.case.end_ns and flow is not None:
            yield from _killed(client, line, flow, record)
    if line.ever(acts.KillsIdle):
        for conn in client.conns:
            flow = flows(client.case).get(conn.cid)
            if flow is not None and not flow.boxed:
                yield from _alive(client, line, flow)


def _killed(client: ClientCase, line: BoxTimeline, flow: RecordedFlow, record: Boxed) -> Iterator[NetworkDeviation]:
    found = [of_idle(boxes, flow.path) for boxes in line.at(record.t_ns, record.seq)]
    may = [one for one in found if one is not None]
    if not may:
        yield flow.fault("idle-unplanned", record, "a box of the middle ended it, and no deed has it do so")
        return
    if not any(_act(one).how == record.detail for one in may):
        text = f"a box of the middle ended it ({record.detail}), where {named(client, may[-1])}"
        yield flow.fault("idle-otherwise", record, text)
        return
    if any(box.what != "killed" for box in flow.boxed):
        return  # what a box holds, or says, is no sign of life
    lasts = max((t_ns for t_ns in _touches(client, flow) if t_ns < record.t_ns), default=flow.conn.t_ns)
    quiet = min(record.t_ns - max(lasts, line.from_ns(one.deed.index)) - _act(one).after * 1e9 for one in may)
    if quiet < -flow.timeline.slack.tick_ns:
        text = f"a box of the middle ended it too soon, where {named(client, may[-1])}"
        yield flow.fault("idle-too-soon", record, text)
    surely = {one.deed.index: from_ns for one, from_ns, _ in line.idle(flow.path)}
    late = min(record.t_ns - max(lasts, surely[one.deed.index]) - _act(one).after * 1e9 for one in may)
    if late > flow.timeline.slack.late_ns:
        text = f"a box of the middle ended it too late, where {named(client, may[-1])}"
        yield flow.fault("idle-too-late", record, text)


def _alive(client: ClientCase, line: BoxTimeline, flow: RecordedFlow) -> Iterator[NetworkDeviation]:
    """A connection went on that had been idle for too long."""
    ends = [end.t_ns for end in flow.ends.values()]
    over_ns = min([client.case.end_ns, *ends])
    touches = [flow.conn.t_ns, *(t_ns for t_ns in _touches(client, flow) if t_ns < over_ns), over_ns]
    for since_ns, until_ns in itertools.pairwise(touches):
        for one, from_ns, to_ns in line.idle(flow.path):
            due_ns = max(since_ns, from_ns) + _act(one).after * 1e9 + flow.timeline.slack.late_ns
            if due_ns < min(until_ns, to_ns) - flow.timeline.slack.tick_ns:
                text = f"it lived on without a byte since {phrases.limit(client.case.at(since_ns))}"
                whole = f"{text}, where {named(client, one)}"
                yield flow.fault("idle-alive", flow.conn, whole, t_ns=round(due_ns))
                return


def _touches(client: ClientCase, flow: RecordedFlow) -> Iterator[int]:
    """Yield when bytes came by the box, in order.

    Those of the server first show where they were held, or began to wait for the radio; else where they passed it.
    """
    come = -1
    for record in client.case.once(_at_radio).get(flow.cid, []):
        if record.direction != UP:
            if record.offset > come:
                come = record.offset
                yield record.t_ns
        elif isinstance(record, Chunk) and record.fate == "delivered":
            yield record.t_ns


def _at_radio(case: Case) -> Mapping[int, list[Chunk | Waited]]:
    """Return what became of bytes at the radio, and that they waited for it, by connection in the order of records."""
    found: dict[int, list[Chunk | Waited]] = {}
    for record in case.history.records:
        if isinstance(record, Chunk | Waited):
            found.setdefault(record.cid, []).append(record)
    return found


def _act(one: StandingDeed) -> acts.KillsIdle:
    assert isinstance(one.deed.act, acts.KillsIdle)
    return one.deed.act
