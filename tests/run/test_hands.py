import tracemalloc

import pytest
import trio

from harness.deeds.acts import Deed, Limits, SetShape, SetSlice
from harness.device.words import Radio
from harness.run.hands import STEP, Hands, Ramp
from harness.scenario import Scenario, plans
from harness.toxics.shape import Shape
from harness.vocabulary import Direction
from harness.world import virtual

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


class Proxies:
    """Notes when a path's directions were given which shape."""

    def __init__(self):
        self.given = []

    async def shape(self, path, shape, direction=None):
        ways = list(Direction) if direction is None else [direction]
        self.given += [(round(trio.current_time(), 6), path, way, shape) for way in ways]
        return {}

    def now(self, path):
        return {way: shape for _, at, way, shape in self.given if at == path}


class Radios:
    """A gate that notes what radio its paths have."""

    def __init__(self):
        self.radios = {}

    def set_radio(self, path, radio):
        self.radios[path] = radio


def told(*acts, until=20.0):
    """What proxies and a gate were given by acts on Wi-Fi, each with its time."""
    [plan] = plans(Scenario(scenario="s", job={"lasts": "9s"}, paths={"wifi": "loopback"}), world="virtual")
    proxies, gate = Proxies(), Radios()

    async def main():
        hands = Hands(plan, gates={"c1": gate}, toxiproxy=proxies, middle=None, server=None)
        async with trio.open_nursery() as later:
            start = trio.current_time()
            for index, (at, act) in enumerate(acts):
                await trio.sleep_until(start + at)
                await hands.once(Deed(index=index, at=at, actor="wifi", act=act, text=""), later)
            await trio.sleep_until(start + until)

    virtual.run(main, seed=7)
    return proxies, gate


def profile(shape=SLOW, **values):
    return SetShape(profile="slow", shape=shape, radio=Radio(wake=2.0), **values)


def test_a_shape_of_one_way_is_given_to_that_way_alone():
    proxies, gate = told((1.0, profile(direction=Direction.UPSTREAM)))
    assert proxies.now("wifi") == {Direction.UPSTREAM: SLOW}
    assert gate.radios == {"wifi": Radio(wake=2.0)}


def test_what_adjusts_a_path_is_given_upon_each_way_s_own_shape():
    proxies, _ = told((1.0, profile(direction=Direction.UPSTREAM)), (2.0, SetSlice(size=16)), (3.0, Limits(rate=500.0)))
    assert proxies.now("wifi") == {
        Direction.UPSTREAM: Shape(latency=0.5, jitter=0.1, down=500.0, up=500.0, slice_size=16),
        Direction.DOWNSTREAM: Shape(down=500.0, up=500.0, slice_size=16),
    }


def test_a_change_over_time_goes_on_until_another_takes_its_place():
    proxies, _ = told((0.0, profile(over=4.0)), (1.1, profile(FAST)))
    assert proxies.now("wifi") == dict.fromkeys(Direction, FAST)
    assert len(proxies.given) == len(Direction) * (5 + 1)
    whole, _ = told((0.0, profile(over=4.0)))
    assert whole.now("wifi") == dict.fromkeys(Direction, SLOW)
    assert len(whole.given) == len(Direction) * 16


def test_of_a_change_over_time_that_half_is_replaced_the_other_goes_on():
    proxies, _ = told((0.0, profile(over=4.0)), (1.1, profile(FAST, direction=Direction.UPSTREAM)))
    assert proxies.now("wifi") == {Direction.UPSTREAM: FAST, Direction.DOWNSTREAM: SLOW}
