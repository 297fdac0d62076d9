"""The cost of the reference server, beside bare h11 on trio and Hypercorn with Starlette. Run it as a script.

Each server lives in a process of its own and paces events of the same size to as many streams. CPU (the server
process's, per event delivered) is measured on all of them at the same time, so that whatever else the machine does
disturbs them alike; latency (the server's stamp at emission to the client's read) on one at a time, by turns. Figures
are medians of the ratios of each round. The bar: CPU at most 1.10 of bare h11's on trio (without a journal, as a server
alone runs), p50 at most 0.6 of Hypercorn's on trio. Reported beside it: our own with the journal on, and Hypercorn's on
asyncio, whose timers are rounded to milliseconds and so share their wake-ups.
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

STREAMS = 50
PERIOD = 0.1
SECONDS = 4.0
ROUNDS = 3
SIZE = 200
ARMS = ("ours", "recorded", "bare", "hypercorn", "asyncio")
CPU_BAR, LATENCY_BAR = 1.10, 0.6
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
    """Run Starlette under Hypercorn, on whichever loop this runs (anyio paces the events on both)."""
    import socket

    import anyio
    import hypercorn.asyncio
    import hypercorn.trio
    import sniffio
    from hypercorn.config import Config
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    async def events() -> AsyncIterator[bytes]:
        start = anyio.current_time()
        for index in range(1_000_000):
            await anyio.sleep_until(start + index * PERIOD)
            yield event(index)

    async def stream(request: Request) -> StreamingResponse:
        return StreamingResponse(events(), media_type="text/event-stream")

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.loglevel = "CRITICAL"
    print(port, flush=True)
    loop = hypercorn.trio if sniffio.current_async_library() == "trio" else hypercorn.asyncio
    await loop.serve(Starlette(routes=[Route("/stream", stream)]), config)  # type: ignore[arg-type]


# The client: raw trio, so that what it costs disturbs the servers as little as it can.


class Reading:
    """The client's view of one arm in one round."""

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


class Arm:
    """One server in its child process, for one round."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder
        self._stamps: dict[tuple[str, int], int] = {}
        command = [sys.executable, __file__, name, str(folder)]
        self._child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._child.stdout is not None
        self._port = int(self._child.stdout.readline())
        self.cpu = 0.0  # seconds
        self.reading = Reading()

    async def measure(self) -> None:
        """Count for a while; complain where events are missing."""
        starts_jobs = self.name in ("ours", "recorded")
        self.cpu, self.reading = await measure(self._port, self._child.pid, starts_jobs)
        seen, due = len(self.reading.seen), STREAMS * SECONDS / PERIOD
        assert seen > 0.95 * due, f"{self.name}: {seen} events of {due:.0f}"

    def stop(self) -> None:
        """End the child, so that its history is whole."""
        self._child.terminate()
        self._child.wait(10)
        assert self._child.stdout is not None
        self._child.stdout.close()

    def read_history(self) -> None:
        """Take the stamps of a stopped arm's events from its history, where they do not carry them."""
        if self.name == "recorded":
            emits = read_history(self._folder / "history").all(Emit)
            self._stamps = {(emit.epoch, emit.index): emit.actual_ns for emit in emits}

    def p50(self) -> float:
        """Return the median delay in ms; not for ``ours``, whose events have no stamp."""
        seen = self.reading.seen
        delays = [arrived - (emitted or self._stamps[epoch, index]) for epoch, index, emitted, arrived in seen]
        return statistics.median(delays) / 1e6


def run_together(*names: str) -> list[Arm]:
    """Run these arms at the same time."""

    async def together() -> None:
        async with trio.open_nursery() as nursery:
            for arm in arms:
                nursery.start_soon(arm.measure)

    with tempfile.TemporaryDirectory() as folder:
        arms = []
        try:
            for name in names:
                (Path(folder) / name).mkdir()
                arms.append(Arm(name, Path(folder) / name))
            trio.run(together)
        finally:
            for arm in arms:
                arm.stop()
        for arm in arms:
            arm.read_history()
        return arms


def main() -> int:
    """Run all rounds; print the figures and whether the bars are met."""
    plain, recorded, latency = [], [], []
    for _ in range(ROUNDS):
        costs = {arm.name: arm.cpu / len(arm.reading.seen) * 1e6 for arm in run_together(*ARMS)}
        print("  ".join(f"{name} {cost:.0f} µs/event" for name, cost in costs.items()))
        plain.append(costs["ours"] / costs["bare"])
        recorded.append(costs["recorded"] / costs["bare"])
        delays = {name: run_together(name)[0].p50() for name in ARMS[1:]}
        print("  ".join(f"{name} p50 {delay:.3f} ms" for name, delay in delays.items()))
        latency.append(delays["recorded"] / delays["hypercorn"])
    cpu, p50 = statistics.median(plain), statistics.median(latency)
    print(
        f"CPU against bare h11 on trio: {cpu:.2f} (bar {CPU_BAR}); with the journal {statistics.median(recorded):.2f}"
    )
    print(f"p50 against Hypercorn: {p50:.2f} (bar {LATENCY_BAR})")
    return 0 if cpu <= CPU_BAR and p50 <= LATENCY_BAR else 1


def child(arm: str, folder: str) -> None:
    """Serve one arm until terminated."""
    if arm == "hypercorn":
        trio.run(serve_hypercorn)
    elif arm == "asyncio":
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
