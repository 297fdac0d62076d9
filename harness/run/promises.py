"""What the plan promises a flow of the canary: folded from the deeds alone, never from what a gate says of itself."""

from collections.abc import Mapping

import msgspec

from harness.deeds.acts import Deed, SetReach
from harness.deeds.catalogue import Ending
from harness.deeds.network_state import Change, Fold, NetworkState
from harness.device.words import Reach
from harness.run.probe import Meeting
from harness.toxics.shape import Shape
from harness.vocabulary import Direction, Door

STRIKES: Mapping[Reach, Meeting] = {Reach.CLOSED: "fin", Reach.RESET: "rst"}
"""The words that end what is open, so that the one that holds it is told."""


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """What a deed lets be met, as things stand once it is done."""

    flow: Meeting = "answer"  # by a connection that was open on the deed's path
    dial: Door = Door.OPEN  # by a new one
    default: str = ""  # the path that the device's connections use; empty: none
    lost: tuple[str, ...] = ()  # the paths whose open connections end with an error of the device's own
    lingers: float = 0.0  # seconds until they do


class Promises:
    """The network as the deeds done so far make it."""

    def __init__(self, network: NetworkState) -> None:
        self._fold = Fold(network)

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths, in the order given."""
        return tuple(self._fold.state.paths)

    @property
    def joined(self) -> tuple[str, ...]:
        """The paths that the device may use."""
        return self._fold.state.joined

    def dial(self, path: str) -> Door:
        """Return what a dial through this path meets now."""
        return self._fold.state.paths[path].door

    def shapes(self, path: str) -> Mapping[Direction, Shape]:
        """Return the shape of each direction of this path."""
        return self._fold.state.paths[path].shapes

    def unsettled(self, path: str, now: float) -> float:
        """Return for how many seconds more a direction of this path is on its way to its shape."""
        return self._fold.state.paths[path].unsettled(now)

    def do(self, deed: Deed) -> Promise:
        """A deed is done now."""
        return self._promise(deed, self._fold.do(deed, deed.at))

    def _promise(self, deed: Deed, change: Change) -> Promise:
        act, network, grace = deed.act, self._fold.state, change.grace
        default = network.default or ""
        path = network.paths.get(deed.actor) or network.paths.get(deed.on or default)
        strike = STRIKES.get(act.word) if isinstance(act, SetReach) else None
        lost = tuple(name for name, ending in change.ended.items() if ending is Ending.ABORTED)
        return Promise(
            flow=strike or ("answer" if path is None or path.passes else "silence"),
            dial=path.door if path is not None else Door.HANG,
            default=default,
            lost=lost if grace is None else (grace.path,),
            lingers=0.0 if grace is None else grace.seconds,
        )
