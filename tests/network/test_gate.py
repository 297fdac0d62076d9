"""Dials, the device's own deeds, the canary; and that nothing is left behind."""

import contextlib

import pytest
import trio

from harness.device import Device, Reach
from harness.errors import EnvironmentFault, UsageError
from harness.history import Chunk, Conn, ConnEnd, Journal, SignalHeard, SignalTold
from harness.network import CANARY, Gate, RealNetwork
from harness.seams import Signal
from tests.leaks import census
from tests.network.rig import read, rig, simulated, until
from tests.network.tcp_table import syn_sent

REFUSING = [Reach.CLOSED, Reach.RESET, Reach.REFUSED]
HANGING = [Reach.STALLED, Reach.SILENT, Reach.UNREACHABLE]


@pytest.mark.parametrize("word", REFUSING)
async def test_dial_is_refused(tmp_path, word):
    async with rig(tmp_path) as r:
        assert (await r.gate.reach("wifi", word))["door"] == "refuse"
        with pytest.raises(ConnectionRefusedError):
            await r.connect()
        await r.gate.reach("wifi", Reach.UP)
        await r.dial()


@pytest.mark.parametrize("word", HANGING)
async def test_dial_hangs_in_syn_sent_and_goes_through_when_it_tries_again(tmp_path, word):
    async with rig(tmp_path) as r:
        assert (await r.gate.reach("wifi", word))["door"] == "hang"
        port = r.gate.address("wifi")[1]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(r.connect)
            await until(lambda: syn_sent(port))
            assert len(syn_sent(port)) == 1
            assert not r.of(Conn)
            await r.gate.reach("wifi", Reach.UP)
        await until(lambda: r.of(Conn))
        assert not syn_sent(port)


async def test_client_that_redials_at_fin_is_refused(tmp_path):
    async with rig(tmp_path) as r, trio.open_nursery() as nursery:
        client, _ = await r.dial()

        @nursery.start_soon
        async def redial():
            assert await client.receive_some() == b""
            with pytest.raises(ConnectionRefusedError):
                await r.connect()

        await r.gate.reach("wifi", Reach.CLOSED)


async def test_dial_begun_on_wifi_never_completes_through_cellular(tmp_path):
    async with rig(tmp_path) as r:
        await r.gate.reach("wifi", Reach.SILENT)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(r.connect)
            await until(lambda: syn_sent(r.gate.address("wifi")[1]))
            await r.gate.prefers("cellular")
            await r.dial()
            assert [conn.path for conn in r.of(Conn)] == ["cellular"]
            assert syn_sent(r.gate.address("wifi")[1])
            nursery.cancel_scope.cancel()


async def test_losing_a_path_is_an_error_at_the_phone_and_nothing_at_the_server(tmp_path):
    async with rig(tmp_path) as r:
        client, server = await r.dial()
        assert await r.gate.loses("wifi") == {"default": "none", "joined": "none"}
        with pytest.raises(trio.BrokenResourceError) as caught:
            await client.receive_some()
        assert isinstance(caught.value.__cause__, ConnectionAbortedError)
        with pytest.raises(OSError, match="unreachable"):
            await r.connect()
        await server.send_all(b"to nobody")
        await until(lambda: [chunk.length for chunk in r.of(Chunk) if chunk.fate == "dropped"] == [9])
        with trio.move_on_after(0.05) as timeout:
            await server.receive_some()
        assert timeout.cancelled_caught
        assert [(end.side, end.how, end.swallowed) for end in r.of(ConnEnd)] == [("client", "closed", True)]


async def test_losing_a_path_ends_a_dial_that_hangs_on_it(tmp_path):
    async with rig(tmp_path) as r:
        await r.gate.reach("wifi", Reach.UNREACHABLE)
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def dial():
                with pytest.raises(ConnectionAbortedError):
                    await r.connect()

            await until(lambda: syn_sent(r.gate.address("wifi")[1]))
            await r.gate.loses("wifi")


