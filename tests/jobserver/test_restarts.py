"""Restarts, in virtual time: what the peers see of them, and what the truth says."""

import json
import random

import h11
import pytest
import trio

from harness.deeds.acts import Restarts
from harness.history.records import Emit, GapSignal, Job, Snapshot, Subscriber
from harness.scenario.model import JobSpec, ServerSpec
from harness.sse.events import Event
from harness.sse.parser import Parser

STEADY = JobSpec(lasts=30.0, every=2.0, items=30)
KEEP = Restarts(keeps_log=True, after=5.0)
LOSE = Restarts(keeps_log=False, after=5.0)


def events(body: bytes) -> list[tuple[str, str]]:
    return [(item.id, item.type) for item in Parser().feed(body) if isinstance(item, Event)]


def seconds(stamps) -> list[float]:
    return [round(stamp / 1e9, 6) for stamp in stamps]


async def refused(rig) -> bool:
    try:
        await (await rig.client()).stream.aclose()
    except OSError:
        return True
    return False


def restarted(rig, act: Restarts, *, at: float, cursor: str, job: JobSpec = STEADY, server: ServerSpec | None = None):
    """Follow a job, restart the server, resume when it is back; return what both streams had, and the history."""
    seen: list[bytes] = []

    async def main(rig):
        path = await rig.job()
        first = await rig.follow(path)
        await trio.sleep(at)
        await rig.server.do(0, act)
        seen.append(await first.body())
        await trio.sleep_until(rig.start + at + act.after)
        await trio.testing.wait_all_tasks_blocked()
        seen.append(await (await rig.follow(path, cursor)).body())

    history = rig.run(main, job=job, server=server)
    return seen[0], seen[1], history


