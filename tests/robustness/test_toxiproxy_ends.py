"""A Toxiproxy that is killed or wedged in the middle of a run: exit code 3 in words, in time, and nothing is left."""

import contextlib
import re
import shutil
import signal
import time

import psutil
import pytest

from tests.end_to_end.command import verdicts

from .kill_fifty import MARK, command, marked, shared_toxiproxy, wait_until

PROGRAM = shutil.which("toxiproxy-server")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="no toxiproxy-server on PATH; CI installs it"),
]

RESHAPED = """\
scenario: a shape that changes late
job: {{lasts: 20s, updates: every 50ms}}
paths: {{wifi: wifi}}
timeline:
  {at}s:  {{wifi: 3g}}
"""


def servers(mark):
    """The toxiproxy-server that a run of this mark has launched."""
    found = []
    for process in marked(mark):
        with contextlib.suppress(psutil.Error):
            if process.name() == "toxiproxy-server":
                found.append(process)
    return found


def struck(folder, choice, victims, number, *, at=3):
    """Run, signal the victims once events flow, and return exit code, standard error and seconds to the run's end.

    The run ends with the last record of its history. What a busy host takes to judge and to draw it is not of the run.
    """
    (folder / "late.yaml").write_text(RESHAPED.format(at=at))
    process = command(folder, "run", "late.yaml", "--toxiproxy", choice, **{MARK: str(folder)})
    flowing = wait_until(lambda: any(path.stat().st_size > 3000 for path in histories(folder)), 20)
    assert flowing, process.communicate(timeout=30)
    began = time.time()  # noqa: TID251 - compared with the time of a file
    for victim in victims():
        victim.send_signal(number)
    out, err = process.communicate(timeout=60)
    took = max(path.stat().st_mtime for path in histories(folder)) - began
    assert "Traceback" not in out + err + "".join(path.read_text() for path in folder.glob("results/*/*/*/*.log"))
    assert wait_until(lambda: marked(str(folder)) == [], 10)
    return process.returncode, " ".join(err.split()), took


def histories(folder):
    return folder.glob("results/2*/*/*/history.jsonl.gz")


def test_a_launched_server_that_is_killed_ends_the_run_at_once(tmp_path):
    code, err, took = struck(tmp_path, PROGRAM, lambda: servers(str(tmp_path)), signal.SIGKILL, at=18)
    assert code == 3, err
    assert re.search(r"toxiproxy-server ended while it was needed", err), err
    assert took < 10  # the deed's own call would have come later
    ((word, _),) = verdicts(tmp_path).values()
    assert word in {"unknown", "void"}


def test_a_launched_server_that_is_wedged_ends_the_run_within_the_deadline_of_a_call(tmp_path):
    code, err, took = struck(tmp_path, PROGRAM, lambda: servers(str(tmp_path)), signal.SIGSTOP)
    assert code == 3, err
    assert "did not answer" in err
    assert took < 2 + 5 + 1 + 1 + 1 + 5  # the next look, its deadline, what still answers, twice healing, a busy host


@pytest.mark.parametrize(
    ("number", "words", "within"),
    [(signal.SIGKILL, "ended while it was needed", 10), (signal.SIGSTOP, "did not answer", 2 + 5 + 1 + 1 + 1 + 5)],
)
def test_a_server_that_ran_before_and_fails_is_told_by_its_address(tmp_path, number, words, within):
    """With no call pending: the next look, its deadline, a look at what still answers, twice healing, a busy host."""
    with shared_toxiproxy() as url:
        port = int(url.rpartition(":")[2])
        code, err, took = struck(tmp_path, url, lambda: [listener(port)], number, at=18)
    assert code == 3, err
    assert url in err
    assert words in err
    assert took < within


def listener(port):
    """The process that listens there."""
    return next(
        psutil.Process(each.pid)
        for each in psutil.net_connections("tcp")
        if each.status == psutil.CONN_LISTEN and each.laddr.port == port and each.pid
    )
