"""The phone records what its task reads of a connection as it reads, and its leaving as it leaves."""

import contextlib
import random

import pytest
import trio

from harness.device import Radio, Reach
from harness.history import Chunk, Conn, ConnEnd, Read
from tests.network.rig import read, rig, simulated, until

LTE = {"wifi": Radio(handshake=0.21, wake=0.9, wake_after=10.0)}


def at(r, t_ns):
    return round((t_ns - r.zero) / 1e9, 6) if t_ns else 0


def reads(r, conn=0):
    cid = r.of(Conn)[conn].cid
    return [(at(r, one.t_ns), one.upto) for one in r.of(Read) if one.cid == cid and not one.end]


def met(r):
    """Return what end each connection had for the client, how far it had been read, and when."""
    return [(one.end, one.upto, at(r, one.t_ns)) for one in r.of(Read) if one.end]


def ends(r):
    """Each end of a client's side: how, when, and when it had left."""
    return [(one.how, at(r, one.t_ns), at(r, one.left_ns)) for one in r.of(ConnEnd) if one.side == "client"]


async def drain(stream, most=None):
    """Read until the end, each time so many bytes at most; how much had come by when."""
    total, seen = 0, []
    while data := await stream.receive_some(most):
        total += len(data)
        seen.append((round(trio.current_time(), 6), total))
    return seen


async def ended(stream):
    """Read until the end, whatever it is."""
    with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        await drain(stream)


@simulated
async def test_each_read_says_how_far_it_came(r):
    client, server = await r.dial()
    assert reads(r) == [(0.0, 1)]
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def write():
            for instant, size in ((1.0, 100), (1.5, 3), (4.0, 70_000)):
                await trio.sleep_until(instant)
                await server.send_all(bytes(size))
            server.finish()

        seen = await drain(client)
    assert reads(r)[1:] == [(when, upto + 1) for when, upto in seen]
    assert reads(r)[-1] == (4.0, 70_104)


@simulated
async def test_reads_of_seven_bytes(r):
    client, server = await r.dial()
    await server.send_all(bytes(100))
    server.finish()
    await trio.sleep_until(1.0)
    await drain(client, 7)
    assert reads(r)[1:] == [(1.0, min(upto, 101)) for upto in range(8, 108, 7)]


@simulated
async def test_nothing_is_read_that_was_not_delivered_before(r):
    dice = random.Random(5)
    client, server = await r.dial()
    other, its_server = await r.dial()
    async with trio.open_nursery() as nursery:
        for stream, size in ((client, 7), (other, None)):
            nursery.start_soon(drain, stream, size)
        for _ in range(200):
            await trio.sleep(dice.choice([0.0, 0.01, 1.0]))
            await dice.choice([server, its_server]).send_all(bytes(dice.randint(1, 90)))
        server.finish()
        its_server.finish()
    delivered, upto = {}, {}
    for one in r.records:
        if isinstance(one, Chunk) and one.direction == "downstream":
            delivered[one.cid] = one.offset + one.length
        elif isinstance(one, Read) and not one.end:
            assert upto.get(one.cid, 0) < one.upto <= delivered[one.cid]
            upto[one.cid] = one.upto
    assert upto == delivered
    assert len(upto) == 2


@simulated
async def test_what_a_lost_path_takes_with_it_was_not_read(r):
    client, server = await r.dial()
    await server.send_all(bytes(100))
    await trio.sleep_until(1.0)
    await client.receive_some(40)
    await r.gate.loses("wifi")
    with pytest.raises(trio.BrokenResourceError):
        await client.receive_some(40)
    assert reads(r) == [(0.0, 1), (1.0, 41)]
    assert sum(one.length for one in r.of(Chunk) if one.direction == "downstream") == 101


@simulated
async def test_a_loss_comes_before_the_read_that_it_takes(r):
    client, server = await r.dial()
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def wait():
            with pytest.raises(trio.BrokenResourceError):
                await drain(client)

        await trio.sleep_until(1.0)
        await server.send_all(bytes(100))  # the reader is woken, but has not run yet
        r.gate.phone.lose("wifi")
    assert reads(r) == [(0.0, 1)]


@simulated
async def test_what_comes_while_the_phone_sleeps_is_never_read(r):
    client, server = await r.dial()
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def wait():
            with pytest.raises(trio.BrokenResourceError):
                await drain(client)

        await trio.sleep_until(1.0)
        await server.send_all(bytes(100))
        await trio.sleep_until(2.0)
        await server.send_all(bytes(100))
        await r.gate.suspend(45.0)
    assert reads(r) == [(0.0, 1), (1.0, 101)]


@simulated
async def test_the_end_that_the_client_met_is_recorded_once(r):
    for instant, word in ((1.0, Reach.CLOSED), (2.0, Reach.RESET)):
        client, _ = await r.dial()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ended, client)
            await trio.sleep_until(instant)
            await r.gate.reach("wifi", word)
            await r.gate.reach("wifi", Reach.UP)
        await ended(client)
    client, server = await r.dial()
    await server.send_all(bytes(100))
    server.finish()
    await trio.sleep_until(3.0)
    await ended(client)
    client, _ = await r.dial()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ended, client)
        await trio.sleep_until(4.0)
        await r.gate.loses("wifi")
    assert met(r) == [("fin", 1, 1.0), ("rst", 1, 2.0), ("fin", 101, 3.0), ("lost", 1, 4.0)]


