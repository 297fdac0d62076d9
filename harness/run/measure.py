"""What a path's shape does, measured on flows of the harness's own, and held against the plan's numbers.

Delays are one way, by the stamps of beats and pieces, in each direction for itself. A single one cannot prove 2 ± 1 ms;
of twenty the mean can. A rate is proved by so many bytes as the line carries in ``ON_THE_WAY`` seconds, sent at once:
the last of them cannot come sooner. What a line carries in no time is read back only, and the proof says so.

Times are those of bytes that were sent after the shape was in force: what was on its way as a toxic changed may be let
go too soon.
"""

import math
import statistics
from collections.abc import Sequence

import msgspec

from harness.run.expected import span_of
from harness.run.feed import Feed
from harness.run.witness import Finding
from harness.toxics.shape import Shape, line_time
from harness.vocabulary import Direction

SLACK = 0.25  # above a shape's own delay: this machine's, with all its runs side by side
TICK = 0.001  # below a shape's own delay: Toxiproxy counts whole milliseconds
FINE = 0.005  # a delay less its jitter that is shorter than this is proved by a mean
FEW, MANY = 3, 20
TELLING = 0.0004  # the least bound of a mean that an unshaped path does not reach
HALF_A_DRAW = 0.0005  # by which the mean of Toxiproxy's whole milliseconds of jitter is below the delay
ON_THE_WAY = 0.2  # seconds for which the bytes that prove a rate occupy the line
QUICKEST = 0.02  # the least of them that means anything
MOST_BYTES = 65_536
MOST_AT_ONCE = 8_192  # bytes of an answer that come in one read where nothing cuts them

UP, DOWN = Direction.UPSTREAM, Direction.DOWNSTREAM


def rate_of(shape: Shape, way: Direction) -> float | None:
    """Return the rate of one direction in bytes/s, in Toxiproxy's whole KB; None: unlimited."""
    rate = shape.down if way is DOWN else shape.up
    return rate and 1000.0 * max(1, math.floor(rate / 1000 + 0.5))


def samples_of(shape: Shape) -> int:
    """Return how many delays it takes to prove this one."""
    return MANY if shape.latency >= TICK and shape.latency - shape.jitter < FINE else FEW


def delays(feed: Feed, way: Direction, since: float) -> list[float]:
    """Return how long each of the bytes took that were sent in this direction after an instant."""
    if way is DOWN:
        return [beat.took for beat in feed.beats if beat.written > since]
    found: list[float] = []
    arrivals = iter(feed.pulse.arrivals)
    at, came = -math.inf, 0
    for sent, upto in feed.pieces:
        while came < upto:
            arrival = next(arrivals, None)
            if arrival is None:
                return found
            at, came = arrival
        if sent > since:
            found.append(at - sent)
    return found


def mean_bound(shape: Shape, count: int) -> float:
    """Return what the mean of so many delays reaches at least: four deviations of it below Toxiproxy's own mean."""
    return shape.latency - HALF_A_DRAW - 4 * shape.jitter / math.sqrt(3 * count) - TICK / 3


def delay_met(shape: Shape, way: Direction, took: Sequence[float]) -> Finding:
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
        return Finding(False, words, "soon", 0.0)
    return Finding(True, words) if quickest <= most + SLACK else Finding(False, words, "late", 0.0)


def occupies(shape: Shape, way: Direction) -> int:
    """Return how many bytes prove this direction's rate; 0 where it has none, or one that no bytes can prove."""
    rate = rate_of(shape, way)
    if not rate:
        return 0
    size = min(MOST_BYTES, round(rate * ON_THE_WAY))
    cut = line_time(msgspec.structs.replace(shape, down=None), size)
    return size if size / rate >= max(QUICKEST, cut + QUICKEST / 2) else 0


def rate_met(shape: Shape, way: Direction, size: int, took: float) -> Finding:
    """Hold the time that so many bytes took against the rate of their direction."""
    rate = rate_of(shape, way)
    assert rate, "nothing to be met"
    least = span_of(shape, way, 0)[0] + size / rate - TICK
    words = f"{way} {size} B in {took * 1e3:.0f} ms (at least {least * 1e3:.0f} ms)"
    return Finding(took >= least, words, "soon", 0.0)


def tells(shape: Shape, before: Shape | None, way: Direction, took: Sequence[float], *, slack: float) -> bool:
    """Whether fewer delays than a proof wants are enough: their mean has a bound, or none is as it was before.

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
