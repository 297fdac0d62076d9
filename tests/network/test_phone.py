"""The phone's own sockets: the effect of a lost path on the tasks that use them."""

import errno

import pytest
import trio
import trio.testing

from harness.device import Reach
from tests.network.rig import errno_of, read, rig

USES = {
    "receive_some": lambda stream: stream.receive_some(),
    "send_all": lambda stream: stream.send_all(b"x"),
    "send_eof": lambda stream: stream.send_eof(),
    "wait_send_all_might_not_block": lambda stream: stream.wait_send_all_might_not_block(),
}


@pytest.mark.parametrize("use", USES)
async def test_whatever_is_done_on_a_lost_path_is_aborted(tmp_path, use):
    async with rig(tmp_path) as r:
        client, _ = await r.dial()
        await r.gate.loses("wifi")
        with pytest.raises(trio.BrokenResourceError) as caught:
            await USES[use](client)
        assert errno_of(caught.value) == errno.ECONNABORTED


@pytest.mark.parametrize("use", USES)
async def test_whatever_is_done_after_ones_own_close_is_closed(tmp_path, use):
    async with rig(tmp_path) as r:
        client, _ = await r.dial()
        await client.aclose()
        await r.gate.loses("wifi")
        with pytest.raises(trio.ClosedResourceError):
            await USES[use](client)


async def test_reader_that_waits_is_woken_by_the_loss(tmp_path):
    async with rig(tmp_path) as r, trio.open_nursery() as nursery:
        client, _ = await r.dial()

        @nursery.start_soon
        async def wait():
            with pytest.raises(trio.BrokenResourceError):
                await client.receive_some()

        await trio.testing.wait_all_tasks_blocked()
        await r.gate.loses("wifi")


async def test_lost_stream_can_be_closed(tmp_path):
    async with rig(tmp_path) as r:
        client, _ = await r.dial()
        await r.gate.loses("wifi")
        await client.aclose()
        client.reset()


async def test_loss_of_another_path_is_not_felt(tmp_path):
    async with rig(tmp_path) as r:
        client, server = await r.dial()
        await r.gate.joins("cellular")
        await r.gate.loses("cellular")
        await server.send_all(b"fine")
        assert await read(client, 4) == b"fine"


async def test_dial_without_a_network_is_unreachable_at_once(tmp_path):
    async with rig(tmp_path) as r:
        await r.gate.goes_offline()
        with pytest.raises(OSError, match="unreachable") as caught, trio.testing.assert_checkpoints():
            await r.gate.phone.connect("server.test", 80)
        assert caught.value.errno == errno.ENETUNREACH


async def test_cancelled_dial_is_cancelled_and_no_error(tmp_path):
    async with rig(tmp_path) as r:
        await r.gate.reach("wifi", Reach.UNREACHABLE)
        with trio.move_on_after(0.02) as timeout:
            await r.gate.phone.connect("server.test", 80)
        assert timeout.cancelled_caught
        await r.gate.loses("wifi")
