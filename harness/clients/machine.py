"""The phone that is no phone: this machine, its own sockets, and no word from the system about networks."""

import contextlib
import socket

import trio

from harness.clock import Nap
from harness.network.real import RealNetwork
from harness.seams import Phone, Signal, Stream


class MachinePhone(Phone):
    """Dials as any program does: the addresses of a name in turn, until one answers."""

    def __init__(self) -> None:
        self._network = RealNetwork()

    async def connect(self, host: str, port: int) -> Stream:
        """Dial; raises the ``OSError`` of the last address tried, or of the name. IPv4, as the network below."""
        found = await trio.socket.getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_STREAM)
        *others, last = [(str(address[0]), int(address[1])) for _family, _type, _proto, _name, address in found]
        for other in others:
            with contextlib.suppress(OSError):
                return await self._network.connect(other)
        return await self._network.connect(last)

    def signals(self) -> "trio.MemoryReceiveChannel[Signal]":
        """Return a channel that has ended already."""
        send, receive = trio.open_memory_channel[Signal](0)
        send.close()
        return receive

    async def sleep_until(self, deadline: float, nap: Nap | None = None) -> None:
        """Sleep: this machine's suspensions are not known to it."""
        await (nap or Nap()).until(deadline)
