import msgspec

from harness.judge.verdict import Word
from harness.report import tally
from harness.report.folder import Manifest
from harness.report.markdown import markdown
from harness.report.summary import summarize


def test_an_invocation_passes_when_every_planned_run_did(passed):
    assert tally.word_of(passed) is Word.PASS


def test_a_run_that_nobody_judged_is_no_pass(passed):
    partly = msgspec.structs.replace(passed, unjudged=("handoff/reference-real-s7",))
    assert tally.word_of(partly) is Word.UNKNOWN
    assert tally.headline(partly).startswith("UNKNOWN  2 passed, 1 without a verdict")
    assert markdown(partly).startswith("## ❓ UNKNOWN")


def test_a_run_that_was_never_started_is_no_pass(passed):
    cut_short = msgspec.structs.replace(passed, manifest=Manifest(not_run=("half-open",)))
    assert (summarize(cut_short).word, summarize(cut_short).exit) == ("unknown", 4)


def test_nothing_at_all_is_no_pass(passed):
    assert tally.headline(msgspec.structs.replace(passed, runs=[])).startswith("UNKNOWN  nothing was run")


def test_a_failure_stays_one_beside_runs_that_are_missing(failed):
    assert tally.word_of(msgspec.structs.replace(failed, unjudged=("a/b",))) is Word.FAIL
