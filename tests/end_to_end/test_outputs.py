"""A run says of its own end what it returns: on real sockets, and in every format."""

import json
import shutil
import signal
import socket
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from harness.history import read_history

from .command import harness, interrupt, latest, short, start, summary, verdicts
from .test_ends import mine, wait_until

pytestmark = pytest.mark.slow


def codes(folder):
    """The exit code that each file of the newest results names."""
    root = latest(folder)
    properties = ET.parse(root / "junit.xml").getroot().iter("property")
    (first, *_) = (root / "report.md").read_text().splitlines()
    return {
        "junit.xml": int(next(one.get("value") for one in properties if one.get("name") == "exit")),
        "summary.json": json.loads((root / "summary.json").read_text())["exit"],
        "report.md": int(first.rpartition(" exit ")[2]),
        "report.html": int((root / "report.html").read_text().partition(" · exit ")[2].partition("<")[0]),
    }


def test_a_wedged_toxiproxy_says_so_everywhere_with_the_exit_code_of_the_process(tmp_path):
    (tmp_path / "walk.yaml").write_text(short())
    with socket.create_server(("127.0.0.1", 0)) as wedged:
        url = f"http://127.0.0.1:{wedged.getsockname()[1]}"
        options = ("--repeat", "2", "-j", "2", "--toxiproxy", url)
        done = harness("run", "walk.yaml", *options, cwd=tmp_path)
    assert done.returncode == 3
    assert set(codes(tmp_path).values()) == {3}
    assert "history is empty" not in done.stdout
    assert "Toxiproxy" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    for text in (done.stdout, done.stderr, *((latest(tmp_path) / name).read_text() for name in codes(tmp_path))):
        assert "did not answer GET /version" in " ".join(text.split())
    took = f"{summary(tmp_path)['seconds']:.1f} s"
    assert done.stdout.splitlines()[-2] == f"VOID  1 scenario, 2 runs, seeds 7, 8 in {took}   exit 3"
    assert max(map(len, (done.stdout + done.stderr).splitlines())) <= 100


class Interrupted(NamedTuple):
    """A command that a signal ended: where, its processes, what it said, its exit code, and what that should be."""

    folder: Path
    family: list[psutil.Process]
    out: str
    err: str
    exit: int
    code: int
    jobs: int


@pytest.fixture(scope="module", params=[(signal.SIGINT, 130, 2), (signal.SIGTERM, 143, 1)], ids=["SIGINT", "SIGTERM"])
def interrupted(request, tmp_path_factory):
    """Three runs, one or two at a time, interrupted while the first go on."""
    number, code, jobs = request.param
    folder = tmp_path_factory.mktemp("interrupted")
    (folder / "walk.yaml").write_text(short(lasts="60s"))
    process = start("run", "walk.yaml", "--repeat", "3", "-j", str(jobs), "--toxiproxy", "embedded", cwd=folder)
    wait_until(lambda: sum(path.stat().st_size > 200 for path in folder.rglob("history.jsonl.gz")) == jobs)
    family = mine(process)
    out, err = interrupt(process, number)
    return Interrupted(folder, family, out, err, process.returncode, code, jobs)


def test_an_interruption_says_so_everywhere_with_the_exit_code_of_the_process(interrupted):
    folder, _, out, err, exit_code, code, jobs = interrupted
    assert exit_code == code, out + err
    assert set(codes(folder).values()) == {code}
    last = out.splitlines()[-2]
    assert last.startswith(f"INTERRUPTED  {jobs} interrupted, {3 - jobs} not run in ")
    assert last.endswith(f"   exit {code}")
    assert err.count("interrupted") == jobs
    assert harness("judge", cwd=folder).returncode == code


def test_interrupted_runs_keep_and_judge_what_there_is(interrupted):
    found = verdicts(interrupted.folder)
    assert len(found) == interrupted.jobs
    for word, laws in found.values():
        assert "failed" not in laws.values()
        assert word in {"unknown", "void"}
    for path in interrupted.folder.rglob("history.jsonl.gz"):
        history = read_history(path)
        assert (history.end.reason, history.truncated) == ("interrupted", False)
    assert all(run["aborted"] for run in summary(interrupted.folder)["runs"])


