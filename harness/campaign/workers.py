"""Worker processes: each takes tasks, one at a time, and answers each in lines of JSON; and what shares them out."""

import json
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Generic, TypeVar

import msgspec
import trio

from harness.campaign.children import Child, last_words
from harness.campaign.finish import Figures, Finished

R = TypeVar("R")

TIMEOUT = 120.0
"""Seconds without an answer after which a worker hangs: a run takes milliseconds, shrinking says its own time."""

WARM_UP_AFTER = 3.0
"""Seconds into a run at which its judge starts: not beside the run's own start, and long before it is needed."""


class WorkerLost(Exception):
    """The worker died or hangs. ``words``: the last it said."""

    def __init__(self, how: str, words: str) -> None:
        super().__init__(f"the worker {how}: {words}")
        self.how = how
        self.words = words


class WorkerClient(Generic[R]):
    """The hold on one process of ``module``; started when first needed, and again after it was lost.

    ``setup``, if any, is the first line of each process; what it answers is decoded by ``replies``. A worker whose
    answer was not awaited to its end is lost: the next task would get it.
    """

    def __init__(
        self, module: str, replies: msgspec.json.Decoder[R], *arguments: str, setup: msgspec.Struct | None = None
    ) -> None:
        self._command = (module, *arguments)
        self._replies = replies
        self._setup = setup
        self._child: Child | None = None
        self._starting = trio.Lock()

    async def start(self) -> Child:
        """Start the process, unless there is one."""
        async with self._starting:
            if self._child is None:
                self._child = await Child.start(*self._command)
                if self._setup is not None:
                    await self._child.tell(msgspec.json.encode(self._setup))
            return self._child

    async def ask(
        self, task: msgspec.Struct | str, hear: Callable[[R], None], *, answers: int = 1, timeout: float = TIMEOUT
    ) -> None:
        """Hand on the answers as they come. Raises ``WorkerLost``; the next task gets a new process."""
        try:
            child = await self.start()
            # A name of a file may have bytes of no UTF-8: JSON's escapes have them too.
            await child.tell(json.dumps(task).encode() if isinstance(task, str) else msgspec.json.encode(task))
            for _ in range(answers):
                with trio.fail_after(timeout):
                    line = await child.answer()
                hear(self._replies.decode(line))
        except trio.TooSlowError:
            await self.aclose()
            raise WorkerLost("hangs", f"no answer for {timeout:g} s") from None
        except (EOFError, trio.BrokenResourceError, msgspec.MsgspecError):
            words = last_words(self._child.said) if self._child is not None else ""
            await self.aclose()
            raise WorkerLost("died", words) from None
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """End the process and free its pipes."""
        child, self._child = self._child, None
        if child is not None:
            await child.aclose()


class JudgingWorker:
    """Judges and draws runs (``harness.campaign.finish``). Started when first needed, or by ``warm_up``."""

    def __init__(self, figures: Figures = Figures.ALL) -> None:
        self._worker = WorkerClient("harness.campaign.finish", msgspec.json.Decoder(Finished), figures)

    async def warm_up(self, after: float = WARM_UP_AFTER) -> None:
        """Start ``after`` seconds: the process then loads its libraries at once, at the lowest priority."""
        await trio.sleep(after)
        await self._worker.start()

    async def finish(self, folder: Path) -> Finished:
        """Judge and draw this run. A worker that dies on it is told as a fault with its last words."""
        found: list[Finished] = []
        try:
            await self._worker.ask(str(folder), found.append, timeout=math.inf)
        except WorkerLost as lost:
            return Finished(fault=f"judging {folder.name} failed: {lost.words}")
        return found[0]

    async def aclose(self) -> None:
        """End the process and free its pipes."""
        await self._worker.aclose()


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
