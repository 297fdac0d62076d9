"""The delay that a radio charges, and when."""

import pytest

from harness.device import Radio, RadioState

LTE = Radio(handshake=0.21, wake=0.9, wake_after=10.0)


def test_first_dial_wakes_and_shakes_hands():
    assert RadioState(LTE).dial(100.0) == pytest.approx(101.11)


def test_dial_on_a_radio_in_use_shakes_hands_only():
    state = RadioState(LTE)
    state.dial(100.0)
    assert state.dial(111.0) == pytest.approx(111.21)


def test_quiet_counts_from_the_end_of_the_handshake():
    state = RadioState(LTE)
    state.dial(100.0)
    assert state.chunk(111.1) == 111.1
    assert state.chunk(121.2) == pytest.approx(122.1)


def test_dial_while_the_radio_wakes_waits_for_it():
    state = RadioState(LTE)
    state.dial(100.0)
    assert state.dial(100.5) == pytest.approx(101.11)


def test_chunk_after_quiet_waits_once():
    state = RadioState(LTE)
    state.dial(100.0)
    assert state.chunk(112.0) == pytest.approx(112.9)
    assert state.chunk(112.1) == pytest.approx(112.9)
    assert state.chunk(113.0) == 113.0


def test_quiet_of_just_wake_after_costs_nothing():
    state = RadioState(LTE)
    state.use(100.0)
    assert state.chunk(110.0) == 110.0


def test_wake_after_of_zero_charges_each_dial_and_no_chunk():
    state = RadioState(Radio(handshake=0.1, wake=0.9, wake_after=0.0))
    assert state.dial(100.0) == pytest.approx(101.0)
    assert state.dial(102.0) == pytest.approx(103.0)
    assert state.chunk(150.0) == 150.0


def test_radio_without_cost_charges_nothing():
    state = RadioState(Radio())
    assert (state.dial(5.0), state.chunk(50.0)) == (5.0, 50.0)


def test_use_keeps_it_awake_uncharged():
    state = RadioState(LTE)
    state.use(100.0)
    state.use(109.0)
    assert state.chunk(118.0) == 118.0
