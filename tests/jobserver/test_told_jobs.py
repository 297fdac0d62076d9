"""Jobs that are told to pause, resume, burst or end: what is emitted when, and what the truth says was intended."""

import json

import pytest
import trio

from harness.deeds.acts import Bursts, Ends, Pauses, Restarts, Resumes
from harness.history.records import Emit, Job, Rescheduled, Subscriber
from harness.scenario.model import JobSpec, ServerSpec
from harness.sse.events import Event
from harness.sse.parser import Parser

STEADY = JobSpec(lasts=12.0, every=2.0, items=12)


def told(rig, *acts, job: JobSpec = STEADY, follows: bool = True, server: ServerSpec | None = None):
    """Tell a job these (time, act); return the events that its stream had, with their times, and the history."""
    seen: list[tuple[float, str, int]] = []

    async def listen(client) -> None:
        parser = Parser()
        while (data := await client.read()) is not None:
            events = [item for item in parser.feed(data) if isinstance(item, Event)]
            seen.extend((round(rig.now, 6), event.type, json.loads(event.data)["processedCount"]) for event in events)

    async def main(rig):
        path = await rig.job()
        async with trio.open_nursery() as nursery:
            if follows:
                nursery.start_soon(listen, await rig.follow(path))
            for at, act in acts:
                await trio.sleep_until(rig.start + at)
                assert (await rig.server.job_do(act)) == {"jobs told": "1"}
        await trio.sleep_until(rig.start + job.lasts + 1)

    return seen, rig.run(main, job=job, server=server)


def seconds(stamps) -> list[float]:
    return [round(stamp / 1e9, 6) for stamp in stamps]


@pytest.mark.parametrize("follows", [True, False])
def test_paused_job_emits_nothing_and_its_end_stays_where_it_is(rig, follows):
    seen, history = told(rig, (3.0, Pauses()), follows=follows)
    assert seconds(emit.actual_ns for emit in history.all(Emit)) == [0.0, 2.0, 12.0]
    assert seen == ([(0.0, "initialized", 0), (2.0, "processing", 2), (12.0, "completed", 12)] if follows else [])
    (told_,) = history.all(Rescheduled)
    assert (told_.why, told_.first, seconds(told_.schedule_ns)) == ("pauses", 2, [12.0])


def test_resumed_job_shows_at_once_how_far_it_should_be_and_goes_on_as_planned(rig):
    seen, history = told(rig, (3.0, Pauses()), (7.0, Resumes()))
    assert seen[2:] == [
        (7.0, "processing", 7),
        (8.0, "processing", 8),
        (10.0, "processing", 10),
        (12.0, "completed", 12),
    ]
    emits = history.all(Emit)
    assert [emit.index for emit in emits] == list(range(6))
    assert [emit.intended_ns for emit in emits] == [emit.actual_ns for emit in emits]
    assert seconds(history.all(Rescheduled)[1].schedule_ns) == [7.0, 8.0, 10.0, 12.0]


def test_event_due_in_the_instant_of_a_pause_is_emitted(rig):
    seen, _ = told(rig, (4.0, Pauses()))
    assert [at for at, _, _ in seen] == [0.0, 2.0, 4.0, 12.0]


def test_burst_comes_at_its_rate_between_the_planned_updates(rig):
    seen, history = told(rig, (3.0, Bursts(rate=4.0, lasts=1.0)))
    assert [at for at, _, _ in seen] == [0.0, 2.0, 3.0, 3.25, 3.5, 3.75, 4.0, 6.0, 8.0, 10.0, 12.0]
    assert seconds(history.all(Rescheduled)[0].schedule_ns) == [at for at, _, _ in seen[2:]]
    assert {record.evidence for record in history.all(Subscriber)} == {"", "done"}


@pytest.mark.parametrize("follows", [True, False])
@pytest.mark.parametrize(("how", "code"), [("completed", ""), ("failed", "E7"), ("timeout", "")])
def test_job_that_is_told_to_end_ends_now(rig, how, code, follows):
    _, history = told(rig, (5.0, Ends(how=how, code=code)), follows=follows)
    last = history.all(Emit)[-1]
    assert (last.type, last.terminal, seconds([last.intended_ns, last.actual_ns])) == (how, True, [5.0, 5.0])
    assert len(history.all(Emit)) == 4


def test_code_of_a_failure_that_was_told_is_in_the_event(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        await rig.server.job_do(Ends(how="failed", code="QUOTA"))
        assert b'"code":"QUOTA"' in await client.body()

    rig.run(main, job=STEADY)


def test_only_running_jobs_hear_and_each_of_them_does(rig):
    async def main(rig):
        assert await rig.server.job_do(Pauses()) == {"jobs told": "0"}
        await rig.job()
        await trio.sleep(13)
        await rig.job()
        await rig.job()
        assert await rig.server.job_do(Pauses()) == {"jobs told": "2"}

    assert len(rig.run(main, job=STEADY).all(Rescheduled)) == 2


def test_job_that_is_told_while_the_server_is_away_hears_it_from_storage(rig):
    async def main(rig):
        path = await rig.job()
        await trio.sleep(3)
        await rig.server.do(0, Restarts(keeps_log=False, after=3.0))
        await trio.sleep(2)
        assert await rig.server.job_do(Ends(how="failed", code="E7")) == {"jobs told": "1"}
        await trio.sleep(2)
        body = await (await rig.follow(path)).body()
        assert body.startswith(b"id: b-0\nevent: failed\n")

    history = rig.run(main, job=STEADY)
    assert seconds(history.all(Job)[1].schedule_ns) == [4.0]
    assert seconds([history.all(Emit)[-1].actual_ns]) == [6.0]


def test_paused_job_is_paused_in_the_new_epoch_too(rig):
    async def main(rig):
        await rig.job()
        await trio.sleep(3)
        await rig.server.job_do(Pauses())
        await rig.server.do(0, Restarts(keeps_log=False, after=1.0))
        await trio.sleep(10)

    history = rig.run(main, job=STEADY)
    assert seconds(history.all(Job)[1].schedule_ns) == [4.0, 12.0]
    assert seconds(emit.actual_ns for emit in history.all(Emit)) == [0.0, 2.0, 4.0, 12.0]
