"""Bodies of responses: errors are httpx's, others run between the pieces, and nothing is left behind."""

import gc
import gzip

import httpx
import pytest
import trio
import trio.testing

from harness.clients.body import ResponseBody
from harness.sse.coding import PIECE
from tests.clients.stage import Stage, event, play, says


class Sent(httpx.AsyncByteStream):
    """A body in these chunks."""

    def __init__(self, *chunks):
        self.chunks = list(chunks)

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self.chunks:
            raise StopAsyncIteration
        return self.chunks.pop(0)


def test_a_coding_that_nobody_asked_for_is_an_error_of_httpx():
    with pytest.raises(httpx.DecodingError, match="gzip or deflate"):
        ResponseBody(httpx.Response(200, headers={"content-encoding": "br"}, stream=Sent()))


@pytest.mark.parametrize("chunk", [b"no gzip at all", gzip.compress(b"x")[:-3]])
async def test_what_is_no_gzip_or_half_a_gzip_is_an_error_of_httpx(chunk):
    body = ResponseBody(httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Sent(chunk)))
    with pytest.raises(httpx.DecodingError, match="gzip"):
        [piece async for piece in body]


async def test_others_run_between_the_pieces_of_a_bomb():
    turns = []

    async def other():
        while True:
            turns.append(1)
            await trio.lowlevel.checkpoint()

    bomb = Sent(gzip.compress(bytes(20 * PIECE)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        body = ResponseBody(httpx.Response(200, headers={"content-encoding": "gzip"}, stream=bomb))
        for _ in range(20):
            assert await anext(body) == bytes(PIECE)
        nursery.cancel_scope.cancel()
    assert len(turns) >= 18


def closes_when_told():
    """(stage, actor): the client is closed once ``stage.told`` is set."""

    async def actor(stage, client):
        await stage.told.wait()
        await client.aclose()

    stage = Stage()
    stage.told = trio.Event()
    return stage, actor


def test_a_client_closed_amid_a_burst_or_a_gap_leaves_nothing_behind():
    async def hangs(reply):
        stage.told.set()
        await trio.sleep_forever()

    stage, actor = closes_when_told()
    stage.streams = [says("".join(event(f"a-{n}") for n in range(1000)), then="")]
    burst = play(stage, lasts=10, beside=actor, handler=lambda event: stage.told.set())
    assert 0 < len(burst.shown) < 1000
    stage, actor = closes_when_told()
    stage.streams, stage.status = [says(event("a-1"), event("b-1"), then="")], hangs
    gap = play(stage, lasts=10, beside=actor)
    gc.collect()
    for played in (burst, gap):
        assert played.outcome.ended == "closed"
        assert (played.left_open, played.tasks_left) == (0, 0)
