"""Streams in virtual time: every instant is exact. A journal stamp is the virtual time in ns, plus 1."""

import json

import h11
import pytest
import trio

from harness.history.records import Emit, GapSignal, Job, Subscriber, Write, digest
from harness.scenario.model import JobSpec, ServerSpec
from harness.sse.events import Event
from harness.sse.parser import Parser

QUICK = JobSpec(lasts=6.0, every=2.0, items=3)
QUIET = JobSpec(lasts=100.0, every=100.0)


def ids(body: bytes) -> list[str]:
    return [item.id for item in Parser().feed(body) if isinstance(item, Event)]


def closings(history) -> list[tuple[str, float]]:
    return [(record.evidence, record.t_ns / 1e9) for record in history.all(Subscriber) if record.what == "close"]


async def next_piece(rig, client) -> tuple[float, bytes]:
    data = await client.read()
    assert data is not None
    return rig.now, data


def test_events_are_emitted_and_arrive_on_the_schedule_to_the_nanosecond(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        times = [(await next_piece(rig, client))[0] for _ in range(4)]
        assert times == pytest.approx([0.0, 2.0, 4.0, 6.0], abs=1e-9)

    history = rig.run(main, job=QUICK)
    (job,) = history.all(Job)
    assert job.schedule_ns == [1, 2_000_000_001, 4_000_000_001, 6_000_000_001]
    emits = history.all(Emit)
    assert [emit.actual_ns for emit in emits] == [emit.intended_ns for emit in emits] == job.schedule_ns
    assert [emit.terminal for emit in emits] == [False, False, False, True]


def test_digest_in_the_truth_is_that_of_type_and_data(rig):
    events: list[Event] = []

    async def main(rig):
        body = await (await rig.follow(await rig.job())).body()
        events.extend(item for item in Parser().feed(body) if isinstance(item, Event))

    emits = rig.run(main, job=QUICK).all(Emit)
    assert [emit.digest for emit in emits] == [digest(event.type, event.data) for event in events]


def test_body_ends_cleanly_after_the_terminal_event_and_the_connection_lives_on(rig):
    async def main(rig):
        path = await rig.job()
        client = await rig.follow(path)
        assert ids(await client.body()) == ["a-0", "a-1", "a-2", "a-3"]
        assert (await client.fetch("GET", f"{path}/results"))[0] == 200

    assert closings(rig.run(main, job=QUICK)) == [("done", 6.000000001)]


def test_stream_resumes_after_its_cursor_without_a_repeat_at_the_seam(rig):
    async def main(rig):
        path = await rig.job()
        await trio.sleep(3)
        assert ids(await (await rig.follow(path, "a-0")).body()) == ["a-1", "a-2", "a-3"]

    writes = rig.run(main, job=QUICK).all(Write)
    assert [(write.first, write.last, write.replay) for write in writes] == [(1, 1, True), (2, 2, False), (3, 3, False)]


def test_full_rate_during_a_long_replay_loses_and_repeats_nothing(rig):
    job = JobSpec(lasts=10.0, every=None, items=5000, event_size=1000)

    async def main(rig):
        path = await rig.job()
        await trio.sleep(5)
        expected = [f"a-{index}" for index in range(5002)]
        assert ids(await (await rig.follow(path)).body()) == expected

    history = rig.run(main, job=job, server=ServerSpec(replay=None))
    assert max(write.last for write in history.all(Write) if write.replay) == 2500


def test_finished_job_answers_204_to_the_cursor_of_its_end_and_replays_to_an_older_one(rig):
    async def main(rig):
        path = await rig.job()
        await trio.sleep(7)
        assert ids(await (await rig.follow(path, "a-1")).body()) == ["a-2", "a-3"]
        answer = await (await rig.client()).ask("GET", f"{path}/stream", [("last-event-id", "a-3")])
        assert answer.status_code == 204

    assert closings(rig.run(main, job=QUICK)) == [("done", 7.000000001)]


@pytest.mark.parametrize("cursor", ["a-3", "b-3", "garbage"])
def test_expired_cursor_gets_410_and_the_gap_is_recorded(rig, cursor):
    async def main(rig):
        path = await rig.job()
        await trio.sleep(30)
        headers = [("last-event-id", cursor)]
        status, body = await (await rig.client()).fetch("GET", f"{path}/stream", headers)
        assert (status, b"cursor_expired" in body) == (410, True)

    history = rig.run(main, job=JobSpec(lasts=60.0, every=1.0), server=ServerSpec(replay=16))
    assert [(gap.how, gap.cursor) for gap in history.all(GapSignal)] == [("410", cursor)]


def test_expired_cursor_gets_a_reset_event_without_an_id_and_then_the_newest_state(rig):
    async def main(rig):
        path = await rig.job()
        await trio.sleep(30)
        items = Parser(last_event_id="a-3").feed(await (await rig.follow(path, "a-3")).body())
        assert [(item.type, item.id) for item in items if isinstance(item, Event)][:2] == [
            ("reset", "a-3"),
            ("processing", "a-30"),
        ]

    server = ServerSpec(replay=16, expired_cursor="reset event")
    assert len(rig.run(main, job=JobSpec(lasts=60.0, every=1.0), server=server).all(GapSignal)) == 1


def test_silent_server_begins_with_what_it_has_and_signals_nothing(rig):
    async def main(rig):
        path = await rig.job()
        await trio.sleep(30)
        assert ids(await (await rig.follow(path, "a-3")).body())[0] == "a-15"

    server = ServerSpec(replay=16, expired_cursor="silent")
    assert rig.run(main, job=JobSpec(lasts=60.0, every=1.0), server=server).all(GapSignal) == []


def test_retry_comes_first_and_has_no_id(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        assert await client.read() == b"retry: 2500\n\n"

    rig.run(main, job=QUIET, server=ServerSpec(retry=2.5))


def test_comment_comes_after_each_keepalive_of_silence(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        pieces = [await next_piece(rig, client) for _ in range(4)]
        assert [(round(at, 9), data[:6]) for at, data in pieces[1:]] == [
            (15.0, b": keep"),
            (30.0, b": keep"),
            (40.0, b"id: a-"),
        ]
        assert (await next_piece(rig, client))[0] == pytest.approx(55.0)

    rig.run(main, job=JobSpec(lasts=100.0, every=40.0))


def test_without_keepalive_a_quiet_stream_stays_silent(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        await client.read()
        assert (await next_piece(rig, client))[0] == pytest.approx(100.0)

    rig.run(main, job=QUIET, server=ServerSpec(keepalive=None))


def test_stream_with_nothing_to_say_begins_with_a_comment(rig):
    async def main(rig):
        client = await rig.follow(await rig.job(), "a-0")
        assert await next_piece(rig, client) == (0.0, b": open\n\n")

    rig.run(main, job=QUIET)


def test_no_progress_for_its_time_ends_the_stream_with_timeout_while_comments_flow(rig):
    async def main(rig):
        body = await (await rig.follow(await rig.job())).body()
        assert body.count(b": keep-alive") == 19
        assert (rig.now, body.count(b"event: timeout")) == (300.0, 1)

    history = rig.run(main, job=JobSpec(lasts=900.0, every=900.0))
    assert [emit.intended_ns for emit in history.all(Emit)] == [1, 300_000_000_001]


def test_newer_stream_of_a_job_ends_the_older_one_politely_a_keepalive_later(rig):
    async def main(rig):
        path = await rig.job()
        older = await rig.follow(path)
        await trio.sleep(3)
        newer = await rig.follow(path, "a-1")
        body = await older.body()
        assert body.endswith(b": a newer stream of this job took over\n\n")
        assert rig.now == 7.0
        assert ids(body) == ["a-0", "a-1", "a-2", "a-3"]
        assert ids(await newer.body()) == [f"a-{index}" for index in range(2, 16)]

    history = rig.run(main, job=JobSpec(lasts=30.0, every=2.0), server=ServerSpec(keepalive=4.0))
    assert closings(history) == [("newer", 7.000000001), ("done", 30.000000001)]


def test_newer_stream_that_leaves_before_the_older_one_has_to_hands_the_job_back(rig):
    async def main(rig):
        path = await rig.job()
        older = await rig.follow(path)
        await trio.sleep(3)
        newer = await rig.follow(path, "a-1")
        await newer.stream.aclose()
        assert ids(await older.body()) == ["a-0", "a-1", "a-2", "a-3"]
        assert rig.now == 6.0

    assert closings(rig.run(main, job=QUICK)) == [("fin", 3.000000001), ("done", 6.000000001)]


def test_fin_of_the_peer_frees_the_stream_at_once(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        await trio.sleep(3)
        await client.stream.aclose()
        await trio.sleep(1)
        assert (rig.server.counts.open_streams, rig.server.counts.open_connections) == (0, 1)

    assert closings(rig.run(main, job=QUICK)) == [("fin", 3.000000001)]


def test_rst_of_the_peer_frees_the_stream_at_once(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        await trio.sleep(3)
        client.stream.reset()
        await trio.sleep(1)
        assert rig.server.counts.open_streams == 0

    assert closings(rig.run(main, job=QUICK)) == [("rst", 3.000000001)]


def test_write_that_the_peer_does_not_take_frees_the_stream_within_a_keepalive(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        client.stream.clogged = True
        await trio.sleep(30)
        assert client.stream.other.was_reset

    assert closings(rig.run(main, job=JobSpec(lasts=60.0, every=2.0))) == [("blocked", 17.000000001)]


def test_stream_that_falls_behind_its_queue_is_evicted(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        await client.read()
        client.stream.clogged = True
        await trio.sleep(7.5)
        assert client.stream.other.was_reset

    history = rig.run(main, job=JobSpec(lasts=60.0, every=1.0), server=ServerSpec(queue=5))
    assert closings(history) == [("evicted", 6.000000001)]


def test_old_stream_that_is_held_up_is_freed_when_a_newer_one_came(rig):
    async def main(rig):
        path = await rig.job()
        older = await rig.follow(path)
        older.stream.clogged = True
        await trio.sleep(3)
        await rig.follow(path, "a-0")
        await trio.sleep(20)

    history = rig.run(main, job=JobSpec(lasts=60.0, every=2.0))
    assert closings(history)[0] == ("blocked", 17.000000001)


def test_stream_ends_with_its_token(rig):
    async def main(rig):
        client = await rig.client()
        _, body = await client.fetch("POST", "/api/v2/token")
        token = [("authorization", f"Bearer {json.loads(body)['token']}")]
        answer = await client.ask("POST", "/api/v2/imports", token)
        path = dict(answer.headers)[b"location"].decode()
        await trio.sleep(5)
        assert (await (await rig.follow(path, headers=token)).body()).endswith(b": the token has expired\n\n")

    history = rig.run(main, job=QUIET, server=ServerSpec(token_lasts=30.0))
    assert closings(history) == [("expired", 30.000000001)]


def test_flood_of_bytes_during_a_stream_ends_it(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        await client.stream.send_all(b"x" * 100_000)
        await trio.sleep(1)

    assert closings(rig.run(main, job=QUIET)) == [("flood", 0.000000001)]


def test_request_sent_ahead_is_answered_after_the_stream(rig):
    async def main(rig):
        path = await rig.job()
        client = await rig.follow(path)
        await client.stream.send_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.body()
        client._h11.send(h11.Request(method="GET", target="/healthz", headers=[("host", "a")]))
        client._h11.send(h11.EndOfMessage())
        assert (await client._event()).status_code == 200
        assert await client.body() == b'{"status":"ok"}'

    rig.run(main, job=QUICK)


def test_stopped_server_records_the_streams_it_ended(rig):
    async def main(rig):
        await rig.follow(await rig.job())
        await trio.sleep(3)

    assert closings(rig.run(main, job=QUICK)) == [("stopped", 3.000000001)]


def test_http_1_0_gets_a_stream_without_chunks_that_ends_with_the_connection(rig):
    async def main(rig):
        path = await rig.job()
        stream = (await rig.client()).stream
        await stream.send_all(f"GET {path}/stream HTTP/1.0\r\n\r\n".encode())
        received = b""
        while data := await stream.receive_some():
            received += data
        assert b"transfer-encoding" not in received.lower()
        assert ids(received.partition(b"\r\n\r\n")[2]) == ["a-0", "a-1", "a-2", "a-3"]

    rig.run(main, job=QUICK)