def test_each_stream_hears_bye_and_ends_and_its_connection_closes(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        await trio.sleep(3)
        await rig.server.do(0, KEEP)
        assert (await client.body()).endswith(b": bye\n\n")
        assert (await client.stream.receive_some(), rig.now) == (b"", 3.0)
        assert rig.server.counts.open_connections == 0

    (_, closed) = rig.run(main, job=STEADY).all(Subscriber)
    assert (closed.evidence, closed.t_ns) == ("stopped", 3_000_000_001)


def test_dials_are_refused_until_it_is_back_on_the_same_port(rig):
    async def main(rig):
        await trio.sleep(1)
        readback = await rig.server.do(0, KEEP)
        assert (readback["door"], readback["connections"]) == ("refuse", "0")
        assert await refused(rig)
        await trio.sleep_until(rig.start + 5.9)
        assert await refused(rig)
        await trio.sleep_until(rig.start + 6.0)
        await trio.testing.wait_all_tasks_blocked()
        assert (await (await rig.client()).fetch("GET", "/healthz"))[0] == 200

    rig.run(main, job=STEADY)


def test_restart_that_takes_no_time_is_done_when_it_returns(rig):
    async def main(rig):
        await rig.server.do(0, Restarts(keeps_log=True))
        assert not await refused(rig)

    rig.run(main, job=STEADY)


def test_kept_log_has_all_that_was_emitted_meanwhile_in_the_same_epoch(rig):
    before, after, history = restarted(rig, KEEP, at=3.0, cursor="a-1")
    assert [name for name, _ in events(before) + events(after)] == [f"a-{index}" for index in range(16)]
    (job,) = history.all(Job)
    assert [emit.actual_ns for emit in history.all(Emit)] == job.schedule_ns
    assert history.all(GapSignal) == []


def test_lost_log_begins_a_new_epoch_with_the_state_in_storage(rig):
    server = ServerSpec(expired_cursor="silent")
    before, after, history = restarted(rig, LOSE, at=3.0, cursor="a-1", server=server)
    assert events(before) == [("a-0", "initialized"), ("a-1", "processing")]
    assert events(after)[:3] == [("b-0", "processing"), ("b-1", "processing"), ("b-2", "processing")]
    assert json.loads(next(iter(Parser().feed(after))).data)["processedCount"] == 8
    assert [(gap.how, gap.cursor) for gap in history.all(GapSignal)] == [("epoch", "a-1")]


def test_truth_of_a_lost_log_is_a_second_job_record_and_what_was_due_meanwhile_was_never_emitted(rig):
    _, _, history = restarted(rig, LOSE, at=3.0, cursor="", server=ServerSpec())
    first, second = history.all(Job)
    assert (first.job, first.accepted_ns, first.total) == (second.job, second.accepted_ns, second.total)
    assert (first.epoch, second.epoch) == ("a", "b")
    # 4 s, 6 s and 8 s fell due while no server told: the state that stands for them was intended at 4 s.
    assert seconds(second.schedule_ns)[:3] == [4.0, 10.0, 12.0]
    emits = [emit for emit in history.all(Emit) if emit.epoch == "b"]
    assert [emit.intended_ns for emit in emits] == second.schedule_ns
    assert seconds(emit.actual_ns for emit in emits)[:3] == [8.0, 10.0, 12.0]
    assert [emit.index for emit in history.all(Emit) if emit.epoch == "a"] == [0, 1]


def test_state_that_was_told_before_is_intended_when_it_is_read(rig):
    act = Restarts(keeps_log=False, after=0.5)
    _, _, history = restarted(rig, act, at=3.0, cursor="")
    assert seconds(history.all(Job)[1].schedule_ns)[:2] == [3.5, 4.0]


def test_job_without_progress_is_initialized_again(rig):
    act = Restarts(keeps_log=False, after=0.5)
    _, after, _ = restarted(rig, act, at=1.0, cursor="")
    assert events(after)[0] == ("b-0", "initialized")


@pytest.mark.parametrize(("ends", "code"), [("completed", ""), ("failed", "E7")])
def test_job_that_ended_meanwhile_has_its_end_as_first_event_of_the_new_epoch(rig, ends, code):
    job = JobSpec(lasts=6.0, every=2.0, ends=ends, code=code)
    _, after, history = restarted(rig, LOSE, at=3.0, cursor="", job=job)
    assert events(after) == [("b-0", ends)]
    (emit,) = [emit for emit in history.all(Emit) if emit.epoch == "b"]
    assert (seconds([emit.intended_ns, emit.actual_ns]), emit.terminal) == ([4.0, 8.0], True)
    assert (code in after.decode()) is True


@pytest.mark.parametrize(("policy", "status"), [("410", 410), ("reset event", 200), ("silent", 200)])
def test_cursor_of_the_old_epoch_meets_the_policy_and_the_gap_is_said(rig, policy, status):
    answers: list[h11.Response] = []

    async def main(rig):
        path = await rig.job()
        await trio.sleep(3)
        await rig.server.do(0, LOSE)
        await trio.sleep(6)
        answers.append(await (await rig.client()).ask("GET", f"{path}/stream", [("last-event-id", "a-1")]))

    history = rig.run(main, job=STEADY, server=ServerSpec(expired_cursor=policy))
    assert answers[0].status_code == status
    (gap,) = history.all(GapSignal)
    assert gap.how == {"410": "410", "reset event": "reset", "silent": "epoch"}[policy]


def test_status_after_a_lost_log_is_of_the_new_epoch(rig):
    async def main(rig):
        path = await rig.job()
        await trio.sleep(3)
        await rig.server.do(0, LOSE)
        await trio.sleep(6)
        _, body = await (await rig.client()).fetch("GET", path)
        assert json.loads(body)["lastEventId"] == "b-0"

    (snapshot,) = rig.run(main, job=STEADY).all(Snapshot)
    assert (snapshot.epoch, snapshot.state_index) == ("b", 0)


def test_job_that_was_over_is_read_again_only_when_somebody_asks(rig):
    async def main(rig):
        path = await rig.job()
        await trio.sleep(7)
        await rig.server.do(0, LOSE)
        await trio.sleep(6)
        assert rig.server.counts.events == 4
        body = await (await rig.follow(path)).body()
        assert events(body) == [("b-0", "completed")]
        assert (await (await rig.client()).fetch("GET", f"{path}/results"))[0] == 200

    history = rig.run(main, job=JobSpec(lasts=6.0, every=2.0))
    assert seconds(history.all(Job)[1].schedule_ns) == [13.0]


def test_second_restart_before_the_first_is_over_replaces_it(rig):
    async def main(rig):
        path = await rig.job()
        await trio.sleep(1)
        await rig.server.do(0, LOSE)
        await trio.sleep(2)
        await rig.server.do(1, KEEP)
        await trio.sleep_until(rig.start + 7.9)
        assert await refused(rig)
        await trio.sleep_until(rig.start + 8.5)
        assert events(await (await rig.follow(path)).body())[0] == ("b-0", "processing")

    assert [job.epoch for job in rig.run(main, job=STEADY).all(Job)] == ["a", "b"]


def test_epochs_of_jobs_and_restarts_are_never_the_same(rig):
    async def main(rig):
        await rig.job()
        await rig.job()
        await rig.server.do(0, Restarts(keeps_log=False))
        await rig.job()

    assert [job.epoch for job in rig.run(main, job=STEADY).all(Job)] == ["a", "b", "c", "d", "e"]


def test_peer_that_takes_nothing_is_dropped_after_the_linger_and_the_others_do_not_wait_for_it(rig):
    async def main(rig):
        polite, clogged = await rig.follow(await rig.job()), await rig.follow(await rig.job())
        clogged.stream.clogged = True
        await trio.sleep(4.5)
        heard = []

        async def hear() -> None:
            heard.append(((await polite.body())[-7:], rig.now))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(hear)
            await rig.server.do(0, Restarts(keeps_log=True))
        assert heard == [(b": bye\n\n", 4.5)]
        assert (rig.now, rig.server.counts.open_connections) == (5.5, 0)

    rig.run(main, job=STEADY)


def test_write_under_way_may_end_before_the_bye(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        await client.read()
        client.stream.delay = 0.25
        await trio.sleep(2.125)  # in the midst of the event of 2 s
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rig.server.do, 0, Restarts(keeps_log=True))
            body = await client.body()
        assert (events(body), body[-7:]) == ([("a-1", "processing")], b": bye\n\n")

    rig.run(main, job=STEADY)


def test_answer_under_way_is_waited_for_as_long_as_the_linger(rig):
    async def main(rig):
        path, client = await rig.job(), await rig.client()
        await trio.sleep(31)
        client.stream.clogged = True
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                await client.stream.send_all(f"GET {path}/results HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                await trio.testing.wait_all_tasks_blocked()
                nursery.start_soon(rig.server.do, 0, Restarts(keeps_log=True))
        assert (rig.now, rig.server.counts.open_connections) == (32.0, 0)

    rig.run(main, job=STEADY)


def test_connection_that_waits_for_its_next_request_is_closed_at_once(rig):
    async def main(rig):
        client = await rig.client()
        await client.fetch("GET", "/healthz")
        await rig.server.do(0, KEEP)
        assert (await client.stream.receive_some(), rig.now) == (b"", 0.0)

    rig.run(main, job=STEADY)


async def resume_until_done(rig, path: str) -> list[str]:
    """Follow a job through every restart, resuming after the last id; return the ids received."""
    ids: list[str] = []
    while True:
        try:
            client = await rig.client()
            headers = [("last-event-id", ids[-1])] if ids else []
            if (await client.ask("GET", f"{path}/stream", headers)).status_code == 204:
                return ids
            parser = Parser()
            while (data := await client.read()) is not None:
                ids.extend(item.id for item in parser.feed(data) if isinstance(item, Event))
        except (OSError, trio.BrokenResourceError, h11.RemoteProtocolError):
            await trio.sleep(0.1)


@pytest.mark.parametrize("seed", range(20))
def test_restarts_under_load_at_random_instants_lose_and_repeat_nothing_of_a_kept_log(rig, seed):
    chance = random.Random(seed)

    async def main(rig):
        path = await rig.job()
        got: list[str] = []

        async def follow() -> None:
            got.extend(await resume_until_done(rig, path))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow)
            for index in range(6):
                await trio.sleep(chance.choice([1.0, chance.uniform(0, 2)]))
                after = chance.choice([0.0, 0.5, chance.uniform(0, 2)])
                await rig.server.do(index, Restarts(keeps_log=True, after=after))
        assert got == [f"a-{index}" for index in range(302)]
        assert rig.server.counts.open_streams == 0

    history = rig.run(main, job=JobSpec(lasts=10.0, every=None, items=300), server=ServerSpec(replay=None))
    (job,) = history.all(Job)
    assert [emit.intended_ns for emit in history.all(Emit)] == job.schedule_ns
