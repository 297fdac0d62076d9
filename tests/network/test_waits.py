"""A wait for a radio is recorded as it begins, to the instant at which it ends; bytes that need not wait have none."""

import itertools
import random
from functools import partial

import trio

from harness.device import Radio, Reach
from harness.history import Chunk, Conn, Waited
from harness.network.ends import How
from harness.seams import Direction
from harness.world import real
from tests.network.rig import read, rig, simulated

LTE = {"wifi": Radio(handshake=0.21, wake=0.9, wake_after=10.0)}
UP, DOWN = Direction.UPSTREAM, Direction.DOWNSTREAM


def at(r, t_ns):
    """Seconds of the scene."""
    return round((t_ns - r.zero) / 1e9, 6)


def waits(r):
    return [(one.direction, one.offset, at(r, one.t_ns), at(r, one.until_ns)) for one in r.of(Waited)]


def chunks(r, *fates):
    """The chunks of these fates: direction, offset, and when."""
    return [(one.direction, one.offset, at(r, one.t_ns)) for one in r.of(Chunk) if one.fate in fates]


@simulated(radios=LTE)
async def test_first_byte_waits_for_the_waking_and_for_the_handshake(r):
    await r.dial()
    assert waits(r) == [(UP, 0, 0.0, 1.11)]
    assert chunks(r, "delivered") == [(UP, 0, 1.11), (DOWN, 0, 1.11)]
    waited, first, *_ = (one.seq for one in r.records if isinstance(one, Waited | Chunk))
    assert waited < first


@simulated(radios=LTE)
async def test_a_byte_sent_after_the_handshake_waits_for_nothing(r):
    client = await r.connect()
    await trio.sleep_until(5.0)
    await client.send_all(b"?")
    await read(await r.accepted(), 1)
    assert not waits(r)


@simulated(radios=LTE)
async def test_bytes_in_both_directions_wait_for_one_waking(r):
    client, server = await r.dial()
    await trio.sleep_until(20.0)
    await server.send_all(b"event")
    await trio.sleep_until(20.4)
    await client.send_all(b"more")
    await read(client, 5)
    await read(server, 4)
    assert waits(r)[1:] == [(DOWN, 1, 20.0, 20.9), (UP, 1, 20.4, 20.9)]
    assert sorted(chunks(r, "delivered"))[1::2] == [(DOWN, 1, 20.9), (UP, 1, 20.9)]


@simulated(radios=LTE)
async def test_bytes_that_a_stall_holds_do_not_wait_for_the_radio(r):
    client, server = await r.dial()
    await r.gate.reach("wifi", Reach.STALLED)
    await trio.sleep_until(20.0)
    await server.send_all(b"held")
    await trio.sleep_until(40.0)
    await r.gate.reach("wifi", Reach.UP)
    await read(client, 4)
    assert len(waits(r)) == 1


@simulated(radios=LTE)
async def test_bytes_that_are_held_or_lost_after_their_wait_have_waited(r):
    client, server = await r.dial()
    await trio.sleep_until(20.0)
    await server.send_all(b"held")
    await trio.sleep_until(20.5)
    await r.gate.reach("wifi", Reach.STALLED)
    await trio.sleep_until(30.0)
    assert waits(r)[1:] == [(DOWN, 1, 20.0, 20.9)]
    assert chunks(r, "held") == [(DOWN, 1, 20.9)]
    await r.gate.reach("wifi", Reach.UP)
    await trio.sleep_until(50.0)
    await client.send_all(b"lost")
    await r.gate.reach("wifi", Reach.SILENT)
    await trio.sleep_until(60.0)
    assert waits(r)[2:] == [(UP, 1, 50.0, 50.9)]
    assert chunks(r, "dropped") == [(UP, 1, 50.9)]


@simulated(radios=LTE)
async def test_bytes_whose_flow_ends_as_they_wait_have_waited(r):
    _, server = await r.dial()
    await trio.sleep_until(20.0)
    await server.send_all(b"never seen")
    await trio.sleep_until(20.5)
    await r.gate.aclose()
    assert waits(r)[1:] == [(DOWN, 1, 20.0, 20.9)]
    assert len(chunks(r, "delivered", "held", "dropped")) == 2


