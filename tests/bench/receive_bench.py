"""The cost of receiving: the reference client, its full record kept, beside httpx with httpx-sse. Run it as a script.

Each client lives in a process of its own and follows as many streams of one paced server, a client object each. CPU
(of the client's process, per event) is measured on all of them at the same time, so that whatever else the machine does
disturbs them alike; latency (the server's stamp at emission to the app) on one at a time, by turns. Figures are medians
over the rounds. The bar: CPU at most 1.10 of httpx with httpx-sse, p99 at most 2 ms at 100 streams of 10 events a
second. Reported beside it: our own without a record; our own with the gate's HTTP stage in its stream, which records
what its socket took; and httpx with our parser, which is the floor under all.
"""

import itertools
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import httpx_sse
import psutil
import trio

from harness.clients import Callbacks, JobEvent, Observer, SSEClient
from harness.clients.journaling import JournalObserver
from harness.clients.machine import MachinePhone
from harness.history import Journal
from harness.middle import HttpStage, RequestKinds
from harness.seams import Stream
from harness.sse import Event, Parser
from harness.world import real

STREAMS = 100
ABREAST = 20
"""Streams of each arm where all run at once, so that together they are as many."""

PERIOD = 0.1
WARM_UP = 1.0
SECONDS = 5.0
ROUNDS = 3
SIZE = 200
ARMS = ("ours", "staged", "unrecorded", "httpx-sse", "floor")
CPU_BAR, LATENCY_BAR = 1.10, 2.0

Take = Callable[[str], None]
"""Called with the data of each event, where an app would get it."""


# The server: the least that can pace events.


async def serve() -> None:
    """Answer a POST with a job and a GET with an event every period, streams spread over it; print the port."""
    opened = 0

    async def answer(peer: trio.SocketStream) -> None:
        nonlocal opened
        head = await peer.receive_some()
        if head.startswith(b"POST"):
            job = b'{"jobId": "j"}'
            await peer.send_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n%s" % (len(job), job))
            return
        opened += 1
        start = trio.current_time() + PERIOD * (opened % STREAMS) / STREAMS
        kind = b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked"
        await peer.send_all(b"HTTP/1.1 200 OK\r\n" + kind + b"\r\n\r\n")
        for index in range(1_000_000):
            await trio.sleep_until(start + index * PERIOD)
            data = f'{{"at":{real.stamp()},"progress":0.5,"processedCount":{index},"message":"'
            block = f'id: a-{index}\nevent: processing\ndata: {data.ljust(SIZE - 2, "x")}"}}\n\n'.encode()
            await peer.send_all(b"%x\r\n%s\r\n" % (len(block), block))

    async def guarded(peer: trio.SocketStream) -> None:
        try:
            async with peer:
                await answer(peer)
        except trio.BrokenResourceError:
            pass

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    print(listeners[0].socket.getsockname()[1], flush=True)
    await trio.serve_listeners(guarded, listeners)


# The clients: each follows one stream until it is cancelled.


class StagedStream(Stream):
    """A stream with the HTTP stage in it: what the client has read is what its socket took."""

    def __init__(self, inner: Stream, stage: HttpStage) -> None:
        self.local, self.peer = inner.local, inner.peer
        self._inner = inner
        self._stage = stage
        self._got = 0

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        data = bytes(await self._inner.receive_some(max_bytes))
        began_ns = real.stamp()
        self._got += len(self._stage.to_client(data))
        self._stage.delivered(self._got, began_ns)
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self._stage.hears(bytes(data))
        await self._inner.send_all(self._stage.to_server(bytes(data)))

    async def wait_send_all_might_not_block(self) -> None:
        await self._inner.wait_send_all_might_not_block()

    def finish(self) -> None:
        self._inner.finish()

    def close(self) -> None:
        self._inner.close()

    def reset(self) -> None:
        self._inner.reset()


class StagedPhone(MachinePhone):
    """A phone whose streams are recorded."""

    rids = itertools.count(1)

    def __init__(self, name: str, journal: Journal) -> None:
        super().__init__()
        self._name = name
        self._journal = journal

    async def connect(self, host: str, port: int) -> Stream:
        stage = HttpStage(
            wall_clock=lambda: 0.0,
            cid=self._journal.written + 1,
            client=self._name,
            path="wifi",
            journal=self._journal,
            next_rid=self.rids.__next__,
            routes=RequestKinds(),
        )
        return StagedStream(await super().connect(host, port), stage)


async def follow_ours(url: str, observer: Observer, phone: MachinePhone, take: Take) -> None:
    """Use the reference client as an app does."""

    def show(event: JobEvent) -> None:
        take(event.data)

    async with SSEClient(url, observer=observer, phone=phone) as client:
        await client.follow(await client.start(), Callbacks(on_processing=show))


async def follow_httpx_sse(url: str, take: Take) -> None:
    """Use httpx-sse as its README does."""
    async with (
        httpx.AsyncClient(timeout=None) as client,
        httpx_sse.aconnect_sse(client, "GET", f"{url}/stream") as source,
    ):
        async for event in source.aiter_sse():
            take(event.data)


