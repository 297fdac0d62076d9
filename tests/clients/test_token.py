"""The renewal of a token: one at a time, whichever request asks for it."""

import math

import httpx
import msgspec
import pytest
import trio
from trio.testing import MockClock

from harness.clients.token import BearerToken, TokenAnswer
from harness.sse.policy import REFERENCE, Jitter
from tests.clients.stage import Stage, answers, completes, in_turn, play

UNJITTERED = msgspec.structs.replace(REFERENCE, jitter=Jitter.NONE)


def renewals(*answers, askers=3, gone_after=None):
    """Let several renew at once, each answer taking a second; returns what each got, and how many were asked for."""

    async def main():
        left = list(answers)
        got = {}

        async def ask():
            await trio.sleep(1)
            answer = left.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return TokenAnswer(token=answer) if answer else None

        async def renew(number):
            with trio.CancelScope() as scopes[number]:
                try:
                    got[number] = await token.renew("Bearer old")
                except httpx.HTTPError as error:
                    got[number] = str(error)

        token = BearerToken("old", ask)
        scopes = {}
        async with trio.open_nursery() as nursery:
            for number in range(askers):
                nursery.start_soon(renew, number)
                await trio.testing.wait_all_tasks_blocked()
            if gone_after is not None:
                await trio.sleep(gone_after)
                scopes[0].cancel()
        return got, token.renewals, token.authorization

    return trio.run(main, clock=MockClock(autojump_threshold=0))


def test_whoever_waits_takes_the_token_that_came():
    assert renewals("new") == ({0: True, 1: True, 2: True}, 1, "Bearer new")


def test_whoever_waits_takes_the_refusal_too():
    assert renewals(None) == ({0: False, 1: False, 2: False}, 1, "Bearer old")


def test_whoever_waits_takes_the_failure_too():
    got, asked, authorization = renewals(httpx.ReadError("gone"))
    told = "the token could not be refreshed: gone"
    assert (got, asked, authorization) == ({0: "gone", 1: told, 2: told}, 1, "Bearer old")


def test_where_the_one_who_asked_is_gone_the_next_in_line_asks():
    assert renewals("new", gone_after=0.5) == ({1: True, 2: True}, 2, "Bearer new")


def test_a_token_that_was_renewed_meanwhile_is_not_renewed_again():
    async def main():
        token = BearerToken("new", None)
        return await token.renew("Bearer old")

    assert trio.run(main) is True


def test_a_stream_and_a_poll_that_are_refused_at_once_share_one_refresh():
    def needs_token(handler):
        async def check(reply):
            fresh = reply.asked.headers["authorization"] == "Bearer fresh"
            await (handler(reply) if fresh or reply.asked.at < 11 else reply.full(401))

        return check

    async def slow(reply):
        await trio.sleep(0.5)
        await reply.json({"token": "fresh"})

    async def firewall(reply):
        await (reply.full(403) if reply.asked.at < 11 else completes(reply))

    async def joins(stage, _client):
        await trio.sleep(12.2)
        stage.signal("joins")

    stage = Stage(streams=[needs_token(firewall)], token=slow)
    stage.status = needs_token(lambda reply: reply.json({"status": "processing", "lastEventId": "a-3"}))
    played = play(stage, policies=UNJITTERED, beside=joins, token="old")
    assert stage.times("token") == [12.0]
    assert stage.times("stream") == [0.0, 1.0, 3.0, 12.2, 12.5]
    assert stage.cursors()[-2:] == ["a-3", "a-3"]
    assert played.causes[-1] == "refreshed"


@pytest.mark.parametrize(
    ("said", "lasts"), [(30, 30.0), (0.5, 0.5), (0, math.inf), ("soon", math.inf), (None, math.inf)]
)
def test_what_a_server_says_of_a_token_s_life_is_taken_where_it_is_a_number_of_seconds(said, lasts):
    assert TokenAnswer(token="new", expires_in=said).lasts == lasts


def delayed(by):
    """A first stream that wants another token, and a second that answers as late: 401, too."""

    async def late(reply):
        await trio.sleep(by)
        await reply.full(401)

    return Stage(streams=[answers(401), late, completes], token=answers(200, data=b'{"token": "new", "expiresIn": 5}'))


def test_a_401_to_a_token_that_may_have_run_out_meanwhile_is_a_first_one():
    played = play(delayed(5), token="old", policies=UNJITTERED)
    assert played.outcome.ended == "completed"
    assert play(delayed(4), token="old").outcome.error == "the stream was refused: status 401"


def test_a_poll_whose_token_ran_out_on_the_way_is_asked_again():
    async def late(reply):
        await trio.sleep(5)
        await reply.full(401)

    status = in_turn(answers(401), late, answers(200, data=b'{"status": "completed", "lastEventId": "a-9"}'))
    stage = Stage(streams=[answers(403)], status=status, token=answers(200, data=b'{"token": "n", "expiresIn": 5}'))
    assert play(stage, token="old", policies=UNJITTERED).outcome.ended == "completed"
