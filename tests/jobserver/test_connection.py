"""The limits of what a peer may do to a connection. All in virtual time, so that every deadline is exact."""

import pytest
import trio

from harness.jobserver import PeerLimits
from harness.scenario.model import JobSpec

QUICK = JobSpec(lasts=6.0, every=2.0, items=3)


async def everything(stream) -> bytes:
    received = b""
    while data := await stream.receive_some():
        received += data
    return received


def answer_to(rig, *pieces: bytes, pause: float = 0.0) -> tuple[bytes, float]:
    """Send these pieces, pausing after each; return all that came back before the server hung up, and when it did."""
    seen = []

    async def main(rig):
        stream = (await rig.client()).stream
        async with trio.open_nursery() as nursery:

            async def drip() -> None:
                for piece in pieces:
                    await stream.send_all(piece)
                    await trio.sleep(pause)

            nursery.start_soon(drip)
            seen.extend([await everything(stream), rig.now])
            nursery.cancel_scope.cancel()

    rig.run(main, job=QUICK)
    return seen[0], seen[1]


def test_several_requests_share_a_connection(rig):
    async def main(rig):
        client = await rig.client()
        assert [(await client.fetch("GET", "/healthz"))[0] for _ in range(3)] == [200, 200, 200]
        assert rig.server.counts.connections == 1

    rig.run(main, job=QUICK)


def test_pipelined_requests_are_answered_in_order(rig):
    asked = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    received, at = answer_to(rig, asked)
    assert (received.index(b" 200 ") < received.index(b" 404 "), at) == (True, 0.0)


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"]
)
def test_what_is_no_request_is_refused_in_json(rig, garbage):
    received, _ = answer_to(rig, garbage)
    assert received.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"bad_request"' in received
    assert b"Traceback" not in received


def test_head_beyond_its_limit_is_431(rig):
    assert answer_to(rig, b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 5000)[0].startswith(b"HTTP/1.1 431 ")


def test_body_beyond_its_limit_is_413(rig):
    head = b"POST /api/v2/imports HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n"
    assert answer_to(rig, head, b"x" * 70_000)[0].startswith(b"HTTP/1.1 413 ")


def test_request_that_drips_in_is_given_up_at_its_deadline(rig):
    received, at = answer_to(rig, b"GET / HT", *[b"x"] * 99, pause=5.0)
    assert received.startswith(b"HTTP/1.1 408 ")
    assert at == 30.0


def test_body_that_drips_in_is_given_up_at_the_same_deadline(rig):
    head = b"POST /api/v2/imports HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\n"
    received, at = answer_to(rig, head, *[b"x"] * 99, pause=5.0)
    assert (received[:13], at) == (b"HTTP/1.1 408 ", 30.0)


def test_idle_connection_is_closed_without_a_word(rig):
    assert answer_to(rig, b"") == (b"", 75.0)


def test_continue_is_said_to_who_waits_for_it(rig):
    head = b"POST /api/v2/imports HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n"
    received, _ = answer_to(rig, head + b"Expect: 100-continue\r\n\r\n", b"{}", pause=1.0)
    assert received.startswith(b"HTTP/1.1 100 ")
    assert b"HTTP/1.1 202 " in received


def test_peer_that_leaves_in_the_middle_of_a_request_is_let_go(rig):
    async def main(rig):
        for part in (b"GET / HT", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"):
            stream = (await rig.client()).stream
            await stream.send_all(part)
            await stream.aclose()
        await trio.sleep(1)
        assert (rig.server.counts.open_connections, rig.server.counts.faults) == (0, 0)

    rig.run(main, job=QUICK)


def test_peer_that_does_not_take_an_answer_is_reset_at_the_deadline(rig):
    async def main(rig):
        client = await rig.client()
        client.stream.clogged = True
        await client.stream.send_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        await trio.sleep(29)
        assert not client.stream.other.was_reset
        await trio.sleep(2)
        assert client.stream.other.was_reset

    rig.run(main, job=QUICK)


def test_connection_beyond_the_limit_is_told_so(rig):
    async def main(rig):
        first = await rig.client()
        await first.fetch("GET", "/healthz")
        assert (await everything((await rig.client()).stream)).startswith(b"HTTP/1.1 503 ")
        assert (await first.fetch("GET", "/healthz"))[0] == 200

    rig.run(main, job=QUICK, limits=PeerLimits(connections=1))