async def test_foreign_client_of_a_lost_path_gets_rst(tmp_path):
    async with rig(tmp_path) as r:
        foreign = await r.network.connect(r.gate.address("wifi"))
        await foreign.send_all(b"?")
        await read(await r.accepted(), 1)
        await r.gate.loses("wifi")
        with pytest.raises(trio.BrokenResourceError) as caught:
            await foreign.receive_some()
        assert isinstance(caught.value.__cause__, ConnectionResetError)
        foreign.reset()


async def test_preferring_moves_dials_and_leaves_open_flows(tmp_path):
    async with rig(tmp_path) as r:
        client, server = await r.dial()
        assert await r.gate.prefers("cellular") == {"default": "cellular", "joined": "wifi cellular"}
        await r.dial()
        await server.send_all(b"still here")
        assert await read(client, 10) == b"still here"
        assert [conn.path for conn in r.of(Conn)] == ["wifi", "cellular"]


async def test_signals_are_told_and_recorded(tmp_path):
    async with rig(tmp_path) as r:
        heard, deaf = r.gate.phone.signals(), r.gate.phone.signals()
        await deaf.aclose()
        for deed in (r.gate.prefers("cellular"), r.gate.loses("wifi"), r.gate.goes_offline(), r.gate.comes_online()):
            await deed
        told = [("joins", "cellular"), ("prefers", "cellular"), ("loses", "wifi"), ("offline", None), ("online", None)]
        assert [(await heard.receive()).what for _ in told] == [what for what, _ in told]
        assert [(told.client, told.what, told.path) for told in r.of(SignalTold)] == [
            ("c1", what, path or "") for what, path in told
        ]
        late = r.gate.phone.signals()
        await r.gate.joins("wifi")
        assert await late.receive() == Signal(what="joins", path="wifi")
        recorded = len(r.of(SignalHeard))
    assert [signal.what async for signal in heard] == ["joins"]
    assert len(r.of(SignalHeard)) == recorded  # the journal is closed


async def test_a_signal_is_heard_when_the_listener_gets_to_it(tmp_path):
    async with rig(tmp_path) as r:
        await r.gate.joins("cellular")
        one, other = r.gate.phone.signals(), r.gate.phone.signals()
        await r.gate.prefers("cellular")
        assert not r.of(SignalHeard)
        await one.receive()
        await other.aclose()
        await r.gate.loses("wifi")
        await one.receive()
        assert [told.ears for told in r.of(SignalTold)] == [0, 2, 1]
        _, prefers, loses = (told.seq for told in r.of(SignalTold))
        assert [(heard.what, heard.path, heard.told) for heard in r.of(SignalHeard)] == [
            ("prefers", "cellular", prefers),
            ("loses", "wifi", loses),
        ]


@pytest.mark.parametrize("what", ["loses", "offline"])
async def test_a_signal_is_recorded_before_what_it_ends(tmp_path, what):
    async with rig(tmp_path) as r:
        await r.dial()
        await (r.gate.loses("wifi") if what == "loses" else r.gate.goes_offline())
        (signal,), (end,) = r.of(SignalTold), r.of(ConnEnd)
        assert (signal.what, signal.seq < end.seq) == (what, True)


async def test_offline_loses_everything_and_online_brings_dials_back(tmp_path):
    async with rig(tmp_path) as r:
        client, _ = await r.dial()
        await r.gate.goes_offline()
        with pytest.raises(trio.BrokenResourceError):
            await client.send_all(b"?")
        with pytest.raises(OSError, match="unreachable"):
            await r.connect()
        await r.gate.comes_online()
        await r.dial()


async def test_pause_holds_the_downstream_and_lets_dials_in(tmp_path):
    async with rig(tmp_path) as r:
        client, server = await r.dial()
        assert r.gate.pause("wifi")["downstream"] == "hold"
        await server.send_all(b"waits")
        await until(lambda: r.of(Chunk)[-1].fate == "held")
        async with await r.gate.dial("wifi"):
            assert r.gate.resume("wifi")["downstream"] == "pass"
        assert await read(client, 5) == b"waits"


