import tracemalloc

import pytest

from harness.run.hands import STEP, Ramp
from harness.toxics.shape import Shape

SLOW = Shape(latency=0.5, jitter=0.1, down=1_000.0, up=1_000.0)
FAST = Shape(latency=0.1, jitter=0.0, down=100_000.0, up=1_000.0)


def ramp(before, after, over):
    """All steps of a change."""
    change = Ramp(before, after, over)
    return [change.at(step) for step in range(1, change.steps + 1)]


def test_a_change_at_once_is_one_step():
    assert ramp(FAST, SLOW, 0.0) == [SLOW]


def test_a_change_over_time_takes_a_step_each_quarter_second_and_ends_exactly():
    steps = ramp(FAST, SLOW, 1.0)
    assert len(steps) == round(1.0 / STEP)
    assert steps[-1] == SLOW
    assert [round(step.latency, 6) for step in steps] == [0.2, 0.3, 0.4, 0.5]


def test_rates_change_by_equal_factors():
    downs = [step.down for step in ramp(FAST, SLOW, 0.5)]
    assert [round(down) for down in downs] == [10_000, 1_000]


def test_a_rate_that_becomes_limited_changes_at_the_last_step():
    steps = ramp(Shape(), SLOW, 0.5)
    assert [step.down for step in steps] == [None, 1_000.0]


def test_a_change_over_a_day_is_made_step_by_step():
    tracemalloc.start()
    try:
        change = Ramp(FAST, SLOW, 86_400.0)
        assert [change.at(step).latency for step in (1, change.steps // 2, change.steps)][1:] == [
            pytest.approx(0.3),
            0.5,
        ]
        assert (change.steps, tracemalloc.get_traced_memory()[1] < 100_000) == (345_600, True)
    finally:
        tracemalloc.stop()
