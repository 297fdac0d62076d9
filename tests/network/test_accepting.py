"""A process without a file left for another connection: servers wait for one, and say so."""

import contextlib
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import trio
import trio.testing

from harness.errors import OutOfFiles
from harness.network.accepting import PAUSE, accept


class Poor:
    """A listener that has no file left until a moment, and then one connection."""

    def __init__(self, until: float) -> None:
        self.until = until

    async def accept(self):
        await trio.lowlevel.checkpoint()
        if trio.current_time() < self.until:
            raise OutOfFiles("cannot accept a connection (Too many open files): raise `ulimit -n`")
        return "the stream"


def test_a_server_waits_for_a_file_and_says_so_once(caplog):
    async def main():
        began = trio.current_time()
        assert await accept(Poor(began + 9.5 * PAUSE), "the server") == "the stream"
        assert trio.current_time() - began == pytest.approx(10 * PAUSE)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    said = [record.getMessage() for record in caplog.records]
    assert said == ["the server waits: cannot accept a connection (Too many open files): raise `ulimit -n`"]


FILES = 40
"""Enough to start; a third of the dials below find none left."""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs a limit on files that counts")
@pytest.mark.parametrize("command", ["serve", "toxiproxy"])
def test_a_server_out_of_files_outlives_the_flood_and_answers_again(command):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = probe.getsockname()
    started = [sys.executable, "-m", "harness", command, "--listen", f"{address[0]}:{address[1]}"]
    with subprocess.Popen(
        started,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES)),  # noqa: PLW1509
    ) as server:
        try:
            assert server.stdout is not None
            assert "(Ctrl-C ends it)" in server.stdout.readline()
            with contextlib.ExitStack() as flood:
                for _ in range(60):
                    flood.enter_context(socket.create_connection(address, timeout=10))
                assert "Too many open files" in line_with("waits", server.stdout)
                assert server.poll() is None
            with socket.create_connection(address, timeout=10) as late:
                late.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                assert late.recv(100).startswith(b"HTTP/1.1 404 ")
        finally:
            server.terminate()
        assert server.wait(10) == 0


def line_with(word: str, lines) -> str:
    return next(line for line in lines if word in line)
