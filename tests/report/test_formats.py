import json
import xml.etree.ElementTree as ET

import msgspec
import pytest

from harness.errors import UsageError
from harness.judge.verdict import LawState, Word
from harness.report.findings import guilty_line
from harness.report.folder import read_results
from harness.report.formats import FORMATS, github, json_line, render
from tests.report import boxed, synthetic


def test_json_carries_its_schema_version_and_every_law(failed):
    summary = json.loads(render(failed, "json"))
    assert (summary["schema_version"], summary["word"], summary["exit"]) == (1, "fail", 1)
    (run,) = summary["runs"]
    assert run["laws"]["terminal-once"] == "failed"
    assert run["failed_laws"] == ["terminal-once", "honest-status", "recovery"]
    assert run["failed_expectations"] == ["detection"]
    assert run["replay"] == "harness run half-open --client as-shipped --seed 7"


def test_jsonl_is_a_line_per_run_and_one_of_the_end_each_with_its_schema_version(passed):
    *lines, last = [json.loads(line) for line in render(passed, "jsonl").splitlines()]
    assert [(line["schema_version"], line["kind"], line["variant"]) for line in lines] == [
        (1, "run", "gap=500ms"),
        (1, "run", "gap=5s"),
    ]
    assert (last["schema_version"], last["kind"], last["word"], last["exit"], last["runs"]) == (1, "end", "pass", 0, 2)


def test_github_points_at_the_deed_that_failed(failed):
    (line,) = github(failed).splitlines()
    assert line.startswith("::error file=scenarios/half-open.yaml,line=6,title=half-open%3A fail::The client never")


def test_github_points_at_an_expectation_that_failed_alone(tmp_path):
    plan = synthetic.half_open_plan()
    verdict = msgspec.structs.replace(synthetic.half_open_verdict(plan), laws=synthetic.laws(), sentence="")
    synthetic.put(tmp_path, plan, verdict)
    assert github(read_results(tmp_path)).startswith("::error file=scenarios/half-open.yaml,line=8,")


def test_github_says_nothing_about_a_pass_and_warns_of_the_unknown(passed, tmp_path):
    assert github(passed) == ""
    plan = synthetic.half_open_plan()
    unknown = msgspec.structs.replace(synthetic.half_open_verdict(plan), word=Word.UNKNOWN, expectations=())
    synthetic.put(tmp_path / "b", plan, unknown)
    assert github(read_results(tmp_path / "b")).startswith("::warning file=scenarios/half-open.yaml,line=6,")


def test_a_sentence_cannot_begin_a_workflow_command_of_its_own(tmp_path):
    plan = synthetic.half_open_plan()
    law = synthetic.law("order", LawState.FAILED, sentence="100%\r\n::set-output name=x::y")
    verdict = msgspec.structs.replace(synthetic.half_open_verdict(plan), laws=(law,), sentence="", expectations=())
    synthetic.put(tmp_path, plan, verdict)
    (line,) = github(read_results(tmp_path)).splitlines()
    assert "::100%25 %0A::set-output" in line


def test_every_format_ends_in_one_line_end(failed):
    for name in FORMATS:
        text = render(failed, name, report="report.html")
        assert text.endswith("\n")
        assert not text.endswith("\n\n")


def test_junit_on_stdout_parses(failed):
    assert ET.fromstring(render(failed, "junit")).get("failures") == "1"


def test_another_format_is_refused_with_the_names_there_are(failed):
    with pytest.raises(UsageError, match="'yaml' is no output format \\(one of text, json, jsonl, github, junit\\)"):
        render(failed, "yaml")


def test_an_absolute_file_is_annotated_from_the_working_folder(tmp_path, monkeypatch):
    plan = msgspec.structs.replace(synthetic.half_open_plan(), file=str(tmp_path / "scenarios" / "half-open.yaml"))
    synthetic.put(tmp_path, plan, synthetic.half_open_verdict(plan))
    monkeypatch.chdir(tmp_path)
    assert github(read_results(tmp_path)).startswith("::error file=scenarios/half-open.yaml,line=6,")


def test_the_end_of_a_deed_is_annotated_at_the_line_that_began_it():
    plan = boxed.boxed_plan()
    deeds = [
        msgspec.structs.replace(deed, line=0 if deed.undoes is not None else 5 + deed.index) for deed in plan.deeds
    ]
    plan = msgspec.structs.replace(plan, deeds=tuple(deeds))
    assert [guilty_line(plan, at) for at in (1.0, 2.5, 5.0, 13.0, 16.0, 26.0, 40.0)] == [5, 5, 6, 5, 8, 9, 13]


def test_a_line_of_json_is_a_run_that_may_be_told_before_the_others_end(passed):
    assert [json_line(run) for run in passed.runs] == render(passed, "jsonl").splitlines(keepends=True)[:-1]
