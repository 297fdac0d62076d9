"""The seams: the only places where a world enters.

Time is trio's clock (no Protocol needed: shells call ``trio.current_time`` and ``trio.sleep_until``). Chance is a
``random.Random`` handed in (``harness.chance``). The network and the phone are below, and ``Stamp``, by which a world
gives the journal its nanoseconds.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Protocol

import trio

from harness.clock import MovableSleep
from harness.vocabulary import Address, Direction, Door, Signal, Stamp

__all__ = ["Address", "Direction", "Door", "Listener", "Network", "Phone", "Signal", "Stamp", "Stream"]


class Stream(trio.abc.HalfCloseableStream):
    """A connected byte stream of either world. Errors are trio's: ``BrokenResourceError``, ``ClosedResourceError``.

    ``receive_some`` raises ``BrokenResourceError`` from an ``OSError`` (``ECONNRESET``) where the peer sent RST.
    """

    local: Address
    peer: Address

    def send_now(self, data: bytes | bytearray | memoryview) -> int:
        """Send what can be sent without waiting, and return how many bytes that were; raises as ``send_all`` does.

        Not a checkpoint: for a task that waits for something else soon. ``send_all`` costs a pass of the scheduler.
        """
        del data
        return 0

    async def send(self, data: bytes | bytearray | memoryview) -> None:
        """Send everything, as ``send_all`` does, but yield only where something has to wait."""
        await trio.lowlevel.checkpoint_if_cancelled()
        sent = self.send_now(data)
        if sent < len(data):
            await self.send_all(memoryview(data)[sent:])

    async def forward(self, to: "Stream", size: int, may: Callable[[], bool]) -> bytes:
        """Hand on to ``to`` what arrives and it takes at once, as long as it ``may``; return the first bytes that wait.

        Those are at most ``size`` bytes that were not handed on, and are the caller's to send; ``b""`` after the peer's
        FIN. Raises as ``receive_some`` does.
        """
        del to, may
        return bytes(await self.receive_some(size))

    @abstractmethod
    def finish(self) -> None:
        """Send FIN, without waiting for anything. Idempotent; a peer that is gone is no error."""

    async def send_eof(self) -> None:
        """Send FIN; see ``finish``."""
        await trio.lowlevel.checkpoint()
        self.finish()

    @abstractmethod
    def close(self) -> None:
        """Close: FIN, or RST where bytes were left unread (that is the kernel's rule). Idempotent, never blocks."""

    async def aclose(self) -> None:
        """Close; see ``close``."""
        self.close()
        await trio.lowlevel.checkpoint()

    @abstractmethod
    def reset(self) -> None:
        """Close at once with RST, as ``SO_LINGER`` 0 does. What was buffered is lost. Idempotent, never blocks."""


class Listener(Protocol):
    """A bound address whose door can be opened, shut and made to hang while it lives. The port is never lost."""

    address: Address

    async def accept(self) -> Stream:
        """Wait for the next connection. Only while the door is open does one arrive; safe to call behind any door."""
        ...

    async def set_door(self, door: Door) -> None:
        """Change what new dials meet, and return when the change is in force. Accepted streams are left alone."""
        ...

    async def aclose(self) -> None:
        """Free the port. A waiting ``accept`` raises ``trio.ClosedResourceError``."""
        ...


class Network(Protocol):
    """Connect and listen, in one world."""

    async def connect(
        self, address: Address, *, dialing: Callable[[Address], None] | None = None, aside: bool = False
    ) -> Stream:
        """Dial. Raises the bare ``OSError`` with its errno; hangs as long as the SYN is unanswered (cancel it).

        ``dialing`` is told the local address before the other side can accept: by it a listener knows who dialed.
        ``aside``: a flow of the harness's own; what chance does to others must not depend on it.
        """
        ...

    async def listen(self, address: Address = ("127.0.0.1", 0)) -> Listener:
        """Bind and listen, loopback only. Raises ``EnvironmentFault`` where the address is taken or forbidden."""
        ...


class Phone(Protocol):
    """The machine that a client runs on: it dials, hears signals and sleeps through it."""

    async def connect(self, host: str, port: int) -> Stream:
        """Dial through the default path. Raises ``OSError`` (``ENETUNREACH`` when there is none); may hang."""
        ...

    def signals(self) -> "trio.abc.ReceiveChannel[Signal]":
        """Return a fresh channel of all signals from now on. A slow reader loses nothing; close it when done."""
        ...

    async def sleep_until(self, deadline: float, movable_sleep: MovableSleep | None = None) -> None:
        """Sleep to this instant of trio's clock, by the caller's own movable sleep if given; frozen while suspended."""
        ...
