"""Percentiles and their distribution-free intervals, by order statistics and exact binomial ranks.

A percentile is ``inverted_cdf``: the smallest sample that at least a share q of all samples do not exceed. Ranks are
integers throughout (``ceil(0.999 * 200000)`` in floats gives 199801), so q is a fraction of two integers. The interval
[x(l), x(u)] covers the true quantile with at least 95 %, whatever the distribution: the count of samples below it is
binomial(n, q) (order statistics; David and Nagaraja, section 7.1).
"""

from collections.abc import Sequence
from functools import cache

import msgspec

LOST = float("inf")
"""An update that never came: it counts as infinitely late."""

QUANTILES = {"p50": (1, 2), "p90": (9, 10), "p95": (19, 20), "p99": (99, 100), "p99.9": (999, 1000)}
"""The statistics a bound may ask for, as fractions."""

_TAIL = (1, 40)  # 2.5 % on either side


class Estimate(msgspec.Struct, frozen=True):
    """A percentile and the ends of its 95 % interval; None where the sample is too small to hold that end."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def rank(n: int, numerator: int, denominator: int) -> int:
    """Return the 1-based rank of the q-quantile of n samples: the ceiling of n·q, at least 1."""
    return max(1, -(-n * numerator // denominator))


def at_rank(ordered: Sequence[float], place: int) -> float:
    """Return the sample of a 1-based rank."""
    return ordered[place - 1]


def estimate(samples: Sequence[float], statistic: str) -> Estimate:
    """Return a percentile of the samples with its interval. Without samples, or below the least n, there is none."""
    ordered = sorted(samples)
    n = len(ordered)
    if statistic == "max":
        highest = ordered[-1] if ordered else None
        return Estimate(highest, highest, highest, n)
    numerator, denominator = QUANTILES[statistic]
    if n < least_n(numerator, denominator):
        return Estimate(None, None, None, n)
    low, high = interval_ranks(n, numerator, denominator)
    return Estimate(at_rank(ordered, rank(n, numerator, denominator)), at_rank(ordered, low), at_rank(ordered, high), n)


@cache
def interval_ranks(n: int, numerator: int, denominator: int) -> tuple[int, int]:
    """Return the 1-based ranks (l, u) of the two-sided 95 % interval; 0 and n + 1 mean "outside the sample".

    l is the largest rank with P(B < l) <= 2.5 %, u the smallest with P(B >= u) <= 2.5 %, B ~ binomial(n, q).
    """
    if 2 * numerator <= denominator:
        return _tails(n, numerator, denominator)
    # Counted on the rarer side, where the walk is short: samples above the quantile instead of below it.
    low, high = _tails(n, denominator - numerator, denominator)
    return n + 1 - high, n + 1 - low


@cache
def least_n(numerator: int, denominator: int) -> int:
    """Return the fewest samples whose two-sided 95 % interval lies inside the sample: 368 for p99."""
    n = 1
    rare = min(numerator, denominator - numerator)
    common = denominator - rare
    # The rarer side decides: all n samples may fall on the common side with a probability of (common/denominator)^n.
    missed, total = common, denominator
    while missed * _TAIL[1] > _TAIL[0] * total:
        missed, total, n = missed * common, total * denominator, n + 1
    return n


def _tails(n: int, numerator: int, denominator: int) -> tuple[int, int]:
    """Return (a, b) of K ~ binomial(n, q): the largest a with P(K < a), the smallest b with P(K >= b) <= 2.5 %.

    Exact: every term is an integer over ``denominator ** n``.
    """
    complement = denominator - numerator
    total = denominator**n
    rare, whole = _TAIL
    term = complement**n  # C(n, 0) q^0 (1-q)^n, scaled by the total
    below = 0  # P(K < place)
    place = low = 0
    while (total - below) * whole > total * rare:
        below += term
        place += 1
        if below * whole <= total * rare:
            low = place
        term = term * (n - place + 1) * numerator // (place * complement)
    return low, place
