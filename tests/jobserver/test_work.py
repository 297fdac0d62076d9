import pytest

from harness.jobserver.work import Work, updates_of
from harness.scenario.model import JobSpec

STEADY = JobSpec(lasts=10.0, every=2.0, items=10)
ON_CHANGE = JobSpec(lasts=10.0, every=None, items=10)


def until(work: Work, now: float) -> list[tuple[float, str, int]]:
    """Take everything due by now."""
    seen = []
    while work.due is not None and work.due <= now:
        step = work.take()
        seen.append((step.due, step.type, step.processed))
    return seen


def walk(spec: JobSpec) -> list[tuple[float, str, int]]:
    return until(Work(spec), 1e9)


def test_updates_every_so_often_show_the_share_of_the_time():
    assert walk(JobSpec(lasts=6.0, every=2.0, items=4)) == [
        (0.0, "initialized", 0),
        (2.0, "processing", 1),
        (4.0, "processing", 2),
        (6.0, "completed", 4),
    ]


def test_updates_on_change_come_one_per_item():
    assert walk(JobSpec(lasts=3.0, every=None, items=2)) == [
        (0.0, "initialized", 0),
        (1.5, "processing", 1),
        (3.0, "processing", 2),
        (3.0, "completed", 2),
    ]


def test_failed_job_makes_no_further_progress():
    assert walk(JobSpec(lasts=4.0, every=1.0, items=4, ends="failed", code="E7"))[-1] == (4.0, "failed", 3)


def test_no_progress_for_its_time_is_a_timeout_before_the_planned_end():
    assert walk(JobSpec(lasts=900.0, every=400.0)) == [(0.0, "initialized", 0), (300.0, "timeout", 0)]


def test_planned_end_at_the_instant_of_the_timeout_wins():
    assert walk(JobSpec(lasts=300.0, every=400.0))[-1] == (300.0, "completed", 100)


def test_job_that_never_ends_times_out_after_its_last_update():
    assert walk(JobSpec(lasts=5.0, every=2.0, ends="never"))[-1] == (304.0, "timeout", 80)


def test_work_that_is_over_has_nothing_due():
    work = Work(STEADY)
    until(work, 10.0)
    assert (work.due, work.over, work.ahead()) == (None, True, [])
    with pytest.raises(AssertionError):
        work.take()


def test_pause_swallows_updates_and_leaves_the_end_where_it_is():
    work = Work(STEADY)
    until(work, 3.0)
    work.pause()
    assert work.ahead() == [10.0]
    assert until(work, 20.0) == [(10.0, "completed", 10)]


def test_resumed_work_shows_at_once_what_should_be_done_by_then():
    work = Work(STEADY)
    until(work, 3.0)
    work.pause()
    until(work, 7.0)
    work.resume(7.0)
    assert work.ahead() == [7.0, 8.0, 10.0]
    assert until(work, 9.0) == [(7.0, "processing", 7), (8.0, "processing", 8)]


def test_resumed_work_on_change_has_jumped_to_its_item():
    work = Work(ON_CHANGE)
    until(work, 2.0)
    work.pause()
    work.resume(5.5)
    assert until(work, 6.0) == [(5.5, "processing", 5), (6.0, "processing", 6)]


def test_pause_between_two_updates_changes_nothing():
    work = Work(STEADY)
    until(work, 2.5)
    work.pause()
    work.resume(3.5)
    assert until(work, 4.0) == [(4.0, "processing", 4)]


def test_paused_work_times_out_counted_from_its_last_step():
    work = Work(JobSpec(lasts=900.0, every=2.0))
    until(work, 20.0)
    work.pause()
    assert until(work, 900.0) == [(320.0, "timeout", 2)]


def test_work_that_resumes_just_in_time_does_not_time_out():
    work = Work(JobSpec(lasts=900.0, every=2.0))
    until(work, 20.0)
    work.pause()
    until(work, 319.0)
    work.resume(319.0)
    assert until(work, 320.0) == [(319.0, "processing", 35), (320.0, "processing", 35)]


def test_burst_adds_updates_between_the_planned_ones_without_more_progress():
    work = Work(ON_CHANGE)
    until(work, 1.5)
    work.burst(1.5, rate=2.0, lasts=1.5)
    assert work.ahead()[:4] == [1.5, 2.0, 2.0, 2.5]
    assert until(work, 3.0) == [
        (1.5, "processing", 1),
        (2.0, "processing", 2),
        (2.0, "processing", 2),
        (2.5, "processing", 2),
        (3.0, "processing", 3),
    ]


def test_burst_has_rate_times_duration_updates_and_never_outlives_the_end():
    work = Work(JobSpec(lasts=30.0, every=100.0))
    until(work, 0.0)
    work.burst(0.0, rate=200.0, lasts=20.0)
    assert len(work.ahead()) == 4001
    until(work, 25.0)
    work.burst(25.0, rate=10.0, lasts=20.0)
    assert until(work, 60.0)[-1] == (30.0, "completed", 100)


def test_pause_swallows_a_burst_too():
    work = Work(STEADY)
    until(work, 2.0)
    work.burst(2.0, rate=10.0, lasts=1.0)
    work.pause()
    until(work, 3.5)
    work.resume(3.5)
    assert until(work, 4.0) == [(3.5, "processing", 3), (4.0, "processing", 4)]


@pytest.mark.parametrize(("how", "processed"), [("completed", 10), ("failed", 2), ("timeout", 2)])
def test_end_is_now_and_the_last_step(how, processed):
    work = Work(STEADY)
    until(work, 2.5)
    work.end(2.5, how, "E7")
    assert work.ahead() == [2.5]
    assert until(work, 99.0) == [(2.5, how, processed)]
    assert (work.last.code, work.over) == ("E7", True)


def test_end_of_paused_work_is_an_end_too():
    work = Work(STEADY)
    until(work, 2.5)
    work.pause()
    work.end(5.0, "completed")
    assert until(work, 99.0) == [(5.0, "completed", 10)]


def test_what_is_told_to_work_that_is_over_changes_nothing():
    work = Work(STEADY)
    until(work, 10.0)
    work.pause()
    work.resume(11.0)
    work.burst(11.0, 1.0, 1.0)
    work.end(11.0, "failed")
    assert (work.due, work.last.type) == (None, "completed")


def test_updates_are_the_schedule_without_its_end():
    assert updates_of(STEADY) == updates_of(JobSpec(lasts=10.0, every=2.0, ends="never")) == (0.0, 2.0, 4.0, 6.0, 8.0)
