"""The simulated network: trio's own checks of a stream, and the kernel's rules of closing, tried on both networks."""

import errno

import pytest
import trio
import trio.testing

from harness.errors import EnvironmentFault
from harness.network import RealNetwork, SimNetwork
from harness.seams import Door
from tests.network.rig import errno_of, read


@pytest.fixture(params=[RealNetwork, SimNetwork], ids=["real", "simulated"])
def network(request):
    return request.param()


async def pair(network):
    """Both ends of a connection: the dialer's first."""
    listener = await network.listen()
    near = await network.connect(listener.address)
    far = await listener.accept()
    await listener.aclose()
    return near, far


async def broken(call, *args):
    """Repeat a call until its stream is broken, and return the errno beneath."""
    with trio.fail_after(10):
        while True:
            try:
                await call(*args)
            except trio.BrokenResourceError as error:
                return errno_of(error)


# trio's checks: thousands of green runs have passed over what these found.


async def test_trio_finds_nothing_wrong_with_two_way_streams():
    async def make():
        return await pair(SimNetwork())

    async def make_clogged():
        near, far = await pair(SimNetwork(buffer=1))
        await near.send_all(b"x")
        await far.send_all(b"x")
        return near, far

    await trio.testing.check_two_way_stream(make, make_clogged)


async def test_trio_finds_nothing_wrong_with_half_closing():
    async def make():
        return await pair(SimNetwork())

    async def make_clogged():
        near, far = await pair(SimNetwork(buffer=1))
        await near.send_all(b"x")
        await far.send_all(b"x")
        return near, far

    await trio.testing.check_half_closeable_stream(make, make_clogged)


# The kernel's rules.


async def test_what_came_in_pieces_is_read_together(network):
    near, far = await pair(network)
    for piece in (b"ab", b"c", b"def"):
        await near.send_all(piece)
    await near.send_eof()
    await trio.testing.wait_all_tasks_blocked()
    assert (await far.receive_some(4), await far.receive_some(), await far.receive_some()) == (b"abcd", b"ef", b"")
    near.reset()
    far.reset()


async def test_after_rst_what_came_before_can_be_read(network):
    near, far = await pair(network)
    await near.send_all(b"last words")
    near.reset()
    assert await read(far, 10) == b"last words"
    assert await broken(far.receive_some) == errno.ECONNRESET
    far.reset()


async def test_a_close_with_unread_bytes_is_rst(network):
    near, far = await pair(network)
    await near.send_all(b"unread")
    with trio.fail_after(10):
        await trio.testing.wait_all_tasks_blocked()
        await far.aclose()
    assert await broken(near.receive_some) == errno.ECONNRESET
    near.reset()


async def test_a_close_with_all_read_is_fin(network):
    near, far = await pair(network)
    await far.aclose()
    assert await near.receive_some() == b""
    near.reset()


async def test_writing_to_a_closed_peer_works_once_and_is_then_epipe(network):
    near, far = await pair(network)
    await far.aclose()
    assert await near.receive_some() == b""
    await near.send_all(b"anybody?")
    assert await broken(near.send_all, b"?") == errno.EPIPE
    assert await near.receive_some() == b""
    near.reset()


async def test_closing_wakes_a_reader_of_ones_own(network):
    near, far = await pair(network)
    async with trio.open_nursery() as nursery:

        async def wait():
            with pytest.raises(trio.ClosedResourceError):
                await near.receive_some()

        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        near.reset()
    far.reset()


async def test_rst_wakes_a_blocked_writer(network):
    near, far = await pair(network)
    async with trio.open_nursery() as nursery:

        async def fill():
            assert await broken(near.send_all, bytes(1 << 20)) == errno.ECONNRESET

        nursery.start_soon(fill)
        await trio.testing.wait_all_tasks_blocked()
        far.reset()
    near.reset()


async def test_nobody_listening_refuses(network):
    listener = await network.listen()
    await listener.aclose()
    with pytest.raises(OSError, match="refused") as caught:
        await network.connect(listener.address)
    assert caught.value.errno == errno.ECONNREFUSED


