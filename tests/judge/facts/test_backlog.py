import pytest

from harness.deeds import acts
from harness.judge.case import Case
from harness.judge.facts.backlog import behind, worked_off
from harness.sse.policy import Policies
from tests.judge.story import Story, plan

SLEEP = (10.0, "device", acts.Suspends(lasts=2.0), "suspends for 2s")


def backlog(takes: float, *deeds, since: float = 0.0, queue: int | None = None) -> float:
    """What a handler has to do at the end of a job of 42 events in 20 s, which reached the radio from ``since`` on."""
    policies = Policies(handler_takes=takes, queue=queue)
    story = Story(plan(*deeds, lasts=20.0, items=40, policies=policies))
    story.emit_all()
    story.deeds()
    story.dial(0.0)
    for index, due in enumerate(story.times()):
        story.show(index, max(due, since) + 0.001)
    story.end(21.0)
    return worked_off(Case(story.plan, story.history()).clients[0], 20.0, 20.0)


def test_a_handler_that_takes_no_time_has_no_backlog():
    assert backlog(0.0) == 0.0


def test_a_handler_faster_than_the_updates_has_what_came_last_to_do():
    assert backlog(0.1) == pytest.approx((2 + 1) * 0.1, abs=0.01)


def test_a_handler_slower_than_the_updates_has_all_that_it_had_no_time_for():
    events = 42
    assert backlog(0.6) == pytest.approx(events * 0.6 + 0.6 - 20, abs=0.01)


def test_a_handler_began_when_the_first_update_had_reached_the_radio():
    assert backlog(0.6, since=3.0) == pytest.approx(backlog(0.6) + 3, abs=0.01)


def test_a_handler_slept_with_its_phone_before_too():
    assert backlog(0.6, SLEEP) == pytest.approx(backlog(0.6) + 2, abs=0.01)


def test_a_handler_is_never_more_than_a_queue_behind():
    assert backlog(0.6, queue=4) == pytest.approx((4 + 1) * 0.6 + 0.6, abs=0.01)


def test_a_handler_is_behind_while_an_update_waits_for_it():
    def spans(takes: float) -> list[tuple[float, float]]:
        story = Story(plan(lasts=2.0, items=4, policies=Policies(handler_takes=takes))).run()
        found = behind(Case(story.plan, story.history()).clients[0])
        return [(round(since, 2), round(until, 2)) for since, until in found]

    # Updates half a second apart, and the last of them at the same instant as the job's end.
    assert spans(0.0) == []
    assert spans(0.4) == [(2.0, 2.4)]
    assert spans(0.6) == [(0.5, 0.6), (1.0, 1.2), (1.5, 1.8), (2.0, 2.4), (2.0, 3.0)]
