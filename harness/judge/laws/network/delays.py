"""The delay and the rate of a path, by the records of both of its ends: its shape was there, and no other.

Downstream a live event passes from its emission to the phone, and the head of an answer from the server's record of it;
upstream a request passes from the gate to that record. A single delay lies above the least that the jitter leaves, the
mean of twenty above the latency itself: jitter is uniform, and toxics only ever add to it. Of twenty in a row on a line
that has room for them, at least one is as quick as the shape.
"""

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from harness.history import Answered, Chunk, Delivered, Emit, Job, Request, Response, Snapshot, Subscriber
from harness.history.records import Record
from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.facts.gate_timeline import Way, happened, passing, timeline
from harness.judge.laws.network.faults import NetworkDeviation
from harness.judge.laws.network.flows import DOWN, UP, RecordedFlow
from harness.judge.laws.network.gates import flows
from harness.judge.laws.network.radios import reigns
from harness.judge.laws.network.shapes import ShapeStretch, stretches
from harness.toxics.shape import Shape

ENOUGH = 20
"""Delays that a mean is taken of: one alone cannot prove 2 ± 1 ms."""

LATE = 0.05
"""Seconds by which even the quickest of so many may be behind the shape, beside the run's slack."""

PIECE = 4096
"""Bytes that something may consist of for which a line of a rate takes its time."""

AHEAD, HEAD = 0.1, 1500
"""A line may be ahead of its rate by so many seconds, and so many bytes: Toxiproxy sends in pieces of 100 ms."""

TOXIC_NS = 1_000_000
"""Toxiproxy counts whole milliseconds."""


class Delay(NamedTuple):
    """Something travelled one way on a connection, between two stamps; ``record`` tells of its arrival."""

    flow: RecordedFlow
    way: str
    from_ns: int
    to_ns: int
    what: str
    record: Record


def faults(case: Case) -> Iterator[NetworkDeviation]:
    """Yield what came sooner, later or faster than its path lets it."""
    found = stretches(case)
    passes: dict[tuple[str, Way], list[tuple[float, float]]] = {}
    for delay in _delays(case):
        flow, took_ns = delay.flow, delay.to_ns - delay.from_ns
        way = (flow.path, delay.way)
        stretch = _around(found[way], delay)
        if stretch is None:
            continue
        latency_ns, jitter_ns = _toxic(stretch.shape)
        if took_ns < latency_ns - jitter_ns - TOXIC_NS and not stretch.blamed:
            stretch.blamed = True
            yield _too_soon(case, delay, took_ns, latency_ns - jitter_ns - TOXIC_NS)
        key = flow.conn.client, way
        if key not in passes:
            passes[key] = flow.timeline.stretches(passing(way))
        if any(since <= delay.from_ns and delay.to_ns <= until for since, until in passes[key]):
            stretch.add(took_ns, delay.to_ns)
    slack = timeline(case.clients[0]).slack
    for way, several in found.items():
        for stretch in several:
            if stretch.count >= ENOUGH:
                yield from _on_average(case, way, stretch, slack.tick_ns)
    for flow in flows(case).values():
        yield from _too_fast(case, flow, found[flow.path, DOWN], slack.tick_ns)


def _around(several: list[ShapeStretch], delay: Delay) -> ShapeStretch | None:
    """Return the stretch in which something went all its way."""
    for stretch in several:
        if stretch.since_ns <= delay.from_ns and delay.to_ns <= stretch.until_ns:
            return stretch
    return None


def _delays(case: Case) -> Iterator[Delay]:
    """Yield all that has a record at both ends; of what came as one piece the first."""
    found = flows(case)
    requests = {one.rid: one for one in case.history.all(Request) if one.cid in found and one.t_ns < case.end_ns}
    arrived = _arrived(case)
    answers = {one.rid: one for one in case.history.all(Response) if not one.by}
    for rid, request in requests.items():
        flow, record = found[request.cid], arrived.get(rid)
        if record is not None:
            if (sent := flow.sent.get(rid)) is not None:
                yield Delay(flow, UP, sent.t_ns, record.t_ns, "a request", record)
            if (answer := answers.get(rid)) is not None:
                yield Delay(flow, DOWN, record.t_ns, answer.t_ns, "an answer", answer)
    emitted: dict[tuple[str, str, str], Emit] = {}
    for emit in case.history.all(Emit):
        emitted.setdefault((emit.job, emit.told_id, emit.digest), emit)
    last = (0, 0)
    for event in case.history.all(Delivered):
        if event.rid not in requests or event.rid not in answers or last == (event.cid, event.t_ns):
            continue
        request = requests[event.rid]
        known = emitted.get((request.job, event.id, event.digest))
        if known is not None and known.actual_ns >= answers[event.rid].t_ns:  # a live one
            last = (event.cid, event.t_ns)
            yield Delay(found[request.cid], DOWN, known.actual_ns, event.t_ns, f"event {event.id}", event)


