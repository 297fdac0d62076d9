"""The server as a whole: on real sockets, when it stops, and when a handler is broken."""

import gc
import socket
from pathlib import Path

import httpx
import pytest
import trio

from harness.chance import Chance
from harness.errors import EnvironmentFault
from harness.history.journal import Journal
from harness.history.records import Record, Subscriber
from harness.jobserver import JobServer, serve
from harness.jobserver.jobs import JobLog
from harness.network.real import RealNetwork
from harness.scenario.model import JobSpec, ServerSpec
from harness.sse.events import Event
from harness.sse.parser import Parser

BRISK = JobSpec(lasts=0.2, every=0.05, items=4)


def server(job: JobSpec = BRISK, journal: Journal | None = None) -> JobServer:
    return JobServer(network=RealNetwork(), journal=journal, job=job, server=ServerSpec(), chance=Chance(1))


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_whole_job_over_real_sockets(nursery):
    host, port = await server().start(nursery)
    async with httpx.AsyncClient(base_url=f"http://{host}:{port}") as client:
        path = (await client.post("/api/v2/imports")).headers["location"]
        with trio.fail_after(10):
            body = (await client.get(f"{path}/stream", headers={"accept": "text/event-stream"})).content
        types = [event.type for event in Parser().feed(body) if isinstance(event, Event)]
        assert types == ["initialized", *["processing"] * 3, "completed"]
        assert (await client.get(f"{path}/results")).headers["content-length"] == "10000"
    nursery.cancel_scope.cancel()


async def test_stop_frees_the_port_and_every_socket(nursery):
    gc.collect()
    before = descriptors()
    jobs = server(JobSpec(lasts=100.0))
    address = await jobs.start(nursery)
    streams = [await trio.open_tcp_stream(*address) for _ in range(5)]
    for stream in streams:
        await stream.send_all(b"POST /api/v2/imports HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        await stream.receive_some()
    with trio.fail_after(5):
        await jobs.stop()
    for stream in streams:
        await stream.aclose()
    assert (jobs.counts.open_connections, descriptors()) == (0, before)
    with socket.create_server(address):
        pass


async def test_cancelled_nursery_ends_the_server():
    jobs = server()
    async with trio.open_nursery() as nursery:
        address = await jobs.start(nursery)
        nursery.cancel_scope.cancel()
    with pytest.raises(OSError, match=r"."):
        await trio.open_tcp_stream(*address)


async def test_address_that_is_taken_is_an_environment_fault(nursery):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        jobs = JobServer(
            network=RealNetwork(),
            journal=None,
            job=BRISK,
            server=ServerSpec(),
            chance=Chance(1),
            address=taken.getsockname(),
        )
        with pytest.raises(EnvironmentFault):
            await jobs.start(nursery)


async def test_peer_that_vanishes_with_rst_leaves_no_stream(nursery, tmp_path):
    closed = trio.Event()

    def watch(record: Record) -> None:
        if isinstance(record, Subscriber) and record.what == "close":
            assert record.evidence == "rst"
            closed.set()

    with Journal(tmp_path / "history", lambda: 1, tap=watch) as journal:
        jobs = server(JobSpec(lasts=100.0, every=0.01), journal)
        address = await jobs.start(nursery)
        async with httpx.AsyncClient(base_url="http://{}:{}".format(*address)) as client:
            path = (await client.post("/api/v2/imports")).headers["location"]
        stream = await RealNetwork().connect(address)
        await stream.send_all(f"GET {path}/stream HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        await stream.receive_some()
        assert jobs.counts.open_streams == 1
        stream.reset()
        with trio.fail_after(5):
            await closed.wait()
        await jobs.stop()


async def test_serve_runs_alone_and_counts(nursery):
    jobs = await nursery.start(
        lambda task_status: serve(
            ("127.0.0.1", 0),
            network=RealNetwork(),
            job=BRISK,
            server=ServerSpec(),
            chance=Chance(1),
            task_status=task_status,
        )
    )
    async with httpx.AsyncClient(base_url="http://{}:{}".format(*jobs.address)) as client:
        await client.post("/api/v2/imports")
    assert (jobs.counts.jobs, jobs.counts.requests) == (1, 1)
    nursery.cancel_scope.cancel()


def test_broken_handler_is_a_500_without_a_traceback(rig, monkeypatch, caplog):
    async def main(rig):
        path = await rig.job()
        client = await rig.client()
        answer = await client.ask("GET", path)
        assert (answer.status_code, await client.body()) == (
            500,
            b'{"error":{"code":"internal","message":"the server failed to answer"}}',
        )
        assert rig.server.counts.faults == 1

    def broken(self):
        raise KeyError("planted")

    monkeypatch.setattr(JobLog, "snapshot", broken)
    rig.run(main, job=BRISK)
    assert "planted" in caplog.text


def test_same_seed_gives_the_same_names(rig):
    paths = []

    async def main(rig):
        paths.append([await rig.job(), await rig.job()])

    rig.run(main, job=BRISK)
    first = paths.pop()
    assert first[0] != first[1]
    rig.network = type(rig.network)()
    rig.run(main, job=BRISK)
    assert paths == [first]
