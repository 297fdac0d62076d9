"""Falling back to polling, what the app sees of it, and the way back to the stream."""

import itertools

import msgspec
import pytest
import trio

from harness.sse.policy import REFERENCE, Jitter
from tests.clients.stage import Stage, answers, completes, event, in_turn, play, says, silence

UNJITTERED = msgspec.structs.replace(REFERENCE, jitter=Jitter.NONE)


def snapshots(*ids, status="processing", every=1):
    """Status answers that walk through these ids, and stay at the last."""
    left = itertools.chain.from_iterable(itertools.repeat(each, every) for each in ids)
    last = [ids[-1]]

    async def handler(reply):
        last[0] = next(left, last[0])
        await reply.json({"status": status, "lastEventId": last[0], "progress": 0.5})

    return handler


def fails_until(moment, then):
    """A stream handler that is refused by a firewall until this second."""

    async def handler(reply):
        if reply.asked.at < moment:
            await reply.full(403)
        else:
            await then(reply)

    return handler


def test_the_third_failure_in_a_row_falls_back_and_polls_come_every_three_seconds():
    stage = Stage(streams=[answers(403)])
    played = play(stage, policies=UNJITTERED, lasts=20)
    assert stage.times("stream") == [0.0, 1.0, 3.0]
    assert stage.times("poll") == [3.0, 6.0, 9.0, 12.0, 15.0, 18.0]
    assert played.words == ["connecting", "reconnecting", "polling", "closed"]


def test_failed_dials_never_fall_back():
    stage = Stage(doors=lambda at: "refuse")
    play(stage, lasts=300)
    assert stage.asked == []


def test_a_dial_that_fails_in_between_neither_counts_nor_clears_the_count():
    stage = Stage(streams=[answers(403)], doors=lambda at: "refuse" if 0.5 < at < 4 else "open")
    play(stage, policies=UNJITTERED, lasts=20)
    # 403 at 0, refused at 1 and 3, 403 at 7 and, before the third could come, 20 s after the first: polling.
    assert stage.times("stream") == [0.0, 7.0, 15.0]
    assert stage.times("poll") == [15.0, 18.0]


def test_twenty_seconds_after_the_first_failure_began_are_enough():
    stage = Stage(streams=[answers(503, retry_after="60")])
    play(stage, lasts=30)
    assert stage.times("stream") == [0.0]
    assert stage.times("poll") == [20.0, 23.0, 26.0, 29.0]


def test_a_muted_stream_is_left_for_polling_twenty_seconds_after_it_began():
    stage = Stage(streams=[silence])
    played = play(stage, policies=UNJITTERED, lasts=25)
    assert stage.times("stream") == [0.0, 11.0]
    assert stage.times("poll") == [20.0, 23.0]
    assert played.hows == ["suspect", "suspect"]


def test_an_event_clears_the_count():
    async def one(reply):
        await reply.head()
        await reply.events(reply.asked.at)
        await reply.end()

    async def repeated(reply):
        await reply.head()
        await reply.body(event("a-0"))
        await reply.end()

    stage = Stage(streams=[answers(403), answers(403), repeated, answers(403), answers(403), completes])
    played = play(stage, policies=UNJITTERED)
    assert played.outcome.counts.polls == 0


def test_the_stream_is_probed_every_retry_stream_while_polling_goes_on():
    policies = msgspec.structs.replace(UNJITTERED, retry_stream=20.0)
    stage = Stage(streams=[answers(403)])
    played = play(stage, policies=policies, lasts=50)
    assert stage.times("stream") == [0.0, 1.0, 3.0, 23.0, 43.0]
    assert stage.times("poll") == [3.0 + 3 * n for n in range(16)]
    assert played.causes[-2:] == ["probe", "probe"]


def test_polling_goes_on_beside_a_muted_probe_and_ends_with_the_first_byte_of_the_stream():
    async def slow(reply):
        await reply.head()
        await trio.sleep(8)
        await reply.body(": at last\n\n")
        await trio.sleep(5)
        await reply.events(9, kind="completed")
        await trio.sleep_forever()

    policies = msgspec.structs.replace(UNJITTERED, retry_stream=20.0)
    stage = Stage(streams=[fails_until(20, slow)])
    played = play(stage, policies=policies)
    assert stage.times("poll") == [3.0 + 3 * n for n in range(10)]  # the last at 30; the byte at 31
    assert (31.0, "status", "connected") in played.watcher.log
    assert played.shown[-1] == (36.0, "completed", "a-9", "stream")


