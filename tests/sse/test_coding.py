"""Content codings: what is undone, how much of it at once, and what is an error."""

import gzip
import random
import tracemalloc
import zlib

import pytest

from harness.sse.coding import PIECE, CodingError, decoder

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
    with pytest.raises(CodingError, match="gzip"):
        decoded("gzip", chunks)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, BR", "gzip" + ", gzip" * 5])
def test_a_coding_that_nobody_asked_for_is_an_error(coding):
    with pytest.raises(CodingError, match="as it is, or in gzip or deflate"):
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
