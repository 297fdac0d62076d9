import gc
import sys

import msgspec
import pytest

from harness.fuzz import trial
from harness.fuzz.generate import invent
from harness.fuzz.genotype import Fault, Genotype
from harness.fuzz.trial import TrialFailure, failures_of, try_genotype
from harness.judge.laws.recovery import LACKS
from harness.judge.verdict import LawState, LawVerdict, Verdict, Word
from harness.scenario.expectations import OF_HARNESS
from harness.world.virtual import Stuck, spacious_memory

QUIET = Genotype(seed=3, job={"lasts": "5s"}, paths={"wifi": "wifi"})
RESTART = QUIET.having(faults=(Fault(at=2.0, actor="server", deed="restarts keeping log"),))


def test_a_genotype_is_run_and_judged():
    tried = try_genotype(RESTART)
    assert (tried.seed, tried.faults, tried.failures) == (3, 1, ())
    assert tried.cells == (("server restarts keeping log", "connected", 1),)


def test_another_client_may_be_tried():
    assert {failure.law for failure in try_genotype(RESTART, client="forgets-last-id").failures} == {"resume"}


def test_a_crash_of_the_harness_is_a_failure_named_by_its_place(monkeypatch):
    def broken(plan, **_options):
        raise ExceptionGroup("of a nursery", [KeyError("wifi")])

    monkeypatch.setattr(trial, "rehearse", broken)
    (failure,) = try_genotype(QUIET).failures
    assert failure == TrialFailure(law="crash", cause="KeyError at outside", sentence="KeyError: 'wifi'")


def test_a_run_that_never_ends_is_a_failure_of_its_own(monkeypatch):
    def stuck(plan, **_options):
        raise Stuck("deadlock: nothing has ended the run in 9 s of virtual time")

    monkeypatch.setattr(trial, "rehearse", stuck)
    assert try_genotype(QUIET).failures[0].key == "stuck deadlock"


def test_of_a_void_run_only_the_unseen_fault_counts():
    laws = [
        LawVerdict(law="fault-seen", code="H0", state=LawState.FAILED),
        LawVerdict(law="no-gap", code="L2", state=LawState.FAILED),
    ]
    assert [one.law for one in failures_of(Verdict(word=Word.VOID, sentence="", laws=tuple(laws)))] == ["fault-seen"]
    assert [one.law for one in failures_of(Verdict(word=Word.FAIL, sentence="", laws=tuple(laws[1:])))] == ["no-gap"]
    assert [one.law for one in failures_of(Verdict(word=Word.VOID, sentence="", laws=tuple(laws)), proofs=False)] == [
        "no-gap"
    ]


def test_that_the_table_of_what_is_owed_lacks_a_row_is_a_failure_and_another_doubt_is_none():
    def found(reason: str) -> list[tuple[str, str]]:
        law = LawVerdict(law="recovery", code="L9", state=LawState.UNKNOWN, reason=reason)
        return [(one.key, one.sentence) for one in failures_of(Verdict(word=Word.UNKNOWN, sentence="", laws=(law,)))]

    said = f"{LACKS}: what was due at 4.5 s was not shown by 64.1 s (R 55.1 s)"
    assert found(said) == [("recovery", said)]
    assert found("the run was cut short at 9.0 s, before R had passed") == []


@pytest.mark.parametrize("proofs", [False, True])
@pytest.mark.parametrize("word", OF_HARNESS[1:])
def test_what_the_harness_did_wrong_is_no_failure_of_the_client(word, proofs):
    """Whatever the client seems to have broken then, with and without canaries; and no mutant is convicted by it."""
    codes = {"fault-seen": "H0", word: "H9", "no-gap": "L2"}
    seen = [] if proofs else ["fault-seen"]  # without canaries it always fails
    laws = tuple(LawVerdict(law=law, code=codes[law], state=LawState.FAILED) for law in (*seen, word, "no-gap"))
    verdict = Verdict(word=Word.VOID, sentence="", laws=laws)
    assert [one.law for one in failures_of(verdict, proofs=proofs)] == [word]
    assert word in trial.OWN


def test_one_seed_in_a_few_is_proved(monkeypatch):
    flown = []

    def watched(plan, *, proofs):
        flown.append(proofs)
        raise Stuck("seen enough")

    monkeypatch.setattr(trial, "rehearse", watched)
    for seed in range(2 * trial.PROVED_EVERY):
        try_genotype(msgspec.structs.replace(QUIET, seed=seed))
    assert flown.count(True) == 2


def test_a_hunt_holds_no_more_after_many_trials_than_after_a_few():
    """All that a trial leaves is garbage: a trial that is kept somewhere would hold hundreds of blocks and objects."""

    def held(*seeds: int) -> tuple[int, int]:
        for seed in seeds:
            try_genotype(invent(seed))
        gc.collect()
        return len(gc.get_objects()), sys.getallocatedblocks()

    with spacious_memory():
        objects, blocks = held(*range(60))  # by then the caches of the libraries are full
        more_objects, more_blocks = held(*range(60, 100))
    assert more_objects - objects < 10
    assert more_blocks - blocks < 5 * 40
