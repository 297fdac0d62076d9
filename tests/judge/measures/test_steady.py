from harness.deeds import acts
from harness.device.words import Radio
from harness.history import DeedDone
from harness.judge.case import Case
from harness.judge.measures.steady import behind, steady
from harness.sse.policy import Policies
from harness.toxics.shape import Shape
from tests.judge.scenes import JOINS, half_open, handoff, handoff_plan, noticed
from tests.judge.story import Story, plan, without


def windows(story: Story, history=None) -> list[tuple[float, float, str | None]]:
    found = steady(Case(story.plan, history or story.history()).clients[0])
    return [(round(one.start, 2), round(one.end, 2), one.interval.path) for one in found]


def test_from_the_first_202_to_the_deed_and_from_r_after_the_healing_to_the_end():
    story = handoff(handoff_plan(lasts=40.0, items=80))
    assert windows(story) == [(1.01, 3.9, "wifi"), (7.31, 40.0, "cellular")]


def test_a_broken_client_cannot_delete_its_bad_samples():
    """R begins at what a client really is at, and is what a lawful one needs from there on."""
    good = noticed()
    broken = half_open(good.plan)
    assert windows(broken)[0] == windows(good)[0]
    assert 0 <= windows(broken)[1][0] - windows(good)[1][0] < 1.0


def test_a_deed_that_ends_nothing_interrupts_for_a_second():
    story = Story(plan((4.0, "device", JOINS, "joins cellular"))).run()
    assert windows(story) == [(1.01, 3.9, "wifi"), (5.0, 10.0, "wifi")]


def test_a_change_over_some_time_interrupts_until_its_last_step():
    shape = acts.SetShape(profile="3g", shape=Shape(latency=0.1), radio=Radio(), over=2.0)
    story = Story(plan((4.0, "wifi", shape, "3g over 2s"))).run()
    assert windows(story) == [(1.01, 3.9, "wifi"), (7.0, 10.0, "wifi")]


def test_without_an_accepted_job_there_is_none():
    story = Story(plan())
    story.end(1.0)
    assert windows(story) == []


def test_deeds_not_carried_out_count_at_their_planned_time():
    story = handoff()
    history = story.history()
    assert windows(story, without(history, DeedDone))[0] == (1.01, 3.9, "wifi")


def test_a_handler_is_behind_while_an_update_waits_for_it():
    def spans(takes: float) -> list[tuple[float, float]]:
        story = Story(plan(lasts=2.0, items=4, policies=Policies(handler_takes=takes))).run()
        found = behind(Case(story.plan, story.history()).clients[0])
        return [(round(since, 2), round(until, 2)) for since, until in found]

    # Updates half a second apart, and the last of them at the same instant as the job's end.
    assert spans(0.0) == []
    assert spans(0.4) == [(2.0, 2.4)]
    assert spans(0.6) == [(0.5, 0.6), (1.0, 1.2), (1.5, 1.8), (2.0, 2.4), (2.0, 3.0)]
