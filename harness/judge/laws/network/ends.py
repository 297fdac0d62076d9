"""The ends of connections: each has a cause, is told where the path lets it through, and comes where a deed says so.

A silent death is known to one side only. ``closed``, ``reset``, a lost path, a device that goes offline or wakes up end
every connection that was open there; the server learns of the first two alone.
"""

import math
from collections.abc import Iterator, Mapping

from harness.deeds.catalogue import FlowEnding
from harness.deeds.network_state import Passage
from harness.history import ConnEnd, EndPassed, Read, Request, Subscriber
from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.facts.gate_timeline import RegimeChange
from harness.judge.laws.network import passage
from harness.judge.laws.network.faults import NetworkDeviation
from harness.judge.laws.network.flows import AWAY, CLIENT, DOWN, SERVER, TOWARD, UP, RecordedFlow
from harness.judge.laws.network.shapes import stretches
from harness.vocabulary import CANARY

_OTHER = {CLIENT: SERVER, SERVER: CLIENT}
_HOW = {FlowEnding.FIN: "closed", FlowEnding.RST: "reset", FlowEnding.ABORTED: "lost"}
_LEARNED = frozenset({"fin", "rst"})
"""The evidence of a stream that the server saw end by its peer."""

ARRIVES = 1.0
"""Seconds within which an end has come to the server, beside its path's delay."""

ASKED = 4096
"""Bytes that may be on their way before an end: a request."""

_MET = {FlowEnding.FIN: "fin", FlowEnding.RST: "rst", FlowEnding.ABORTED: "lost"}
"""The words for an ending as the client meets it."""

_NAMES = {CLIENT: "the client", SERVER: "the server"}


def end(flow: RecordedFlow, record: ConnEnd) -> None:
    """Judge the end of one side."""
    flow.note_death(record)
    if record.how == "closed":
        if not _somebody(flow, record):
            what = "ended the side of the client" if record.side == CLIENT else "told the server of an end"
            flow.fail("ended-by-nobody", record, f"the gate {what}, and no deed says so")
    else:
        _told(flow, record)
    flow.ends.setdefault(record.side, record)
    if record.side == SERVER and record.how == "closed" and flow.boxed and _drops(flow, record):
        flow.dead.setdefault(DOWN, record)  # what the box said to the client was lost, and nothing comes behind it
    if record.swallowed:  # what the device lost passes nothing in either direction
        for way in (UP, DOWN) if record.how == "closed" else (AWAY[record.side],):
            flow.dead.setdefault(way, record)
    if record.side == CLIENT and record.swallowed and flow.died_ns is None:
        flow.died_ns = record.t_ns


def end_passed(flow: RecordedFlow, record: EndPassed) -> None:
    """Judge that an end which was held went on."""
    flow.ends_passed[record.side] = record.t_ns
    way = AWAY[record.side]
    may = any(regime.passages[flow.path, way] is Passage.PASS for regime in flow.at(record))
    if not (may or flow.boxed or flow.struck(record.t_ns)):
        flow.fail("end-told", record, f"the end of {_NAMES[record.side]} was told on, where the path passes nothing")


def met(flow: RecordedFlow, record: Read) -> None:
    """Judge the end that a connection had for its client."""
    if record.end == "given up":
        _unmet(flow, record)
        return
    server = flow.ends.get(SERVER)
    lawful = {_MET[ending] for _, ending in flow.strikes(record.t_ns) if ending in _MET}
    if flow.boxed:
        lawful |= {"fin", "rst"}
    if server is not None and not server.swallowed and (not server.held or SERVER in flow.ends_passed):
        lawful |= {server.how} & _LEARNED
    if record.end not in lawful:
        wanted = f"where it was to be {phrases.several(sorted(lawful))}" if lawful else "which nobody had sent it"
        flow.fail("end-met", record, f"its client met the end of it ({record.end}), {wanted}")


