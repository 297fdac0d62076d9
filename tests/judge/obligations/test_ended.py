"""Why attempts ended, and by when one that brings nothing had to be over."""

import math

import pytest

from harness.deeds import acts
from harness.history import Chunk, ConnEnd, Delivered, Read
from harness.judge.case import Case, ClientCase
from harness.judge.facts.attempts import AttemptLife, attempts
from harness.judge.obligations.ended import Why, borne_until, bounded, over_by, why_ended
from harness.sse.policy import REFERENCE, Policies
from tests.judge.dialling import Dials
from tests.judge.obligations.test_closings import asked, flowing, opened
from tests.judge.story import Story, plan

SLEEPS = ((6.0, "device", acts.Suspends(lasts=2.0, silently=True), "suspends for 2s silently"),)


def last(story: Story, until: float = 60.0) -> tuple[ClientCase, AttemptLife]:
    """The last attempt of a client."""
    story.end(until, "limit")
    client = Case(story.plan, story.history()).clients[0]
    return client, attempts(client)[-1]


def why(story: Story) -> Why:
    return why_ended(*last(story))


def dialled(lasts: float, fate: str = "given up", **more) -> Dials:
    """A dial of 4.6 s that is not let in."""
    story = Dials(**more)
    story.dials(4.6, lasts, fate)
    return story


def connected(lasts: float) -> Dials:
    """A dial of 4.6 s that is let in, and carries no request until its client leaves."""
    story = Dials()
    story.path["c1"] = "wifi"
    cid = story.conn(4.601, began=4.6)
    story.ends(cid, 4.6 + lasts, read=False)
    return story


def told(story: Dials, what: str, at: float) -> Dials:
    story.signal(what, at, "cellular" if what == "joins" else "wifi")
    return story


@pytest.mark.parametrize("fate", ["refused", "lost", "ENETUNREACH"])
def test_the_network_ends_a_dial(fate):
    assert why(dialled(1.0, fate)) is Why.MET


def test_a_deadline_of_its_own_a_signal_or_nothing_ends_a_dial_that_hangs():
    assert why(dialled(10.0)) is Why.SILENCE
    assert why(told(dialled(3.0), "joins", 7.6)) is Why.SIGNAL
    assert why(told(dialled(3.0), "joins", 6.0)) is Why.OWN
    assert why(told(dialled(3.0), "loses", 7.6)) is Why.OWN
    assert why(dialled(3.0)) is Why.OWN


def test_a_sleep_and_an_open_gap_end_a_dial():
    slept = dialled(3.0, the_plan=plan(*SLEEPS, lasts=300.0))
    slept.deeds()
    assert why(slept) is Why.MET
    gap = dialled(3.0)
    gap.add(Delivered(rid=1, cid=gap.first, type="reset"), 3.9)
    assert why(gap) is Why.MET


def test_a_connection_that_carried_no_request_was_dropped_for_a_signal_or_for_nothing_of_the_client_s():
    assert why(told(connected(1.0), "joins", 5.59)) is Why.SIGNAL
    assert why(connected(1.0)) is Why.MET


def test_a_connection_that_only_the_gate_saw_is_no_dial_that_hung():
    story = connected(1.0)
    story.records = [one for one in story.records if type(one).__name__ != "Dial"]
    assert why(story) is Why.MET


def test_the_server_and_an_answer_end_a_request():
    assert why(Dials().answered(0.6, 503)) is Why.MET
    story = Dials()
    cid = story.asks("stream", 4.6)
    story.add(ConnEnd(cid=cid, side="server", how="rst"), 9.0)
    story.ends(cid, 9.001)
    assert why(story) is Why.MET


def test_the_watchdog_a_signal_or_nothing_ends_a_request_without_an_answer():
    assert why(asked(20.0)) is Why.SILENCE
    assert why(told(asked(5.0), "joins", 9.6)) is Why.SIGNAL
    assert why(told(asked(5.0), "joins", 7.0)) is Why.OWN
    assert why(asked(5.0)) is Why.OWN