async def follow_floor(url: str, take: Take) -> None:
    """Use httpx with our parser, and nothing else."""
    parser = Parser()
    async with httpx.AsyncClient(timeout=None) as client, client.stream("GET", f"{url}/stream") as response:
        async for chunk in response.aiter_raw():
            for found in parser.feed(chunk):
                if isinstance(found, Event):
                    take(found.data)


class Reading:
    """One child's view of so many streams: the delays in ms of the counted window."""

    def __init__(self, streams: int) -> None:
        self._left = 2 * streams
        self.flowing = trio.Event()
        self.counting = False
        self.delays: list[float] = []

    def take(self, data: str) -> None:
        """Count an event, by the stamp in its data."""
        self._left -= 1
        if not self._left:
            self.flowing.set()
        if self.counting:
            self.delays.append((real.stamp() - int(data[6 : data.index(",")])) / 1e6)


async def measure(streams: int, follow: Callable[[int, Take], Awaitable[None]], journal: Journal | None) -> None:
    """Follow all streams, count for a while, and print what that cost."""
    reading, process = Reading(streams), psutil.Process()
    async with trio.open_nursery() as nursery:
        if journal is not None:
            nursery.start_soon(journal.keep_flushing)
        for number in range(streams):
            nursery.start_soon(follow, number, reading.take)
            await trio.sleep(PERIOD / streams)
        with trio.fail_after(20):
            await reading.flowing.wait()
        await trio.sleep(WARM_UP)
        before, reading.counting = process.cpu_times(), True
        await trio.sleep(SECONDS)
        after, reading.counting = process.cpu_times(), False
        nursery.cancel_scope.cancel()
    cuts = statistics.quantiles(reading.delays, n=100)
    cpu = (after.user + after.system - before.user - before.system) / len(reading.delays)
    figures = {"events": len(reading.delays), "cpu": cpu * 1e6, "p50": cuts[49], "p99": cuts[98]}
    print(json.dumps(figures), flush=True)


def child(arm: str, port: str, streams: str, folder: str) -> None:
    """Be the server, or one arm."""
    if arm == "serve":
        trio.run(serve)
        return
    url = f"http://127.0.0.1:{port}"
    journal = Journal(Path(folder) / "history", real.stamp) if arm in {"ours", "staged"} else None

    async def follow(number: int, take: Take) -> None:
        if arm == "httpx-sse":
            await follow_httpx_sse(url, take)
        elif arm == "floor":
            await follow_floor(url, take)
        else:
            name = f"c{number}"
            observer = JournalObserver(name, journal) if journal else Observer()
            phone = StagedPhone(name, journal) if journal and arm == "staged" else MachinePhone()
            await follow_ours(url, observer, phone, take)

    trio.run(measure, int(streams), follow, journal)
    if journal is not None:
        journal.close()


# The parent.


def run_together(port: int, streams: int, *arms: str) -> dict[str, dict[str, float]]:
    """Run these arms at the same time, on so many streams each; returns the figures of each."""
    with tempfile.TemporaryDirectory() as folder:
        children = {}
        for arm in arms:
            (Path(folder) / arm).mkdir()
            command = [sys.executable, __file__, arm, str(port), str(streams), str(Path(folder) / arm)]
            children[arm] = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        said = {arm: process.communicate(timeout=60)[0] for arm, process in children.items()}
    figures: dict[str, dict[str, float]] = {arm: json.loads(line) for arm, line in said.items()}
    for arm, one in figures.items():
        due = streams * SECONDS / PERIOD
        assert one["events"] > 0.95 * due, f"{arm}: {one['events']} events of {due:.0f}"
    return figures


def main() -> int:
    """Run all rounds; print the figures and whether the bars are met."""
    server = subprocess.Popen([sys.executable, __file__, "serve", "0", "0", ""], stdout=subprocess.PIPE, text=True)
    ratios: dict[str, list[float]] = {arm: [] for arm in ARMS}
    tails = []
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        for _ in range(ROUNDS):
            together = run_together(port, ABREAST, *ARMS)
            print("  ".join(f"{arm} {one['cpu']:.0f} µs/event" for arm, one in together.items()))
            for arm, one in together.items():
                ratios[arm].append(one["cpu"] / together["httpx-sse"]["cpu"])
            alone = {arm: run_together(port, STREAMS, arm)[arm] for arm in ("ours", "httpx-sse")}
            print("  ".join(f"{arm} p50 {one['p50']:.2f} p99 {one['p99']:.2f} ms" for arm, one in alone.items()))
            tails.append(alone["ours"]["p99"])
    finally:
        server.terminate()
        server.wait(10)
        if server.stdout is not None:
            server.stdout.close()
    cpu, p99 = statistics.median(ratios["ours"]), statistics.median(tails)
    beside = ", ".join(f"{arm} {statistics.median(ratios[arm]):.2f}" for arm in ("staged", "unrecorded", "floor"))
    print(f"CPU against httpx with httpx-sse: {cpu:.2f} (bar {CPU_BAR}); {beside}")
    print(f"p99: {p99:.2f} ms (bar {LATENCY_BAR})")
    return 0 if cpu <= CPU_BAR and p99 <= LATENCY_BAR else 1


if __name__ == "__main__":
    if len(sys.argv) > 1:
        child(*sys.argv[1:])
    else:
        sys.exit(main())
