"""The campaign's hold on a worker process that judges and draws (``harness.campaign.finish``)."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import trio

from harness.campaign.children import AnswerLines, last_words, put_down
from harness.campaign.finish import Finished

WARM_UP_AFTER = 3.0
"""Seconds into a run at which its worker starts: not beside the run's own start, and long before it is needed."""


class JudgingWorker:
    """One process, one folder at a time. Started when first needed, or by ``warm_up``; ``aclose`` ends it."""

    def __init__(self) -> None:
        self._started: trio.Process | None = None
        self._starting = trio.Lock()
        self._answers: AnswerLines | None = None

    async def warm_up(self, after: float = WARM_UP_AFTER) -> None:
        """Start ``after`` seconds: the process then loads its libraries at once, at the lowest priority."""
        await trio.sleep(after)
        await self._process()

    async def _process(self) -> trio.Process:
        async with self._starting:
            if self._started is None:
                self._started = await trio.lowlevel.open_process(
                    [sys.executable, "-m", "harness.campaign.finish"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                )
                self._answers = AnswerLines(self._started)
            return self._started

    async def finish(self, folder: Path) -> Finished:
        """Judge and draw this run. A worker that dies on it is told as a fault with its last words."""
        process = await self._process()
        assert process.stdin is not None
        assert self._answers is not None
        try:
            await process.stdin.send_all(json.dumps(str(folder)).encode() + b"\n")
            line = await self._answers.line()
            return msgspec.json.decode(line, type=Finished)
        except (trio.BrokenResourceError, trio.ClosedResourceError, EOFError, msgspec.MsgspecError):
            fault = f"judging {folder.name} failed: {await self._last_words(process)}"
            await self.aclose()  # another process for the next run: this one's end is nothing to it
            self._started = None
            return Finished(fault=fault)

    async def aclose(self) -> None:
        """End the process and free its pipes."""
        if self._started is not None:
            await put_down(self._started)

    async def _last_words(self, process: trio.Process) -> str:
        assert process.stderr is not None
        words = b""
        with trio.move_on_after(2):
            async for data in process.stderr:
                words = (words + data)[-4096:]
        return last_words(words)
