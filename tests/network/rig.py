"""The rig of the gate's tests: a gate before a server whose connections the test holds in its hand."""

import itertools
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial, wraps
from pathlib import Path

import trio

from harness.device import Device, Radio, Reach
from harness.history import Journal, Record
from harness.network import Gate, RealNetwork
from harness.seams import Listener, Network, Stream
from harness.world import virtual


class Rig:
    """A gate with the paths wifi and cellular, the server behind it, and every record written."""

    def __init__(self, gate: Gate, network: Network, server: Listener, records: list[Record]) -> None:
        self.gate = gate
        self.network = network
        self.server = server
        self.records = records
        self.zero = 0
        self._send, self._accepted = trio.open_memory_channel[Stream](math.inf)
        self._ends: list[Stream] = []

    async def serve(self) -> None:
        while True:
            try:
                self._ends.append(await self.server.accept())
                self._send.send_nowait(self._ends[-1])
            except trio.ClosedResourceError:
                return

    async def accepted(self) -> Stream:
        """The server's end of the next connection."""
        return await self._accepted.receive()

    async def dial(self) -> tuple[Stream, Stream]:
        """Both ends of a new flow that the phone dialed and that has carried a byte each way."""
        client = await self.connect()
        await client.send_all(b"?")
        server = await self.accepted()
        await read(server, 1)
        await server.send_all(b"!")
        await read(client, 1)
        return client, server

    async def dial_then(self, word: Reach) -> tuple[Stream, Stream]:
        """Both ends of a flow whose path then took this word."""
        ends = await self.dial()
        await self.gate.reach("wifi", word)
        return ends

    async def connect(self) -> Stream:
        self._ends.append(await self.gate.phone.connect("server.test", 80))
        return self._ends[-1]

    def hang_up(self) -> None:
        for end in self._ends:
            end.reset()

    def of(self, kind):
        return [record for record in self.records if isinstance(record, kind)]


async def read(stream: Stream, count: int) -> bytes:
    """Exactly so many bytes, or what came before the end."""
    data = b""
    while len(data) < count and (more := await stream.receive_some(count - len(data))):
        data += more
    return data


def errno_of(error: BaseException) -> int | None:
    """The errno of the OSError beneath a broken stream."""
    assert isinstance(error.__cause__, OSError)
    return error.__cause__.errno


async def until(condition) -> None:
    """Wait for what a kernel does in its own time; bound it with trio.fail_after."""
    while not condition():  # noqa: ASYNC110 - a kernel sets no trio.Event
        await trio.sleep(0.001)


@asynccontextmanager
async def rig(
    tmp_path: Path, *, linger=0.0, radios=None, stage=None, network=None, timeout=10, stamp=None
) -> AsyncIterator[Rig]:
    """A rig on real sockets, or in another world with its network; records are stamped 1, 2, 3 … without ``stamp``."""
    network = network or RealNetwork()
    records: list[Record] = []
    stamp = stamp or partial(next, itertools.count(1))
    server = await network.listen()
    with trio.fail_after(timeout), Journal(tmp_path / "history", stamp, tap=records.append) as journal:
        gate = Gate(
            client="c1",
            device=Device(["wifi", "cellular"], starts_on="wifi", linger=linger),
            routes=dict.fromkeys(["wifi", "cellular"], server.address),
            radios=radios or {"wifi": Radio()},
            network=network,
            journal=journal,
            stage=stage,
        )
        made = Rig(gate, network, server, records)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(made.serve)
            try:
                await gate.start(nursery)
                yield made
            finally:
                await gate.aclose()
                made.hang_up()
                await server.aclose()


def simulated(scene=None, **options):
    """Run a scene on a gate of the simulated network, in virtual time; ``r.zero`` is the stamp of its first instant."""
    if scene is None:
        return partial(simulated, **options)

    @wraps(scene)
    def test(tmp_path):
        async def main():
            world = virtual.world()
            async with rig(tmp_path, network=world.network, stamp=world.stamp, timeout=1000, **options) as r:
                r.zero = world.stamp()
                await scene(r)

        virtual.run(main, seed=1)

    del test.__wrapped__  # or pytest would ask for a fixture named r
    return test
