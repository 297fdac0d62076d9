"""Restarts and hangs on real sockets: the port is never lost, nothing is left behind, and a kept log loses nothing."""

import gc
import random
import socket
from pathlib import Path

import h11
import pytest
import trio

from harness.chance import Chance
from harness.deeds.acts import Drains, Hangs, Restarts
from harness.history.journal import Journal
from harness.history.reader import read_history
from harness.history.records import Emit, Job
from harness.jobserver import JobServer
from harness.network.real import RealNetwork
from harness.scenario.model import JobSpec, ServerSpec
from harness.sse.events import Event
from harness.sse.parser import Parser
from harness.world import real
from tests.jobserver.conftest import Client

BUSY = JobSpec(lasts=1.2, every=None, items=600)


def descriptors() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def server(job: JobSpec, journal: Journal | None = None) -> JobServer:
    spec = ServerSpec(replay=None)
    return JobServer(network=RealNetwork(), journal=journal, job=job, server=spec, chance=Chance(1))


async def dial(address) -> Client:
    return Client(await RealNetwork().connect(address))


async def started(address) -> str:
    client = await dial(address)
    answer = await client.ask("POST", "/api/v2/imports")
    await client.stream.aclose()
    return dict(answer.headers)[b"location"].decode()


async def follow_through(address, path: str) -> list[str]:
    """Follow a job to its end through every restart; return the ids received."""
    ids: list[str] = []
    while True:
        try:
            client = await dial(address)
        except (ConnectionRefusedError, ConnectionResetError):  # the door was shut, or shut upon it
            await trio.sleep(0.01)
            continue
        try:
            headers = [("last-event-id", ids[-1])] if ids else []
            if (await client.ask("GET", f"{path}/stream", headers)).status_code == 204:
                return ids
            parser = Parser()
            while (data := await client.read()) is not None:
                ids.extend(item.id for item in parser.feed(data) if isinstance(item, Event))
        except (trio.BrokenResourceError, h11.RemoteProtocolError):
            pass
        finally:
            await client.stream.aclose()


async def test_restarts_under_load_lose_and_repeat_nothing_and_leave_nothing(nursery, tmp_path):
    before, chance = descriptors(), random.Random(3)
    with Journal(tmp_path / "history", real.stamp) as journal:
        jobs = server(BUSY, journal)
        address = await jobs.start(nursery)
        got: dict[str, list[str]] = {}

        async def follow(path: str) -> None:
            got[path] = await follow_through(address, path)

        with trio.fail_after(20):
            async with trio.open_nursery() as followers:
                for _ in range(5):
                    followers.start_soon(follow, await started(address))
                for index in range(8):
                    await trio.sleep(chance.uniform(0, 0.2))
                    await jobs.do(index, Restarts(keeps_log=True, after=chance.choice([0.0, 0.05])))
            await jobs.stop()
    assert [len(ids) for ids in got.values()] == [602] * 5
    assert all([int(name.partition("-")[2]) for name in ids] == list(range(602)) for ids in got.values())
    history = read_history(tmp_path / "history")
    schedules = {job.epoch: job.schedule_ns for job in history.all(Job)}
    assert all(emit.intended_ns == schedules[emit.epoch][emit.index] for emit in history.all(Emit))
    assert descriptors() == before


async def test_stream_in_the_midst_of_its_events_hears_bye_and_the_end_of_its_body(nursery):
    jobs = server(JobSpec(lasts=60.0, every=0.0005))
    address = await jobs.start(nursery)
    path = await started(address)
    with trio.fail_after(20):
        for index in range(20):
            client = await dial(address)
            await client.ask("GET", f"{path}/stream")
            await client.read()
            await jobs.do(index, Restarts(keeps_log=True))
            assert (await client.body())[-7:] == b": bye\n\n"
            await client.stream.aclose()
    await jobs.stop()


@pytest.mark.parametrize("act", [Restarts(keeps_log=False, after=0.2), Drains()])
async def test_dial_is_refused_meanwhile_and_nobody_else_can_take_the_port(nursery, act):
    jobs = server(JobSpec(lasts=60.0))
    address = await jobs.start(nursery)
    assert (await jobs.do(0, act))["door"] == "refuse"
    with pytest.raises(ConnectionRefusedError):
        await dial(address)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(address)
    with trio.fail_after(5):
        while (await jobs.undo(0))["door"] != "open":
            await trio.testing.wait_all_tasks_blocked(0.01)
    client = await dial(address)
    assert (await client.fetch("GET", "/healthz"))[0] == 200
    await client.stream.aclose()
    await jobs.stop()


async def test_hung_server_accepts_says_nothing_and_answers_what_it_was_asked_when_it_recovers(nursery):
    jobs = server(JobSpec(lasts=60.0))
    address = await jobs.start(nursery)
    await jobs.do(0, Hangs())
    client = await dial(address)
    answers = []

    async def ask() -> None:
        answers.append(await client.fetch("GET", "/healthz"))

    with trio.fail_after(5):
        async with trio.open_nursery() as asking:
            asking.start_soon(ask)
            while not jobs.counts.requests:
                await trio.testing.wait_all_tasks_blocked(0.01)
            assert answers == []
            await jobs.undo(0)
    assert answers == [(200, b'{"status":"ok"}')]
    await client.stream.aclose()
    await jobs.stop()
