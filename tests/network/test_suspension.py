"""A device that sleeps: calls return at its waking, its sockets are dead then, the servers know nothing."""

import pytest
import trio
import trio.testing

from harness.device import Reach
from harness.history import Chunk, ConnEnd, SignalHeard, SignalTold
from tests.network.memory import MemoryNetwork
from tests.network.rig import read, rig, until
from tests.network.tcp_table import syn_sent
from tests.network.test_cost import virtual


async def test_waking_is_a_read_error_at_the_phone_and_nothing_at_the_server(tmp_path):
    async with rig(tmp_path) as r:
        client, server = await r.dial()
        assert (await r.gate.suspend(0.1))["suspended"] == "yes"
        await server.send_all(b"held")
        await until(lambda: r.of(Chunk)[-1].fate == "held")
        with pytest.raises(trio.BrokenResourceError) as caught:
            await client.receive_some()
        assert isinstance(caught.value.__cause__, ConnectionAbortedError)
        assert "suspended" not in r.gate.device_readback()
        await server.send_all(b"to nobody")
        await until(lambda: r.of(Chunk)[-1].fate == "dropped")
        assert [(end.side, end.swallowed) for end in r.of(ConnEnd)] == [("client", True)]
        await r.dial()


async def test_what_the_kernel_has_already_is_not_read_while_asleep(tmp_path):
    async with rig(tmp_path) as r:
        client, server = await r.dial()
        await server.send_all(b"in the kernel")
        await until(lambda: r.of(Chunk)[-1].length == 13)
        await r.gate.suspend(0.1)
        with pytest.raises(trio.BrokenResourceError):
            await client.receive_some()


async def test_dial_on_its_way_fails_at_the_waking(tmp_path):
    async with rig(tmp_path) as r:
        await r.gate.reach("wifi", Reach.UNREACHABLE)
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def dial():
                with pytest.raises(ConnectionAbortedError):
                    await r.connect()

            await until(lambda: syn_sent(r.gate.address("wifi")[1]))
            await r.gate.suspend(0.05)


@virtual
async def test_sleep_that_ends_meanwhile_ends_at_the_waking(r):
    await r.gate.suspend(45.0)
    await r.gate.phone.sleep_until(10.0)
    assert trio.current_time() == pytest.approx(45.0)
    await r.gate.phone.sleep_until(46.0)
    assert trio.current_time() == pytest.approx(46.0)


@virtual
async def test_calls_of_a_sleeping_phone_return_at_its_waking(r):
    client = await r.connect()
    await r.gate.suspend(45.0)
    for call in (lambda: client.send_all(b"?"), client.receive_some):
        with pytest.raises(trio.BrokenResourceError):
            await call()
        assert trio.current_time() == pytest.approx(45.0)


@virtual
async def test_dial_of_a_sleeping_phone_is_made_at_its_waking(r):
    await r.gate.suspend(45.0)
    await r.connect()
    assert trio.current_time() == pytest.approx(45.0)


@virtual
async def test_signals_wait_for_the_waking_and_are_recorded_in_time(r):
    heard = r.gate.phone.signals()
    await r.gate.suspend(45.0)
    await r.gate.joins("cellular")
    assert [told.what for told in r.of(SignalTold)] == ["suspended", "joins"]
    assert [(await heard.receive()).what for _ in range(3)] == ["suspended", "joins", "resumed"]
    assert trio.current_time() == pytest.approx(45.0)
    assert [told.what for told in r.of(SignalTold)] == ["suspended", "joins", "resumed"]


@virtual
async def test_nobody_hears_while_the_phone_sleeps_what_was_told_before(r):
    heard = r.gate.phone.signals()
    await r.gate.joins("cellular")
    await r.gate.suspend(45.0)
    assert (await heard.receive()).what == "joins"
    assert trio.current_time() == pytest.approx(45.0)
    resumed = r.of(SignalTold)[-1]
    assert [heard.what for heard in r.of(SignalHeard) if heard.seq > resumed.seq] == ["joins"]


@virtual
async def test_a_waking_is_recorded_before_the_sockets_that_it_ends(r):
    await r.dial()
    await r.gate.suspend(45.0)
    await r.gate.phone.sleep_until(46.0)
    assert r.of(SignalTold)[-1].what == "resumed"
    assert r.of(SignalTold)[-1].seq < r.of(ConnEnd)[0].seq


@virtual
async def test_longer_sleep_begun_meanwhile_wins(r):
    await r.gate.suspend(10.0)
    await trio.sleep_until(5.0)
    await r.gate.suspend(10.0)
    await r.gate.suspend(1.0)
    await r.gate.phone.sleep_until(6.0)
    assert trio.current_time() == pytest.approx(15.0)
    assert [told.what for told in r.of(SignalTold)] == ["suspended", "resumed"]


def test_closing_a_gate_wakes_whoever_sleeps(tmp_path):
    async def main():
        async with trio.open_nursery() as nursery, rig(tmp_path, network=MemoryNetwork(), timeout=1e6) as r:
            await r.gate.suspend(1000.0)
            nursery.start_soon(r.gate.phone.sleep_until, 1.0)
            await trio.sleep_until(2.0)
        assert trio.current_time() == pytest.approx(2.0)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


@virtual
async def test_canary_sees_silence_then_the_end(r):
    canary = await r.gate.dial("wifi")
    server = await r.accepted()
    await r.gate.suspend(45.0)
    await server.send_all(b"!")
    with pytest.raises((trio.BrokenResourceError, trio.ClosedResourceError, AssertionError)):
        assert await read(canary, 1)
    assert trio.current_time() == pytest.approx(45.0)
