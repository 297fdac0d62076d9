"""A real toxiproxy-server as a child that cannot outlive the harness.

The server runs under a tiny shell that waits on a pipe from the harness and kills it when the pipe ends, which the
kernel sees to even when the harness is SIGKILLed. (The parent-death signal of Linux would not do: it fires when the
*thread* that forked ends, and trio forks in worker threads. ``preexec_fn`` is unsafe in a process with threads.)
"""

import socket
import subprocess
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from harness.errors import ToxiproxyFault
from harness.seams import Address
from harness.toxiproxy.connection import ApiConnection, NoApiAnswer
from harness.toxiproxy.servants import servants

LAUNCH_SECONDS = 10.0
_TRIES = 3  # another program may take the free port first
_PROBE_SECONDS = 0.5
_PAUSE_SECONDS = 0.02
_TAIL_LINES = 20
_LINE_MAX = 400

# The shell closes its own copy of the output, so that its end means the server's.
_GUARD = '"$@" & exec >&- 2>&-; read -r _; kill -KILL $!; wait'


class _PortTaken(Exception):
    """Another process took the port first; the server says so and keeps running without an API."""


@asynccontextmanager
async def launched(program: str) -> AsyncIterator[Address]:
    """Start ``program`` on a free port and yield its API's address once it answers; it is dead at the end.

    Raises ``ToxiproxyFault``, with the end of its output, where it does not come up, and where it ends while the body
    goes on: no proxy of it is there any more, so nothing that the body sees then is the network's doing.
    """
    for _ in range(_TRIES):
        address, output = _free_address(), _Output()
        try:
            async with servants() as nursery, _child(program, address) as process:
                assert process.stdout is not None
                nursery.start_soon(output.drain, process.stdout)
                await _answering(program, address, output)
                nursery.start_soon(_watching, program, output)
                try:
                    yield address
                finally:
                    nursery.cancel_scope.cancel()  # from here on its end is wanted
        except _PortTaken:
            continue
        return
    raise ToxiproxyFault(
        f"{program} found its port taken {_TRIES} times in a row: too much is starting on this machine"
    )


class _Output:
    """The end of what the server printed, and how it stands."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_TAIL_LINES)
        self._end = trio.Event()

    async def drain(self, stream: trio.abc.ReceiveStream) -> None:
        """Read to the end, and close the stream however that ends."""
        rest = b""
        async with stream:
            async for chunk in stream:
                *lines, rest = (rest + chunk).split(b"\n")
                rest = rest[-_LINE_MAX:]
                self._lines.extend(line[:_LINE_MAX].decode(errors="replace") for line in lines)
        self._end.set()

    @property
    def ended(self) -> bool:
        return self._end.is_set()

    async def wait_ended(self) -> None:
        """Wait until the server has closed its output, which it does when it ends."""
        await self._end.wait()

    @property
    def tail(self) -> str:
        return "\n".join(self._lines) or "(it printed nothing)"


@asynccontextmanager
async def _child(program: str, address: Address) -> AsyncIterator[trio.Process]:
    server = [program, "-host", address[0], "-port", str(address[1])]
    process = await trio.lowlevel.open_process(
        ["/bin/sh", "-c", _GUARD, "sh", *server],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C is the harness's to handle
    )
    assert process.stdin is not None
    try:
        yield process
    finally:
        with trio.CancelScope(shield=True):  # the end of the pipe makes the shell kill the server
            await process.stdin.aclose()
            await process.wait()


async def _answering(program: str, address: Address, output: _Output) -> None:
    """Wait until the API answers ``/version``; the server stays up even where its port is taken, so it is asked."""
    seen = ""
    with trio.move_on_after(LAUNCH_SECONDS):
        async with ApiConnection(address) as connection:
            while not output.ended:
                if "address already in use" in output.tail:
                    raise _PortTaken
                try:
                    answer = await connection.ask("GET", "/version", timeout=_PROBE_SECONDS)
                    seen = f"answered {answer.status}"
                    if answer.status == 200 and "address already in use" not in output.tail:
                        return
                except NoApiAnswer as none:  # another program that took the port first may accept and never answer
                    seen = str(none)
                await trio.sleep(_PAUSE_SECONDS)
        if "address already in use" in output.tail:  # releases before 2.5 end then
            raise _PortTaken
        raise ToxiproxyFault(f"{program} ended at once. Its last output:\n{output.tail}")
    raise ToxiproxyFault(
        f"{program} did not answer GET /version within {LAUNCH_SECONDS:g} s: it {seen}. Its last output:\n{output.tail}"
    )


async def _watching(program: str, output: _Output) -> None:
    """Say so when the server ends by itself."""
    await output.wait_ended()
    raise ToxiproxyFault(f"{program} ended while it was needed. Its last output:\n{output.tail}")


def _free_address() -> Address:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address: Address = probe.getsockname()
        return address
