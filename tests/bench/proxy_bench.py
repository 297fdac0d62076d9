"""The embedded proxy against toxiproxy-server, no toxic: ``python tests/bench/proxy_bench.py [ROUNDS]``.

Both servers run as processes of their own; the events come from and go to this one. Every round measures both, one
after the other, so that a noisy neighbour slows both; a ratio is the median over the rounds of (ours / peer) within
one round. Differences under 15 % are noise.
"""

import contextlib
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import trio

from harness.network.real import RealNetwork
from harness.seams import Address, Stream
from harness.toxics import Shape
from harness.toxiproxy.calls import Calls
from harness.toxiproxy.control import Toxiproxy
from harness.toxiproxy.process import launched

STREAMS = 100
EVERY = 0.1
SECONDS = 4.0
EVENT = 150
BULK = 400_000_000
LATENCY = 0.1

# What is measured, and the least or greatest ratio ours/peer.
BARS = [("events per core second", ">=", 1.1), ("p50 ms", "<=", 1.1), ("bulk MB/s", ">=", 1.6)]

EMBEDDED = """
import random, trio
from harness.network.real import RealNetwork
from harness.toxiproxy import serve_embedded
async def main():
    async with trio.open_nursery() as nursery:
        address = await nursery.start(lambda task_status: serve_embedded(
            RealNetwork(), ("127.0.0.1", 0), rng=random.Random(1), task_status=task_status))
        print(address[1], flush=True)
trio.run(main)
"""

network = RealNetwork()


class Server(NamedTuple):
    """A proxy server under test, its control and its process."""

    name: str
    control: Toxiproxy
    process: psutil.Process

    def cpu(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


async def main(rounds: int) -> bool:
    """Measure, print, and say whether every bar is met."""
    program = shutil.which("toxiproxy-server")
    assert program is not None, "no toxiproxy-server on PATH: there is nothing to compare with"
    found: dict[str, list[dict[str, float]]] = {"embedded": [], "real": []}
    with embedded() as (child, address):
        async with launched(program) as real_address:
            guards = [each for each in psutil.Process().children(recursive=True) if each.name().startswith("toxiproxy")]
            servers = [
                Server("embedded", Toxiproxy("embedded", "", Calls(address), prefix="bench-"), child),
                Server("real", Toxiproxy("real", "", Calls(real_address), prefix="bench-"), guards[0]),
            ]
            for _ in range(rounds):
                for server in servers:
                    found[server.name].append(await measured(server))
    return report(found)


@contextlib.contextmanager
def embedded() -> Iterator[tuple[psutil.Process, Address]]:
    command = [sys.executable, "-c", EMBEDDED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as child:
        try:
            assert child.stdout is not None
            yield psutil.Process(child.pid), ("127.0.0.1", int(child.stdout.readline()))
        finally:
            child.kill()


async def measured(server: Server) -> dict[str, float]:
    listener = await network.listen()
    address = await server.control.add("line", listener.address)
    figures: dict[str, float] = {}
    before = server.cpu()
    delays = await paced(listener, address)
    figures["events per core second"] = len(delays) / (server.cpu() - before)
    figures["p50 ms"] = statistics.median(delays) * 1000
    figures["p99 ms"] = statistics.quantiles(delays, n=100)[98] * 1000
    figures["bulk MB/s"] = await bulk(listener, address)
    await server.control.shape("line", Shape(latency=LATENCY))
    late = [delay - LATENCY for delay in await paced(listener, address, streams=10, seconds=2.0)]
    figures["latency error p50 ms"] = statistics.median(late) * 1000
    figures["latency error min ms"] = min(late) * 1000
    for rate in (10_000, 10_000_000):
        await server.control.shape("line", Shape(down=rate))
        figures[f"rate error % at {rate // 1000} KB/s"] = await rate_error(listener, address, rate)
    await server.control.heal()
    await listener.aclose()
    return figures


async def paced(listener, address: Address, *, streams: int = STREAMS, seconds: float = SECONDS) -> list[float]:
    """Send events on many streams, evenly spread, and return each one's delay in seconds."""
    delays: list[float] = []
    pad = b"x" * (EVENT - 20)
    began = trio.current_time() + 0.3

    async def source(server: Stream, offset: float) -> None:
        for number in range(int(seconds / EVERY)):
            await trio.sleep_until(began + offset + number * EVERY)
            await server.send_all(b"%020d" % time.perf_counter_ns() + pad)
        await server.aclose()

    async def sink(client: Stream) -> None:
        rest = b""
        while data := await client.receive_some():
            now, rest = time.perf_counter_ns(), rest + data
            while len(rest) >= EVENT:
                delays.append((now - int(rest[:20])) / 1e9)
                rest = rest[EVENT:]
        await client.aclose()

    async with trio.open_nursery() as nursery:
        for number in range(streams):
            client = await network.connect(address)
            nursery.start_soon(source, await listener.accept(), EVERY * number / streams)
            nursery.start_soon(sink, client)
    return delays


async def bulk(listener, address: Address, size: int = BULK) -> float:
    """Return the rate of one connection that carries ``size`` bytes, in MB/s."""
    client = await network.connect(address)
    server = await listener.accept()

    async def source() -> None:
        block = memoryview(bytes(1_000_000))
        for start in range(0, size, len(block)):
            await server.send_all(block[: size - start])
        await server.aclose()

    began, got = time.perf_counter_ns(), 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(source)
        while data := await client.receive_some(1_000_000):
            got += len(data)
    await client.aclose()
    assert got == size
    return size * 1000 / (time.perf_counter_ns() - began)


async def rate_error(listener, address: Address, rate: int) -> float:
    """Return by how many percent a stream of 1.5 s took longer than its rate says."""
    size = int(rate * 1.5)
    return (rate / 1e6 / await bulk(listener, address, size) - 1) * 100


def report(found: dict[str, list[dict[str, float]]]) -> bool:
    met = True
    bars = {what: (sense, bar) for what, sense, bar in BARS}
    print(f"{'':26}{'embedded':>12}{'real':>12}{'ratio':>8}  bar")
    for what in found["real"][0]:
        ours, theirs = ([figures[what] for figures in found[name]] for name in ("embedded", "real"))
        line = f"{what:26}{statistics.median(ours):12.3f}{statistics.median(theirs):12.3f}"
        if what in bars:
            sense, bar = bars[what]
            ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
            good = ratio >= bar if sense == ">=" else ratio <= bar
            met = met and good
            line += f"{ratio:8.2f}  {sense} {bar} {'ok' if good else 'MISSED'}"
        print(line)
    return met


if __name__ == "__main__":
    sys.exit(0 if trio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 3) else 1)
