import json

import pytest

from harness.jobserver.jobs import JobLog, epoch_name, epoch_of
from harness.jobserver.payloads import Payloads
from harness.jobserver.work import Work
from harness.scenario.model import JobSpec, ServerSpec


def log_of(events: int, *, spec: JobSpec | None = None, **server) -> JobLog:
    """A log in which so many events have been emitted."""
    work = Work(spec or JobSpec(lasts=100.0, every=1.0))
    log = JobLog(
        "j1", "a", ServerSpec(**server), Payloads("j1", "csv-import", work.spec, server.get("payload", "ascii"))
    )
    for _ in range(events):
        log.append(work.take())
    return log


def test_event_data_has_the_keys_of_the_contract():
    log = log_of(2)
    data = json.loads(log.last.data)
    assert list(data) == ["jobId", "status", "progress", "processedCount", "totalCount", "message"]
    assert (data["jobId"], data["status"], data["progress"], data["processedCount"]) == ("j1", "processing", 0.01, 1)


def test_event_on_the_wire_has_its_id_from_the_log():
    assert log_of(3).last.wire.startswith(b"id: a-2\nevent: processing\ndata: {")


def test_failed_job_ends_with_a_structured_error():
    log = log_of(101, spec=JobSpec(lasts=100.0, every=1.0, ends="failed", code="QUOTA"))
    assert json.loads(log.last.data)["error"] == {"code": "QUOTA", "message": "the job failed"}
    assert (log.last.type, log.over) == ("failed", True)


@pytest.mark.parametrize(("cursor", "start"), [("", 0), ("a-0", 1), ("a-5", 6), ("a-9", 10)])
def test_stream_begins_after_its_cursor(cursor, start):
    resume = log_of(10).resume(cursor)
    assert (resume.start, resume.signal, resume.finished) == (start, "", False)


@pytest.mark.parametrize("cursor", ["a-10", "b-3", "a-", "a-03", "a--1", "a-x", "7", "-", "a-³", "a-" + "9" * 99])
def test_cursor_that_is_no_id_of_the_log_has_expired(cursor):
    assert log_of(10).resume(cursor).signal == "410"


def test_cursor_expires_when_more_was_missed_than_is_kept():
    log = log_of(30, replay=16)
    assert log.resume("a-13").start == 14
    assert log.resume("a-12").signal == "410"
    assert log.resume("").signal == "410"


@pytest.mark.parametrize(("policy", "signal", "start"), [("reset event", "reset", 29), ("silent", "", 14)])
def test_expired_cursor_meets_the_policy(policy, signal, start):
    resume = log_of(30, replay=16, expired_cursor=policy).resume("a-3")
    assert (resume.signal, resume.start) == (signal, start)


def test_without_replay_only_a_first_stream_gets_the_newest_event():
    assert log_of(1, replay=0).resume("").start == 0
    log = log_of(2, replay=0)
    assert log.resume("a-1").start == 2
    assert log.resume("a-0").signal == "410"


def test_finished_job_has_nothing_for_the_cursor_of_its_end():
    log = log_of(3, spec=JobSpec(lasts=2.0, every=1.0))
    assert log.resume("a-2").finished
    assert log.resume("a-1").start == 2


def test_log_forgets_what_nobody_can_ask_for():
    log = log_of(1000, spec=JobSpec(lasts=2000.0, every=1.0), replay=16, queue=10)
    assert len(log._wires) <= 2 * 27
    wires = log.since(973, until=975, size=10**6)
    assert [wire.split()[1] for wire in wires] == [b"a-973", b"a-974", b"a-975"]


def test_batch_keeps_to_its_size_but_has_an_event():
    log = log_of(10)
    wire = len(log.last.wire)
    assert len(log.since(5, until=9, size=3 * wire)) == 3
    assert len(log.since(5, until=9, size=1)) == 1


@pytest.mark.parametrize("payload", ["ascii", "hostile"])
def test_snapshot_is_the_newest_data_with_its_id(payload):
    log = log_of(4, payload=payload)
    assert json.loads(log.snapshot()) == json.loads(log.last.data) | {"lastEventId": "a-3"}


def test_epochs_are_never_named_twice():
    names = [epoch_name(number) for number in range(1000)]
    assert names[:2] + names[25:28] == ["a", "b", "z", "aa", "ab"]
    assert len(set(names)) == 1000


@pytest.mark.parametrize(("cursor", "epoch"), [("a-7", "a"), ("ab-0", "ab"), ("", ""), ("7", "")])
def test_epoch_of_an_id(cursor, epoch):
    assert epoch_of(cursor) == epoch
