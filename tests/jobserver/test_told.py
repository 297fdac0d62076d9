"""The server's records of itself: which request it answered, with which bytes, and what its sockets took."""

import msgspec
import pytest
import trio

from harness.deeds.acts import Hangs, SendsRetry
from harness.history.records import Answered, Emit, GapSignal, Job, Said, Snapshot, Subscriber, Write, body_digest
from harness.scenario.model import JobSpec, ServerSpec
from harness.sse.encoder import encode_comment
from harness.sse.events import Event, Retry
from harness.sse.parser import Parser

QUICK = JobSpec(lasts=6.0, every=2.0, items=3)


def number(value):
    return ("X-Harness-Request", str(value))


def ns(at):
    return round(at * 1e9) + 1


def said(history):
    return [(one.what, one.detail, one.whole) for one in history.all(Said)]


def test_what_a_stream_is_told_is_recorded_under_the_number_of_its_request(rig):
    async def main(rig):
        client = await rig.follow(await rig.job(), headers=[number(41)])
        await client.body()

    history = rig.run(main, job=QUICK)
    assert [(sub.what, sub.rid) for sub in history.all(Subscriber)] == [("open", 41), ("close", 41)]
    assert [write.rid for write in history.all(Write)] == [41] * 4


def test_every_other_answer_is_recorded_with_its_status_its_body_and_its_request(rig):
    bodies = {}

    async def ask(client, rid, method, target, headers=()):
        bodies[rid] = await client.fetch(method, target, [number(rid), *headers])

    async def main(rig):
        client = await rig.client()
        await ask(client, 1, "POST", "/api/v2/token")
        token = msgspec.json.decode(bodies[1][1])["token"]
        mine = [("authorization", f"Bearer {token}")]
        await ask(client, 2, "POST", "/api/v2/imports")
        await ask(client, 3, "POST", "/api/v2/imports", mine)
        job = f"/api/v2/imports/{msgspec.json.decode(bodies[3][1])['jobId']}"
        await ask(client, 4, "GET", job, mine)
        await ask(client, 5, "GET", f"{job}/results", mine)
        await trio.sleep(7)
        await ask(client, 6, "GET", f"{job}/results", mine)
        await ask(client, 7, "GET", f"{job}/stream", [*mine, ("last-event-id", "a-3")])
        await ask(client, 8, "GET", f"{job}/stream", [*mine, ("last-event-id", "z-9")])
        await client.fetch("HEAD", job, [number(9), *mine])
        await ask(client, 10, "GET", "/healthz")

    server = ServerSpec(token_lasts=300.0, replay=1, expired_cursor="410")
    history = rig.run(main, job=QUICK, server=server)
    told = {one.rid: (one.status, one.length, one.digest) for one in history.all(Answered)}
    assert sorted(told) == [1, 2, 3, 5, 6, 7, 8]
    assert told == {rid: (bodies[rid][0], len(bodies[rid][1]), body_digest(bodies[rid][1])) for rid in told}
    assert {one.rid: one.expires_in for one in history.all(Answered) if one.expires_in} == {1: 300.0}
    token = body_digest(msgspec.json.decode(bodies[1][1])["token"].encode())
    assert {one.rid: one.token for one in history.all(Answered) if one.token} == {1: token}
    assert [(one.rid, one.digest) for one in history.all(Snapshot)] == [(4, body_digest(bodies[4][1]))]
    assert [job.rid for job in history.all(Job)] == [3]
    assert [one.rid for one in history.all(GapSignal)] == [8]


@pytest.mark.parametrize("value", ["", "x", "-1", "1.5", "\uff11", "9" * 30, "7, 8"])
def test_a_number_that_is_none_is_none(rig, value):
    async def main(rig):
        await (await rig.client()).fetch("POST", "/api/v2/imports", [("x-harness-request", value.encode())])

    assert [job.rid for job in rig.run(main, job=QUICK).all(Job)] == [0]


def test_the_number_is_no_header_of_the_request(rig, monkeypatch):
    seen = []
    monkeypatch.setattr("harness.jobserver.endpoints.cors_headers", lambda headers: seen.append(headers) or [])

    async def main(rig):
        await (await rig.client()).fetch("GET", "/healthz", [number(3)])

    rig.run(main, job=QUICK)
    assert seen == [{"host": "jobs", "content-length": "0"}]


@pytest.mark.parametrize("line_ends", ["lf", "crlf", "mixed"])
def test_a_write_says_at_which_byte_of_the_body_it_begins(rig, line_ends):
    body = b""

    async def main(rig):
        nonlocal body
        path = await rig.job()
        await trio.sleep(3)
        client = await rig.follow(path)
        rig.server._registry.ask_retry("9")
        body = await client.body()

    server = ServerSpec(retry=5.0, keepalive=1.5, line_ends=line_ends)
    writes = rig.run(main, job=QUICK, server=server).all(Write)
    assert [(write.first, write.last) for write in writes] == [(0, 1), (2, 2), (3, 3)]
    for write in writes:
        ids = [item.id for item in Parser().feed(body[write.offset :]) if isinstance(item, Event)]
        assert ids[0] == f"a-{write.first}"
        before = [item.id for item in Parser().feed(body[: write.offset]) if isinstance(item, Event)]
        assert len(before) == write.first


