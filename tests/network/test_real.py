"""Doors on real sockets: what a dial meets, and that no port is ever lost."""

import contextlib
import errno
import socket
import sys

import pytest
import trio
import trio.testing

from harness.errors import EnvironmentFault, OutOfFiles
from harness.network import RealNetwork, real
from harness.network.real import FILLER
from harness.seams import Address, Door

linux = pytest.mark.skipif(sys.platform != "linux", reason="a hanging door needs Linux")


def has_ipv6() -> bool:
    """Return whether this machine has a ::1 to bind."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")


@pytest.fixture
async def listener():
    made = await RealNetwork().listen()
    yield made
    await made.aclose()


async def connects(listener, timeout=0.05):
    with trio.move_on_after(timeout):
        stream = await RealNetwork().connect(listener.address)
        await stream.aclose()
        return True
    return False


async def test_open_door_lets_in(listener):
    async with await RealNetwork().connect(listener.address) as dialed, await listener.accept() as accepted:
        assert accepted.peer == dialed.local


async def test_refusing_door_answers_rst_and_keeps_the_port(listener):
    await listener.set_door(Door.REFUSE)
    with pytest.raises(ConnectionRefusedError) as caught:
        await RealNetwork().connect(listener.address)
    assert caught.value.errno == errno.ECONNREFUSED
    with socket.socket() as thief, pytest.raises(OSError, match="in use"):
        thief.bind(listener.address)
    await listener.set_door(Door.OPEN)
    assert await connects(listener)


@linux
@pytest.mark.parametrize("before", [Door.OPEN, Door.REFUSE])
async def test_hanging_door_answers_nothing(listener, before):
    await listener.set_door(before)
    await listener.set_door(Door.HANG)
    assert not await connects(listener)


@linux
async def test_no_dial_slips_in_while_the_door_begins_to_hang(listener):
    async with trio.open_nursery() as nursery:
        accepted = []

        @nursery.start_soon
        async def serve():
            while True:
                stream = await listener.accept()
                accepted.append(stream.peer)
                await stream.aclose()

        for _ in range(30):
            await listener.set_door(Door.HANG)
            assert not await connects(listener, timeout=0.01)
            await listener.set_door(Door.OPEN)
        assert await connects(listener)
        assert FILLER not in {host for host, _ in accepted}
        nursery.cancel_scope.cancel()


@linux
async def test_dial_that_hung_gets_in_when_it_tries_again(listener):
    await listener.set_door(Door.HANG)
    with trio.fail_after(3):
        async with trio.open_nursery() as nursery:
            dialed = []

            @nursery.start_soon
            async def dial():
                dialed.append(await RealNetwork().connect(listener.address))

            await trio.sleep(0.02)
            await listener.set_door(Door.OPEN)
        accepted = await listener.accept()
    assert accepted.peer == dialed[0].local
    await accepted.aclose()
    await dialed[0].aclose()


@linux
async def test_dial_that_hung_is_refused_when_it_tries_again(listener):
    await listener.set_door(Door.HANG)
    with trio.fail_after(3):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def dial():
                with pytest.raises(ConnectionRefusedError):
                    await RealNetwork().connect(listener.address)

            await trio.sleep(0.02)
            await listener.set_door(Door.REFUSE)


@pytest.mark.parametrize("door", [Door.REFUSE, pytest.param(Door.HANG, marks=linux)])
async def test_connection_let_in_before_the_door_was_shut_is_accepted_after(listener, door):
    async with await RealNetwork().connect(listener.address) as early:
        await listener.set_door(door)
        await listener.set_door(Door.OPEN)
        async with await listener.accept() as accepted:
            assert accepted.peer == early.local


async def test_taken_port_is_an_environment_fault_that_names_it(listener):
    with pytest.raises(EnvironmentFault, match=f"127.0.0.1:{listener.address[1]} .*another port"):
        await RealNetwork().listen(listener.address)


async def test_only_loopback_is_listened_on():
    with pytest.raises(EnvironmentFault, match="only loopback"):
        await RealNetwork().listen(("0.0.0.0", 0))


async def test_hanging_is_refused_with_a_reason_where_the_system_cannot(listener, monkeypatch):
    monkeypatch.setattr(real, "DIALS_CAN_HANG", False)
    with pytest.raises(EnvironmentFault, match="need Linux"):
        await listener.set_door(Door.HANG)


async def test_a_port_is_kept_where_two_sockets_can_be_bound_to_it_and_else_nothing_listens(monkeypatch):
    assert real.ports_can_be_kept()
    monkeypatch.setattr(socket, "SO_REUSEADDR", socket.SO_KEEPALIVE)  # another option: as if there were none
    assert not real.ports_can_be_kept()
    with pytest.raises(EnvironmentFault, match="no second socket can be bound"):
        await RealNetwork().listen()


async def test_closing_wakes_who_waits_and_frees_the_port(listener):
    with trio.fail_after(2):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def wait():
                with pytest.raises(trio.ClosedResourceError):
                    await listener.accept()

            await trio.testing.wait_all_tasks_blocked()
            await listener.aclose()
    await listener.aclose()
    with pytest.raises(trio.ClosedResourceError):
        await listener.set_door(Door.OPEN)
    again = await RealNetwork().listen(listener.address)
    await again.aclose()


async def test_dial_says_its_address_before_it_is_answered(listener):
    told: list[Address] = []
    async with await RealNetwork().connect(listener.address, dialing=told.append) as dialed:
        assert told == [dialed.local]


async def test_cancelled_dial_leaves_no_socket(listener, recwarn):
    with trio.CancelScope() as scope:
        scope.cancel()
        await RealNetwork().connect(listener.address)
    assert scope.cancelled_caught
    assert not recwarn.list


async def test_listener_closed_as_a_dial_arrives_either_accepted_it_or_is_closed():
    """The waiter was woken by the dial, and runs only after the close: about every second time."""
    for _ in range(20):
        listener = await RealNetwork().listen()
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def wait(listener=listener):
                with contextlib.suppress(trio.ClosedResourceError):
                    await (await listener.accept()).aclose()

            await trio.testing.wait_all_tasks_blocked()
            dialed = await RealNetwork().connect(listener.address)
            await listener.aclose()
            await dialed.aclose()


async def test_machine_without_sockets_is_no_refused_dial(monkeypatch):
    def poor(*_):
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(socket, "socket", poor)
        with pytest.raises(EnvironmentFault, match="raise `ulimit -n`"):
            await RealNetwork().connect(("127.0.0.1", 9))


@needs_ipv6
async def test_the_loopback_of_ipv6_is_listened_on_and_dialed():
    listener = await RealNetwork().listen(("::1", 0))
    dialed = await RealNetwork().connect(listener.address)
    async with dialed, await listener.accept() as accepted:
        assert (dialed.peer, accepted.peer) == (listener.address, dialed.local)
    await listener.aclose()


@linux
@needs_ipv6
async def test_a_door_of_ipv6_hangs_and_opens_again():
    listener = await RealNetwork().listen(("::1", 0))
    await listener.set_door(Door.HANG)
    with trio.move_on_after(0.05) as timeout:
        await RealNetwork().connect(listener.address)
    assert timeout.cancelled_caught
    await listener.set_door(Door.OPEN)
    async with await RealNetwork().connect(listener.address) as dialed, await listener.accept() as accepted:
        assert accepted.peer == dialed.local
    await listener.aclose()


async def test_a_connection_for_which_no_file_is_left_waits_in_the_queue(listener, monkeypatch):
    """The gate lets the fault end its run; a server waits, and gets the connection when a file is free."""

    def poor(_):
        raise OSError(errno.EMFILE, "Too many open files")

    async with await RealNetwork().connect(listener.address) as dialed:
        with monkeypatch.context() as patched:
            patched.setattr(socket.socket, "accept", poor)
            with pytest.raises(OutOfFiles, match="raise `ulimit -n`"):
                await listener.accept()
        async with await listener.accept() as accepted:
            assert accepted.peer == dialed.local
