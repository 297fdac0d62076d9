"""A network in memory, for exact times under a virtual clock: no latency, bounded buffers, FIN only."""

import errno
import itertools

import trio
import trio.testing

from harness.seams import Address, Door, Listener, Network, Stream

BUFFER = 1000


class Pipe:
    """One direction: bytes up to ``BUFFER``, then the sender waits."""

    def __init__(self):
        self.data = bytearray()
        self.ended = False
        self.broken = False  # the reader has gone
        self.moved = trio.lowlevel.ParkingLot()


class MemoryStream(Stream):
    def __init__(self, local: Address, peer: Address, inward: Pipe, outward: Pipe) -> None:
        self.local, self.peer = local, peer
        self.inward, self.outward = inward, outward
        self.closed = False

    async def receive_some(self, max_bytes=None):
        await trio.lowlevel.checkpoint()
        while not (self.inward.data or self.inward.ended or self.closed):
            await self.inward.moved.park()
        if self.closed:
            raise trio.ClosedResourceError
        taken = bytes(self.inward.data[:max_bytes])
        del self.inward.data[: len(taken)]
        self.inward.moved.unpark_all()
        return taken

    async def send_all(self, data):
        await trio.lowlevel.checkpoint()
        rest = bytes(data)
        while rest:
            if self.closed:
                raise trio.ClosedResourceError
            if self.outward.broken:
                raise trio.BrokenResourceError
            room = BUFFER - len(self.outward.data)
            self.outward.data += rest[:room]
            rest = rest[room:]
            self.outward.moved.unpark_all()
            if rest:
                await self.outward.moved.park()

    async def wait_send_all_might_not_block(self):
        await trio.lowlevel.checkpoint()

    def finish(self):
        self.outward.ended = True
        self.outward.moved.unpark_all()

    def close(self):
        self.reset()

    def reset(self):
        self.closed = self.outward.ended = self.inward.broken = True
        self.outward.moved.unpark_all()
        self.inward.moved.unpark_all()


class MemoryListener(Listener):
    def __init__(self, network: "MemoryNetwork", address: Address) -> None:
        self.network, self.address = network, address
        self.send, self.receive = trio.open_memory_channel[Stream](100)

    async def accept(self):
        return await self.receive.receive()

    async def set_door(self, door: Door):
        raise NotImplementedError

    async def aclose(self):
        self.receive.close()
        self.network.listeners.pop(self.address, None)
        await trio.lowlevel.checkpoint()


class MemoryNetwork(Network):
    def __init__(self):
        self.listeners: dict[Address, MemoryListener] = {}
        self.ports = itertools.count(1)
        self.hanging: set[Address] = set()

    async def connect(self, address, *, dialing=None):
        await trio.lowlevel.checkpoint()
        if address in self.hanging:
            await trio.sleep_forever()
        if address not in self.listeners:
            raise OSError(errno.ECONNREFUSED, "Connection refused")
        up, down, local = Pipe(), Pipe(), ("127.0.0.1", next(self.ports))
        await self.listeners[address].send.send(MemoryStream(address, local, up, down))
        return MemoryStream(local, address, down, up)

    async def listen(self, address=("127.0.0.1", 0)):
        await trio.lowlevel.checkpoint()
        address = (address[0], address[1] or next(self.ports))
        listener = self.listeners[address] = MemoryListener(self, address)
        return listener
