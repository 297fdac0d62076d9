"""A server that answers garbage: the client goes on by its policies, and follows the job once it heals.

All in virtual time: each answer is that of the first requests.
"""

import gzip
import json
import random
import re
import tracemalloc
import zlib

import msgspec
import pytest
import trio
import trio.testing

from harness.clients import SSEClient
from harness.errors import PeerError
from harness.sse.policy import REFERENCE, FedBy, Jitter
from tests.clients.stage import Stage, event, play

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
COMMENTING = HEAD + b"\r\n"
PIECE = 16_384


def says(data):
    """Answer with these bytes, and close."""

    async def answer(pipe):
        await pipe.send_all(data)

    return answer


def endless(start, piece, pause=0.02):
    """Answer with a beginning, and then with the same piece for ever."""

    async def answer(pipe):
        await pipe.send_all(start)
        while True:
            await pipe.send_all(piece)
            await trio.sleep(pause)

    return answer


def slowly(data, pause=1.0):
    """Answer one byte a second."""

    async def answer(pipe):
        for byte in data:
            await pipe.send_all(bytes([byte]))
            await trio.sleep(pause)
        await trio.sleep_forever()

    return answer


async def rst(pipe):
    pipe.reset()


async def nothing(pipe):
    await trio.sleep_forever()


def noise(size, seed=7):
    return random.Random(seed).randbytes(size)


