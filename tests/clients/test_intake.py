"""The intake spares the app some events, and must show it others all the same."""

from harness.sse.policy import REFERENCE
from tests.clients.stage import Stage, completes, event, play


def streams(*blocks):
    """One stream of these blocks, which stays open."""

    async def handler(reply):
        await reply.head()
        for block in blocks:
            await reply.body(block)
        await reply.events(99, kind="completed")
        await reply.end()

    return Stage(streams=[handler])


def why(played):
    return [entry[2:] for entry in played.watcher.of("absorbed")]


def test_events_repeated_within_a_stream_are_shown_once():
    played = play(streams(event("a-1"), event("a-1"), event("a-2"), event("a-2"), event("a-1")))
    assert played.ids == ["a-1", "a-2", "a-99"]
    assert why(played) == [("a-1", "repeat"), ("a-2", "repeat"), ("a-1", "repeat")]
    assert played.outcome.counts.absorbed == 3


def test_a_replay_that_reaches_too_far_back_is_absorbed():
    async def first(reply):
        await reply.head()
        await reply.events(1, 2, 3)
        await reply.end()

    async def second(reply):
        await reply.head()
        await reply.events(1, 2, 3, 4)
        await reply.events(5, kind="completed")
        await reply.end()

    played = play(Stage(streams=[first, second]))
    assert played.ids == ["a-1", "a-2", "a-3", "a-4", "a-5"]
    assert [report.fresh for report in played.watcher.ends] == [3, 2]


def test_late_events_are_dropped_and_counted_as_late():
    played = play(streams(*(event(f"a-{n}") for n in (5, 7, 6, 8, 9, 9, 11))))
    assert played.ids == ["a-5", "a-7", "a-8", "a-9", "a-11", "a-99"]
    assert why(played) == [("a-6", "late"), ("a-9", "repeat")]


def test_a_late_terminal_event_is_never_dropped():
    played = play(streams(event("a-1"), event("a-3"), event("a-2", "failed")))
    assert played.outcome.ended == "failed"


def test_nothing_is_shown_after_the_end():
    played = play(streams(event("a-1", "completed"), event("a-2"), event("a-3", "failed")))
    assert played.ids == ["a-1"]


def test_events_of_a_server_without_ids_are_all_shown():
    block = 'event: processing\ndata: {"progress": %d}\n\n'
    played = play(streams(block % 1, block % 1, block % 2))
    assert len(played.shown) == 4


def test_an_event_that_inherits_the_id_before_it_is_no_repeat_of_it():
    played = play(streams(event("a-1"), 'event: processing\ndata: {"of": "its own"}\n\n'))
    assert [data for _at, _callback, data, _source in played.shown] == ["a-1", "a-1", "a-99"]


def test_types_without_a_callback_move_the_cursor_and_are_not_shown():
    async def first(reply):
        await reply.head()
        await reply.body(event("a-1") + event("a-2", "telemetry") + "id: a-3\n\n")
        await reply.end()

    stage = Stage(streams=[first, completes])
    played = play(stage)
    assert stage.cursors() == [None, "a-3"]
    assert played.ids == ["a-1", "a-9"]


def test_the_payload_is_handed_over_as_it_came_and_junk_is_an_empty_payload():
    seen = []
    play(
        streams(
            'id: a-1\nevent: processing\ndata: {"message": "Größe ✓"}\n\n', "id: a-2\nevent: processing\ndata: {\n\n"
        ),
        handler=lambda event: seen.append((event.data, event.payload)),
    )
    assert seen[:2] == [('{"message": "Größe ✓"}', {"message": "Größe ✓"}), ("{", {})]


def test_the_reference_policies_drop_late_events():
    assert REFERENCE.reorder_window is None