def test_a_failed_poll_tries_the_stream_at_once():
    stage = Stage(
        streams=[answers(403), answers(403), answers(403), completes],
        status=lambda reply: reply.full(502) if reply.asked.at > 8 else reply.json({"status": "processing"}),
    )
    played = play(stage, policies=UNJITTERED)
    assert stage.times("stream") == [0.0, 1.0, 3.0, 9.0]
    assert played.causes[-1] == "probe"


def test_an_outage_while_polling_is_met_with_backoff_not_with_a_dial_for_every_failed_poll():
    stage = Stage(streams=[answers(403)], doors=lambda at: "refuse" if at > 10 else "open")
    played = play(stage, policies=UNJITTERED, lasts=100)
    assert played.causes[3:] == ["probe", "failed", "failed", "failed", "failed"]
    assert played.waits[4:] == [8.0, 16.0, 30.0, 30.0]


def test_snapshots_are_shown_by_the_callbacks_of_their_state_each_once():
    stage = Stage(streams=[answers(403)], status=snapshots("a-1", "a-4", every=2))
    played = play(stage, policies=UNJITTERED, lasts=30)
    assert played.shown == [(3.0, "processing", "a-1", "poll"), (9.0, "processing", "a-4", "poll")]


def test_a_job_that_ends_while_polling_ends_with_the_snapshot():
    stage = Stage(streams=[answers(403)], status=snapshots("a-7", status="completed"))
    played = play(stage, policies=UNJITTERED)
    assert played.shown == [(3.0, "completed", "a-7", "poll")]
    assert played.outcome.ended == "completed"
    assert len(stage.times("results")) == 1
    assert (played.left_open, played.tasks_left) == (0, 0)


def test_the_stream_resumes_after_what_polling_has_shown_and_repeats_nothing():
    async def replays(reply):
        await reply.head()
        await reply.events(4, 5)
        await reply.events(6, kind="completed")
        await trio.sleep_forever()

    policies = msgspec.structs.replace(UNJITTERED, retry_stream=4.0)
    stage = Stage(streams=[fails_until(5, replays)], status=snapshots("a-4"))
    played = play(stage, policies=policies)
    assert stage.cursors()[-1] == "a-4"
    assert played.ids == ["a-4", "a-5", "a-6"]
    assert played.watcher.of("absorbed") == [(7.0, "absorbed", "a-4", "repeat")]


def test_an_event_without_an_id_has_the_one_that_its_request_carried_not_a_snapshot_s_of_meanwhile():
    async def slow(reply):
        await trio.sleep(4)
        await reply.head()
        await reply.body('event: processing\ndata: {"is": "a-2"}\n\n')
        await reply.events(3, 4, 5)
        await reply.events(6, kind="completed")
        await trio.sleep_forever()

    policies = msgspec.structs.replace(UNJITTERED, retry_stream=4.0)
    stage = Stage(streams=[fails_until(5, slow)], status=snapshots("a-1", "a-4", every=2))
    played = play(stage, policies=policies)
    assert stage.cursors()[-1] == "a-1"
    assert played.ids == ["a-1", "a-4", "a-5", "a-6"]
    assert [entry[2:] for entry in played.watcher.of("absorbed")] == [
        ("a-1", "repeat"), ("a-3", "repeat"), ("a-4", "repeat"),
    ]  # fmt: skip


def test_a_snapshot_older_than_what_was_shown_is_not_shown():
    async def three(reply):
        await reply.head()
        await reply.events(3)
        await reply.end()

    stage = Stage(streams=[three, answers(403)], status=snapshots("a-2", "a-3", "a-5"))
    played = play(stage, policies=UNJITTERED, lasts=60)
    assert played.ids == ["a-3", "a-5"]


def test_snapshots_without_a_cursor_are_shown_when_the_work_has_moved_on():
    values = iter([0.1, 0.1, 0.3, 0.2])
    stage = Stage(
        streams=[answers(403)],
        status=lambda reply: reply.json({"status": "processing", "progress": next(values, 0.4)}),
    )
    played = play(stage, policies=UNJITTERED, lasts=17)
    assert [at for at, *_ in played.shown] == [3.0, 9.0, 15.0]


