"""Deeds a millisecond apart: their proofs overlap, share flows, and none is taken for another's failure."""

from harness.history import Canary
from harness.judge.judge import judge
from harness.judge.verdict import Word
from harness.run.rehearsal import rehearse
from harness.scenario import Scenario, plans

HASTY = {
    "5s": {"wifi": "silent"},
    "5001ms": {"wifi": "up"},
    "6s": {"wifi": "stalled"},
    "6002ms": {"wifi": "reset once"},
    "6003ms": {"wifi": "up"},
    "7s": {"wifi": "lte"},
    "7001ms": {"wifi": "sliced to 50B"},
    "7002ms": {"wifi": "closed once"},
}


def hasty():
    scenario = Scenario(
        scenario="deeds a millisecond apart",
        job={"lasts": "15s"},
        paths={"wifi": "wifi", "cellular": "lte"},
        timeline=HASTY,
    )
    plan = plans(scenario, world="virtual")[0]
    return plan, rehearse(plan)


def test_each_of_them_is_proved_or_said_to_be_undecided():
    plan, history = hasty()
    proofs = {canary.deed: canary for canary in history.all(Canary)}
    assert sorted(proofs) == [deed.index for deed in plan.deeds]
    assert all(proof.met for proof in proofs.values())
    assert proofs[2].detail == "dial: hang"  # the open connection has nothing to say of two milliseconds


def test_the_reference_passes():
    assert judge(*hasty()).word is Word.PASS
