"""The effect of a path's shape, measured on flows of the harness's own, and held against the plan's numbers.

Delays are one way, by the stamps of beats and pieces, in each direction for itself. A single one cannot prove 2 ± 1 ms;
of twenty the mean can. A rate is proved by so many bytes as the line carries in ``ON_THE_WAY`` seconds, sent at once:
the last of them cannot come sooner, nor much later. What a line carries in no time is read back only, and the proof
says so.

Times are those of bytes that were sent after the shape was in force: what was on its way as a toxic changed may be let
go too soon.
"""

import math
import statistics
from collections.abc import Sequence

import msgspec

from harness.jobserver.probe_streams import PERIOD
from harness.run.expected import span_of
from harness.run.probe_stream import ProbeStream
from harness.run.witness import Observation
from harness.toxics.shape import Shape, line_time
from harness.vocabulary import Direction

SLACK = 0.25  # above a shape's own delay: this machine's, with all its runs side by side
QUEUE = 400  # bytes that may be before those that prove a rate: an answer's head, pieces
TICK = 0.001  # below a shape's own delay: Toxiproxy counts whole milliseconds
FINE = 0.005  # a delay less its jitter that is shorter than this is proved by a mean
FEW, MANY = 3, 20
TELLING = 0.0004  # the least bound of a mean that an unshaped path does not reach
HALF_A_DRAW = 0.0005  # by which the mean of Toxiproxy's whole milliseconds of jitter is below the delay
ON_THE_WAY = 0.2  # seconds for which the bytes that prove a rate occupy the line
QUICKEST = 0.02  # the least of them that means anything
MOST_BYTES = 65_536
CROWDED = PERIOD / 4  # a byte that is on a line for longer may wait for the one before it
EDGES = 3  # reads more: what was before and behind, and a head apart from its body
MOST_AT_ONCE = 8_192  # bytes of an answer that come in one read where nothing cuts them

UP, DOWN = Direction.UPSTREAM, Direction.DOWNSTREAM


def rate_of(shape: Shape, way: Direction) -> float | None:
    """Return the rate of one direction in bytes/s, in Toxiproxy's whole KB; None: unlimited."""
    rate = shape.down if way is DOWN else shape.up
    return rate and 1000.0 * max(1, math.floor(rate / 1000 + 0.5))


def samples_of(shape: Shape) -> int:
    """Return how many delays it takes to prove this one."""
    return MANY if shape.latency >= TICK and shape.latency - shape.jitter < FINE else FEW


def delays(feed: ProbeStream, way: Direction, since: float, until: float = math.inf) -> list[float]:
    """Return how long each of the bytes took that were sent in this direction after an instant, up to another."""
    if way is DOWN:
        return [beat.took for beat in feed.beats if since < beat.written <= until]
    found: list[float] = []
    arrivals = iter(feed.pulse.arrivals)
    at, came = -math.inf, 0
    for sent, upto in feed.pieces:
        while came < upto:
            arrival = next(arrivals, None)
            if arrival is None:
                return found
            at, came = arrival
        if upto and since < sent <= until:  # the head of its request is none of the body
            found.append(at - sent)
    return found


def mean_bound(shape: Shape, count: int) -> float:
    """Return what the mean of so many delays reaches at least: four deviations of it below Toxiproxy's own mean."""
    return shape.latency - HALF_A_DRAW - 4 * shape.jitter / math.sqrt(3 * count) - TICK / 3


def delay_met(shape: Shape, way: Direction, took: Sequence[float]) -> Observation:
    """Hold delays of one direction against what its shape must make of them."""
    least, most = span_of(shape, way)
    quickest, count = min(took), len(took)
    if samples_of(shape) == FEW:
        bound, seen = least - TICK, statistics.median(took)
        words = f"{way} {seen * 1e3:.1f} ms (at least {max(0.0, bound) * 1e3:.0f} ms)"
    else:
        bound, seen = mean_bound(shape, count), statistics.fmean(took)
        words = f"{way} {seen * 1e3:.2f} ms, the mean of {count} (at least {max(0.0, bound) * 1e3:.2f} ms)"
    if seen < bound:
        return Observation(False, words, "soon", 0.0)
    return Observation(True, words) if quickest <= most + SLACK else Observation(False, words, "late", 0.0)


