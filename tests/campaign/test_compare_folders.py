"""Runs held against each other from their folders alone."""

import json

from harness.campaign.compare_folders import beside, compare_twice, compare_worlds, hold_together
from harness.compare.agreement import AgreementWord
from harness.history import History
from tests.campaign.folders import REAL, VIRTUAL, put, put_run, told


def test_a_virtual_run_is_held_against_the_real_one_beside_it(tmp_path):
    put_run(tmp_path, REAL, told(REAL))
    virtual = put_run(tmp_path, VIRTUAL, told(VIRTUAL))
    assert compare_worlds(virtual).said is AgreementWord.AGREE
    assert json.loads((virtual / "agreement.json").read_text())["said"] == "agree"


def test_a_repeated_plan_is_held_against_the_run_of_its_own_number(tmp_path):
    virtual = put_run(tmp_path, VIRTUAL, told(VIRTUAL), "-2")
    assert beside(virtual, VIRTUAL).name == "reference-real-s7-2"


def test_further_real_runs_inside_the_first_ones_folder_count(tmp_path):
    real = put_run(tmp_path, REAL, told(REAL))
    virtual = put_run(tmp_path, VIRTUAL, told(VIRTUAL, late=0.2))
    assert compare_worlds(virtual).open
    for number in range(2, 6):
        put(real / f"again-{number}", REAL, told(REAL))
    assert compare_worlds(virtual).said is AgreementWord.DIFFER
    put(real / "again-5", REAL, told(REAL, late=0.2))
    found = compare_worlds(virtual)
    assert (found.said, found.real_runs) == (AgreementWord.AGREE, 5)


def test_without_a_real_run_or_with_one_that_left_nothing_there_is_no_agreement(tmp_path):
    virtual = put_run(tmp_path, VIRTUAL, told(VIRTUAL))
    assert compare_worlds(virtual).reason == "there is no real run"
    put_run(tmp_path, REAL, None)
    assert compare_worlds(virtual).reason == "of the real run its history is empty"


def test_a_history_that_cannot_be_read_is_told_and_no_agreement(tmp_path):
    real = put_run(tmp_path, REAL, None)
    (real / "history.jsonl.gz").write_bytes(b"nothing of ours")
    found = compare_worlds(put_run(tmp_path, VIRTUAL, told(VIRTUAL)))
    assert found.said is AgreementWord.UNKNOWN
    assert "is not a history" in found.reason


def test_a_repetition_inside_the_runs_folder_is_compared_by_digest(tmp_path):
    virtual = put_run(tmp_path, VIRTUAL, told(VIRTUAL))
    put(virtual / "twice", VIRTUAL, told(VIRTUAL))
    assert compare_twice(virtual).same
    put(virtual / "twice", VIRTUAL, told(VIRTUAL, late=0.2))
    assert not compare_twice(virtual).same
    put(virtual / "twice", VIRTUAL, History([]))
    assert compare_twice(virtual).fault == "one of the two runs left no history"


def test_judging_again_compares_what_was_compared_and_nothing_else(tmp_path):
    virtual = put_run(tmp_path, VIRTUAL, told(VIRTUAL))
    hold_together(virtual)
    assert not (virtual / "agreement.json").exists()
    real = put_run(tmp_path, REAL, told(REAL))
    put(virtual / "twice", VIRTUAL, told(VIRTUAL))
    hold_together(virtual)
    hold_together(real)
    assert {"agreement.json", "replay.json"} <= {path.name for path in virtual.iterdir()}
    assert {path.name for path in real.iterdir()} == {"plan.json", "history.jsonl.gz"}
