"""Sets of instants: where a lawful client may be, as one number. Bit i stands for the instant i · ``GRID``.

One set holds the fastest client, the slowest, and all between. A walk of the longest waits alone is no bound: a client
that waits a little less may dial just before the path heals, and then waits again. Sums are exact to one bin: a set's
own instants are rounded outwards, never inwards.
"""

import math

GRID = 0.005
"""Seconds of one bin: two changes within one cannot be told apart. Bins of 20 ms were too coarse for lawful runs."""

_ROUNDING = 1e-6
"""Of a bin: what floating point may add."""

Instants = int
"""A set of instants."""


def floor_bin(seconds: float) -> int:
    """Return the bin in which an instant lies; what is before 0 s is in the first."""
    return max(0, math.floor(seconds / GRID + _ROUNDING))


def ceil_bin(seconds: float) -> int:
    """Return the first bin that does not begin before an instant."""
    return max(0, math.ceil(seconds / GRID - _ROUNDING))


def between(start: float, end: float) -> Instants:
    """Return all instants from one to another, both included; none where the end comes first."""
    return 0 if end < start else _ones(floor_bin(start), ceil_bin(end) + 1)


def clip(instants: Instants, start: float, end: float) -> Instants:
    """Return those of a set from ``start`` on and before ``end``."""
    kept = instants >> floor_bin(start) << floor_bin(start)
    return kept if math.isinf(end) else kept & _ones(0, ceil_bin(end))


def smear(instants: Instants, least: float, most: float) -> Instants:
    """Return where a client may be that goes on from a set after at least and at most so many seconds."""
    return _smeared(instants, floor_bin(least), ceil_bin(most))


def earliest(instants: Instants) -> float:
    """Return the first instant, in seconds; infinity for an empty set."""
    return ((instants & -instants).bit_length() - 1) * GRID if instants else math.inf


def latest(instants: Instants) -> float:
    """Return the last instant, in seconds; minus infinity for an empty set."""
    return (instants.bit_length() - 1) * GRID if instants else -math.inf


def _smeared(instants: Instants, least: int, most: int) -> Instants:
    found, have, want = instants << least, 1, most - least + 1
    while have < want:
        step = min(have, want - have)
        found |= found << step
        have += step
    return found


def _ones(start: int, end: int) -> Instants:
    return ((1 << (end - start)) - 1) << start if end > start else 0
