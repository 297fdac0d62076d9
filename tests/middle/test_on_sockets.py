"""The middle in the gate's flows, on real sockets: ends, order, pressure, and that nothing is left behind."""

import contextlib
import hashlib
import itertools
import math
import random
from contextlib import asynccontextmanager

import pytest
import trio

from harness.deeds.acts import Answers, Buffers, KillsIdle, MutesStreams, ResetsStreams, ShowsPortal
from harness.device import Reach
from harness.errors import UsageError
from harness.history import Boxed, Chunk, ConnEnd, Response
from harness.middle import Middle
from harness.seams import Direction
from tests.leaks import census
from tests.middle.bench import END, OPENED, POLL, SHOWN, START, STREAM, chunk, event, marked
from tests.network.rig import errno_of, read, rig, until


@asynccontextmanager
async def boxed_rig(tmp_path, **options):
    """A gate whose flows go through a middle, which the rig carries as ``middle``."""

    def stage(cid, client, path):
        return r.middle.stage(cid, client, path)

    async with rig(tmp_path, stage=stage, **options) as r:
        r.middle = Middle(wall_clock=lambda: 0.0, journal=r.gate._journal, next_rid=itertools.count(1).__next__)
        yield r


async def open_stream(r, rid=1):
    """Both ends of a flow on which a stream is under way."""
    client = await r.connect()
    await client.send_all(STREAM)
    server = await r.accepted()
    stream = marked(STREAM, rid)
    assert await read(server, len(stream)) == stream
    await server.send_all(OPENED)
    assert await read(client, len(OPENED)) == OPENED
    return client, server


def ends(r):
    return {(end.side, end.how) for end in r.of(ConnEnd)}


async def test_transparent_stream_is_the_same_bytes_under_random_chunking(tmp_path):
    chance = random.Random(7)
    wire = b"".join(chunk(event(number, "y" * chance.randrange(2000))) for number in range(300)) + END
    async with boxed_rig(tmp_path) as r, trio.open_nursery() as nursery:
        client, server = await open_stream(r)

        @nursery.start_soon
        async def send():
            at = 0
            while at < len(wire):
                size = chance.randrange(1, 5000)
                await server.send_all(wire[at : at + size])
                at += size

        got = await read(client, len(wire))
    assert hashlib.sha256(got).digest() == hashlib.sha256(wire).digest()


async def test_keep_alive_carries_answers_of_both(tmp_path):
    async with boxed_rig(tmp_path) as r:
        client = await r.connect()
        r.middle.do(0, Answers(status=429, to="polls", times=2))
        for status in (b"429", b"429"):
            await client.send_all(POLL)
            assert (await client.receive_some()).startswith(b"HTTP/1.1 " + status)
        await client.send_all(POLL)
        server = await r.accepted()
        poll = marked(POLL, 3)
        assert await read(server, len(poll)) == poll
        await server.send_all(SHOWN)
        assert await read(client, len(SHOWN)) == SHOWN
        assert [(answer.status, answer.by) for answer in r.of(Response)] == [(429, "middle")] * 2 + [(200, "")]


async def test_half_a_head_reaches_the_server_with_the_clients_end(tmp_path):
    async with boxed_rig(tmp_path) as r:
        client = await r.connect()
        await client.send_all(POLL[:20])
        await client.aclose()
        assert await read(await r.accepted(), 1 << 10) == POLL[:20]


async def test_portal_answers_a_post_and_the_server_hears_nothing(tmp_path):
    async with boxed_rig(tmp_path) as r:
        r.middle.do(0, ShowsPortal())
        client = await r.connect()
        await client.send_all(START)
        assert b"text/html" in await client.receive_some()
        server = await r.accepted()
        with trio.move_on_after(0.05) as timeout:
            await server.receive_some()
        assert timeout.cancelled_caught


