"""The reorder window: those that came too early wait for those that are on their way."""

import msgspec
import trio
from trio.testing import MockClock

from harness.clients.cursor import Cursor
from harness.clients.reordering import Reordering
from harness.sse.events import Event
from harness.sse.policy import REFERENCE
from tests.clients.stage import Stage, event, play

WINDOW = msgspec.structs.replace(REFERENCE, reorder_window=1.0)


def paced(*timed, policies=WINDOW):
    """Play a stream of (second, ordinal); the job completes with ordinal 99 at 10 s."""

    async def handler(reply):
        await reply.head()
        zero = trio.current_time()
        for at, ordinal in timed:
            await trio.sleep_until(zero + at)
            await reply.events(ordinal)
        await trio.sleep_until(zero + 10)
        await reply.events(99, kind="completed")
        await reply.end()

    return play(Stage(streams=[handler]), policies=policies)


def timeline(played):
    return [(at, int(event_id[2:])) for at, _callback, event_id, _source in played.shown]


def test_what_comes_within_the_window_is_put_in_order():
    played = paced((0, 1), (1, 3), (1.2, 4), (1.5, 2), (2, 5))
    assert timeline(played) == [(0.0, 1), (1.5, 2), (1.5, 3), (1.5, 4), (2.0, 5), (10.0, 99)]
    assert played.outcome.counts.absorbed == 0


def test_what_never_comes_is_waited_for_no_longer_than_the_window():
    played = paced((0, 1), (1, 3), (1.5, 4), (2.5, 2))
    assert timeline(played) == [(0.0, 1), (2.0, 3), (2.0, 4), (10.0, 99)]
    assert [entry[2:] for entry in played.watcher.of("absorbed")] == [("a-2", "late")]


def test_an_event_without_an_id_waits_beside_the_one_before_it_and_may_be_what_was_missing():
    async def handler(reply):
        await reply.head()
        await reply.events(1)
        await reply.body(event("a-3") + 2 * 'event: processing\ndata: {"x": 1}\n\n')
        await reply.events(4, 2)
        await reply.body('event: processing\ndata: {"x": 2}\n\n')
        await reply.events(6, 7)
        await trio.sleep(10)
        await reply.events(99, kind="completed")
        await reply.end()

    played = play(Stage(streams=[handler]), policies=WINDOW)
    assert played.ids == ["a-1", "a-2", "a-3", "a-3", "a-3", "a-4", "a-2", "a-6", "a-7", "a-99"]
    assert {at for at, *_ in played.shown[:-1]} == {0.0}


def test_an_event_repeated_while_it_waits_is_a_repeat():
    played = paced((0, 1), (1, 3), (1.2, 3), (1.5, 2))
    assert timeline(played) == [(0.0, 1), (1.5, 2), (1.5, 3), (10.0, 99)]
    assert [entry[2:] for entry in played.watcher.of("absorbed")] == [("a-3", "repeat")]


def test_a_terminal_event_waits_for_nothing_and_takes_those_that_wait_along():
    played = paced((0, 1), (9.5, 4), (9.6, 3))
    assert timeline(played) == [(0.0, 1), (10.0, 3), (10.0, 4), (10.0, 99)]


def test_without_a_window_nothing_waits():
    played = paced((0, 1), (1, 3), (1.5, 2), policies=REFERENCE)
    assert timeline(played) == [(0.0, 1), (1.0, 3), (10.0, 99)]


def test_what_is_held_is_bounded():
    async def holes(reply):
        await reply.head()
        await reply.body("".join(event(f"a-{n}") for n in range(0, 1000, 2)))
        await reply.events(2000, kind="completed")
        await reply.end()

    played = play(Stage(streams=[holes]), policies=msgspec.structs.replace(WINDOW, queue=None))
    assert len(played.ids) == 501
    assert played.ids == sorted(played.ids, key=lambda event_id: int(event_id[2:]))


def test_an_event_that_a_snapshot_overtook_while_it_waited_is_dropped():
    cursor, shown, dropped = Cursor(), [], []
    cursor.show("a-1")
    window = Reordering(1.0, cursor=cursor, show=shown.append, drop=dropped.append, phone=Stage())
    early = Event("processing", "{}", "a-5")

    async def main():
        window.take(early)
        cursor.show("a-7", complete=True)
        with trio.move_on_after(5):
            await window.run()

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert (shown, dropped) == ([], [early])
