import pytest

from harness.history import End
from harness.judge.case import Case
from harness.judge.measures.latency import samples
from harness.judge.measures.staleness import Staleness, StalenessRamp, staleness
from harness.judge.percentiles import LOST
from tests.judge.scenes import half_open, handoff
from tests.judge.story import Story, changed, plan


def stale(story: Story, history=None) -> Staleness:
    found = staleness(Case(story.plan, history or story.history()).clients[0])
    assert found is not None
    return found


def test_a_flawless_run_is_stale_for_the_delay_of_each_update():
    found = stale(Story(plan()).run())
    assert found.highest == pytest.approx(0.035)  # the first event waits for the dial
    assert len(found.ramps) == 21  # the last update and the terminal event are due together
    assert not found.censored


def test_staleness_counts_from_the_oldest_due_state_newer_than_the_screen():
    found = stale(Story(plan()).run(skip=(5, 6, 7)))
    assert found.highest == pytest.approx(4.005 - 2.5)


def test_an_outage_is_felt_in_full():
    assert stale(handoff()).highest == pytest.approx(6.2008 - 4.0)


def test_what_never_comes_is_censored_at_the_horizon():
    found = stale(half_open())
    assert found.censored
    assert found.highest == pytest.approx(half_open().plan.horizon - 4.0)


def test_a_run_cut_short_is_censored_at_its_end():
    story = Story(plan()).run(skip=tuple(range(10, 22)), until=9.0)
    found = stale(story, changed(story.history(), End, 0, reason="interrupted"))
    assert found.highest == pytest.approx(9.0 - 5.0)


def test_without_a_job_there_is_none():
    story = Story(plan())
    story.end(1.0)
    assert staleness(Case(story.plan, story.history()).clients[0]) is None


def test_quantiles_are_weighted_by_time():
    found = Staleness(0.0, 10.0, [StalenessRamp(0.0, 2.0, 0.0, 2.0), StalenessRamp(5.0, 6.0, 1.0, 2.0)], False)
    assert found.highest == 2.0
    assert found.quantile(1, 2) == 0.0  # fresh for seven of ten seconds
    assert found.quantile(8, 10) == pytest.approx(1.0)
    assert found.quantile(9, 10) == pytest.approx(1.5)
    assert Staleness(0.0, 10.0, [], False).quantile(19, 20) == 0.0


def test_latency_counts_from_intended_and_transport_from_actual_emission():
    taken = samples(Case((story := Story(plan()).run()).plan, story.history()).clients[0])
    assert taken[6].latency == pytest.approx(0.005)
    assert taken[6].transport == pytest.approx(0.0045)
    assert (taken[6].path, taken[0].path) == ("wifi", "")


def test_a_superseded_update_is_marked_and_a_lost_one_is_infinitely_late():
    story = Story(plan()).run(skip=(6, 21))
    taken = samples(Case(story.plan, story.history()).clients[0])
    assert taken[6].superseded
    assert taken[6].latency == pytest.approx(0.505)
    assert taken[21].latency == LOST


def test_what_a_run_still_owed_when_cut_short_is_no_sample():
    story = Story(plan()).run(skip=(20, 21), until=10.2)
    history = changed(story.history(), End, 0, reason="interrupted")
    assert len(samples(Case(story.plan, history).clients[0])) == 20
