from pathlib import Path

import msgspec

from harness.judge.verdict import LawState, Verdict, Word
from harness.report.findings import findings, guilty_line, reason, replay
from harness.report.folder import RunResult
from harness.scenario.model import Plan
from tests.report import synthetic


def run_of(plan: Plan, verdict: Verdict, tmp_path: Path) -> RunResult:
    return RunResult(plan=plan, verdict=verdict, folder=tmp_path)


def test_laws_of_one_cause_are_one_finding(failed):
    (finding,) = findings(failed.runs[0])
    assert finding.laws == ("terminal-once", "honest-status", "recovery")
    assert [item.seq for item in finding.evidence] == [1187, 1182, 2210]
    assert finding.also[0] == "501 events lost"


def test_the_most_fundamental_law_comes_first(tmp_path):
    plan = synthetic.handoff_plan()
    broken = {name: synthetic.law(name, LawState.FAILED, sentence=name) for name in ("prompt", "no-gap")}
    verdict = msgspec.structs.replace(
        synthetic.handoff_verdict(plan), word=Word.FAIL, sentence="", laws=synthetic.laws(**broken)
    )
    assert [finding.laws for finding in findings(run_of(plan, verdict, tmp_path))] == [("no-gap",), ("prompt",)]


def test_nothing_failed_is_no_finding(passed):
    assert findings(passed.runs[0]) == []


def test_the_guilty_line_is_the_last_deed_done_by_then():
    plan = synthetic.handoff_plan()
    assert [guilty_line(plan, at) for at in (0.0, 20.0, 20.4, 99.0)] == [13, 13, 14, 15]


def test_replay_names_only_what_differs_from_the_usual(tmp_path):
    plan = msgspec.structs.replace(synthetic.handoff_plan(5.0), world="virtual", file="my files/h.yaml")
    verdict = synthetic.handoff_verdict(plan)
    assert (
        replay(run_of(plan, verdict, tmp_path)) == "harness run 'my files/h.yaml' --world virtual --set gap=5s --seed 7"
    )


def test_unknown_gives_every_doubt_as_its_reason(tmp_path):
    plan = synthetic.handoff_plan()
    doubt = synthetic.law("prompt", LawState.UNKNOWN, reason="too few")
    verdict = msgspec.structs.replace(
        synthetic.handoff_verdict(plan), word=Word.UNKNOWN, sentence="x", laws=synthetic.laws(a=doubt)
    )
    assert reason(run_of(plan, verdict, tmp_path)) == "prompt: too few"


def test_a_consequence_does_not_repeat_its_cause(tmp_path):
    plan = synthetic.half_open_plan()
    cause = "the client did not reconnect"
    law = synthetic.law("no-gap", LawState.FAILED, sentence=f"5 events lost: {cause}", cause="x")
    verdict = msgspec.structs.replace(
        synthetic.half_open_verdict(plan), laws=(law,), sentence="The client did not reconnect.", expectations=()
    )
    assert findings(run_of(plan, verdict, tmp_path))[0].also == ("5 events lost",)