def _arrived(case: Case) -> Mapping[int, Record]:
    """Return the server's first record of each request that came by a gate."""
    found: dict[int, Subscriber | Snapshot | Answered | Job] = {}
    all_of = case.history.all
    for several in (all_of(Subscriber), all_of(Snapshot), all_of(Answered), all_of(Job)):
        for record in several:
            if record.rid and (record.rid not in found or record.seq < found[record.rid].seq):
                found[record.rid] = record
    return found


def _toxic(shape: Shape) -> tuple[int, int]:
    """Return a shape's latency and jitter as Toxiproxy has them, in nanoseconds."""
    return (math.floor(shape.latency * 1e3 + 0.5) * TOXIC_NS, math.floor(shape.jitter * 1e3 + 0.5) * TOXIC_NS)


def _too_soon(case: Case, delay: Delay, took_ns: int, least_ns: int) -> NetworkDeviation:
    took, least = (phrases.duration(ns / 1e9) for ns in (took_ns, least_ns))
    at = phrases.limit(case.at(delay.to_ns))
    text = f"{delay.what} came {delay.way} after {took}, and {delay.flow.path} takes {least} at the least"
    return NetworkDeviation("too-soon", f"{delay.flow.name}: at {at} {text}", ((delay.record, text),))


def _on_average(case: Case, way: Way, stretch: ShapeStretch, tick_ns: int) -> Iterator[NetworkDeviation]:
    """Hold the delays of a stretch against its shape."""
    shape = stretch.shape
    latency_ns, jitter_ns = _toxic(shape)
    mean_ns = stretch.total_ns / stretch.count
    least_ns = latency_ns - TOXIC_NS / 2 - 4 * jitter_ns / math.sqrt(3 * stretch.count)
    path, direction = way
    where = f"{stretch.count} delays on {path} {direction}"
    if latency_ns and mean_ns < least_ns:
        took, least = phrases.duration(mean_ns / 1e9), phrases.duration(least_ns / 1e9)
        yield NetworkDeviation("too-soon-on-average", f"{where} were {took} on average, and take {least} at the least")
    rate = shape.down if direction == DOWN else shape.up
    if shape.slice_size is not None or (rate is not None and _demand(case, way, stretch) > rate / 4):
        return  # what comes may wait for what came before it
    wake = max(reign.radio.wake for reign in reigns(case.plan, happened(case.clients[0]))[path])
    most_ns = latency_ns + jitter_ns + round((LATE + wake + (PIECE / rate if rate else 0.0)) * 1e9) + tick_ns
    if stretch.least_ns > most_ns:
        took, most = phrases.duration(stretch.least_ns / 1e9), phrases.duration(most_ns / 1e9)
        yield NetworkDeviation(
            "too-late", f"of {where} the quickest took {took}, and the path takes {most} at the most"
        )


def _demand(case: Case, way: Way, stretch: ShapeStretch) -> float:
    """Return how many bytes a second came this way of a path, while delays were seen in a stretch."""
    path, direction = way
    came = sum(
        record.length
        for flow in flows(case).values()
        if flow.path == path
        for record in case.grouped(Chunk, "cid").get(flow.cid, [])
        if record.direction == direction and stretch.first_ns <= record.t_ns <= stretch.last_ns
    )
    return came * 1e9 / max(1, stretch.last_ns - stretch.first_ns)


def _too_fast(case: Case, flow: RecordedFlow, several: list[ShapeStretch], tick_ns: int) -> Iterator[NetworkDeviation]:
    """Hold a connection's bytes from its beginning against the rate of a path that has had but one shape since."""
    stretch = several[-1]
    rate = stretch.shape.down
    if not rate or flow.boxed or stretch.since_ns > flow.conn.t_ns:
        return
    rate = max(1, math.floor(rate / 1e3 + 0.5)) * 1e3
    total, seen = 0, 0
    for record in case.grouped(Chunk, "cid").get(flow.cid, []):
        if record.direction == DOWN and record.offset >= seen:
            seen = record.offset + record.length
            total += record.length
            age = (record.t_ns - flow.conn.t_ns + tick_ns) / 1e9
            if total > rate * (age + AHEAD) + HEAD:
                text = f"{phrases.size(total)} had come in {phrases.duration(age)}, at {phrases.size(rate)}/s"
                at = phrases.limit(case.at(record.t_ns))
                yield NetworkDeviation("too-fast", f"{flow.name}: at {at} {text}", ((record, text),))
                return
