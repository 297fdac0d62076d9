"""The OS's signals to the app: each signal of the plan, and no other, to every listener that was there; and was heard.

A phone that sleeps lets its app hear what it was told when it wakes up. Who stops listening hears no more.
"""

import math
from collections.abc import Iterator

from harness.history import ConnEnd, Listens, SignalHeard, SignalTold
from harness.judge import phrases
from harness.judge.case import ClientCase
from harness.judge.facts.gate_timeline import RegimeChange, Timeline, TimelineReader, timeline
from harness.judge.laws.network.faults import NetworkDeviation
from harness.judge.laws.network.gates import flows
from harness.vocabulary import Signal

PROMPT = 0.25
"""Seconds within which a listener that is awake hears a signal, beside the run's slack."""


def faults(client: ClientCase) -> Iterator[NetworkDeviation]:
    """Yield what one client was told against the plan."""
    line = timeline(client)
    told = client.case.grouped(SignalTold, "client").get(client.name, [])
    told = [record for record in told if record.t_ns < client.case.end_ns]
    yield from _told(client, line, told)
    yield from _heard(client, line, told)


def _told(client: ClientCase, line: Timeline, told: list[SignalTold]) -> Iterator[NetworkDeviation]:
    """Match what was told with what there was to tell, in order."""
    waiting = list(told)
    tick_ns = line.slack.tick_ns
    for change in line.changes:
        for signal in change.signals:
            found = next((one for one in waiting if _is(one, signal) and _within(one, change, tick_ns)), None)
            if found is not None:
                waiting.remove(found)
                yield from _in_time(client, change, found, tick_ns)
            elif change.until_ns + tick_ns < client.case.end_ns:
                yield NetworkDeviation(
                    "signal-untold", f"{client.name} was not told the signal {_said(signal)} by {change.what}"
                )
    for record in waiting:
        text = f"was told the signal {_said(record)} at {_at(client, record)}, which no deed explains"
        yield NetworkDeviation("signal-unplanned", f"{client.name} {text}", ((record, text),))


def _in_time(client: ClientCase, change: RegimeChange, told: SignalTold, tick_ns: int) -> Iterator[NetworkDeviation]:
    """Yield each signal of a connection's end that came behind the end: an app must not meet effect before cause."""
    for flow in flows(client.case).values():
        end = flow.ends.get("client")
        if end is None or not end.swallowed or end.how != "closed" or flow.conn.client != client.name:
            continue
        if flow.path in change.ended and end.seq < told.seq and _within(end, change, tick_ns):
            text = f"was told the signal {_said(told)} at {_at(client, told)} after {flow.name} was gone"
            yield NetworkDeviation("signal-late", f"{client.name} {text}", ((told, text), (end, "gone")))


def _heard(client: ClientCase, line: Timeline, told: list[SignalTold]) -> Iterator[NetworkDeviation]:
    """Hold who listened when a signal was told against who heard it."""
    hearings: dict[int, list[SignalHeard]] = {}
    watch = TimelineReader(line)
    for heard in client.case.grouped(SignalHeard, "client").get(client.name, []):
        hearings.setdefault(heard.told, []).append(heard)
        if heard.t_ns < client.case.end_ns and all(one.asleep for one in watch.at(heard.t_ns, heard.seq)):
            at = phrases.limit(client.case.at(heard.t_ns))
            text = f"heard the signal {heard.what} at {at}, on a device that slept"
            yield NetworkDeviation("asleep", f"{client.name} {text}", ((heard, text),))
    listens = client.case.grouped(Listens, "client").get(client.name, [])
    ears, place = 0, 0
    for record in told:
        while place < len(listens) and listens[place].seq < record.seq:
            ears += 1 if listens[place].on else -1
            place += 1
        if record.ears != ears:
            told_to = f"told the signal {_said(record)} at {_at(client, record)}"
            text = f"{told_to} to {phrases.amount(record.ears, 'listener')}, where {ears} listened"
            yield NetworkDeviation("signal-to-nobody", f"{client.name}: the phone {text}", ((record, text),))
            continue
        limit_ns = _awake(line, record.t_ns) + round(PROMPT * 1e9) + line.slack.late_ns
        if not ears or limit_ns >= client.case.end_ns:
            continue
        left = sum(not one.on for one in listens[place:] if one.t_ns <= limit_ns)
        heard_it = sum(one.t_ns <= limit_ns for one in hearings.get(record.seq, []))
        if heard_it + left < ears:
            heard_by = f"{heard_it} of {ears} listeners heard it"
            text = f"was told the signal {_said(record)} at {_at(client, record)}, and {heard_by}"
            yield NetworkDeviation("signal-unheard", f"{client.name} {text}", ((record, text),))


def _awake(line: Timeline, t_ns: int) -> float:
    """Return from which stamp on the device is awake for long enough to hear what it was told at this one."""
    awake_ns: float = t_ns
    asleep_ns = math.inf
    prompt_ns = round(PROMPT * 1e9) + line.slack.late_ns
    for change in line.changes:
        if change.after.asleep and not change.before.asleep:
            asleep_ns = change.since_ns
        elif change.before.asleep and not change.after.asleep:
            if asleep_ns <= awake_ns + prompt_ns and change.until_ns >= awake_ns:
                awake_ns = change.until_ns
            asleep_ns = math.inf
    return awake_ns if asleep_ns > awake_ns + prompt_ns else math.inf


def _is(record: SignalTold, signal: Signal) -> bool:
    return (record.what, record.path) == (signal.what, signal.path or "")


def _within(record: SignalTold | ConnEnd, change: RegimeChange, tick_ns: int) -> bool:
    return change.since_ns - tick_ns <= record.t_ns <= change.until_ns + tick_ns


def _said(signal: SignalTold | Signal) -> str:
    return f"{signal.what} {signal.path}" if signal.path else signal.what


def _at(client: ClientCase, record: SignalTold) -> str:
    return phrases.limit(client.case.at(record.t_ns))