def test_a_portals_page_is_no_snapshot():
    stage = Stage(
        streams=[answers(403)], status=lambda reply: reply.full(200, b"<html>login</html>", content_type="text/html")
    )
    played = play(stage, policies=UNJITTERED, lasts=10)
    assert played.shown == []
    assert played.causes[-1] == "probe"


def test_a_204_ends_polling_but_for_one_last_question():
    async def slow(reply):
        await trio.sleep(8)
        await reply.json({"status": "processing", "lastEventId": "a-1"})

    policies = msgspec.structs.replace(UNJITTERED, retry_stream=10.0)
    stage = Stage(streams=[answers(403), answers(403), answers(403), answers(204)], status=slow)
    played = play(stage, policies=policies)
    stopped = stage.times("stream")[-1]
    assert [at for at in stage.times("poll") if at >= stopped] == [stopped]
    assert played.outcome.error == "the stream was refused: status 204"


def test_a_job_that_the_status_no_longer_knows_is_given_up():
    stage = Stage(streams=[answers(403)], status=lambda reply: reply.full(404))
    played = play(stage, policies=UNJITTERED)
    assert played.outcome.error == "the job's status was refused: status 404"
    assert (played.left_open, played.tasks_left) == (0, 0)


def test_a_refusal_beside_the_stream_says_nothing_for_when_polling_is_the_only_way():
    async def cut(reply):
        await reply.head()
        await reply.body("event: reset\ndata: {}\n\n")
        await reply.end()

    status = in_turn(answers(204), answers(200, data=b'{"status": "x", "lastEventId": "a-7"}'))
    stage = Stage(streams=[cut, answers(403)], status=status)
    played = play(stage, policies=UNJITTERED, lasts=30)
    assert played.outcome is None  # it was still polling
    assert stage.times("poll")[-1] > 27


def test_a_refusal_beside_the_stream_is_forgotten_though_the_next_question_finds_nobody():
    async def cut(reply):
        await reply.head()
        await reply.body("event: reset\ndata: {}\n\n")
        await reply.end()

    async def gone(reply):
        reply.pipe.reset()

    stage = Stage(
        streams=[cut, answers(403)], status=in_turn(answers(503), answers(503), answers(204), gone, answers(503))
    )
    played = play(stage, policies=UNJITTERED, lasts=30)

    assert played.outcome is None  # it was still polling


@pytest.mark.parametrize("status", [409, 410])
def test_an_expired_cursor_is_replaced_by_a_snapshots_and_the_gap_said_aloud(status):
    async def first(reply):
        await reply.head()
        await reply.events(1)
        await reply.end()

    stage = Stage(streams=[first, answers(status), completes], status=snapshots("a-7"))
    played = play(stage, policies=UNJITTERED)
    assert stage.cursors() == [None, "a-1", "a-7"]
    assert [callback for _at, callback, *_ in played.shown] == ["processing", "gap", "processing", "completed"]
    assert [entry[2:] for entry in played.watcher.of("gap")] == [(str(status), False), (str(status), True)]


def test_a_cursor_that_the_server_has_never_heard_of_is_dropped_where_the_snapshot_has_none():
    async def first(reply):
        await reply.head()
        await reply.events(1)
        await reply.end()

    stage = Stage(streams=[first, answers(410), completes], status=snapshots(""))
    play(stage, policies=UNJITTERED)
    assert stage.cursors() == [None, "a-1", None]


def test_a_gap_of_which_the_snapshot_was_refused_is_healed_beside_the_stream_that_takes_the_cursor():
    async def first(reply):
        await reply.head()
        await reply.events(1)
        await reply.end()

    async def on(reply):
        await reply.head()
        await reply.events(2)
        await trio.sleep_forever()

    status = in_turn(answers(409), answers(503), answers(200, data=b'{"status": "x", "lastEventId": "a-2"}'))
    stage = Stage(streams=[first, answers(409), on], status=status)
    played = play(stage, policies=UNJITTERED, lasts=19)
    refused, taken = stage.times("stream")[1:]
    assert stage.times("poll") == [refused, taken - 1.0, taken + 3.0]  # the second renews the cursor before the dial
    assert [entry[2:] for entry in played.watcher.of("gap")] == [("409", False), ("409", True)]


