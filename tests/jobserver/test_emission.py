"""Who emits may change with every stream that comes, stalls or goes; when is never affected."""

import random

import pytest
import trio

from harness.history.records import Emit, Job
from harness.scenario.model import JobSpec, ServerSpec
from harness.sse.events import Event
from harness.sse.parser import Parser

BRISK = JobSpec(lasts=60.0, every=1.0)


def assert_on_schedule(history) -> None:
    (job,) = history.all(Job)
    assert [emit.actual_ns for emit in history.all(Emit)] == job.schedule_ns


def test_job_keeps_its_schedule_without_a_stream(rig):
    async def main(rig):
        await rig.job()
        await trio.sleep(61)

    assert_on_schedule(rig.run(main, job=BRISK))


def test_job_keeps_its_schedule_while_its_stream_is_held_up_and_after(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        await trio.sleep(2.5)
        client.stream.clogged = True
        await trio.sleep(60)

    assert_on_schedule(rig.run(main, job=BRISK))


def test_handover_in_the_instant_of_an_event_neither_loses_nor_repeats_it(rig):
    async def main(rig):
        path = await rig.job()
        older = await rig.follow(path)
        await trio.sleep_until(rig.start + 3.0)
        newer = await rig.follow(path)
        await older.body()
        seen = [item for item in Parser().feed(await newer.body()) if isinstance(item, Event)]
        assert [event.id for event in seen] == [f"a-{index}" for index in range(61)]

    assert_on_schedule(rig.run(main, job=BRISK))


async def resume_until_done(rig, path: str, chance: random.Random) -> list[str]:
    """Follow a job through streams that are cut after a random while, resuming each time; return the ids received."""
    ids: list[str] = []
    while rig.now < 61:
        client = await rig.client()
        headers = [("last-event-id", ids[-1])] if ids else []
        if (await client.ask("GET", f"{path}/stream", headers)).status_code == 204:
            break
        parser = Parser()
        with trio.move_on_after(chance.choice([0.0, 0.5, 1.0, chance.uniform(0, 9)])):
            while (data := await client.read()) is not None:
                ids.extend(item.id for item in parser.feed(data) if isinstance(item, Event))
        chance.choice([client.stream.reset, lambda: None])()
        await client.stream.aclose()
        await trio.sleep(chance.choice([0.0, 1.0, chance.uniform(0, 15)]))
    return ids


@pytest.mark.parametrize("seed", range(20))
def test_resumption_through_random_cuts_gives_each_event_once(rig, seed):
    async def main(rig):
        ids = await resume_until_done(rig, await rig.job(), random.Random(seed))
        assert ids == [f"a-{index}" for index in range(len(ids))]
        await trio.sleep_until(rig.start + 61)
        assert rig.server.counts.open_streams == 0

    assert_on_schedule(rig.run(main, job=BRISK, server=ServerSpec(replay=None)))
