"""Retry-After binds the request that it answered: streams, polls, results, tokens, starts, each by itself."""

import h11
import msgspec
import pytest
import trio

from harness.sse.policy import REFERENCE, Jitter
from tests.clients.stage import Stage, answers, completes, event, in_turn, play, says
from tests.clients.test_client import accepted, starting

UNJITTERED = msgspec.structs.replace(REFERENCE, jitter=Jitter.NONE)
HEEDLESS = msgspec.structs.replace(UNJITTERED, obeys_retry_after=False)
NEW_YEAR = "Thu, 01 Jan 2026 00:00:00 GMT"
FORBIDDEN = [answers(403)] * 3  # the third failure leads to polling: at 0, 1 and 3 s


def processing(reply):
    return reply.json({"status": "processing", "progress": 0.1, "lastEventId": ""})


def polls(first, *, policies=UNJITTERED, lasts=20.0):
    """When a client polls whose first poll, at 3 s, is answered so; streams are refused for good."""
    stage = Stage(streams=FORBIDDEN, status=in_turn(first, processing))
    play(stage, policies=policies, lasts=lasts)
    return stage.times("poll")


@pytest.mark.parametrize("status", [200, 408, 425, 429, 503, 307])
def test_a_poll_waits_as_long_as_retry_after_says(status):
    assert polls(answers(status, data=b'{"status": "processing"}', retry_after="5"))[:3] == [3.0, 8.0, 11.0]


@pytest.mark.parametrize(
    "value", ["Thu, 01 Jan 2026 00:00:05 GMT", "Thursday, 01-Jan-26 00:00:05 GMT", "Thu Jan  1 00:00:05 2026"]
)
def test_a_date_is_counted_from_the_answer_s_own(value):
    assert polls(answers(503, retry_after=value, date=NEW_YEAR))[:2] == [3.0, 8.0]


@pytest.mark.parametrize("value", ["1", "0", "-7", "soon", NEW_YEAR])
def test_a_shorter_retry_after_or_none_in_earnest_leaves_polling_as_it_was(value):
    assert polls(answers(503, retry_after=value, date=NEW_YEAR))[:3] == [3.0, 6.0, 9.0]


def test_no_server_puts_off_polling_for_longer_than_the_policies_obey():
    brief = msgspec.structs.replace(UNJITTERED, retry_stream=40.0)
    assert polls(answers(503, retry_after="86400"), policies=brief, lasts=60.0)[:2] == [3.0, 43.0]


@pytest.mark.parametrize(("second", "due"), [("5", 8.0), ("9", 12.0)])
def test_a_repeated_header_is_read_once(second, due):
    async def twice(reply):
        await reply._send(h11.Response(status_code=503, headers=[("retry-after", "5"), ("retry-after", second)]))
        await reply.end()

    assert polls(twice)[:2] == [3.0, due]


def test_a_policy_that_ignores_retry_after_polls_on():
    assert polls(answers(503, retry_after="5"), policies=HEEDLESS)[:3] == [3.0, 6.0, 9.0]


def test_a_retry_after_binds_though_the_rest_of_the_answer_is_lost():
    async def cut(reply):
        await reply.head(503, retry_after="5", content_length="10")
        await reply.pipe.aclose()

    assert polls(cut)[:2] == [3.0, 8.0]


def test_a_retry_after_of_a_401_puts_nobody_off_who_gets_a_new_token():
    stage = Stage(streams=FORBIDDEN, status=in_turn(answers(401, retry_after="9"), processing))
    play(stage, policies=UNJITTERED, token="old", lasts=10)
    assert stage.times("poll") == [3.0, 3.0, 6.0, 9.0]


def test_what_a_second_question_is_answered_takes_nothing_back_of_the_first():
    left = {}

    async def late(reply):
        await trio.sleep(1)
        await reply.full(503, retry_after="2")

    async def both(_stage, client):
        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(client._requests.ask, "GET", "/api/v2/imports/other")
        left["seconds"] = client._requests.put_off("/api/v2/imports/other")

    play(Stage(streams=FORBIDDEN, status=in_turn(late, answers(503, retry_after="30"))), beside=both, lasts=2)
    assert left == {"seconds": 29.0}


