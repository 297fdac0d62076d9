import msgspec
import pytest

from harness.judge.verdict import Trust, Word
from harness.report import tally
from harness.report.folder import Manifest, RunResult
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


REST = "1 undecided · 1 nothing to do · 1 deed untried: the job had ended"
PROVED = "faults proved 5 of 6 (3 on the client's flow, 2 by canary)"


@pytest.mark.parametrize(
    ("trust", "line"),
    [
        (Trust(ended="done"), "no faults planned"),
        (Trust(faults=3, proved=3), "faults proved 3 of 3"),
        (
            Trust(faults=7, proved=6, on_flow=3, by_canary=2, read_back=1, undecided=1, nothing=1, untried=1),
            f"{PROVED}, confirmed by reading back 1 · {REST}",
        ),
        (Trust(faults=2, proved=2, by_canary=2), "faults proved 2 of 2 (2 by canary)"),
        (Trust(faults=2, proved=2, read_back=2), "faults confirmed by reading back 2"),
        (Trust(untried=2), "faults proved 0 of 0 · 2 deeds untried: the job had ended"),
        (Trust(nothing=1), "faults proved 0 of 0 · 1 nothing to do"),
    ],
)
def test_the_ways_in_which_faults_were_proved_are_told_apart(passed, trust, line):
    run = passed.runs[0]
    verdict = msgspec.structs.replace(run.verdict, trust=trust)
    assert tally.faults_line([RunResult(plan=run.plan, verdict=verdict, folder=run.folder)]) == line