async def test_answer_that_closes_is_fin_at_both_ends(tmp_path):
    async with boxed_rig(tmp_path) as r:
        r.middle.do(0, Answers(status=503))
        client = await r.connect()
        await client.send_all(POLL.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        data = b""
        while more := await client.receive_some():
            data += more
        assert data.startswith(b"HTTP/1.1 503 ")
        assert await (await r.accepted()).receive_some() == b""
        await until(lambda: ends(r) == {("client", "closed"), ("server", "closed")})


async def test_answer_meets_the_radio(tmp_path):
    async with boxed_rig(tmp_path) as r:
        r.middle.do(0, Answers(status=503))
        client = await r.connect()
        await r.accepted()
        await r.gate.reach("wifi", Reach.STALLED, direction=Direction.DOWNSTREAM)
        await client.send_all(POLL)
        await until(lambda: [chunk.fate for chunk in r.of(Chunk)][-1:] == ["held"])
        assert not r.of(Response)
        await r.gate.reach("wifi", Reach.UP)
        assert (await client.receive_some()).startswith(b"HTTP/1.1 503 ")
        assert len(r.of(Response)) == 1


async def test_muted_server_is_not_blocked_and_the_client_is_not_told(tmp_path):
    async with boxed_rig(tmp_path) as r:
        r.middle.do(0, MutesStreams())
        client, server = await open_stream(r)
        await server.send_all(chunk(bytes(20_000_000)))
        await server.send_eof()
        await until(lambda: ("server", "fin") in ends(r))
        with trio.move_on_after(0.05) as timeout:
            await client.receive_some()
        assert timeout.cancelled_caught
        await client.aclose()
        await until(lambda: not r.gate.flows())


async def test_stream_is_reset_behind_its_head(tmp_path):
    async with boxed_rig(tmp_path) as r:
        r.middle.do(0, ResetsStreams())
        client, server = await open_stream(r)
        with pytest.raises(trio.BrokenResourceError) as caught:
            await client.receive_some()
        assert isinstance(caught.value.__cause__, ConnectionResetError), errno_of(caught.value)
        assert await server.receive_some() == b""
        assert ends(r) == {("client", "closed"), ("server", "closed")}


async def test_slow_client_under_buffers_gets_everything_and_the_sender_waits(tmp_path):
    async with boxed_rig(tmp_path) as r, trio.open_nursery() as nursery:
        r.middle.do(0, Buffers(size=2_000_000))
        client, server = await open_stream(r)
        wire = b"".join(chunk(bytes([number]) * 100_000) for number in range(200)) + END
        nursery.start_soon(server.send_all, wire)
        await until(lambda: sum(chunk.length for chunk in r.of(Chunk)) > 2_000_000)
        await trio.sleep(0.05)
        assert nursery.child_tasks, "a client that does not read holds its sender back"
        assert hashlib.sha256(await read(client, len(wire))).digest() == hashlib.sha256(wire).digest()


async def test_buffer_of_seconds_is_let_go_by_the_clock(tmp_path):
    async with boxed_rig(tmp_path) as r:
        r.middle.do(0, Buffers(seconds=0.1))
        client, server = await open_stream(r)
        await server.send_all(chunk(event(1)))
        began = trio.current_time()
        assert await read(client, len(chunk(event(1)))) == chunk(event(1))
        assert trio.current_time() - began > 0.09


async def test_buffered_stream_that_ends_by_fin_arrives_whole(tmp_path):
    async with boxed_rig(tmp_path) as r:
        r.middle.do(0, Buffers(each_event=True))
        client, server = await open_stream(r)
        await server.send_all(chunk(event(1)))
        await server.aclose()
        assert await read(client, 1 << 20) == chunk(event(1))


@pytest.mark.parametrize("how", ["fin", "524"])
async def test_idle_connection_is_closed_at_both_ends(tmp_path, how):
    async with boxed_rig(tmp_path) as r:
        client, server = await open_stream(r)
        r.middle.do(0, KillsIdle(after=0.05, how=how))
        assert await client.receive_some() == await server.receive_some() == b""
        assert [box.what for box in r.of(Boxed)] == ["killed"]


@pytest.mark.parametrize("how", ["fin", "524"])
async def test_what_a_stall_held_of_the_client_s_bytes_does_not_outlive_a_killed_flow(tmp_path, how):
    async with boxed_rig(tmp_path) as r:
        client, server = await open_stream(r)
        await r.gate.reach("wifi", Reach.STALLED)
        await client.send_all(POLL)
        await until(lambda: r.of(Chunk)[-1].fate == "held")
        r.middle.do(0, KillsIdle(after=0.01, how=how))
        assert await server.receive_some() == b""
        await client.send_all(POLL)
        await until(lambda: len([one for one in r.of(Chunk) if one.fate == "dropped"]) == 2)
        await r.gate.reach("wifi", Reach.UP)
        assert await read(client, 1) == b""
        upstream = [(one.fate, one.offset) for one in r.of(Chunk) if one.direction == "upstream"]
    sent = len(STREAM)
    assert upstream == [("delivered", 0), ("held", sent), ("dropped", sent), ("dropped", sent + len(POLL))]


async def test_idle_request_is_answered_by_the_box(tmp_path):
    async with boxed_rig(tmp_path) as r:
        r.middle.do(0, KillsIdle(after=0.05, how="524"))
        client = await r.connect()
        await client.send_all(POLL)
        assert (await read(client, 1 << 16)).startswith(b"HTTP/1.1 524 ")


async def test_idle_connection_killed_silently_swallows_both_ways(tmp_path):
    async with boxed_rig(tmp_path) as r:
        client, server = await open_stream(r)
        r.middle.do(0, KillsIdle(after=0.05, how="silently"))
        await until(lambda: r.of(Boxed))
        await server.send_all(chunk(event(1)))
        await client.send_all(POLL)
        await client.aclose()
        await until(lambda: ("client", "fin") in ends(r))
        with trio.move_on_after(0.05) as timeout:
            await server.receive_some()
        assert timeout.cancelled_caught
        assert all(end.swallowed for end in r.of(ConnEnd))


async def test_later_act_with_less_patience_is_heeded(tmp_path):
    async with boxed_rig(tmp_path) as r:
        r.middle.do(0, KillsIdle(after=1000.0))
        client, _ = await open_stream(r)
        r.middle.do(1, KillsIdle(after=0.05))
        assert await client.receive_some() == b""


async def test_what_is_no_http_passes_untouched(tmp_path):
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 9
    async with boxed_rig(tmp_path) as r:
        r.middle.do(0, ShowsPortal())
        r.middle.do(1, MutesStreams())
        client = await r.connect()
        await client.send_all(hello)
        server = await r.accepted()
        assert await read(server, len(hello)) == hello
        await server.send_all(hello)
        assert await read(client, len(hello)) == hello


async def test_clearing_one_path_leaves_the_other(tmp_path):
    async with boxed_rig(tmp_path) as r:
        assert r.middle.do(0, ShowsPortal()) == {"in force": "shows portal"}
        assert r.middle.do(1, Answers(status=503, to="polls"), "cellular", actor="server")
        assert r.middle.clear("wifi") == {
            "in force": "shows portal but wifi, answers 503 to polls on cellular",
        }
        assert not r.middle.in_force("wifi")
        assert len(r.middle.in_force("cellular")) == 2
        assert r.middle.clear() == {"in force": "answers 503 to polls on cellular"}
        assert r.middle.clear(actor="server") == {"in force": "nothing"}


@pytest.mark.parametrize(
    "act",
    [
        Answers(status=101),
        Answers(status=503, to="friends"),
        Answers(status=503, times=0),
        Buffers(),
        Buffers(size=1, seconds=1.0),
        Buffers(size=1_000_000_000),
        KillsIdle(after=0.0),
        KillsIdle(after=1.0, how="loudly"),
    ],
)
async def test_act_that_no_box_can_do_is_refused(tmp_path, act):
    async with boxed_rig(tmp_path) as r:
        with pytest.raises(UsageError):
            r.middle.do(0, act)
        assert r.middle.readback() == {"in force": "nothing"}


ACTS = [
    None,
    Answers(status=503),
    ShowsPortal(),
    MutesStreams(),
    ResetsStreams(),
    Buffers(seconds=1000.0),
    KillsIdle(after=1000.0),
    KillsIdle(after=0.001, how="silently"),
]


@pytest.mark.parametrize("act", ACTS)
async def test_closing_under_any_act_leaves_nothing(tmp_path, act):
    before = census()
    async with boxed_rig(tmp_path) as r:
        if act is not None:
            r.middle.do(0, act)
        client = await r.connect()
        server = await r.accepted()
        await client.send_all(STREAM)
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError), trio.move_on_after(0.05):
            await server.receive_some()
            await server.send_all(OPENED + chunk(event(1)))
            await client.receive_some()
        middle = r.middle
    assert before == census()
    assert not middle._stages


async def test_flow_that_ends_leaves_no_clock_running(tmp_path):
    async with boxed_rig(tmp_path) as r:
        r.middle.do(0, KillsIdle(after=1000.0))
        client, server = await open_stream(r)
        assert r.middle.stage(99, "c1", "wifi").deadline < math.inf
        await client.aclose()
        await server.aclose()
        await until(lambda: not r.gate.flows())
