from harness.history import AttemptEnd, Response, Status
from harness.judge.verdict import State
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import half_open, handoff, noticed
from tests.judge.story import Story, changed, plan, without


def test_a_client_that_says_what_is_true_holds():
    assert state("honest-status", handoff()) is State.HELD
    assert state("honest-status", noticed()) is State.HELD


def test_connected_through_a_long_silence_fails():
    found = law("honest-status", half_open())
    assert found.sentence == "\u201cconnected\u201d was shown for 66.5 s of silence (limit 21 s)"
    assert found.cause == "never-noticed"
    assert found.advice == "watchdog is `never`. Fix: a read deadline above the 15 s keep-alive"


def test_a_watchdog_that_comes_too_late_fails():
    assert state("honest-status", noticed(at=26.0)) is State.FAILED


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
    history = changed(story.history(), AttemptEnd, 0, bytes=0, events=0, opened=True)
    assert "no byte of an event stream had come" in law("honest-status", story, history).sentence


def test_reconnecting_while_events_come_in_fails():
    story = Story(plan()).run()
    story.status("reconnecting", 5.0)
    story.status("connected", 7.0, attempt=1)
    found = law("honest-status", story)
    assert found.sentence == "\u201creconnecting\u201d was shown for 1.5 s while 4 events came in"


def test_reconnecting_for_a_second_of_events_holds():
    story = Story(plan()).run()
    story.status("reconnecting", 5.0)
    story.status("connected", 6.0, attempt=1)
    assert state("honest-status", story) is State.HELD


def test_a_client_that_says_nothing_of_itself_is_not_judged():
    story = Story(plan()).run()
    assert state("honest-status", story, without(story.history(), Status)) is State.NOT_JUDGED


def test_a_host_that_lags_leaves_a_long_silence_unknown():
    story = half_open()
    story.lags(*[3_000_000] * 100)
    assert state("honest-status", story) is State.UNKNOWN


def test_an_empty_history_is_unknown():
    assert empty("honest-status", plan()) is State.UNKNOWN
