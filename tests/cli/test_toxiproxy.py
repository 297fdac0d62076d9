"""``harness toxiproxy``: the flags of toxiproxy-server, and our own."""

import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "harness", "toxiproxy"]


@pytest.mark.parametrize(
    "flags",
    [
        ["-host", "127.0.0.1", "-port", "0"],
        ["--host", "localhost", "--port", "0"],
        ["-port=0", "-seed=5"],
        ["--listen", "127.0.0.1:0"],
    ],
)
def test_the_flags_of_toxiproxy_server_are_understood(flags):
    with subprocess.Popen([*COMMAND, *flags], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None
        said = server.stdout.readline()
        server.terminate()
        assert server.wait(10) == 0
    assert said.startswith("embedded Toxiproxy on http://127.0.0.1:")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--listen", "127.0.0.1:1", "-port", "2"], "--listen says both: leave --host and --port out"),
        (["-port", "9" * 5000], "--listen takes ADDRESS:PORT"),
        (["-host", "192.0.2.1"], "only loopback is served"),
    ],
)
def test_flags_that_make_no_sense_start_nothing(flags, message):
    done = subprocess.run([*COMMAND, *flags], capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, message in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr
