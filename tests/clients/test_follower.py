"""The waits, causes and ends of attempts, to the exact virtual second."""

import gzip
import zlib

import h11
import msgspec
import pytest
import trio

from harness.sse.policy import AS_SHIPPED, REFERENCE, Jitter, ResetsOn
from tests.clients.stage import Stage, answers, completes, event, play, says, silence

UNJITTERED = msgspec.structs.replace(REFERENCE, jitter=Jitter.NONE)
NEVER_POLLS = msgspec.structs.replace(UNJITTERED, polls_after_failures=None)


async def refuses_head(reply):
    await trio.sleep_forever()


def test_a_job_is_followed_to_its_end_and_everything_is_closed():
    async def whole(reply):
        await reply.head()
        await reply.events(0, kind="initialized")
        await reply.events(1, 2)
        await reply.events(3, kind="completed")
        await trio.sleep_forever()

    played = play(Stage(streams=[whole]))
    assert [callback for _at, callback, _id, _source in played.shown] == [
        "initialized",
        "processing",
        "processing",
        "completed",
    ]
    assert played.outcome.ended == "completed"
    assert played.outcome.results.body == b'{"rows": 3}'
    assert played.words == ["connecting", "connected", "closed"]
    assert (played.left_open, played.tasks_left) == (0, 0)


@pytest.mark.parametrize("terminal", ["failed", "timeout"])
def test_other_ends_fetch_no_results(terminal):
    played = play(Stage(streams=[says(event("a-1", terminal), then="nothing")]))
    assert played.outcome.ended == terminal
    assert played.outcome.results is None
    assert played.stage.times("results") == []


