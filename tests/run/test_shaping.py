import pytest

from harness.run.shaping import MORE_SLICES, TRIES, Gauge, _lengths
from harness.run.witness import Observation
from harness.toxics.shape import Shape
from harness.vocabulary import Direction
from harness.world import virtual

MET = Observation(True, "12 reads of about 40 B")
WHOLE = Observation(False, "1 reads of about 40 B", "whole")
REFUSED = Observation(False, "no answer", "refused")


@pytest.mark.parametrize(
    ("looks", "told", "count"),
    [
        ([[MET]], [MET], 1),
        ([[WHOLE], [MET]], [MET], 2),
        ([[WHOLE]] * 5, [WHOLE], TRIES),
        ([[REFUSED], [MET]], [REFUSED], 1),
        ([[WHOLE], []], [WHOLE], 2),
        ([[]], [], 1),
    ],
)
def test_what_a_busy_machine_may_have_done_is_looked_at_again_and_nothing_else(looks, told, count):
    taken = []

    async def look():
        taken.append(looks[len(taken)])
        return taken[-1]

    async def main():
        return await Gauge._tried(look, "whole")

    assert virtual.run(main, seed=7) == told
    assert len(taken) == count


@pytest.mark.parametrize(
    ("size", "rate", "lengths"),
    [
        (7, None, [14, 112, 448]),
        (1400, None, [2800, 8192, 8192]),
        (1400, 10_000.0, [2800, 2800, 2800]),
        (8192, None, [16_384] * 3),
        (100, 10_000.0, [200, 1000, 1000]),
    ],
)
def test_each_look_at_slices_is_at_more_of_them_as_far_as_a_line_carries_them_at_once(size, rate, lengths):
    assert len(MORE_SLICES) == TRIES
    assert _lengths(size, Shape(up=rate, slice_size=size), Direction.UPSTREAM) == lengths