def test_a_retry_after_of_a_poll_does_not_hold_the_stream_up():
    stage = Stage(streams=[*FORBIDDEN, answers(403), completes], status=answers(503, retry_after="60"))
    play(stage, policies=UNJITTERED, lasts=30)
    assert stage.times("poll") == [3.0]
    assert stage.times("stream")[:4] == [0.0, 1.0, 3.0, 3.0]  # a failed poll tries the stream at once
    assert len(stage.times("stream")) == 5


def test_a_failed_poll_does_not_try_a_stream_that_is_to_be_left_alone():
    refusals = [answers(403), answers(403), answers(503, retry_after="10")]
    stage = Stage(streams=[*refusals, completes], status=answers(503))
    played = play(stage, policies=UNJITTERED, lasts=40)
    # Told at 3 s, with polls that fail at 3, 6, 9 and 12: that of 15 s is the first to try it.
    assert stage.times("stream") == [0.0, 1.0, 3.0, 15.0]
    assert played.outcome.ended == "completed"


def test_results_wait_as_long_as_retry_after_says():
    whole = answers(200, data=b"all of it!", content_type="text/csv")
    stage = Stage(results=in_turn(answers(503, retry_after="7"), answers(503), whole))
    played = play(stage)
    first, second, third = stage.times("results")
    assert 7.0 <= second - first <= 8.0
    assert third - second <= 2.0
    assert played.outcome.results.status == 200


def test_a_token_is_not_asked_for_before_retry_after_is_over():
    tokens = in_turn(answers(503, retry_after="7"), lambda reply: reply.json({"token": "fresh"}))
    stage = Stage(streams=[answers(401), answers(401), completes], token=tokens)
    played = play(stage, token="old")
    first, second = stage.times("token")
    assert 7.0 <= second - first <= 8.0
    assert played.causes == ["start", "retry-after", "refreshed"]


def test_the_time_that_a_token_took_to_be_refused_is_no_part_of_its_retry_after():
    async def slow(reply):
        await trio.sleep(4)
        await reply.full(503, retry_after="7")

    tokens = in_turn(slow, lambda reply: reply.json({"token": "fresh"}))
    stage = Stage(streams=[answers(401), answers(401), completes], token=tokens)
    play(stage, token="old", policies=UNJITTERED)
    assert stage.times("token") == [0.0, 11.0]


def test_a_poll_that_needs_a_token_does_not_ask_for_one_before_retry_after_is_over():
    def status(reply):
        return reply.full(200 if reply.asked.headers["authorization"] == "Bearer fresh" else 401)

    tokens = in_turn(answers(503, retry_after="7"), lambda reply: reply.json({"token": "fresh"}))
    stage = Stage(streams=FORBIDDEN, status=status, token=tokens)
    play(stage, token="old", policies=UNJITTERED, lasts=20)
    assert stage.times("token") == [3.0, 12.0]  # polls at 3, 6 and 9 s were refused, and asked for none


@pytest.mark.parametrize("status", [429, 503])
def test_a_start_waits_as_long_as_retry_after_says(status):
    job, at = starting(Stage(starts=in_turn(answers(status, retry_after="7"), accepted)))
    assert (job, 7.0 <= at <= 8.0) == ("j", True)


def test_a_start_whose_token_is_not_to_be_had_yet_waits_for_it():
    tokens = in_turn(answers(503, retry_after="7"), lambda reply: reply.json({"token": "fresh"}))
    stage = Stage(starts=in_turn(answers(401), answers(401), accepted), token=tokens)
    job, at = starting(stage, token="old")
    assert (job, 7.0 <= at <= 8.0, len(stage.times("token"))) == ("j", True, 2)


def test_the_last_question_of_a_stream_that_was_stopped_waits_for_its_turn():
    status = in_turn(answers(503, retry_after="9"), lambda reply: reply.json({"status": "failed", "lastEventId": "a"}))
    stage = Stage(streams=[*FORBIDDEN, answers(204)], status=status)
    played = play(stage, policies=UNJITTERED)
    assert set(stage.times("poll")) == {3.0, 12.0}
    assert played.outcome.ended == "failed"


def test_a_gap_is_not_asked_about_before_retry_after_is_over():
    status = in_turn(answers(503, retry_after="9"), processing)
    first = says(event("a-0"), then="fin")
    stage = Stage(streams=[first, answers(410), answers(410), completes], status=status)
    play(stage, policies=UNJITTERED)
    told, *later = stage.times("poll")
    assert told == stage.times("stream")[1]
    assert all(at >= told + 9 for at in later)
