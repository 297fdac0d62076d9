"""The time that the gate adds to an event's way, against a direct connection in the same run.

Usage: python tests/bench/gate_bench.py [--rate 10] [--seconds 10]

A server process writes one stamped 200-byte event per interval to two connections at once: one straight to the client's
process, one through a gate in a third process. The interleaving makes the difference mean the gate and not the hour.
Bar: gate and proxy together add at most 0.5 ms at the median, at 10 events/s.
"""

import argparse
import multiprocessing
import statistics
import struct
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import trio

from harness.device import Device
from harness.history import Journal
from harness.network import Gate, RealNetwork
from harness.seams import Address, Stream

SIZE = 200
STAMP = struct.Struct("q")


def serve(told: Connection, rate: float, count: int) -> None:
    """Write events to the first two connections, in turns which comes first."""

    async def main() -> None:
        listener = await RealNetwork().listen()
        told.send(listener.address)
        ends = [await listener.accept(), await listener.accept()]
        start = trio.current_time() + 0.5
        for number in range(count):
            await trio.sleep_until(start + number / rate)
            for end in ends if number % 2 else reversed(ends):
                await end.send_all(STAMP.pack(time.monotonic_ns()).ljust(SIZE, b"."))
        for end in ends:
            await end.aclose()
        await listener.aclose()

    trio.run(main)


def relay(told: Connection, server: Address) -> None:
    """Run one gate until told to stop."""

    async def main() -> None:
        with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "history", time.monotonic_ns) as journal:
            gate = Gate(
                client="bench",
                device=Device(["wifi"], starts_on="wifi"),
                routes={"wifi": server},
                radios={},
                network=RealNetwork(),
                journal=journal,
            )
            async with gate.open(), trio.open_nursery() as nursery:
                nursery.start_soon(journal.keep_flushing)
                told.send(gate.address("wifi"))
                before = time.process_time()
                await trio.to_thread.run_sync(told.recv)
                told.send(time.process_time() - before)
                nursery.cancel_scope.cancel()

    trio.run(main)


async def listen(stream: Stream, delays: list[float]) -> None:
    """Take every event and keep how long it took, in milliseconds."""
    buffer = b""
    while data := await stream.receive_some():
        buffer += data
        while len(buffer) >= SIZE:
            now = time.monotonic_ns()
            delays.append((now - STAMP.unpack_from(buffer)[0]) / 1e6)
            buffer = buffer[SIZE:]


def measure(rate: float, seconds: float) -> None:
    """Run the three processes and print the figures."""
    spawn = multiprocessing.get_context("spawn")
    from_server, server_says = spawn.Pipe()
    from_gate, gate_says = spawn.Pipe()
    server = spawn.Process(target=serve, args=(server_says, rate, int(rate * seconds)))
    server.start()
    address = from_server.recv()
    gate = spawn.Process(target=relay, args=(gate_says, address))
    gate.start()
    through = from_gate.recv()
    direct_ms: list[float] = []
    gate_ms: list[float] = []

    async def main() -> None:
        network = RealNetwork()
        direct = await network.connect(address)
        gated = await network.connect(through)
        async with direct, gated, trio.open_nursery() as nursery:
            nursery.start_soon(listen, direct, direct_ms)
            nursery.start_soon(listen, gated, gate_ms)

    trio.run(main)
    from_gate.send("stop")
    cpu = from_gate.recv()
    for process in (server, gate):
        process.join()
    report(rate, direct_ms, gate_ms, cpu)


def report(rate: float, direct_ms: list[float], gate_ms: list[float], cpu: float) -> None:
    """Print p50 and p99 of both ways, and what the gate adds."""
    (direct_p50, direct_p99), (gate_p50, gate_p99) = quantiles(direct_ms), quantiles(gate_ms)
    print(
        f"{rate:g} events/s, n={len(gate_ms)}: direct {direct_p50:.3f}/{direct_p99:.3f} ms, "
        f"gate {gate_p50:.3f}/{gate_p99:.3f} ms, adds {gate_p50 - direct_p50:.3f}/{gate_p99 - direct_p99:.3f} ms, "
        f"gate CPU {cpu / len(gate_ms) * 1e6:.0f} us/event"
    )


def quantiles(values: list[float]) -> tuple[float, float]:
    """Return p50 and p99."""
    cuts = statistics.quantiles(values, n=100)
    return cuts[49], cuts[98]


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--rate", type=float, nargs="*", default=[10, 100], help="events per second")
    options.add_argument("--seconds", type=float, default=10, help="how long each rate runs")
    chosen = options.parse_args(sys.argv[1:])
    for each in chosen.rate:
        measure(each, chosen.seconds)
