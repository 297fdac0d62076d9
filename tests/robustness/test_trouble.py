"""Ordinary trouble with a machine is told in a sentence: exit code 2 or 3, never a bug of the harness's own."""

import errno
import os
import subprocess
import sys

import pytest

from harness import cli
from harness.campaign.folders import new_invocation
from harness.errors import EnvironmentFault, UsageError
from harness.trouble import in_words
from tests.end_to_end.command import environment

QUICK = "scenario: quick\njob: {lasts: 500ms, updates: every 50ms}\npaths: {wifi: wifi}\n"
HARNESS = f"{sys.executable} -m harness"
RUN = f"{HARNESS} run $PWD/quick.yaml --world virtual"
REAL = f"{HARNESS} run quick.yaml --toxiproxy embedded"
GONE = "file=$PWD/quick.yaml; mkdir gone; cd gone; rmdir ../gone; "

TROUBLE = {  # name: (shell line, variables, exit code, words on standard error)
    "no working folder": (f"{GONE}{HARNESS} run $file --world virtual --out /tmp/x", {}, 3, "working folder is not"),
    "nothing to check from": (f"{GONE}{HARNESS} check $file", {}, 3, "change to one that is"),
    "few files": (f"ulimit -n 8; {RUN}", {}, 3, "raise `ulimit -n`"),
    "few files, real": (f"ulimit -n 16; {REAL}", {}, 3, "oo many open files"),
    "little memory": (f"ulimit -v 300000; {RUN}", {}, 3, "not enough memory"),
    "a plotting backend": (RUN, {"MPLBACKEND": "nonsense"}, 0, ""),
    "a plotting file": (RUN, {"MATPLOTLIBRC": "/dev/zero"}, 0, ""),
    "a name of no UTF-8": (f"cp quick.yaml $'\\xffq.yaml'; {HARNESS} run $'\\xffq.yaml' --world virtual", {}, 0, ""),
    "a folder of no UTF-8": (f"{REAL} --out $'\\xff'", {}, 0, ""),
    "a folder of two lines": (f"{REAL} --out $'a\\nb'", {}, 0, ""),
    "ascii": (RUN, {"PYTHONIOENCODING": "ascii"}, 0, ""),
    "nonsense around": (RUN, {"TZ": "no/../x", "COLUMNS": "x", "TERM": "y", "TMPDIR": "/z", "PATH": "/q"}, 0, ""),
    "head": (f"{HARNESS} list | head -1; exit ${{PIPESTATUS[0]}}", {}, 0, ""),
}

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", TROUBLE)
def test_trouble_is_told_in_a_sentence(tmp_path, name):
    line, variables, code, words = TROUBLE[name]
    (tmp_path / "quick.yaml").write_text(QUICK)
    done = subprocess.run(
        ["/bin/bash", "-c", line],
        cwd=tmp_path,
        env=environment() | variables,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=120,
    )
    assert (done.returncode, words in done.stderr) == (code, True), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "bug in harness" not in done.stderr
    assert not list(tmp_path.rglob("harness-*.txt"))


@pytest.mark.parametrize("year", [253_402_300_800, 1e15, float("inf"), float("nan")])
def test_a_clock_beyond_the_calendar_is_told(tmp_path, year):
    with pytest.raises(EnvironmentFault, match="clock is beyond the calendar"):
        new_invocation(tmp_path, year)
    assert new_invocation(tmp_path, 253_402_300_799).name.startswith("99991231T235959Z-")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "ulimit -n"),
        (OSError(errno.ENFILE, "Too many open files in system"), "ulimit -n"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "ulimit -u"),
        (RuntimeError("can't start new thread"), "ulimit -u"),
        (OSError(errno.ENOSPC, "No space left on device"), "cannot write: No space"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "/x: Permission denied"),
        (MemoryError(), "-j 1"),
        (UsageError("kept as it is"), "kept as it is"),
        (ExceptionGroup("", [ExceptionGroup("", [OSError(errno.EMFILE, "Too many open files")])]), "ulimit -n"),
    ],
)
def test_each_has_its_words(error, words):
    assert words in str(in_words(error))


@pytest.mark.parametrize(
    "error", [ValueError("x"), OSError("x"), OSError(errno.EBADF, "Bad file descriptor"), KeyError()]
)
def test_a_bug_has_none(error):
    assert in_words(error) is None


def test_a_bug_whose_traceback_cannot_be_kept_is_still_told(capfd, monkeypatch):
    def nowhere(*_, **__):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr("tempfile.NamedTemporaryFile", nowhere)
    assert cli.guarded(lambda: 1 // 0) == 3
    assert "its traceback could not be kept (Too many open files)" in capfd.readouterr().err
