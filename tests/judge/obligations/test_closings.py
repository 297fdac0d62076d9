"""Rows 7, 10, 25 and 31: a dial, a request and a stream that bring nothing are let go of in their time."""

import pytest

from harness.deeds import acts
from harness.history import Chunk, Delivered, Response, StreamBegan
from harness.judge.case import Case, ClientCase
from harness.judge.obligations.closings import closings
from harness.judge.obligations.due import late_ones
from harness.sse.policy import REFERENCE, FedBy, Policies
from tests.judge.dialling import Dials
from tests.judge.ruling import law
from tests.judge.story import Story, plan

UNTIL = 80.0
SLEEPS = ((10.0, "device", acts.Suspends(lasts=30.0, silently=True), "suspends for 30s silently"),)


def client(story: Story, until: float = UNTIL) -> ClientCase:
    story.end(until, "limit")
    return Case(story.plan, story.history()).clients[0]


def late(story: Story) -> list[str]:
    found = client(story)
    return [one.sentence() for one in late_ones(found, closings(found))]


def asleep(policies: Policies | None = None) -> Dials:
    """The device sleeps from 10 s to 40 s."""
    story = Dials(the_plan=plan(*SLEEPS, lasts=300.0, policies=policies))
    story.deeds()
    return story


def dialled(lasts: float, policies: Policies | None = None) -> list[str]:
    """A dial that hangs from 4.6 s on."""
    return late(Dials(policies=policies).refused(0.6, lasts=lasts))


def asked(lasts: float, what: str = "stream", *, policies: Policies | None = None, story: Dials | None = None) -> Dials:
    """A request at 4.601 s that is not answered before its client leaves, so many seconds later."""
    story = story or Dials(policies=policies)
    cid = story.asks(what, 4.6, status=0)
    story.ends(cid, 4.601 + lasts, read=False)
    return story


def opened(
    lasts: float, *, body: float | None = None, policies: Policies | None = None, story: Dials | None = None,
    at: float = 4.6,
) -> Dials:  # fmt: skip
    """A stream whose head comes 7 ms behind its dial, and its body's first byte so long after it, or never."""
    story, head = story or Dials(policies=policies), at + 0.007
    cid = story.asks("stream", at, status=0)
    story.add(Response(rid=story.rids, cid=cid, status=200, content_type="text/event-stream"), head)
    if body is not None:
        story.add(StreamBegan(rid=story.rids, cid=cid), head + body)
    story.ends(cid, head + lasts, read=False)
    story.box("muted", head, cid)
    return story


def flowing(lasts: float, *reads: float, policies: Policies | None = None, story: Dials | None = None) -> Dials:
    """A stream from 4.607 s on that is read at these times, and that its client leaves so long after the last one."""
    story = story or Dials(policies=policies)
    cid = story.asks("stream", 4.6)
    for place, at in enumerate(reads, 1):
        story.reads(cid, at, upto=100 * place)
    story.ends(cid, max(reads) + lasts, read=False)
    return story


def test_of_an_empty_history_nothing_is_due():
    assert closings(client(Story(plan()))) == []


def test_each_dial_request_and_stream_has_its_row():
    found = closings(client(flowing(20.0, 5.0)))
    assert [one.row.value[0] for one in found] == [7, 25, 7, 25, 10, 31, 10, 31]


# Row 7.


@pytest.mark.parametrize(("lasts", "sentences"), [(3.0, 0), (9.9, 0), (10.04, 0), (10.1, 1), (15.0, 1)])
def test_a_dial_is_given_up_by_the_connect_deadline(lasts, sentences):
    assert len(dialled(lasts)) == sentences


def test_a_dial_that_hung_for_too_long_says_by_which_row():
    assert dialled(15.0) == [
        "row 7, connect deadline: a dial through wifi was to be given up by 14.60 s, and was at 19.60 s"
    ]


def test_a_connect_deadline_of_never_or_of_nobody_bounds_no_dial():
    assert dialled(60.0, Policies(connect_timeout=None)) == []
    assert dialled(60.0, REFERENCE.without("connect_timeout")) == []


# Row 10.


@pytest.mark.parametrize("what", ["stream", "poll", "token", "results", "start"])
def test_a_request_without_an_answer_is_given_up_by_the_watchdog(what):
    assert late(asked(20.0, what)) == []
    (told,) = late(asked(25.0, what))
    assert told == (
        f"row 10, silent request: a {what} request without an answer from 4.60 s on was to be given up by 24.60 s, "
        "and was at 29.60 s"
    )


def test_a_request_that_is_never_let_go_of_is_told_where_the_run_went_on():
    story = Dials()
    story.asks("poll", 4.6, status=0)
    assert late(story)[0].endswith("by 24.60 s, and was at 80.00 s")
    story = Dials()
    story.asks("poll", 70.0, status=0)
    assert late(story) == []


@pytest.mark.parametrize("answered", [24.5, 24.7])
def test_an_answer_near_the_watchdog_s_time_has_no_order_with_it(answered):
    story = asked(20.04)
    story.add(Response(rid=story.rids, cid=story.cids, status=503), min(answered, 24.64))
    assert late(story) == []


