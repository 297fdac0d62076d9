"""A real stream is a trio stream, and it can reset."""

import contextlib
import errno
import socket

import pytest
import trio
import trio.testing

from harness.network import RealNetwork, RealStream
from tests.network.rig import errno_of


async def pair():
    network = RealNetwork()
    listener = await network.listen()
    dialed = await network.connect(listener.address)
    accepted = await listener.accept()
    await listener.aclose()
    return dialed, accepted


async def clogged_pair():
    dialed, accepted = await pair()
    for end in (dialed, accepted):
        end._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        end._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    for end in (dialed, accepted):
        await clog(end)
    return dialed, accepted


async def clog(stream):
    """Send until the kernel takes no more, and has passed on what it took."""
    while True:
        with trio.move_on_after(0.02) as timeout:
            await trio.lowlevel.wait_writable(stream._sock)
        if timeout.cancelled_caught:
            return
        with contextlib.suppress(BlockingIOError):
            stream._sock.send(b"x" * 65536)


async def send_for_ever(stream):
    while True:
        await stream.send_all(b"x")


async def test_real_stream_keeps_every_rule_of_a_half_closeable_stream():
    with trio.fail_after(20):
        await trio.testing.check_half_closeable_stream(pair, clogged_pair)


async def test_stream_knows_both_addresses_and_does_not_wait_to_fill_segments():
    dialed, accepted = await pair()
    async with dialed, accepted:
        assert (dialed.local, dialed.peer) == (accepted.peer, accepted.local)
        for end in (dialed, accepted):
            assert end._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_reset_reaches_the_peer_as_econnreset():
    dialed, accepted = await pair()
    dialed.reset()
    dialed.reset()
    with trio.fail_after(2), pytest.raises(trio.BrokenResourceError) as caught:
        await accepted.receive_some()
    assert errno_of(caught.value) == errno.ECONNRESET
    accepted.reset()


async def test_reset_wakes_our_own_reader_as_closed():
    dialed, accepted = await pair()
    with trio.fail_after(2):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def read():
                with pytest.raises(trio.ClosedResourceError):
                    await dialed.receive_some()

            await trio.testing.wait_all_tasks_blocked()
            dialed.reset()
    accepted.reset()


async def test_use_after_close_is_a_closed_resource():
    dialed, accepted = await pair()
    await accepted.aclose()
    await dialed.aclose()
    with pytest.raises(trio.ClosedResourceError):
        await dialed.receive_some()
    with pytest.raises(trio.ClosedResourceError):
        await dialed.send_all(b"x")
    with pytest.raises(trio.ClosedResourceError):
        await dialed.send_eof()


async def test_sending_to_a_socket_the_peer_reset_is_a_broken_resource():
    dialed, accepted = await pair()
    accepted.reset()
    with trio.fail_after(2), pytest.raises(trio.BrokenResourceError):
        await send_for_ever(dialed)
    await dialed.aclose()


async def test_reading_no_bytes_is_refused():
    dialed, accepted = await pair()
    async with dialed, accepted:
        with pytest.raises(ValueError, match="at least 1, got 0"):
            await dialed.receive_some(0)


def test_blocking_socket_is_a_bug():
    with socket.socket() as blocking, pytest.raises(AssertionError, match="non-blocking"):
        RealStream(blocking)
