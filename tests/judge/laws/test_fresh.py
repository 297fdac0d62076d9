from msgspec import structs

from harness.deeds import acts
from harness.history import App, Body, Chunk, ConnEnd, Emit
from harness.judge.verdict import LawState
from harness.scenario.model import StallPulse
from harness.sse.policy import AS_SHIPPED, Policies
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import half_open, half_open_plan, handoff
from tests.judge.story import Story, ns, plan, reach
from tests.judge.test_epochs import restarted


def kept(*, by: float, **more) -> Story:
    """Event 5, which reaches the phone at 2.5 s, is shown so much later; nothing newer comes before."""
    story = Story(plan(lasts=40.0, items=20, **more)).run(skip=(5,))
    at = story.times()[5] + 0.005
    story.arrive(5, at)
    story.show(5, at + by, block=False)
    return story


def test_a_flawless_run_and_a_handoff_hold():
    assert state("fresh", Story(plan()).run()) is LawState.HELD
    assert state("fresh", handoff()) is LawState.HELD


def test_an_old_state_on_the_screen_while_a_newer_was_at_the_phone_fails():
    found = law("fresh", kept(by=1.3))
    assert found.state is LawState.FAILED
    assert found.sentence == "the app was left at event 4 until 11.3 s, though event 5 had reached the phone at 10.0 s"
    assert [item.text for item in found.evidence] == ["id a-5 at the phone; shown too late"]
    assert state("fresh", kept(by=0.9)) is LawState.HELD


def test_a_state_that_is_never_shown_nor_any_newer_fails_to_the_end():
    story = Story(plan(ends="never")).run(skip=range(5, 21), until=12.0)
    story.arrive(5, 2.505)
    assert law("fresh", story).sentence == (
        "the app was left at event 4 to the end, though event 5 had reached the phone at 2.5 s"
    )


def test_a_newer_state_shown_in_time_stands_for_an_older_one():
    story = Story(plan()).run(skip=(5,))
    story.arrive(5, 2.505)
    assert state("fresh", story) is LawState.HELD


def test_what_the_app_s_callbacks_take_is_not_counted():
    story = kept(by=1.3, policies=Policies(handler_takes=1.0))
    before = next(one for one in story.records if isinstance(one, App) and one.id == "a-4")
    before.exit_ns = before.t_ns = ns(11.2)
    assert state("fresh", story) is LawState.HELD


def test_nothing_is_asked_of_it_while_no_stream_could_pass():
    story = kept(by=1.3)
    story.plan = plan(reach(9.0, "stalled"), lasts=40.0, items=20)
    story.deeds()
    assert state("fresh", story) is LawState.HELD


def crowded(queue: int | None, *, undeclared: tuple[str, ...] = (), each: float = 0.4, takes: float = 0.399) -> Story:
    """Events 5 to 15 come at 2.5 s, behind a callback, and each is shown, one each 0.4 s."""
    policies = Policies(queue=queue, handler_takes=each).without(*undeclared)
    story = Story(plan(policies=policies)).run(skip=range(5, 16))
    for index in range(5, 16):
        next(one for one in story.records if isinstance(one, Emit) and one.index == index).t_ns = ns(2.504)
        story.arrive(index, 2.505 + index * 1e-5)
        story.show(index, 2.6 + (index - 5) * each, block=False)
        story.records[-1].exit_ns = story.records[-1].t_ns = ns(2.6 + takes + (index - 5) * each)
    return story


def test_no_more_updates_wait_behind_a_callback_than_the_queue_has_room_for():
    assert state("fresh", crowded(7)) is LawState.HELD
    found = law("fresh", crowded(3))
    assert (found.state, found.sentence) == (
        LawState.FAILED,
        "7 older states were shown before event 15, which had come at 2.5 s; its queue has room for 3 updates",
    )
    assert [item.text for item in found.evidence] == ["id a-15 at the phone"]


def test_what_one_read_brings_waits_behind_no_callback_that_takes_no_time():
    assert state("fresh", crowded(3, each=0.08, takes=0.0)) is LawState.HELD


def test_how_many_updates_wait_is_not_judged_where_they_may_all_wait_or_nobody_says():
    assert state("fresh", crowded(None)) is LawState.HELD
    assert state("fresh", crowded(3, undeclared=("queue",))) is LawState.HELD


def emitted(*, by: float, **more) -> Story:
    """Events 5 and 6, emitted at 10 and 12 s, are at the phone and shown so much later."""
    story = Story(plan(lasts=40.0, items=20, **more)).run(skip=(5, 6))
    story.show(5, story.times()[5] + by)
    story.show(6, story.times()[6] + by)
    return story


def test_what_a_live_stream_could_have_carried_is_shown():
    assert state("fresh", emitted(by=1.0)) is LawState.HELD
    found = law("fresh", emitted(by=1.5))
    assert found.state is LawState.FAILED
    assert found.sentence == (
        "the app was left at event 4 until 11.5 s, though event 5 was emitted at 10.0 s, and its live stream could "
        "have brought it by 10.1 s"
    )
    assert [item.text for item in found.evidence] == [
        "the stream on connection 2", "emitted processing, id a-5", "emitted processing, id a-6"
    ]  # fmt: skip


def test_a_stall_of_the_weather_a_waking_radio_and_callbacks_delay_what_a_stream_carries():
    weather = (StallPulse(path="wifi", at=10.0, lasts=1.0), StallPulse(path="wifi", at=12.0, lasts=1.0))
    story = emitted(by=1.5)
    story.plan = structs.replace(story.plan, weather=weather)
    assert state("fresh", story) is LawState.HELD
    busy = emitted(by=1.5)
    for index, until in ((4, 11.4), (5, 13.8)):
        before = next(one for one in busy.records if isinstance(one, App) and one.id == f"a-{index}")
        before.exit_ns = before.t_ns = ns(until)
    assert state("fresh", busy) is LawState.HELD


