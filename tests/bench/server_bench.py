"""What the reference server costs beside bare h11 on trio and Hypercorn with Starlette. Run it as a script.

Each server lives in a process of its own and paces events of the same size to the same streams; the servers take
turns, and the figures are medians of the ratios of each round. CPU is the server process's per event delivered, from
its CPU clock; latency is emission (the server's stamp) to the client's read. The bar: CPU at most 1.15 of bare h11's on
trio (without a journal, as ``harness serve`` runs; reported with one, too), p50 at most 0.6 of Hypercorn's.
"""

import json
import re
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import trio

from harness.chance import Chance
from harness.history import Emit, Journal, read_history
from harness.jobserver import JobServer
from harness.network.real import RealNetwork
from harness.scenario.model import JobSpec, ServerSpec
from harness.world import real

STREAMS = 100
PERIOD = 0.1
SECONDS = 4.0
ROUNDS = 5
SIZE = 200
ARMS = ("ours", "recorded", "bare", "hypercorn")
CPU_BAR, LATENCY_BAR = 1.15, 0.6
MARK = re.compile(rb'id: (\w+)-(\d+)\n.*?"at":(\d+)|id: (\w+)-(\d+)\n', re.DOTALL)


def event(index: int) -> bytes:
    """Return an event of a rival, with its time of emission, in as many bytes as ours has."""
    data = f'{{"at":{real.stamp()},"status":"processing","progress":0.5,"processedCount":{index},"message":"'
    return f'id: a-{index}\nevent: processing\ndata: {data.ljust(SIZE - 2, "x")}"}}\n\n'.encode()


# The servers, each in its child process. They print their port.


async def serve_ours(folder: str) -> None:
    """Run the reference server; with a folder it records there, until SIGTERM."""
    journal = Journal(Path(folder) / "history", real.stamp) if folder else None
    job = JobSpec(lasts=3600.0, every=PERIOD, event_size=SIZE)
    jobs = JobServer(network=RealNetwork(), journal=journal, job=job, server=ServerSpec(), chance=Chance(1))
    async with trio.open_nursery() as nursery:
        print((await jobs.start(nursery))[1], flush=True)
        if journal is not None:
            nursery.start_soon(journal.keep_flushing)
        with trio.open_signal_receiver(signal.SIGTERM) as signals:
            async for _ in signals:
                nursery.cancel_scope.cancel()
    if journal is not None:
        journal.close()


async def serve_bare() -> None:
    """Run the least that h11 on trio can be: one task per stream, which sleeps and sends."""
    import h11

    async def stream(peer: trio.SocketStream) -> None:
        http = h11.Connection(h11.SERVER)
        while http.next_event() is h11.NEED_DATA:
            http.receive_data(await peer.receive_some())
        head = h11.Response(status_code=200, headers=[("content-type", "text/event-stream")])
        await peer.send_all(http.send(head) or b"")
        start = trio.current_time()
        for index in range(1_000_000):
            await trio.sleep_until(start + index * PERIOD)
            await peer.send_all(http.send(h11.Data(data=event(index))) or b"")

    async def guarded(peer: trio.SocketStream) -> None:
        try:
            await stream(peer)
        except trio.BrokenResourceError:
            await peer.aclose()

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    print(listeners[0].socket.getsockname()[1], flush=True)
    await trio.serve_listeners(guarded, listeners)


async def serve_hypercorn() -> None:
    """Run Starlette under Hypercorn, on asyncio, as it comes."""
    import asyncio
    import socket

    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    async def events() -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        start = loop.time()
        for index in range(1_000_000):
            await asyncio.sleep(max(0.0, start + index * PERIOD - loop.time()))
            yield event(index)

    async def stream(request: Request) -> StreamingResponse:
        return StreamingResponse(events(), media_type="text/event-stream")

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.loglevel = "CRITICAL"
    print(port, flush=True)
    await serve(Starlette(routes=[Route("/stream", stream)]), config)  # type: ignore[arg-type]


# The client: raw trio, so that what it costs disturbs the servers as little as it can.


class Reading:
    """What the client saw of one arm in one round."""

    def __init__(self) -> None:
        self.open = 0
        self.all_open = trio.Event()
        self.counting = False
        self.seen: list[tuple[str, int, int, int]] = []  # epoch, index, emitted (0: see the journal), arrived


