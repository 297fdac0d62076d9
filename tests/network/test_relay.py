"""The effect of each word on open flows, on real sockets."""

import errno
import math
from functools import partial

import pytest
import trio

from harness.device import Reach
from harness.history import Chunk, Conn, ConnEnd, EndPassed
from harness.network import link
from harness.seams import Direction
from tests.network.rig import errno_of, read, rig, until
from tests.network.tcp_table import ESTABLISHED, tcp_rows


def total(r, fate, direction=Direction.DOWNSTREAM):
    return sum(chunk.length for chunk in r.of(Chunk) if (chunk.fate, chunk.direction) == (fate, direction))


def ends(r):
    return [(end.side, end.how, end.swallowed) for end in r.of(ConnEnd)]


async def test_flow_is_relayed_and_recorded(tmp_path):
    async with rig(tmp_path) as r:
        client, _ = await r.dial()
        conn = r.of(Conn)[0]
        assert (conn.client, conn.path, conn.peer) == ("c1", "wifi", f"127.0.0.1:{client.local[1]}")
        assert [(c.cid, c.direction, c.offset, c.length, c.fate) for c in r.of(Chunk)] == [
            (conn.seq, "upstream", 0, 1, "delivered"),
            (conn.seq, "downstream", 0, 1, "delivered"),
        ]


async def test_half_closed_flow_carries_on_the_other_way(tmp_path):
    async with rig(tmp_path) as r:
        client, server = await r.dial()
        await client.send_eof()
        assert await server.receive_some() == b""
        await server.send_all(b"answer")
        await server.send_eof()
        assert await read(client, 7) == b"answer"
        await until(lambda: not r.gate.flows())
        assert ends(r) == [("client", "fin", False), ("server", "fin", False)]


async def test_nothing_begins_in_a_flow_that_is_over(tmp_path):
    """A box may be told something at any moment: its flow has no task left to do it."""
    begun = []

    async def work():
        begun.append(await trio.lowlevel.checkpoint())

    async with rig(tmp_path) as r:
        client, server = await r.dial()
        (flow,) = r.gate._flows.values()
        flow.carry(work)
        await until(lambda: len(begun) == 1)
        await client.send_eof()
        await server.send_eof()
        await until(lambda: not r.gate.flows())
        flow.carry(work)
        await trio.testing.wait_all_tasks_blocked()
    assert begun == [None]


@pytest.mark.parametrize("from_client", [True, False])
async def test_rst_of_an_end_is_rst_at_the_other(tmp_path, from_client):
    async with rig(tmp_path) as r:
        client, server = await r.dial()
        (client if from_client else server).reset()
        with pytest.raises(trio.BrokenResourceError) as caught:
            await (server if from_client else client).receive_some()
        assert errno_of(caught.value) == errno.ECONNRESET
        await until(lambda: not r.gate.flows())
        near, far = ("client", "server") if from_client else ("server", "client")
        assert ends(r) == [(near, "rst", False), (far, "closed", False)]


async def test_stalled_bytes_wait_and_arrive_in_one_ordered_burst(tmp_path):
    async with rig(tmp_path) as r:
        client, server = await r.dial()
        await r.gate.reach("wifi", Reach.STALLED)
        for number in range(50):
            await server.send_all(b"%02d" % number)
        await until(lambda: total(r, "held") == 100)
        assert total(r, "delivered") == 1
        await r.gate.reach("wifi", Reach.UP)
        assert await read(client, 100) == b"".join(b"%02d" % number for number in range(50))
        assert total(r, "delivered") == 101
        await server.send_all(b"after")
        assert await read(client, 5) == b"after"


async def test_stall_that_ends_and_begins_again_keeps_order(tmp_path):
    async with rig(tmp_path) as r:
        client, server = await r.dial()
        for number in range(20):
            await r.gate.reach("wifi", Reach.STALLED if number % 2 else Reach.UP)
            await server.send_all(b"%02d" % number)
        await r.gate.reach("wifi", Reach.UP)
        assert await read(client, 40) == b"".join(b"%02d" % number for number in range(20))


async def test_fin_waits_behind_what_is_stalled(tmp_path):
    async with rig(tmp_path) as r:
        client, server = await r.dial()
        await r.gate.reach("wifi", Reach.STALLED)
        await server.send_all(b"last words")
        await server.send_eof()
        await until(lambda: ("server", "fin", False) in ends(r))
        assert [end.held for end in r.of(ConnEnd)] == [True]
        assert r.of(EndPassed) == []
        await r.gate.reach("wifi", Reach.UP)
        assert await read(client, 11) == b"last words"
        assert [(passed.side, passed.how) for passed in r.of(EndPassed)] == [("server", "fin")]


