"""Starting a job, and closing at any moment."""

import functools
import random

import pytest
import trio
import trio.testing

from harness.clients import Callbacks, SSEClient
from harness.errors import PeerError
from tests.clients.stage import Stage, answers, event, in_turn, play, says, silence


def starting(stage, **client):
    """Start a job on this stage in virtual time; returns the id and the second at which it was known."""

    failures = []

    async def main():
        async with trio.open_nursery() as stage.nursery:
            stage.clock_zero = trio.current_time()
            try:
                async with SSEClient("http://server", phone=stage, draws=random.Random, **client) as under_test:
                    return await under_test.start(), trio.current_time() - stage.clock_zero
            except PeerError as error:
                failures.append(str(error))
            finally:
                stage.nursery.cancel_scope.cancel()
        return failures[0]

    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


accepted = answers(202, data=b'{"jobId": "j"}')


def test_a_start_gives_the_jobs_id():
    assert starting(Stage()) == ("j", 0.0)


@pytest.mark.parametrize(
    "first",
    [answers(503), answers(200, data=b"<html>portal</html>", content_type="text/html"), answers(202, data=b"{}")],
)
def test_a_start_is_repeated_where_surely_no_job_was_started(first):
    stage = Stage(starts=in_turn(first, accepted))
    job, at = starting(stage)
    assert job == "j"
    assert 0.5 <= at <= 1.0


@pytest.mark.parametrize("door", ["refuse", "unreachable", "hang"])
def test_a_start_waits_for_the_network(door):
    job, _at = starting(Stage(doors=lambda at: door if at < 15 else "open"))
    assert job == "j"


def test_a_start_whose_answer_was_lost_is_not_repeated():
    async def resets(reply):
        reply.pipe.reset()

    stage = Stage(starts=resets)
    assert "the answer to starting a job was lost" in starting(stage)
    assert len(stage.asked) == 1


def test_a_refused_start_is_an_error_in_words():
    assert "refused to start the job: status 400" in starting(Stage(starts=answers(400)))


def busy_stage():
    """Refused, muted, polled, broken: a stage on which a client does everything in turn."""

    async def breaks(reply):
        await reply.head()
        await reply.events(1, 2)
        await trio.sleep(1)
        reply.pipe.reset()

    return Stage(
        streams=[breaks, answers(401), answers(403), answers(410), silence],
        doors=lambda at: "hang" if 40 < at < 60 else "open",
    )


async def closes(stage, client, at):
    await trio.sleep(at)
    await client.aclose()


@pytest.mark.parametrize("seed", range(40))
def test_a_client_can_be_closed_at_any_moment_and_leaves_nothing(seed):
    moment = random.Random(seed).uniform(0, 70)
    played = play(busy_stage(), token="t", beside=functools.partial(closes, at=moment))
    assert played.outcome.ended == "closed"
    assert played.words[-1] == "closed"
    assert (played.left_open, played.tasks_left) == (0, 0)
    assert not [asked for asked in played.stage.asked if asked.at > moment]


@pytest.mark.parametrize("seed", range(40))
def test_a_client_can_be_cancelled_at_any_moment_and_leaves_nothing(seed):
    moment = random.Random(seed).uniform(0, 70)
    played = play(busy_stage(), token="t", lasts=moment)
    assert played.outcome is None
    assert (played.left_open, played.tasks_left) == (0, 0)
    assert played.words[-1] == "closed"


def test_a_closed_client_refuses_to_start_over():
    async def main():
        client = SSEClient("http://server", phone=Stage())
        await client.aclose()
        await client.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await client.start()
        with pytest.raises(trio.ClosedResourceError):
            await client.follow("j")

    trio.run(main)


def test_two_jobs_of_one_client_are_followed_side_by_side():
    stage = Stage()
    outcomes = []

    async def main():
        async with trio.open_nursery() as stage.nursery:
            async with SSEClient("http://server", phone=stage) as client, trio.open_nursery() as followers:

                async def follow(job):
                    outcomes.append((await client.follow(job)).ended)

                followers.start_soon(follow, "j")
                followers.start_soon(follow, "k")
            stage.nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert outcomes == ["completed", "completed"]


def test_a_job_id_stays_one_segment_of_the_path():
    stage = Stage(starts=answers(202, data=b'{"jobId": "../x?y"}'))

    async def main():
        async with trio.open_nursery() as stage.nursery:
            async with SSEClient("http://server", phone=stage) as client:
                await client.follow(await client.start())
            stage.nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert stage.asked[1].target == "/api/v2/imports/..%2Fx%3Fy/stream"


async def test_a_closed_client_is_not_entered_again():
    client = SSEClient("http://server", phone=Stage())
    async with client:
        pass
    with pytest.raises(trio.ClosedResourceError):
        async with client:
            pass


def test_a_client_is_used_twice_for_the_same_job_and_shows_it_twice():
    stage = Stage()
    shown = []

    async def main():
        async with trio.open_nursery() as stage.nursery:
            async with SSEClient("http://server", phone=stage) as client:
                for _ in range(2):
                    await client.follow("j", Callbacks(on_completed=lambda event: shown.append(event.id)))
            stage.nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert (shown, stage.cursors()) == (["a-9", "a-9"], [None, None])


def test_a_callback_may_close_the_client_that_calls_it():
    async def closes(event):
        await client[0].aclose()

    client = []

    async def keep(_stage, under_test):
        client.append(under_test)

    played = play(Stage(streams=[says(event("a-1"), then="")]), handler=closes, beside=keep, lasts=10)
    assert played.outcome.ended == "closed"
    assert (played.left_open, played.tasks_left) == (0, 0)
