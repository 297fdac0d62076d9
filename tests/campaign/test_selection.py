"""Which plans run."""

import json

import pytest

from harness.campaign.selection import BOTH, Choice, chosen
from harness.errors import UsageError


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


PASSED = {"name": "handoff", "variant": "gap=5s", "word": "pass"}


@pytest.mark.parametrize(
    "summary",
    [
        {"runs": [{"name": "handoff", "variant": "gap=500ms", "word": "unknown"}, PASSED], "not_run": []},
        {"runs": [PASSED], "not_run": ["handoff gap=500ms"]},
        {"runs": [PASSED], "not_run": ["handoff gap=500ms seed 7"]},
        {"runs": [PASSED], "not_run": [], "unjudged": {"handoff/reference-real-s7-gap=500ms": "its folder is gone"}},
    ],
    ids=["unknown", "never started", "never started, of several seeds", "without a verdict"],
)
def test_what_has_not_passed_is_run_again(tmp_path, summary):
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    found = chosen(Choice(targets=("handoff",), failed_in=tmp_path), None)
    assert [plan.variant for plan in found] == ["gap=500ms"]


def test_where_all_passed_nothing_is_run_again(tmp_path):
    (tmp_path / "summary.json").write_text(json.dumps({"runs": [PASSED], "not_run": []}))
    with pytest.raises(UsageError, match="none of these failed"):
        chosen(Choice(targets=("handoff",), failed_in=tmp_path), None)


LONG = """\
scenario: long
job: {lasts: 10m}
paths: {wifi: wifi}
world: virtual
"""


def test_on_real_sockets_what_is_for_virtual_time_alone_is_left_out_and_told(tmp_path):
    (tmp_path / "long.yaml").write_text(LONG)
    (tmp_path / "short.yaml").write_text(LONG.replace("virtual", "any"))
    told = []
    found = chosen(Choice(targets=(str(tmp_path),)), None, told.append)
    assert [plan.name for plan in found] == ["short"]
    assert told == ["left out, being too long for real sockets (--world virtual runs it): long"]
    both = chosen(Choice(targets=(str(tmp_path),), world=BOTH), None)
    assert [(plan.name, plan.world) for plan in both] == [("long", "virtual"), ("short", "real"), ("short", "virtual")]


def test_what_is_for_virtual_time_alone_cannot_be_run_on_real_sockets(tmp_path):
    (tmp_path / "long.yaml").write_text(LONG)
    with pytest.raises(UsageError, match="too long for real sockets, and to be run with --world virtual: long"):
        chosen(Choice(targets=(str(tmp_path),)), None)
    (tmp_path / "long.yaml").write_text(LONG.replace("virtual", "real"))
    with pytest.raises(UsageError, match='expected one of any, virtual, got "real"'):
        chosen(Choice(targets=(str(tmp_path),)), None)
