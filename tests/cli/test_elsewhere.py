"""The commands on a system without what only Linux has: no fork, no /proc, no epoll, no constant of its own.

``elsewhere/sitecustomize.py`` hides it from each process and from all that it starts.
"""

import sys
from pathlib import Path

import pytest

from tests import environments

HIDING = {"PYTHONPATH": str(Path(__file__).parent / "elsewhere")}
BSD = HIDING | {"PORTS": "one socket each"}
PLUGGED = """\
import pytest

@pytest.mark.scenario("silent.yaml", world="virtual")
def test_a_path_falls_silent(harness_run):
    assert [result.passed for result in harness_run()] == [True]
"""
QUICK = "scenario: quick\njob: {lasts: 500ms, updates: every 50ms}\npaths: {wifi: wifi}\n"
SILENT = QUICK.replace("500ms", "3s") + "timeline: {1s: {wifi: silent for 500ms}}\n"

COMMANDS = {  # name: (arguments, what is hidden, exit code, what it says)
    "check": (["check", "handoff"], HIDING, 0, "good, 2 variants"),
    "explain": (["explain", "handoff"], HIDING, 0, "wifi: silent [line"),
    "judge": (["judge", "virtual"], HIDING, 0, "PASS 1 scenario, 1 variant"),
    "report": (["report", "virtual"], HIDING, 0, "report virtual/latest/report.html"),
    "fuzz": (["fuzz", "--seeds", "2", "-j", "1", "--no-confirm"], HIDING, 0, "CLEAN 2 seeds"),
    "run on real sockets": (["run", "quick.yaml", "--toxiproxy", "embedded"], HIDING, 0, "PASS 1 scenario"),
    "run what lets dials hang": (["run", "silent.yaml"], HIDING, 3, "wifi: silent for 500ms (line 4)"),
    "serve where no port can be kept": (["serve"], BSD, 3, "no runs on real sockets on darwin"),
    "doctor": (["doctor"], HIDING, 3, "✗ hanging dials silent, stalled and unreachable cannot be had"),
    "doctor where no port can be kept": (["doctor"], BSD, 3, "✗ real sockets no runs on real sockets"),
}


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Python without the libraries that draw, which take longer than all else."""
    return environments.make(tmp_path_factory.mktemp("python"), [*environments.light("fuzz"), "pytest"])


@pytest.fixture(scope="module")
def folder(python, tmp_path_factory):
    """Where a run in virtual time was made, and repeated. ``told`` holds what the command said."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "quick.yaml").write_text(QUICK)
    (folder / "silent.yaml").write_text(SILENT)
    run = ["run", "silent.yaml", "--world", "virtual", "--twice", "--out", "virtual"]
    done = environments.harness(python, *run, cwd=folder, **HIDING)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "told").write_text(done.stdout)
    return folder


def test_what_only_linux_has_is_hidden(tmp_path):
    told = "import os, select, socket, sys; print(sys.platform, os.path.exists('/proc/self/stat'), "
    told += "*(hasattr(where, what) for where, what in ((os, 'fork'), (select, 'epoll'), (socket, 'TCP_INFO'))))"
    done = environments.run(sys.executable, "-c", told, cwd=tmp_path, **HIDING)
    assert (done.stdout, done.stderr) == ("darwin False False False False\n", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_does_its_work_elsewhere_or_says_what_is_missing(python, folder, name):
    arguments, hiding, code, words = COMMANDS[name]
    done = environments.harness(sys.executable if name == "report" else python, *arguments, cwd=folder, **hiding)
    assert done.returncode == code, done.stdout + done.stderr
    assert words in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stderr


def test_the_pytest_plugin_runs_in_virtual_time_there(python, folder):
    (folder / "test_plugged.py").write_text(PLUGGED)
    plugged = ["-m", "pytest", "-q", "-p", "harness.pytest_plugin", "test_plugged.py"]
    done = environments.run(python, *plugged, cwd=folder, **HIDING)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_a_run_in_virtual_time_is_the_same_there_and_here(python, folder, tmp_path):
    (tmp_path / "silent.yaml").write_text(SILENT)
    here = environments.harness(python, "run", "silent.yaml", "--world", "virtual", cwd=tmp_path).stdout
    there = (folder / "told").read_text()
    assert "twice: the same digest" in there
    assert here.partition("digest=")[2][:12] == there.partition("digest=")[2][:12] != ""
