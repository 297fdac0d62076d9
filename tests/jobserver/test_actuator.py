"""The acts that the server does and takes back. In virtual time: a journal stamp is the time in ns, plus 1."""

import json

import pytest
import trio

from harness.deeds.acts import (
    Answers,
    Drains,
    Hangs,
    Orphans,
    Recovers,
    Repeats,
    Restarts,
    RevokesToken,
    SendsRetry,
    SilencesKeepalive,
)
from harness.history.records import Emit, Job, Subscriber, Write
from harness.scenario.model import JobSpec, ServerSpec
from harness.sse.events import Event, Retry
from harness.sse.parser import Parser

STEADY = JobSpec(lasts=30.0, every=2.0, items=30)
QUIET = JobSpec(lasts=100.0, every=100.0)


def ids(body: bytes) -> list[str]:
    return [item.id for item in Parser().feed(body) if isinstance(item, Event)]


def comments(body: bytes) -> int:
    return body.count(b": keep-alive")


async def answered(rig) -> bool:
    """Return whether a request is answered within a second."""
    with trio.move_on_after(1.0):
        try:
            return (await (await rig.client()).fetch("GET", "/healthz"))[0] == 200
        except OSError:
            return False
    return False


async def token(client) -> list[tuple[str, str]]:
    _, body = await client.fetch("POST", "/api/v2/token")
    return [("authorization", f"Bearer {json.loads(body)['token']}")]


@pytest.mark.parametrize("back", ["undo", "recovers"])
def test_drained_server_says_bye_and_refuses_until_it_is_taken_back(rig, back):
    async def main(rig):
        path = await rig.job()
        client = await rig.follow(path)
        await trio.sleep(3)
        assert (await rig.server.do(4, Drains()))["door"] == "refuse"
        assert (await client.body()).endswith(b": bye\n\n")
        assert (await client.stream.receive_some(), await answered(rig)) == (b"", False)
        await trio.sleep(4)
        state = await rig.server.undo(4) if back == "undo" else await rig.server.do(5, Recovers())
        assert (state["door"], await answered(rig)) == ("open", True)
        assert ids(await (await rig.follow(path, "a-1")).body())[0] == "a-2"

    history = rig.run(main, job=STEADY)
    assert [emit.actual_ns for emit in history.all(Emit)] == history.all(Job)[0].schedule_ns
    assert [record.evidence for record in history.all(Subscriber) if record.what == "close"] == ["stopped", "done"]


def test_hung_server_takes_dials_and_requests_and_says_nothing_until_it_recovers(rig):
    async def main(rig):
        client = await rig.client()
        await rig.server.do(0, Hangs())
        assert await answered(rig) is False
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.ask, "GET", "/healthz")
            await trio.sleep(200)
            assert rig.server.counts.requests == 2
            assert (await rig.server.undo(0))["hangs"] == "no"
        assert await client.body() == b'{"status":"ok"}'

    rig.run(main, job=STEADY)


