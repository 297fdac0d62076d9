"""Bodies of responses: what is decoded, how much of it at once, and what is left behind."""

import gc
import gzip
import random
import tracemalloc
import zlib

import httpx
import pytest
import trio
import trio.testing

from harness.clients.body import PIECE, Body, decoder
from tests.clients.stage import Stage, event, play, says

TEXT = random.Random(7).randbytes(100_000) + bytes(300_000)


def bare(text, level=6):
    """Deflate without the header and the sum of zlib's format."""
    return zlib.compress(text, level, wbits=-zlib.MAX_WBITS)


CODED = {
    "": TEXT,
    "identity": TEXT,
    "gzip": gzip.compress(TEXT),
    "X-GZip": gzip.compress(TEXT[:1000]) + gzip.compress(b"") + gzip.compress(TEXT[1000:]),
    " deflate": zlib.compress(TEXT),
    "none": TEXT,
    "UTF-8": TEXT,
    "gzip, identity": gzip.compress(TEXT),
    "identity, gzip,": gzip.compress(TEXT),
    "Deflate": bare(TEXT),
    "deflate, none": bare(TEXT, level=0),
    "deflate, gzip": gzip.compress(zlib.compress(TEXT)),
    "gzip, gzip": gzip.compress(gzip.compress(TEXT)),
    "gzip, gzip, identity": gzip.compress(TEXT),
    "deflate, deflate": zlib.compress(TEXT),
    "gzip, deflate, gzip": gzip.compress(bare(TEXT)),
}


def decoded(coding, chunks):
    inflating = decoder(coding)
    pieces = [bytes(piece) for chunk in chunks for piece in inflating.pieces(chunk)]
    inflating.finish()
    return pieces


@pytest.mark.parametrize("size", [1, 700, 1 << 20])
@pytest.mark.parametrize("coding", CODED)
def test_what_was_coded_comes_out_whatever_the_cuts(coding, size):
    data = CODED[coding]
    assert b"".join(decoded(coding, (data[at : at + size] for at in range(0, len(data), size)))) == TEXT


@pytest.mark.parametrize("extra", [-1, 0, 1, PIECE - 1, PIECE])
def test_a_body_that_ends_with_a_piece_is_whole(extra):
    text = b"x" * (PIECE + extra)
    assert b"".join(decoded("gzip", [gzip.compress(text)])) == text


def test_no_piece_is_larger_than_the_limit_and_a_bomb_holds_no_memory():
    bomb = gzip.compress(bytes(100_000_000))
    tracemalloc.start()
    sizes = [len(piece) for piece in decoder("gzip").pieces(bomb)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (sum(sizes), max(sizes)) == (100_000_000, PIECE)
    assert peak < 10 * PIECE + len(bomb)


@pytest.mark.parametrize("chunks", [[b"no gzip at all"], [gzip.compress(TEXT)[:5000]], [gzip.compress(b"x"), b"more"]])
def test_what_is_no_gzip_or_half_a_gzip_is_an_error(chunks):
    with pytest.raises(httpx.DecodingError, match="gzip"):
        decoded("gzip", chunks)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, BR", "gzip" + ", gzip" * 5])
def test_a_coding_that_nobody_asked_for_is_an_error(coding):
    with pytest.raises(httpx.DecodingError, match="as it is, or in gzip or deflate"):
        decoder(coding)


def test_an_empty_body_is_whole_in_any_coding():
    assert [decoded(coding, []) for coding in CODED] == [[]] * len(CODED)


def test_a_bomb_in_a_bomb_holds_no_memory_and_lets_others_run_though_nothing_comes_of_it():
    """Each step is bounded work: the outer bomb is of gzips that hold nothing at all."""
    bomb = gzip.compress(gzip.compress(b"") * 50_000)
    tracemalloc.start()
    pieces = list(decoder("gzip, gzip").pieces(bomb))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(pieces) == len(gzip.compress(b"")) * 50_000 // PIECE + 1
    assert not any(pieces)
    assert peak < 10 * PIECE + len(bomb)


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


async def test_others_run_between_the_pieces_of_a_bomb():
    turns = []

    async def other():
        while True:
            turns.append(1)
            await trio.lowlevel.checkpoint()

    bomb = Sent(gzip.compress(bytes(20 * PIECE)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        body = Body(httpx.Response(200, headers={"content-encoding": "gzip"}, stream=bomb))
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