@simulated
async def test_a_client_that_waits_no_longer_has_met_no_end(r):
    client, server = await r.dial()
    for instant in (1.0, 2.0):
        with trio.move_on_at(instant):
            await client.receive_some()
    await server.send_all(bytes(100))
    await trio.sleep_until(3.0)
    await client.receive_some()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ended, client)
        await trio.sleep_until(4.0)
        await client.aclose()
    assert met(r) == [("given up", 1, 1.0), ("given up", 1, 2.0), ("given up", 101, 4.0)]


@simulated
async def test_a_sleeping_client_meets_the_end_of_its_connection_as_it_wakes(r):
    client, _ = await r.dial()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ended, client)
        await trio.sleep_until(1.0)
        await r.gate.suspend(45.0)
    assert met(r) == [("lost", 1, 46.0)]


@simulated
async def test_of_a_connection_that_the_gate_has_not_met_nothing_is_told(r):
    client, _ = await r.dial()
    cid = client._connection.cid
    for known in (0, cid):  # 0, as it is until the gate has met it
        client._connection.cid = known
        with trio.CancelScope() as scope:
            scope.cancel()
            await client.receive_some()
    assert [(one.cid, one.no, one.end) for one in r.of(Read)] == [(cid, 1, ""), (cid, 2, "given up")]


@simulated
async def test_the_canary_reads_for_itself(r):
    canary = await r.gate.dial("wifi")
    await (await r.accepted()).send_all(b"!")
    await read(canary, 1)
    assert not r.of(Read)


@simulated(radios=LTE)
async def test_a_client_that_leaves_while_its_bytes_wait_left_then(r):
    client, server = await r.dial()
    await trio.sleep_until(20.0)
    await client.send_all(b"goodbye")
    await trio.sleep_until(20.25)
    await client.aclose()
    await trio.sleep_until(30.0)
    await server.aclose()
    await trio.sleep_until(40.0)
    assert ends(r) == [("fin", 20.9, 20.25)]
    assert [(one.side, one.left_ns > 0) for one in r.of(ConnEnd)] == [("client", True), ("server", False)]


@simulated(radios=LTE)
async def test_a_client_that_resets_or_says_fin_left_then(r):
    clients = [(await r.dial())[0] for _ in range(3)]
    await trio.sleep_until(20.0)
    for client in clients:
        await client.send_all(b"goodbye")
    await trio.sleep_until(20.25)
    resets, finishes, says_eof = clients
    resets.reset()
    finishes.finish()
    await says_eof.send_eof()
    await trio.sleep_until(20.5)
    for client in clients:
        await client.aclose()
    await trio.sleep_until(30.0)
    assert sorted(ends(r)) == [("fin", 20.9, 20.25), ("fin", 20.9, 20.25), ("rst", 20.9, 20.25)]


@simulated(radios=LTE)
async def test_a_client_that_had_left_when_the_network_ended_it_left_before(r):
    client, _ = await r.dial()
    await trio.sleep_until(20.0)
    await client.send_all(b"goodbye")
    await trio.sleep_until(20.25)
    await client.aclose()
    await trio.sleep_until(20.5)
    await r.gate.reach("wifi", Reach.RESET)
    assert ends(r) == [("closed", 20.5, 20.25)]


@simulated(radios=LTE)
async def test_an_end_that_the_gate_learns_of_at_once_has_one_time(r):
    client, _ = await r.dial()
    other, _ = await r.dial()
    await trio.sleep_until(2.0)
    await client.aclose()
    await trio.sleep_until(3.0)
    await r.gate.loses("wifi")
    other.close()
    await trio.sleep_until(4.0)
    assert ends(r) == [("fin", 2.0, 0), ("closed", 3.0, 0)]


@simulated(radios=LTE)
async def test_a_dial_given_up_after_it_was_let_in_left_then(r):
    async with trio.open_nursery() as nursery:
        await r.gate.suspend(45.0)
        await r.gate.reach("wifi", Reach.SILENT)
        await trio.sleep_until(45.5)
        nursery.start_soon(r.connect)
        await trio.sleep_until(46.0)
        await r.gate.suspend(45.0)
        await r.gate.reach("wifi", Reach.UP)
        await trio.sleep_until(60.0)
        nursery.cancel_scope.cancel()
    await trio.sleep_until(70.0)
    assert ends(r) == [("rst", 60.0, 0)]


async def test_reads_and_ends_of_real_sockets(tmp_path):
    async with rig(tmp_path) as r:
        client, server = await r.dial()
        await server.send_all(bytes(100))
        assert len(await read(client, 60)) == 60
        await until(lambda: sum(one.length for one in r.of(Chunk) if one.direction == "downstream") == 101)
        assert reads(r)[-1][1] == 61
        await r.gate.loses("wifi")
        with pytest.raises(trio.BrokenResourceError):
            await client.receive_some()
        await r.gate.joins("wifi")
        other, _ = await r.dial()
        await other.aclose()
        await until(lambda: len(r.of(ConnEnd)) == 2)
        assert [upto for _, upto in reads(r)][-1] == 61
        assert [upto for _, upto in reads(r, 1)] == [1]
        lost, left = r.of(ConnEnd)
        assert (lost.how, left.how) == ("closed", "fin")
        assert 0 < left.left_ns < left.t_ns
