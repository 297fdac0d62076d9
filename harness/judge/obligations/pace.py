"""Herds and storms: what no single wait shows, counted over many. Judged of anyone, whatever was declared."""

from collections.abc import Iterable, Sequence
from operator import attrgetter

import msgspec

from harness.judge.case import ClientCase
from harness.judge.facts.attempts import AttemptLife
from harness.judge.obligations.rows import ObligationRow
from harness.judge.obligations.walk import DueDial, Walk, walk

LEAST = 6
"""Plain waits that have to be there before their ratios say anything."""

HERD = 4
"""Plain waits at one ratio to d, and at least a third of all: such clients move as one."""

SHARE = 3
"""One in so many."""

ALIKE = 0.002
"""Two ratios nearer than this, of the larger, are one."""

STORM = 4
"""Stream dials within ``WITHIN`` that nothing called for."""

WITHIN = 0.25
"""Seconds; a ``retry:`` below it asks for as many dials."""


class Plain(msgspec.Struct, frozen=True):
    """One plain wait, measured: ``ratio`` is its share of d."""

    step: DueDial
    n: int
    ratio: float


def plain_waits(client: ClientCase) -> list[Plain]:
    """Return the plain waits of which both ends are certain."""
    found = []
    for step in walk(client).steps:
        window, before = step.window, step.before
        if not step.sure or window.row is not ObligationRow.PLAIN or before is None or before.end_hi is None:
            continue
        seconds = (step.attempt.began_ns - before.end_hi) / 1e9
        unsure = (before.end_hi - (before.end_lo or 0)) / 1e9
        if seconds > 0 and unsure <= window.delay * ALIKE / 2 and window.delay > 0:
            found.append(Plain(step, window.n, seconds / window.delay))
    return found


def herd(waits: Sequence[Plain]) -> list[Plain]:
    """Return the waits at one ratio, if they are a herd's; else none."""
    alike = most_alike(waits)
    return alike if len(waits) >= LEAST and len(alike) >= max(HERD, len(waits) / SHARE) else []


def herd_of_many(waits: Sequence[Plain]) -> list[Plain]:
    """Return the waits of several clients at one n and one ratio, if they are a herd's; else none."""
    for n in sorted({one.n for one in waits}):
        if found := herd([one for one in waits if one.n == n]):
            return found
    return []


def most_alike(waits: Iterable[Plain]) -> list[Plain]:
    """Return the most waits whose ratios lie within ``ALIKE`` of one another."""
    ordered = sorted(waits, key=attrgetter("ratio"))
    best: list[Plain] = []
    first = 0
    for last, one in enumerate(ordered):
        while one.ratio - ordered[first].ratio > ALIKE * one.ratio:
            first += 1
        if last - first + 1 > len(best):
            best = ordered[first : last + 1]
    return best


def storm(found: Walk) -> list[AttemptLife]:
    """Return the first stream dials that came as a storm; none where there is none."""
    row: list[AttemptLife] = []
    for one in found.certain:
        if found.called_for(one):
            row = []
        row = [*row, one][-STORM:]
        asked = [retry for earlier in row[:-1] for retry in earlier.retries if retry is not None]
        hasty = any(retry < WITHIN * 1e3 for retry in asked)
        if len(row) == STORM and not hasty and row[-1].began_ns - row[0].began_ns <= WITHIN * 1e9:
            return row
    return []
