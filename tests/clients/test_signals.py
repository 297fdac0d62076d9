"""A client's reaction to the device's signals."""

import msgspec
import pytest
import trio

from harness.sse.policy import REFERENCE, Jitter
from tests.clients.stage import Stage, answers, completes, event, play

UNJITTERED = msgspec.structs.replace(REFERENCE, jitter=Jitter.NONE)
DEAF = msgspec.structs.replace(UNJITTERED, heeds_signals=False)


def at(moment, *whats):
    """An actor that sends these signals at this second."""

    async def actor(stage, _client):
        await trio.sleep(moment)
        for what in whats:
            stage.signal(what)

    return actor


def heals_at(moment, before):
    return lambda now: before if now < moment else "open"


@pytest.mark.parametrize("what", ["joins", "online", "prefers"])
def test_a_new_way_cuts_the_wait_and_keeps_the_count(what):
    stage = Stage(doors=lambda now: "refuse" if now < 12 else "open", streams=[answers(503), completes])
    played = play(stage, policies=UNJITTERED, beside=at(12.5, what))
    # Refused at 0, 1, 3 and 7, the wait of 8 s is cut at 12.5, and the next one is of 16.
    assert played.stage.dials[:6] == [0.0, 1.0, 3.0, 7.0, 12.5, 28.5]
    assert played.causes == ["start", "failed", "failed", "failed", "signal", "failed"]


def test_a_new_way_drops_a_dial_that_hangs():
    stage = Stage(doors=heals_at(5, "hang"))
    played = play(stage, policies=UNJITTERED, beside=at(5, "joins"))
    assert played.hows == ["signal", "done"]
    assert stage.dials == [0.0, 5.0, 5.0]


def test_a_new_way_drops_a_request_that_waits_for_its_head():
    async def headless(reply):
        await trio.sleep_forever()

    played = play(Stage(streams=[headless, completes]), beside=at(5, "joins"))
    assert played.hows == ["signal", "done"]


@pytest.mark.parametrize("what", ["joins", "loses", "prefers", "offline", "online"])
def test_an_open_stream_is_left_alone(what):
    async def steady(reply):
        await reply.head()
        await reply.events(0)
        await trio.sleep(10)
        await reply.events(1, kind="completed")
        await trio.sleep_forever()

    played = play(Stage(streams=[steady]), beside=at(5, what))
    assert played.outcome.counts.attempts == 1


def test_a_signal_heard_on_an_open_stream_does_not_cut_a_later_wait():
    async def broken(reply):
        await reply.head()
        await reply.events(0)
        await trio.sleep(10)
        await reply.end()

    played = play(Stage(streams=[broken, completes]), policies=UNJITTERED, beside=at(5, "joins"))
    assert played.waits == [0.0, 1.0]


@pytest.mark.parametrize("what", ["loses", "offline"])
def test_a_lost_way_cuts_nothing(what):
    played = play(Stage(doors=heals_at(6, "refuse")), policies=UNJITTERED, beside=at(5, what))
    assert played.stage.dials == [0.0, 1.0, 3.0, 7.0, 7.0]


def test_a_deaf_client_waits_it_out():
    played = play(Stage(doors=heals_at(5, "hang")), policies=DEAF, beside=at(5, "joins"))
    assert played.hows == ["timeout", "done"]


def test_a_new_way_tries_the_stream_at_once_while_polling():
    stage = Stage(streams=[answers(403), answers(403), answers(403), completes])
    played = play(stage, policies=UNJITTERED, beside=at(60, "joins"))
    assert stage.times("stream")[-1] == 60.0
    assert played.causes[-1] == "signal"


def test_a_new_way_drops_a_hanging_fetch_of_results_which_is_tried_again_at_once():
    stage = Stage(doors=lambda now: "hang" if 0 < now < 7 else "open")

    async def late(reply):
        await reply.head()
        await trio.sleep(2)
        await reply.body(event("a-1", "completed"))
        await trio.sleep_forever()

    stage.streams = [late]
    played = play(stage, policies=UNJITTERED, beside=at(7, "joins"))
    assert stage.times("results") == [7.0]
    assert played.outcome.results.status == 200
