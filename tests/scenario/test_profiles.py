import pytest

from harness.scenario.profiles import DRIVING_4G, DRIVING_5G, PROFILES, adjusted, fixed

# name: round trip ms, jitter ms, down and up in KB/s, loss, handshake s, wake s
TABLE = {
    "loopback": (0, 0, None, None, 0, 0, 0),
    "wifi": (4, 1, 5000, 4125, 0, 0.012, 0),
    "wifi-cafe": (40, 10, 3750, 1875, 0.002, 0.12, 0),
    "wifi-edge": (80, 40, 125, 125, 0.10, 0.24, 0),
    "lte": (70, 15, 1500, 1500, 0.002, 0.21, 0.9),
    "4g-slow": (150, 30, 200, 94, 0.002, 0.45, 0.9),
    "3g": (200, 50, 98, 41, 0.005, 0.6, 1.5),
    "3g-lossy": (250, 50, 94, 41, 0.015, 0.75, 1.5),
    "edge": (840, 100, 30, 25, 0.01, 2.52, 2.0),
    "very-bad": (1000, 0, 125, 125, 0.10, 3.0, 0),
    "satellite": (600, 50, 125, 32, 0, 1.8, 0),
    "dns-slow": (4, 1, 5000, 4125, 0, 3.012, 0),
    "4g-drive": (70, 30, 1186, 1186, 0, 0.21, 0.9),
    "5g-drive": (60, 20, 7331, 7331, 0, 0.18, 0.9),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_profile_has_the_numbers_of_its_source(name):
    profile = PROFILES[name]
    trip, jitter, down, up, loss, handshake, wake = TABLE[name]
    shape, radio = profile.shape, profile.radio
    assert (shape.latency, shape.jitter) == (pytest.approx(trip / 2000), pytest.approx(jitter / 1000))
    assert (shape.down, shape.up) == (down and down * 1000.0, up and up * 1000.0)
    assert (profile.loss, radio.handshake, radio.wake) == (loss, pytest.approx(handshake), wake)


def test_all_profiles_of_the_house_are_there():
    assert set(PROFILES) == {*TABLE, "offline"}


def test_a_sleeping_radio_is_woken_after_ten_seconds_of_quiet_or_at_each_dial():
    after = {name: profile.radio.wake_after for name, profile in PROFILES.items() if profile.wake}
    assert after == {
        "lte": 10.0,
        "4g-drive": 10.0,
        "5g-drive": 10.0,
        "4g-slow": 0.0,
        "3g": 0.0,
        "3g-lossy": 0.0,
        "edge": 0.0,
    }


def test_driving_profiles_stall_and_step():
    assert PROFILES["4g-drive"].stalls == DRIVING_4G
    assert PROFILES["5g-drive"].stalls == DRIVING_5G
    rates = PROFILES["4g-drive"].down
    assert (rates.least, rates.most, rates.stepped) == (375_000.0, 3_750_000.0, True)
    assert not fixed(1e6).stepped


def test_added_stalls_are_as_long_as_those_of_driving():
    stalls = adjusted(PROFILES["lte"], stalls=60 / 3600).stalls
    assert (stalls.per_hour, stalls.p50, stalls.p95, stalls.longest) == (pytest.approx(60), 1.0, 11.0, 34.0)
    assert adjusted(PROFILES["5g-drive"], stalls=1 / 3600).stalls.p95 == 5.0
