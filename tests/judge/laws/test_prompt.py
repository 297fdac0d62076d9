from typing import Any

import pytest

from harness.history import App, Emit, Health
from harness.judge.verdict import LawState
from harness.sse.policy import Policies
from tests.judge.ruling import empty, law, state
from tests.judge.story import LTE, Story, plan, without


def steady(count: int, *, slow: int = 0, delay: float = 0.12, **more: Any) -> Story:
    """A run with this many steady events on Wi-Fi, ``slow`` of which take ``delay``: 5 a second."""
    items = count + 4  # the first second is not steady, and the terminal event is one more
    story = Story(plan(lasts=items / 5, items=items, **more))
    story.emit_all()
    story.request("start", 0.001, status=202)
    story.dial(0.01)
    times = story.times()
    for index, due in enumerate(times):
        late = delay if 200 <= index < 200 + slow else 0.005
        story.show(index, max(due + late, 0.03))
    story.finish(times[-1] + delay + 0.01)
    story.end(times[-1] + 1.5)
    return story


def test_no_exceedance_in_368_holds():
    story = steady(368)
    found = law("prompt", story)
    assert found.state is LawState.HELD
    assert found.sentence == "p99 5 ms on Wi-Fi (n = 368, 95 % interval 5 ms to 5 ms)"


def test_one_exceedance_in_368_is_unknown():
    assert law("prompt", steady(368, slow=1)).state is LawState.UNKNOWN


@pytest.mark.parametrize(
    ("slow", "expected"), [(2, LawState.HELD), (3, LawState.UNKNOWN), (13, LawState.UNKNOWN), (14, LawState.FAILED)]
)
def test_750_events_forgive_two(slow, expected):
    assert state("prompt", steady(750, slow=slow)) is expected


def test_a_failure_shows_the_slowest():
    found = law("prompt", steady(400, slow=40))
    assert "updates were not prompt: p99 120 ms on Wi-Fi" in found.sentence
    assert found.evidence[0].text.endswith("120 ms to the screen")


def test_an_update_that_a_later_state_replaced_counts_from_the_later_one():
    story = steady(750)
    story.records = [r for r in story.records if not (isinstance(r, App) and r.id in {"a-300", "a-500"})]
    assert state("prompt", story) is LawState.HELD
    story.records = [r for r in story.records if not (isinstance(r, App) and r.id == "a-600")]
    assert "95 % interval 5 ms to 205 ms" in law("prompt", story).reason


def test_lost_updates_count_as_infinitely_late():
    story = steady(400, ends="never")
    lost = {f"a-{index}" for index in range(380, 421)}
    story.records = [r for r in story.records if not (isinstance(r, App) and r.id in lost)]
    assert "p99 lost" in law("prompt", story).sentence


def test_a_plan_of_few_events_is_judged_from_the_phone_on():
    found = law("prompt", Story(plan()).run())
    assert (found.state, found.sentence) == (
        LawState.HELD,
        "from the phone to the app: median 0.20 ms (n = 22); the plan has 19 steady events (a p99 needs 368)",
    )


def test_a_slow_path_is_judged_from_the_phone_on():
    found = law("prompt", steady(400, paths={"wifi": LTE}))
    assert found.sentence == (
        "from the phone to the app: p99 0.20 ms (n = 406); no steady window on a path that allows less than 100 ms"
    )


def test_a_plan_of_few_events_of_which_none_came_is_not_judged():
    story = Story(plan())
    story.emit_all()
    story.dial(0.01)
    story.status("connected", 0.02)
    story.end(11.0)
    assert law("prompt", story).reason == (
        "the plan has 20 steady events (a p99 needs 368); no event of a stream was shown"
    )


def test_fewer_events_than_planned_are_unknown():
    story = steady(400)
    story.records = [r for r in story.records if not (isinstance(r, Emit) and r.index > 300)]
    found = law("prompt", story)
    assert (found.state, found.reason) == (
        LawState.UNKNOWN,
        "295 of 400 planned steady events observed (needs 368)",
    )