def test_a_stream_that_answers_at_last_came_too_late():
    story = asked(40.0)
    story.add(Response(rid=story.rids, cid=story.cids, status=200, content_type="text/event-stream"), 30.6)
    assert late(story)[0].endswith("without an answer from 4.60 s on was to be given up by 24.60 s, and was at 30.60 s")


def test_an_answer_that_stops_in_its_midst_is_given_up_as_one_that_never_came():
    story = Dials()
    cid = story.asks("poll", 4.6)
    story.reads(cid, 14.6)
    story.ends(cid, 44.6, read=False)
    assert late(story)[0].startswith("row 10, silent request: a poll request without an answer from 14.60 s on")


# Row 25.


def test_an_opened_stream_without_a_byte_is_let_go_of_by_the_shorter_patience():
    assert late(opened(10.04)) == []
    (told,) = late(opened(12.0))
    assert told == (
        "row 25, stream without a body: a stream without a byte of its body from 4.61 s on was to be let go of by "
        "14.61 s, and was at 16.61 s"
    )
    assert late(opened(5.0, policies=Policies(watchdog=3.0)))[0].endswith("by 7.61 s, and was at 9.61 s")


def test_the_first_byte_of_a_body_ends_what_is_due_before_it():
    assert late(opened(25.0, body=10.04)) == []
    assert len(late(opened(25.0, body=10.2))) == 1


def test_of_two_patiences_of_which_one_is_declared_that_one_bounds():
    assert len(late(opened(12.0, policies=REFERENCE.without("watchdog")))) == 1
    assert late(opened(12.0, policies=REFERENCE.without("suspects_after"))) == []
    assert late(opened(60.0, policies=REFERENCE.without("watchdog", "suspects_after"))) == []
    assert late(opened(60.0, policies=Policies(watchdog=None, suspects_after=None))) == []


# Row 31.


@pytest.mark.parametrize(("lasts", "sentences"), [(2.0, 0), (20.0, 0), (21.04, 0), (21.1, 1), (40.0, 1)])
def test_a_silent_stream_is_let_go_of_by_the_watchdog_and_a_second(lasts, sentences):
    assert len(late(flowing(lasts, 5.0, 20.0))) == sentences


def test_a_silence_that_was_borne_is_told_though_bytes_came_again():
    assert late(flowing(3.0, 5.0, 45.0)) == [
        "row 31, watchdog: a stream, silent from 5.00 s on was to be let go of by 26.00 s, and was at 45.00 s"
    ]


def test_a_silence_is_told_though_the_stream_brought_the_end_at_last():
    story = flowing(3.0, 5.0, 45.0)
    story.add(Delivered(rid=story.rids, cid=story.cids, type="completed"), 45.0)
    assert len(late(story)) == 1


def test_what_is_held_after_the_end_came_is_no_silence():
    story = flowing(40.0, 5.0)
    story.add(Delivered(rid=story.rids, cid=story.cids, type="completed"), 5.0)
    assert late(story) == []


def test_comments_do_not_feed_a_watchdog_that_is_fed_by_events():
    assert late(flowing(5.0, 5.0, 15.0, 30.0)) == []
    assert len(late(flowing(5.0, 5.0, 15.0, 30.0, policies=Policies(watchdog_fed_by=FedBy.EVENTS)))) == 1


def test_a_watchdog_of_never_or_of_nobody_bounds_no_silence_and_has_a_usual_one_in_its_place():
    assert late(flowing(60.0, 5.0, policies=REFERENCE.without("watchdog"))) == []
    story = flowing(60.0, 5.0, policies=Policies(watchdog=None))
    found = [one for one in closings(client(story)) if one.row.value[0] == 31]
    assert [(one.declared, round(one.high, 2)) for one in found] == [(False, 21.02), (False, 26.0)]


def test_time_asleep_is_no_silence_and_patience_may_begin_anew_at_the_waking():
    assert late(flowing(40.0, 5.0, story=asleep())) == []
    assert late(asked(50.0, story=asleep())) == []
    assert len(late(flowing(57.0, 5.0, story=asleep()))) == 1


def test_bytes_that_nobody_s_phone_has_read_count_as_they_come():
    story = flowing(60.0, 5.0)
    story.records = [one for one in story.records if type(one).__name__ != "Read"]
    story.add(Chunk(cid=2, direction="downstream", offset=100, length=9, fate="delivered"), 20.0)
    assert late(story)[0].startswith("row 31, watchdog: a stream, silent from 20.00 s on was to be let go of by 41.00")


# The law.


@pytest.mark.parametrize(
    ("story", "row", "cause"),
    [
        (Dials().refused(0.6, lasts=20.0), 7, "hung-dial"),
        (asked(30.0), 10, "late-watchdog"),
        (opened(30.0), 25, "late-watchdog"),
        (flowing(30.0, 5.0), 31, "late-watchdog"),
    ],
)
def test_the_law_of_backoff_fails_by_each_row_though_no_outage_is_judged(story, row, cause):
    story.end(60.0, "limit")
    found = law("backoff", story)
    assert (found.sentence.split(",")[0], found.cause) == (f"row {row}", cause)
