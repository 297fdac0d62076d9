"""Clients that take the end for something else, beside the reference."""

from functools import partial

import msgspec
import trio

from harness.clients.mutants.ending import DEADLINE
from harness.sse.policy import REFERENCE
from tests.clients.beside import both, streams
from tests.clients.stage import Stage, completes, event, says, taking


def trickles(seconds):
    """An event a second, and the end."""

    async def handler(reply):
        await reply.head()
        for index in range(seconds):
            await reply.events(index)
            await trio.sleep(1)
        await reply.events(seconds, kind="completed")
        await trio.sleep_forever()

    return handler


def test_stops_at_eof_where_the_server_ends_a_connection():
    reference, wrong = both("stops-at-eof", streams(says(event("a-0")), completes))
    assert (reference.outcome.ended, wrong.outcome.ended) == ("completed", "error")
    assert wrong.hows == ["eof"]


def test_stops_at_eof_goes_on_after_a_reset():
    reference, wrong = both("stops-at-eof", streams(says(event("a-0"), then="rst"), completes))
    assert wrong.hows == reference.hows == ["error", "done"]


def test_dies_of_errors_where_a_connection_is_reset():
    reference, wrong = both("dies-of-errors", streams(says(event("a-0"), then="rst"), completes))
    assert (reference.outcome.ended, wrong.outcome.ended) == ("completed", "error")
    assert wrong.hows == ["error"]


def test_dies_of_errors_goes_on_after_a_dial_that_was_refused():
    story = lambda: Stage(doors=lambda at: "open" if at else "refuse")  # noqa: E731
    reference, wrong = both("dies-of-errors", story)
    assert wrong.hows == reference.hows == ["refused", "done"]


def test_limits_streams_cuts_one_that_brings_an_event_a_second():
    reference, wrong = both("limits-streams", streams(trickles(15), partial(completes, index=99)))
    assert (reference.hows, wrong.hows) == (["done"], ["watchdog", "done"])
    assert wrong.watcher.of("ended")[0][0] == DEADLINE
    assert (wrong.left_open, wrong.tasks_left) == (0, 0)


def test_limits_streams_leaves_alone_the_stream_after_one_that_ended_before_its_time():
    reference, wrong = both("limits-streams", streams(says(event("a-0")), trickles(9)))
    assert wrong.hows == reference.hows == ["eof", "done"]


def test_drops_newest_loses_the_end_of_a_job_whose_app_is_slow():
    policies = msgspec.structs.replace(REFERENCE, queue=2)
    reference, wrong = both("drops-newest", streams(trickles(8)), policies, handler=taking(4.3))
    assert reference.ids == ["a-0", "a-3", "a-6", "a-7", "a-8"]
    assert wrong.ids == ["a-0", "a-1", "a-2", "a-5"]
    assert (reference.outcome.counts.absorbed, wrong.outcome.counts.absorbed) == (4, 5)


def test_clears_queue_shows_the_end_at_once():
    policies = msgspec.structs.replace(REFERENCE, queue=2)
    reference, wrong = both("clears-queue", streams(trickles(8)), policies, handler=taking(4.3))
    assert (reference.ids, wrong.ids) == (["a-0", "a-3", "a-6", "a-7", "a-8"], ["a-0", "a-3", "a-8"])


def test_reconnects_after_end_asks_once_more_and_shows_nothing_of_it():
    reference, wrong = both("reconnects-after-end", streams(completes))
    assert (reference.stage.times("stream"), wrong.stage.times("stream")) == ([0.0], [0.0, 0.5])
    assert wrong.stage.cursors() == [None, "a-9"]
    assert wrong.shown == reference.shown
    assert (wrong.left_open, wrong.tasks_left) == (0, 0)


def test_fetches_results_twice_once_the_job_has_completed():
    reference, wrong = both("fetches-results-twice", streams(completes))
    assert (len(reference.stage.times("results")), len(wrong.stage.times("results"))) == (1, 2)


def test_fetches_results_twice_fetches_none_of_a_job_that_failed():
    assert both("fetches-results-twice", streams(says(event("a-0", "failed"))))[1].stage.times("results") == []
