import math
import os
import random
import statistics
import subprocess
import sys
from itertools import pairwise

import msgspec
import pytest

from harness.chance import Chance
from harness.deeds.acts import Deed
from harness.errors import ScenarioError
from harness.scenario import load, plans
from harness.scenario.deeds import parse_deed
from harness.scenario.model import RateStep, StallPulse
from harness.scenario.profiles import DRIVING_4G, PROFILES
from harness.scenario.weather import merged, segments, stall_length, weather

EMISSIONS = [n * 0.1 for n in range(6000)]
SPARSE = [n * 1.0 for n in range(6000)]


def deed(at, text, actor="a"):
    return Deed(index=0, at=at, actor=actor, act=parse_deed(actor, text, {}).act, text=text)


def made(profile, *deeds, emissions=EMISSIONS, until=600.0, seed=7):
    return weather({"a": PROFILES[profile]}, deeds, emissions, Chance(seed), until)


def test_clean_profiles_have_no_weather():
    assert made("loopback") == made("wifi") == made("satellite") == ()


def test_loss_becomes_about_as_many_pulses_as_it_says():
    pulses = [pulse for seed in range(20) for pulse in made("3g-lossy", emissions=SPARSE, until=7e3, seed=seed)]
    assert len(pulses) == pytest.approx(20 * len(SPARSE) * 0.015, rel=0.1)
    doubled = [pulse for pulse in pulses if pulse.lasts > 0.5]
    assert {pulse.lasts for pulse in pulses} >= {0.5, 1.0}
    assert len(doubled) == pytest.approx(len(pulses) * 0.015, rel=0.5)


def test_a_pulse_is_doubled_five_times_at_most():
    hopeless = msgspec.structs.replace(PROFILES["wifi"], loss=1.0)
    pulses = weather({"a": hopeless}, [], [0.0, 3.0, 50.0], Chance(7), 600.0)
    assert [(pulse.at, pulse.lasts) for pulse in pulses] == [(0.001, 6.4), (50.001, 6.4)]


def test_a_pulse_opens_when_the_bytes_can_first_be_at_the_gate():
    profile = PROFILES["3g-lossy"]
    travel = profile.latency - profile.jitter
    for pulse in made("3g-lossy"):
        assert any(math.isclose(pulse.at, at + travel, abs_tol=1e-6) for at in EMISSIONS)


def test_the_least_pulse_is_linuxs_least_timeout():
    lengths = {pulse.lasts for seed in range(20) for pulse in made("wifi-cafe", seed=seed, until=1000.0)}
    assert min(lengths) == 0.2


def test_pulses_of_a_path_are_in_order_and_never_touch():
    pulses = made("very-bad")
    assert len(pulses) > 100
    assert all(earlier.at + earlier.lasts < later.at for earlier, later in pairwise(pulses))


def test_spans_that_meet_are_one():
    assert merged([(5.0, 6.0), (0.0, 1.0), (1.0, 2.0), (0.5, 0.6)]) == [(0.0, 2.0), (5.0, 6.0)]
    assert merged([]) == []


def test_stalls_come_as_often_and_last_as_long_as_the_traces_say():
    dice = random.Random(1)
    lengths = [stall_length(DRIVING_4G, dice) for _ in range(20_000)]
    cuts = statistics.quantiles(lengths, n=20)
    assert cuts[9] == pytest.approx(1.0, rel=0.05)
    assert cuts[18] == pytest.approx(11.0, rel=0.08)
    assert max(lengths) == 34.0
    stalls = [change for change in made("4g-drive", emissions=[], until=36_000.0) if isinstance(change, StallPulse)]
    assert len(stalls) == pytest.approx(130, rel=0.25)


def test_a_stepped_profile_has_a_new_rate_each_second():
    steps = [change for change in made("4g-drive", until=100.0) if isinstance(change, RateStep)]
    assert [step.at for step in steps] == [float(n) for n in range(100)]
    assert all(375_000 <= step.down <= 3_750_000 and step.down % 1000 == 0 for step in steps)
    assert len({step.down for step in steps}) > 80
    assert statistics.median(step.up for step in steps) == pytest.approx(1_186_000, rel=0.3)


def test_weather_follows_the_profile_of_its_path():
    changes = made("3g-lossy", deed(100.0, "wifi"), deed(200.0, "4g-drive"), deed(300.0, "wifi", "b"), until=400.0)
    assert all(change.at < 100.0 or change.at >= 200.0 for change in changes)
    assert any(change.at < 100.0 for change in changes)
    assert [change.at for change in changes if isinstance(change, RateStep)][:2] == [200.0, 201.0]
    assert all(
        change.at + change.lasts <= 100.0 for change in changes if isinstance(change, StallPulse) and change.at < 100
    )


def test_a_deed_of_one_direction_brings_the_weather_of_that_direction():
    down, up = deed(10.0, "4g-drive downstream only"), deed(10.0, "4g-drive upstream only")
    [_, second] = segments("a", PROFILES["3g"], [down], 20.0)
    assert (second.profile.loss, second.profile.stalls) == (0.0, DRIVING_4G)
    assert (second.profile.down, second.profile.up) == (PROFILES["4g-drive"].down, PROFILES["3g"].up)
    [_, second] = segments("a", PROFILES["3g"], [up], 20.0)
    assert (second.profile.loss, second.profile.stalls) == (0.005, None)
    assert second.profile.up == PROFILES["4g-drive"].up


def test_reigns_without_time_and_after_the_end_are_left_out():
    found = list(segments("a", PROFILES["wifi"], [deed(0.0, "lte"), deed(5.0, "3g"), deed(50.0, "edge")], 20.0))
    assert [(part.start, part.end, part.profile.name) for part in found] == [(0.0, 5.0, "lte"), (5.0, 20.0, "3g")]


def test_one_seed_is_one_weather_and_another_is_another():
    assert made("4g-drive") == made("4g-drive")
    assert made("4g-drive") != made("4g-drive", seed=8)


def test_another_path_does_not_shift_the_draws_of_this_one():
    both = weather({"b": PROFILES["3g"], "a": PROFILES["3g-lossy"]}, [], EMISSIONS, Chance(7), 600.0)
    assert tuple(change for change in both if change.path == "a") == made("3g-lossy")


def test_more_weather_than_anyone_can_mean_is_refused(write):
    scenario = load(
        write("scenario: x\njob: {lasts: 24h, updates: every 4m}\npaths: {a: 4g-drive, b: 4g-drive, c: 4g-drive}\n")
    )
    with pytest.raises(ScenarioError, match=r":3:1: error: paths: with c there would be 26[0-9]{4} stalls"):
        plans(scenario)


SCRIPT = """
import sys, msgspec, hashlib, pathlib
from harness.scenario import load, plans
data = b"".join(msgspec.json.encode(plan) for plan in plans(load(pathlib.Path(sys.argv[1])), seed=11))
print(hashlib.blake2b(data).hexdigest())
"""


def test_the_same_seed_is_the_same_plan_in_every_process(write):
    path = write(
        "scenario: x\njob: {lasts: 60s}\npaths: {a: 4g-drive, b: 3g-lossy, c: {profile: lte, stalls: 60/h}}\n"
        "sweep: {gap: [1s, 2s]}\ntimeline: {$gap: {b: very-bad}}\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(path)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(digests) == 1
