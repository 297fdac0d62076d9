"""Rows 1, 4, 13, 16, 30 and 43: what a client dials and asks at once, and asks again."""

import pytest

from harness.deeds import acts
from harness.history import Body, Chunk, Delivered, Read
from harness.judge.case import Case, ClientCase
from harness.judge.obligations.questions import questions
from harness.judge.verdict import LawVerdict
from harness.sse.policy import REFERENCE, Policies
from tests.judge.dialling import Dials
from tests.judge.ruling import law
from tests.judge.story import Story, plan

SLEEPS = ((0.2, "device", acts.Suspends(lasts=30.0), "suspends for 30s"),)
UNTIL = 60.0
BRIEF = Policies(backoff_cap=4.0)
SELDOM = Policies(poll_every=100.0)


def client(story: Story) -> ClientCase:
    story.end(UNTIL, "limit")
    return Case(story.plan, story.history()).clients[0]


def late(story: Story) -> list[str]:
    found = client(story)
    return [one.sentence() for one in questions(found) if one.late(found.case)]


def early(story: Story) -> list[str]:
    found = client(story)
    return [one.sentence() for one in questions(found) if one.row.value[0] == 43 and one.early(found.case)]


def judged(story: Story) -> LawVerdict:
    story.end(20.0, "limit")
    return law("backoff", story)


def started(dialled: float | None, *, read: bool = True, by: str = "", asleep: bool = False) -> Story:
    """A start that is answered by 0.1 s, and a stream that is dialled then."""
    story = Story(plan(*(SLEEPS if asleep else ()), lasts=300.0))
    story.emit_all()
    story.deeds()
    cid = story.conn(0.05)
    story.request("start", 0.06, cid=cid, status=202, by=by)
    story.add(Chunk(cid=cid, direction="downstream", offset=0, length=100, fate="delivered"), 0.09)
    story.add(Body(rid=1, cid=cid, length=9, digest="x", whole=True), 0.1)
    if read:
        story.add(Read(cid=cid, upto=100), 0.1)
    story.close(0.11, cid)
    if dialled is not None:
        story.path["c1"] = "wifi"
        story.request("stream", dialled + 0.001, cid=story.conn(dialled + 0.0005, began=dialled))
    return story


def connected(wait: float, *, spare: bool = False, policies: Policies | None = None) -> Dials:
    """A connection of 4.6 s that carries its request so long after it was let in."""
    story = Dials(policies=policies)
    cid = story.conn(4.601, path="wifi", began=4.6)
    if spare:
        story.asks("poll", 4.61)
    story.request("stream", 4.601 + wait, cid=cid)
    return story


def gap(*polls: float, how: str = "reset", policies: Policies | None = None, read: bool = True, at: float = 5.0,
        status: int = 503, **answer: str) -> Story:  # fmt: skip
    """A stream tells of a gap at 5 s, or is refused then; the status is asked for at these times, in vain."""
    story = Dials(the_plan=plan(lasts=300.0, policies=policies), lost=200.0 if how == "reset" else 4.0)
    if how == "reset":
        story.add(Chunk(cid=story.first, direction="downstream", offset=100, length=100, fate="delivered"), at - 1e-4)
        story.add(Delivered(rid=1, cid=story.first, type="reset"), at)
        if read:
            story.add(Read(cid=story.first, upto=200), at + 1e-4)
    else:
        refused(story, at, read=read)
    for when in polls:
        story.asks("poll", when, status=status, **answer)
        story.ends(story.cids, when + 0.02)
    return story


def refused(story: Dials, at: float, *, read: bool = True) -> None:
    """A stream request is answered by 410."""
    cid = story.asks("stream", at - 0.007, status=410)
    if read:
        story.reads(cid, at - 1e-4)
    story.ends(cid, at + 1e-3, read=read)


def test_of_an_empty_history_nothing_is_due():
    assert questions(client(Story(plan()))) == []


# Row 1.


@pytest.mark.parametrize(("dialled", "sentences"), [(0.12, 0), (1.14, 0), (1.16, 1), (3.1, 1), (None, 1)])
def test_the_stream_of_an_accepted_job_is_dialled_within_a_second(dialled, sentences):
    assert len(late(started(dialled))) == sentences


def test_a_stream_that_was_dialled_late_or_never_says_by_which_row():
    said = "row 1, answered start: the stream of the job that was accepted at 0.10 s was to be dialled by 1.10 s"
    assert late(started(3.1)) == [f"{said}, and was at 3.10 s"]
    assert late(started(None)) == [f"{said}, and never was"]


def test_an_answer_of_a_box_in_doubt_or_before_a_sleep_makes_no_stream_due():
    assert late(started(9.0, by="middle")) == []
    assert late(started(31.0, asleep=True)) == []
    found = started(9.0, read=False)
    found.add(Read(cid=1, upto=50), 0.095)
    assert late(found) == []


# Row 4.


def test_a_connection_carries_its_request_after_a_handshake_and_a_round_trip():
    assert late(connected(0.018 + 0.04)) == []
    (told,) = late(connected(2.0))
    assert told == (
        "row 4, request on a new connection: a request on the connection of 4.60 s was to be made by 4.62 s, and was "
        "at 6.60 s"
    )


def test_a_callback_that_blocks_holds_a_request_up():
    assert late(connected(0.5, policies=Policies(handler_takes=0.5))) == []
    assert len(late(connected(0.7, policies=Policies(handler_takes=0.5)))) == 1


def test_a_spare_connection_is_used_later():
    assert late(connected(2.0, spare=True)) == []


