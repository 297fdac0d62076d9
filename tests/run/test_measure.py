"""The effect of a path's shape is held against the plan's numbers: neither less of it, nor more, nor sooner."""

import math
from types import SimpleNamespace

import pytest

from harness.chance import Dice
from harness.run.measure import begun, delays, occupies, rate_met, rate_of, slices_met
from harness.run.readbacks import lines_first
from harness.toxics.shape import Shape
from harness.toxics.slicer import Slicer
from harness.toxics.toxic import StageContext, StreamChunk
from harness.vocabulary import Direction

UP, DOWN = Direction.UPSTREAM, Direction.DOWNSTREAM
SLOW = Shape(latency=0.3, jitter=0.05, down=32_000.0, up=8_000.0)
QUICK = Shape(latency=0.002, jitter=0.001)
TICK = 0.001


@pytest.mark.parametrize(
    ("way", "size", "took", "met", "symptom"),
    [
        (DOWN, 6_400, 0.5, True, None),
        (DOWN, 6_400, 0.3, False, "soon"),  # there is no rate
        (DOWN, 6_400, 0.76, False, "late"),  # half of it, with the longest delay
        (UP, 1_600, 0.5, True, None),
        (UP, 1_600, 0.34, False, "soon"),
        (UP, 1_600, 0.8, False, "late"),
    ],
)
def test_a_rate_is_met_by_what_takes_as_long_as_it_must_and_not_much_longer(way, size, took, met, symptom):
    found = rate_met(SLOW, way, size, took, ahead=False, slack=TICK)
    assert found.met is met
    assert met or found.symptom == symptom


def test_a_line_before_the_delay_hides_in_it():
    assert rate_met(SLOW, DOWN, 6_400, 0.3, ahead=True, slack=TICK).met
    assert not rate_met(SLOW, DOWN, 6_400, 0.2, ahead=True, slack=TICK).met
    assert occupies(SLOW, DOWN) == 6_400
    assert occupies(SLOW, DOWN, ahead=True) == 0
    assert occupies(Shape(down=32_000.0, latency=0.1), DOWN, ahead=True) == 6_400


def test_what_a_rate_takes_is_counted_in_the_whole_kilobytes_of_a_proxy():
    shape = Shape(down=1_400.0)
    assert rate_of(shape, DOWN) == 1_000
    assert rate_met(shape, DOWN, 200, 0.55, ahead=False, slack=TICK).met


@pytest.mark.parametrize(
    ("before", "after", "took", "so"),
    [
        (QUICK, SLOW, [0.02, 0.3], True),
        (QUICK, SLOW, [0.26, 0.3], False),  # it came at once
        (SLOW, QUICK, [0.002, 0.27], True),
        (SLOW, QUICK, [0.002, 0.003], False),
        (QUICK, SLOW, [], True),
        (QUICK, Shape(latency=0.004), [0.004], True),  # no delay can tell
        (Shape(down=1_000.0), Shape(latency=0.3, down=1_000.0), [0.5], True),  # it waited for others
    ],
)
def test_a_change_over_time_has_begun_and_is_not_over_when_a_quarter_of_it_is(before, after, took, so):
    assert begun(after, before, DOWN, 0.25, took, slack=TICK) is so


def test_a_chain_has_its_line_first_where_its_toxic_was_there_first():
    assert lines_first({"bandwidth_upstream": "", "latency_upstream": ""}) == {UP}
    assert lines_first({"latency_upstream": "", "bandwidth_upstream": "", "bandwidth_downstream": ""}) == set()
    assert lines_first({}) == set()


@pytest.mark.parametrize(("reads", "met"), [(1, False), (4, True), (8, True), (9, False)])
def test_slices_are_neither_whole_nor_finer_than_half_of_what_they_should_be(reads, met):
    assert slices_met(Shape(slice_size=16), UP, 38, reads).met is met
    assert slices_met(Shape(slice_size=1), UP, 10, reads + 1).met


def test_a_line_cuts_what_it_carries_too():
    assert slices_met(Shape(slice_size=1_000, up=1_000.0), UP, 2_000, 20).met
    assert not slices_met(Shape(slice_size=1_000), UP, 2_000, 20).met


@pytest.mark.parametrize("size", [1, 2, 3, 7, 16, 100])
def test_no_slice_of_a_slicer_is_shorter_than_half_of_its_size(size):
    toxic = Slicer(average_size=size, delay=1000)
    for length in range(1, 300):
        steps = toxic.take(StreamChunk(b"x" * length, 0.0), StageContext(0.0, Dice(1)))
        assert min(len(step.chunk.data) for step in steps if step.chunk.data) >= min(length, (size + 1) // 2)


def test_the_head_of_a_request_is_no_byte_that_was_on_its_way():
    sent = [(0.0, 0), (0.1, 5), (0.2, 10)]
    feed = SimpleNamespace(pieces=sent, pulse=SimpleNamespace(arrivals=[(0.13, 5), (0.24, 10)]))
    assert delays(feed, UP, -math.inf) == pytest.approx([0.03, 0.04])
    assert delays(feed, UP, 0.1) == pytest.approx([0.04])