@simulated(radios=LTE)
async def test_bytes_that_wait_as_a_box_ends_their_flow_go_nowhere(r):
    client, server = await r.dial()
    await trio.sleep_until(20.0)
    await client.send_all(b"too late")
    await trio.sleep_until(20.5)
    (flow,) = r.gate._flows.values()
    flow.end(How.FIN)
    assert await read(server, 8) == b""
    await trio.sleep_until(21.0)
    assert chunks(r, "dropped") == [(UP, 1, 20.9)]


@simulated(radios=LTE)
async def test_the_canary_waits_for_nothing(r):
    canary = await r.gate.dial("wifi")
    await canary.send_all(b"?")
    await read(await r.accepted(), 1)
    assert r.of(Chunk)
    assert not waits(r)


class Told:
    """A radio as its plan says it: quiet for longer than ``wake_after``, it needs ``wake``; a dial, ``handshake``."""

    def __init__(self, radio):
        self.radio, self.used, self.awake = radio, None, 0.0

    def use(self, now, more=0.0):
        if self.used is None or now - self.used > self.radio.wake_after:
            self.awake = max(self.awake, now + self.radio.wake)
        until = max(now, self.awake) + more
        self.used = until if self.used is None else max(self.used, until)
        return until


@simulated(radios=LTE)
async def test_every_wait_of_a_random_exchange_is_as_the_plan_has_it(r):
    dice = random.Random(3)
    client, server = await r.dial()
    for _ in range(60):
        await trio.sleep(dice.choice([0.05, 0.3, 1.0, 5.0, 9.9, 10.1, 25.0]))
        if dice.random() < 0.15:
            client, server = await r.dial()
        sender, reader = dice.choice([(client, server), (server, client)])
        await sender.send_all(b"x" * dice.randint(1, 50))
        await trio.sleep(1.0 * dice.random())
        await reader.receive_some()

    radio, ready = Told(LTE["wifi"]), {}
    waited = {(one.cid, one.direction, one.offset): one for one in r.of(Waited)}
    for one in r.records:
        if isinstance(one, Conn):
            ready[one.cid] = radio.use(at(r, one.t_ns), 0.21)
        elif isinstance(one, Waited):
            until = max(ready[one.cid], radio.use(at(r, one.t_ns)))
            assert at(r, one.until_ns) == round(until, 6) > at(r, one.t_ns)
        elif isinstance(one, Chunk):
            wait = waited.pop((one.cid, one.direction, one.offset), None)
            if wait is not None:
                assert one.t_ns == wait.until_ns
            else:
                assert max(ready[one.cid], radio.use(at(r, one.t_ns))) <= at(r, one.t_ns)
    assert len(r.of(Waited)) > 20
    assert not waited


async def test_a_wait_of_real_sockets(tmp_path):
    async with rig(tmp_path, radios={"wifi": Radio(handshake=0.03, wake=0.02)}, stamp=real.stamp) as r:
        await r.dial()
        (conn,), (waited,) = r.of(Conn), r.of(Waited)
        first = next(one for one in r.of(Chunk) if (one.direction, one.offset) == (waited.direction, waited.offset))
        assert conn.t_ns < waited.t_ns < waited.until_ns
        assert abs(waited.until_ns - conn.t_ns - 50_000_000) < 5_000_000
        assert first.t_ns > waited.until_ns - 1_000_000


async def test_a_wait_that_is_over_before_it_is_written_down_ends_after_it_began(tmp_path):
    slow = map((60_000_000).__mul__, itertools.count(1))
    async with rig(tmp_path, radios={"wifi": Radio(handshake=0.03, wake=0.02)}, stamp=partial(next, slow)) as r:
        await r.dial()
    (waited,) = r.of(Waited)
    assert waited.t_ns < waited.until_ns < waited.t_ns + 60_000_000
    stamps = [one.t_ns for one in r.records]
    assert stamps == sorted(stamps)