# Rows 16 and 30.


@pytest.mark.parametrize(("how", "row"), [("reset", "row 30, gap"), ("410", "row 16, refused cursor")])
def test_a_gap_is_asked_about_within_a_second(how, row):
    assert late(gap(6.04, how=how, policies=SELDOM)) == []
    assert late(gap(8.0, how=how, policies=SELDOM)) == [
        f"{row}: the status, for the gap of 5.00 s ({how}), was to be asked for by 6.00 s, and was at 8.00 s"
    ]
    assert late(gap(how=how))[0].endswith("by 6.00 s, and never was")


def test_a_question_near_the_gap_has_no_order_with_it():
    assert late(gap(4.95, policies=SELDOM)) == []


@pytest.mark.parametrize("how", ["reset", "410"])
def test_a_gap_in_doubt_makes_nothing_due(how):
    assert late(gap(how=how, read=False)) == []


def test_a_second_gap_of_a_stream_in_an_open_one_asks_for_nothing_more():
    story = gap(5.1, 30.0)
    story.add(Delivered(rid=1, cid=1, type="reset"), 15.5)
    assert late(story) == []


def test_a_cursor_that_is_refused_again_asks_again():
    story = gap(5.1, 30.0, how="410")
    refused(story, 15.0)
    assert late(story)[0].startswith(
        "row 16, refused cursor: the status, for the gap of 15.00 s (410), was to be asked"
    )


# Row 43.


def test_what_was_asked_in_vain_is_asked_again_by_the_cap():
    assert late(gap(*(5.1 + 4.0 * place for place in range(14)), policies=BRIEF)) == []
    (told,) = late(gap(5.1, 11.0, *(15.0 + 4.0 * place for place in range(12)), policies=BRIEF))
    assert told == (
        "row 43, failed asking for a gap: the status, asked for in vain until 5.11 s, was to be asked for again by "
        "9.11 s, and was at 11.00 s"
    )


def test_who_asks_once_only_is_told():
    assert late(gap(5.1, policies=BRIEF))[0].endswith("was to be asked for again by 9.11 s, and never was")


def test_an_answer_that_came_whole_ends_the_asking():
    story = gap(5.1, policies=BRIEF)
    story.asks("poll", 8.1)
    story.answered(9, 8.11)
    story.reads(story.cids, 8.12)
    assert late(story) == []


@pytest.mark.parametrize(("how", "sentences"), [("reset", 1), ("410", 0)])
def test_it_is_asked_again_no_sooner_than_polls_are(how, sentences):
    assert len(early(gap(5.1, 6.0, how=how))) == sentences
    assert early(gap(5.1, 8.09)) == []


def test_the_end_of_the_job_calls_for_one_question_more():
    story = gap(5.1, 6.0)
    story.add(Delivered(rid=1, cid=1, type="completed"), 5.9)
    assert early(story) == []


def test_a_retry_after_puts_the_question_off():
    asked = {"retry_after": "6", "policies": BRIEF}
    assert late(gap(5.1, 14.9, 24.0, 34.0, 44.0, 54.0, **asked)) == []
    assert len(late(gap(5.1, 16.0, 25.0, 34.0, 44.0, 54.0, **asked))) == 1


def test_who_declares_no_interval_or_no_cap_may_ask_at_any_time():
    assert late(gap(5.1, policies=REFERENCE.without("backoff_cap"))) == []
    assert late(gap(5.1, policies=REFERENCE.without("poll_every"))) == []


def test_a_status_that_was_refused_for_good_is_not_asked_for_again():
    assert late(gap(5.1, policies=BRIEF, status=404)) == []


# The law.


@pytest.mark.parametrize(
    ("story", "row", "cause"),
    [
        (started(3.0), 1, "start-unasked"),
        (connected(3.0), 4, "request-unasked"),
        (gap(8.0, how="410"), 16, "gap-unasked"),
        (gap(8.0), 30, "gap-unasked"),
        (gap(5.1, 6.0), 43, "gap-unasked"),
        (gap(5.1, policies=BRIEF), 43, "gap-unasked"),
    ],
)
def test_the_law_of_backoff_fails_by_each_row(story, row, cause):
    found = judged(story)
    assert (found.sentence.split(",")[0], found.cause) == (f"row {row}", cause)


def unauthorized(asked: float | None, *, whole: bool = True) -> Story:
    """A start that is answered 401 by 0.1 s, and a new token that is asked for then."""
    story = Story(plan(lasts=300.0))
    cid = story.conn(0.05)
    story.request("start", 0.06, cid=cid, status=401)
    story.add(Chunk(cid=cid, direction="downstream", offset=0, length=100, fate="delivered"), 0.065)
    story.add(Body(rid=1, cid=cid, length=9, digest="x", whole=whole), 0.1)
    story.add(Read(cid=cid, upto=100), 0.1)
    story.close(0.11, cid)
    if asked is not None:
        story.request("token", asked + 0.001, cid=story.conn(asked + 0.0005, began=asked))
    return story


def test_a_new_token_is_asked_for_within_a_second_of_its_401():
    assert late(unauthorized(0.9)) == []
    (found,) = late(unauthorized(4.1))
    assert found.startswith("row 13, one token a refusal: a new token, for the 401 of 0.10 s, was to be asked for by ")
    assert found.endswith("1.10 s, and was at 4.10 s")


def test_a_401_that_was_cut_or_led_to_no_token_makes_none_due():
    assert late(unauthorized(4.1, whole=False)) == []
    assert late(unauthorized(None)) == []
