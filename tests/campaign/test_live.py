"""The names of runs while they go on."""

import msgspec

from harness.campaign.live import titled
from tests.judge.story import plan

WALK = msgspec.structs.replace(plan(), name="walk", variant="gap=5s", seed=7)


def names(*plans):
    return list(titled(plans).values())


def test_a_lone_run_is_called_by_its_scenario_and_its_variant():
    assert names(WALK) == ["walk gap=5s"]


def test_repeated_runs_are_told_apart_by_their_seeds():
    again, other = (msgspec.structs.replace(WALK, **fields) for fields in ({"seed": 8}, {"variant": "gap=1s"}))
    assert names(WALK, again, other) == ["walk gap=5s seed 7", "walk gap=5s seed 8", "walk gap=1s"]


def test_the_virtual_run_of_a_plan_is_told_from_the_real_one():
    assert names(WALK, msgspec.structs.replace(WALK, world="virtual")) == ["walk gap=5s", "walk gap=5s virtual"]
    assert names(msgspec.structs.replace(WALK, world="virtual")) == ["walk gap=5s"]
