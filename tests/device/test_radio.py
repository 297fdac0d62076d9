"""What a radio charges, and when."""

import pytest

from harness.device import Radio, RadioState

LTE = Radio(handshake=0.21, wake=0.9, wake_after=10.0)


def test_first_dial_wakes_and_shakes_hands():
    assert RadioState(LTE).dial(100.0) == pytest.approx(101.11)


def test_dial_on_a_radio_in_use_shakes_hands_only():
    antenna = RadioState(LTE)
    antenna.dial(100.0)
    assert antenna.dial(111.0) == pytest.approx(111.21)


def test_quiet_counts_from_the_end_of_the_handshake():
    antenna = RadioState(LTE)
    antenna.dial(100.0)
    assert antenna.chunk(111.1) == 111.1
    assert antenna.chunk(121.2) == pytest.approx(122.1)


def test_dial_while_the_radio_wakes_waits_for_it():
    antenna = RadioState(LTE)
    antenna.dial(100.0)
    assert antenna.dial(100.5) == pytest.approx(101.11)


def test_chunk_after_quiet_waits_once():
    antenna = RadioState(LTE)
    antenna.dial(100.0)
    assert antenna.chunk(112.0) == pytest.approx(112.9)
    assert antenna.chunk(112.1) == pytest.approx(112.9)
    assert antenna.chunk(113.0) == 113.0


def test_quiet_of_just_wake_after_costs_nothing():
    antenna = RadioState(LTE)
    antenna.use(100.0)
    assert antenna.chunk(110.0) == 110.0


def test_wake_after_of_zero_charges_each_dial_and_no_chunk():
    antenna = RadioState(Radio(handshake=0.1, wake=0.9, wake_after=0.0))
    assert antenna.dial(100.0) == pytest.approx(101.0)
    assert antenna.dial(102.0) == pytest.approx(103.0)
    assert antenna.chunk(150.0) == 150.0


def test_radio_without_cost_charges_nothing():
    antenna = RadioState(Radio())
    assert (antenna.dial(5.0), antenna.chunk(50.0)) == (5.0, 50.0)


def test_use_keeps_it_awake_uncharged():
    antenna = RadioState(LTE)
    antenna.use(100.0)
    antenna.use(109.0)
    assert antenna.chunk(118.0) == 118.0