async def test_full_buffer_of_a_stall_is_back_pressure_and_silence_lifts_it(tmp_path, monkeypatch):
    monkeypatch.setattr(link, "HELD_LIMIT", 100_000)
    async with rig(tmp_path) as r, trio.open_nursery() as nursery:
        _, server = await r.dial()
        await r.gate.reach("wifi", Reach.STALLED)
        size = 20_000_000
        nursery.start_soon(server.send_all, bytes(size))
        await until(lambda: total(r, "held") > 100_000)
        held = total(r, "held")
        await trio.sleep(0.05)
        assert held == total(r, "held") <= 100_000 + link.CHUNK
        await r.gate.reach("wifi", Reach.SILENT)
        await until(lambda: total(r, "dropped") == size)


async def test_burst_larger_than_the_limit_arrives_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(link, "HELD_LIMIT", 100_000)
    async with rig(tmp_path) as r, trio.open_nursery() as nursery:
        client, server = await r.dial()
        await r.gate.reach("wifi", Reach.STALLED)
        whole = bytes(range(256)) * 8_000
        nursery.start_soon(server.send_all, whole)
        await until(lambda: total(r, "held") > 100_000)
        await r.gate.reach("wifi", Reach.UP)
        assert await read(client, len(whole)) == whole


async def test_silence_swallows_bytes_and_stays_dead_after_up(tmp_path):
    async with rig(tmp_path) as r:
        client, server = await r.dial()
        await r.gate.reach("wifi", Reach.SILENT)
        await server.send_all(b"gone")
        await until(lambda: total(r, "dropped") == 4)
        await r.gate.reach("wifi", Reach.UP)
        await server.send_all(b"too late")
        await until(lambda: total(r, "dropped") == 12)
        await client.send_all(b"alive upstream")
        assert await read(server, 14) == b"alive upstream"
        assert total(r, "delivered") == 1
        fresh, other = await r.dial()
        assert fresh.local != client.local
        assert other.local == server.local


async def test_silence_goes_on_reading(tmp_path):
    """A server that is not read blocks; and so would whatever stands between it and the gate."""
    async with rig(tmp_path) as r:
        _, server = await r.dial()
        await r.gate.reach("wifi", Reach.SILENT)
        await server.send_all(bytes(20_000_000))
        await until(lambda: total(r, "dropped") == 20_000_000)


async def test_silence_unblocks_a_relay_whose_client_does_not_read(tmp_path):
    async with rig(tmp_path) as r, trio.open_nursery() as nursery:
        _, server = await r.dial()
        nursery.start_soon(server.send_all, bytes(40_000_000))
        with trio.move_on_after(0.3):
            await until(lambda: not nursery.child_tasks)
        assert nursery.child_tasks, "the kernel buffered it all: nothing was blocked"
        await r.gate.reach("wifi", Reach.SILENT)
        await until(lambda: not nursery.child_tasks)


async def test_half_open_is_real(tmp_path):
    """The client is gone; the server's socket stays ESTABLISHED, and takes writes, and hears neither FIN nor RST."""
    async with rig(tmp_path) as r, trio.open_nursery() as nursery:
        client, server = await r.dial()
        await r.gate.reach("wifi", Reach.SILENT)
        heard = []

        @nursery.start_soon
        async def listen():
            heard.append(await server.receive_some())

        await client.aclose()
        await until(lambda: ends(r) == [("client", "fin", True)])
        for _ in range(20):
            await server.send_all(b"event")
        await until(lambda: total(r, "dropped") == 100)
        await r.gate.reach("wifi", Reach.UP)
        await server.send_all(b"event")
        await until(lambda: total(r, "dropped") == 105)
        row = next(row for row in tcp_rows() if (row.local, row.remote) == (server.local, server.peer))
        assert (row.state, heard) == (ESTABLISHED, [])
        nursery.cancel_scope.cancel()


async def test_client_never_learns_of_a_server_that_ended_in_silence(tmp_path):
    async with rig(tmp_path) as r:
        client, server = await r.dial()
        await r.gate.reach("wifi", Reach.SILENT)
        await server.aclose()
        await until(lambda: ends(r) == [("server", "fin", True)])
        await r.gate.reach("wifi", Reach.UP)
        with trio.move_on_after(0.05) as timeout:
            await client.receive_some()
        assert timeout.cancelled_caught


