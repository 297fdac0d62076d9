"""Bytes handed on from socket to socket: what is, what its owner gets instead, and what is left behind."""

from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from harness.network import RealNetwork, forwarding, streams
from harness.network.streams import RealStream


@asynccontextmanager
async def pair():
    network = RealNetwork()
    listener = await network.listen()
    near, far = await network.connect(listener.address), await listener.accept()
    await listener.aclose()
    assert isinstance(near, RealStream)
    try:
        yield near, far
    finally:
        for stream in (near, far):
            stream.close()


@pytest.fixture
async def way():
    """A sender, the proxy's two ends, and a reader: sender → source … sink → reader."""
    async with pair() as (sender, source), pair() as (sink, reader):
        yield sender, source, sink, reader
    with trio.fail_after(5):
        while forwarding._forwarder.get() is not None:
            await trio.lowlevel.checkpoint()


class Owner:
    """Forwards in a task of its own, and keeps what it got."""

    def __init__(self, nursery, source, sink, *, size=1000):
        self.may = True
        self.got = None
        self.done = trio.Event()
        nursery.start_soon(self._run, source, sink, size)

    async def _run(self, source, sink, size):
        try:
            self.got = await source.forward(sink, size, lambda: self.may)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            self.got = type(error)
        self.done.set()

    async def result(self):
        with trio.fail_after(5):
            await self.done.wait()
        return self.got


async def read(stream, count):
    data = b""
    with trio.fail_after(5):
        while len(data) < count:
            data += await stream.receive_some()
    return data


async def test_bytes_pass_without_their_owner_until_the_end(way, nursery):
    sender, source, sink, reader = way
    owner = Owner(nursery, source, sink)
    for piece in (b"one", b"two", b"three"):
        await sender.send_all(piece)
        assert await read(reader, len(piece)) == piece
    assert not owner.done.is_set()
    await sender.send_eof()
    assert await owner.result() == b""


async def test_what_came_before_is_handed_on_too(way, nursery):
    sender, source, sink, reader = way
    await sender.send_all(b"early")
    Owner(nursery, source, sink)
    assert await read(reader, 5) == b"early"
    source.close()


async def test_the_owner_gets_what_it_wants_to_see(way, nursery):
    sender, source, sink, reader = way
    owner = Owner(nursery, source, sink)
    await sender.send_all(b"passes")
    assert await read(reader, 6) == b"passes"
    owner.may = False
    await sender.send_all(b"stays")
    assert await owner.result() == b"stays"


async def test_the_owner_gets_what_fills_the_buffer(way, nursery):
    sender, source, sink, _ = way
    owner = Owner(nursery, source, sink, size=10)
    await sender.send_all(b"x" * 25)
    assert await owner.result() == b"x" * 10
    assert await source.receive_some() == b"x" * 15


async def test_the_owner_gets_what_a_full_destination_does_not_take(way, nursery):
    sender, source, sink, reader = way
    flood = 0
    while taken := sink.send_now(b"f" * 100_000):
        flood += taken
    owner = Owner(nursery, source, sink)
    await sender.send_all(b"waits")
    left = await owner.result()
    assert left
    assert b"waits".endswith(left)
    nursery.start_soon(sink.send_all, left)
    assert (await read(reader, flood + 5))[-5:] == b"waits"


async def test_the_owner_gets_what_a_destination_that_is_gone_does_not_take(way, nursery):
    sender, source, sink, _ = way
    sink.close()
    owner = Owner(nursery, source, sink)
    await sender.send_all(b"lost")
    assert await owner.result() == b"lost"


async def test_a_reset_is_broken(way, nursery):
    sender, source, sink, _ = way
    owner = Owner(nursery, source, sink)
    await trio.testing.wait_all_tasks_blocked()
    sender.reset()
    assert await owner.result() is trio.BrokenResourceError


async def test_closing_the_source_wakes_the_owner(way, nursery):
    _, source, sink, _ = way
    owner = Owner(nursery, source, sink)
    await trio.testing.wait_all_tasks_blocked()
    source.close()
    assert await owner.result() is trio.ClosedResourceError


async def test_a_cancelled_owner_leaves_nothing_registered_and_loses_no_byte(way, nursery):
    sender, source, sink, _ = way
    with trio.move_on_after(0.01):
        await source.forward(sink, 1000, lambda: True)
    await sender.send_all(b"kept")
    assert await source.receive_some() == b"kept"


async def test_without_epoll_the_owner_gets_all_that_arrives(way, monkeypatch):
    sender, source, sink, _ = way
    monkeypatch.setattr(streams, "HAS_EPOLL", False)
    await sender.send_all(b"first")
    assert await source.forward(sink, 1000, lambda: True) == b"first"
    sender.finish()
    assert await source.forward(sink, 1000, lambda: True) == b""
    assert forwarding._forwarder.get() is None
