"""Ids that tell nothing: what of a stream is a repeat then, and what never is."""

import functools

import msgspec
import pytest
import trio

from harness.clients import Callbacks, SSEClient
from harness.clients.cursor import MEMORY, IdStanding, OpaqueCursor
from harness.clients.decisions import Decisions
from harness.sse.events import Event
from harness.sse.policy import REFERENCE, Ids, Jitter
from tests.clients.stage import Stage, answers, event, in_turn, says
from tests.clients.stage import play as play_by_ids

play = functools.partial(play_by_ids, ids=Ids.OPAQUE)

UNJITTERED = msgspec.structs.replace(REFERENCE, jitter=Jitter.NONE)


def bare(data, kind="processing"):
    """An event without an id."""
    return f"event: {kind}\ndata: {data}\n\n"


def told(data, event_id, kind="processing"):
    return f"id: {event_id}\n{bare(data, kind)}"


END = event("end", "completed")


def seen(*connections):
    """Return the data of the events that the app is told, without the end. Each connection is a list of blocks."""
    found = []
    *first, last = connections
    stage = Stage(streams=[*(says(*blocks) for blocks in first), says(*last, END)])
    played = play(stage, handler=lambda event: found.append(event.data))
    assert (played.outcome.ended, played.outcome.counts.gaps) == ("completed", 0)
    return found[:-1]


def test_ids_are_opaque_unless_a_policy_says_otherwise():
    assert REFERENCE.ids is None
    assert isinstance(Decisions(REFERENCE).cursor(), OpaqueCursor)


def test_the_ids_of_several_sources_in_one_stream_are_all_news():
    ids = ["s1-1", "s2-1", "s1-2", "s1-3", "s2-2"]
    played = play(Stage(streams=[says(*map(event, ids), END)]))
    assert played.ids == [*ids, "end"]
    assert played.stage.times("poll") == []


def test_ids_of_time_and_number_are_no_epochs():
    ids = ["1712-0", "1712-1", "1713-0", "1800-0", "1712-7"]
    played = play(Stage(streams=[says(*map(event, ids), END)]))
    assert played.ids == [*ids, "end"]
    assert (played.stage.times("poll"), played.outcome.counts.gaps) == ([], 0)


@pytest.mark.parametrize("ids", Ids)
def test_events_without_an_id_are_never_dropped(ids):
    blocks = [bare("ha"), bare("ha"), told("x", "a-1"), bare("ha"), bare("ha"), told("y", "a-2"), bare("y"), bare("y")]
    found = []
    play(Stage(streams=[says(*blocks, event("a-3", "completed"))]), ids=ids, handler=lambda e: found.append(e.data))
    assert found[:-1] == ["ha", "ha", "x", "ha", "ha", "y", "y", "y"]


@pytest.mark.parametrize("ids", Ids)
def test_events_without_an_id_that_begin_a_connection_are_not_dropped_for_the_id_they_inherit(ids):
    first = says(told("x", "a-1"))
    second = says(bare("x"), told("y", "a-2"), event("a-3", "completed"))
    found = []
    play(Stage(streams=[first, second]), ids=ids, handler=lambda e: found.append(e.data))
    assert found[:-1] == ["x", "x", "y"]


def test_an_event_without_an_id_moves_no_cursor_that_reads_ids():
    """The id of a late event is not the newest, nor is that of what inherits it."""
    blocks = [*map(event, ["a-1", "a-2", "a-5", "a-3"]), bare("ha"), event("a-4"), event("a-6")]
    played = play(Stage(streams=[says(*blocks, event("a-7", "completed"))]), ids=Ids.EPOCH_INDEX)
    assert played.ids == ["a-1", "a-2", "a-5", "a-3", "a-6", "a-7"]
    assert [entry[2:] for entry in played.watcher.of("absorbed")] == [("a-3", "late"), ("a-4", "late")]


def test_repeated_ids_within_a_connection_are_other_events():
    assert seen([told("a", "7"), told("a", "7"), told("b", "7"), told("a", "7")]) == ["a", "a", "b", "a"]


def test_the_overlap_after_a_reconnection_is_not_shown_again():
    first = [told(n, n) for n in "abcd"]
    assert seen(first, [*first[1:], told("e", "e")]) == list("abcde")
    assert seen(first, [first[3], told("e", "e")], [first[3], told("e", "e"), told("f", "f")]) == list("abcdef")


def test_the_overlap_ends_with_the_first_event_that_is_news():
    first = [told("a", "1"), told("b", "2")]
    assert seen(first, [told("b", "2"), told("c", "3"), told("a", "1"), told("b", "2")]) == list("abcab")


