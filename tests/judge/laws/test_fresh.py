from harness.history import App
from harness.judge.verdict import State
from harness.sse.policy import Policies
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import handoff
from tests.judge.story import Story, ns, plan, reach


def kept(*, by: float, **more) -> Story:
    """Event 5, which reaches the phone at 2.5 s, is shown so much later; nothing newer comes before."""
    story = Story(plan(lasts=40.0, items=20, **more)).run(skip=(5,))
    at = story.times()[5] + 0.005
    story.arrive(5, at)
    story.show(5, at + by, block=False)
    return story


def test_a_flawless_run_and_a_handoff_hold():
    assert state("fresh", Story(plan()).run()) is State.HELD
    assert state("fresh", handoff()) is State.HELD


def test_an_old_state_on_the_screen_while_a_newer_was_at_the_phone_fails():
    found = law("fresh", kept(by=1.3))
    assert found.state is State.FAILED
    assert found.sentence == "the app was left at event 4 until 11.3 s, though event 5 had reached the phone at 10.0 s"
    assert [item.text for item in found.evidence] == ["id a-5 at the phone; shown too late"]
    assert state("fresh", kept(by=0.9)) is State.HELD


def test_a_state_that_is_never_shown_nor_any_newer_fails_to_the_end():
    story = Story(plan(ends="never")).run(skip=range(5, 21), until=12.0)
    story.arrive(5, 2.505)
    assert law("fresh", story).sentence == (
        "the app was left at event 4 to the end, though event 5 had reached the phone at 2.5 s"
    )


def test_a_newer_state_shown_in_time_stands_for_an_older_one():
    story = Story(plan()).run(skip=(5,))
    story.arrive(5, 2.505)
    assert state("fresh", story) is State.HELD


def test_what_the_app_s_callbacks_take_is_not_counted():
    story = kept(by=1.3, policies=Policies(handler_takes=1.0))
    before = next(one for one in story.records if isinstance(one, App) and one.id == "a-4")
    before.exit_ns = before.t_ns = ns(11.2)
    assert state("fresh", story) is State.HELD


def test_nothing_is_asked_of_it_while_no_stream_could_pass():
    story = kept(by=1.3)
    story.plan = plan(reach(9.0, "stalled"), lasts=40.0, items=20)
    story.deeds()
    assert state("fresh", story) is State.HELD


def test_a_busy_host_and_an_empty_history_are_unknown():
    story = kept(by=1.3)
    story.lags(*[150_000] * 100)
    assert state("fresh", story) is State.UNKNOWN
    assert empty("fresh", plan()) is State.UNKNOWN
