"""The hold on one worker process: it takes tasks from its standard input and answers each, in lines of JSON.

It ends with its input, or with its parent. Only the parent hears signals.
"""

import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from typing import IO, Generic, TypeVar

import msgspec
import trio

from harness.campaign.children import AnswerLines, last_words, put_down

R = TypeVar("R")

TIMEOUT = 120.0
"""Seconds without an answer after which a worker hangs: a run takes milliseconds, shrinking says its own time."""


class WorkerLost(Exception):
    """The worker died or hangs. ``words``: the last it said."""

    def __init__(self, how: str, words: str) -> None:
        super().__init__(f"the worker {how}: {words}")
        self.how = how
        self.words = words


class WorkerClient(Generic[R]):
    """One process of ``module``, one task at a time; started when first needed, and again after it was lost.

    ``setup``, if any, is the first line of each process; what it answers is decoded by ``replies``.
    """

    def __init__(self, module: str, replies: msgspec.json.Decoder[R], *, setup: msgspec.Struct | None = None) -> None:
        self._module = module
        self._replies = replies
        self._setup = setup
        self._process: trio.Process | None = None
        self._answers: AnswerLines | None = None
        self._said: IO[bytes] | None = None  # a file: a pipe that nobody reads would fill

    async def ask(
        self, task: msgspec.Struct, hear: Callable[[R], None], *, answers: int = 1, timeout: float = TIMEOUT
    ) -> None:
        """Hand on the answers as they come. Raises ``WorkerLost``; the next task gets a new process."""
        process = await self._started()
        assert process.stdin is not None
        assert self._answers is not None
        try:
            await process.stdin.send_all(msgspec.json.encode(task) + b"\n")
            for _ in range(answers):
                with trio.fail_after(timeout):
                    line = await self._answers.line()
                hear(self._replies.decode(line))
        except trio.TooSlowError:
            await self.aclose()
            raise WorkerLost("hangs", f"no answer for {timeout:g} s") from None
        except (EOFError, trio.BrokenResourceError, msgspec.MsgspecError):
            words = self._last_words()
            await self.aclose()
            raise WorkerLost("died", words) from None

    async def _started(self) -> trio.Process:
        if self._process is None:
            self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
            self._process = await trio.lowlevel.open_process(
                [sys.executable, "-m", self._module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                start_new_session=True,  # Ctrl-C at the terminal is the parent's to hear
            )
            self._answers = AnswerLines(self._process)
            if self._setup is not None:
                assert self._process.stdin is not None
                await self._process.stdin.send_all(msgspec.json.encode(self._setup) + b"\n")
        return self._process

    def _last_words(self) -> str:
        if self._said is None:
            return ""
        self._said.seek(0)
        return last_words(self._said.read()[-4096:])

    async def aclose(self) -> None:
        """End the process and free its pipes."""
        process, self._process = self._process, None
        if process is None:
            return
        await put_down(process)
        if self._said is not None:
            self._said.close()
            self._said = None


async def share(jobs: int, slot: Callable[[], Awaitable[None]], stop: trio.Event) -> None:
    """Let so many slots work side by side, until each is done or ``stop`` is set."""

    async def hear_stop() -> None:
        await stop.wait()
        everything.cancel_scope.cancel()

    async with trio.open_nursery() as everything:
        everything.start_soon(hear_stop)
        async with trio.open_nursery() as slots:
            for _ in range(jobs):
                slots.start_soon(slot)
        everything.cancel_scope.cancel()