def test_stream_of_a_hung_server_gets_no_byte_and_then_all_it_missed_at_once(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        assert ids(await client.read()) == ["a-0"]
        await trio.sleep(1)
        await rig.server.do(0, Hangs())
        with trio.move_on_after(20) as silence:
            await client.read()
        assert silence.cancelled_caught
        await rig.server.undo(0)
        assert (ids(await client.read()), rig.now) == ([f"a-{index}" for index in range(1, 11)], 21.0)

    history = rig.run(main, job=STEADY)
    assert [emit.actual_ns for emit in history.all(Emit)] == history.all(Job)[0].schedule_ns[:11]


def test_hung_server_evicts_who_fell_behind_its_queue_once_it_recovers(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        await client.read()
        await rig.server.do(0, Hangs())
        await trio.sleep(50)
        await rig.server.undo(0)
        assert (await client.body()).startswith(b": evicted")

    rig.run(main, job=JobSpec(lasts=60.0, every=1.0), server=ServerSpec(queue=4, replay=2))


def test_newer_stream_of_a_job_on_a_hung_server_leaves_both_whole_once_it_recovers(rig):
    async def main(rig):
        path = await rig.job()
        older, newer = await rig.client(), await rig.client()
        await rig.server.do(0, Hangs())
        bodies = {}

        async def follow(client) -> None:
            await client.ask("GET", f"{path}/stream")
            bodies[client] = await client.body()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow, older)
            await trio.sleep(2)
            nursery.start_soon(follow, newer)
            await trio.sleep(3)
            await rig.server.undo(0)
        assert bodies[older].endswith(b": a newer stream of this job took over\n\n")
        assert ids(bodies[older]) == [f"a-{index}" for index in range(9)]  # to 17 s, a keep-alive after the newer came
        assert ids(bodies[newer]) == [f"a-{index}" for index in range(16)]

    rig.run(main, job=STEADY)


def test_hung_server_that_restarts_is_killed_without_a_word_and_hangs_no_more(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        await client.read()
        await rig.server.do(0, Hangs())
        readback = await rig.server.do(1, Restarts(keeps_log=True))
        assert (await client.stream.receive_some(), rig.now, readback["hangs"]) == (b"", 0.0, "no")
        assert await answered(rig)

    rig.run(main, job=STEADY)


def test_drained_server_that_restarts_is_open(rig):
    async def main(rig):
        await rig.server.do(0, Drains())
        assert (await rig.server.do(1, Restarts(keeps_log=True)))["door"] == "open"
        assert (await rig.server.undo(0))["door"] == "open"

    rig.run(main, job=STEADY)


def test_the_last_word_of_a_kind_wins_and_what_it_replaced_never_comes_back(rig):
    async def main(rig):
        for index, act in enumerate([Repeats(count=3), Repeats(count=10), Hangs(), Hangs(), SilencesKeepalive()]):
            await rig.server.do(index, act)
        assert (await rig.server.undo(0))["repeats"] == "10"
        assert (await rig.server.undo(1))["repeats"] == "0"
        assert (await rig.server.undo(2))["hangs"] == "yes"
        state = await rig.server.do(9, Recovers())
        assert (state["hangs"], state["repeats"], state["keep-alive"]) == ("no", "0", "yes")
        assert await rig.server.undo(0) == state

    rig.run(main, job=STEADY)


def test_revoked_tokens_are_401_end_their_streams_and_a_new_one_is_good(rig):
    async def main(rig):
        client = await rig.client()
        headers = await token(client)
        answer = await client.ask("POST", "/api/v2/imports", headers)
        await client.body()
        path = dict(answer.headers)[b"location"].decode()
        stream = await rig.follow(path, headers=headers)
        await trio.sleep(3)
        assert (await rig.server.do(0, RevokesToken()))["revoked"] == "1"
        assert (await stream.body()).endswith(b": the token has expired\n\n")
        assert (await client.fetch("GET", path, headers))[0] == 401
        assert (await client.fetch("GET", path, await token(client)))[0] == 200
        assert rig.server.counts.tokens == 2

    (_, closed) = rig.run(main, job=STEADY, server=ServerSpec(token_lasts=30.0)).all(Subscriber)
    assert (closed.evidence, closed.t_ns) == ("expired", 3_000_000_001)


def test_tokens_outlive_a_restart(rig):
    async def main(rig):
        headers = await token(await rig.client())
        await rig.server.do(0, Restarts(keeps_log=False))
        assert (await (await rig.client()).fetch("POST", "/api/v2/imports", headers))[0] == 202

    rig.run(main, job=STEADY, server=ServerSpec(token_lasts=30.0))


def test_silenced_keepalive_leaves_a_quiet_stream_without_a_byte_until_taken_back(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        assert [comments(await client.read()) for _ in range(2)] == [0, 1]
        await rig.server.do(0, SilencesKeepalive())
        await trio.sleep(40)
        await rig.server.undo(0)
        assert (comments(await client.read()), round(rig.now, 6)) == (1, 60.0)  # none at 30 s and 45 s

    rig.run(main, job=QUIET)


@pytest.mark.parametrize("value", ["5000", "0", "abc", "3600000"])
@pytest.mark.parametrize("line_ends", ["lf", "cr", "crlf", "mixed"])
def test_open_streams_get_the_retry_field_as_it_is(rig, value, line_ends):
    async def main(rig):
        client = await rig.follow(await rig.job())
        parser = Parser()
        parser.feed(await client.read())
        assert (await rig.server.do(0, SendsRetry(value=value)))["streams told"] == "1"
        sent = await client.read()
        assert (sent.startswith(f"retry: {value}".encode()), rig.now) == (True, 0.0)
        fields = [item for item in parser.feed(sent) if isinstance(item, Retry)]
        assert len(fields) == (0 if value == "abc" else 1)

    rig.run(main, job=STEADY, server=ServerSpec(line_ends=line_ends))


def test_retry_comes_between_events_of_a_busy_stream_and_costs_none(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        await trio.sleep(5)
        await rig.server.do(0, SendsRetry(value="5000"))
        body = await client.body()
        assert body.count(b"retry: 5000\n\n") == 1
        assert ids(body) == [f"a-{index}" for index in range(16)]

    rig.run(main, job=STEADY)


async def so_far(client) -> list[str]:
    """The ids that have come by now."""
    body = b""
    with trio.move_on_after(0.1):
        while piece := await client.read():
            body += piece
    return ids(body)


def test_repeats_send_each_event_twice_and_replay_so_many_too_many_at_a_reconnection(rig):
    async def main(rig):
        path = await rig.job()
        await rig.server.do(0, Repeats(count=2))
        first = await rig.follow(path)
        await trio.sleep(7)
        assert await so_far(first) == [f"a-{index}" for index in (0, 0, 1, 1, 2, 2, 3, 3)]
        resumed = await rig.follow(path, "a-3")
        await trio.sleep(0.5)
        await rig.server.undo(0)
        await trio.sleep(2)
        assert await so_far(resumed) == ["a-2", "a-2", "a-3", "a-3", "a-4"]

    history = rig.run(main, job=STEADY)
    assert [(write.first, write.last) for write in history.all(Write)][4:6] == [(2, 3), (4, 4)]
    assert len(history.all(Emit)) == 5


def test_repeats_replay_no_more_than_the_log_has(rig):
    async def main(rig):
        path = await rig.job()
        await trio.sleep(3)
        await rig.server.do(0, Repeats(count=10))
        assert ids(await (await rig.follow(path, "a-1")).read()) == ["a-0", "a-0", "a-1", "a-1"]

    rig.run(main, job=STEADY)


@pytest.mark.parametrize("act", [Answers(status=503), Orphans(after=1.0)])
def test_what_is_not_the_servers_to_do_is_refused(rig, act):
    async def main(rig):
        with pytest.raises(AssertionError, match="not a deed of the server's"):
            await rig.server.do(0, act)

    rig.run(main, job=STEADY)