def test_a_lag_beyond_a_tenth_of_the_limit_is_unknown():
    story = steady(400)
    story.lags(*[11_000] * 100)
    assert law("prompt", story).reason == "scheduler lag p99 11 ms (trusted to 10 ms)"
    story = steady(400)
    story.lags(*[9_000] * 100)
    assert state("prompt", story) is LawState.HELD


def test_a_lag_never_measured_is_no_zero():
    story = steady(400)
    assert state("prompt", story, without(story.history(), Health)) is LawState.UNKNOWN
    virtual = steady(400, world="virtual")
    assert state("prompt", virtual, without(virtual.history(), Health)) is LawState.HELD


def test_an_empty_history_is_unknown():
    assert empty("prompt", plan()) is LawState.UNKNOWN


def kept(*, by: float, index: int = 5) -> Story:
    """One event is shown so long after it reached the phone."""
    story = Story(plan()).run(skip=(index,))
    at = story.times()[index] + 0.005
    story.arrive(index, at)
    story.show(index, at + by, block=False)
    return story


def test_one_event_kept_for_more_than_a_second_fails_on_any_path():
    found = law("prompt", kept(by=1.2))
    assert (found.state, found.sentence) == (
        LawState.FAILED,
        "event 5 reached the phone at 2.5 s, and the app 1.2 s later",
    )
    assert [item.text for item in found.evidence] == ["id a-5 at the phone; 1.2 s to the app"]
    assert state("prompt", kept(by=0.4)) is LawState.HELD


def test_the_client_s_own_share_counts_at_the_median_where_events_are_few():
    story = Story(plan(paths={"wifi": LTE, "cellular": LTE})).run()
    for record in story.records:
        if isinstance(record, App):
            record.enter_ns += 60_000_000
            record.exit_ns += 60_000_000
            record.t_ns += 60_000_000
    assert law("prompt", story).sentence == (
        "the client kept what it had: from the phone to the app: median 60 ms (n = 22), limit 50 ms"
    )


def test_what_a_callback_takes_is_not_the_client_s_share():
    story = kept(by=1.2)
    before = next(one for one in story.records if isinstance(one, App) and one.id == "a-4")
    before.exit_ns = before.t_ns = before.enter_ns + 1_690_000_000
    story.plan = plan(policies=Policies(handler_takes=1.69))
    assert state("prompt", story) is LawState.HELD


def test_a_reorder_window_is_waited_out():
    story = kept(by=1.2, index=6)
    story.records = [one for one in story.records if getattr(one, "id", "") != "a-5"]
    assert state("prompt", story) is LawState.FAILED
    story.plan = plan(policies=Policies(reorder_window=2.0))
    assert state("prompt", story) is LawState.HELD


def test_what_follows_an_event_without_an_id_may_wait_for_the_one_that_its_id_says_is_missing():
    story = kept(by=1.2, index=6).without_id(5)
    assert state("prompt", story) is LawState.FAILED
    story.plan = plan(policies=Policies(reorder_window=2.0))
    assert state("prompt", story) is LawState.HELD
    with_id = kept(by=1.2, index=6)
    with_id.plan = story.plan
    assert state("prompt", with_id) is LawState.FAILED


def test_a_busy_host_leaves_the_client_s_share_unjudged():
    story = kept(by=1.2)
    story.lags(*[150_000] * 100)
    assert state("prompt", story) is LawState.NOT_JUDGED


def test_each_25th_event_that_a_client_keeps_for_150_ms_fails_where_a_p99_can_tell():
    def kept(count: int) -> LawState:
        story = steady(count)
        for record in story.records:
            if isinstance(record, App) and record.id.removeprefix("a-").isdigit() and int(record.id[2:]) % 25 == 24:
                record.enter_ns, record.exit_ns, record.t_ns = (
                    at + 150_000_000 for at in (record.enter_ns, record.exit_ns, record.t_ns)
                )
        return state("prompt", story)

    assert (kept(400), kept(100)) == (LawState.FAILED, LawState.HELD), "of fewer events the median is judged"
