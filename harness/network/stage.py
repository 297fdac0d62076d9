"""What watches a flow at the client's side of the gate, and says what the bytes mean."""

from collections.abc import Callable
from typing import Protocol


class Stage(Protocol):
    """A passive observer of one flow. It must be quick and must not raise."""

    def upstream(self, data: bytes) -> None:
        """Bytes arrived from the client; also those that the path then loses."""
        ...

    def downstream(self, data: bytes) -> None:
        """Bytes are about to be handed to the client's socket."""
        ...

    def ended(self) -> None:
        """The flow is over at both ends. Called once, last."""
        ...


StageMaker = Callable[[int, str, str], Stage]
"""Makes the stage of a new flow from its cid, its client's name and its path."""