def test_plain_waits_double_from_the_base_to_the_cap_and_a_fresh_event_starts_them_over():
    refused = [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    stage = Stage(doors=lambda at: "refuse" if at < 91 else "open", streams=[says(event("a-0")), completes])
    played = play(stage, policies=UNJITTERED)
    assert played.waits == [0.0, *refused, 1.0]
    assert set(played.hows[:-2]) == {"refused"}


def test_half_jitter_keeps_each_wait_within_the_upper_half_of_the_delay():
    played = play(Stage(doors=lambda at: "refuse"), lasts=300)
    for n, wait in enumerate(played.waits[1:]):
        delay = min(30.0, 2.0**n)
        assert delay / 2 <= wait <= delay
    assert len({wait / min(30.0, 2.0**n) for n, wait in enumerate(played.waits[1:])}) > 3


def test_one_more_attempt_does_not_shift_the_draws_of_the_others():
    waits = [play(Stage(doors=lambda at: "refuse"), lasts=lasts).waits for lasts in (60, 120)]
    assert waits[1][: len(waits[0])] == waits[0]


def test_opening_alone_does_not_start_the_backoff_over():
    played = play(Stage(streams=[says(": hello\n\n")]), policies=NEVER_POLLS, lasts=20)
    assert played.waits == [0.0, 1.0, 2.0, 4.0, 8.0]


def test_opening_starts_the_backoff_over_where_the_policy_says_so():
    policies = msgspec.structs.replace(NEVER_POLLS, backoff_resets_on=ResetsOn.OPEN)
    played = play(Stage(streams=[says(": hello\n\n")]), policies=policies, lasts=4.5)
    assert played.waits == [0.0, 1.0, 1.0, 1.0, 1.0]


def test_the_cursor_survives_attempts_that_bring_nothing():
    empty, reset = says(), says(then="rst")
    stage = Stage(streams=[says(event("a-0"), event("a-1")), empty, answers(503), reset, completes])
    play(stage, policies=NEVER_POLLS)
    assert stage.cursors() == [None, "a-1", "a-1", "a-1", "a-1"]


@pytest.mark.parametrize("cut", range(len(event("a-1"))))
def test_a_block_cut_anywhere_moves_no_cursor_and_is_shown_once_when_it_comes_whole(cut):
    stage = Stage(streams=[says(event("a-0"), event("a-1")[:cut]), says(event("a-1"), event("a-2", "completed"))])
    played = play(stage)
    assert stage.cursors() == [None, "a-0"]
    assert played.ids == ["a-0", "a-1", "a-2"]


def test_an_empty_id_means_no_header():
    stage = Stage(streams=[says(event("a-0"), "id\ndata: x\n\n"), completes])
    play(stage)
    assert stage.cursors() == [None, None]


def test_an_id_that_no_header_can_carry_is_not_sent():
    stage = Stage(streams=[says("id: a\x01b\ndata: x\n\n"), completes])
    played = play(stage)
    assert stage.cursors() == [None, None]
    assert played.outcome.ended == "completed"


def test_the_connect_deadline_ends_a_dial_that_hangs():
    played = play(Stage(doors=lambda at: "hang" if at < 5 else "open"), policies=UNJITTERED)
    assert played.watcher.of("ended")[0] == (10.0, "ended", 1, "timeout")
    assert played.stage.dials == [0.0, 11.0, 11.0]


def test_a_head_that_never_comes_is_the_watchdogs():
    played = play(Stage(streams=[refuses_head, completes]), policies=UNJITTERED)
    assert played.watcher.of("ended")[0] == (20.0, "ended", 1, "watchdog")


def test_comments_feed_the_watchdog():
    async def quiet(reply):
        await reply.head()
        for _ in range(10):
            await reply.body(": still here\n\n")
            await trio.sleep(15)
        await reply.events(1, kind="completed")
        await trio.sleep_forever()

    played = play(Stage(streams=[quiet]))
    assert played.outcome.counts.attempts == 1


def test_silence_after_a_byte_is_noticed_when_the_watchdog_is_due():
    played = play(Stage(streams=[says(event("a-0"), then="nothing"), completes]), policies=UNJITTERED)
    assert played.watcher.of("ended")[0] == (20.0, "ended", 1, "watchdog")
    assert (20.0, "status", "reconnecting") in played.watcher.log
    assert played.stage.times("stream") == [0.0, 21.0]


def test_a_200_without_a_byte_is_suspect():
    played = play(Stage(streams=[silence, completes]), policies=UNJITTERED)
    assert played.watcher.of("ended")[0] == (10.0, "ended", 1, "suspect")
    assert "connected" not in played.words[:2]


def test_the_client_as_shipped_never_notices_a_dead_path():
    played = play(Stage(streams=[says(event("a-0"), then="nothing")]), policies=AS_SHIPPED, lasts=86_400)
    assert played.outcome is None
    assert played.words == ["connecting", "connected", "closed"]
    assert played.hows == ["cancelled"]
    assert (played.left_open, played.tasks_left) == (0, 0)


def test_a_server_retry_is_the_base_clamped_and_never_undercut():
    def after(retry):
        stage = Stage(streams=[says(f"retry: {retry}\n\n", event("a-0")), completes])
        return play(stage, policies=UNJITTERED).waits[1]

    assert [after(5000), after(0), after(3_600_000), after("abc")] == [5.0, 0.25, 30.0, 1.0]


def test_jitter_only_lengthens_a_server_retry():
    stage = Stage(streams=[says("retry: 5000\n\n", event("a-0")), completes])
    played = play(stage)
    assert 5.0 <= played.waits[1] <= 7.5
    assert played.causes == ["start", "server-retry"]


@pytest.mark.parametrize(
    "value", ["7", "Thu, 01 Jan 2026 00:00:07 GMT", "Thursday, 01-Jan-26 00:00:07 GMT", "Thu Jan  1 00:00:07 2026"]
)
def test_retry_after_is_obeyed_in_every_form(value):
    refusal = answers(503, retry_after=value, date="Thu, 01 Jan 2026 00:00:00 GMT")
    played = play(Stage(streams=[refusal, completes]))
    assert 7.0 <= played.waits[1] <= 8.0
    assert played.causes == ["start", "retry-after"]
    assert played.watcher.ends[0].retry_after == 7.0


def test_a_date_without_a_date_is_counted_from_the_wall_clock():
    refusal = answers(503, retry_after="Thu, 01 Jan 2026 00:00:07 GMT")
    played = play(Stage(streams=[refusal, completes]), wall_clock=lambda: 1_767_225_600.0)
    assert 7.0 <= played.waits[1] <= 8.0


def test_204_asks_for_the_status_once_and_believes_it():
    stage = Stage(streams=[answers(204)], status=lambda reply: reply.json({"status": "failed", "lastEventId": "a-9"}))
    played = play(stage)
    assert played.outcome.ended == "failed"
    assert (stage.times("stream"), stage.times("poll")) == ([0.0], [0.0])


def test_204_for_a_job_that_goes_on_is_an_error_shown_once():
    played = play(Stage(streams=[answers(204)]))
    assert played.outcome.ended == "error"
    assert [callback for _at, callback, *_ in played.shown] == ["error"]
    assert len(played.stage.asked) == 2


def test_a_fatal_status_ends_it_with_one_error():
    played = play(Stage(streams=[answers(404)]))
    assert played.outcome.error == "the stream was refused: status 404"
    assert [callback for _at, callback, *_ in played.shown] == ["error"]


def test_a_wrong_content_type_is_never_parsed():
    async def portal(reply):
        await reply.full(200, event("a-0").encode(), content_type="text/html")

    played = play(Stage(streams=[portal, completes]), policies=NEVER_POLLS)
    assert played.hows == ["wrong-type", "done"]
    assert played.ids == ["a-9"]


def test_an_event_too_big_is_dropped_with_its_connection_and_what_came_before_it_is_not():
    policies = msgspec.structs.replace(NEVER_POLLS, max_event=200)
    stage = Stage(streams=[says(event("a-0") + "data: " + 300 * "x"), completes])
    played = play(stage, policies=policies)
    assert played.hows == ["too-big", "done"]
    assert played.ids == ["a-0", "a-9"]


def test_giving_up_after_so_many_attempts_is_told_once():
    policies = msgspec.structs.replace(UNJITTERED, gives_up_after=3)
    played = play(Stage(doors=lambda at: "refuse"), policies=policies)
    assert played.outcome.ended == "error"
    assert len(played.stage.dials) == 3
    assert [callback for _at, callback, *_ in played.shown] == ["error"]


def streamed_as(*headers, compress=lambda data: data):
    """A stream with these headers, which brings one event and the job's end."""

    async def handler(reply):
        await reply._send(h11.Response(status_code=200, headers=headers))
        await reply.body(compress((event("a-1") + event("a-2", "completed")).encode()))
        await reply.end()

    return Stage(streams=[handler])


TYPE = ("content-type", "text/event-stream")


@pytest.mark.parametrize(
    ("headers", "compress"),
    [
        ([("content-encoding", "none")], bytes),
        ([("content-encoding", "identity")], bytes),
        ([("content-encoding", "utf-8")], bytes),
        ([("content-encoding", "gzip, identity")], gzip.compress),
        ([("content-encoding", "gzip"), ("content-encoding", "gzip")], gzip.compress),
        ([("content-encoding", "deflate")], lambda data: zlib.compress(data, wbits=-zlib.MAX_WBITS)),
        ([TYPE], bytes),
        ([("content-type", "Text/Event-Stream; charset=utf-8")], bytes),
    ],
)
def test_a_stream_that_browsers_read_is_read_at_the_first_attempt(headers, compress):
    played = play(streamed_as(TYPE, *headers, compress=compress))
    assert (played.ids, played.hows) == (["a-1", "a-2"], ["done"])
