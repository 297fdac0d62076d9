import pytest

from harness.toxics import TYPES, BadToxic, toxic_of
from harness.toxics.bandwidth import Bandwidth
from harness.toxics.latency import Latency


def test_all_types_of_toxiproxy_are_there():
    assert {name: list(kind().attributes) for name, kind in TYPES.items()} == {
        "latency": ["latency", "jitter"],
        "bandwidth": ["rate"],
        "slow_close": ["delay"],
        "timeout": ["timeout"],
        "reset_peer": ["timeout"],
        "slicer": ["average_size", "size_variation", "delay"],
        "limit_data": ["bytes"],
        "noop": [],
    }


def test_a_type_is_known_by_its_wire_name():
    assert toxic_of("latency", {"latency": 5}) == Latency(latency=5, jitter=0)


@pytest.mark.parametrize("name", ["", "Latency", "lag"])
def test_an_unknown_type_is_refused_in_toxiproxys_words(name):
    with pytest.raises(BadToxic, match=r"^invalid toxic type$"):
        toxic_of(name, {})


def test_keys_match_in_any_case_and_unknown_ones_are_dropped():
    assert toxic_of("latency", {"LATENCY": 7, "colour": "red", "jitter": None}).attributes == {
        "latency": 7,
        "jitter": 0,
    }


def test_merging_keeps_the_other_attributes():
    assert Latency(latency=5, jitter=2).replaced({"latency": 9}) == Latency(latency=9, jitter=2)


@pytest.mark.parametrize("value", [1.5, 1.0, "1", True, [], 2**63])
def test_a_value_that_is_not_a_whole_number_is_refused(value):
    with pytest.raises(BadToxic, match="bandwidth attribute rate: expected a whole number"):
        Bandwidth().replaced({"rate": value})
