"""A few hundred kilobytes that want to become hundreds of megabytes: the client keeps no more than it has a use for."""

import functools
import tracemalloc
import zlib

import pytest
import trio
import trio.testing

from harness.clients import SSEClient
from harness.clients.requests import MAX_ANSWER, MAX_RESULTS
from harness.errors import PeerError
from harness.sse.policy import REFERENCE
from tests.clients.stage import Stage, completes, in_turn, play

pytestmark = pytest.mark.slow

FULL = 200_000_000
TALK = 1_000_000
"""Of what has to be parsed line by line."""

SLACK = 6_000_000
"""Bytes for everything else: the stage, a chunk on its way, what a piece of events is parsed into."""

LINES = 15
"""An event of the shortest lines is held as so many times its size for a moment, when it is found to be too big."""


@functools.cache
def bomb(unit, size=FULL):
    """So many bytes of the same unit, as gzip."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = unit * (1_000_000 // len(unit))
    return b"".join([*(packer.compress(block) for _ in range(size // len(block))), packer.flush()])


def answers_a_bomb(unit, size=FULL, content_type="application/json"):
    async def handler(reply):
        await reply.full(200, bomb(unit, size), content_type=content_type, content_encoding="gzip")

    return handler


def streams_a_bomb(unit, size=FULL):
    return answers_a_bomb(unit, size, content_type="text/event-stream")


def peak_of(run):
    """Return what a run gives, and the most bytes that were held while it lasted."""
    tracemalloc.start()
    try:
        return run(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("unit", "size", "how"),
    [
        (b"\0", FULL, "too-big"),
        (b"data: x\n", FULL, "too-big"),
        (b": " + b"x" * 997 + b"\n", FULL, "eof"),
        (b"\n", TALK, "eof"),
        (b"id\n\n", TALK, "eof"),
        (b"retry: 1000\n", TALK, "eof"),
        (b"data: x\n\n", TALK, "eof"),
    ],
)
def test_a_stream_may_be_a_bomb(unit, size, how):
    bomb(unit, size)
    stage = Stage(streams=[streams_a_bomb(unit, size), completes])
    played, peak = peak_of(lambda: play(stage))
    assert (played.hows, played.outcome.ended) == ([how, "done"], "completed")
    assert peak < LINES * REFERENCE.max_event + SLACK


def test_a_status_may_be_a_bomb():
    bomb(b" ")

    async def refuses(reply):
        await reply.full(403)

    stage = Stage(streams=[*[refuses] * 4, completes], status=answers_a_bomb(b" "))
    played, peak = peak_of(lambda: play(stage))
    assert played.outcome.ended == "completed"
    assert played.outcome.counts.polls > 0
    assert peak < MAX_ANSWER + SLACK


def test_results_may_be_a_bomb():
    bomb(b"x")
    stage = Stage(results=in_turn(answers_a_bomb(b"x"), lambda reply: reply.json({"rows": 3})))
    played, peak = peak_of(lambda: play(stage))
    assert [entry[2:] for entry in played.watcher.of("results")] == [(0, False), (200, True)]
    assert played.outcome.results.body == b'{"rows": 3}'
    assert peak < 1.5 * MAX_RESULTS


def test_the_answer_to_starting_a_job_may_be_a_bomb():
    bomb(b" ")

    async def main():
        stage = Stage(starts=answers_a_bomb(b" "))
        async with trio.open_nursery() as stage.nursery:
            async with SSEClient("http://server", phone=stage) as client:
                with pytest.raises(PeerError, match=f"an answer larger than {MAX_ANSWER} bytes"):
                    await client.start()
            stage.nursery.cancel_scope.cancel()

    _, peak = peak_of(lambda: trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0)))
    assert peak < MAX_ANSWER + SLACK
