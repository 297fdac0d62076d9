import pytest

from harness.deeds import acts
from harness.history import ConnEnd, Dial
from harness.judge.case import Case, ClientCase
from harness.judge.obligations.polls import polls_missed
from harness.judge.verdict import LawState
from harness.sse.policy import REFERENCE, Policies
from tests.judge.ruling import law
from tests.judge.story import Story, ns, plan


def refused(*polls: float, policies: Policies | None = None, status: int = 503, **answer: str) -> Story:
    """Three streams are refused by 3 s, and the status is asked for; each answer is there 10 ms later."""
    story = Story(plan(lasts=60.0, policies=policies))
    story.emit_all()
    for at in (1.0, 2.0, 3.0):
        story.request("stream", at, status=403)
    for at in polls:
        story.request("poll", at, status=status, **answer)
    return story


def client(story: Story, until: float) -> ClientCase:
    story.end(until, "limit")
    return Case(story.plan, story.history()).clients[0]


def missed(story: Story, until: float = 14.0) -> list[str]:
    found = client(story, until)
    return [one.sentence(found.case) for one in polls_missed(found)]


def test_who_never_polled_missed_no_poll():
    assert missed(refused()) == []


def test_polls_by_the_declared_interval_are_in_their_time():
    assert missed(refused(3.1, 6.1, 9.1, 12.1)) == []


def test_a_poll_too_soon_is_told():
    assert missed(refused(3.1, 4.1, 7.1, 10.1, 13.1)) == ["row 47, poll: one was due from 6.10 s and came at 4.10 s"]


def test_a_poll_too_late_is_told():
    assert missed(refused(3.1, 6.1, 14.1), until=15.0) == ["row 47, poll: one was due by 9.10 s and came at 14.10 s"]


def test_a_poll_that_never_came_is_told():
    assert missed(refused(3.1, 6.1)) == ["row 47, poll: the status was to be asked for by 9.10 s and never was"]


def test_a_poll_that_took_long_is_followed_at_once_and_the_raster_stays():
    def told(after: float, then: float) -> list[str]:
        story = refused(3.1)
        story.request("poll", 6.1, status=0)
        story.add(ConnEnd(cid=story.cids, side="server", how="rst"), 10.1)
        for at in (after, then):
            story.request("poll", at, status=503)
        return missed(story)

    assert (told(10.11, 12.1), told(10.11, 13.11)) == ([], [])
    assert (len(told(11.0, 14.0)), len(told(10.11, 10.9))) == (1, 1)


def test_a_poll_that_was_due_in_a_sleep_comes_at_the_waking_and_the_raster_stays():
    def told(woke: float, then: float) -> list[str]:
        story = refused(3.1, woke, then)
        asleep = (5.0, "device", acts.Suspends(lasts=3.0), "suspends for 3s")
        story.plan = plan(asleep, lasts=60.0)
        story.deeds()
        return missed(story, until=then + 1.0)

    assert (told(8.0, 9.1), told(8.0, 11.0)) == ([], [])
    assert told(8.0, 8.5) == ["row 47, poll: one was due from 9.10 s and came at 8.50 s"]


@pytest.mark.parametrize("status", [401, 302])
def test_what_leads_to_another_question_at_once_is_no_poll_too_soon(status):
    assert missed(refused(3.1, 3.2, 6.2, 6.3, 9.3, 12.3, status=status, location="/there"), until=12.4) == []


def test_a_poll_asked_again_with_a_new_token_leaves_the_raster_as_it_was():
    story = refused(3.1)
    story.request("poll", 6.1, status=401)
    story.request("token", 6.3)
    for at in (6.6, 9.1, 12.1):
        story.request("poll", at, status=503)
    assert missed(story) == []


def test_a_dial_that_hung_may_have_been_the_poll_that_was_due():
    story = refused(3.1, 16.1)
    story.add(Dial(client="c1", path="wifi", port=0, from_ns=ns(6.1), to_ns=ns(16.1), fate="given up"), 16.1)
    assert missed(story, until=17.0) == []


def test_nobody_is_held_to_an_interval_that_is_not_declared():
    assert missed(refused(3.1, 4.1, 5.0, policies=REFERENCE.without("poll_every"))) == []


def test_the_law_of_backoff_fails_by_the_row():
    story = refused(3.1, 4.1, 5.1)
    story.end(6.0, "interrupted")
    found = law("backoff", story)
    assert (found.state, found.cause) == (LawState.FAILED, "poll-interval")
    assert found.sentence.startswith("row 47, poll: one was due from 6.10 s and came at 4.10 s (2 times in all)")


def test_no_poll_is_due_once_one_was_answered_by_the_job_s_end_however_late_the_app_is_told():
    story = refused(3.1, 6.1)
    story.request("poll", 9.1)
    story.answered(len(story.times()) - 1, 9.12, status="completed")
    assert missed(story) == []


def test_no_poll_is_due_once_a_204_said_stop_whatever_the_last_question_met():
    def told(status: int, *last: float) -> list[str]:
        story = refused(3.1, 6.1)
        story.request("stream", 7.0, status=status)
        for at in last:
            story.request("poll", at, status=401)
        return missed(story)

    assert (told(204), told(204, 7.1)) == ([], [])
    assert (len(told(503)), len(told(503, 7.1))) == (1, 1)
