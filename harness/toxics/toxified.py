"""Whatever has toxics on its connections: the embedded proxy, and a path of the simulated network."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from harness.toxics.chain import Chain
from harness.toxics.toxic import ToxicSpec
from harness.vocabulary import Direction


class Toxified(ABC):
    """Keeps ``toxics`` in chain order; each change holds from now on, also for the connections that are open."""

    def __init__(self) -> None:
        self.toxics: list[ToxicSpec] = []
        self._toxics_of: dict[Direction, tuple[ToxicSpec, ...]] = {}

    def toxics_of(self, direction: Direction) -> tuple[ToxicSpec, ...]:
        """Return those of a direction, in chain order."""
        if direction not in self._toxics_of:
            self._toxics_of[direction] = tuple(spec for spec in self.toxics if spec.direction is direction)
        return self._toxics_of[direction]

    def add_toxic(self, spec: ToxicSpec) -> None:
        """Put a toxic at the end of its stream, also on open connections. The name is new."""
        self.toxics.append(spec)
        self._toxics_of.clear()
        self._change(spec.direction, lambda chain, now: chain.add(now, spec))

    def update_toxic(self, spec: ToxicSpec) -> None:
        """Replace the toxic of the same name, also on open connections, which draw its toxicity anew."""
        at = next(at for at, old in enumerate(self.toxics) if old.name == spec.name)
        self.toxics[at] = spec
        self._toxics_of.clear()
        self._change(spec.direction, lambda chain, now: chain.update(now, spec))

    def remove_toxic(self, spec: ToxicSpec) -> None:
        """Take a toxic out, also of open connections, where what it held goes on at once."""
        self.toxics.remove(spec)
        self._toxics_of.clear()
        self._change(spec.direction, lambda chain, now: chain.remove(now, spec.name))

    @abstractmethod
    def _change(self, direction: Direction, apply: Callable[[Chain, float], None]) -> None:
        """Let ``apply`` change the chain of each open connection in this direction."""
