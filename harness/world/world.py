"""The world of a run: all that the run gets from the place in which it happens."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.chance import Dice
from harness.seams import Network, Stamp
from harness.toxiproxy.control import Proxies


@dataclass(frozen=True, kw_only=True)
class World:
    """A clock's readings and a network. Time itself is trio's clock, which the world's ``run`` has chosen.

    ``stamp`` gives the journal its nanoseconds, ``wall_clock`` seconds since 1970. ``sockets`` tells what is open on
    the network, where a process cannot: None means that the process's own descriptors are it. ``proxies`` makes
    the world's own, from the dice of their toxics; None means that a Toxiproxy is to be opened. ``facts`` are worth
    keeping with a run.
    """

    name: str
    network: Network
    stamp: Stamp
    wall_clock: Callable[[], float]
    sockets: Callable[[], list[str]] | None
    proxies: Callable[[Dice], Proxies] | None
    facts: dict[str, str]

    @property
    def simulated(self) -> bool:
        """True if this process is all there is: no thread, no other process, no kernel's sockets, no late scheduler."""
        return self.sockets is not None
