"""The job server and a phone on a network in memory, for whole runs of the reference client in virtual time."""

import math
import tempfile
from functools import partial
from pathlib import Path

import trio
import trio.testing

from harness.chance import Chance
from harness.clients.run import run_reference
from harness.history import Journal, read_history
from harness.jobserver import JobServer
from harness.scenario.model import ClientSpec, JobSpec, ServerSpec
from harness.sse.policy import REFERENCE
from harness.world import virtual
from tests.clients.stage import Stage


class MemoryListener:
    address = ("127.0.0.1", 80)

    def __init__(self):
        self.offer, self._take = trio.open_memory_channel(math.inf)

    async def accept(self):
        return await self._take.receive()

    async def aclose(self):
        self._take.close()


class ServedStage(Stage):
    """A phone whose dials reach the job server, where the doors let them. ``cut`` resets every connection."""

    async def listen(self, address=("127.0.0.1", 0)):
        self.listener = MemoryListener()
        return self.listener

    async def _accept(self, pipe):
        await self.listener.offer.send(pipe)

    def cut(self):
        for pipe in self.pipes:
            if not pipe.closed:
                pipe.sever()


def whole_run(*, job, server=None, policies=REFERENCE, doors=lambda at: "open", beside=None, lasts=7200.0):
    """One run of ``run_reference`` against the job server; returns (outcome, history, stage)."""
    stage = ServedStage(doors=doors)
    outcome = []

    async def main(path):
        with Journal(path, lambda: round(trio.current_time() * 1e9)) as journal:
            stage.clock_zero = trio.current_time()
            async with trio.open_nursery() as stage.nursery:
                chance = Chance(7)
                truth = JobServer(network=stage, journal=journal, job=job, server=server or ServerSpec(), chance=chance)
                await truth.start(stage.nursery)
                if beside is not None:
                    stage.nursery.start_soon(beside, stage)
                with trio.move_on_after(lasts):
                    outcome.append(
                        await run_reference(
                            name="c1",
                            base_url="http://server",
                            spec=ClientSpec(policies=policies),
                            phone=stage,
                            journal=journal,
                            chance=chance,
                            wall_clock=lambda: 0.0,
                        )
                    )
                stage.nursery.cancel_scope.cancel()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.jsonl.gz"
        virtual.run(partial(main, path), seed=7)
        return (outcome or [None])[0], read_history(path), stage


def job(lasts=60.0, **more) -> JobSpec:
    return JobSpec(lasts=lasts, **more)
