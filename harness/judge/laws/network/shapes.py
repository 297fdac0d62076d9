"""The shape of each direction of each path over time, where it surely is what the plan says.

A toxic that is changed lets go of what it holds. So times in which a shape changed count for nothing: a deed, the steps
of a change over time, a step of a profile's rate.
"""

import math
from collections.abc import Callable, Iterator, Mapping

from harness.deeds import acts
from harness.deeds.replacement import directions
from harness.judge.case import Case
from harness.judge.facts.deeds import TOLERANCE
from harness.judge.facts.gate_timeline import Way, happened, timeline
from harness.judge.facts.weather import made
from harness.scenario.model import RateStep
from harness.toxics.shape import Shape
from harness.vocabulary import Direction

BOTH = frozenset(Direction)


class ShapeStretch:
    """One shape, from one stamp to another; and of the delays seen in it the number, the sum and the least."""

    __slots__ = ("blamed", "count", "first_ns", "last_ns", "least_ns", "shape", "since_ns", "total_ns", "until_ns")

    def __init__(self, since_ns: float, until_ns: float, shape: Shape) -> None:
        self.since_ns = since_ns
        self.until_ns = until_ns
        self.shape = shape
        self.count = 0
        self.total_ns = 0
        self.least_ns: float = math.inf
        self.first_ns = self.last_ns = 0  # when the first and the last of them was seen
        self.blamed = False  # one that was too short has been told of

    def add(self, took_ns: int, at_ns: int) -> None:
        """Count one delay, seen then."""
        self.first_ns = min(self.first_ns, at_ns) if self.count else at_ns
        self.last_ns = max(self.last_ns, at_ns)
        self.count += 1
        self.total_ns += took_ns
        self.least_ns = min(self.least_ns, took_ns)


def stretches(case: Case) -> Mapping[Way, list[ShapeStretch]]:
    """Return the stretches of each direction of each path, in order."""
    return case.once(_stretches)


def _stretches(case: Case) -> Mapping[Way, list[ShapeStretch]]:
    tick_ns = timeline(case.clients[0]).slack.tick_ns
    found: dict[Way, list[ShapeStretch]] = {}
    for path, spec in case.plan.paths.items():
        shapes = dict.fromkeys(Direction, spec.shape)
        since = dict.fromkeys(Direction, -math.inf)
        for since_ns, until_ns, ways, upon in sorted(_changes(case, path), key=lambda change: change[0]):
            for way in ways:
                if since_ns - tick_ns > since[way]:
                    found.setdefault((path, way), []).append(ShapeStretch(since[way], since_ns - tick_ns, shapes[way]))
                shapes[way] = upon(shapes[way])
                since[way] = max(since[way], until_ns + tick_ns)
        for way in Direction:
            found.setdefault((path, way), []).append(ShapeStretch(since[way], math.inf, shapes[way]))
    return found


_Upon = Callable[[Shape], Shape]


def _changes(case: Case, path: str) -> Iterator[tuple[int, int, frozenset[Direction], _Upon]]:
    """Yield what changes a path's shape: within which stamps, in which directions, and what it makes of a shape."""
    for one in happened(case.clients[0]):  # proxies are shared: one record for all gates
        if isinstance(one.what, acts.Deed) and one.what.actor == path:
            match one.what.act:
                case acts.SetShape(over=over) as act:
                    lasts_ns = round((over + TOLERANCE) * 1e9) if over else 0
                    yield one.since_ns, one.until_ns + lasts_ns, directions(act), _always(act.shape)
                case acts.Adjusts() as act:
                    yield one.since_ns, one.until_ns, BOTH, act.upon
    for made_one in made(case):
        step = made_one.planned
        if isinstance(step, RateStep) and step.path == path and made_one.record is not None:
            yield case.ns(step.at), made_one.record.t_ns, BOTH, _stepped(step)


def _always(shape: Shape) -> _Upon:
    return lambda _: shape


def _stepped(step: RateStep) -> _Upon:
    return lambda shape: Shape(
        latency=shape.latency, jitter=shape.jitter, down=step.down, up=step.up, slice_size=shape.slice_size
    )
