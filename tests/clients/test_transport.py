"""The transport and the machine's phone on real sockets, and TLS in virtual time."""

import socket

import msgspec
import trio

from harness.chance import Chance
from harness.clients import Callbacks, Observer, SSEClient
from harness.clients.machine import MachinePhone
from harness.clients.transport import DialFailed
from harness.jobserver import JobServer
from harness.network.real import RealNetwork
from harness.scenario.model import JobSpec, ServerSpec
from harness.seams import Door
from harness.sse.policy import REFERENCE, Jitter
from tests.clients.stage import Stage, play

QUICK = msgspec.structs.replace(REFERENCE, backoff_base=0.01, backoff_cap=0.02)


class Attempts(Observer):
    def __init__(self):
        self.reports = []

    def attempt_ended(self, report):
        self.reports.append(report)


async def served(nursery, **job):
    server = JobServer(network=RealNetwork(), journal=None, job=JobSpec(**job), server=ServerSpec(), chance=Chance(1))
    host, port = await server.start(nursery)
    return server, f"http://{host}:{port}"


async def emptied(server):
    """Return once the server has no connection any more."""
    while server.counts.open_connections:  # noqa: ASYNC110 - the server has no event for it
        await trio.sleep(0.01)


async def test_a_job_runs_to_its_end_on_real_sockets(nursery):
    server, url = await served(nursery, lasts=0.3, every=0.02)
    shown = []
    with trio.fail_after(10):
        async with SSEClient(url) as client:
            outcome = await client.follow(
                await client.start(), Callbacks(on_processing=shown.append, on_completed=shown.append)
            )
        assert outcome.ended == "completed"
        assert len(shown) == 15
        assert len(outcome.results.body) >= 9_000
        await emptied(server)
        await server.stop()


async def test_a_name_is_resolved_and_a_path_below_the_base_is_kept(nursery):
    server, url = await served(nursery, lasts=0.1, every=0.02)
    with trio.fail_after(10):
        async with SSEClient(url.replace("127.0.0.1", "localhost") + "/") as client:
            assert (await client.follow(await client.start())).ended == "completed"
        await server.stop()


async def test_proxies_of_the_environment_are_ignored(nursery, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    server, url = await served(nursery, lasts=0.1, every=0.02)
    with trio.fail_after(10):
        async with SSEClient(url) as client:
            assert (await client.follow(await client.start())).ended == "completed"
        await server.stop()


async def test_a_refused_port_is_reported_as_refused():
    listener = await RealNetwork().listen()
    await listener.set_door(Door.REFUSE)
    watch = Attempts()
    host, port = listener.address
    policies = msgspec.structs.replace(QUICK, gives_up_after=2)
    with trio.fail_after(10):
        async with SSEClient(f"http://{host}:{port}", policies=policies, observer=watch) as client:
            outcome = await client.follow("j")
    await listener.aclose()
    assert outcome.ended == "error"
    assert [report.how for report in watch.reports] == ["refused", "refused"]


async def test_a_peers_reset_is_reported_in_the_systems_words():
    listener = await RealNetwork().listen()
    watch = Attempts()
    host, port = listener.address

    async def resets():
        for _ in range(2):
            stream = await listener.accept()
            await stream.receive_some()
            stream.reset()

    policies = msgspec.structs.replace(QUICK, gives_up_after=2)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(resets)
            async with SSEClient(f"http://{host}:{port}", policies=policies, observer=watch) as client:
                await client.follow("j")
    await listener.aclose()
    assert [report.how for report in watch.reports] == ["error", "error"]
    assert "reset by peer" in watch.reports[0].detail
    assert watch.reports[0].spoke


async def test_closing_a_client_closes_its_socket_at_the_server(nursery):
    server, url = await served(nursery, lasts=60, every=0.02)
    first = trio.Event()
    with trio.fail_after(10):
        client = SSEClient(url)
        job = await client.start()

        async def follow():
            assert (await client.follow(job, Callbacks(on_processing=lambda _event: first.set()))).ended == "closed"

        async with trio.open_nursery() as followers:
            followers.start_soon(follow)
            await first.wait()
            await client.aclose()
        await emptied(server)
        await server.stop()


async def test_the_machines_phone_has_no_signals():
    async with MachinePhone().signals() as signals:
        assert [signal async for signal in signals] == []


async def test_a_name_without_an_address_is_a_failed_dial(monkeypatch):
    async def nowhere(*_args, **_more):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(trio.socket, "getaddrinfo", nowhere)
    watch = Attempts()
    policies = msgspec.structs.replace(QUICK, gives_up_after=1)
    async with SSEClient("http://nowhere.test", policies=policies, observer=watch) as client:
        await client.follow("j")
    assert (watch.reports[0].how, watch.reports[0].spoke) == ("error", False)
    assert "Name or service not known" in watch.reports[0].detail


def test_a_tls_handshake_that_hangs_ends_with_the_connect_deadline():
    async def mute(pipe):
        await trio.sleep_forever()

    stage = Stage()
    stage._serve = mute
    policies = msgspec.structs.replace(REFERENCE, jitter=Jitter.NONE)
    played = play(stage, policies=policies, base_url="https://server", lasts=15)
    assert played.watcher.of("ended")[0] == (10.0, "ended", 1, "timeout")


def test_a_tls_handshake_that_is_cut_or_answered_in_plain_is_a_failed_dial():
    async def plain(pipe):
        await pipe.receive_some()
        await pipe.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def cut(pipe):
        await pipe.receive_some()
        await pipe.aclose()

    for how in (plain, cut):
        stage = Stage()
        stage._serve = how
        played = play(stage, base_url="https://server", lasts=5)
        assert set(played.hows) == {"error", "cancelled"} or set(played.hows) == {"error"}
        assert not any(report.spoke for report in played.watcher.ends)
        assert played.left_open == 0


def test_what_a_dial_failed_of_is_told_apart():
    assert play(Stage(doors=lambda at: "unreachable"), lasts=0.1).hows == ["unreachable"]
    assert DialFailed("x", "refused").how == "refused"