async def test_canary_meets_the_path_itself_and_is_recorded_as_what_it_is(tmp_path):
    async with rig(tmp_path) as r:
        async with await r.gate.dial("cellular") as canary:
            await canary.send_all(b"?")
            await read(await r.accepted(), 1)
        await r.dial()
        assert [(conn.client, conn.path) for conn in r.of(Conn)] == [(CANARY, "cellular"), ("c1", "wifi")]
        await r.gate.reach("cellular", Reach.REFUSED)
        with pytest.raises(ConnectionRefusedError):
            await r.gate.dial("cellular")


async def test_unknown_path_changes_nothing(tmp_path):
    async with rig(tmp_path) as r:
        with pytest.raises(UsageError, match="no path 'wlan'"):
            await r.gate.reach("wlan", Reach.UP)
        assert r.gate.path_readback("wifi") == {
            "path": "wifi",
            "word": "up",
            "upstream": "pass",
            "downstream": "pass",
            "door": "open",
            "flows": "0",
        }


def test_path_without_a_route_is_refused(tmp_path):
    with Journal(tmp_path / "history", lambda: 1) as journal, pytest.raises(UsageError, match="no route for cellular"):
        Gate(
            client="c1",
            device=Device(["wifi", "cellular"], starts_on="wifi"),
            routes={"wifi": ("127.0.0.1", 9)},
            radios={},
            network=RealNetwork(),
            journal=journal,
        )


@pytest.mark.parametrize("word", [*Reach, None])
async def test_closing_in_any_state_leaves_no_socket_task_thread_or_port(tmp_path, word):
    before = census()
    async with rig(tmp_path) as r:
        await r.dial()
        _, server = await r.dial()
        if word is not None:
            await r.gate.reach("wifi", word)
        await r.gate.joins("cellular")
        with contextlib.suppress(trio.BrokenResourceError):  # a word that reset it
            await server.send_all(b"x" * 1000)
        ports = [r.gate.address(path) for path in r.gate.device.paths]
    assert before == census()
    for port in ports:
        again = await RealNetwork().listen(port)
        await again.aclose()


async def test_gate_that_cannot_listen_leaves_nothing(tmp_path):
    class Poor(RealNetwork):
        calls = 0

        async def listen(self, address=("127.0.0.1", 0)):
            self.calls += 1
            if self.calls == 3:
                raise EnvironmentFault("no more ports")
            return await super().listen(address)

    before = census()
    with pytest.raises(ExceptionGroup) as caught:
        async with rig(tmp_path, network=Poor()):
            raise AssertionError
    assert caught.group_contains(EnvironmentFault)
    assert before == census()


async def test_block_form_closes_itself(tmp_path):
    async with rig(tmp_path) as r:
        other = Gate(
            client="c2",
            device=Device(["wifi"], starts_on="wifi"),
            routes={"wifi": r.server.address},
            radios={},
            network=r.network,
            journal=r.gate._journal,
        )
        async with other.open():
            client = await other.phone.connect("server.test", 80)
            await client.send_all(b"?")
            await read(await r.accepted(), 1)
        with pytest.raises(trio.BrokenResourceError):
            await client.receive_some()
        client.reset()
        assert [conn.client for conn in r.of(Conn)] == ["c2"]


@simulated(linger=0.95)
async def test_a_grace_is_over_before_the_deed_of_the_instant_at_which_it_ends(r):
    client, _ = await r.dial()
    await r.gate.loses("wifi")
    await trio.sleep(0.95 - 1e-7)  # the same instant, as floats may have it
    await r.gate.joins("wifi")
    with pytest.raises(trio.BrokenResourceError):
        await client.receive_some()


@simulated(linger=0.95)
async def test_a_path_that_is_back_before_its_grace_is_over_keeps_its_connections(r):
    client, server = await r.dial()
    await r.gate.loses("wifi")
    await trio.sleep(0.94)
    await r.gate.joins("wifi")
    await trio.sleep(1.0)
    await server.send_all(b"still here")
    assert await client.receive_some() == b"still here"
