"""What a dial would meet at each instant: the doors of all paths, which of them is the default, and the device's sleep.

Folded from the deeds as they were carried out, never from what a client met.
"""

import math
from collections.abc import Iterator, Mapping

import msgspec

from harness.deeds.catalogue import effect_of
from harness.deeds.network_state import NetworkState
from harness.judge.case import ClientCase
from harness.judge.facts.deeds import Happened
from harness.judge.facts.gate_timeline import foreseen
from harness.judge.obligations.instants import Instants, clip
from harness.scenario.model import network_at_start
from harness.vocabulary import Door


class DoorStretch(msgspec.Struct, frozen=True):
    """From ``since`` to ``until`` (scenario seconds) nothing changed. ``path`` is the default; None: there is none.

    ``doors`` are those of the paths that the device has. ``passes``: a stream that is let in would pass. ``struck`` are
    the paths whose streams are over as it ends.
    """

    since: float
    until: float
    path: str | None
    doors: Mapping[str, Door]
    passes: bool
    asleep: bool
    struck: frozenset[str] = frozenset()

    @property
    def door(self) -> Door | None:
        """What a dial meets; None: there is no path for it."""
        return None if self.path is None else self.doors.get(self.path)


class Doors:
    """The stretches of one client's network, in order, without a gap, from 0 s to infinity."""

    def __init__(self, stretches: list[DoorStretch]) -> None:
        self._stretches = stretches

    def parts(self, instants: Instants) -> Iterator[tuple[Instants, DoorStretch]]:
        """Yield each stretch in which some of a set lies, with that part."""
        for one in self._stretches:
            if part := clip(instants, one.since, one.until):
                yield part, one

    def answers(self, path: str, at: float) -> tuple[float, Door | None]:
        """Return from when on, not before ``at``, a path lets no dial hang, and what it does; None: it is lost."""
        for one in self._stretches:
            if one.until > at and one.doors.get(path) is not Door.HANG:
                return max(at, one.since), one.doors.get(path)
        return math.inf, None

    def strikes(self, path: str, at: float) -> float:
        """Return when a stream is struck that was let in through a path at an instant; infinity: it is not."""
        return next((one.until for one in self._stretches if one.until > at and path in one.struck), math.inf)

    def sleeps(self) -> Iterator[tuple[float, float]]:
        """Yield from when to when the device slept."""
        return ((one.since, one.until) for one in self._stretches if one.asleep)


def doors(client: ClientCase) -> Doors:
    """Return the doors of a client's network."""
    return client.once(_doors)


def _doors(client: ClientCase) -> Doors:
    found: list[DoorStretch] = []
    state, since = network_at_start(client.case.plan), 0.0
    for one in [*foreseen(client), None]:
        at = math.inf if one is None else one.at
        if at > since:
            path = state.default
            open_to = {name: state.paths[name].door for name in state.joined}
            passes = path is not None and state.paths[path].up and next(state.barriers(path), None) is None
            struck = frozenset() if one is None else _struck(state, one)
            found.append(DoorStretch(since, at, path, open_to, passes, state.asleep, struck))
            since = at
        if one is not None:
            state = one.change.state
    return Doors(found)


def _struck(before: NetworkState, one: Happened) -> frozenset[str]:
    """Return the paths whose streams are over by what happened: ended by it, or not let pass any longer."""

    def flow(state: NetworkState, path: str) -> bool:
        barriers = (effect_of(each.deed.act).barrier for each in state.barriers(path))
        held_back = any(barrier is not None and barrier.open_too for barrier in barriers)
        return state.paths[path].passes and not state.asleep and not held_back

    after = one.change.state
    return frozenset(one.change.ended) | {path for path in before.paths if flow(before, path) and not flow(after, path)}
