"""The passage of bytes: passed, held and lost only where the timeline has it so, and let go once it lets them.

TCP never loses bytes in the middle of a stream, so a direction that lost some passes nothing any more. Bytes that a
path held when it was closed, or when a box ended the connection, go with the FIN.
"""

from collections.abc import Sequence

from harness.deeds.network_state import Passage
from harness.history import Chunk, ConnEnd
from harness.judge import phrases
from harness.judge.facts.gate_timeline import Regime, Way, passing
from harness.judge.laws.network.flows import DOWN, SINK, UP, RecordedFlow

FATES = {"delivered": Passage.PASS, "held": Passage.HOLD, "dropped": Passage.DROP}
_DONE = {"delivered": "passed", "held": "were held", "dropped": "were lost"}
_WANTED = {Passage.PASS: "pass", Passage.HOLD: "wait", Passage.DROP: "are lost"}

PROMPT = 0.25
"""Seconds within which held bytes go on once they may, beside the run's slack."""

ROOM = 32_768
"""Bytes that any socket takes without waiting: a client that reads nothing is no fault of the gate."""


def chunk(flow: RecordedFlow, record: Chunk) -> bool:
    """Judge what became of some bytes; return whether they had been held."""
    flow.note_death(record)
    way, fate = record.direction, record.fate
    regimes = flow.watch.at(record.t_ns, record.seq)
    key = (flow.path, way)
    may = False
    for regime in regimes:
        if regime.passages[key] is FATES[fate]:
            may = True
            break
    if fate == "delivered":
        return _delivered(flow, record, regimes, key, may=may)
    if fate == "held":
        flow.held[way][record.offset] = record
        if not may:
            _misplaced(flow, record, regimes, key)
    else:
        if not (may or way in flow.dead or _may_lose(flow, record, key)):
            flow.lost.append((record, regimes))
        flow.held[way].pop(record.offset, None)
        flow.dead.setdefault(way, record)
        if way == DOWN and flow.died_ns is None:
            flow.died_ns = record.t_ns
    return False


def finish(flow: RecordedFlow, until_ns: int) -> None:
    """Judge what is left of a connection's bytes, as the observation ends or both of its sides have."""
    for record, regimes in flow.lost:
        # The gate empties a direction whose reader has gone, and then records that it went.
        end = flow.ends.get(SINK[record.direction])
        if end is None or end.t_ns > record.t_ns + flow.timeline.slack.tick_ns:
            _misplaced(flow, record, regimes, (flow.path, record.direction))
    for way, held in flow.held.items():
        oldest = next(iter(held.values()), None)
        if oldest is None or way in flow.dead:
            continue
        end = flow.ends.get(SINK[way])
        last_ns = until_ns if end is None else min(until_ns, end.t_ns)
        let_go(flow, way, oldest, last_ns, f"{_bytes(oldest)} were held {way}")


def let_go(flow: RecordedFlow, way: str, held: Chunk | ConnEnd, until_ns: int, what: str) -> None:
    """Judge whether what was held went on in time; it had not before a stamp."""
    since_ns = flow.timeline.surely_since(passing((flow.path, way)), until_ns)
    waited = (until_ns - max(since_ns, held.t_ns) - flow.timeline.slack.late_ns) / 1e9
    if waited > PROMPT and flow.passed[way] < ROOM and way not in flow.dead and not flow.struck(until_ns):
        flow.fail("not-let-go", held, f"{what}, and did not go on when the path let it")


def _delivered(flow: RecordedFlow, record: Chunk, regimes: Sequence[Regime], key: Way, *, may: bool) -> bool:
    way, length = key[1], record.length
    held = flow.held[way].pop(record.offset, None) if flow.held[way] else None
    flow.passed[way] += length
    flow.last[way] = record
    if flow.surely_dead(way):
        why = f"the connection was dead by {flow.killed}" if flow.killed else "bytes before them were lost"
        flow.fail("passed-dead", record, f"{_bytes(record)} passed {way}, though {why}")
    elif held is not None:
        if not (may or flow.boxed or flow.struck(record.t_ns)):
            _misplaced(flow, record, regimes, key)
        let_go(flow, way, held, record.t_ns, f"{_bytes(held)} were held {way}")
    elif not may:
        _misplaced(flow, record, regimes, key)
    return held is not None


def at_once(flow: RecordedFlow, record: Chunk, since_ns: int) -> None:
    """Judge whether bytes that came at a stamp, and were neither held nor charged, passed at once."""
    late = record.t_ns - since_ns > flow.timeline.slack.late_ns
    if not late or flow.passed[record.direction] >= ROOM or flow.queued:
        return
    if flow.timeline.surely_since(passing((flow.path, record.direction)), record.t_ns) <= since_ns:
        came = phrases.limit(flow.timeline.case.at(since_ns))
        text = f"{_bytes(record)} passed {record.direction}, which had come at {came} and were kept by nothing"
        flow.fail("kept", record, text)


def _may_lose(flow: RecordedFlow, record: Chunk, key: Way) -> bool:
    """Return whether bytes may be lost where the path lets them pass: their reader is gone, or they are half sent."""
    way = key[1]
    if SINK[way] in flow.ends or (way == UP and flow.boxed) or flow.struck(record.t_ns):
        return True
    last = flow.last.get(way)
    if last is None or last.offset != record.offset:
        return False
    return any(one.passages[key] is Passage.DROP for one in flow.timeline.within(last.t_ns, record.t_ns))


def _misplaced(flow: RecordedFlow, record: Chunk, regimes: Sequence[Regime], key: Way) -> None:
    regime = regimes[-1]
    wanted = regime.passages[key]
    why = flow.timeline.because(regime, lambda one: one.passages[key])
    text = f"{_bytes(record)} {_DONE[record.fate]} {key[1]}, where they {_WANTED[wanted]} by {why}"
    flow.fail(f"{record.fate}-where-{wanted}", record, text)


def _bytes(record: Chunk) -> str:
    return phrases.amount(record.length, "byte")
