"""A child process that speaks lines of JSON: started, told, listened to, never left behind.

1. It is a module of ours. Its standard input takes what it is told, a line each. The end of that input asks the child
   to stop, and comes by itself when this process is killed.
2. Its standard output holds what it answers, a line each.
3. Its standard error goes to a file: a pipe that is read at the end only would fill.
4. It has a session of its own. Ctrl-C at the terminal reaches this process alone, which then asks its children to stop.
5. The end of the hold on it kills a child that goes on, waits for its end and closes its pipes, whatever was cancelled.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Literal, Self, TypeVar

import msgspec
import trio

from harness.history.files import LOG
from harness.run.progress import Progress

T = TypeVar("T")

Sink = Callable[[Progress], None]

LONGEST_LINE = 1_048_576
"""Bytes that are kept of a line: an example of the fuzzer's over a timeline of 2,000 deeds has a fifth of it."""

_LAST_WORDS = 4_096
"""Bytes at the end of what a child said that are looked at."""


class LineReader:
    """The lines of a stream, one after the other."""

    def __init__(self, stream: trio.abc.ReceiveStream) -> None:
        self._stream = stream
        self._pending = b""

    async def line(self) -> bytes:
        """Wait for a line, and return it without its end; of one that is too long, its last part.

        Raises ``EOFError`` where the stream ends.
        """
        while b"\n" not in self._pending:
            data = await self._stream.receive_some()
            if not data:
                raise EOFError
            self._pending = self._pending[-LONGEST_LINE:] + data
        line, _, self._pending = self._pending.partition(b"\n")
        return line


class Child:
    """The hold on one child process, ended by ``async with`` or ``aclose``. ``said`` has its standard error."""

    def __init__(self, process: trio.Process, said: IO[bytes]) -> None:
        assert process.stdin is not None  # both are pipes
        assert process.stdout is not None
        self.process = process
        self.said = said
        self.input = process.stdin
        self._output = process.stdout
        self._lines = LineReader(process.stdout)

    @classmethod
    async def start(
        cls, module: str, *arguments: str, said: IO[bytes] | None = None, hash_seed: int | None = None
    ) -> "Child":
        """Start ``python -m module``. Raises ``OSError`` where the system refuses another process.

        ``said`` is the file of its standard error, and is closed with the child; without one it gets a temporary one,
        for its last words. ``hash_seed`` is its ``PYTHONHASHSEED``; None leaves that as it is here.
        """
        said = said or tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        try:
            process = await trio.lowlevel.open_process(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,
                env=None if hash_seed is None else {**os.environ, "PYTHONHASHSEED": str(hash_seed)},
            )
        except BaseException:
            said.close()
            raise
        return cls(process, said)

    async def tell(self, line: bytes) -> None:
        """Send a line. Raises ``trio.BrokenResourceError`` where the child reads no more."""
        await self.input.send_all(line + b"\n")

    async def answer(self) -> bytes:
        """Wait for a line of the child, and return it. Raises ``EOFError`` where it says no more."""
        return await self._lines.line()

    async def aclose(self) -> None:
        """Kill the child where it goes on, wait for its end, and close its pipes; no cancellation hinders that."""
        with trio.CancelScope(shield=True):
            for pipe in (self.input, self._output):
                await trio.aclose_forcefully(pipe)
            if self.process.returncode is None:
                self.process.kill()
            await self.process.wait()
        self.said.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class ChildExit(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a run's child. ``what``: ended (whatever its run's end), fault (in words), died (a signal, a bug)."""

    what: Literal["ended", "fault", "died"]
    detail: str = ""


async def run_child(
    folder: Path, toxiproxy: str, sink: Sink, stop: trio.Event, *, hash_seed: int | None = None
) -> ChildExit:
    """Run the plan in ``folder`` in a child of its own, to its end, or until ``stop`` is set.

    The child reads its plan from the folder and writes its history there. Its answers are ``Progress``, its standard
    error is the run's ``harness.log``. Asked to stop, it keeps what it has and heals everything.
    """
    log = (folder / LOG).open("wb")
    arguments = (str(folder), "--toxiproxy", toxiproxy)
    async with (
        await Child.start("harness.run.child", *arguments, said=log, hash_seed=hash_seed) as child,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(close_when, stop, child.input)
        fault = ""
        try:
            while True:
                if (progress := decoded(await child.answer(), Progress)) is not None:
                    fault = progress.fault or fault
                    sink(progress)
        except EOFError:
            code = await child.process.wait()
        nursery.cancel_scope.cancel()
    return exit_of(folder, fault, code)


def exit_of(folder: Path, fault: str, code: int) -> ChildExit:
    """Say how the child of the run in ``folder`` ended.

    ``fault`` is what it told of itself; ``code`` its exit code, or minus the number of the signal that ended it.
    """
    if fault:
        return ChildExit(what="fault", detail=fault)
    if code == 0:
        return ChildExit(what="ended")
    reason = f"signal {-code}" if code < 0 else f"exit code {code}"
    log = f"{folder.parent.name}/{folder.name}/{LOG}"  # inside the results: they may be moved, or merged
    return ChildExit(what="died", detail=f"the run's process ended with {reason}; see {log}")


async def close_when(stop: trio.Event, pipe: trio.abc.AsyncResource) -> None:
    """Close a process's standard input on request: it then stops, and keeps what it has."""
    await stop.wait()
    await pipe.aclose()


def decoded(line: bytes, kind: type[T]) -> T | None:
    """Read a line of JSON; None where it is not of this kind: some library printed."""
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.MsgspecError:
        return None


def last_words(said: IO[bytes]) -> str:
    """Return the last line of what a process wrote to this file before it died."""
    said.seek(0, os.SEEK_END)
    said.seek(max(0, said.tell() - _LAST_WORDS))
    lines = said.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
