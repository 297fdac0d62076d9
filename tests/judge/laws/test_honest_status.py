from harness.deeds import acts
from harness.history import App, Response, Status, StreamBegan
from harness.judge.verdict import LawState
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import half_open, handoff, noticed
from tests.judge.story import Story, changed, ns, plan, without


def test_a_client_that_says_what_is_true_holds():
    assert state("honest-status", handoff()) is LawState.HELD
    assert state("honest-status", noticed()) is LawState.HELD


def test_connected_through_a_long_silence_fails():
    found = law("honest-status", half_open())
    assert found.sentence == "\u201cconnected\u201d was shown for 66.5 s of silence (limit 21 s)"
    assert found.cause == "never-noticed"
    assert found.advice == "watchdog is `never`. Fix: a read deadline above the 15 s keep-alive"


def test_a_watchdog_that_comes_too_late_fails():
    assert state("honest-status", noticed(at=26.0)) is LawState.FAILED


def test_connected_without_an_answer_fails():
    story = Story(plan()).run()
    story.status("connected", 0.011, attempt=1)
    assert "though no event stream had been opened" in law("honest-status", story).sentence


def test_connected_on_another_content_type_fails():
    story = Story(plan()).run()
    history = changed(story.history(), Response, 1, content_type="text/html")
    assert "though the answer was 200 text/html" in law("honest-status", story, history).sentence


def test_connected_on_another_status_fails():
    story = Story(plan()).run()
    history = changed(story.history(), Response, 1, status=503)
    assert "though the answer was 503 text/event-stream" in law("honest-status", story, history).sentence


def test_connected_without_a_byte_of_the_body_fails():
    story = handoff()
    found = law("honest-status", story, without(story.history(), StreamBegan))
    assert "no byte of an event stream had come" in found.sentence
    assert found.cause == "trusts-silence"


def test_connected_on_a_stream_that_has_ended_fails():
    story = handoff()
    story.status("connected", 4.7, attempt=1)
    story.status("reconnecting", 4.8)
    assert "though its stream had ended" in law("honest-status", story).sentence


def test_reconnecting_while_events_come_in_fails():
    story = Story(plan()).run()
    story.status("reconnecting", 5.0)
    story.status("connected", 7.0, attempt=1)
    found = law("honest-status", story)
    assert found.sentence == "\u201creconnecting\u201d was shown for 1.5 s while 4 events came in"
    assert found.cause == "denies-stream"


def test_reconnecting_for_a_second_of_events_holds():
    story = Story(plan()).run()
    story.status("reconnecting", 5.0)
    story.status("connected", 6.0, attempt=1)
    assert state("honest-status", story) is LawState.HELD


def quiet(word: str, *, comments: tuple[float, ...], sleeps: bool = False) -> Story:
    """A stream says nothing but comments for 19 s, in which the client shows this word."""
    suspends = ((1.5, "device", acts.Suspends(lasts=12.0), "suspends"),) if sleeps else ()
    story = Story(plan(*suspends, lasts=20.0, items=1))
    story.emit_all()
    story.deeds()
    story.dial(0.01)
    story.status(word, 0.5)
    for at in comments:
        story.comment(at)
    if not sleeps:  # its sockets are dead as it wakes
        story.status("connected", 19.0, attempt=1)
    story.end(20.0, "limit")
    return story


def test_a_word_that_denies_a_stream_of_comments_fails():
    for word in ("connecting", "reconnecting"):
        found = law("honest-status", quiet(word, comments=(2.0, 12.0)))
        assert found.sentence == f"\u201c{word}\u201d was shown for 11.0 s while keep-alive comments came in"


def test_a_first_byte_alone_and_bytes_beside_which_the_device_sleeps_are_not_denied():
    assert state("honest-status", quiet("reconnecting", comments=())) is LawState.HELD
    assert state("honest-status", quiet("reconnecting", comments=(13.45,), sleeps=True)) is LawState.HELD


def refused(*at: float) -> Story:
    story = Story(plan(lasts=60.0))
    story.emit_all()
    for one in at:
        story.request("stream", one, status=403)
    return story


def test_polling_is_said_where_streams_have_failed_and_the_status_is_asked_for():
    story = refused(1.0, 2.0, 3.0)
    story.status("polling", 3.1)
    story.poll(3, 3.2, shown=False)
    story.end(9.0, "limit")
    assert state("honest-status", story) is LawState.HELD


def test_polling_is_not_said_before_streams_have_failed():
    story = refused(1.0)
    story.status("polling", 1.1)
    story.poll(1, 1.2, shown=False)
    story.end(9.0, "limit")
    found = law("honest-status", story)
    assert found.sentence == (
        "\u201cpolling\u201d was shown at 1.1 s, though its streams had not failed as often, or for as long, as it "
        "declares"
    )


def test_polling_is_not_said_by_a_client_that_asks_for_nothing():
    story = refused(1.0, 2.0, 3.0)
    story.status("polling", 3.1)
    story.end(9.0, "limit")
    assert "though it asked for no status within 1 s" in law("honest-status", story).sentence


def test_a_poll_that_a_server_put_off_may_come_later():
    story = refused(1.0, 2.0, 3.0)
    story.request("poll", 2.9, status=503, retry_after="8")
    story.status("polling", 3.1)
    story.end(9.0, "limit")
    assert state("honest-status", story) is LawState.HELD


