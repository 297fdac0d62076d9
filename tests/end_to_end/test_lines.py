"""Lines of JSON arrive as runs end, not when all have."""

import json
import signal

import pytest

from .command import interrupt, start, summary

pytestmark = pytest.mark.slow

QUICK = "scenario: quick\njob: {lasts: 500ms, updates: every 50ms}\npaths: {wifi: wifi}\n"
LONG = QUICK.replace("quick", "long").replace("500ms", "60s")


def begun(folder):
    """A long run, started first, and a quick one beside it."""
    (folder / "long.yaml").write_text(LONG)
    (folder / "quick.yaml").write_text(QUICK)
    options = ("-j", "2", "--toxiproxy", "embedded", "--output-format", "jsonl")
    return start("run", "long.yaml", "quick.yaml", *options, cwd=folder)


def test_the_first_line_comes_while_the_last_run_still_goes_on(tmp_path):
    process = begun(tmp_path)
    first = json.loads(process.stdout.readline())
    assert (first["name"], first["word"], first["schema_version"]) == ("quick", "pass", 1)
    assert process.poll() is None
    assert [path.parent.parent.name for path in tmp_path.glob("results/2*/*/*/verdict.json")] == ["quick"]
    out, err = interrupt(process, signal.SIGINT)
    assert process.returncode == 130, err
    last, end = [json.loads(line) for line in out.splitlines()]
    assert (last["name"], last["aborted"], last["word"]) == ("long", True, "interrupted")
    assert (end["kind"], end["word"], end["exit"], end["runs"]) == ("end", "interrupted", 130, 2)
    assert [run["name"] for run in summary(tmp_path)["runs"]] == ["long", "quick"]


def test_a_reader_that_leaves_after_the_first_line_ends_no_run(tmp_path):
    process = begun(tmp_path)
    assert json.loads(process.stdout.readline())["name"] == "quick"
    process.stdout.close()
    process.send_signal(signal.SIGINT)
    with process.stderr as stream:
        err = stream.read()
    assert process.wait(60) == 130, err
    assert "Traceback" not in err
    assert [run["name"] for run in summary(tmp_path)["runs"]] == ["long", "quick"]
