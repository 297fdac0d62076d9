"""One run in a child process of its own: started, listened to, asked to stop, never left behind.

The child reads its plan from the run's folder and writes its history there; over its standard output come lines of
JSON (``Progress``), its standard error is the run's ``harness.log``. It stops, keeps what it has and heals everything
when its standard input ends: on request, and by itself when this process is killed.
"""

import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
import trio

from harness.history.files import LOG
from harness.run.progress import MAX_LINE, Progress

T = TypeVar("T")

Sink = Callable[[Progress], None]


class ChildExit(msgspec.Struct, frozen=True, kw_only=True):
    """How a child ended. ``what``: ended (whatever its run's end), fault (exit 3, in words), died (a signal, a bug)."""

    what: Literal["ended", "fault", "died"]
    detail: str = ""


async def run_child(
    folder: Path, toxiproxy: str, sink: Sink, stop: trio.Event, *, hash_seed: int | None = None
) -> ChildExit:
    """Run the plan in ``folder`` to its end, or until ``stop`` is set. On cancellation the child is killed.

    ``hash_seed`` is the child's ``PYTHONHASHSEED``; None leaves it as it is here.
    """
    command = [sys.executable, "-m", "harness.run.child", str(folder), "--toxiproxy", toxiproxy]
    environment = os.environ if hash_seed is None else {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    with (folder / LOG).open("wb") as log:
        # A session of its own: Ctrl-C at the terminal reaches this process only, and it asks the children to stop.
        process = await trio.lowlevel.open_process(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            env=environment,
        )
    try:
        async with trio.open_nursery() as nursery:
            assert process.stdin is not None  # both are pipes
            assert process.stdout is not None
            nursery.start_soon(close_when, stop, process.stdin)
            fault = await _listen(process.stdout, sink)
            code = await process.wait()
            nursery.cancel_scope.cancel()
    finally:
        if process.returncode is None:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with trio.CancelScope(shield=True):
                    await trio.aclose_forcefully(pipe)
    if fault:
        return ChildExit(what="fault", detail=fault)
    if code == 0:
        return ChildExit(what="ended")
    return died(folder, code)


def died(folder: Path, code: int) -> ChildExit:
    """A run whose process ended with this exit code, or by the signal that it is minus the number of."""
    reason = f"signal {-code}" if code < 0 else f"exit code {code}"
    log = f"{folder.parent.name}/{folder.name}/{LOG}"  # inside the results: they may be moved, or merged
    return ChildExit(what="died", detail=f"the run's process ended with {reason}; see {log}")


async def close_when(stop: trio.Event, pipe: trio.abc.AsyncResource) -> None:
    """Close a process's standard input on request: it then stops, and keeps what it has."""
    await stop.wait()
    await pipe.aclose()


async def lines_of(output: trio.abc.ReceiveStream) -> AsyncGenerator[bytes, None]:
    """Yield each line as it comes, without its end; of one that is too long for anything of ours, its end."""
    pending = b""
    async for data in output:
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            yield line
        pending = pending[-MAX_LINE:]


class AnswerLines:
    """The lines that a process of ours answers in, one after the other."""

    def __init__(self, process: trio.Process) -> None:
        assert process.stdout is not None
        self._output = process.stdout
        self._pending = b""

    async def line(self) -> bytes:
        """Wait for a line, and return it without its end. Raises ``EOFError`` where the process says no more."""
        while b"\n" not in self._pending:
            data = await self._output.receive_some()
            if not data:
                raise EOFError
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return line


async def put_down(process: trio.Process) -> None:
    """Close a process's pipes, kill it where it goes on, and wait for its end; no cancellation hinders that."""
    with trio.CancelScope(shield=True):
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                await trio.aclose_forcefully(pipe)
        if process.returncode is None:
            process.kill()
        await process.wait()


def decoded(line: bytes, kind: type[T]) -> T | None:
    """Read a line of JSON; None where it is not of this kind: some library printed."""
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.MsgspecError:
        return None


def last_words(said: bytes) -> str:
    """Return the last line of what a process said before it died."""
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


async def _listen(output: trio.abc.ReceiveStream, sink: Sink) -> str:
    """Hand on each line as it comes; return the fault that the last one told of, if any."""
    fault = ""
    async with aclosing(lines_of(output)) as lines:
        async for line in lines:
            if (progress := decoded(line, Progress)) is not None:
                fault = progress.fault or fault
                sink(progress)
    return fault
