from harness.history import End
from harness.judge.verdict import State
from harness.sse.policy import Policies
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import half_open, handoff
from tests.judge.story import Story, changed, plan


def test_a_complete_delivery_holds():
    assert state("no-gap", handoff()) is State.HELD


def test_a_wrong_resumption_that_skipped_events_is_told_with_its_ids():
    found = law("no-gap", handoff(last="a-12", skip=range(8, 13)))
    assert found.state is State.FAILED
    assert found.cause == "wrong-resume"
    assert found.sentence == (
        "events 8\u201312 (emitted 4.0\u20136.0 s) never arrived: "
        "the reconnection at 5.0 s sent Last-Event-ID a-12, the last one dispatched was a-7"
    )


def test_a_loss_without_a_known_cause_names_the_events():
    found = law("no-gap", Story(plan()).run(skip=(4, 5, 9)))
    assert found.sentence == "events 4\u20135, 9 (emitted 2.0\u20134.5 s) never arrived"
    assert [item.text for item in found.evidence] == [
        "emitted processing, id a-4; never delivered",
        "emitted processing, id a-9; never delivered",
    ]


def test_a_connection_never_noticed_is_told_as_one_number():
    assert law("no-gap", half_open()).sentence == "14 events lost"


def test_an_event_dropped_as_late_is_excused_when_a_newer_one_was_shown():
    story = Story(plan()).run(skip=(4,))
    story.absorb(4, 2.9, "late")
    assert state("no-gap", story) is State.HELD


def test_an_event_called_late_before_any_newer_one_is_lost():
    story = Story(plan()).run(skip=(4,))
    story.absorb(4, 2.001, "late")
    assert state("no-gap", story) is State.FAILED


def test_a_repeat_that_was_never_shown_is_lost():
    story = Story(plan()).run(skip=(4,))
    story.absorb(4, 2.9, "repeat")
    assert state("no-gap", story) is State.FAILED


def test_a_coalesced_event_is_excused_by_the_bounded_queue_only():
    story = Story(plan()).run(skip=(4,))
    story.absorb(4, 2.1, "coalesced")
    assert state("no-gap", story) is State.HELD
    story = Story(plan(policies=Policies(queue=None))).run(skip=(4,))
    story.absorb(4, 2.1, "coalesced")
    assert state("no-gap", story) is State.FAILED


def test_a_terminal_event_may_never_be_coalesced():
    story = Story(plan()).run(skip=(21,))
    story.absorb(21, 10.1, "coalesced")
    assert state("no-gap", story) is State.FAILED


def test_a_snapshot_while_polling_covers_what_came_before():
    story = Story(plan()).run(skip=(4, 5, 6))
    story.status("polling", 3.0)
    story.poll(6, 3.2)
    assert state("no-gap", story) is State.HELD


def test_a_snapshot_taken_while_polling_may_be_shown_when_the_stream_is_back():
    def shown(*, taken: float) -> State:
        story = Story(plan()).run(skip=(4, 5, 6))
        story.status("polling", 3.0)
        story.adopt(6, taken)
        story.status("connected", 3.2)
        story.poll(6, 3.3)
        return state("no-gap", story)

    assert (shown(taken=3.1), shown(taken=3.25)) == (State.HELD, State.FAILED)


def test_a_poll_that_failed_in_between_ends_no_fallback():
    story = Story(plan()).run(skip=(4, 5, 6))
    story.status("polling", 3.0)
    story.status("reconnecting", 3.1)
    story.poll(6, 3.2)
    assert state("no-gap", story) is State.HELD
    story.status("connected", 3.15)
    assert state("no-gap", story) is State.FAILED


def test_the_one_snapshot_after_a_204_covers_what_came_before():
    story = Story(plan()).run(skip=(4, 5, 6))
    story.request("stream", 3.0, status=204)
    story.poll(6, 3.2)
    assert state("no-gap", story) is State.HELD


def test_a_snapshot_out_of_the_blue_covers_nothing():
    story = Story(plan()).run(skip=(4, 5, 6))
    story.poll(6, 3.2)
    found = law("no-gap", story)
    assert found.sentence == "events 4\u20135 (emitted 2.0\u20132.5 s) never arrived"


def test_a_gap_that_the_server_signalled_is_healed_by_a_snapshot():
    story = Story(plan()).run(skip=(4, 5, 6))
    story.gap_signal(3.0)
    story.gap(3.01)
    story.poll(6, 3.2)
    assert state("no-gap", story) is State.HELD


def test_a_snapshot_that_closes_a_gap_counts_where_the_stream_was_as_far_already():
    def closed(index: int) -> State:
        story = Story(plan()).run(skip=(4, 5))
        story.gap_signal(2.6, "reset")
        story.gap(2.61, "reset")
        story.gap(4.7, "reset", healed=True, index=index)
        return state("no-gap", story)

    assert closed(9) is State.HELD
    assert closed(4) is State.FAILED


def test_a_gap_without_its_snapshot_is_still_a_gap():
    story = Story(plan()).run(skip=(4, 5, 6))
    story.gap_signal(3.0)
    story.gap(3.01)
    assert state("no-gap", story) is State.FAILED


def test_a_gap_whose_snapshots_were_refused_to_the_end_was_said_aloud_and_a_portal_s_page_is_none():
    def asked(status: int, by: str = "") -> State:
        story = Story(plan()).run(skip=(4, 5, 6))
        story.gap_signal(3.0)
        story.gap(3.01)
        story.request("poll", 3.2, status=status, by=by)
        return state("no-gap", story)

    assert asked(503) is State.HELD
    assert asked(200, by="middle") is State.HELD
    assert asked(200) is State.FAILED


def test_a_gap_that_nobody_signalled_fails_by_itself():
    story = Story(plan()).run()
    story.gap(3.01)
    assert "that the server never signalled" in law("no-gap", story).sentence


def test_a_new_epoch_is_a_signal():
    story = Story(plan()).run(skip=(4, 5, 6))
    story.job(epoch="b", at=3.0)
    story.gap(3.1, "new epoch")
    story.poll(6, 3.2)
    assert state("no-gap", story) is State.HELD


def test_what_was_on_its_way_when_a_job_without_end_was_left_is_not_lost():
    story = Story(plan(ends="never")).run(skip=(20,), until=10.0)
    assert state("no-gap", story) is State.HELD
    assert state("no-gap", Story(plan(ends="never")).run(skip=(15,), until=10.0)) is State.FAILED


def test_a_hole_fails_even_in_an_interrupted_run_but_a_tail_is_unknown():
    story = Story(plan()).run(skip=(4,), until=10.2)
    assert state("no-gap", story, changed(story.history(), End, 0, reason="interrupted")) is State.FAILED
    story = Story(plan()).run(skip=tuple(range(10, 22)), until=10.2)
    assert state("no-gap", story, changed(story.history(), End, 0, reason="interrupted")) is State.UNKNOWN


def test_a_wrong_resumption_before_an_event_does_not_explain_its_loss():
    found = law("no-gap", handoff(last="a-6", skip=(20,)))
    assert (found.state, found.cause) == (State.FAILED, "")


def test_an_empty_history_is_unknown():
    assert empty("no-gap", plan()) is State.UNKNOWN
