from harness.scenario.model import JobSpec, schedule


def test_updates_come_at_multiples_before_the_end_and_the_terminal_event_at_the_end():
    assert schedule(JobSpec(lasts=6.0, every=2.0)) == [0.0, 2.0, 4.0, 6.0]
    assert schedule(JobSpec(lasts=5.0, every=2.0)) == [0.0, 2.0, 4.0, 5.0]
    assert schedule(JobSpec(lasts=1.0, every=2.0)) == [0.0, 1.0]


def test_a_rounding_error_slips_no_update_in():
    assert len(schedule(JobSpec(lasts=0.9, every=0.3))) == 4


def test_on_change_there_is_one_update_for_each_item():
    times = schedule(JobSpec(lasts=40.0, every=None, items=1600))
    assert len(times) == 1602
    assert times[1] == 0.025
    assert times[-2:] == [40.0, 40.0]


def test_a_job_that_never_ends_has_no_terminal_event():
    assert schedule(JobSpec(lasts=5.0, every=2.0, ends="never")) == [0.0, 2.0, 4.0]
