"""The delay of a path's radio, to the millisecond, under a virtual clock; and what else takes time."""

import functools

import pytest
import trio
import trio.testing

from harness.device import Radio, Reach
from harness.history import Chunk, ConnEnd
from tests.network.memory import MemoryNetwork
from tests.network.rig import read, rig

LTE = {"wifi": Radio(handshake=0.21, wake=0.9, wake_after=10.0)}


def virtual(scene):
    """Run a scene on a gate whose wifi costs as LTE does, in virtual time; its clock starts at 0."""

    @functools.wraps(scene)
    def test(tmp_path):
        async def main():
            async with rig(tmp_path, radios=LTE, network=MemoryNetwork(), linger=30.0, timeout=1000) as r:
                await scene(r)

        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))

    del test.__wrapped__  # or pytest would ask for a fixture named r
    return test


def now():
    return pytest.approx(trio.current_time(), abs=1e-9)


async def ask(r):
    """Dial, and send the first byte at once; the client's end and the server's."""
    client = await r.connect()
    await client.send_all(b"?")
    server = await r.accepted()
    await read(server, 1)
    return client, server


@virtual
async def test_first_byte_pays_for_waking_and_for_the_handshake(r):
    await ask(r)
    assert now() == 1.11


@virtual
async def test_next_flow_pays_for_its_handshake_alone(r):
    await ask(r)
    await trio.sleep_until(5.0)
    await ask(r)
    assert now() == 5.21


@virtual
async def test_flow_after_quiet_pays_for_both(r):
    await ask(r)
    await trio.sleep_until(20.0)
    await ask(r)
    assert now() == 21.11


@virtual
async def test_first_event_after_quiet_is_late_and_those_behind_it_are_not_later(r):
    client, server = await ask(r)
    arrivals = []
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def listen():
            for _ in range(4):
                await read(client, 1)
                arrivals.append(pytest.approx(trio.current_time()))

        for at in (11.0, 21.5, 21.6, 23.0):
            await trio.sleep_until(at)
            await server.send_all(b"!")
    assert arrivals == [11.0, 22.4, 22.4, 23.0]


@virtual
async def test_burst_after_a_stall_is_not_charged(r):
    client, server = await ask(r)
    await r.gate.reach("wifi", Reach.STALLED)
    await server.send_all(b"held")
    await trio.sleep_until(40.0)
    await r.gate.reach("wifi", Reach.UP)
    await read(client, 4)
    assert now() == 40.0


@virtual
async def test_changed_radio_counts_from_the_next_flow(r):
    r.gate.set_radio("wifi", Radio(handshake=0.5))
    await ask(r)
    assert now() == 0.5


@virtual
async def test_path_without_a_radio_costs_nothing(r):
    await r.gate.prefers("cellular")
    await ask(r)
    assert now() == 0.0


@virtual
async def test_canary_neither_pays_nor_wakes_the_radio(r):
    canary = await r.gate.dial("wifi")
    await canary.send_all(b"?")
    await read(await r.accepted(), 1)
    assert now() == 0.0
    await ask(r)
    assert now() == 1.11


@virtual
async def test_byte_that_still_shakes_hands_is_lost_to_silence(r):
    client = await r.connect()
    await client.send_all(b"?")
    await trio.sleep_until(1.0)
    await r.gate.reach("wifi", Reach.SILENT)
    await trio.sleep_until(2.0)
    assert [(chunk.fate, chunk.length) for chunk in r.of(Chunk)] == [("dropped", 1)]


@virtual
async def test_open_flow_outlives_the_default_path_by_the_linger(r):
    client, server = await ask(r)
    await trio.sleep_until(5.0)
    await r.gate.loses("wifi")
    await server.send_all(b"lingers")
    assert await read(client, 7) == b"lingers"
    with pytest.raises(trio.BrokenResourceError):
        await client.receive_some()
    assert now() == 35.0
    assert [(end.side, end.swallowed) for end in r.of(ConnEnd)] == [("client", True)]


@virtual
async def test_path_joined_again_within_the_linger_keeps_its_flows(r):
    client, server = await ask(r)
    await r.gate.loses("wifi")
    await r.gate.joins("wifi")
    await trio.sleep_until(100.0)
    await server.send_all(b"alive")
    assert await read(client, 5) == b"alive"


@virtual
async def test_phone_sleeps_as_long_as_told(r):
    await r.gate.phone.sleep_until(7.0)
    assert now() == 7.0
