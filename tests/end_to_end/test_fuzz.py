"""``harness fuzz``, whole: what it finds is a file that replays, in both worlds."""

import json
import signal

import pytest

from .command import harness, interrupt, start

WALK = """\
scenario: a short walk
job: {lasts: 3s, updates: every 100ms}
paths: {wifi: wifi, cellular: lte}
timeline:
  1s:    {wifi: reset once}
"""


def found(folder):
    """The summary of the newest search, and its files by law."""
    latest = (folder / "results" / "fuzz" / "latest").resolve()
    summary = json.loads((latest / "summary.json").read_text())
    return summary, {kind["law"]: latest / kind["file"] for kind in summary["kinds"]}


@pytest.mark.slow
def test_what_breaks_a_client_is_saved_small_and_replays(tmp_path):
    done = harness("fuzz", "--client", "forgets-last-id", "--seeds", "4", "--no-confirm", "-v", cwd=tmp_path)
    assert (done.returncode, "FOUND" in done.stdout) == (1, True), done.stdout + done.stderr
    assert "path stalled upstream only" in done.stdout
    summary, files = found(tmp_path)
    (kind,) = [kind for kind in summary["kinds"] if kind["law"] == "resume"]
    assert (kind["faults"] <= 2, summary["tried"], summary["aborted"]) == (True, 4, False)
    text = files["resume"].read_text()
    assert "# Replay: harness run resume-wrong-resume-s" in text
    assert "TIMELINE" in text
    replay = ("run", str(files["resume"]), "--client", "forgets-last-id", "--world", "virtual", "-q")
    assert harness(*replay, cwd=tmp_path).returncode == 1
    assert harness("run", str(files["resume"]), "--world", "virtual", "-q", cwd=tmp_path).returncode == 0


@pytest.mark.slow
def test_over_a_scenario_its_example_is_tried_on_real_sockets_too(tmp_path):
    (tmp_path / "walk.yaml").write_text(WALK)
    arguments = ("fuzz", "walk.yaml", "--client", "forgets-last-id", "--seeds", "1")
    done = harness(*arguments, cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    summary, files = found(tmp_path)
    assert [kind["real"] for kind in summary["kinds"] if kind["law"] == "resume"] == ["fails on real sockets too"]
    assert "1s: {wifi: reset once}" in files["resume"].read_text()
    # One run for all laws that the same small scenario breaks.
    runs = list((tmp_path / "results" / "fuzz" / "latest" / "real").glob("*/*/plan.json"))
    assert len(runs) == len({file.read_text().partition("\n\n")[2].partition("# Replay")[0] for file in files.values()})


@pytest.mark.slow
def test_a_clean_search_exits_0_and_says_so(tmp_path):
    (tmp_path / "walk.yaml").write_text(WALK)
    done = harness("fuzz", "walk.yaml", "--seeds", "1", "--no-confirm", cwd=tmp_path)
    assert (done.returncode, "CLEAN  1 seed" in done.stdout) == (0, True), done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_search_keeps_what_it_found(tmp_path, number, code):
    process = start("fuzz", "--client", "forgets-last-id", "--for", "2m", "-j", "1", cwd=tmp_path)
    assert process.stderr is not None
    while " 0 seeds" in (line := process.stderr.readline()):
        pass
    assert line.startswith("searching  ")
    out, err = interrupt(process, number)
    assert (process.returncode, "Traceback" in err) == (code, False), out + err
    summary, files = found(tmp_path)
    assert (summary["aborted"], files["resume"].exists()) == (True, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--client", "nobody"), "unknown client"),
        (("one", "two"), "one scenario at most"),
        (("--mutants", "no-such-bug"), "is no mutant"),
        (("nowhere.yaml",), "no file, no folder"),
        (("--for", "soon"), "--for"),
    ],
)
def test_what_cannot_be_searched_is_told_before_anything_is_started(tmp_path, arguments, message):
    done = harness("fuzz", *arguments, cwd=tmp_path)
    assert (done.returncode, message in done.stderr, list(tmp_path.iterdir())) == (2, True, []), done.stderr
