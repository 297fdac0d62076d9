"""Proxies of the simulated world: what a run asks of Toxiproxy, done on the simulated network's own paths.

There can be neither thread nor kernel's socket in virtual time, so no control API is asked; the toxics are the same.
"""

import trio

from harness.chance import Dice
from harness.network.shaped import ShapedPath
from harness.network.simulated import SimNetwork
from harness.seams import Address, Direction
from harness.toxics import Shape, toxics_of
from harness.toxiproxy.api import VERSION
from harness.toxiproxy.control import ToxiproxyKind
from harness.toxiproxy.state import ToxicState


class SimulatedToxiproxy:
    """One run's proxies on a simulated network; see ``Proxies``. Nothing here waits, and no call takes time."""

    kind: ToxiproxyKind = "simulated"
    version = VERSION
    passed_over = ""

    def __init__(self, network: SimNetwork, dice: Dice) -> None:
        self.control_seconds: list[float] = []
        self._network = network
        self._dice = dice
        self._paths: dict[str, ShapedPath] = {}

    async def add(self, name: str, upstream: Address) -> Address:
        """Make a path to ``upstream`` and return its address."""
        path = self._paths[name] = self._network.path(upstream, self._dice.split(len(self._paths) + 1))
        return path.address

    async def shape(self, name: str, shape: Shape, direction: Direction | None = None) -> dict[str, str]:
        """Give a path this shape; what is there already is updated in place or left alone, as in ``Toxiproxy``."""
        path = self._paths[name]
        directions = (direction,) if direction is not None else tuple(Direction)
        wanted = {spec.name: spec for each in directions for spec in toxics_of(shape, each)}
        there = {spec.name: spec for spec in path.toxics if spec.direction in directions}
        for gone in there.keys() - wanted.keys():
            path.remove_toxic(there[gone])
        for spec in wanted.values():
            if spec.name not in there:
                path.add_toxic(spec)
            elif there[spec.name] != spec:
                path.update_toxic(spec)
        return {spec.name: ToxicState.of(spec).words for spec in path.toxics}

    async def watch(self) -> None:
        """Wait for ever: no other process can change this world."""
        await trio.sleep_forever()

    def look(self) -> None:
        """Do nothing: no other process can change this world."""

    async def check(self) -> None:
        """Find all as it was left."""

    async def names(self) -> tuple[str, ...]:
        """Return the paths that are there, sorted."""
        return tuple(sorted(self._paths))

    async def heal(self) -> None:
        """Take every path away."""
        while self._paths:
            self._network.close_path(self._paths.popitem()[1])