def test_an_interruption_leaves_no_traceback_and_no_process(interrupted):
    assert "Traceback" not in interrupted.out + interrupted.err
    assert psutil.wait_procs(interrupted.family, timeout=5)[1] == []


def test_interrupted_twice_every_run_that_was_begun_is_named(tmp_path):
    (tmp_path / "walk.yaml").write_text(short(lasts="60s"))
    process = start("run", "walk.yaml", "--repeat", "3", "-j", "2", "--toxiproxy", "embedded", cwd=tmp_path)
    wait_until(lambda: sum(path.stat().st_size > 200 for path in tmp_path.rglob("history.jsonl.gz")) == 2)
    process.send_signal(signal.SIGINT)
    out, err = interrupt(process)
    assert process.returncode == 130, out + err
    named = summary(tmp_path)
    judged = [run["folder"] for run in named["runs"]]
    assert sorted([*judged, *named["unjudged"]]) == ["walk/reference-real-s7", "walk/reference-real-s8"]
    assert named["not_run"] == ["walk seed 9"]


@pytest.mark.parametrize("kind", ["deleted", "moved", "a file"])
def test_a_run_whose_results_went_away_meanwhile_is_in_the_verdict(tmp_path, kind):
    (tmp_path / "walk.yaml").write_text(short(lasts="2s"))
    process = start("run", "walk.yaml", "--repeat", "2", "-j", "1", "--toxiproxy", "embedded", cwd=tmp_path)
    wait_until(lambda: sum(path.stat().st_size > 200 for path in tmp_path.rglob("history.jsonl.gz")) == 1)
    (folder,) = (tmp_path / "results").glob("2*")
    shutil.move(folder, tmp_path / "moved")
    if kind == "deleted":
        shutil.rmtree(tmp_path / "moved")
    elif kind == "a file":
        folder.write_text("")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, out + err
    assert "Traceback" not in out + err
    assert "PASS" not in out
    last = [line for line in out.splitlines() if line.startswith("VOID")]
    assert last[-1].endswith("   exit 3")
    for seed in (7, 8) if kind == "a file" else (7,):
        assert f"walk/reference-real-s{seed}: it" in " ".join(out.split())
    assert ("1 passed, 1 without a verdict" in last[-1]) == (kind != "a file")
    if kind != "a file":
        assert set(codes(tmp_path).values()) == {3}
    else:
        assert "no report" in out


def test_a_full_disk_hides_no_verdict_and_says_that_there_is_no_report(tmp_path, monkeypatch):
    (tmp_path / "walk.yaml").write_text(short(lasts="2s"))
    # No file of the command's own may grow beyond 16 KB, as little as the report needs more; its children's may.
    (tmp_path / "sitecustomize.py").write_text(
        "import resource, signal, sys\n"
        "if sys.orig_argv[1:3] == ['-m', 'harness']:\n"
        "    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "    import subprocess\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (16384, resource.RLIM_INFINITY))\n"
        "elif '-m' in sys.orig_argv:\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = harness("run", "walk.yaml", "--toxiproxy", "embedded", cwd=tmp_path)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "  ✓ " in done.stdout
    assert "  no report  cannot write " in done.stdout
    assert done.stdout.splitlines()[-1].endswith("   exit 3")


def test_junit_that_can_be_written_nowhere_is_told_before_anything_starts(tmp_path):
    (tmp_path / "walk.yaml").write_text(short())
    (tmp_path / "taken").mkdir()
    for place, why in (("walk.yaml/x.xml", "cannot write walk.yaml/x.xml"), ("taken", "it is a folder")):
        done = harness("run", "walk.yaml", "--junit", place, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (3, "")
        assert why in done.stderr
        assert not (tmp_path / "results").exists()
