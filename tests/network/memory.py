"""A network of memory streams: just enough to run the gate under a virtual clock. It knows no RST."""

import itertools
import math
from collections.abc import Callable

import trio
import trio.testing

from harness.seams import Address, Door, Listener, Network, Stream

Half = trio.StapledStream[trio.testing.MemorySendStream, trio.testing.MemoryReceiveStream]


class MemoryStream(Stream):
    def __init__(self, inner: Half, local: Address, peer: Address) -> None:
        self.inner, self.local, self.peer = inner, local, peer

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self.inner.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self.inner.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self.inner.receive_some(max_bytes)

    def finish(self) -> None:
        self.inner.send_stream.close()

    def close(self) -> None:
        self.inner.send_stream.close()
        self.inner.receive_stream.close()

    def reset(self) -> None:
        self.close()


class MemoryListener(Listener):
    def __init__(self, address: Address) -> None:
        self.address = address
        self.door = Door.OPEN
        self.moved = trio.Event()
        self.send, self.waiting = trio.open_memory_channel[Stream](math.inf)

    async def accept(self) -> Stream:
        return await self.waiting.receive()

    async def set_door(self, door: Door) -> None:
        self.door = door
        self.moved.set()
        self.moved = trio.Event()
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        self.waiting.close()


class MemoryNetwork(Network):
    def __init__(self) -> None:
        self.ports = itertools.count(1)
        self.listeners: dict[Address, MemoryListener] = {}

    async def connect(
        self, address: Address, *, dialing: Callable[[Address], None] | None = None, aside: bool = False
    ) -> Stream:
        local = ("127.0.0.1", next(self.ports))
        if dialing is not None:
            dialing(local)
        await trio.lowlevel.checkpoint()
        listener = self.listeners[address]
        while listener.door is Door.HANG:
            await listener.moved.wait()
        if listener.door is Door.REFUSE:
            raise ConnectionRefusedError
        near, far = trio.testing.memory_stream_pair()
        listener.send.send_nowait(MemoryStream(far, address, local))
        return MemoryStream(near, local, address)

    async def listen(self, address: Address = ("127.0.0.1", 0)) -> Listener:
        await trio.lowlevel.checkpoint()
        made = MemoryListener(("127.0.0.1", next(self.ports)))
        self.listeners[made.address] = made
        return made