def test_a_write_tells_when_it_began_and_when_the_socket_had_taken_it(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        client.stream.delay = 0.5
        await client.body()

    history = rig.run(main, job=QUICK)
    times = [(write.began_ns, write.t_ns) for write in history.all(Write)]
    assert times == [(ns(at), ns(at + took)) for at, took in [(0, 0), (2, 0.5), (4, 0.5), (6, 0.5)]]


def test_a_write_that_is_given_up_is_told_from_one_that_was_taken(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        await trio.sleep(1)
        client.stream.clogged = True
        await trio.sleep(60)

    history = rig.run(main, job=JobSpec(lasts=60.0, every=2.0))
    assert [(write.first, write.whole) for write in history.all(Write)] == [(0, True), (1, False)]
    assert history.all(Write)[1].began_ns == 2_000_000_001
    assert history.all(Write)[1].t_ns == 17_000_000_001


def test_a_write_to_a_peer_that_left_was_not_taken(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        await trio.sleep(1)
        client.stream.other.broken = True
        await trio.sleep(3)

    assert [(one.first, one.whole) for one in rig.run(main, job=QUICK).all(Write)] == [(0, True), (1, False)]


def test_a_write_that_a_hanging_server_never_began_is_none(rig):
    async def main(rig):
        await rig.follow(await rig.job())
        await trio.sleep(1)
        await rig.server.do(0, Hangs())
        await trio.sleep(3)

    assert [(one.first, one.whole) for one in rig.run(main, job=QUICK).all(Write)] == [(0, True)]


def test_what_is_said_besides_events_is_recorded_once_the_socket_has_it(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        await rig.server.do(0, SendsRetry(value="7000"))
        await trio.sleep(2.5)
        client.stream.clogged = True
        await rig.server.do(1, SendsRetry(value="8000"))
        await trio.sleep(5)

    history = rig.run(main, job=JobSpec(lasts=60.0, every=60.0), server=ServerSpec(retry=3.0, keepalive=2.0))
    assert said(history) == [
        ("retry", "3000", True), ("retry", "7000", True), ("keep-alive", "", True), ("retry", "8000", False),
    ]  # fmt: skip


def test_a_stream_without_anything_to_say_yet_is_told_that_it_is_open(rig):
    async def main(rig):
        await rig.follow(await rig.job(), "a-0")
        await trio.sleep(1)

    assert said(rig.run(main, job=QUICK))[0] == ("open", "", True)


def test_a_reset_and_a_bye_are_recorded_and_the_bytes_say_the_same(rig):
    body = b""

    async def main(rig):
        nonlocal body
        client = await rig.follow(await rig.job(), "z-1")
        await trio.sleep(1)
        body = await client.body()

    server = ServerSpec(expired_cursor="reset event", replay=1)
    history = rig.run(main, job=QUICK, server=server)
    assert said(history) == [("reset", "", True)]
    assert next(item.type for item in Parser().feed(body) if isinstance(item, Event)) == "reset"


def test_a_stream_that_outlives_its_token_says_bye_and_when_it_was_to_end(rig):
    body = b""

    async def main(rig):
        nonlocal body
        client = await rig.client()
        token = msgspec.json.decode((await client.fetch("POST", "/api/v2/token"))[1])["token"]
        mine = [("authorization", f"Bearer {token}")]
        await trio.sleep(1)
        job = msgspec.json.decode((await client.fetch("POST", "/api/v2/imports", mine))[1])["jobId"]
        body = await (await rig.follow(f"/api/v2/imports/{job}", headers=mine)).body()

    history = rig.run(main, job=QUICK, server=ServerSpec(token_lasts=4.0))
    assert said(history) == [("bye", "expired", True)]
    assert body.endswith(encode_comment("the token has expired"))
    opened, closed = history.all(Subscriber)
    assert opened.expires_ns == 4_000_000_001 == closed.t_ns
    assert opened.token == history.all(Answered)[0].token != ""
    assert not [item for item in Parser().feed(body) if isinstance(item, Retry)]


def test_a_token_that_is_refused_is_told_by_its_digest(rig):
    async def main(rig):
        client = await rig.client()
        for value in ["Bearer  abc", "Basic abc", ""]:
            await client.fetch("POST", "/api/v2/imports", [("authorization", value)])

    history = rig.run(main, job=QUICK, server=ServerSpec(token_lasts=4.0))
    assert [(one.status, one.token) for one in history.all(Answered)] == [
        (401, body_digest(b"abc")),
        (401, ""),
        (401, ""),
    ]


def test_a_failure_is_recorded_with_its_code(rig):
    async def main(rig):
        await rig.job()
        await trio.sleep(7)

    history = rig.run(main, job=msgspec.structs.replace(QUICK, ends="failed", code="E7"))
    assert [emit.code for emit in history.all(Emit)] == ["", "", "", "E7"]
