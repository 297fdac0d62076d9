"""The search: seeds handed out to workers until there are enough, then an example of each kind of failure made small.

Seeds count up, so a search of the same length finds the same, however many workers share it.
"""

import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence

import msgspec
import trio

from harness.campaign.workers import TIMEOUT, WorkerClient, WorkerLost, share
from harness.fuzz.findings import FailureGroup, Findings
from harness.fuzz.tasks import Hunt, Hunted, Reply, Setup, Shrink, Shrunk, Task, TriedReply, Try
from harness.fuzz.trial import CRASH, STUCK, TrialFailure, Tried

BATCH = 20
"""Seeds of one task: enough to keep a worker busy, few enough that all end together."""

SHRINK = 10.0
"""Seconds that one example may take to become small."""

WORKER = "harness.fuzz.worker"
REPLIES: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)

MOST_SHRUNK = 24
"""Groups of which an example is made small; more would be one trouble in many coats."""


class Search:
    """One search with its workers. ``findings`` grows while it goes on; ``doing`` says what it is at."""

    def __init__(self, setup: Setup, *, jobs: int) -> None:
        self.findings = Findings()
        self.hunted: list[Hunted] = []
        self.doing = "searching"
        self.to_confirm = self.confirmed = 0  # examples, on real sockets
        self._setup = setup
        self._jobs = jobs

    async def seeds(self, first: int, count: int | None, stop: trio.Event) -> None:
        """Try seeds from ``first`` on: ``count`` of them, or (None) until ``stop`` is set."""
        waiting = _batches(first, count)

        async def one(worker_client: WorkerClient[Reply]) -> bool:
            if not (batch := next(waiting, None)):
                return False
            await self._batch(worker_client, batch, stop)
            return True

        await self._share(one, stop)

    async def shrink(self, stop: trio.Event) -> None:
        """Make an example of each group small, the most frequent first."""
        self.doing = "shrinking"
        waiting = deque(self.findings.ranked[:MOST_SHRUNK])

        async def one(worker_client: WorkerClient[Reply]) -> bool:
            if not waiting:
                return False
            await self._small(worker_client, waiting.popleft())
            return True

        await self._share(one, stop)

    async def mutants(self, hunts: Sequence[Hunt], stop: trio.Event) -> None:
        """Hunt each mutant, and make what found it small."""
        self.doing = "hunting"
        waiting = deque(hunts)

        def hear(reply: Reply) -> None:
            assert isinstance(reply, Hunted)
            self.hunted.append(reply)

        async def one(worker_client: WorkerClient[Reply]) -> bool:
            if not waiting:
                return False
            hunt = waiting.popleft()
            await worker_client.ask(hunt, hear, timeout=hunt.seconds + hunt.shrink_seconds + TIMEOUT)
            return True

        await self._share(one, stop)

    async def _share(self, one: Callable[[WorkerClient[Reply]], Awaitable[bool]], stop: trio.Event) -> None:
        """Let every worker do one after the other, until there is nothing more to do or ``stop`` is set."""

        async def slot() -> None:
            worker_client = WorkerClient(WORKER, REPLIES, setup=self._setup)
            try:
                while await one(worker_client):
                    pass
            finally:
                await worker_client.aclose()

        await share(self._jobs, slot, stop)

    async def _batch(self, worker_client: WorkerClient[Reply], batch: list[int], stop: trio.Event) -> None:
        """Try a batch. The seed at which a worker is lost is a finding, and the batch goes on after it."""
        left = deque(batch)

        def hear(reply: Reply) -> None:
            assert isinstance(reply, TriedReply)
            left.popleft()
            self.findings.add(reply.tried)

        while left and not stop.is_set():
            try:
                await worker_client.ask(Try(seeds=list(left)), hear, answers=len(left))
            except WorkerLost as lost:
                law = STUCK if lost.how == "hangs" else CRASH
                failure = TrialFailure(law=law, cause=f"the worker {lost.how}", sentence=lost.words)
                self.findings.add(Tried(seed=left.popleft(), failures=(failure,)))

    async def _small(self, worker_client: WorkerClient[Reply], group: FailureGroup) -> None:
        def hear(reply: Reply) -> None:
            assert isinstance(reply, Shrunk)
            group.small = reply

        task: Task = Shrink(seed=group.example, failure=group.failure, seconds=SHRINK)
        try:
            await worker_client.ask(task, hear, timeout=SHRINK + TIMEOUT)
        except WorkerLost:
            return  # the example stays as it was found


def _batches(first: int, count: int | None) -> Iterator[list[int]]:
    """Yield seeds counting up, in lists; without end where no count is given."""
    for start in itertools.count(first, BATCH) if count is None else range(first, first + count, BATCH):
        end = start + BATCH if count is None else min(start + BATCH, first + count)
        yield list(range(start, end))
