"""Results that an older harness recorded: still drawn, never judged, and nothing of them is changed by the attempt."""

import json
import shutil

import pytest

from harness import cli
from harness.campaign.compare_folders import compare_worlds
from harness.compare.agreement import AgreementWord
from harness.history.files import HISTORY
from tests.report import synthetic
from tests.report.older import age


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded")
    runs = [synthetic.put_handoff(folder), synthetic.put_half_open(folder)]
    synthetic.put_manifest(folder)
    for run in runs:
        age(run)
    (folder / "summary.json").write_text("{}")
    return folder


@pytest.fixture
def results(recorded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(recorded, tmp_path / "results")
    return tmp_path / "results"


def said(arguments, capfd):
    code = cli.guarded(lambda: cli.cli(arguments, standalone_mode=False, prog_name="harness"))
    out, err = capfd.readouterr()
    return code, " ".join(out.split()), " ".join(err.split())


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_they_are_still_drawn(results, capfd):
    code, _, err = said(["report", "results"], capfd)
    assert (code, err) == (0, "")
    page = (results / "report.html").read_text()
    assert "The client never noticed" in page
    assert len(list(results.glob("*/*/strip.svg"))) == 2
    assert json.loads((results / "summary.json").read_text())["words"]["fail"] == 1


def test_one_that_was_not_judged_then_is_left_unjudged_and_named(results, capfd):
    next(results.glob("handoff/*/verdict.json")).unlink()
    code, _, err = said(["report", "results"], capfd)
    run = "results/handoff/reference-real-s7-gap=500ms"
    assert (code, err) == (0, f"harness: {run} was recorded by harness 0.1: record it again; it has no verdict")
    assert list(json.loads((results / "summary.json").read_text())["unjudged"]) == [run.removeprefix("results/")]


@pytest.mark.parametrize("command", ["judge", "merge"])
def test_no_verdict_of_them_is_made_and_nothing_is_changed(results, capfd, command):
    before = files(results)
    code, out, err = said([command, "results"], capfd)
    assert (code, out) == (2, "")
    assert err.endswith("was recorded by harness 0.1: record it again")
    assert files(results) == before


def test_one_among_newer_ones_is_named_before_any_is_judged_again(results, capfd):
    new = synthetic.put_handoff(results, 5.0)
    verdict = (new / "verdict.json").read_bytes()
    code, _, err = said(["judge", "results"], capfd)
    assert (code, "was recorded by harness 0.1: record it again" in err) == (2, True)
    assert new.name not in err
    assert (new / "verdict.json").read_bytes() == verdict


def test_a_history_of_theirs_under_a_plan_of_today_is_not_judged_either(results, capfd):
    run = synthetic.put_half_open(results)
    age(run)
    old = (run / HISTORY).read_bytes()
    shutil.rmtree(results)
    run = synthetic.put_half_open(results)
    (run / HISTORY).write_bytes(old)
    code, _, err = said(["judge", "results"], capfd)
    assert (code, err.endswith("was recorded by harness 0.1: record it again")) == (2, True)


def test_nothing_is_held_against_them(tmp_path):
    run = synthetic.put_half_open(tmp_path)
    age(run)
    found = compare_worlds(run)
    assert (found.said, "recorded by harness 0.1" in found.reason) == (AgreementWord.UNKNOWN, True)
