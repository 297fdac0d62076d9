from harness.chance import Chance
from harness.fuzz.calm import calm_faults
from harness.fuzz.draws import Draws
from tests.fuzz.invented import genotype_of, plan_of

PATHS = {"wifi": "wifi", "cellular": "lte"}
CALM_FROM = 60.0
"""Seconds by which the trouble of a calm job has passed, but for what has to be healed last."""


def calm(seeds):
    """Return the seeds of calm jobs: no other job lasts as long."""
    return [seed for seed in seeds if plan_of(seed).job.lasts >= CALM_FROM]


def test_some_jobs_are_long_and_their_trouble_is_early():
    found = calm(range(1, 501))
    assert 20 <= len(found) <= 60
    assert max(deed.at for seed in found for deed in plan_of(seed).deeds) < CALM_FROM
    assert max(len(genotype_of(seed).faults) for seed in found) <= 6


def test_their_fallback_tries_the_stream_again_within_the_job():
    assert max(plan_of(seed).client.policies.retry_stream for seed in calm(range(1, 501))) <= 15.0


def test_a_way_that_is_dead_is_left_and_a_wall_is_met():
    for seed in range(1, 51):
        faults = calm_faults(Draws(Chance(seed).stream("calm")), PATHS, "wifi")
        said = [(fault.actor, fault.deed) for fault in faults]
        if said[0][0] == "middle":
            assert faults[0].at == 0.0 or said[1][1] in {"reset once", "closed once"}
        else:
            assert said[1] == ("wifi", "reset once")
            assert said[2:] in (
                [("device", "loses wifi"), ("device", "joins cellular")],
                [("device", "joins cellular"), ("device", "prefers cellular")],
            )