async def follow(port: int, starts_jobs: bool, reading: Reading) -> None:
    """Open one stream and note each event's arrival, until cancelled."""
    peer = await connect(port)
    target = "/stream"
    if starts_jobs:
        await peer.send_all(b"POST /api/v2/imports HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        answer = await peer.receive_some()
        job = json.loads(answer.partition(b"\r\n\r\n")[2])["jobId"]
        target = f"/api/v2/imports/{job}/stream"
    await peer.send_all(f"GET {target} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n".encode())
    reading.open += 1
    if reading.open == STREAMS:
        reading.all_open.set()
    while data := await peer.receive_some():
        arrived = real.stamp()
        if reading.counting:
            for match in MARK.finditer(data):
                epoch, index, emitted = match[1] or match[4], match[2] or match[5], match[3] or b"0"
                reading.seen.append((epoch.decode(), int(index), int(emitted), arrived))


async def connect(port: int) -> trio.SocketStream:
    """Dial until the child answers."""
    with trio.fail_after(10):
        while True:
            try:
                return await trio.open_tcp_stream("127.0.0.1", port)
            except OSError:
                await trio.sleep(0.05)


async def measure(port: int, pid: int, starts_jobs: bool) -> tuple[float, Reading]:
    """Return the CPU seconds of the server over the counted window, and what was read in it."""
    reading, process = Reading(), psutil.Process(pid)
    async with trio.open_nursery() as nursery:
        for _ in range(STREAMS):  # spread over a period, so that events are paced and not in volleys
            nursery.start_soon(follow, port, starts_jobs, reading)
            await trio.sleep(PERIOD / STREAMS)
        with trio.fail_after(10):
            await reading.all_open.wait()
        await trio.sleep(0.5)
        before, reading.counting = process.cpu_times(), True
        await trio.sleep(SECONDS)
        after, reading.counting = process.cpu_times(), False
        nursery.cancel_scope.cancel()
    return after.user + after.system - before.user - before.system, reading


def run_arm(arm: str) -> tuple[float, float]:
    """Run one arm in a child of its own; return µs of CPU per event and the p50 in ms (0 where it is not stamped)."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, arm, folder]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        try:
            port = int(child.stdout.readline())
            cpu, reading = trio.run(measure, port, child.pid, arm in ("ours", "recorded"))
        finally:
            child.terminate()
            child.wait(10)
            child.stdout.close()
        emitted = {}
        if arm == "recorded":
            emits = read_history(Path(folder) / "history").all(Emit)
            emitted = {(emit.epoch, emit.index): emit.actual_ns for emit in emits}
    delays = [arrived - (emitted.get((epoch, index), at) or arrived) for epoch, index, at, arrived in reading.seen]
    expected = STREAMS * SECONDS / PERIOD
    assert len(delays) > 0.95 * expected, f"{arm}: {len(delays)} events of {expected:.0f}"
    return cpu / len(delays) * 1e6, statistics.median(delays) / 1e6


def main() -> int:
    """Run all rounds; print the figures and whether the bars are met."""
    rounds = [{arm: run_arm(arm) for arm in ARMS} for _ in range(ROUNDS)]
    for arm in ARMS:
        cpu = statistics.median(figures[arm][0] for figures in rounds)
        p50 = statistics.median(figures[arm][1] for figures in rounds)
        print(f"{arm:10} {cpu:6.0f} µs/event  p50 {p50:.3f} ms" if p50 else f"{arm:10} {cpu:6.0f} µs/event")
    plain = statistics.median(figures["ours"][0] / figures["bare"][0] for figures in rounds)
    recorded = statistics.median(figures["recorded"][0] / figures["bare"][0] for figures in rounds)
    latency = statistics.median(figures["recorded"][1] / figures["hypercorn"][1] for figures in rounds)
    print(f"CPU against bare h11 on trio: {plain:.2f} (bar {CPU_BAR}); with the journal {recorded:.2f}")
    print(f"p50 against Hypercorn: {latency:.2f} (bar {LATENCY_BAR})")
    return 0 if plain <= CPU_BAR and latency <= LATENCY_BAR else 1


def child(arm: str, folder: str) -> None:
    """Serve one arm until terminated."""
    if arm == "hypercorn":
        import asyncio

        asyncio.run(serve_hypercorn())
    elif arm == "bare":
        trio.run(serve_bare)
    else:
        trio.run(serve_ours, folder if arm == "recorded" else "")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        child(*sys.argv[1:])
    else:
        sys.exit(main())