def test_a_gap_that_another_answer_covers_is_asked_about_no_more():
    async def cut(reply):
        await reply.head()
        await reply.body("event: reset\ndata: {}\n\n")
        await reply.events(1)
        await reply.end()

    async def on(reply):
        await reply.head()
        await reply.events(2)
        await trio.sleep_forever()

    status = in_turn(answers(503), answers(200, data=b'{"status": "x", "lastEventId": "a-1"}'))
    stage = Stage(streams=[cut, answers(410), on], status=status)
    play(stage, policies=UNJITTERED, lasts=19)
    assert stage.times("poll") == [0.0, 1.0, 2.0]  # the last renews the cursor before the dial


def test_a_reset_in_the_stream_is_healed_beside_it():
    async def resets(reply):
        await reply.head()
        await reply.body("event: reset\ndata: {}\n\n")
        await trio.sleep(1)
        await reply.events(8, kind="completed")
        await trio.sleep_forever()

    stage = Stage(streams=[resets], status=snapshots("a-7"))
    played = play(stage)
    assert played.ids == ["", "a-7", "a-8"]
    assert played.outcome.counts.attempts == 1
    assert [entry[2:] for entry in played.watcher.of("gap")] == [("reset", False), ("reset", True)]


def test_a_gap_is_healed_as_soon_as_a_snapshot_can_be_had():
    async def resets(reply):
        await reply.head()
        await reply.body("event: reset\ndata: {}\n\n")
        await trio.sleep(10)
        await reply.events(8, kind="completed")
        await trio.sleep_forever()

    stage = Stage(
        streams=[resets],
        status=lambda reply: (
            reply.full(503) if reply.asked.at < 5 else reply.json({"status": "x", "lastEventId": "a-7"})
        ),
    )
    played = play(stage)
    assert stage.times("poll") == [0.0, 3.0, 6.0]
    assert played.ids == ["", "a-7", "a-8"]


def test_a_second_gap_whose_snapshot_is_late_too_is_healed_like_the_first():
    async def resets_twice(reply):
        await reply.head()
        await reply.body("event: reset\ndata: {}\n\n")
        await trio.sleep(5)
        await reply.body("event: reset\ndata: {}\n\n")
        await trio.sleep(5)
        await reply.events(8, kind="completed")
        await trio.sleep_forever()

    once = [answers(503), answers(200, data=b'{"status": "x", "lastEventId": "a-6"}')]
    again = [answers(503), answers(200, data=b'{"status": "x", "lastEventId": "a-7"}')]
    played = play(Stage(streams=[resets_twice], status=in_turn(*once, *again)))
    assert [entry[2:] for entry in played.watcher.of("gap")] == [("reset", False), ("reset", True)] * 2
    assert played.outcome.ended == "completed"


def test_the_end_waits_once_more_for_the_snapshot_that_an_earlier_gap_still_lacks():
    async def cut(reply):
        await reply.head()
        await reply.body("event: reset\ndata: {}\n\n")
        await reply.end()

    async def ends(reply):
        await reply.head()
        await reply.body("event: reset\ndata: {}\n\n")
        await reply.events(8, kind="completed")
        await trio.sleep_forever()

    late = in_turn(answers(503), answers(200, data=b'{"status": "x", "lastEventId": "a-7"}'))
    played = play(Stage(streams=[cut, ends], status=late))
    assert [entry[2:] for entry in played.watcher.of("gap")] == [("reset", False), ("reset", True)]
    assert played.ids == ["", "a-7", "a-8"]


def test_a_new_epoch_is_a_gap_and_its_low_ids_are_no_repeats():
    async def first(reply):
        await reply.head()
        await reply.events(1, 2, 3)
        await reply.end()

    async def forgot(reply):
        await reply.head()
        await reply.events(1, epoch="b")
        await trio.sleep(1)
        await reply.events(2, epoch="b")
        await reply.events(3, epoch="b", kind="completed")
        await trio.sleep_forever()

    stage = Stage(streams=[first, forgot], status=snapshots("b-1"))
    played = play(stage)
    assert played.ids == ["a-1", "a-2", "a-3", "", "b-1", "b-2", "b-3"]
    assert [entry[2:] for entry in played.watcher.of("gap")] == [("new epoch", False), ("new epoch", True)]


