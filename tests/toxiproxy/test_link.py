"""The embedded proxy in virtual time: exact instants, and what must not block."""

import itertools
import random
from typing import NamedTuple

import pytest
import trio
import trio.testing

from harness.errors import OutOfFiles
from harness.seams import Address
from harness.toxics import ToxicSpec, toxic_of
from harness.toxiproxy.address import join_address
from harness.toxiproxy.link import PIECES
from harness.toxiproxy.proxy import Proxy
from tests.toxics.drive import spec
from tests.toxiproxy.memory import BUFFER, MemoryListener, MemoryNetwork, MemoryStream


class Rig(NamedTuple):
    network: MemoryNetwork
    listener: MemoryListener
    proxy: Proxy
    address: Address
    nursery: trio.Nursery

    async def pair(self):
        """Both ends of a new connection: the client's and the server's."""
        client = await self.network.connect(self.address)
        return client, await self.listener.accept()


def virtually(body, *toxics):
    """Run ``body(rig)`` with a proxy that has these toxics; the proxy is stopped at the end."""

    async def main():
        network = MemoryNetwork()
        listener = await network.listen()
        proxy = Proxy("p", "127.0.0.1:0", join_address(listener.address), network=network, rng=random.Random(1))
        for toxic in toxics:
            proxy.add_toxic(toxic)
        async with trio.open_nursery() as nursery:
            await proxy.start(nursery)
            with trio.fail_after(3600):
                host, port = proxy.listen.split(":")
                await body(Rig(network, listener, proxy, (host, int(port)), nursery))
            await proxy.stop()
        assert list(network.listeners) == [listener.address]

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


async def arrivals(stream, count):
    """Return (milliseconds since now, bytes) of the next ``count`` bytes, per read."""
    began, seen, got = trio.current_time(), [], 0
    while got < count:
        data = await stream.receive_some()
        assert data
        got += len(data)
        seen.append((round((trio.current_time() - began) * 1000, 3), len(data)))
    return seen


def test_without_toxics_nothing_is_delayed():
    async def body(rig):
        client, server = await rig.pair()
        await server.send_all(b"abc")
        assert await arrivals(client, 3) == [(0, 3)]

    virtually(body)


def test_latency_is_exact_and_pipelined():
    async def body(rig):
        client, server = await rig.pair()

        async def events():
            for _ in range(5):
                await server.send_all(b"x")
                await trio.sleep(0.05)

        rig.nursery.start_soon(events)
        assert await arrivals(client, 5) == [(300, 1), (350, 1), (400, 1), (450, 1), (500, 1)]

    virtually(body, spec("latency", latency=300))


def test_bandwidth_is_exact():
    async def body(rig):
        client, server = await rig.pair()
        rig.nursery.start_soon(server.send_all, b"x" * 250)
        assert await arrivals(client, 250) == [(100, 100), (200, 100), (250, 50)]

    virtually(body, spec("bandwidth", rate=1))


def test_slices_are_written_one_by_one():
    async def body(rig):
        client, server = await rig.pair()
        await server.send_all(b"abcd")
        assert await arrivals(client, 4) == [(0, 1), (1, 1), (2, 1), (3, 1)]

    virtually(body, spec("slicer", average_size=1, delay=1000))


def test_a_toxic_added_live_acts_on_the_next_chunk():
    async def body(rig):
        client, server = await rig.pair()
        await server.send_all(b"x")
        assert await arrivals(client, 1) == [(0, 1)]
        rig.proxy.add_toxic(spec("latency", latency=70))
        await server.send_all(b"x")
        assert await arrivals(client, 1) == [(70, 1)]

    virtually(body)


def test_a_toxic_removed_live_writes_what_waits_at_once_and_in_order():
    async def body(rig):
        client, server = await rig.pair()
        await server.send_all(b"abc")
        await trio.sleep(1)
        rig.proxy.remove_toxic(rig.proxy.toxics[0])
        await server.send_all(b"def")
        assert {at for at, _ in await arrivals(client, 6)} == {0}
        await server.send_all(b"g")
        assert await arrivals(client, 1) == [(0, 1)]

    virtually(body, spec("latency", latency=60_000))


def test_a_client_that_does_not_read_blocks_no_change():
    """On Toxiproxy the same wedges the server for good (its issues #254, #412, #558)."""

    async def body(rig):
        client, server = await rig.pair()
        rig.nursery.start_soon(server.send_all, b"x" * 5000)
        await trio.sleep(1)
        rig.proxy.update_toxic(spec("latency", latency=5))
        rig.proxy.add_toxic(spec("bandwidth", rate=1000))
        rig.proxy.remove_toxic(rig.proxy.toxics[0])
        assert sum(size for _, size in await arrivals(client, 5000)) == 5000

    virtually(body, spec("latency", latency=10))


def test_what_is_read_while_the_writer_is_blocked_keeps_its_time():
    async def body(rig):
        client, server = await rig.pair()
        await server.send_all(b"a" * BUFFER)
        await trio.sleep(0.2)  # the client's buffer is full now
        await server.send_all(b"b" * 10)
        await trio.sleep(10)
        assert {at for at, _ in await arrivals(client, BUFFER + 10)} == {0}

    virtually(body, spec("latency", latency=100))


