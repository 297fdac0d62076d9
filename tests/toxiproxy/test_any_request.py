"""Whatever a client sends, the embedded server answers it or hangs up, and goes on serving all others."""

import contextlib
import json
import random
from functools import partial

import pytest
import trio
import trio.testing

from harness.toxiproxy.embedded import serve_embedded
from tests.toxiproxy.memory import MemoryNetwork

OFF = {"name": "p", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9", "enabled": False}
DEEP = b"[" * 50_000 + b"]" * 50_000
MEMBER = b'{"type":"latency","attributes":{"latency":' + b"[" * 900 + b"]" * 900 + b"}}"
DIGITS = b"9" * 5000


class Talker:
    """A server in memory that has a disabled proxy named p, and the clients that talk to it."""

    def __init__(self) -> None:
        self._network = MemoryNetwork()
        self._address = ("", 0)

    async def serve(self, task_status) -> None:
        async with trio.open_nursery() as nursery:
            start = partial(serve_embedded, self._network, rng=random.Random(1))
            self._address = await nursery.start(start)
            await self.says(request("POST", "/proxies", json.dumps(OFF).encode()))
            task_status.started()

    async def says(self, data: bytes) -> bytes:
        """Send on a connection of its own; return what comes back until the server hangs up or says no more."""
        got = b""
        client = await self._network.connect(self._address)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(deliver, client, data)
            with trio.move_on_after(1):
                while piece := await client.receive_some():
                    got += piece
            nursery.cancel_scope.cancel()
        await client.aclose()
        return got


def served(body) -> None:
    """Run ``body(talker)``; afterwards the server must still answer."""

    async def main():
        async with trio.open_nursery() as nursery:
            talker = Talker()
            await nursery.start(talker.serve)
            await body(talker)
            assert b'{"version": "' in await talker.says(request("GET", "/version"))
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


async def deliver(client, data: bytes) -> None:
    """Send, though the server may hang up on the way."""
    with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        await client.send_all(data)


def request(method: str, target: str, body: bytes = b"") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def post(path: str, body: bytes) -> bytes:
    return request("POST", path, body)


# What is sent, and the status line; b"" where the server may hang up without one.
TABLE = {
    "HEAD of nothing": (request("HEAD", "/"), b"404 Not Found"),
    "HEAD of a route": (request("HEAD", "/proxies"), b"405 Method Not Allowed"),
    "HEAD of a bad path": (request("HEAD", "//x"), b"301 Moved Permanently"),
    "CONNECT": (b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", b"404 Not Found"),
    "an upgrade": (b"GET /proxies HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", b"200 OK"),
    "an asterisk": (request("OPTIONS", "*"), b"404 Not Found"),
    "an absolute target": (request("GET", "http://h/proxies"), b""),
    "half a surrogate pair as name": (
        post("/proxies", b'{"name":"\\ud800","upstream":"a:1","enabled":false}'),
        b"201 Created",
    ),
    "half a surrogate pair as key": (
        post("/proxies", b'{"\\ud800":1,"name":"s","upstream":"a:1","enabled":false}'),
        b"201 Created",
    ),
    "half a surrogate pair as attribute": (
        post("/proxies/p/toxics", b'{"type":"latency","attributes":{"latency":"\\udfff"}}'),
        b"400 Bad Request",
    ),
    "half a surrogate pair as listen": (
        post("/proxies", b'{"name":"n","upstream":"a:1","listen":"\\ud800"}'),
        b"500 Internal Server Error",
    ),
    "half a surrogate pair as upstream": (post("/proxies/p", b'{"upstream":"\\ud800:1"}'), b"200 OK"),
    "a name of 5,000 digits": (post("/proxies", b'{"name":' + DIGITS + b',"upstream":"a:1"}'), b"400 Bad Request"),
    "a listen of 5,000 digits": (
        post("/proxies", b'{"name":"n","upstream":"a:1","listen":"a:' + DIGITS + b'"}'),
        b"500 Internal Server Error",
    ),
    "a toxicity of 4,000 digits": (
        post("/proxies/p/toxics", b'{"type":"noop","toxicity":' + DIGITS[:4000] + b"}"),
        b"400 Bad Request",
    ),
    "an attribute of 4,000 digits": (
        post("/proxies/p/toxics", b'{"type":"latency","attributes":{"latency":' + DIGITS[:4000] + b"}}"),
        b"400 Bad Request",
    ),
    "an attribute of 5,000 digits": (
        post("/proxies/p/toxics", b'{"type":"latency","attributes":{"latency":' + DIGITS + b"}}"),
        b"400 Bad Request",
    ),
    "a toxicity without end": (post("/proxies/p/toxics", b'{"type":"noop","toxicity":1e999}'), b"400 Bad Request"),
    "a toxicity that is no number": (post("/proxies/p/toxics", b'{"type":"noop","toxicity":NaN}'), b"400 Bad Request"),
    "an infinite number": (post("/proxies", b"Infinity"), b"400 Bad Request"),
    "bytes that are not UTF-8": (
        post("/proxies", b'{"name":"\xff\xfe","upstream":"a:1","enabled":false}'),
        b"201 Created",
    ),
    "a path that is not UTF-8": (request("GET", "/proxies/%ff%fe"), b"404 Not Found"),
    "an encoded NUL and line end": (request("GET", "/proxies/%00%0d%0a"), b"404 Not Found"),
    "an encoded line end before a redirect": (request("GET", "//x%0d%0aSet-Cookie:%20a"), b"301 Moved Permanently"),
    "a long path": (request("GET", "/proxies/" + "x" * 60_000), b"404 Not Found"),
    "a head without end": (
        b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 200_000,
        b"431 Request Header Fields Too Large",
    ),
    "many heads": (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * 30_000, b"431 Request Header Fields Too Large"),
    "deep arrays": (post("/populate", DEEP), b"400 Bad Request"),
    "deep objects": (post("/proxies", b'{"a":' * 50_000), b"400 Bad Request"),
    "a deep attribute": (post("/proxies/p/toxics", MEMBER), b"400 Bad Request"),
    "a deep member": (post("/proxies", b'{"name":' + b"[" * 900 + b"]" * 900 + b"}"), b"400 Bad Request"),
    "a deep entry": (post("/populate", b"[" * 900 + b"]" * 900), b"400 Bad Request"),
    "a HEAD whose body is bad": (
        b"HEAD / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"400 Bad Request",
    ),
    "a chunk without end": (
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 99,
        b"",
    ),
    "another coding": (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", b"501 Not Implemented"),
    "two lengths": (
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"400 Bad Request",
    ),
    "a length of 5,000 digits": (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + DIGITS + b"\r\n\r\n", b""),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400 Bad Request"),
    "NULs": (b"\0" * 1000 + b"\r\n\r\n", b"400 Bad Request"),
    "nothing": (b"", b""),
}


@pytest.mark.parametrize("case", TABLE)
def test_a_request_of_this_kind_is_answered(case, caplog):
    sent, status = TABLE[case]

    async def body(talker):
        got = await talker.says(sent)
        assert got.startswith(b"HTTP/1.1 " + status if status else b""), got[:200]
        if sent.startswith(b"HEAD"):
            assert got.endswith(b"\r\n\r\n")
        assert b"Set-Cookie:" not in got

    served(body)
    assert caplog.text == ""  # a defect that was caught is a defect


SCRAPS = [
    b"GET",
    b"POST",
    b"HEAD",
    b"PATCH",
    b"DELETE",
    b" ",
    b"/",
    b"/proxies",
    b"/proxies/p",
    b"/proxies/p/toxics",
    b"/reset",
    b"/populate",
    b"%",
    b"%zz",
    b"?",
    b" HTTP/1.1\r\n",
    b" HTTP/1.0\r\n",
    b"Host: h\r\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\0",
    b"\xff",
    b"Content-Length: 9\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: close\r\n",
    b"5\r\nabcde\r\n",
    b"0\r\n\r\n",
]
VALUES = [
    None,
    True,
    False,
    0,
    -1,
    1,
    1.5,
    2**63,
    2**64,
    10**300,
    "",
    "p",
    "\ud800",
    "127.0.0.1:0",
    "[::1]:0",
    "[::1",
    ":",
    "::",
    "a:b",
    "localhost:1",
    "x" * 99 + ":1",
    "upstream",
    "DOWNSTREAM",
    "latency",
    "slicer",
    "bandwidth",
    "timeout",
    "limit_data",
    "reset_peer",
    "slow_close",
    "noop",
    [],
    {},
    [[]],
    [{}],
    "a\0b",
    "é:1",
]
KEYS = [
    "name",
    "listen",
    "upstream",
    "enabled",
    "type",
    "stream",
    "toxicity",
    "attributes",
    "latency",
    "jitter",
    "rate",
    "timeout",
    "bytes",
    "delay",
    "average_size",
    "size_variation",
    "NAME",
    "\udc00",
    "",
]


def scraps(rng: random.Random) -> bytes:
    return b"".join(rng.choices(SCRAPS, k=rng.randrange(1, 30)))


def value(rng: random.Random, depth: int = 0) -> object:
    if depth < 3 and rng.random() < 0.7:
        return {key: value(rng, depth + 1) for key in rng.choices(KEYS, k=rng.randrange(6))}
    return rng.choice(VALUES)


def call(rng: random.Random) -> bytes:
    path = rng.choice(["/proxies", "/proxies/p", "/proxies/p/toxics", "/proxies/p/toxics/latency_downstream", "/reset"])
    body: object = value(rng)
    if rng.random() < 0.2:
        path, body = "/populate", [value(rng) for _ in range(rng.randrange(4))]
    text = json.dumps(body).encode()
    if rng.random() < 0.2:
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.randbytes(rng.randrange(4)) + text[at + 1 :]
    return request(rng.choice(["GET", "POST", "POST", "POST", "PATCH", "DELETE", "HEAD"]), path, text)


@pytest.mark.parametrize("make", [scraps, call])
@pytest.mark.parametrize("seed", range(5))
def test_requests_made_at_random_are_answered(make, seed, caplog):
    rng = random.Random(seed)

    async def body(talker):
        for _ in range(150):
            got = await talker.says(make(rng))
            assert got == b"" or got.startswith(b"HTTP/1.1 ")

    served(body)
    assert caplog.text == ""
