"""Callbacks: one at a time, in order, through a queue that is bounded."""

import msgspec
import pytest
import trio
import trio.testing

from harness.clients import Callbacks, JobEvent
from harness.clients.decisions import Decisions
from harness.clients.dispatcher import CallbackErrors, Dispatcher
from harness.clients.observer import Observer
from harness.sse.policy import AS_SHIPPED, REFERENCE
from tests.clients.stage import Stage, answers, play, taking


def burst(count, kind="completed"):
    async def handler(reply):
        await reply.head()
        await reply.events(0, kind="initialized")
        await reply.events(*range(1, count))
        await reply.events(count, kind=kind)
        await reply.end()

    return Stage(streams=[handler])


def test_async_callbacks_never_overlap():
    running, overlaps = [], []

    async def handler(event):
        overlaps.append(len(running))
        running.append(event)
        await trio.sleep(0.5)
        running.pop()

    played = play(burst(5), handler=handler)
    assert overlaps == [0] * 6
    assert [at for at, *_ in played.shown] == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]


def test_a_full_queue_keeps_the_newest_updates_and_everything_that_is_no_update():
    played = play(burst(100), policies=msgspec.structs.replace(REFERENCE, queue=4), handler=taking(0.5))
    assert played.ids == ["a-0", "a-96", "a-97", "a-98", "a-99", "a-100"]
    coalesced = [entry for entry in played.watcher.of("absorbed") if entry[3] == "coalesced"]
    assert len(coalesced) + len(played.ids) == 101


def test_an_unbounded_queue_drops_nothing():
    played = play(burst(100), policies=AS_SHIPPED, handler=taking(0.5))
    assert played.ids == [f"a-{n}" for n in range(101)]


@pytest.mark.parametrize("kind", ["completed", "failed", "timeout"])
def test_a_callback_that_raises_is_reported_and_changes_nothing(kind):
    def handler(event):
        raise ValueError(event.id)

    played = play(burst(3, kind), handler=handler)
    assert played.outcome.ended == kind
    assert "error" not in [callback for _at, callback, *_ in played.shown]


def test_the_results_do_not_wait_for_a_slow_app():
    played = play(burst(3), handler=taking(2.0))
    assert played.stage.times("results") == [0.0]
    assert played.shown[-1][0] == 6.0


def test_a_burst_is_no_backlog_for_an_app_that_keeps_up():
    played = play(burst(1000))
    assert played.ids == [f"a-{n}" for n in range(1001)]


async def test_a_callback_that_is_cancelled_before_its_first_step_never_runs():
    ran = []

    async def handler(event):
        ran.append(event)

    dispatcher = Dispatcher(
        Callbacks(on_initialized=handler),
        decisions=Decisions(REFERENCE),
        observer=Observer(),
        errors=CallbackErrors(),
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(dispatcher.run)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        dispatcher.offer(JobEvent(callback="initialized", data="{}"))
    assert not ran


def test_a_burst_is_no_backlog_for_an_async_app_that_keeps_up():
    async def handler(event):
        pass

    played = play(burst(1000), handler=handler)
    assert played.ids == [f"a-{n}" for n in range(1001)]


class Faulty:
    """An app whose callbacks raise ``kinds`` in turn, and which is told of it."""

    def __init__(self, *kinds):
        self.kinds = kinds
        self.told = []
        self.calls = 0

    def handler(self, event):
        self.calls += 1
        raise self.kinds[self.calls % len(self.kinds)](event.id)

    async def slow_handler(self, event):
        await trio.sleep(0.01)
        self.handler(event)

    def hook(self, callback, error):
        self.told.append((callback, repr(error)))


def logged(caplog):
    assert {record.name for record in caplog.records} <= {"harness.clients"}
    return [(record.getMessage().split(" raised ")[0], record.exc_info[0]) for record in caplog.records]


@pytest.mark.parametrize("slow", [False, True])
def test_what_callbacks_raise_is_logged_once_for_each_callback_and_kind_and_every_one_is_told(caplog, slow):
    app = Faulty(ValueError, KeyError)
    played = play(burst(7), handler=app.slow_handler if slow else app.handler, on_callback_error=app.hook)
    assert (played.outcome.ended, len(played.shown)) == ("completed", 8)
    assert logged(caplog) == [
        ("on_initialized", KeyError),
        ("on_processing", ValueError),
        ("on_processing", KeyError),
        ("on_completed", ValueError),
    ]
    assert [callback for callback, _error in app.told] == ["initialized", *["processing"] * 6, "completed"]
    assert app.told[1] == ("processing", "ValueError('a-1')")


def test_the_log_has_the_traceback_down_to_the_line_of_the_app(caplog):
    def handler(event):
        raise ValueError(event.id)

    play(burst(1), handler=handler)
    assert "in handler\n    raise ValueError(event.id)\nValueError: a-0" in caplog.text


def test_what_the_hook_itself_raises_is_logged_and_ends_nothing(caplog):
    def hook(callback, error):
        raise RuntimeError(callback)

    played = play(burst(3), handler=Faulty(ValueError).handler, on_callback_error=hook)
    assert played.outcome.ended == "completed"
    assert logged(caplog) == [
        ("on_initialized", ValueError),
        ("on_callback_error", RuntimeError),
        ("on_processing", ValueError),
        ("on_completed", ValueError),
    ]


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_is_no_exception_of_the_apps_passes(caplog, kind, slow):
    app = Faulty(kind)
    with pytest.raises(BaseExceptionGroup) as caught:
        play(burst(1), handler=app.slow_handler if slow else app.handler, on_callback_error=app.hook)
    assert caught.value.split(kind)[1] is None
    assert (app.told, logged(caplog)) == ([], [])


def test_a_cancellation_is_nobodys_error(caplog):
    async def handler(event):
        await trio.sleep_forever()

    app = Faulty(ValueError)
    play(burst(1), handler=handler, lasts=5, on_callback_error=app.hook)
    assert (app.told, logged(caplog)) == ([], [])


def test_errors_of_on_gap_and_on_error_are_told_like_any(caplog):
    app = Faulty(ValueError)
    play(Stage(streams=[answers(410), answers(404)]), handler=app.handler, on_callback_error=app.hook)
    assert [callback for callback, _error in app.told] == ["gap", "error"]
    assert logged(caplog) == [("on_gap", ValueError), ("on_error", ValueError)]
