"""Which plans run."""

from harness.campaign.choosing import BOTH, Choice, chosen


def test_in_both_worlds_each_plan_is_followed_by_its_virtual_twin():
    found = chosen(Choice(targets=("handoff",), world=BOTH), None)
    assert [(plan.variant, plan.world) for plan in found] == [
        ("gap=500ms", "real"),
        ("gap=500ms", "virtual"),
        ("gap=5s", "real"),
        ("gap=5s", "virtual"),
    ]


def test_a_shard_never_parts_the_two_worlds_of_a_plan():
    found = chosen(Choice(targets=("handoff",), world=BOTH, shard=(2, 2)), None)
    assert [(plan.variant, plan.world) for plan in found] == [("gap=5s", "real"), ("gap=5s", "virtual")]
