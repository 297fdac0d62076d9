"""The meetings of dials: let in, refused, left to hang or lost as the timeline has it, and through the path it has.

A dial that hung while the door opened gets in with its next SYN, which the kernel sends by a schedule of its own. One
that began by an open door gets in at once; a phone that sleeps meanwhile learns of it as it wakes.
"""

import math
from collections.abc import Iterator, Mapping

from harness.deeds.catalogue import FlowEnding
from harness.history import Conn, Dial
from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.facts.dials import syn_retries
from harness.judge.facts.gate_timeline import Regime, Timeline, timeline
from harness.judge.laws.network.faults import NetworkDeviation
from harness.judge.laws.network.gates import flows
from harness.vocabulary import Door

PROMPT = 0.25
"""Seconds within which a door that does not let dials hang answers one, beside the run's slack."""

_MET = {"open": Door.OPEN, "refused": Door.REFUSE}
_DOORS = {Door.OPEN: "lets dials in", Door.REFUSE: "refuses dials", Door.HANG: "lets dials hang"}
NO_PATH, LOST = "no path", "lost"


def faults(case: Case) -> Iterator[NetworkDeviation]:
    """Yield each dial that met what it should not have."""
    for client in case.clients:
        line = timeline(client)
        for dial in case.grouped(Dial, "client").get(client.name, []):
            if dial.to_ns < case.end_ns:
                yield from _judged(client, line, dial)
    for flow in flows(case).values():
        yield from _let_in(flow.timeline, flow.conn, flow.name)


def _judged(client: ClientCase, line: Timeline, dial: Dial) -> Iterator[NetworkDeviation]:
    tick = line.slack.tick_ns
    at_first = list(line.within(dial.from_ns - tick, dial.from_ns + tick))
    if all((regime.default or "") != dial.path for regime in at_first):
        regime = at_first[-1]
        wanted = f"through {regime.default}" if regime.default else "through no path"
        why = line.because(regime, lambda one: one.default)
        text = f"went through {dial.path or 'no path'}, and was to go {wanted} by {why}"
        yield _fault(client, dial, "dialled-elsewhere", text)
        return
    if all(regime.asleep for regime in line.within(dial.from_ns - line.slack.late_ns, dial.from_ns)):
        yield _fault(client, dial, "asleep", "came from a device that slept")
    if not dial.path:
        if dial.fate != NO_PATH:
            yield _fault(client, dial, "let-in", f"had no path, and was {dial.fate}")
        return
    if dial.fate == "open":
        yield from _where(client, line, dial)
    regimes = list(line.within(dial.from_ns - tick, dial.to_ns + tick))
    met = _MET.get(dial.fate)
    if met is not None and all(regime.doors[dial.path] is not met for regime in regimes):
        why = line.because(regimes[-1], lambda one: one.doors[dial.path])
        wrong = f"was {'let in' if met is Door.OPEN else 'refused'}, where {dial.path}"
        yield _fault(client, dial, f"{dial.fate}-dial", f"{wrong} {_DOORS[regimes[-1].doors[dial.path]]} by {why}")
    elif dial.fate == LOST and not _lost(line, dial):
        yield _fault(client, dial, "lost-dial", f"was lost with {dial.path}, which the device did not lose")
    elif (due_ns := _due(client, line, dial)) < dial.to_ns:
        to, by = (phrases.limit(client.case.at(round(t_ns))) for t_ns in (dial.to_ns, due_ns))
        yield _fault(client, dial, "hung-dial", f"hung until {to}, where {dial.path} answers it by {by}")


def _where(client: ClientCase, line: Timeline, dial: Dial) -> Iterator[NetworkDeviation]:
    """Hold where a dial came in, and whether its path was still there by then."""
    slack = line.slack
    for conn in client.once(_by_port).get(str(dial.port), []):
        near = dial.from_ns - slack.tick_ns <= conn.t_ns <= dial.to_ns + slack.late_ns
        if near and conn.path != dial.path:
            yield _fault(client, dial, "dialled-elsewhere", f"went through {dial.path}, and came in on {conn.path}")
    for change, path, ending in line.ends():
        surely = dial.from_ns + slack.tick_ns < change.since_ns and change.until_ns < dial.to_ns - slack.tick_ns
        if path == dial.path and ending is FlowEnding.ABORTED and surely:
            yield _fault(client, dial, "dial-not-lost", f"was let in, though {path} was lost by {change.what}")


def _by_port(client: ClientCase) -> Mapping[str, list[Conn]]:
    """Return a client's connections by the port that they came from."""
    found: dict[str, list[Conn]] = {}
    for conn in client.conns:
        found.setdefault(conn.peer.rpartition(":")[2], []).append(conn)
    return found


def _let_in(line: Timeline, conn: Conn, name: str) -> Iterator[NetworkDeviation]:
    """Hold an accepted connection, the client's or the harness's own, against its path's door."""
    # The kernel lets a dial in, and the gate takes it as soon as it comes to it.
    regimes = list(line.within(conn.t_ns - line.slack.late_ns, conn.t_ns + line.slack.tick_ns))
    if all(regime.doors[conn.path] is not Door.OPEN for regime in regimes):
        door, why = regimes[-1].doors[conn.path], line.because(regimes[-1], lambda one: one.doors[conn.path])
        text = f"was let in at {phrases.limit(line.case.at(conn.t_ns))}, where {conn.path} {_DOORS[door]} by {why}"
        yield NetworkDeviation("let-in", f"{name} {text}", ((conn, text),))


def _due(client: ClientCase, line: Timeline, dial: Dial) -> float:
    """Return by when a dial should have been let in or refused; infinity where it was to hang."""

    def answered(regime: Regime) -> bool:
        return regime.doors[dial.path] is not Door.HANG and not regime.asleep

    since_ns = line.surely_since(answered, dial.to_ns)
    prompt_ns = round(PROMPT * 1e9) + line.slack.late_ns
    if since_ns + line.slack.tick_ns < dial.from_ns:  # as it opens, the first SYN may have met it shut
        return dial.from_ns + prompt_ns
    knocks = (dial.from_ns + round(instant * 1e9) for instant in syn_retries(client))
    after_ns = since_ns + line.slack.tick_ns
    return next((knock_ns + prompt_ns for knock_ns in knocks if knock_ns > after_ns), math.inf)


def _lost(line: Timeline, dial: Dial) -> bool:
    """Return whether the device may have lost the dial's path while it was on its way."""
    tick_ns = line.slack.tick_ns
    return any(
        path == dial.path and ending is FlowEnding.ABORTED
        and change.since_ns <= dial.to_ns + tick_ns and change.until_ns >= dial.from_ns - tick_ns
        for change, path, ending in line.ends()
    )  # fmt: skip


def _fault(client: ClientCase, dial: Dial, kind: str, text: str) -> NetworkDeviation:
    at = phrases.limit(client.case.at(dial.from_ns))
    return NetworkDeviation(kind, f"the dial of {client.name} at {at} {text}", ((dial, text),))