def test_back_pressure_reaches_the_server():
    async def body(rig):
        _client, server = await rig.pair()
        with trio.move_on_after(60) as timeout:
            await server.send_all(b"x" * 10 * BUFFER)
        assert timeout.cancelled_caught

    virtually(body, spec("bandwidth", rate=0))


def test_a_hanging_dial_keeps_nobody_else_waiting():
    """On Toxiproxy later clients, and disabling the proxy, wait for the dial."""

    async def body(rig):
        rig.network.hanging.add(rig.listener.address)
        stuck = await rig.network.connect(rig.address)
        await trio.sleep(5)
        rig.network.hanging.clear()
        client, server = await rig.pair()
        await server.send_all(b"x")
        assert await client.receive_some() == b"x"
        await rig.proxy.stop()
        assert await stuck.receive_some() == b""

    virtually(body)


def test_stopping_closes_both_sides_and_loses_what_is_queued():
    async def body(rig):
        client, server = await rig.pair()
        await server.send_all(b"lost")
        await trio.sleep(1)
        await rig.proxy.stop()
        assert await client.receive_some() == b""
        assert await server.receive_some() == b""

    virtually(body, spec("latency", latency=5000))


@pytest.mark.parametrize("leaver", [0, 1])
def test_both_sides_are_closed_when_one_leaves(leaver):
    async def body(rig):
        ends = await rig.pair()
        await ends[leaver].aclose()
        assert await ends[1 - leaver].receive_some() == b""

    virtually(body)


def test_a_connection_that_ended_is_forgotten():
    async def body(rig):
        for _ in range(3):
            client, server = await rig.pair()
            await client.aclose()
            assert await server.receive_some() == b""
            await server.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert [len(links) for links in rig.proxy._links.values()] == [0, 0]

    virtually(body, spec("latency", latency=50))


def test_stopping_twice_is_stopping_once():
    async def body(rig):
        await rig.proxy.stop()
        await rig.proxy.stop()
        assert not rig.proxy.enabled

    virtually(body)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_changes_live_no_byte_is_lost_or_reordered(seed):
    rng = random.Random(seed)
    data = rng.randbytes(20_000)
    kinds = [spec("latency", latency=20, jitter=9), spec("bandwidth", rate=50), spec("slicer", average_size=99)]

    async def body(rig):
        client, server = await rig.pair()
        rig.nursery.start_soon(server.send_all, data)
        got = b""
        while len(got) < len(data):
            with trio.move_on_after(rng.random() / 20):
                got += await client.receive_some(rng.randrange(1, 3000))
            toxic = rng.choice(kinds)
            if toxic not in rig.proxy.toxics:
                rig.proxy.add_toxic(toxic)
            elif rng.random() < 0.5:
                rig.proxy.update_toxic(toxic)
            else:
                rig.proxy.remove_toxic(toxic)
        assert got == data

    virtually(body)


def test_the_end_comes_through_after_the_last_toxic_was_taken_out():
    """Once a writer that had been started waited for an end that no task told it of."""

    async def body(rig):
        client, server = await rig.pair()
        await client.send_all(b"late")
        assert await server.receive_some() == b"late"
        rig.proxy.remove_toxic(rig.proxy.toxics[0])
        await client.aclose()
        assert await server.receive_some() == b""

    virtually(body, ToxicSpec(name="l", stream="upstream", toxic=toxic_of("latency", {"latency": 100})))


def test_a_client_for_whom_no_file_is_left_is_turned_away_and_the_proxy_lives(caplog, monkeypatch):
    def poor(*_):
        raise OutOfFiles("cannot open a socket (Too many open files): raise `ulimit -n`")

    async def body(rig):
        client = await rig.network.connect(rig.address)
        with monkeypatch.context() as patched:
            patched.setattr(rig.network, "connect", poor)
            assert await client.receive_some() == b""
        _, server = await rig.pair()
        await server.send_all(b"x")

    virtually(body)
    assert "the proxy p turns a client away: cannot open a socket" in caplog.text


def test_all_addresses_of_a_name_are_dialed():
    async def body(rig):
        listener = await rig.network.listen(("::1", 9))
        rig.proxy.upstream = "localhost:9"
        client = await rig.network.connect(rig.address)
        server = await listener.accept()
        await server.send_all(b"x")
        assert await client.receive_some() == b"x"
        await listener.aclose()

    virtually(body)


def test_slices_that_need_not_wait_leave_everybody_else_a_turn(monkeypatch):
    """A chunk cut to bytes that the kernel takes at once: no task waits for more than two rounds of writes."""
    written = []
    turns = [0]

    def swallow(stream, data):
        written.append(len(data))
        return len(data)

    async def body(rig):
        _, server = await rig.pair()
        await server.send_all(bytes(BUFFER))
        monkeypatch.setattr(MemoryStream, "send_now", swallow)
        while sum(written) < BUFFER:
            await trio.lowlevel.checkpoint()
            turns.append(sum(written))

    virtually(body, spec("slicer", average_size=1))
    assert max(written) == 1
    assert max(later - earlier for earlier, later in itertools.pairwise(turns)) <= 2 * PIECES
