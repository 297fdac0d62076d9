import math

import pytest

from harness.judge.obligations.instants import GRID, between, clip, earliest, latest, smear


def test_a_set_is_all_instants_from_one_to_another():
    found = between(1.0, 2.0)
    assert (earliest(found), latest(found)) == (1.0, 2.0)
    assert found.bit_count() == 201


def test_a_set_is_rounded_outwards():
    found = between(1.001, 1.006)
    assert (earliest(found), latest(found)) == (1.0, pytest.approx(1.01))


def test_nothing_lies_between_an_end_and_a_beginning():
    assert between(2.0, 1.0) == 0
    assert (earliest(0), latest(0)) == (math.inf, -math.inf)


def test_an_instant_on_the_grid_is_one_bin():
    assert between(0.3, 0.3).bit_count() == 1  # 0.3 / 0.005 is not whole in floating point


def test_what_is_before_the_beginning_is_in_the_first_bin():
    assert between(-3.0, -1.0) == between(0.0, 0.0)


def test_a_wait_smears_each_instant():
    found = smear(between(1.0, 1.0), 0.5, 1.0)
    assert (earliest(found), latest(found), found.bit_count()) == (1.5, 2.0, 101)
    assert smear(0, 0.5, 1.0) == 0
    assert smear(between(1.0, 2.0), 3.0, 3.0) == between(4.0, 5.0)


def test_two_instants_apart_stay_apart_if_the_wait_is_short():
    found = smear(between(1.0, 1.0) | between(9.0, 9.0), 1.0, 2.0)
    assert found == between(2.0, 3.0) | between(10.0, 11.0)


def test_a_set_is_clipped_to_a_stretch_without_its_end():
    found = clip(between(1.0, 5.0), 2.0, 3.0)
    assert (earliest(found), latest(found)) == (2.0, 3.0 - GRID)
    assert clip(between(1.0, 5.0), 2.0, math.inf) == between(2.0, 5.0)
    assert clip(between(1.0, 5.0), 6.0, 7.0) == clip(between(1.0, 5.0), 3.0, 2.0) == 0


def test_a_smear_is_the_same_as_each_instant_by_itself():
    instants, found = between(0.1, 0.2) | between(0.5, 0.5), 0
    for place in range(instants.bit_length()):
        if instants >> place & 1:
            found |= between(place * GRID + 0.25, place * GRID + 1.0)
    assert smear(instants, 0.25, 1.0) == found
