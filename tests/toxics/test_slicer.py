import pytest

from harness.chance import Dice
from harness.toxics import BadToxic, StreamChunk, toxic_of
from harness.toxics.toxic import StageContext
from tests.toxics.drive import chain_of, drive, sizes, spec


def pieces(data: bytes, seed: int = 1, **attributes: object) -> list[bytes]:
    steps = toxic_of("slicer", attributes).take(StreamChunk(data, 0.0), StageContext(0.0, Dice(seed)))
    return [step.chunk.data for step in steps if step.chunk.data]


def test_halves_until_small_enough():
    assert [len(piece) for piece in pieces(b"x" * 10, average_size=3)] == [2, 3, 2, 3]


def test_a_small_chunk_stays_whole():
    assert pieces(b"abc", average_size=2, size_variation=1) == [b"abc"]


def test_byte_by_byte():
    assert pieces(b"event", average_size=1) == [b"e", b"v", b"e", b"n", b"t"]


@pytest.mark.parametrize("seed", range(50))
def test_pieces_join_to_the_chunk_and_are_within_the_variation(seed):
    data = Dice(seed).rng.randbytes(1000)
    cut = pieces(data, seed, average_size=64, size_variation=32)
    assert b"".join(cut) == data
    assert 11 <= len(cut) <= 32
    assert all(1 <= len(piece) <= 96 for piece in cut)


def test_the_largest_variation_ends():
    cut = pieces(b"x" * 32768, average_size=1, size_variation=1)
    assert b"".join(cut) == b"x" * 32768
    assert max(map(len, cut)) <= 2


def test_each_piece_waits_after_the_one_before_and_so_does_the_next_chunk():
    out = drive(chain_of(spec("slicer", average_size=1, delay=1000)), [(0.0, b"abc"), (0.0, b"de")])
    assert sizes(out) == [(0.0, 1), (0.001, 1), (0.002, 1), (0.003, 1), (0.004, 1)]


def test_without_delay_all_pieces_leave_at_once():
    out = drive(chain_of(spec("slicer", average_size=1)), [(0.5, b"abc")])
    assert out == [(0.5, b"a"), (0.5, b"b"), (0.5, b"c")]


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({}, "slicer average_size: expected at least 1 byte, got 0"),
        ({"average_size": -5}, "slicer average_size: expected at least 1 byte, got -5"),
        ({"average_size": 5, "size_variation": 6}, r"slicer size_variation: expected 0 to average_size \(5\), got 6"),
        ({"average_size": 5, "size_variation": -1}, r"slicer size_variation: expected 0 to average_size \(5\), got -1"),
    ],
)
def test_sizes_that_crash_toxiproxy_are_refused(attributes, message):
    with pytest.raises(BadToxic, match=message):
        toxic_of("slicer", attributes)
