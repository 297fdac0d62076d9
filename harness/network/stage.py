"""A stage: the filter in a flow between the gate's radio and the path, which may also answer, hold and end.

Bytes of the client are *heard* where they reach the gate, before the radio decides on them: a request that the path
loses was made all the same. What passes the radio then goes ``to_server`` through the stage. Bytes of the server go
``to_client`` through the stage first, and meet the radio behind it, as what the stage says by itself does.
"""

from collections.abc import Callable
from typing import Protocol

from harness.network.ends import How, Side


class FlowControl(Protocol):
    """The actions of a stage beside letting bytes through. They are done in order, behind the bytes before them."""

    def say(self, data: bytes) -> None:
        """Send these bytes to the client, as if the server had."""
        ...

    def end(self, how: How) -> None:
        """End the connection: FIN or RST for the client, FIN for the server."""
        ...

    def look_again(self) -> None:
        """Take notice that ``deadline`` came nearer."""
        ...


class Stage(Protocol):
    """Filters one flow. It must be quick and must not raise."""

    @property
    def deadline(self) -> float:
        """The instant of trio's clock at which to call ``due``; infinite for never. It may recede without a word."""
        ...

    def attach(self, flow_control: FlowControl) -> None:
        """Learn who carries the bytes. Called once, first."""
        ...

    def hears(self, data: bytes) -> None:
        """Bytes arrived from the client; also those that the path then loses."""
        ...

    def to_server(self, data: bytes) -> bytes:
        """Return what goes on to the server in the place of these bytes: mostly the same object."""
        ...

    def rest(self) -> bytes:
        """Return what the stage still has of the client's bytes: no more come, and FIN follows."""
        ...

    def to_client(self, data: bytes) -> bytes:
        """Return what goes on to the radio in the place of these bytes of the server: mostly the same object."""
        ...

    def delivered(self, upto: int, t_ns: int) -> None:
        """Learn that the client's socket took ``to_client`` and ``say`` up to this offset, in a send from ``t_ns``."""
        ...

    def lost(self, offset: int) -> None:
        """Learn that the client gets nothing of ``to_client`` and ``say`` from this offset on."""
        ...

    def over(self, how: How) -> None:
        """Learn that the client gets nothing more: it is told now that its connection ended, and how. May repeat."""
        ...

    def leaves(self, side: Side, how: How) -> bool:
        """Learn that an end has left (FIN or RST), say what was held, and return whether the other may learn of it."""
        ...

    def parted(self) -> None:
        """Learn that both ends have ended: later bytes have no receiver. Called once."""
        ...

    def due(self) -> None:
        """``deadline`` has come."""
        ...

    def cut(self, how: How, mid: str) -> bool:
        """Arm a cut inside the next event, where an event stream is under way; else return False."""
        ...

    def ended(self) -> None:
        """Learn that the flow is over at both ends. Called once, last."""
        ...


StageMaker = Callable[[int, str, str], Stage]
"""Makes the stage of a new flow from its cid, its client's name and its path."""
