import itertools

from harness.fuzz.findings import SHOWN, Findings
from harness.fuzz.trial import TrialFailure, Tried

GAP = TrialFailure(law="no-gap", cause="never-noticed", sentence="11 events lost")


def test_failures_of_one_law_and_cause_are_one_group_whose_example_has_the_fewest_faults():
    tried = [
        Tried(seed=9, faults=4, failures=(GAP,)),
        Tried(seed=5, faults=2, failures=(GAP, TrialFailure(law="order"))),
        Tried(seed=7, faults=2, failures=(GAP,)),
        Tried(seed=8, faults=1),
    ]
    for order in itertools.permutations(tried):
        findings = Findings()
        for one in order:
            findings.add(one)
        assert [(group.failure.key, group.count, group.example) for group in findings.ranked] == [
            ("no-gap never-noticed", 3, 5),
            ("order", 1, 5),
        ]
        assert (findings.tried, findings.failing) == (4, 3)


def test_memory_does_not_grow_with_the_seeds():
    findings = Findings()
    for seed in range(10_000, 0, -1):
        findings.add(Tried(seed=seed, failures=(GAP,), cells=(("path up", "polling", 2),)))
    (group,) = findings.ranked
    assert group.seeds == list(range(1, SHOWN + 1))
    assert (group.count, findings.cells) == (10_000, {("path up", "polling"): 20_000})