def squeezed(size):
    """So many zeros as gzip: a bomb."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(packer.compress(bytes(1_000_000)) for _ in range(size // 1_000_000)), packer.flush()])


GZIP = HEAD + b"Content-Encoding: gzip\r\n\r\n"
pytestmark = pytest.mark.slow

ANSWERS = {
    "random bytes": says(noise(100_000)),
    "random bytes after a good head": says(HEAD + b"\r\n" + noise(100_000)),
    "endless headers": endless(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"x" * 1000 + b"\r\n"),
    "endless line": endless(b"HTTP/1.1 200 ", b"x" * PIECE),
    "endless field": endless(HEAD + b"\r\ndata: ", b"x" * PIECE),
    "endless event": endless(HEAD + b"\r\n", b"data: " + b"x" * 1000 + b"\n"),
    "endless comments": endless(COMMENTING, b": hello\n" * 100, pause=1.0),
    "endless 100s": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a head a byte a second": slowly(CHUNKED),
    "a chunk of no size": says(CHUNKED + b"zz\r\nabc\r\n"),
    "a chunk too short": says(CHUNKED + b"50\r\nabc\r\n0\r\n\r\n"),
    "a chunk too large": says(CHUNKED + b"F" * 40 + b"\r\nabc\r\n"),
    "a chunk size without end": endless(CHUNKED, b"0" * PIECE),
    "a body cut short": says(HEAD + b"Content-Length: 5000\r\n\r\ndata: x\n\n"),
    "a negative length": says(HEAD + b"Content-Length: -1\r\n\r\n"),
    "two lengths": says(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
    "no gzip at all": says(GZIP + noise(10_000)),
    "half a gzip": says(GZIP + gzip.compress(noise(10_000))[:5000]),
    "a coding of nobody": says(HEAD + b"Content-Encoding: br\r\n\r\n" + noise(1000)),
    "a gzip bomb": says(GZIP + squeezed(300_000_000)),
    "HTTP/0.9": says(b"<html>hello</html>"),
    "a status line of nothing": says(b"\r\n\r\n"),
    "a huge status line": says(b"HTTP/1.1 200 " + b"O" * 1_000_000 + b"\r\n\r\n"),
    "status 000": says(b"HTTP/1.1 000 Zero\r\n\r\n"),
    "status 999": says(b"HTTP/1.1 999 Nine\r\nContent-Length: 0\r\n\r\n"),
    "other protocols": says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nxxx"),
    "nulls in headers": says(b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n"),
    "a type of garbage": says(b"HTTP/1.1 200 OK\r\nContent-Type: " + b"\xff\xfe;;;=" * 20 + b"\r\n\r\n"),
    "a redirect to no URL": says(b"HTTP/1.1 302 F\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n"),
    "a redirect to no port": says(b"HTTP/1.1 302 F\r\nLocation: http://x:99999999/\r\nContent-Length: 0\r\n\r\n"),
    "a redirect to a script": says(b"HTTP/1.1 302 F\r\nLocation: javascript:alert(1)\r\nContent-Length: 0\r\n\r\n"),
    "a redirect to bytes": says(b"HTTP/1.1 302 F\r\nLocation: \xff\xfe\x80\r\nContent-Length: 0\r\n\r\n"),
    **{
        f"a redirect by {scheme} to the host {host!r}": says(
            f"HTTP/1.1 302 F\r\nLocation: {scheme}://{host}/\r\nContent-Length: 0\r\n\r\n".encode()
        )
        for scheme in ("http", "https")
        for host in (".h", "..", "xn--", "xn--zz", "x" * 64 + ".com", "h%00", "[::1%25x]")
    },
    "a redirect too long": says(b"HTTP/1.1 302 F\r\nLocation: /" + b"x" * 80_000 + b"\r\nContent-Length: 0\r\n\r\n"),
    "a redirect to itself": says(b"HTTP/1.1 302 F\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
    "a wait without end": says(b"HTTP/1.1 503 B\r\nRetry-After: " + b"9" * 400 + b"\r\nContent-Length: 0\r\n\r\n"),
    "a wait of garbage": says(b"HTTP/1.1 503 B\r\nRetry-After: \xffsoon\r\nDate: -\r\nContent-Length: 0\r\n\r\n"),
    "an id of garbage": says(HEAD + b"\r\nid: \xff\x01\x7f\n data\ndata: x\n\n" * 3),
    "a retry of garbage": says(HEAD + b"\r\nretry: " + b"9" * 5000 + b"\nretry: -1\nretry: \xd9\xa1\n\n"),
    "a status of garbage": says(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"status": [' + b"[" * 5000),
    "a status of broken characters": says(b'HTTP/1.1 200 OK\r\n\r\n{"status":"\xff","jobId":"\xff","token":"\xff"}'),
    "a stream of brackets": says(HEAD + b"\r\nid: 1\nevent: processing\ndata: " + b"[" * 9_000 + b"\n\n"),
    "a status of surrogates": says(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"status":"\\ud800"}'),
    "RST": rst,
    "FIN": says(b""),
    "silence": nothing,
}


HELD = {"endless comments"}
"""Answers that are no trouble to a stream: a server that comments is alive, and no client may leave it (law L15)."""


class GarbageStage(Stage):
    """A server whose first ``times`` answers are garbage, whatever is asked."""

    def __init__(self, answer, times):
        super().__init__()
        self._answer_raw = answer
        self._left = times

    async def _serve(self, pipe):
        if self._left <= 0:
            await super()._serve(pipe)
            return
        self._left -= 1
        try:
            asked = b""
            while b"\r\n\r\n" not in asked:
                data = await pipe.receive_some()
                if not data:
                    return
                asked += data
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._until_gone, pipe, nursery)
                await self._answer_raw(pipe)
                nursery.cancel_scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(pipe)


@pytest.mark.parametrize("name", [name for name in ANSWERS if name not in HELD])
def test_the_job_is_followed_to_its_end_once_the_server_heals(name):
    played = play(GarbageStage(ANSWERS[name], times=4), lasts=3600.0)
    assert played.outcome is not None, played.hows
    assert played.outcome.ended == "completed"
    assert (played.left_open, played.tasks_left) == (0, 0)


@pytest.mark.parametrize("name", ANSWERS)
def test_starting_a_job_gives_a_job_or_says_why_not(name):
    assert start(ANSWERS[name])


def start(answer, times=3):
    """Start a job where the first answers are garbage; returns the job's id, or what the app is told."""

    async def main():
        stage = GarbageStage(answer, times)
        async with trio.open_nursery() as stage.nursery:
            async with SSEClient("http://server", phone=stage, draws=random.Random) as client:
                try:
                    with trio.fail_after(3600):
                        job = await client.start()
                except PeerError as error:
                    job = str(error)
            stage.nursery.cancel_scope.cancel()
        return job

    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_a_stream_of_comments_is_held_in_one_connection_and_no_memory():
    """Comments are life to the watchdog, and no evidence: no client polls, nothing is dialled anew, nothing is kept."""
    tracemalloc.start()
    played = play(GarbageStage(endless(COMMENTING, b": hello\n" * 5_000, pause=1.0), times=1), lasts=600.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(played.stage.dials), played.words) == (1, ["connecting", "connected", "closed"])
    assert peak < 2_000_000  # of the 27 MB that came


