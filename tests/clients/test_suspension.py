"""A device that sleeps in the middle of a job: its timers stand still, and its sockets are dead when it wakes."""

import msgspec
import pytest
import trio

from harness.clock import MovableSleep
from harness.sse.policy import REFERENCE, Jitter
from tests.clients.stage import Stage, answers, completes, event, in_turn, play, says, silence

UNJITTERED = msgspec.structs.replace(REFERENCE, jitter=Jitter.NONE)
DEAF = msgspec.structs.replace(UNJITTERED, heeds_signals=False)


class SleepyStage(Stage):
    """A phone that can be suspended: no sleep ends meanwhile."""

    awake: trio.Event | None = None

    async def sleep_until(self, deadline, movable_sleep=None):
        await (movable_sleep or MovableSleep()).until(deadline)
        if self.awake is not None:
            await self.awake.wait()


def suspends(start, end, *then):
    """Sleep from one second to the other; what happens at the waking is in this order."""

    async def actor(stage, _client):
        await trio.sleep(start)
        stage.awake = trio.Event()
        stage.signal("suspended", path=None)
        await trio.sleep(end - start)
        awake, stage.awake = stage.awake, None
        for what in then:
            if what == "timers":
                awake.set()
            elif what == "errors":
                for pipe in stage.pipes:
                    pipe.sever()
            else:
                stage.signal("resumed", path=None)
            await trio.testing.wait_all_tasks_blocked()
        awake.set()

    return actor


ORDERS = [
    ("errors", "signal", "timers"),
    ("signal", "errors", "timers"),
    ("timers", "errors", "signal"),
    ("timers", "signal"),
    ("signal",),
]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_a_device_that_wakes_reconnects_at_once_and_once(order):
    stage = SleepyStage(streams=[says(event("a-0"), then="nothing"), completes])
    played = play(stage, policies=UNJITTERED, beside=suspends(10, 55, *order))
    assert stage.times("stream") == [0.0, 55.0]
    assert played.causes == ["start", "signal"]
    assert stage.cursors() == [None, "a-0"]
    assert played.words == ["connecting", "connected", "reconnecting", "connected", "closed"]
    assert (played.outcome.ended, played.left_open, played.tasks_left) == ("completed", 0, 0)


@pytest.mark.parametrize(
    ("order", "dials"),
    # A signal heard after the timer ends one wait more, the one that has just begun.
    [(("signal", "timers"), [55.0, 71.0]), (("timers",), [55.0, 71.0]), (("timers", "signal"), [55.0, 55.0, 85.0])],
)
def test_of_waits_that_were_slept_through_one_dial_is_left(order, dials):
    stage = SleepyStage(doors=lambda now: "refuse" if now < 60 else "open")
    # Refused at 0, 1, 3 and 7; the wait of 8 s is slept through.
    played = play(stage, policies=UNJITTERED, beside=suspends(10, 55, *order))
    assert stage.dials[4:-1] == dials  # and the last is for the results
    assert played.outcome.ended == "completed"


def test_a_dial_that_hangs_is_begun_anew_at_the_waking():
    stage = SleepyStage(doors=lambda now: "hang" if now < 50 else "open")
    played = play(stage, beside=suspends(5, 55, "timers", "signal"))
    assert stage.dials[:2] == [0.0, 55.0]
    assert played.outcome.ended == "completed"


@pytest.mark.parametrize(
    ("first", "how", "due"), [(says(event("a-0"), then="nothing"), "watchdog", 20), (silence, "suspect", 10)]
)
def test_the_watchdog_of_a_deaf_client_counts_from_the_waking(first, how, due):
    stage = SleepyStage(streams=[first, completes])
    played = play(stage, policies=DEAF, beside=suspends(5, 55, "timers"))
    at, *ended = played.watcher.of("ended")[0]
    assert ended == ["ended", 1, how]
    assert at == 55.0 + due


def test_a_deaf_client_meets_its_dead_socket():
    stage = SleepyStage(streams=[says(event("a-0"), then="nothing"), completes])
    played = play(stage, policies=DEAF, beside=suspends(5, 55, "errors", "timers"))
    assert played.hows == ["error", "done"]
    assert stage.times("stream") == [0.0, 56.0]


def test_polls_that_were_slept_through_are_not_made_up_for():
    stage = SleepyStage(streams=[answers(403)])
    play(stage, policies=UNJITTERED, beside=suspends(10, 55, "timers", "signal"), lasts=60)
    assert stage.times("poll") == [3.0, 6.0, 9.0, 55.0, 58.0]
    assert stage.times("stream") == [0.0, 1.0, 3.0, 55.0]


def test_results_under_way_are_asked_for_again_at_the_waking():
    async def never_ends(reply):
        await reply.head(200, "application/json", content_length="10")
        await reply.body("{")
        await trio.sleep_forever()

    async def whole(reply):
        await reply.json({})

    stage = SleepyStage(results=in_turn(never_ends, whole))
    played = play(stage, policies=UNJITTERED, beside=suspends(5, 55, "signal", "timers"))
    assert stage.times("results") == [0.0, 55.0]
    assert played.outcome.results.body == b"{}"


def test_a_token_that_is_asked_for_is_asked_for_again_at_the_waking():
    token = in_turn(silence, lambda reply: reply.json({"token": "new"}))
    stage = SleepyStage(streams=[answers(401), answers(401), completes], token=token)
    played = play(stage, token="old", policies=UNJITTERED, beside=suspends(5, 15, "signal", "timers"))
    assert played.outcome.ended == "completed"
    assert stage.times("token") == [0.0, 15.0]