def _unmet(flow: RecordedFlow, record: Read) -> None:
    """A client waited for more, and waits no longer: no end had come to it until then."""
    end = flow.ends.get(CLIENT)
    if end is None or end.how != "closed" or flow.passed[DOWN] >= passage.ROOM:
        return
    slack = flow.timeline.slack
    waited = record.t_ns - end.t_ns - slack.late_ns > passage.PROMPT * 1e9
    if waited and not any(one.asleep for one in flow.timeline.within(end.t_ns, record.t_ns)):
        at = phrases.limit(flow.timeline.case.at(end.t_ns))
        flow.fail("end-unmet", record, f"its client still waited for bytes of it, though the gate ended it at {at}")


def finish(flow: RecordedFlow, until_ns: int) -> None:
    """Judge whether all that should have ended a connection has."""
    tick_ns = flow.timeline.slack.tick_ns
    for change, path, ending in flow.timeline.ends():
        due_ns = change.until_ns + tick_ns
        if path != flow.path or due_ns >= until_ns or flow.conn.t_ns >= change.since_ns - tick_ns:
            continue
        for side in (CLIENT, SERVER) if ending is not FlowEnding.ABORTED else (CLIENT,):
            ended = flow.ends.get(side)
            if (ended is None or _came_after(ended, change, due_ns)) and not _unreachable(flow, side, ending, due_ns):
                text = f"the side of {_NAMES[side]} was not {_HOW[ending]} by {change.what}"
                flow.fail("not-ended", flow.conn, text, t_ns=change.until_ns)
    _buried(flow, until_ns)
    for side, record in flow.ends.items():
        if record.held and side not in flow.ends_passed and _OTHER[side] not in flow.ends:
            passage.let_go(flow, AWAY[side], record, until_ns, f"the end of {_NAMES[side]} was held")


def _buried(flow: RecordedFlow, until_ns: int) -> None:
    """Judge whether the server's side of a dead connection was closed, where a deed has it so."""
    if flow.died_ns is None:
        return
    server, late_ns = flow.ends.get(SERVER), flow.timeline.slack.late_ns
    last_ns = until_ns if server is None else min(until_ns, server.t_ns)
    for change, upto_ns in flow.timeline.stands(lambda regime: regime.orphans):
        after = change.after.orphans
        if after is None:
            continue
        due_ns = max(change.until_ns, flow.died_ns + round(after * 1e9)) + late_ns
        if due_ns < min(last_ns, upto_ns):
            text = f"the server's side of it was not closed, though it was an orphan by {change.what}"
            flow.fail("orphan-alive", flow.conn, text, t_ns=due_ns)


def at_server(case: Case, flows: Mapping[int, RecordedFlow]) -> Iterator[NetworkDeviation]:
    """Yield each stream whose end the server learned of though no record told it, or missed though one had."""
    requests = {request.rid: request for request in case.history.all(Request)}
    closed = {record.sub: record for record in case.history.all(Subscriber) if record.what == "close"}
    for opened in case.history.all(Subscriber):
        request = requests.get(opened.rid) if opened.what == "open" else None
        flow = flows.get(request.cid) if request is not None else None
        if flow is None:
            continue
        told_ns, end = _told_ns(flow), closed.get(opened.sub)
        if end is not None and end.evidence in _LEARNED and end.t_ns < case.end_ns:
            if told_ns > end.t_ns + flow.timeline.slack.tick_ns:
                at = phrases.limit(case.at(end.t_ns))
                text = f"the server learned of its end ({end.evidence}), which nobody had told it"
                yield NetworkDeviation("silent-death-told", f"{flow.name}: at {at} {text}", ((end, text),))
            continue
        due_ns = told_ns + _way_ns(case, flow.path) + flow.timeline.slack.late_ns
        if due_ns >= (case.end_ns if end is None else min(case.end_ns, end.t_ns)):
            continue
        if not any(one.hangs for one in flow.timeline.within(round(told_ns), round(due_ns))):
            at = phrases.limit(case.at(round(told_ns)))
            text = "its end was told on, and the server learned nothing of it"
            yield NetworkDeviation("end-untold", f"{flow.name}: at {at} {text}", ((opened, text),))