def test_an_event_without_an_id_does_not_end_the_overlap():
    first = [told("a", "1"), bare("x"), told("b", "2")]
    assert seen(first, [*first, told("c", "3")]) == ["a", "x", "b", "x", "c"]


def test_a_server_that_numbers_each_connection_anew_loses_nothing():
    first, second = ([told(data, number) for number, data in enumerate(text)] for text in ("abc", "defg"))
    assert seen(first, second) == list("abcdefg")


def test_one_id_for_all_hides_one_event_at_most():
    assert seen([told("a", "1"), told("b", "1")], [told("c", "1"), told("d", "1")]) == list("abcd")
    assert seen([told("a", "1")] * 2, [told("a", "1")] * 3) == ["a"] * 4


def test_types_without_a_callback_belong_to_the_overlap():
    first = [told("a", "1"), told("x", "2", "telemetry"), told("b", "3")]
    assert seen(first, [*first, told("c", "4")]) == list("abc")


def test_the_reconnection_carries_the_last_id_whatever_it_looks_like():
    stage = Stage(streams=[says(event("s1-9"), event("s2-1")), says(event("s1-2")), says(END)])
    play(stage)
    assert stage.cursors() == [None, "s2-1", "s1-2"]


def test_a_snapshot_is_news_unless_its_id_was_shown():
    snapshots = [answers(200, data=b'{"status": "processing", "lastEventId": "%c"}' % i) for i in b"zyxxw"]
    stage = Stage(streams=[says(event("z"), event("y")), answers(403)], status=in_turn(*snapshots))
    played = play(stage, policies=UNJITTERED, lasts=60)
    assert played.ids == ["z", "y", "x", "w"]


def test_a_stream_that_replays_what_a_snapshot_showed_shows_it_once():
    stage = Stage(
        streams=[answers(410), says(event("x"), event("w"), END)],
        status=answers(200, data=b'{"status": "processing", "lastEventId": "x"}'),
    )
    played = play(stage, policies=UNJITTERED)
    assert played.ids == ["", "x", "w", "end"]
    assert stage.cursors() == [None, "x"]


def test_an_end_is_never_taken_for_a_repeat():
    stage = Stage(
        streams=[answers(410), says(event("x", "completed"))],
        status=answers(200, data=b'{"status": "processing", "lastEventId": "x"}'),
    )
    for ids in Ids:
        stage.streamed = 0
        assert play(stage, policies=UNJITTERED, ids=ids).outcome.ended == "completed"


def test_a_reorder_window_has_nothing_to_wait_for():
    window = msgspec.structs.replace(REFERENCE, reorder_window=1.0)
    played = play(Stage(streams=[says(event("a-1"), event("a-5"), event("a-2"), END)]), policies=window)
    assert [(at, event_id) for at, _callback, event_id, _source in played.shown] == [
        (0.0, "a-1"), (0.0, "a-5"), (0.0, "a-2"), (0.0, "end")
    ]  # fmt: skip


def test_what_is_remembered_is_bounded_however_many_and_long_the_ids_are():
    cursor = OpaqueCursor()
    for n in range(3 * MEMORY):
        cursor.show_event(Event("processing", "x" * 1000, f"{n}" * 1000))
    cursor.connected()
    assert len(cursor._shown) == MEMORY
    assert all(isinstance(number, int) for pair in cursor._shown.items() for number in pair)
    old, kept = (Event("processing", "x" * 1000, f"{n}" * 1000) for n in (2 * MEMORY - 1, 2 * MEMORY))
    assert cursor.standing_of(kept) is IdStanding.REPEAT
    assert cursor.standing_of(old) is IdStanding.FRESH


def test_an_event_met_again_is_remembered_anew():
    cursor = OpaqueCursor()
    for n in [*range(MEMORY), 0, MEMORY]:
        cursor.show_event(Event("processing", "", str(n)))
    assert cursor.standing("0") is IdStanding.REPEAT
    assert cursor.standing("1") is IdStanding.FRESH


async def test_the_default_of_the_class_is_opaque():
    stage = Stage(streams=[says(event("s1-1"), event("s2-1"), event("s1-2"), END)])
    shown = []
    async with trio.open_nursery() as stage.nursery:
        async with SSEClient("http://server", phone=stage) as client:
            await client.follow("j", Callbacks(on_processing=lambda event: shown.append(event.id)))
        stage.nursery.cancel_scope.cancel()
    assert shown == ["s1-1", "s2-1", "s1-2"]
