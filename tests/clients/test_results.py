"""Results: once, whole, and never otherwise."""

import msgspec
import pytest

from harness.sse.policy import REFERENCE
from tests.clients.stage import Stage, answers, in_turn, play


async def broken(reply):
    """Announce ten bytes, send four, vanish."""
    await reply.head(content_type="text/csv", content_length="10")
    await reply.body(b"half")
    reply.pipe.reset()


async def short(reply):
    await reply.head(content_type="text/csv", content_length="10")
    await reply.body(b"half")
    await reply.pipe.aclose()


whole = answers(200, data=b"all of it!", content_type="text/csv")


TROUBLES = [broken, short, answers(503), answers(409), answers(200, data=b"<html>", content_type="text/html")]


@pytest.mark.parametrize("first", TROUBLES)
def test_a_transfer_that_broke_is_repeated_until_one_is_whole(first):
    played = play(Stage(results=in_turn(first, whole)))
    assert played.outcome.results.body == b"all of it!"
    assert [entry[3] for entry in played.watcher.of("results")] == [False, True]
    first_at, second_at = played.stage.times("results")
    assert 0.5 <= second_at - first_at <= 1.0


def test_expired_results_are_asked_for_once_and_reported_as_expired():
    played = play(Stage(results=answers(410)))
    assert played.outcome.ended == "completed"
    assert played.outcome.results.expired
    assert len(played.stage.times("results")) == 1


def test_a_final_refusal_is_not_repeated():
    played = play(Stage(results=answers(404)))
    assert (played.outcome.results.status, played.outcome.results.expired) == (404, False)
    assert len(played.stage.times("results")) == 1


def test_results_are_not_fetched_where_the_policy_says_never():
    played = play(Stage(), policies=msgspec.structs.replace(REFERENCE, fetches_results=False))
    assert played.outcome.results is None
    assert played.stage.times("results") == []
