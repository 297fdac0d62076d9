"""Runs that end otherwise than planned: interrupted, killed, or let down by their environment. Nothing is lost."""

import json
import random
import re
import signal
import socket
import time

import psutil
import pytest

from harness.history import read_history

from .command import harness, interrupt, latest, short, start, summary

pytestmark = pytest.mark.slow


def wait_until(true, seconds=30.0):
    """Poll for something another process does."""
    end = time.monotonic() + seconds  # noqa: TID251 - the test's own patience
    while not true():
        assert time.monotonic() < end, "waited in vain"  # noqa: TID251
        time.sleep(0.02)  # noqa: TID251


def history_of(folder):
    """The only run's history file."""
    found = list((folder / "results").glob("*/*/*/history.jsonl.gz"))
    return found[0] if found else None


def running(folder):
    """Return whether the only run has recorded something."""
    path = history_of(folder)
    return path is not None and path.stat().st_size > 200


def mine(process):
    """The command's process and all of its children."""
    root = psutil.Process(process.pid)
    return [root, *root.children(recursive=True)]


def test_ctrl_c_at_any_moment_leaves_no_traceback_and_no_process(tmp_path):
    (tmp_path / "walk.yaml").write_text(short(lasts="60s"))
    moments = random.Random(7)
    for _ in range(8):
        process = start("run", "walk.yaml", "--toxiproxy", "embedded", cwd=tmp_path)
        time.sleep(moments.uniform(0.0, 3.0))  # noqa: TID251 - any moment is the point
        family = mine(process)
        out, err = interrupt(process)
        assert process.returncode in {130, -signal.SIGINT}, out + err
        assert "Traceback" not in out + err
        assert psutil.wait_procs(family, timeout=10)[1] == []


def test_when_the_command_is_killed_its_runs_stop_and_keep_their_history(tmp_path):
    (tmp_path / "walk.yaml").write_text(short(lasts="60s"))
    process = start("run", "walk.yaml", cwd=tmp_path)
    wait_until(lambda: running(tmp_path))
    family = mine(process)
    process.kill()
    process.communicate()
    assert psutil.wait_procs(family, timeout=20)[1] == []
    assert read_history(history_of(tmp_path)).end.reason == "interrupted"
    assert harness("judge", str(history_of(tmp_path).parents[2]), cwd=tmp_path).returncode in {3, 4}


def test_when_a_run_is_killed_what_was_flushed_is_judged(tmp_path):
    (tmp_path / "walk.yaml").write_text(short(lasts="60s"))
    process = start("run", "walk.yaml", "--toxiproxy", "embedded", cwd=tmp_path)
    wait_until(lambda: running(tmp_path))
    (run,) = [child for child in mine(process) if "harness.run.child" in child.cmdline()]
    run.kill()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert "signal 9" in err
    assert "Traceback" not in err
    history = read_history(history_of(tmp_path))
    assert history.truncated
    assert len(history.records) > 10
    assert summary(tmp_path)["runs"][0]["aborted"]


def test_a_toxiproxy_that_is_not_there_says_how_to_get_one(tmp_path):
    (tmp_path / "walk.yaml").write_text(short())
    done = harness("run", "walk.yaml", "--toxiproxy", "/nowhere/toxiproxy-server", cwd=tmp_path)
    assert done.returncode == 3
    assert "go install" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_full_disk_ends_the_run_with_exit_code_3_in_words(tmp_path, monkeypatch):
    (tmp_path / "walk.yaml").write_text(short(lasts="60s"))
    # A limit on the size of files, set in the child by its own environment, stands in for a full disk.
    (tmp_path / "sitecustomize.py").write_text(
        "import resource, signal, sys\n"
        "if any('harness.run.child' in word for word in sys.orig_argv):\n"
        "    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = harness("run", "walk.yaml", "--toxiproxy", "embedded", cwd=tmp_path)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "cannot write the history" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert len(read_history(history_of(tmp_path)).records) > 20


def test_a_port_in_use_is_told_by_number(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for command in ("serve", "toxiproxy"):
            done = harness(command, "--listen", f"127.0.0.1:{port}", cwd=tmp_path)
            assert done.returncode == 3
            assert str(port) in done.stderr
            assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["serve", "toxiproxy"])
def test_a_server_on_any_port_says_which_it_got(tmp_path, command):
    process = start(command, "--listen", "127.0.0.1:0", cwd=tmp_path)
    port = int(re.search(r"http://127.0.0.1:(\d+)", process.stdout.readline())[1])
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        _, err = interrupt(process, signal.SIGTERM)
    assert (process.returncode, err) == (0, "")


def test_the_servers_alone_answer_and_end_on_sigterm(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = start("serve", "--listen", f"127.0.0.1:{port}", cwd=tmp_path)
    assert "job server on" in process.stdout.readline()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(b"POST /api/v2/imports HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 202")
    _, err = interrupt(process, signal.SIGTERM)
    assert (process.returncode, err) == (0, "")


def test_the_next_run_after_a_kill_is_unaffected(tmp_path):
    (tmp_path / "walk.yaml").write_text(short())
    process = start("run", "walk.yaml", "--toxiproxy", "embedded", cwd=tmp_path)
    wait_until(lambda: running(tmp_path))
    family = mine(process)
    for each in family:
        each.kill()
    process.communicate()
    psutil.wait_procs(family, timeout=10)
    done = harness("run", "walk.yaml", "--toxiproxy", "embedded", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((latest(tmp_path) / "summary.json").read_text())["word"] == "pass"