def occupies(shape: Shape, way: Direction, *, ahead: bool = False) -> int:
    """Return how many bytes prove this direction's rate; 0 where it has none, or one that no bytes can prove.

    ``ahead`` as ``rate_met`` has it.
    """
    rate = rate_of(shape, way)
    if not rate:
        return 0
    size = min(MOST_BYTES, round(rate * ON_THE_WAY))
    cut = line_time(msgspec.structs.replace(shape, down=None), size)
    interference = shape.latency + shape.jitter if ahead else 0.0
    return size if size / rate >= max(QUICKEST, cut + QUICKEST / 2, interference + QUICKEST / 2) else 0


def rate_met(shape: Shape, way: Direction, size: int, took: float, *, ahead: bool, slack: float) -> Observation:
    """Hold the time that so many bytes took against the rate of their direction.

    ``ahead``: the line comes before the delay, which counts from when the bytes came to the line: the longer is all.
    ``slack``: seconds by which this world may be late.
    """
    rate = rate_of(shape, way)
    assert rate, "nothing to be met"
    latency, line = span_of(shape, way, 0)[0], size / rate
    least = (max(latency, line) if ahead else latency + line) - TICK
    most = span_of(msgspec.structs.replace(shape, down=rate, up=rate), way, size + QUEUE)[1] + slack
    words = f"{way} {size} B in {took * 1e3:.0f} ms ({least * 1e3:.0f} to {most * 1e3:.0f} ms)"
    if took < least:
        return Observation(False, words, "soon", 0.0)
    return Observation(took <= most, words, "late", 0.0)


def begun(shape: Shape, before: Shape, way: Direction, share: float, took: Sequence[float], *, slack: float) -> bool:
    """Return whether delays seen while a shape became this one have come by this ``share`` of the change, no further.

    True as well where delays cannot tell. ``slack``: seconds by which this world may be late.
    """
    latency = before.latency + (shape.latency - before.latency) * share
    jitter = before.jitter + (shape.jitter - before.jitter) * share
    (least, most), (_, busy) = span_of(shape, way), span_of(before, way)
    crowded = max(most - shape.latency - shape.jitter, busy - before.latency - before.jitter) > CROWDED
    if crowded or not took:
        return True
    if latency + jitter + slack < least - TICK:
        return min(took) < least - TICK
    if most + slack < latency - jitter - TICK:
        return max(took) > most + slack
    return True


def slices_met(shape: Shape, way: Direction, length: int, reads: int) -> Observation:
    """Hold in how many reads so many bytes came, about, against a shape that slices.

    A slicer halves what is longer than a slice, so that none is shorter than half of it, rounded down. A line cuts as
    well: into what it carries in a tenth of a second.
    """
    size, rate = shape.slice_size, rate_of(shape, way)
    assert size, "nothing to be met"
    most = math.ceil(length / ((size + 1) // 2)) + EDGES + (math.ceil(20 * length / rate) if rate else 0)
    words = f"{way} {reads} reads of about {size} B"
    if reads <= 1:
        return Observation(False, words, "whole")
    return Observation(reads <= most, f"{words} (at most {most})" if reads > most else words)


def tells(shape: Shape, before: Shape | None, way: Direction, took: Sequence[float], *, slack: float) -> bool:
    """Return whether fewer delays than a proof wants are enough: their mean has a bound, or none is as it was before.

    ``slack``: seconds by which this world may be late.
    """
    if not took:
        return False
    if samples_of(shape) == MANY and mean_bound(shape, len(took)) >= TELLING:
        return True
    if before is None:
        return False
    least, most = span_of(shape, way)
    old_least, old_most = span_of(before, way)
    fits = all(least - TICK <= each <= most + SLACK for each in took)
    return fits and (all(each < old_least - TICK for each in took) or all(each > old_most + slack for each in took))
