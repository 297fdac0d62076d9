"""H4: a deed that came when the plan says, late, early, and on another side of an event or a deed."""

import pytest

from harness.history import Deed
from harness.judge.judge import judge
from harness.judge.verdict import State, Word
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import handoff, handoff_plan
from tests.judge.story import Story, ns, plan, reach

SILENT = reach(4.1, "silent")
UP = reach(4.3, "up")


def came(story, index, at):
    """The same run, with this deed issued and returned at this time."""
    for record in story.records:
        if isinstance(record, Deed) and record.deed == index:
            record.issued_ns, record.returned_ns = ns(at), ns(at + 0.001)
    return story


def late(*deeds, by, index=0):
    story = Story(plan(*deeds, lasts=10.0, items=5)).run()  # an event every two seconds
    return came(story, index, deeds[index][0] + by)


def test_deeds_that_came_when_they_were_due_hold():
    assert state("in-time", handoff()) is State.HELD
    assert state("in-time", late(SILENT, by=0.25)) is State.HELD


def test_a_late_deed_that_met_the_planned_story_is_told():
    found = law("in-time", late(SILENT, by=0.31))
    assert (found.state, found.sentence) == (State.HELD, "late: 1 deed by 310 ms")


def test_a_deed_behind_an_event_that_it_was_planned_before_is_void():
    story = late(SILENT, by=2.0)
    found = law("in-time", story)
    assert found.sentence == "the deed at 4.1 s (wifi silent) came 2.0 s late, after an event that was due at 6.0 s"
    assert judge(story.plan, story.history()).word is Word.VOID


def test_a_deed_behind_another_that_it_was_planned_before_is_void():
    found = law("in-time", late(SILENT, UP, by=0.4))
    assert found.sentence == "the deed at 4.1 s (wifi silent) came 400 ms late, after the one at 4.3 s (wifi up)"


def test_two_deeds_that_are_late_in_their_order_met_the_planned_story():
    story = came(late(SILENT, UP, by=0.4), 1, 4.3 + 0.4)
    found = law("in-time", story)
    assert (found.state, found.sentence) == (State.HELD, "late: 2 deeds by up to 400 ms")


@pytest.mark.parametrize("by", [-0.4, -3.0])
def test_a_deed_before_its_time_is_void(by):
    assert law("in-time", late(SILENT, by=by)).state is State.FAILED


def test_a_plan_without_deeds_has_none_to_be_late():
    assert state("in-time", Story(plan()).run()) is State.NOT_JUDGED


def test_an_empty_history_says_nothing():
    assert empty("in-time", handoff_plan()) is State.UNKNOWN
