"""What dials met: let in, refused, left to hang or lost as the timeline has it, and through the path it has.

A dial that hung while the door opened gets in with its next SYN, which the kernel sends by a schedule of its own. One
that began by an open door gets in at once; a phone that sleeps meanwhile learns of it as it wakes.
"""

import math
from collections.abc import Iterator

from harness.deeds.catalogue import Ending
from harness.history import Conn, Dial
from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.network.faults import Fault
from harness.judge.network.gates import flows
from harness.judge.network.timeline import Regime, Timeline, timeline
from harness.judge.recoveries import syn_retries
from harness.vocabulary import Door

PROMPT = 0.25
"""Seconds within which an open door lets a dial in, beside the run's slack."""

_MET = {"open": Door.OPEN, "refused": Door.REFUSE}
_DOORS = {Door.OPEN: "lets dials in", Door.REFUSE: "refuses dials", Door.HANG: "lets dials hang"}
NO_PATH, LOST = "no path", "lost"


def faults(case: Case) -> Iterator[Fault]:
    """Yield each dial that met what it should not have."""
    for client in case.clients:
        line = timeline(client)
        for dial in case.grouped(Dial, "client").get(client.name, []):
            if dial.to_ns < case.end_ns:
                yield from _judged(client, line, dial)
    for flow in flows(case).values():
        yield from _let_in(flow.timeline, flow.conn, flow.name)


def _judged(client: ClientCase, line: Timeline, dial: Dial) -> Iterator[Fault]:
    tick = line.slack.tick_ns
    at_first = list(line.within(dial.from_ns - tick, dial.from_ns + tick))
    if all((regime.default or "") != dial.path for regime in at_first):
        regime = at_first[-1]
        wanted = f"through {regime.default}" if regime.default else "through no path"
        why = line.because(regime, lambda one: one.default)
        yield _fault(
            client, dial, "dialled-elsewhere", f"went through {dial.path or 'no path'}, and was to go {wanted} by {why}"
        )
        return
    if not dial.path:
        if dial.fate != NO_PATH:
            yield _fault(client, dial, "let-in", f"had no path, and was {dial.fate}")
        return
    regimes = list(line.within(dial.from_ns - tick, dial.to_ns + tick))
    met = _MET.get(dial.fate)
    if met is not None and all(regime.doors[dial.path] is not met for regime in regimes):
        why = line.because(regimes[-1], lambda one: one.doors[dial.path])
        wrong = f"was {'let in' if met is Door.OPEN else 'refused'}, where {dial.path}"
        yield _fault(client, dial, f"{dial.fate}-dial", f"{wrong} {_DOORS[regimes[-1].doors[dial.path]]} by {why}")
    elif dial.fate == LOST and not _lost(line, dial):
        yield _fault(client, dial, "lost-dial", f"was lost with {dial.path}, which the device did not lose")
    elif dial.fate != "refused" and (due_ns := _due(client, line, dial)) < dial.to_ns:
        by = phrases.limit(client.case.at(round(due_ns)))
        yield _fault(
            client,
            dial,
            "hung-dial",
            f"hung until {phrases.limit(client.case.at(dial.to_ns))}, where an open door lets it in by {by}",
        )


def _let_in(line: Timeline, conn: Conn, name: str) -> Iterator[Fault]:
    """A connection was accepted: hold its path's door against it, be it the client's or the harness's own."""
    # The kernel lets a dial in, and the gate takes it as soon as it comes to it.
    regimes = list(line.within(conn.t_ns - line.slack.late_ns, conn.t_ns + line.slack.tick_ns))
    if all(regime.doors[conn.path] is not Door.OPEN for regime in regimes):
        door, why = regimes[-1].doors[conn.path], line.because(regimes[-1], lambda one: one.doors[conn.path])
        text = f"was let in at {phrases.limit(line.case.at(conn.t_ns))}, where {conn.path} {_DOORS[door]} by {why}"
        yield Fault("let-in", f"{name} {text}", ((conn, text),))


def _due(client: ClientCase, line: Timeline, dial: Dial) -> float:
    """Return by when a dial should have been let in, had its door been open; infinity where it was not."""

    def answered(regime: Regime) -> bool:
        return regime.doors[dial.path] is Door.OPEN and not regime.asleep

    opened_ns = line.surely_since(answered, dial.to_ns)
    prompt_ns = round(PROMPT * 1e9) + line.slack.late_ns
    if opened_ns <= dial.from_ns:
        return dial.from_ns + prompt_ns
    knocks = (dial.from_ns + round(instant * 1e9) for instant in syn_retries(client))
    after_ns = opened_ns + line.slack.tick_ns
    return next((knock_ns + prompt_ns for knock_ns in knocks if knock_ns > after_ns), math.inf)


def _lost(line: Timeline, dial: Dial) -> bool:
    """Whether the device may have lost the dial's path while it was on its way."""
    tick_ns = line.slack.tick_ns
    return any(
        path == dial.path and ending is Ending.ABORTED
        and change.since_ns <= dial.to_ns + tick_ns and change.until_ns >= dial.from_ns - tick_ns
        for change, path, ending in line.ends()
    )  # fmt: skip


def _fault(client: ClientCase, dial: Dial, kind: str, text: str) -> Fault:
    at = phrases.limit(client.case.at(dial.from_ns))
    return Fault(kind, f"the dial of {client.name} at {at} {text}", ((dial, text),))
