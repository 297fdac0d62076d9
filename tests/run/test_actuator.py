import tracemalloc

import pytest
import trio
from msgspec.structs import replace

from harness.deeds.acts import Deed, Limits, SetShape, SetSlice
from harness.device.words import Radio
from harness.run.actuator import STEP, Actuator, ShapeRamp
from harness.scenario import Scenario, plans
from harness.scenario.model import RateStep
from harness.toxics.shape import Shape
from harness.vocabulary import Direction
from harness.world import virtual

SLOW = Shape(latency=0.5, jitter=0.1, down=1_000.0, up=1_000.0)
FAST = Shape(latency=0.1, jitter=0.0, down=100_000.0, up=1_000.0)


def ramp(before, after, over):
    """All steps of a change."""
    change, found = ShapeRamp(before, after, over), []
    while change.under_way:
        change.done += 1
        found.append(change.now)
    return found


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
        change = ShapeRamp(FAST, SLOW, 86_400.0)
        change.done = change.steps // 2
        assert change.now.latency == pytest.approx(0.3)
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
    """Return what proxies and a gate were given by acts on Wi-Fi, each with its time."""
    [plan] = plans(Scenario(scenario="s", job={"lasts": "9s"}, paths={"wifi": "loopback"}), world="virtual")
    proxies, gate = Proxies(), Radios()

    async def main():
        actuator = Actuator(plan, gates={"c1": gate}, toxiproxy=proxies, middle=None, server=None)
        async with trio.open_nursery() as later:
            start = trio.current_time()
            for index, (at, act) in enumerate(acts):
                await trio.sleep_until(start + at)
                await actuator.once(Deed(index=index, at=at, actor="wifi", act=act, text=""), later)
            await trio.sleep_until(start + until)

    virtual.run(main, seed=7)
    return proxies, gate


def given_by(timeline, until=20.0, **sections):
    """Return what Wi-Fi's downstream was given, by time, when a scenario's own deeds were done."""
    facts = {"scenario": "s", "job": {"lasts": "19s"}, "paths": {"wifi": "edge"}, "timeline": timeline}
    [plan] = plans(Scenario(**facts, **sections), world="virtual")
    proxies = Proxies()

    async def main():
        actuator = Actuator(plan, gates={}, toxiproxy=proxies, middle=None, server=None)
        async with trio.open_nursery() as later:
            start = trio.current_time()
            for deed in plan.deeds:
                await trio.sleep_until(start + deed.at)
                await actuator.once(deed, later)
            await trio.sleep_until(start + until)

    virtual.run(main, seed=7)
    return {at: shape for at, _, way, shape in proxies.given if way is Direction.DOWNSTREAM}


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


CLIMB = given_by({"1s": {"wifi": "lte over 4s"}})
"""From 2G to LTE, alone."""


def test_what_adjusts_a_change_over_time_adjusts_what_is_there_and_where_it_leads_to():
    sliced = given_by({"1s": {"wifi": "lte over 4s"}, "2100ms": {"wifi": "sliced to 16B"}})
    expected = {at: shape if at < 2.1 else replace(shape, slice_size=16) for at, shape in CLIMB.items()}
    assert sliced == expected | {2.1: replace(CLIMB[2.0], slice_size=16)}
    assert [CLIMB[at].latency for at in (2.0, 4.75)] == [pytest.approx(0.42 - 5 / 16 * 0.385), 0.035]


def test_a_limit_holds_through_a_change_over_time_and_beyond():
    limited = given_by({"1s": {"wifi": "lte over 4s"}, "2100ms": {"wifi": "limited to 1600kbps"}})
    expected = {at: min(200_000.0, shape.down) for at, shape in (CLIMB | {2.1: CLIMB[2.0]}).items()}
    assert {at: shape.down for at, shape in limited.items()} == expected
    assert CLIMB[2.0].down < 200_000.0 < CLIMB[4.75].down


@pytest.mark.parametrize("deed", ["sliced to 16B for 1s", "limited to 80kbps for 1s"])
def test_when_what_adjusted_it_is_over_the_change_goes_on_as_it_would_have(deed):
    adjusted = given_by({"1s": {"wifi": "lte over 4s"}, "2100ms": {"wifi": deed}})
    over = {at: shape for at, shape in adjusted.items() if at > 3.1}
    assert over == {at: shape for at, shape in CLIMB.items() if at > 3.1}
    assert adjusted[3.1] == CLIMB[3.0]
    assert adjusted[2.25] != CLIMB[2.25]


