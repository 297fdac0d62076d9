"""The records that a client leaves, as laws and measures read them."""

import msgspec
import trio

from harness.clients import JobEvent
from harness.clients.app import RecordingApp
from harness.clients.journaling import JournalObserver
from harness.clients.machine import MachinePhone
from harness.clients.observer import AttemptReport
from harness.history import Journal, records
from harness.scenario.model import ServerSpec
from harness.sse.policy import REFERENCE
from tests.clients.memory import job, whole_run


def test_a_callback_is_recorded_from_its_enter_to_its_exit():
    policies = msgspec.structs.replace(REFERENCE, handler_takes=0.5)
    _, history, _ = whole_run(job=job(10), policies=policies)
    assert {app.exit_ns - app.enter_ns for app in history.all(records.App)} == {500_000_000}


def test_a_streamed_event_is_recorded_with_its_digest_id_and_progress():
    _, history, _ = whole_run(job=job(10))
    emitted = {emit.id: emit for emit in history.all(records.Emit)}
    for app in history.all(records.App):
        emit = emitted[app.id]
        assert (app.callback, app.digest, app.source) == (emit.type, emit.digest, "stream")
        assert app.progress == emit.progress
        assert app.enter_ns == emit.actual_ns


def test_every_block_is_recorded_with_the_id_it_left():
    _, history, _ = whole_run(job=job(10))
    assert [block.id for block in history.all(records.Block)] == [emit.id for emit in history.all(records.Emit)]


def test_words_are_recorded_with_the_attempt_they_belong_to():
    _, history, _ = whole_run(job=job(10))
    said = [(status.word, status.attempt) for status in history.all(records.Status)]
    assert said == [("connecting", 1), ("connected", 1), ("closed", 1)]


def test_an_end_carries_what_the_server_asked_for():
    _, history, _ = whole_run(job=job(10), server=ServerSpec(retry=5.0))
    (end,) = history.all(records.AttemptEnd)
    assert (end.how, end.server_retry, end.status, end.opened) == ("done", 5.0, 200, True)
    assert end.bytes > 0


def test_a_final_error_is_a_callback_with_its_words_and_no_progress():
    policies = msgspec.structs.replace(REFERENCE, gives_up_after=2)
    only_the_start = iter(["open"])
    _, history, _ = whole_run(job=job(10), policies=policies, doors=lambda at: next(only_the_start, "refuse"))
    (error,) = history.all(records.App)
    assert (error.callback, error.detail, error.progress) == ("error", "gave up after 2 attempts", None)


def test_callbacks_and_words_are_numbered_each_for_itself():
    _, history, _ = whole_run(job=job(10))
    apps, words = history.all(records.App), history.all(records.Status)
    assert [app.no for app in apps] == list(range(1, len(apps) + 1))
    assert [status.no for status in words] == [1, 2, 3]


def test_attempts_and_their_ends_are_counted_by_their_recorder_whatever_the_client_numbers_them():
    found: list[records.Record] = []
    with Journal(None, lambda: 1, tap=found.append) as journal:
        observer = JournalObserver("c1", journal)
        for n in (7, 7):
            observer.attempt_began(n, "start", 0.0, "")
            observer.attempt_ended(AttemptReport(n=9))
        observer.status("closed", 7)
    attempts = [one.no for one in found if isinstance(one, records.Attempt)]
    ends = [(one.no, one.written["attempt"]) for one in found if isinstance(one, records.AttemptEnd)]
    assert (attempts, ends) == ([1, 2], [(1, 1), (2, 2)])
    assert [one.ends for one in found if isinstance(one, records.Status)] == [2]


def test_words_are_numbered_by_client():
    found = []
    with Journal(None, lambda: 1, tap=found.append) as journal:
        one, other = JournalObserver("c1", journal), JournalObserver("c2", journal)
        for observer in (one, one, other):
            observer.status("connecting", 1)
    assert [(record.client, record.no) for record in found] == [("c1", 1), ("c1", 2), ("c2", 1)]


def test_a_gap_is_a_callback_with_its_reason():
    found = []
    with Journal(None, lambda: 1, tap=found.append) as journal:
        RecordingApp("c1", journal, takes=0.0, phone=MachinePhone()).callbacks("j").on_gap(JobEvent("gap", "410"))
    (gap,) = found
    assert (gap.callback, gap.detail, gap.digest, gap.no) == ("gap", "410", "", 1)


def test_the_results_that_the_app_gets_are_recorded_with_their_digest():
    outcome, history, _ = whole_run(job=job(10))
    (got,) = history.all(records.AppResults)
    body = outcome.results.body
    assert (got.length, got.digest, got.status) == (len(body), records.body_digest(body), 200)


def test_no_results_are_recorded_where_the_app_gets_none():
    for policies, ends in (
        (msgspec.structs.replace(REFERENCE, fetches_results=False), "completed"),
        (REFERENCE, "failed"),
    ):
        _, history, _ = whole_run(job=job(10, ends=ends), policies=policies)
        assert history.all(records.AppResults) == []


async def test_a_callback_that_is_cancelled_is_recorded_so():
    found = []
    with Journal(None, lambda: 1, tap=found.append) as journal:
        callbacks = RecordingApp("c1", journal, takes=9.0, phone=MachinePhone()).callbacks("j")
        with trio.move_on_after(0.01):
            await callbacks.on_processing(JobEvent("processing", "{}"))
    assert [(app.callback, app.raised) for app in found] == [("processing", "Cancelled")]