async def test_the_door_refuses_and_opens_again(network):
    listener = await network.listen()
    await listener.set_door(Door.REFUSE)
    with pytest.raises(ConnectionRefusedError):
        await network.connect(listener.address)
    await listener.set_door(Door.OPEN)
    near = await network.connect(listener.address)
    far = await listener.accept()
    assert (near.local, near.peer) == (far.peer, far.local)
    near.reset()
    far.reset()
    await listener.aclose()


async def test_what_the_open_door_let_in_is_accepted_behind_a_shut_one(network):
    listener = await network.listen()
    near = await network.connect(listener.address)
    await listener.set_door(Door.REFUSE)
    far = await listener.accept()
    assert far.peer == near.local
    near.reset()
    far.reset()
    await listener.aclose()


async def test_closing_a_listener_resets_whom_nobody_accepted(network):
    listener = await network.listen()
    near = await network.connect(listener.address)
    await listener.aclose()
    assert await broken(near.receive_some) == errno.ECONNRESET
    near.reset()


async def test_the_dialer_is_named_before_it_is_accepted(network):
    listener = await network.listen()
    named = []
    near = await network.connect(listener.address, dialing=named.append)
    far = await listener.accept()
    assert named == [near.local] == [far.peer]
    near.reset()
    far.reset()
    await listener.aclose()


async def test_no_address_but_loopback(network):
    with pytest.raises(EnvironmentFault, match="only loopback"):
        await network.listen(("0.0.0.0", 0))


async def test_a_taken_port_is_an_environment_fault(network):
    listener = await network.listen()
    with pytest.raises(EnvironmentFault, match="another port"):
        await network.listen(listener.address)
    await listener.aclose()


# Hanging dials, in virtual time.


@pytest.mark.parametrize(("opens", "through"), [(0.5, 1.0), (4.5, 5.0), (5.5, 7.0), (12.0, 19.0)])
async def test_a_hanging_dial_gets_in_at_its_next_syn(autojump_clock, opens, through):
    network = SimNetwork()
    listener = await network.listen()
    await listener.set_door(Door.HANG)
    began = trio.current_time()
    async with trio.open_nursery() as nursery:

        async def dial():
            (await network.connect(listener.address)).reset()
            assert trio.current_time() - began == pytest.approx(through, abs=1e-9)

        nursery.start_soon(dial)
        await trio.sleep(opens)
        await listener.set_door(Door.OPEN)


async def test_an_unanswered_dial_times_out_with_the_last_syn(autojump_clock):
    network = SimNetwork(syn=(1.0, 3.0))
    listener = await network.listen()
    await listener.set_door(Door.HANG)
    with pytest.raises(OSError, match="timed out") as caught:
        await network.connect(listener.address)
    assert (caught.value.errno, trio.current_time()) == (errno.ETIMEDOUT, pytest.approx(3.0, abs=1e-9))


async def test_a_full_queue_drops_syns(autojump_clock):
    network = SimNetwork()
    listener = await network.listen()
    dialed = [await network.connect(listener.address) for _ in range(128)]
    with trio.move_on_after(10) as timeout:
        await network.connect(listener.address)
    assert timeout.cancelled_caught
    await listener.accept()
    with trio.fail_after(10):
        dialed.append(await network.connect(listener.address))


async def test_a_writer_waits_where_nobody_reads():
    near, far = await pair(SimNetwork(buffer=10))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(near.send_all, bytes(25))
        await trio.testing.wait_all_tasks_blocked()
        assert len(await far.receive_some()) == 10
        assert await read(far, 15) == bytes(15)


async def test_what_is_open_is_known_by_name():
    network = SimNetwork()
    listener = await network.listen(("127.0.0.1", 8080))
    near = await network.connect(listener.address)
    far = await listener.accept()
    dialed = f"127.0.0.1:{near.local[1]}"
    assert network.sockets() == [
        "listens on 127.0.0.1:8080",
        f"{dialed} to 127.0.0.1:8080",
        f"127.0.0.1:8080 to {dialed}",
    ]
    await near.aclose()
    await far.aclose()
    await listener.aclose()
    assert network.sockets() == []
