"""The warnings of a plan, where a user, a pipeline and a program read it; and what is refused before it is run."""

import json

import pytest

from .command import harness, latest, summary

HEAD = "scenario: a lonely walk\njob: {lasts: 3s}\npaths: {wifi: wifi}\n"
HOPELESS = HEAD + "timeline:\n  1s: {wifi: silent}\n"
TEXT = (
    "no client can pass: wifi silent at 1s leaves no way to the job for good; "
    "terminal-once, no-gap and recovery are not judged from then on"
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(HOPELESS, encoding="utf-8")
    return path


def test_check_warns_at_the_place_and_changes_no_exit_code(file):
    done = harness("check", "s.yaml", cwd=file.parent)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines() == [f"s.yaml:5:14: warning: {TEXT}", "s.yaml: good, 1 variant, 1 warning"]


def test_check_annotates_a_pull_request(file):
    done = harness("check", "s.yaml", "--output-format", "github", cwd=file.parent)
    assert (done.returncode, done.stdout) == (0, f"::warning file=s.yaml,line=5,col=14::{TEXT}\n")


def test_a_run_warns_first_annotates_and_keeps_it_in_its_files(file):
    done = harness("run", "s.yaml", "--world", "virtual", "--output-format", "github", cwd=file.parent)
    assert done.returncode == 0, done.stdout
    assert done.stderr.splitlines()[0] == f"s.yaml:5:14: warning: {TEXT}"
    assert done.stdout.splitlines()[-1] == f"::warning file=s.yaml,line=5,col=14::{TEXT}"
    warnings = [{"line": 5, "column": 14, "text": TEXT}]
    run = summary(file.parent)["runs"][0]
    folder = latest(file.parent) / run["folder"]
    assert run["warnings"] == warnings
    assert [json.loads((folder / name).read_bytes())["warnings"] for name in ("plan.json", "verdict.json")] == [
        warnings,
        warnings,
    ]
    assert {run["laws"][law] for law in ("terminal-once", "no-gap", "recovery")} == {"not judged"}


@pytest.mark.parametrize("command", [("check",), ("run", "--world", "virtual")])
def test_a_typo_in_a_time_gives_no_green_build(tmp_path, command):
    (tmp_path / "late.yaml").write_text(HEAD + "timeline:\n  100s: {wifi: silent}\n", encoding="utf-8")
    done = harness(command[0], "late.yaml", *command[1:], cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "late.yaml:5:16: error: timeline 1m40s: at 100 s the job of 3 s has been over for 97 s: "
        "nothing would be tried\n"
    )


def test_a_run_goes_on_to_its_last_deed_and_says_which_met_nobody(tmp_path):
    paths = HEAD.replace("wifi: wifi", "wifi: wifi, cellular: lte")
    timeline = "timeline:\n  1s: {cellular: closed}\n  2s: {wifi: reset once}\n  60s: {wifi: closed}\n"
    (tmp_path / "s.yaml").write_text(paths + timeline, encoding="utf-8")
    done = harness("run", "s.yaml", "--world", "virtual", cwd=tmp_path)
    assert done.returncode == 0
    assert "faults proved 2 of 2 (1 on the client's flow, 1 by canary)" in done.stdout
    assert "1 deed untried: the job had ended" in done.stdout
    assert summary(tmp_path)["runs"][0]["seconds"] == pytest.approx(61.0, abs=0.01)
