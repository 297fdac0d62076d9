from harness.history import App, ConnEnd, Emit, End, History
from harness.judge.verdict import LawState
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import half_open, handoff
from tests.judge.story import Story, changed, plan, without

LAST = 21  # the terminal event of a plan of 20 items


def test_one_true_terminal_event_holds():
    assert state("terminal-once", handoff()) is LawState.HELD


def test_a_failed_job_holds_with_its_own_word():
    assert state("terminal-once", Story(plan(ends="failed")).run()) is LawState.HELD


def test_a_terminal_event_shown_by_polling_holds():
    story = Story(plan()).run(skip=(LAST,))
    story.show(LAST, 10.5, source="poll")
    assert state("terminal-once", story) is LawState.HELD


def test_a_terminal_event_that_never_came_fails():
    found = law("terminal-once", half_open())
    assert found.state is LawState.FAILED
    assert found.sentence == "completed, emitted at 10.0 s, never reached the app"
    assert found.evidence[-1].text == "emitted completed, id a-21; the app never saw it"


def test_a_refused_poll_excuses_a_client_that_lives_by_polling_and_no_other():
    story = half_open()
    story.request("poll", 5.0, status=404)
    assert state("terminal-once", story) is LawState.FAILED
    story.status("polling", 4.9)
    assert state("terminal-once", story) is LawState.FAILED
    for at in (4.1, 4.3, 4.5):  # failures enough to live by polling
        story.request("stream", at, status=403)
    assert state("terminal-once", story) is LawState.NOT_JUDGED


def test_two_terminal_events_fail():
    story = Story(plan()).run()
    story.show(LAST, 10.3)
    found = law("terminal-once", story)
    assert found.sentence == "the job ended 2 times for the app: completed and completed"


def test_the_wrong_word_fails():
    story = Story(plan()).run(skip=(LAST,))
    story.show(LAST, 10.3, callback="failed")
    assert law("terminal-once", story).sentence == "the app was told failed at 10.3 s, the truth is completed"


def test_another_payload_fails():
    story = Story(plan()).run(skip=(LAST,))
    story.show(LAST, 10.3, digest="else")
    assert "with a payload that differs from the truth" in law("terminal-once", story).sentence


def test_a_terminal_event_before_its_emission_fails():
    story = Story(plan()).run(skip=(LAST,))
    story.show(LAST, 9.9)
    assert "before it was emitted" in law("terminal-once", story).sentence


def test_an_invented_terminal_event_fails_though_the_job_never_ends():
    story = Story(plan(ends="never")).run(until=10.0)
    story.show(20, 10.3, callback="completed")
    assert "but the server emitted no terminal event" in law("terminal-once", story).sentence


def test_a_callback_after_the_end_fails():
    story = Story(plan()).run()
    story.show(19, 10.5)
    assert (
        law("terminal-once", story).sentence
        == "on_processing was called at 10.5 s, after on_completed had ended the job"
    )


def test_an_error_after_the_end_fails():
    story = Story(plan()).run()
    story.add(App(client="c1", job="j1", callback="error", enter_ns=10**12 + 11 * 10**9, exit_ns=0), 11.0)
    assert state("terminal-once", story) is LawState.FAILED


def test_a_job_that_never_ends_is_not_judged():
    assert state("terminal-once", Story(plan(ends="never")).run(until=10.0)) is LawState.NOT_JUDGED


def test_what_was_missing_when_a_run_was_interrupted_is_unknown():
    story = half_open()
    assert (
        state("terminal-once", story, changed(story.history(), End, 0, reason="interrupted", t_ns=0))
        is LawState.UNKNOWN
    )


def test_what_was_wrong_before_an_interruption_still_fails():
    story = Story(plan()).run(until=10.4)
    story.show(LAST, 10.3)
    history = changed(story.history(), End, 0, reason="interrupted")
    assert state("terminal-once", story, history) is LawState.FAILED


def test_a_run_killed_after_its_horizon_has_failed_and_is_not_unknown():
    story = half_open()
    late = story.plan.horizon + 1
    story.status("connected", late)
    assert state("terminal-once", story, without(story.history(), End)) is LawState.FAILED


def test_a_server_that_never_ended_the_job_leaves_it_unknown():
    story = Story(plan()).run(skip=(LAST,))
    kept = [r for r in story.history().records if not (isinstance(r, Emit) and r.terminal)]
    assert state("terminal-once", story, History(kept)) is LawState.UNKNOWN


def test_a_client_without_reports_is_not_judged():
    story = Story(plan())
    story.emit_all()
    story.end(41.0)
    assert state("terminal-once", story) is LawState.NOT_JUDGED


def test_an_empty_history_is_unknown():
    assert empty("terminal-once", plan()) is LawState.UNKNOWN


def test_a_client_whose_start_was_never_asked_for_has_no_job_to_end():
    def dialled(*, started: bool) -> LawState:
        story = Story(plan())
        if started:  # by the harness, for the client
            story.emit_all()
        story.conn(0.001)
        story.status("closed", 1.0)
        story.end(story.plan.horizon)
        return state("terminal-once", story)

    assert (dialled(started=False), dialled(started=True)) == (LawState.NOT_JUDGED, LawState.FAILED)


def test_a_client_whose_start_was_answered_but_not_to_the_end_never_learned_of_its_job():
    def answered(how: str) -> LawState:
        story = Story(plan())
        story.emit_all()
        cid = story.conn(0.001)
        story.request("start", 0.002, cid=cid, status=202)
        story.live["c1"] = cid
        story.comment(0.009)
        story.status("closed", 1.0)
        story.add(ConnEnd(cid=cid, side="client", how=how), 0.01)
        story.end(story.plan.horizon)
        return state("terminal-once", story)

    assert answered("closed") is LawState.NOT_JUDGED
    assert answered("fin") is LawState.FAILED


def test_an_end_that_a_status_answer_told_has_to_reach_the_app_whatever_was_refused():
    def stopped(*, told: bool) -> Story:
        story = Story(plan()).run(skip=(21,), until=13.0)
        story.hang_up(10.01)
        story.request("stream", 10.02, status=204, last="a-20")
        story.poll(21 if told else 20, 10.1, shown=False)
        return story

    found = law("terminal-once", stopped(told=True))
    assert (found.state, found.sentence) == (
        LawState.FAILED, "a status answer told completed at 10.1 s, and it never reached the app",
    )  # fmt: skip
    assert [item.text for item in found.evidence] == ["status asked for; the answer told completed"]
    assert state("terminal-once", stopped(told=False)) is LawState.NOT_JUDGED