def test_a_line_that_may_need_longer_than_the_ceiling_of_r_tests_nothing():
    story = emitted(by=1.5)
    story.plan = structs.replace(story.plan, weather=(StallPulse(path="wifi", at=10.0, lasts=200.0),))
    found = law("fresh", story)
    assert (found.state, found.reason) == (
        LawState.NOT_JUDGED, "the line may lawfully take 201 s for what was emitted"
    )  # fmt: skip


def test_nothing_is_owed_of_a_stream_that_has_ended_or_while_a_deed_is_near():
    story = emitted(by=1.5)
    story.close(10.5, story.carried["c1"])
    assert state("fresh", story) is LawState.HELD
    story = emitted(by=1.5)
    story.plan = plan(
        *((at, "device", acts.Joins(path="cellular"), "joins") for at in (10.5, 12.5)), lasts=40.0, items=20
    )
    story.deeds()
    assert state("fresh", story) is LawState.HELD


def test_nothing_is_owed_of_a_stream_that_stands_on_a_silent_path_beside_the_one_in_use():
    assert state("fresh", half_open(half_open_plan(AS_SHIPPED, lasts=60.0, items=120))) is LawState.HELD


def healed() -> Story:
    """Wi-Fi, the only path in use, is silent from 9.2 to 9.6 s; the app is shown nothing from then on."""
    path = (reach(9.2, "silent"), reach(9.6, "up"))
    return Story(plan(*path, policies=AS_SHIPPED, lasts=80.0, items=80)).run(skip=range(10, 82), until=140.0)


def test_nothing_is_owed_of_a_stream_whose_connection_lost_bytes_or_the_server_s_end():
    assert state("fresh", healed()) is LawState.FAILED, "it lost nothing, and lives on"
    cut = healed()
    lost = Chunk(cid=cut.carried["c1"], direction="downstream", offset=9_000, length=200, fate="dropped")
    cut.add(lost, 9.4)
    assert state("fresh", cut) is LawState.HELD
    ended = healed()
    ended.add(ConnEnd(cid=ended.carried["c1"], side="server", how="fin"), 9.4)
    assert state("fresh", ended) is LawState.HELD


def polled(*, shown: float | None, status: int = 403) -> Story:
    """A stream is refused three times from 3 s on, and a status answer tells event 10 at 5 s; shown so much later."""
    story = Story(plan()).run(skip=range(6, 22), until=12.0)
    story.hang_up(3.0)
    for at in (3.1, 3.3, 3.5):
        story.request("stream", at, status=status, last="a-5")
    story.poll(10, 5.0, shown=False)
    if shown is not None:
        story.show(10, 5.01 + shown, source="poll")
    return story


def test_what_a_status_answer_told_is_shown_within_a_second():
    assert state("fresh", polled(shown=0.1)) is LawState.HELD
    assert state("fresh", polled(shown=0.9)) is LawState.HELD
    found = law("fresh", polled(shown=1.3))
    assert (found.state, found.sentence) == (
        LawState.FAILED,
        "the app was left at event 5 until 6.3 s, though a status answer had told it event 10 at 5.0 s",
    )  # fmt: skip
    assert [item.text for item in found.evidence] == ["id a-10 in a status answer; shown too late"]


def test_what_a_status_answer_told_and_the_app_was_never_shown_fails_to_the_end():
    assert law("fresh", polled(shown=None)).sentence == (
        "the app was left at event 5 to the end, though a status answer had told it event 10 at 5.0 s"
    )


def test_a_newer_state_with_a_lower_number_is_said_to_be_of_a_later_epoch():
    story = restarted(said=True, healed=True, shown=False)
    story.records = [one for one in story.records if not (isinstance(one, App) and one.source == "poll")]
    assert law("fresh", story).sentence == (
        "the app was left at event 7 to the end, though a status answer had told it event 1 of a later epoch at 7.0 s"
    )


def test_the_end_that_the_one_poll_after_a_204_told_is_shown_within_a_second():
    def ended(shown: float | None) -> LawState:
        story = Story(plan()).run(skip=(21,), until=13.0)
        story.hang_up(10.01)
        story.request("stream", 10.02, status=204, last="a-20")
        story.poll(21, 10.1, shown=False)
        if shown is not None:
            story.show(21, 10.11 + shown, source="poll")
        return state("fresh", story)

    assert ended(0.1) is LawState.HELD
    assert ended(1.4) is LawState.FAILED
    assert ended(None) is LawState.FAILED


def test_a_later_state_stands_for_a_polled_one_and_an_answer_that_a_stream_overtook_is_not_owed():
    story = polled(shown=None)
    story.show(12, 5.5, source="poll")
    assert state("fresh", story) is LawState.HELD
    story = polled(shown=None)
    story.dial(4.996, cause="probe", last="a-5")
    for index in range(6, 22):
        story.show(index, max(6.05, story.times()[index] + 0.005))
    assert state("fresh", story) is LawState.HELD


def test_an_answer_that_is_not_certainly_read_or_was_cut_is_not_owed():
    story = polled(shown=None)
    body = next(one for one in story.records if isinstance(one, Body) and one.digest == "sa10")
    body.whole = False
    assert state("fresh", story) is LawState.HELD


def test_a_busy_host_and_an_empty_history_are_unknown():
    story = kept(by=1.3)
    story.lags(*[150_000] * 100)
    assert state("fresh", story) is LawState.UNKNOWN
    assert empty("fresh", plan()) is LawState.UNKNOWN