def test_closed_is_not_said_while_the_job_lives():
    story = Story(plan()).run()
    story.status("closed", 5.0)
    story.status("connected", 5.5, attempt=1)
    found = law("honest-status", story)
    assert found.sentence == "\u201cclosed\u201d was shown at 5.0 s, though neither the job nor the run had ended"


def test_closed_is_said_after_a_refusal_for_good_or_a_final_error():
    story = refused()
    story.request("stream", 1.0, status=404)
    story.status("closed", 1.1)
    story.end(9.0, "limit")
    assert state("honest-status", story) is LawState.HELD
    gave_up = refused()
    gave_up.add(App(client="c1", job="j1", callback="error", enter_ns=ns(2.0), exit_ns=ns(2.0)), 2.0)
    gave_up.status("closed", 1.99)
    gave_up.end(9.0, "limit")
    assert state("honest-status", gave_up) is LawState.HELD


def test_a_client_that_never_says_closed_fails():
    story = Story(plan()).run(until=13.0)
    story.records = [one for one in story.records if not (isinstance(one, Status) and one.word == "closed")]
    found = law("honest-status", story)
    assert found.sentence == "\u201cconnected\u201d is still shown at the end, the app was told completed at 10.0 s"


def closed(at: float) -> Story:
    story = Story(plan()).run(until=40.0)
    next(one for one in story.records if isinstance(one, Status) and one.word == "closed").t_ns = ns(at)
    return story


def test_closed_is_said_within_a_second_of_the_end():
    assert state("honest-status", closed(10.9)) is LawState.HELD
    assert state("honest-status", closed(11.08)) is LawState.HELD
    found = law("honest-status", closed(30.0))
    assert (found.state, found.cause, found.sentence) == (
        LawState.FAILED, "closed-late",
        "\u201cconnected\u201d is still shown until 30.0 s, the app was told completed at 10.0 s",
    )  # fmt: skip


def test_closed_may_wait_for_the_app_s_callbacks_whatever_their_number():
    story = closed(12.8)
    end = next(one for one in story.records if isinstance(one, App) and one.callback == "completed")
    end.exit_ns = end.t_ns = ns(11.9)
    assert state("honest-status", story) is LawState.HELD
    many = Story(plan(items=200)).run(until=40.0)
    next(one for one in many.records if isinstance(one, Status) and one.word == "closed").t_ns = ns(13.0)
    assert state("honest-status", many) is LawState.FAILED


def test_closed_is_said_within_a_second_of_a_final_error():
    def gave_up(at: float) -> LawState:
        story = refused()
        story.add(App(client="c1", job="j1", callback="error", enter_ns=ns(2.0), exit_ns=ns(2.0)), 2.0)
        story.status("connecting", 1.0)
        story.status("closed", at)
        story.end(9.0, "limit")
        return state("honest-status", story)

    assert (gave_up(2.9), gave_up(4.0)) == (LawState.HELD, LawState.FAILED)


def outlived(until: float, *, how: str = "eof", following: float = 4.0) -> Story:
    """The stream ends at 2 s, and "connected" stands until then; the next one begins ``following`` seconds later."""
    story = Story(plan())
    story.emit_all()
    story.dial(0.01)
    story.status("connected", 0.03, attempt=1)
    story.hang_up(2.0, how)
    story.status("reconnecting", until)
    story.dial(2.0 + following, cause="failed")
    story.status("connected", 2.1 + following, attempt=2)
    story.end(9.0, "limit")
    return story


def test_connected_does_not_outlive_its_stream_for_longer_than_a_second():
    assert state("honest-status", outlived(2.1)) is LawState.HELD
    assert state("honest-status", outlived(3.05)) is LawState.HELD
    found = law("honest-status", outlived(4.9))
    assert found.sentence == (
        "\u201cconnected\u201d was shown for 2.9 s after its stream had ended at 2.0 s (limit 1 s)"
    )
    assert [item.text for item in found.evidence] == ["the stream on connection 1", "says connected, until 4.9 s"]


def test_it_is_the_same_whoever_ended_the_stream_and_a_new_one_is_no_lie():
    for how in ("error", "watchdog"):
        assert state("honest-status", outlived(4.9, how=how)) is LawState.FAILED
    assert state("honest-status", outlived(2.1 + 0.7, following=0.6)) is LawState.HELD


def test_a_device_that_sleeps_shows_nothing():
    story = outlived(4.9)
    story.plan = plan((1.9, "device", acts.Suspends(lasts=2.9), "suspends"))
    story.deeds()
    assert state("honest-status", story) is LawState.HELD


def test_a_client_that_says_nothing_of_itself_is_not_judged():
    story = Story(plan()).run()
    assert state("honest-status", story, without(story.history(), Status)) is LawState.NOT_JUDGED


def test_a_host_that_lags_leaves_a_long_silence_unknown():
    story = half_open()
    story.lags(*[3_000_000] * 100)
    assert state("honest-status", story) is LawState.UNKNOWN


def test_an_empty_history_is_unknown():
    assert empty("honest-status", plan()) is LawState.UNKNOWN
