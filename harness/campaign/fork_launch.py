"""A fork server, started and ended. Imports nothing that takes time: it loads its libraries beside its starter.

Orders go to it over two sockets, one for runs and one for what follows them; see ``harness.campaign.forkserver``.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import IO, NamedTuple

SERVER = (sys.executable, "-m", "harness.campaign.forkserver")

FORKS = sys.platform == "linux"
"""Virtual runs are forked on Linux alone; elsewhere each has a fresh process.

What system libraries of macOS leave behind in a forked process may crash it (CPython's bpo-33725), and a pair of
sockets there carries no messages, which orders are (``SOCK_SEQPACKET``).
"""

FIRST_HASH_SEED = 1
"""``PYTHONHASHSEED`` of a run that is made twice; its repetition has the next one."""


class Started(NamedTuple):
    """A fork server's process, where it takes orders, and a file with what it said on its standard error."""

    process: subprocess.Popen[bytes]
    runs: socket.socket
    finishes: socket.socket
    said: IO[bytes]

    def kill(self) -> None:
        """End it, and everything it forked, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextlib.contextmanager
def started(*, hash_seed: int | None = None, figures: str = "all") -> Iterator[Started]:
    """Start a fork server, and end it with everything it forked.

    ``hash_seed`` is its ``PYTHONHASHSEED``; ``figures`` says which runs it draws: all, failed or none.
    """
    with contextlib.ExitStack() as stack:
        runs, finishes = _pair(stack), _pair(stack)
        said = stack.enter_context(tempfile.TemporaryFile("a+b"))
        numbers = [runs[1].fileno(), finishes[1].fileno()]
        process = subprocess.Popen(  # noqa: S603 - our own module
            [*SERVER, figures, *map(str, numbers)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            pass_fds=numbers,
            start_new_session=True,  # Ctrl-C at the terminal reaches us only, and we ask the runs to stop
            env=os.environ if hash_seed is None else {**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        )
        server = Started(process, runs[0], finishes[0], said)
        stack.callback(server.kill)
        for _, theirs in (runs, finishes):
            theirs.close()
        yield server


def _pair(stack: contextlib.ExitStack) -> tuple[socket.socket, socket.socket]:
    """Return a socket of ours and one of theirs, on which a message is an order."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return stack.enter_context(ours), stack.enter_context(theirs)
