"""The small HTTP server, in virtual time."""

import contextlib

import pytest
import trio
import trio.testing

from harness.network.http_server import HttpRequest
from harness.toxiproxy.http import LIMITS, ApiResponse, serve_http
from tests.toxiproxy.memory import MemoryNetwork

DATE = "Tue, 01 Dec 2026 00:00:00 GMT"


async def echo(request: HttpRequest) -> ApiResponse:
    if request.target == "/defect":
        raise KeyError(request.target)
    return ApiResponse(200, f"{request.method} {request.target} ".encode() + request.body, "text/plain")


def virtually(body):
    async def main():
        network = MemoryNetwork()
        listener = await network.listen()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_http, listener, echo, lambda: DATE)
            with trio.fail_after(3600):
                await body(await network.connect(listener.address))
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


async def until(stream, mark: bytes) -> bytes:
    got = b""
    while mark not in got:
        data = await stream.receive_some()
        assert data, got
        got += data
    return got


def test_a_connection_is_kept_for_the_next_request():
    async def body(client):
        for number in range(3):
            await client.send_all(b"POST /%d HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi" % number)
            answer = await until(client, b"POST /%d hi" % number)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert b"content-length: 10\r\n" in answer

    virtually(body)


def test_http_1_0_is_answered_and_closed():
    async def body(client):
        await client.send_all(b"GET /x HTTP/1.0\r\n\r\n")
        await until(client, b"GET /x ")
        assert await client.receive_some() == b""

    virtually(body)


def test_a_client_that_waits_for_100_continue_gets_it():
    async def body(client):
        await client.send_all(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert (await until(client, b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        await client.send_all(b"hi")
        await until(client, b"POST / hi")

    virtually(body)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),  # no Host
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 70_000, b"431"),
    ],
)
def test_what_is_not_http_is_refused_and_closed(sent, status):
    async def body(client):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(deliver, client, sent)
            assert (await until(client, b"\r\n\r\n")).startswith(b"HTTP/1.1 " + status)
            while await client.receive_some():
                pass

    virtually(body)


async def deliver(client, data):
    """Send, though the server may hang up on the way."""
    with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        await client.send_all(data)


def test_a_body_that_is_too_large_is_413():
    async def body(client):
        head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (LIMITS.body + 1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(deliver, client, head + b"x" * (LIMITS.body + 1))
            assert (await until(client, b"\r\n\r\n")).startswith(b"HTTP/1.1 413 ")
            while await client.receive_some():
                pass
            nursery.cancel_scope.cancel()

    virtually(body)


@pytest.mark.parametrize(
    ("sent", "timeout", "answer"),
    [
        (b"", LIMITS.idle, b""),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nh", LIMITS.request, b"HTTP/1.1 408 Request Timeout"),
    ],
)
def test_patience_ends(sent, timeout, answer):
    async def body(client):
        began = trio.current_time()
        await client.send_all(sent)
        assert (await client.receive_some()).startswith(answer)
        assert trio.current_time() - began == pytest.approx(timeout)

    virtually(body)


def test_an_answer_has_a_reason_and_a_date():
    async def body(client):
        await client.send_all(b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
        head = await until(client, b"GET /x ")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert f"\r\nDate: {DATE}\r\n".encode() in head

    virtually(body)


def test_a_head_gets_the_head_alone_and_the_connection_lives():
    async def body(client):
        await client.send_all(b"HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n")
        head = await until(client, b"\r\n\r\n")
        assert (head.endswith(b"\r\n\r\n"), b"\r\ncontent-length: 8\r\n" in head) == (True, True)
        await client.send_all(b"GET /y HTTP/1.1\r\nHost: h\r\n\r\n")
        await until(client, b"GET /y ")

    virtually(body)


def test_a_defect_in_an_answer_is_500_and_ends_that_connection_alone(caplog):
    async def body(client):
        await client.send_all(b"GET /defect HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (await until(client, b"answer\n")).startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
        assert await client.receive_some() == b""

    virtually(body)
    assert "KeyError" in caplog.text