def test_comments_are_no_evidence_that_resets_the_backoff():
    """A second of comments, and RST: each wait is longer than the last one, up to the cap."""

    async def comments_then_rst(pipe):
        with trio.move_on_after(1.5):
            await endless(COMMENTING, b": hello\n", pause=1.0)(pipe)
        pipe.reset()

    policies = msgspec.structs.replace(REFERENCE, jitter=Jitter.NONE, polls_after_failures=None)
    played = play(GarbageStage(comments_then_rst, times=7), policies=policies)
    assert played.hows == ["error"] * 7 + ["done"]
    assert played.waits[1:] == [1, 2, 4, 8, 16, 30, 30]


def test_a_client_that_is_fed_by_events_leaves_a_stream_of_comments():
    policies = msgspec.structs.replace(REFERENCE, watchdog_fed_by=FedBy.EVENTS)
    played = play(GarbageStage(ANSWERS["endless comments"], times=1), policies=policies)
    assert (played.hows, played.outcome.ended) == (["watchdog", "done"], "completed")


@pytest.mark.parametrize("seconds", [b"9" * 400, b"3600", b"Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_retry_after_beyond_the_longest_wait_of_the_client_is_cut_to_that(seconds):
    busy = b"HTTP/1.1 503 B\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\nRetry-After: " + seconds
    policies = msgspec.structs.replace(REFERENCE, jitter=Jitter.NONE, polls_after_failures=None)
    played = play(GarbageStage(says(busy + b"\r\n\r\n"), times=2), policies=policies)
    assert played.waits[1:] == [REFERENCE.retry_stream] * 2
    assert played.causes[1:] == ["retry-after"] * 2


@pytest.mark.parametrize("name", ["no gzip at all", "half a gzip", "a coding of nobody"])
def test_a_body_that_cannot_be_decoded_is_an_attempt_that_failed(name):
    played = play(GarbageStage(ANSWERS[name], times=1))
    assert (played.hows, played.outcome.ended) == (["error", "done"], "completed")
    assert re.search("gzip|'br'", played.watcher.ends[0].detail)


@pytest.mark.parametrize("name", ["RST", "no gzip at all", "endless comments", "a coding of nobody"])
def test_a_job_whose_answer_is_lost_is_told_in_words(name):
    told = start(ANSWERS[name])
    assert told.startswith("the answer to starting a job was lost, and with it the job: ")
    assert "\n" not in told


def test_a_body_a_byte_a_second_is_alive_and_every_event_of_it_is_shown():
    body = b"".join(event(f"a-{n}", "completed" if n == 3 else "processing").encode() for n in range(1, 4))
    played = play(GarbageStage(head_at_once(body), times=1), lasts=3600.0)
    assert [entry[1] for entry in played.shown] == ["processing", "processing", "completed"]
    assert played.hows == ["done"]


def head_at_once(body):
    async def answer(pipe):
        await pipe.send_all(HEAD + b"\r\n")
        await slowly(body)(pipe)

    return answer


def test_a_good_gzip_stream_is_read():
    body = event("a-9", "completed").encode()
    played = play(GarbageStage(says(GZIP + gzip.compress(body)), times=1), lasts=60.0)
    assert [entry[1:3] for entry in played.shown] == [("completed", "a-9")]
    assert json.loads(played.outcome.event.data) == {"is": "a-9"}
