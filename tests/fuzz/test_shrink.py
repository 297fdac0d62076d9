import itertools

import pytest

from harness.deeds.acts import Restarts, SetReach
from harness.fuzz.generate import invent
from harness.fuzz.genotype import Fault, Genotype
from harness.fuzz.healing import lacking
from harness.fuzz.polish import polish
from harness.fuzz.shrink import Shrinker, shrink
from harness.fuzz.simpler import rounder_durations, rounder_times, simpler_text, weight

MANY = (
    Fault(at=1.23, actor="wifi", deed="sliced to 7B for 3.4s"),
    Fault(at=4.56, actor="wifi", deed="silent for 7.7s downstream only"),
    Fault(at=5.01, actor="server", deed="restarts keeping log after 1.3s"),
    Fault(at=9.87, actor="device", deed="joins cellular"),
    Fault(at=14.4, actor="job", deed="pauses for 2.2s"),
)
FULL = Genotype(
    seed=1,
    job={"lasts": "33s", "updates": "every 630ms"},
    server={"token": "lasts 7.7s"},
    paths={"wifi": "wifi-cafe", "cellular": "lte"},
    client={"watchdog": "9.4s"},
    faults=MANY,
)


def bench(fails, first=FULL, seconds=1e9):
    """A bench whose clock ticks a second at each look."""
    return Shrinker(first, fails, now=map(float, itertools.count()).__next__, seconds=seconds)


def restarts(plan):
    """A defect that one fault is enough for."""
    return any(isinstance(deed.act, Restarts) for deed in plan.deeds)


def test_only_the_fault_that_matters_is_left_in_its_plainest_words():
    small = shrink(bench(restarts))
    assert [fault.deed for fault in small.faults] == ["restarts keeping log"]
    assert small.faults[0].at == 5.0
    assert (small.job, small.server, small.client) == ({"lasts": "20s"}, {}, {})
    assert list(small.paths) == ["cellular"]


def test_faults_that_are_needed_together_stay_together():
    def both(plan):
        return restarts(plan) and any(isinstance(deed.act, SetReach) and deed.undoes is None for deed in plan.deeds)

    assert [fault.actor for fault in shrink(bench(both)).faults] == ["wifi", "server"]


def test_a_fault_goes_with_what_heals_it():
    broken = Fault(at=20.0, actor="wifi", deed="silent"), Fault(at=25.0, actor="wifi", deed="up")
    small = shrink(bench(restarts, FULL.having(faults=(*MANY, *broken))))
    assert [fault.deed for fault in small.faults] == ["restarts keeping log"]


def test_what_could_not_end_is_never_tried():
    tried = []

    def silent(plan):
        tried.append(plan)
        return any(isinstance(deed.act, SetReach) and deed.act.word == "silent" for deed in plan.deeds)

    broken = Fault(at=20.0, actor="wifi", deed="silent"), Fault(at=25.0, actor="wifi", deed="up")
    small = shrink(bench(silent, FULL.having(faults=broken)))
    assert len(small.faults) == 2
    assert [plan for plan in tried if lacking(plan)] == []


def test_no_candidate_is_begun_when_the_time_is_up():
    counted = bench(restarts, seconds=3)
    shrink(counted)
    assert counted.tries <= 3


def test_hypothesis_finds_what_takes_two_steps_at_once():
    def moved_together(plan):
        return [round(b.at - a.at, 6) for a, b in itertools.pairwise(plan.deeds)] == [3.0]

    first = Fault(at=7.25, actor="wifi", deed="reset once"), Fault(at=10.25, actor="wifi", deed="closed once")
    polished = polish(bench(moved_together, FULL.having(faults=first), seconds=3_000))
    assert [round(b.at - a.at, 6) for a, b in itertools.pairwise(polished.faults)] == [3.0]
    assert weight(polished) < weight(FULL.having(faults=first))


@pytest.mark.parametrize(
    ("text", "simpler"),
    [
        ("silent for 7.7s upstream only", {"silent upstream only", "silent for 7.7s", "silent for 10s upstream only"}),
        ("answers 503 to streams 4 times", {"answers 503 4 times", "answers 503 to streams"}),
        ("restarts losing log after 1.3s", {"restarts losing log", "restarts losing log after 1s"}),
    ],
)
def test_words_become_simpler_one_at_a_time(text, simpler):
    assert simpler - set(simpler_text(text)) == set()


def test_numbers_become_round():
    assert list(rounder_durations("13.7s")) == ["10s", "15s", "20s", "14s"]
    assert list(rounder_times(12.34)) == [10.0, 12.0, 12.5, 12.3]
    assert list(rounder_durations("10s")) == ["5s", "15s", "20s"]


def test_every_step_is_lighter_so_shrinking_ends():
    for seed in range(1, 20):
        counted = bench(lambda plan: bool(plan.deeds), invent(seed))
        assert len(shrink(counted).faults) <= 2
