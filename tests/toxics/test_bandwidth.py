import math

import pytest

from harness.toxics import BadToxic, toxic_of
from tests.toxics.drive import chain_of, drive, sizes, spec, times


def test_a_chunk_leaves_when_its_bytes_have_been_sent():
    assert times(drive(chain_of(spec("bandwidth", rate=10)), [(0.0, b"x" * 500), (1.0, b"x" * 10)])) == [0.05, 1.001]


def test_a_kilobyte_is_1000_bytes_and_pieces_take_100_ms():
    out = drive(chain_of(spec("bandwidth", rate=10)), [(0.0, b"x" * 3500)])
    assert sizes(out) == [(0.1, 1000), (0.2, 1000), (0.3, 1000), (0.35, 500)]


def test_exactly_100_ms_of_data_is_one_piece():
    assert sizes(drive(chain_of(spec("bandwidth", rate=10)), [(0.0, b"x" * 2000)])) == [(0.1, 1000), (0.2, 1000)]


def test_chunks_follow_each_other_without_a_gap():
    out = drive(chain_of(spec("bandwidth", rate=100)), [(0.0, b"x" * 1000)] * 20)
    assert times(out) == [round(0.01 * number, 6) for number in range(1, 21)]


def test_idle_time_earns_no_credit():
    out = drive(chain_of(spec("bandwidth", rate=10)), [(0.0, b"x" * 100), (60.0, b"x" * 100), (60.0, b"x" * 100)])
    assert times(out) == [0.01, 60.01, 60.02]


def test_rate_0_stalls_and_loses_nothing():
    chain = chain_of(spec("bandwidth", rate=0))
    pushes = [(0.0, b"a"), (0.1, b"b"), (0.2, b"c")]
    out = drive(chain, pushes, at=[(12.0, lambda now: chain.remove(now, "bandwidth"))])
    assert out == [(12.0, b"a"), (12.0, b"b"), (12.0, b"c")]


def test_a_stall_holds_the_reader_back():
    chain = chain_of(spec("bandwidth", rate=0))
    pushed = 0
    while chain.room:
        chain.push(0.0, b"x")
        pushed += 1
    assert pushed == 4
    assert chain.next_due() == math.inf


def test_a_late_wake_up_delays_one_piece_only():
    chain = chain_of(spec("bandwidth", rate=1))
    for _ in range(3):
        chain.push(0.0, b"x" * 100)
    assert chain.pop(0.13) == [b"x" * 100]
    assert chain.next_due() == pytest.approx(0.2)


def test_time_that_a_blocked_writer_took_is_lost():
    chain = chain_of(spec("bandwidth", rate=1))
    for _ in range(3):
        chain.push(0.0, b"x" * 100)
    assert chain.pop(10.0) == [b"x" * 100]
    assert chain.next_due() == pytest.approx(10.05)


def test_a_negative_rate_is_refused():
    with pytest.raises(BadToxic, match=r"bandwidth rate: expected 0 \(a stall\) or more KB/s, got -1"):
        toxic_of("bandwidth", {"rate": -1})
