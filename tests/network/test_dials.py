"""Each dial of a phone leaves a record, however it ends, and before its caller can act on that."""

import errno
import os

import pytest
import trio

from harness.device import Reach
from harness.errors import EnvironmentFault, OutOfFiles
from harness.history import Conn, Dial, SignalTold
from tests.network.rig import rig, simulated, until
from tests.network.tcp_table import syn_sent

SECOND = 1_000_000_000


def dials(r):
    """Each dial so far: its path, whether it had a port, from when to when, in seconds, and its fate."""
    return [
        (one.path, one.port > 0, (one.from_ns - r.zero) / SECOND, (one.to_ns - r.zero) / SECOND, one.fate)
        for one in r.of(Dial)
    ]


async def fails(r, error):
    """Dial, and be refused; the record is there when the error is."""
    before = len(r.of(Dial))
    with pytest.raises(error):
        await r.connect()
    assert len(r.of(Dial)) == before + 1


@simulated
async def test_dial_that_is_let_in(r):
    await trio.sleep_until(2.0)
    await r.connect()
    assert dials(r) == [("wifi", True, 2.0, 2.0, "open")]


@simulated
async def test_dial_that_is_let_in_has_the_port_of_its_connection(r):
    client, _ = await r.dial()
    (dial,), (conn,) = r.of(Dial), r.of(Conn)
    assert conn.peer == f"127.0.0.1:{dial.port}" == f"{client.local[0]}:{client.local[1]}"
    assert dial.client == conn.client == "c1"


@simulated
async def test_dial_that_is_refused(r):
    await r.gate.reach("wifi", Reach.REFUSED)
    await fails(r, ConnectionRefusedError)
    assert dials(r) == [("wifi", True, 0.0, 0.0, "refused")]


@simulated
async def test_dial_that_hangs_until_it_is_let_in(r):
    await r.gate.reach("wifi", Reach.SILENT)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(r.connect)
        await trio.sleep_until(1.5)
        assert not dials(r)
        await r.gate.reach("wifi", Reach.UP)
    assert dials(r) == [("wifi", True, 0.0, r.network.syn[1], "open")]


@simulated
async def test_dial_that_hangs_until_the_last_syn(r):
    await r.gate.reach("wifi", Reach.UNREACHABLE)
    await fails(r, TimeoutError)
    assert dials(r) == [("wifi", True, 0.0, r.network.syn[-1], "ETIMEDOUT")]


@simulated
async def test_dial_that_its_client_gives_up(r):
    await r.gate.reach("wifi", Reach.UNREACHABLE)
    with trio.move_on_after(3.25):
        await r.connect()
    assert dials(r) == [("wifi", True, 0.0, 3.25, "given up")]


@simulated
async def test_dial_that_is_lost_with_its_path(r):
    await r.gate.joins("cellular")
    await r.gate.reach("wifi", Reach.UNREACHABLE)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fails, r, ConnectionAbortedError)
        await trio.sleep_until(0.75)
        await r.gate.prefers("cellular")
        await r.gate.loses("wifi")
    assert dials(r) == [("wifi", True, 0.0, 0.75, "lost")]
    assert r.of(Dial)[0].seq > r.of(SignalTold)[-1].seq


@simulated
async def test_dial_that_its_client_gives_up_as_its_path_is_lost(r):
    await r.gate.reach("wifi", Reach.UNREACHABLE)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(r.connect)
        await trio.sleep_until(0.5)
        nursery.cancel_scope.cancel()
        r.gate.phone.lose("wifi")
    assert dials(r) == [("wifi", True, 0.0, 0.5, "given up")]


@simulated
async def test_dial_without_a_path(r):
    await r.gate.goes_offline()
    await fails(r, OSError)
    assert dials(r) == [("", False, 0.0, 0.0, "no path")]


@simulated
async def test_dial_of_a_sleeping_phone_begins_at_its_waking(r):
    await r.gate.suspend(45.0)
    await r.connect()
    assert dials(r) == [("wifi", True, 45.0, 45.0, "open")]


@simulated
async def test_dial_given_up_before_the_waking_never_began(r):
    await r.gate.suspend(45.0)
    with trio.move_on_after(1.0):
        await r.connect()
    assert not dials(r)


@simulated
async def test_dial_under_way_when_the_phone_falls_asleep_is_lost_at_the_waking(r):
    await r.gate.reach("wifi", Reach.STALLED)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fails, r, ConnectionAbortedError)
        await trio.sleep_until(0.5)
        await r.gate.suspend(45.0)
        await r.gate.reach("wifi", Reach.UP)  # it is let in while the phone sleeps and cannot see it
    assert dials(r) == [("wifi", True, 0.0, 45.5, "lost")]


@simulated
async def test_canary_is_no_dial_of_the_phone(r):
    (await r.gate.dial("wifi")).close()
    assert not dials(r)


@simulated
async def test_dial_that_this_machine_cannot_make(r):
    async def connect(*_, **__):
        raise OutOfFiles("cannot open a socket") from OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    r.network.connect = connect
    await fails(r, EnvironmentFault)
    assert dials(r) == [("wifi", False, 0.0, 0.0, "EMFILE")]


async def test_dials_of_real_sockets(tmp_path):
    async with rig(tmp_path) as r:
        await r.dial()
        (conn,) = r.of(Conn)
        await r.gate.reach("wifi", Reach.REFUSED)
        await fails(r, ConnectionRefusedError)
        await r.gate.reach("wifi", Reach.UNREACHABLE)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(r.connect)
            await until(lambda: syn_sent(r.gate.address("wifi")[1]))
            nursery.cancel_scope.cancel()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fails, r, ConnectionAbortedError)
            await until(lambda: syn_sent(r.gate.address("wifi")[1]))
            (port,) = syn_sent(r.gate.address("wifi")[1])
            await r.gate.loses("wifi")
        await fails(r, OSError)
        opened, _, given_up, lost, _ = r.of(Dial)
        assert [(one.path, one.fate) for one in r.of(Dial)] == [
            ("wifi", "open"),
            ("wifi", "refused"),
            ("wifi", "given up"),
            ("wifi", "lost"),
            ("", "no path"),
        ]
        assert conn.peer == f"127.0.0.1:{opened.port}"
        assert (lost.port, given_up.port > 0) == (port, True)
        assert all(one.from_ns < one.to_ns == one.t_ns for one in r.of(Dial))
