import json
from pathlib import Path

import pytest

from harness.errors import BadRecords, EnvironmentFault
from harness.report.folder import read_results, run_folder_name, write_bytes, write_json, write_text
from tests.report import synthetic


def test_a_folder_is_read_in_the_order_of_its_manifest(tmp_path):
    short, long = (
        synthetic.put_handoff(tmp_path, 0.5, history=False),
        synthetic.put_handoff(tmp_path, 5.0, history=False),
    )
    order = [f"handoff/{long.name}", f"handoff/{short.name}"]
    synthetic.put_manifest(tmp_path, order=order)
    assert [run.key for run in read_results(tmp_path).runs] == order


def test_a_run_folder_is_named_after_client_world_seed_and_variant():
    assert run_folder_name(synthetic.handoff_plan(5.0)) == "reference-real-s7-gap=5s"
    assert run_folder_name(synthetic.half_open_plan()) == "as-shipped-real-s7"


def test_a_name_cannot_leave_the_folder():
    assert "/" not in run_folder_name(synthetic.handoff_plan(), "../../etc/passwd")


def test_a_run_without_a_verdict_is_listed_as_unjudged(tmp_path):
    run = synthetic.put_handoff(tmp_path, history=False)
    synthetic.put_half_open(tmp_path, history=False)
    (run / "verdict.json").unlink()
    results = read_results(tmp_path)
    assert [result.plan.name for result in results.runs] == ["half-open"]
    assert results.unjudged == (f"handoff/{run.name}",)


@pytest.mark.parametrize(("make", "words"), [(False, "is no folder of results"), (True, "holds no runs")])
def test_a_folder_without_runs_is_refused_in_words(tmp_path, make, words):
    folder = tmp_path / "somewhere"
    if make:
        folder.mkdir()
    with pytest.raises(BadRecords, match=words):
        read_results(folder)


def test_a_newer_schema_is_refused_by_number(tmp_path):
    run = synthetic.put_handoff(tmp_path, history=False)
    verdict = json.loads((run / "verdict.json").read_text())
    (run / "verdict.json").write_text(json.dumps({**verdict, "schema_version": 9}))
    with pytest.raises(BadRecords, match=r"newer harness \(schema 9; this one reads 2\)"):
        read_results(tmp_path)


def test_a_broken_file_is_named(tmp_path):
    run = synthetic.put_handoff(tmp_path, history=False)
    (run / "plan.json").write_text('{"schema_version": 1, "scenario": 3}')
    with pytest.raises(BadRecords, match=r"plan\.json is not a plan of this harness"):
        read_results(tmp_path)


def test_a_missing_history_is_an_empty_one(passed):
    assert passed.runs[0].history.records == []


def test_a_failing_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    target = tmp_path / "summary.json"
    write_text(target, "old")

    def full(self, other):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(EnvironmentFault, match=r"cannot write .*summary\.json: No space left on device"):
        write_bytes(target, b"new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("summary.json", "old")]


def test_a_lone_surrogate_does_not_stop_a_page(tmp_path):
    write_text(tmp_path / "page", "a\ud800b")
    assert (tmp_path / "page").read_text() == "a?b"


def test_json_is_for_people_too(tmp_path):
    write_json(tmp_path / "a.json", {"schema_version": 1})
    assert (tmp_path / "a.json").read_text() == '{\n  "schema_version": 1\n}\n'