@pytest.mark.parametrize("block", ["event: reset\ndata: {}\n\n", ""])
def test_the_snapshot_that_covers_a_gap_is_shown_before_the_stream_goes_on(block):
    async def first(reply):
        await reply.head()
        await reply.events(1)
        await reply.end()

    async def jumps(reply):
        await reply.head()
        await reply.body(block + event("b-3") + event("b-4"))
        await reply.events(5, epoch="b", kind="completed")
        await trio.sleep_forever()

    async def slow(reply):
        await trio.sleep(2)
        await reply.json({"status": "processing", "lastEventId": "b-3"})

    played = play(Stage(streams=[first, jumps], status=slow), policies=UNJITTERED)
    assert played.shown == [
        (0.0, "processing", "a-1", "stream"),
        (1.0, "gap", "", "stream"),
        (3.0, "processing", "b-3", "poll"),
        (3.0, "processing", "b-4", "stream"),
        (3.0, "completed", "b-5", "stream"),
    ]


async def resets_before_its_end(reply):
    await reply.head()
    await reply.body("event: reset\ndata: {}\n\n" + event("a-8", "completed"))
    await trio.sleep_forever()


def test_a_stream_does_not_wait_long_for_a_snapshot_nor_its_end_for_another():
    async def hangs(reply):
        await trio.sleep_forever()

    played = play(Stage(streams=[resets_before_its_end], status=hangs))
    assert played.shown[-1] == (18.0, "completed", "a-8", "stream")
    assert (played.left_open, played.tasks_left) == (0, 0)


def test_the_end_waits_for_nearly_all_of_the_watchdog_s_time():
    async def slow(reply):
        await trio.sleep(2.5)
        await reply.json({"status": "x", "lastEventId": "a-7"})

    played = play(
        Stage(streams=[resets_before_its_end], status=slow), policies=msgspec.structs.replace(REFERENCE, watchdog=4.0)
    )
    assert [shown[0] for shown in played.shown[-2:]] == [4.5, 4.5]  # after 2 s of waiting for the first answer
    assert played.ids[-2:] == ["a-7", "a-8"]


def test_a_payload_nested_too_deeply_to_be_read_is_one_that_says_nothing():
    nested = 'event: processing\ndata: {"progress": ' + "[" * 9_000 + "\n\n"
    stage = Stage(streams=[says(nested), answers(403)], status=answers(200, data=b'{"status": "x", "progress": 0.5}'))
    played = play(stage, policies=UNJITTERED, lasts=30)
    assert [source for *_, source in played.shown] == ["stream", "poll"]


def gaps_told(played):
    return [at for at, callback, *_ in played.shown if callback == "gap"]


@pytest.mark.parametrize("status", [409, 410])
@pytest.mark.parametrize("cursor", ["a-7", ""])
def test_a_cursor_refused_at_every_attempt_is_one_gap(status, cursor):
    stage = Stage(streams=[says(event("a-1")), answers(status)], status=snapshots(cursor))
    played = play(stage, policies=UNJITTERED, lasts=100)
    assert len(stage.times("stream")) > 3
    assert gaps_told(played) == [1.0]


def test_a_cursor_refused_again_once_the_stream_has_moved_it_is_another_gap():
    stage = Stage(
        streams=[answers(410), answers(410), says(event("a-8")), answers(410), completes], status=snapshots("a-7")
    )
    played = play(stage, policies=UNJITTERED)
    assert stage.cursors() == [None, "a-7", "a-7", "a-8", "a-7"]
    assert gaps_told(played) == [0.0, 4.0]
    assert played.outcome.counts.gaps == 2


def test_the_cursors_of_snapshots_that_are_refused_one_by_one_are_one_gap():
    """The app is being shown snapshots all along, and the job goes on meanwhile."""
    stage = Stage(streams=[says(event("a-1")), answers(410)], status=snapshots(*(f"a-{n}" for n in range(2, 30))))
    played = play(stage, policies=UNJITTERED, lasts=16)
    assert stage.cursors() == [None, "a-1", "a-3", "a-5"]
    assert gaps_told(played) == [1.0]
    assert played.ids[:4] == ["a-1", "", "a-2", "a-3"]


def test_a_stream_that_begins_with_a_reset_at_every_attempt_is_one_gap_and_each_time_a_snapshot():
    stage = Stage(
        streams=[says("event: reset\ndata: {}\n\n"), says("event: reset\ndata: {}\n\n"), completes],
        status=snapshots("a-7"),
    )
    played = play(stage, policies=UNJITTERED)
    assert gaps_told(played) == [0.0]
    assert len(stage.times("poll")) == 2
