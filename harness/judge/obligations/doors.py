"""The door that a dial would meet at each instant, over sets of instants."""

import math
from collections.abc import Iterator

from harness.judge.case import ClientCase
from harness.judge.facts.network_timeline import DoorStretch, NetworkTimeline
from harness.judge.obligations.instants import Instants, clip
from harness.vocabulary import Door


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
    return Doors(client.once(NetworkTimeline).doors)
