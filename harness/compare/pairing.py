"""Times and ids of two traces, brought together: which of them can be compared at all, and how far apart they are."""

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from harness.compare.trace import ClientTrace, Trace, TraceStep
from harness.judge.facts.truth import ACCEPTED, Position

Key = tuple[object, ...]


class SettledIds:
    """Ids with nothing but contested events between them are one: each stands for the newest uncontested one."""

    def __init__(self, near: frozenset[Position], known: Sequence[Position]) -> None:
        self._near = near
        self._known = known

    def outcome(self, step: TraceStep) -> Key:
        """Return what an attempt is compared by: how it went, and from where."""
        return (*step.key, self._of(step.position))

    def _of(self, position: Position) -> Position:
        if position not in self._near:
            return position
        return max((one for one in self._known if one < position), default=ACCEPTED)


def settled_ids(one: ClientTrace, other: ClientTrace) -> SettledIds:
    """Return the ids of a client that two traces tell of."""
    near = one.near | other.near
    known = {step.position for step in (*one.shown, *other.shown)} - near
    return SettledIds(near, sorted(known))


class Pair(msgspec.Struct, frozen=True):
    """One time in both worlds: the nearest real one, how far apart they are, and how far from all real ones.

    ``beyond_lag`` is how far apart they would still be in some run if its largest lag had made the difference.
    """

    real: TraceStep
    virtual: TraceStep
    distance: float
    drift: float
    beyond_lag: float = 0.0


def apart(real: Sequence[Trace], virtual: Trace) -> Iterator[Pair]:
    """Yield each time that both worlds have."""
    for place, client in enumerate(virtual.clients):
        found: dict[Key, list[tuple[TraceStep, TraceStep, float, float]]] = {}
        for trace in real:
            before = 0.0
            for key, mine, theirs in _pairs(client, trace.clients[place]):
                off = mine.at - theirs.at
                jump = abs(off - before)
                found.setdefault(key, []).append((theirs, mine, jump, min(abs(off), jump) - trace.lag_max))
                before = off
        for several in found.values():
            mine = several[0][1]
            low, high = min(other.at for other, *_ in several), max(other.at for other, *_ in several)
            drift = max(0.0, low - mine.at, mine.at - high)
            nearest = min(several, key=lambda one: abs(one[0].at - one[1].at))[0]
            distance = min(drift, *(jump for _, _, jump, _ in several))
            yield Pair(nearest, mine, distance, drift, max(beyond for *_, beyond in several))


def _pairs(one: ClientTrace, other: ClientTrace) -> list[tuple[Key, TraceStep, TraceStep]]:
    """Return the times that a client has in both traces, in the order of the first."""
    theirs = dict(_moments(other, one))
    found = [(key, step, theirs[key]) for key, step in _moments(one, other) if key in theirs]
    return sorted(found, key=lambda pair: pair[1].at)


def _moments(one: ClientTrace, other: ClientTrace) -> Iterator[tuple[Key, TraceStep]]:
    """Yield the times of a client that can be held against the other's, by what they are of.

    Attempts have a pair as long as they went alike; what was emitted near a deed or before a stall has none.
    """
    seen: Counter[Key] = Counter()
    doubtful = one.near | other.near | one.windy | other.windy
    for step in one.shown:
        seen[step.key] += 1
        if step.position not in doubtful:
            yield ("shown", *step.key, seen[step.key]), step
    settled = settled_ids(one, other)
    for number, (step, twin) in enumerate(zip(one.attempts, other.attempts, strict=False), 1):
        if settled.outcome(step) != settled.outcome(twin):
            break
        yield ("attempt", number), step
        yield ("over", number), msgspec.structs.replace(step, at=step.over)
    for what, mine, its in (("gap", one.gaps, other.gaps), ("results", one.results, other.results)):
        for number, (step, twin) in enumerate(zip(mine, its, strict=False), 1):
            if step.key == twin.key:
                yield (what, number), step
