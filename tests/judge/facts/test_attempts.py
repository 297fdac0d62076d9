"""What each attempt brought: news, or what had come before."""

from harness.history import Request
from harness.judge.case import Case
from harness.judge.facts.attempts import AttemptLife, attempts
from tests.judge.story import Story, plan


def brought(*indices: int, without_id: int | None = None) -> AttemptLife:
    """The second attempt, whose stream brought these events; the first had brought 0 to 3."""
    story = Story(plan())
    story.emit_all()
    story.dial(0.01)
    for index in range(4):
        story.show(index, story.times()[index] + 0.035)
    story.hang_up(4.0, "eof")
    story.dial(5.0, last="a-2")
    for index in indices:
        story.arrive(index, 5.1 + index / 100)
    story.end(11.5)
    if without_id is not None:
        story.without_id(without_id)
    assert [one.last_event_id for one in story.records if isinstance(one, Request)][-1] == "a-2"
    return attempts(Case(story.plan, story.history()).clients[0])[1]


def test_an_event_that_came_before_is_no_news():
    assert (brought(3).fresh, brought(3, 4).fresh) == (False, True)


def test_an_event_without_an_id_that_came_before_may_be_taken_for_news():
    assert (brought(3, without_id=3).fresh, brought(3, without_id=3).barren) == (None, False)
    assert brought(4, without_id=4).fresh is True


def test_an_attempt_that_brought_nothing_is_barren():
    assert (brought().fresh, brought().barren) == (False, True)
