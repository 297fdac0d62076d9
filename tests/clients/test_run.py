"""The reference client against the job server, judged by the records of both."""

import msgspec
import pytest
import trio

from harness.history import records
from harness.scenario.model import ServerSpec
from harness.sse.policy import AS_SHIPPED, REFERENCE
from tests.clients.memory import job, whole_run


def emitted(history):
    return {emit.id: emit for emit in history.all(records.Emit)}


def shown(history):
    return history.all(records.App)


def cuts(*moments):
    """Reset every connection at these seconds."""

    async def actor(stage):
        zero = trio.current_time()
        for moment in moments:
            await trio.sleep_until(zero + moment)
            stage.cut()

    return actor


def assert_each_event_was_shown_once_as_emitted(history):
    truth = emitted(history)
    assert [app.id for app in shown(history)] == list(truth)
    assert all(app.digest == truth[app.id].digest for app in shown(history))


def test_a_healthy_job_is_shown_as_emitted_and_its_results_come_whole():
    outcome, history, _ = whole_run(job=job(60, ends="completed"))
    assert outcome.ended == "completed"
    assert len(outcome.results.body) >= 9_000
    assert_each_event_was_shown_once_as_emitted(history)
    (results,) = history.all(records.Results)
    assert (results.whole, results.length) == (True, len(outcome.results.body))


def test_a_connection_reset_over_and_over_costs_no_event():
    outcome, history, _ = whole_run(job=job(60, every=0.1), beside=cuts(*(3.03 + 4 * n for n in range(10))))
    assert outcome.ended == "completed"
    assert outcome.counts.attempts == 11
    assert_each_event_was_shown_once_as_emitted(history)


def test_records_tell_the_waits_causes_and_cursors_of_attempts():
    _, history, _ = whole_run(job=job(20), beside=cuts(3.03))
    first, second = history.all(records.Attempt)
    assert (first.n, first.cause, first.last_event_id) == (1, "start", "")
    assert (second.n, second.cause) == (2, "failed")
    assert second.last_event_id == history.all(records.Block)[1].id
    assert 0.5 <= second.wait <= 1.0
    ended = history.all(records.AttemptEnd)[0]
    assert (ended.how, ended.opened, ended.fresh, ended.status) == ("error", True, 2, 200)


def test_a_job_that_ends_while_the_phone_is_offline_is_learnt_of_afterwards():
    outcome, history, _ = whole_run(
        job=job(40, ends="failed", code="E_ROWS"),
        doors=lambda at: "unreachable" if 10 < at < 70 else "open",
        beside=cuts(10.01),
    )
    assert outcome.ended == "failed"
    assert shown(history)[-1].detail == "E_ROWS"
    assert_each_event_was_shown_once_as_emitted(history)


def test_a_cursor_older_than_the_log_is_a_gap_told_and_healed():
    outcome, history, _ = whole_run(
        job=job(60, every=0.1),
        server=ServerSpec(replay=16),
        doors=lambda at: "unreachable" if 10 < at < 14 else "open",
        beside=cuts(10.01),
    )
    assert outcome.ended == "completed"
    assert [(gap.reason, gap.healed) for gap in history.all(records.Gap)] == [("410", False), ("410", True)]
    # One snapshot at once, and one a second before the dial, since by then 16 events more have come.
    assert [app.source for app in shown(history)].count("poll") == 2
    assert history.all(records.Attempt)[-1].last_event_id == history.all(records.Adopted)[-1].id
    assert history.all(records.AttemptEnd)[-1].how == "done"


def test_a_reset_event_is_a_gap_told_and_healed():
    outcome, history, _ = whole_run(
        job=job(60, every=0.1),
        server=ServerSpec(replay=16, expired_cursor="reset event"),
        doors=lambda at: "unreachable" if 10 < at < 30 else "open",
        beside=cuts(10.01),
    )
    assert outcome.ended == "completed"
    assert [(gap.reason, gap.healed) for gap in history.all(records.Gap)] == [("reset", False), ("reset", True)]


def test_a_token_that_expires_is_refreshed_without_losing_an_event():
    outcome, history, _ = whole_run(job=job(100), server=ServerSpec(token_lasts=30.0))
    assert outcome.ended == "completed"
    assert outcome.counts.refreshes >= 3
    assert_each_event_was_shown_once_as_emitted(history)


def test_a_quiet_job_costs_no_reconnection():
    outcome, _, _ = whole_run(job=job(300, every=150.0))
    assert outcome.counts.attempts == 1


@pytest.mark.parametrize("line_ends", ["cr", "crlf", "mixed"])
def test_hostile_payloads_and_line_ends_arrive_unharmed(line_ends):
    outcome, history, _ = whole_run(job=job(30), server=ServerSpec(line_ends=line_ends, payload="hostile"))
    assert outcome.ended == "completed"
    assert_each_event_was_shown_once_as_emitted(history)


def test_the_client_as_shipped_hangs_where_the_reference_recovers():
    def run(policies):
        return whole_run(
            job=job(40), policies=policies, doors=lambda at: "hang" if 10 < at < 15 else "open", beside=cuts(10.01)
        )[0]

    assert run(REFERENCE).ended == "completed"
    assert run(AS_SHIPPED) is None


def test_the_same_seed_gives_the_same_history():
    def sequence():
        _, history, _ = whole_run(job=job(30, every=0.5), beside=cuts(3.03, 9.77, 11.1))
        return [msgspec.structs.astuple(record)[1:] for record in history.records]

    assert sequence() == sequence()
