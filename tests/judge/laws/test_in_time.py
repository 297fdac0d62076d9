"""H4: a deed that came when the plan says, late, early, and on another side of an event or a deed."""

import msgspec
import pytest

from harness.deeds import acts
from harness.device.words import Reach
from harness.history import DeedDone, Weather
from harness.judge.case import Case
from harness.judge.facts.weather import made
from harness.judge.judge import judge
from harness.judge.verdict import LawState, Word
from harness.scenario.model import RateStep, StallPulse
from harness.sse.policy import Policies
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import handoff, handoff_plan
from tests.judge.story import Story, ns, plan, reach

SILENT = reach(4.1, "silent")
UP = reach(4.3, "up")


def came(story, index, at):
    """The same run, with this deed issued and returned at this time."""
    for record in story.records:
        if isinstance(record, DeedDone) and record.deed == index:
            record.issued_ns, record.returned_ns = ns(at), ns(at + 0.001)
    return story


def late(*deeds, by, index=0):
    story = Story(plan(*deeds, lasts=10.0, items=5)).run()  # an event every two seconds
    return came(story, index, deeds[index][0] + by)


def test_deeds_that_came_when_they_were_due_hold():
    assert state("in-time", handoff()) is LawState.HELD
    assert state("in-time", late(SILENT, by=0.25)) is LawState.HELD


def test_a_late_deed_that_met_the_planned_story_is_told():
    found = law("in-time", late(SILENT, by=0.31))
    assert (found.state, found.sentence) == (LawState.HELD, "late: 1 deed by 310 ms")


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
    assert (found.state, found.sentence) == (LawState.HELD, "late: 2 deeds by up to 400 ms")


def test_a_deed_in_time_keeps_its_side_of_an_event_beyond_the_runs_slack():
    """The story has lags of 0.1 ms, so a slack of 3.1 ms: an event is due at 6 s, and emitted 0.5 ms later."""
    beside = reach(5.99, "silent")
    for by, expected in (
        (0.012, LawState.HELD),
        (0.0135, LawState.HELD),
        (0.014, LawState.FAILED),
        (0.2, LawState.FAILED),
    ):
        assert state("in-time", late(beside, by=by)) is expected, by
    assert state("in-time", late(reach(5.998, "silent"), by=0.2)) is LawState.HELD  # planned within the slack of it
    found = law("in-time", late(beside, by=0.1)).sentence
    assert found == "the deed at 5.99 s (wifi silent) came 100 ms late, after an event that was due at 6.0 s"


def test_a_lag_is_no_order_where_the_deed_was_in_time_and_excuses_none_that_was_late():
    for by, expected in ((0.2, LawState.HELD), (0.4, LawState.FAILED)):
        story = late(reach(5.9, "silent"), by=by)
        story.lags(*[100] * 99, 300_000)
        assert state("in-time", story) is expected


def test_a_deadline_of_the_client_that_came_first_is_another_story():
    for timeout, how in ((0.4, "timeout"), (0.5, "timeout"), (None, "timeout"), (0.4, "refused")):
        story = late(SILENT, by=1.0)
        client = msgspec.structs.replace(story.plan.client, policies=Policies(connect_timeout=timeout))
        story.plan = msgspec.structs.replace(story.plan, client=client)
        story.dial(4.5, cause="failed", opens=False)
        story.hang_up(4.9, how)
        fired = (timeout, how) == (0.4, "timeout")
        assert law("in-time", story).sentence == (
            "the deed at 4.1 s (wifi silent) came 1.0 s late, after a deadline of the client that was due at 4.9 s"
            if fired
            else "late: 1 deed by 1.0 s"
        ), (timeout, how)


def test_what_a_deed_meets_gate_by_gate_is_on_either_side_of_it():
    """Each gate is judged by its own client's events; all but the first may be late by as much as the others took."""

    def second(by: float) -> Story:
        story = late(reach(5.99, "silent"), by=0.0)
        story.add(DeedDone(deed=0, issued_ns=ns(5.99 + by), returned_ns=ns(6.3), client="c2"), 6.3)
        return story

    assert state("in-time", second(0.2)) is LawState.HELD
    assert state("in-time", second(0.3)) is LawState.HELD  # the events are the other client's
    story = second(0.3)
    story.emit_all(job="j2")
    story.request("stream", 1.0, client="c2", job="j2")
    story.plan = msgspec.structs.replace(story.plan, client=msgspec.structs.replace(story.plan.client, count=2))
    assert state("in-time", story) is LawState.FAILED


@pytest.mark.parametrize("by", [-0.4, -3.0])
def test_a_deed_before_its_time_is_void(by):
    assert law("in-time", late(SILENT, by=by)).state is LawState.FAILED


def test_a_plan_without_deeds_has_none_to_be_late():
    assert state("in-time", Story(plan()).run()) is LawState.NOT_JUDGED


def test_an_empty_history_says_nothing():
    assert empty("in-time", handoff_plan()) is LawState.UNKNOWN


STALL = StallPulse(path="wifi", at=3.0, lasts=0.2)
STEPS = (RateStep(path="wifi", at=5.0, down=1e6, up=1e5), RateStep(path="wifi", at=5.5, down=2e6, up=1e5))


def weathered(*behind: float, deed: float = 9.0) -> Story:
    """A run whose stall and two steps of rate came so late, and a word of their path at ``deed``."""
    the_plan = plan((deed, "wifi", acts.SetReach(word=Reach.UP), "up"), lasts=10.0, items=5)
    story = Story(msgspec.structs.replace(the_plan, weather=(STALL, *STEPS))).run()
    said = [("stall", 0.2), ("rate 1000000 B/s", 0.0), ("rate 2000000 B/s", 0.0)]
    for planned, (what, lasts), late_by in zip(story.plan.weather, said, behind, strict=True):
        story.add(Weather(path="wifi", what=what, lasts=lasts), planned.at + late_by)
    return story


def test_weather_that_is_late_is_told_and_was_made():
    story = weathered(0.3, 0.1, 0.6)
    found = law("in-time", story)
    assert (found.state, found.sentence) == (LawState.HELD, "late: 2 changes of weather by up to 600 ms")
    made_ones = made(Case(story.plan, story.history()))
    assert [one.record is not None for one in made_ones] == [True] * 3
    assert law("in-time", weathered(0.0, 0.0, 0.25)).sentence == ""


def test_weather_behind_a_deed_of_its_path_that_it_was_planned_before_is_void():
    assert law("in-time", weathered(0.0, 0.0, 0.6, deed=5.7)).sentence == (
        "the rate 2000000 B/s of wifi at 5.5 s came 600 ms late, after wifi up that was due behind it"
    )
    assert state("in-time", weathered(0.0, 0.0, 0.6, deed=6.2)) is LawState.HELD


def test_one_that_was_never_made_is_missed_alone_however_late_the_others_are():
    story = weathered(0.3, 0.3, 0.3)
    story.records = [one for one in story.records if not (isinstance(one, Weather) and "1000000" in one.what)]
    found = [one.record is not None for one in made(Case(story.plan, story.history()))]
    assert found == [True, False, True]
    early = weathered(0.0, -0.3, 0.0)
    assert [one.record is not None for one in made(Case(early.plan, early.history()))] == [True, False, True]