def test_a_signal_ends_a_stream_before_its_first_byte_and_none_behind_it():
    assert why(opened(10.0)) is Why.SILENCE
    assert why(told(opened(5.0), "joins", 9.607)) is Why.SIGNAL
    assert why(told(flowing(5.0, 5.0), "joins", 10.0)) is Why.OWN
    assert why(flowing(20.0, 5.0)) is Why.SILENCE


@pytest.mark.parametrize("what", ["loses", "offline", "resumed"])
def test_the_loss_of_its_path_ends_a_flow(what):
    assert why(told(flowing(5.0, 5.0), what, 10.0)) is Why.MET


def test_what_may_be_too_big_for_its_client_ends_a_flow():
    assert why(flowing(5.0, 5.0, policies=Policies(max_event=1000))) is Why.MET
    assert why(flowing(5.0, 5.0, policies=Policies(max_event=None))) is Why.OWN


def test_the_fall_to_polling_ends_a_stream_that_brought_no_byte():
    """The first of two failures was dialled at 4.6 s: 20 s later the client may fall back."""

    def left(at: float) -> Why:
        story = opened(at - 16.007, story=Dials().answered(0.6, 503).answered(1.5, 503), at=16.0)
        story.asks("poll", at + 0.01)
        return why(story)

    assert (left(24.62), left(21.0)) == (Why.SILENCE, Why.OWN)


def test_a_deadline_that_nobody_declared_may_have_been_over():
    assert why(dialled(3.0, policies=REFERENCE.without("connect_timeout"))) is Why.SILENCE
    assert why(asked(5.0, policies=REFERENCE.without("watchdog"))) is Why.SILENCE


# By when it had to be over.


def over(story: Story, since: float = 0.0) -> tuple[float, bool]:
    until, anew = over_by(*last(story), since)
    return round(until, 2), anew


def test_what_was_over_in_its_time_had_to_be_over_by_no_other():
    assert over(dialled(10.0)) == over(asked(20.0)) == over(flowing(20.5, 5.0)) == (math.inf, False)


def test_what_lasted_too_long_had_to_be_over_by_its_row():
    assert over(dialled(15.0)) == (14.6, False)
    assert over(asked(25.0)) == (24.6, False)
    assert over(opened(15.0)) == (14.61, False)
    assert over(flowing(25.0, 5.0)) == (26.0, False)


def test_what_was_over_before_the_healing_does_not_count():
    assert (over(dialled(15.0), since=19.0), over(dialled(15.0), since=20.0)) == ((14.6, False), (math.inf, False))


def test_a_signal_has_it_begun_anew():
    def hung(policies: Policies | None = None) -> tuple[float, bool]:
        return over(told(dialled(9.0, policies=policies), "joins", 5.5))

    assert (hung(), hung(Policies(heeds_signals=False))) == ((6.5, True), (math.inf, False))
    assert over(told(dialled(1.5), "joins", 5.5)) == (math.inf, False)
    assert over(told(asked(9.0), "joins", 5.5)) == (6.5, True)


def test_an_open_stream_is_begun_anew_by_a_device_that_woke_only():
    assert over(told(flowing(9.0, 5.0), "joins", 5.5)) == (math.inf, False)
    assert over(told(flowing(9.0, 5.0), "resumed", 5.5)) == (6.5, True)


# What a client may bear.


def test_a_client_is_bounded_by_what_it_declares_also_by_never():
    assert bounded(*last(dialled(1.0)))
    assert bounded(*last(dialled(1.0, policies=Policies(connect_timeout=None))))
    assert not bounded(*last(dialled(1.0, policies=REFERENCE.without("connect_timeout"))))
    assert bounded(*last(asked(1.0, policies=REFERENCE.without("connect_timeout"))))
    assert not bounded(*last(asked(1.0, policies=REFERENCE.without("watchdog"))))


def test_silence_as_the_run_ends_may_be_borne_until_its_row_and_what_is_over_is_not_borne():
    story = Dials()
    cid = story.asks("stream", 40.0)
    story.add(Chunk(cid=cid, direction="downstream", offset=0, length=100, fate="delivered"), 45.0)
    story.add(Read(cid=cid, upto=100), 45.0)
    assert borne_until(*last(story, until=50.0)) == pytest.approx(66.0)
    assert borne_until(*last(asked(5.0))) is None