def _way_ns(case: Case, path: str) -> float:
    """Return by when an end has come to the server, on a path of any of the plan's shapes."""
    shapes = [one.shape for one in stretches(case)[path, UP]]
    if any(shape.up == 0 for shape in shapes):
        return math.inf
    slowest = max(shape.latency + shape.jitter + (ASKED / shape.up if shape.up else 0.0) for shape in shapes)
    return (slowest + ARRIVES) * 1e9


def _somebody(flow: RecordedFlow, record: ConnEnd) -> bool:
    """Return whether an end that the gate made is the doing of a deed, of a box, or of the other side."""
    until_ns = record.t_ns
    other = flow.ends.get(_OTHER[record.side])
    # A canary that is done takes the server's side with it, or each would leave one behind until the server beats.
    hidden = other is not None and _untold(flow, other) and flow.conn.client != CANARY
    if flow.boxed or (other is not None and not hidden):
        return True
    for _, ending in flow.strikes(until_ns):
        if ending is not FlowEnding.ABORTED or record.side == CLIENT:
            return True
    return record.side == SERVER and flow.orphaned(until_ns)


def _untold(flow: RecordedFlow, end: ConnEnd) -> bool:
    """Return whether the other side knows nothing of an end."""
    return end.swallowed or (end.held and end.side not in flow.ends_passed)


def _told(flow: RecordedFlow, record: ConnEnd) -> None:
    """Judge whether an end went where the path lets ends go."""
    way = AWAY[record.side]
    passages = {regime.passages[flow.path, way] for regime in flow.at(record)}
    who = _NAMES[record.side]
    if record.swallowed:
        lawful = Passage.DROP in passages or way in flow.dead or flow.boxed or flow.struck(record.t_ns)
        if not (lawful or _OTHER[record.side] in flow.ends):
            flow.fail("end-swallowed", record, f"the end of {who} was swallowed, where the path lets it pass")
    elif record.held:
        if Passage.HOLD not in passages:
            flow.fail("end-held", record, f"the end of {who} was held, where the path holds nothing")
    elif (Passage.PASS not in passages or flow.surely_dead(way)) and _OTHER[record.side] not in flow.ends:
        flow.fail("end-told", record, f"the end of {who} was told on, where the path passes nothing")


def _drops(flow: RecordedFlow, record: ConnEnd) -> bool:
    """Return whether the path may have lost what was said to the client then."""
    return any(regime.passages[flow.path, DOWN] is Passage.DROP for regime in flow.at(record))


def _came_after(ended: ConnEnd, change: RegimeChange, due_ns: int) -> bool:
    """Return whether a side ended only later than a change that was to end it, or of its own accord behind that."""
    if ended.how == "closed" or not change.seq:
        return ended.t_ns > due_ns
    return ended.seq > change.seq


def _unreachable(flow: RecordedFlow, side: str, ending: FlowEnding, until_ns: int) -> bool:
    """Return whether an ending does not reach a side: a FIN has its place among the bytes, and passes no lost bytes."""
    dead = flow.dead.get(TOWARD[side])
    return ending is FlowEnding.FIN and ((dead is not None and dead.t_ns <= until_ns) or _lost_before(flow, until_ns))


def _lost_before(flow: RecordedFlow, until_ns: int) -> bool:
    """Return whether the device had lost the connection, or let it die: nothing passes it any more."""
    return flow.silenced(until_ns) or any(ending is FlowEnding.ABORTED for _, ending in flow.strikes(until_ns))


def _told_ns(flow: RecordedFlow) -> float:
    """Return when the server's side was told of an end of this connection; infinity: never."""
    client, server = flow.ends.get(CLIENT), flow.ends.get(SERVER)
    told_ns = math.inf
    if server is not None and server.how == "closed":
        told_ns = server.t_ns
    if client is not None and not client.swallowed:
        told_ns = min(told_ns, flow.ends_passed.get(CLIENT, math.inf) if client.held else client.t_ns)
    return told_ns
