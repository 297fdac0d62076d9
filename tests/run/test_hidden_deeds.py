"""Deeds that another deed hides from the canary are undecided, and say by what; what nothing hides must be seen."""

import pytest

from harness.history import Canary
from harness.judge.judge import judge
from harness.judge.verdict import Word
from harness.network.gate import Gate
from harness.run.rehearsal import rehearse
from harness.scenario import Scenario, plans

# Each was called void: the canary's flow met something else.
HIDDEN = {
    "a sleeping phone resets what is dialled": {"20s": {"wifi": "closed for 2s", "device": "suspends for 5s"}},
    "a flow that ended with a restart long ago": {"15s": {"server": "restarts keeping log"}, "20s": {"wifi": "up"}},
    "a flow that a box killed": {"5s": {"middle": "kills idle after 10s"}, "20s": {"cellular": "sliced to 1B"}},
    "no stream passes to be cut": {"15s": {"middle": "mutes streams"}, "15200ms": {"wifi": "reset mid data"}},
    "the server ends what the path was to silence": {"5s": {"server": "restarts losing log", "wifi": "silent for 1s"}},
    "two words at one instant": {"5s": {"cellular": ["closed for 5s", "reset once"]}},
    "one way stalled, and over": {"15s": {"wifi": "stalled for 1s downstream only"}},
    "one way silent, and over": {"15s": {"wifi": "silent for 5s upstream only"}},
    "the last deed of a run": {"16s": {"wifi": "closed for 6s"}},
    "each event held until the next": {"10s": {"middle": "buffers each event"}},
    "a word while the path is cut": {"5s": {"wifi": ["closed", "reset mid event"]}, "8s": {"server": "recovers"}},
}


def ran(timeline, **sections):
    facts = {
        "scenario": "hidden",
        "job": {"lasts": "21s"},
        "paths": {"wifi": "wifi", "cellular": "lte"},
        "timeline": timeline,
    }
    plan = plans(Scenario(**{**facts, **sections}), world="virtual")[0]
    return plan, rehearse(plan)


@pytest.mark.parametrize("timeline", HIDDEN.values(), ids=HIDDEN)
def test_what_hides_a_deed_is_no_failure_of_it(timeline):
    plan, history = ran(timeline)
    proofs = {canary.deed: canary for canary in history.all(Canary)}
    assert sorted(proofs) == [deed.index for deed in plan.deeds]
    assert {index: proof.detail for index, proof in proofs.items() if not proof.met} == {}
    assert judge(plan, history).word is not Word.VOID


def test_a_hidden_deed_says_by_what():
    _, history = ran(HIDDEN["no stream passes to be cut"])
    details = [canary.detail for canary in history.all(Canary)]
    assert details[1].startswith("undecided: middle mutes streams in force (")


async def said_only(gate, path, *_args, **_options):
    """A gate that says what it was told, and does nothing."""
    return gate.path_readback(path)


def test_a_deed_that_nothing_hides_must_be_seen(monkeypatch):
    monkeypatch.setattr(Gate, "reach", said_only)
    plan, history = ran({"5s": {"wifi": "silent"}})
    assert judge(plan, history).word is Word.VOID


def test_what_is_over_for_long_hides_nothing(monkeypatch):
    monkeypatch.setattr(Gate, "reach", said_only)
    plan, history = ran({"2s": {"server": "restarts keeping log after 1s"}, "10s": {"wifi": "silent"}})
    assert judge(plan, history).word is Word.VOID


def test_a_box_on_another_path_hides_nothing(monkeypatch):
    monkeypatch.setattr(Gate, "reach", said_only)
    plan, history = ran({"2s": {"middle on cellular": "mutes streams"}, "10s": {"wifi": "silent"}})
    assert judge(plan, history).word is Word.VOID


@pytest.mark.parametrize("slow", ["satellite", "edge"])
def test_a_question_that_was_cut_short_is_not_asked_again(slow):
    plan, history = ran({"0s": {"wifi": "sliced to 2B"}}, paths={"wifi": slow})
    assert judge(plan, history).word is not Word.VOID