async def test_downstream_only_leaves_the_upstream(tmp_path):
    async with rig(tmp_path) as r:
        client, server = await r.dial()
        back = await r.gate.reach("wifi", Reach.STALLED, direction=Direction.DOWNSTREAM)
        assert (back["upstream"], back["downstream"], back["door"]) == ("pass", "hold", "hang")
        await client.send_all(b"up")
        assert await read(server, 2) == b"up"
        await server.send_all(b"down")
        await until(lambda: total(r, "held") == 4)
        await client.aclose()
        assert await server.receive_some() == b""


async def test_closed_is_fin_at_both_ends_after_what_waits(tmp_path):
    async with rig(tmp_path) as r:
        client, server = await r.dial()
        await r.gate.reach("wifi", Reach.STALLED)
        await server.send_all(b"waits")
        await until(lambda: total(r, "held") == 5)
        await r.gate.reach("wifi", Reach.CLOSED)
        assert await read(client, 6) == b"waits"
        assert await server.receive_some() == b""
        assert ends(r) == [("server", "closed", False), ("client", "closed", False)]


async def test_closed_sends_fin_though_the_client_goes_on_sending(tmp_path):
    """Closing a socket with unread bytes would be RST."""
    async with rig(tmp_path) as r:
        client, _ = await r.dial()
        await r.gate.reach("wifi", Reach.CLOSED, once=True)
        await client.send_all(b"unread" * 1000)
        assert await client.receive_some() == b""
        await client.send_all(b"still no RST")


async def test_reset_is_rst_at_both_ends(tmp_path):
    async with rig(tmp_path) as r:
        for end in await r.dial_then(Reach.RESET):
            with pytest.raises(trio.BrokenResourceError) as caught:
                await end.receive_some()
            assert errno_of(caught.value) == errno.ECONNRESET
        await until(lambda: not r.gate.flows())


@pytest.mark.parametrize("word", [Reach.CLOSED, Reach.RESET])
async def test_once_ends_flows_and_lets_the_next_dial_in(tmp_path, word):
    async with rig(tmp_path) as r:
        await r.dial()
        back = await r.gate.reach("wifi", word, once=True)
        assert (back["word"], back["door"]) == ("up", "open")
        await r.dial()


@pytest.mark.parametrize("word", [Reach.REFUSED, Reach.UNREACHABLE])
async def test_words_of_dials_leave_open_flows(tmp_path, word):
    async with rig(tmp_path) as r:
        client, server = await r.dial()
        await r.gate.reach("wifi", word)
        await server.send_all(b"on it goes")
        assert await read(client, 10) == b"on it goes"


async def test_server_that_refuses_is_rst_at_the_client(tmp_path):
    async with rig(tmp_path) as r:
        await r.server.aclose()
        client = await r.connect()
        with pytest.raises(trio.BrokenResourceError):
            await client.receive_some()
        await until(lambda: not r.gate.flows())
        assert ends(r) == [("server", "rst", False), ("client", "closed", False)]


async def test_stage_sees_what_the_client_sent_and_what_it_got(tmp_path):
    seen: list[object] = []

    class Ear:
        deadline = math.inf
        parted = partial(seen.append, "parted")

        def __init__(self, cid, client, path):
            seen.append(("new", client, path))

        def attach(self, flow_control):
            seen.append("attached")

        def hears(self, data):
            seen.append(("hears", data))

        def to_server(self, data):
            seen.append(("to server", data))
            return data

        def rest(self):
            return b""

        def to_client(self, data):
            seen.append(("to client", data))
            return data

        def delivered(self, upto, t_ns):
            seen.append(("delivered", upto))

        def lost(self, offset):
            seen.append(("lost", offset))

        def over(self, how):
            seen.append(("over", how))

        def leaves(self, side, how):
            return True

        def ended(self):
            seen.append("ended")

    async with rig(tmp_path, stage=Ear) as r:
        client, server = await r.dial()
        await r.gate.reach("wifi", Reach.SILENT)
        await client.send_all(b"lost request")
        await server.send_all(b"lost answer")
        await until(lambda: total(r, "dropped") == 11 and total(r, "dropped", Direction.UPSTREAM) == 12)
    assert seen[:2] == [("new", "c1", "wifi"), "attached"]
    assert [fact for fact in seen if fact[0] in {"hears", "to server"}] == [
        ("hears", b"?"),
        ("to server", b"?"),
        ("hears", b"lost request"),
    ]
    assert [fact for fact in seen if fact[0] in {"to client", "delivered", "lost"}] == [
        ("to client", b"!"),
        ("delivered", 1),
        ("to client", b"lost answer"),
        ("lost", 1),
    ]
    assert seen[-2:] == ["parted", "ended"]
