from harness.history import Attempt, Block, Write
from harness.judge.verdict import State
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import half_open, handoff
from tests.judge.story import Story, plan, without


def test_the_last_dispatched_id_holds():
    assert state("resume", handoff()) is State.HELD


def test_no_header_on_a_reconnection_fails():
    found = law("resume", handoff(last=""))
    assert found.sentence == "the reconnection at 5.0 s sent no Last-Event-ID, the last one dispatched was a-7"
    assert [item.text for item in found.evidence] == [
        "last id dispatched: a-7",
        "stream request with no Last-Event-ID, a-7 was due",
    ]


def test_an_id_ahead_of_the_last_block_fails():
    assert "sent Last-Event-ID a-8, the last one dispatched was a-7" in law("resume", handoff(last="a-8")).sentence


def test_a_stale_id_fails():
    assert state("resume", handoff(last="a-0")) is State.FAILED


def test_an_id_on_the_first_request_fails():
    story = Story(plan())
    story.emit_all()
    story.dial(0.01, last="a-3")
    story.end(41.0)
    assert "though no event had been dispatched" in law("resume", story).sentence


def test_an_id_forgotten_after_an_attempt_without_events_fails():
    story = handoff(back=8.0)
    story.hang_up(6.0, "error")
    story.dial(6.7, cause="failed", path="cellular", last="")
    assert "the reconnection at 6.7 s sent no Last-Event-ID" in law("resume", story).sentence


def test_an_id_only_block_counts():
    story = handoff(last="x-1")
    story.add(Block(client="c1", attempt=1, id="x-1", event=False), 3.9)
    assert state("resume", story) is State.HELD


def test_an_empty_id_means_no_header():
    story = handoff(last="")
    story.add(Block(client="c1", attempt=1, id="", event=False), 3.9)
    assert state("resume", story) is State.HELD


def test_an_adopted_snapshot_s_id_is_the_cursor():
    story = handoff(last="a-9")
    story.adopt(9, 4.9)
    assert state("resume", story) is State.HELD
    story = handoff()
    story.adopt(9, 4.9)
    assert state("resume", story) is State.FAILED


def test_a_foreign_client_may_send_any_id_from_the_last_reported_to_the_last_handed_over():
    for sent, expected in (("a-7", State.HELD), ("a-9", State.HELD), ("a-10", State.FAILED), ("a-6", State.FAILED)):
        story = handoff(last=sent)
        story.add(Write(sub=1, job="j1", epoch="a", first=0, last=9), 4.95)
        assert state("resume", story, without(story.history(), Attempt, Block)) is expected, sent


def test_a_baseline_exercises_no_resumption():
    found = law("resume", Story(plan()).run())
    assert (found.state, found.reason) == (State.NOT_JUDGED, "a baseline exercises no resumption")


def test_a_client_that_never_reconnects_is_another_law_s_concern():
    assert state("resume", half_open()) is State.NOT_JUDGED


def test_an_empty_history_is_unknown():
    assert empty("resume", plan()) is State.UNKNOWN
