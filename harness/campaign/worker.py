"""The campaign's hold on a worker process that judges and draws (``harness.campaign.finish``)."""

import subprocess
import sys
from pathlib import Path

import msgspec
import trio

from harness.campaign.finish import Finished


class Worker:
    """One process, one folder at a time. Use ``start`` and then ``aclose``, also when cancelled."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._pending = b""

    @classmethod
    async def start(cls) -> "Worker":
        """Start the process; it loads its libraries at once, in the background."""
        process = await trio.lowlevel.open_process(
            [sys.executable, "-m", "harness.campaign.finish"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        return cls(process)

    async def finish(self, folder: Path) -> Finished:
        """Judge and draw this run. A worker that dies on it is told as a fault with its last words."""
        assert self._process.stdin is not None
        try:
            await self._process.stdin.send_all(f"{folder}\n".encode())
            line = await self._line()
            return msgspec.json.decode(line, type=Finished)
        except (trio.BrokenResourceError, trio.ClosedResourceError, EOFError, msgspec.MsgspecError):
            return Finished(folder=str(folder), fault=f"judging {folder.name} failed: {await self._last_words()}")

    async def aclose(self) -> None:
        """End the process and free its pipes."""
        with trio.CancelScope(shield=True):
            for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
                if pipe is not None:
                    await trio.aclose_forcefully(pipe)
            if self._process.returncode is None:
                self._process.kill()
            await self._process.wait()

    async def _line(self) -> bytes:
        assert self._process.stdout is not None
        while b"\n" not in self._pending:
            data = await self._process.stdout.receive_some()
            if not data:
                raise EOFError
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return line

    async def _last_words(self) -> str:
        assert self._process.stderr is not None
        words = b""
        with trio.move_on_after(2):
            async for data in self._process.stderr:
                words = (words + data)[-4096:]
        lines = words.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"