def test_of_two_that_adjust_a_change_the_other_stays_when_one_is_over():
    told = ["sliced to 16B for 1s", "limited to 80kbps"]
    found = given_by({"1s": {"wifi": "lte over 4s"}, "2100ms": {"wifi": told}})
    assert {(shape.slice_size, shape.down) for at, shape in found.items() if 2.1 < at < 3.1} == {(16, 10_000.0)}
    assert {(shape.slice_size, shape.down) for at, shape in found.items() if at > 3.1} == {(None, 10_000.0)}
    told = {"2s": {"wifi": "sliced to 16B"}, "2100ms": {"wifi": ["limited to 80kbps for 1s", "sliced to 9B for 1s"]}}
    found = given_by({"1s": {"wifi": "lte over 4s"}, **told})
    assert [(found[at].slice_size, found[at].down) for at in (3.0, 4.75)] == [(9, 10_000.0), (16, CLIMB[4.75].down)]


def test_a_limit_that_another_hid_for_a_while_is_back_in_the_middle_of_a_change():
    limits = {"2s": {"wifi": "limited to 1600kbps"}, "2100ms": {"wifi": "limited to 80kbps for 1s"}}
    found = given_by({"1s": {"wifi": "lte over 4s"}, **limits})
    assert {shape.down for at, shape in found.items() if 2.1 <= at < 3.1} == {10_000.0}
    assert {at: shape.down for at, shape in found.items() if at > 3.1} == {
        at: min(200_000.0, shape.down) for at, shape in CLIMB.items() if at > 3.1
    }


def test_a_change_over_time_begins_at_what_is_there():
    turned = given_by({"1s": {"wifi": "lte over 4s"}, "3100ms": {"wifi": "edge over 2s"}})
    there = CLIMB[3.0].latency
    assert turned[3.1].latency == pytest.approx(there + (0.42 - there) / 8)
    assert max(turned) == pytest.approx(3.1 + 7 * STEP)


def test_a_stepped_profile_s_next_rate_does_not_end_a_change_over_time():
    [plan] = plans(Scenario(scenario="s", job={"lasts": "9s"}, paths={"wifi": "loopback"}), world="virtual")
    proxies = Proxies()

    async def main():
        actuator = Actuator(plan, gates={}, toxiproxy=proxies, middle=None, server=None)
        async with trio.open_nursery() as later:
            start = trio.current_time()
            await actuator.once(Deed(index=0, at=0.0, actor="wifi", act=profile(over=2.0), text=""), later)
            await trio.sleep_until(start + 0.6)
            await actuator.step(RateStep(path="wifi", at=0.6, down=7_000.0, up=9_000.0))
            await trio.sleep_until(start + 5.0)

    virtual.run(main, seed=7)
    found = {at: (round(shape.latency, 4), shape.down, shape.up) for at, _, _, shape in proxies.given}
    assert found[0.5] == (0.1875, None, None)
    assert found[0.6] == (0.1875, 7_000.0, 9_000.0)
    assert found[1.75] == (0.5, 7_000.0, 9_000.0)


def test_a_limit_that_is_over_on_a_path_of_stepped_rates_leaves_the_profile():
    limits = {"2s": {"wifi": "limited to 2Mbps for 5s"}, "4s": {"wifi": "limited to 2Mbps for 500ms"}}
    facts = {"scenario": "s", "job": {"lasts": "9s"}, "paths": {"wifi": "5g-drive"}, "timeline": limits}
    [plan] = plans(Scenario(**facts), world="virtual")
    proxies = Proxies()

    async def main():
        actuator = Actuator(plan, gates={"c1": Radios()}, toxiproxy=proxies, middle=None, server=None)
        steps = [change for change in plan.weather if isinstance(change, RateStep) and change.at < 4.5]
        async with trio.open_nursery() as later:
            for change in sorted([*plan.deeds, *steps], key=lambda change: change.at):
                await (actuator.step(change) if isinstance(change, RateStep) else actuator.once(change, later))

    virtual.run(main, seed=7)
    [start] = [spec.shape for spec in plan.paths.values()]
    assert [deed.at for deed in plan.deeds] == [2.0, 4.0, 4.5]
    assert proxies.now("wifi") == dict.fromkeys(Direction, start)
