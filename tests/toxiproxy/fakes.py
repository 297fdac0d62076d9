"""Servers that are no Toxiproxy, or a broken one: what each says to a request."""

import trio

from harness.network.real import RealNetwork
from harness.toxiproxy.connection import ANSWER_MAX

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


async def fake(nursery, reply, seen=None):
    """Start a server whose every request is answered by ``reply(stream, head)``. Returns its address."""
    listener = await RealNetwork().listen()

    async def converse(stream):
        async with stream:
            try:
                while head := await _head(stream):
                    if seen is not None:
                        seen.append(head)
                    if await reply(stream, head) == "close":
                        return
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass

    async def accept():
        try:
            while True:
                nursery.start_soon(converse, await listener.accept())
        finally:
            with trio.CancelScope(shield=True):
                await listener.aclose()

    nursery.start_soon(accept)
    return listener.address


async def _head(stream):
    got = b""
    while b"\r\n\r\n" not in got:
        data = bytes(await stream.receive_some())
        if not data:
            return b""
        got += data
    return got


def whole(body, status=b"200 OK", more=b""):
    """The bytes of one answer."""
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), more, body)


def says(data):
    """Answer with these bytes, and close."""

    async def reply(stream, _head):
        await stream.send_all(data)
        return "close"

    return reply


def answers(body, status=b"200 OK", more=b""):
    """Answer so, and keep the connection."""

    async def reply(stream, _head):
        await stream.send_all(whole(body, status, more))

    return reply


def routed(**bodies):
    """Answer by the last word of the path; ``rest`` answers everything else. Each is a ``reply``."""

    async def reply(stream, head):
        word = head.split()[1].decode().rpartition("/")[2]
        return await bodies.get(word, bodies["rest"])(stream, head)

    return reply


async def silent(_stream, _head):
    """Say nothing."""
    await trio.sleep_forever()


def dripping(data, pause=0.05):
    """Answer a byte at a time."""

    async def reply(stream, _head):
        for byte in data:
            await stream.send_all(bytes([byte]))
            await trio.sleep(pause)
        await trio.sleep_forever()

    return reply


async def endless(stream, _head):
    """Answer with more than a client reads."""
    await stream.send_all(HEAD + b"Content-Length: %d\r\n\r\n" % (100 * ANSWER_MAX))
    while True:
        await stream.send_all(b"x" * 65_536)


VERSION = answers(b'{"version": "2.12.0"}\n')
DEEP = b"[" * 200_000
