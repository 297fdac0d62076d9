from harness.judge.verdict import State
from tests.judge.ruling import empty, expect, law, state
from tests.judge.scenes import half_open, handoff
from tests.judge.story import Story, plan


def test_one_stream_after_another_holds():
    assert state("one-stream", handoff()) is State.HELD


def test_two_streams_for_longer_than_the_linger_fail():
    story = Story(plan()).run()
    cid = story.conn(3.0)
    story.request("stream", 3.001, cid=cid, last="a-5")
    story.close(6.5, cid)
    found = law("one-stream", story)
    assert found.sentence == "the client kept 2 streams of one job open for 3.5 s from 3.0 s (limit 1 s)"
    assert [item.text for item in found.evidence] == [
        "stream on connection 2, closed at 10.0 s",
        "stream on connection 4, closed at 6.5 s",
    ]


def test_an_overlap_within_the_linger_holds():
    story = Story(plan()).run()
    cid = story.conn(3.0)
    story.request("stream", 3.001, cid=cid, last="a-5")
    story.close(3.9, cid)
    assert state("one-stream", story) is State.HELD


def test_the_scenario_s_overlap_is_the_linger():
    story = Story(plan(expect=(expect("overlap", "under", 5.0),))).run()
    cid = story.conn(3.0)
    story.request("stream", 3.001, cid=cid, last="a-5")
    story.close(6.5, cid)
    assert state("one-stream", story) is State.HELD


def test_the_linger_is_widened_by_the_host_s_lag():
    story = Story(plan()).run()
    story.lags(*[100] * 500, 300_000)
    cid = story.conn(3.0)
    story.request("stream", 3.001, cid=cid, last="a-5")
    story.close(4.2, cid)
    assert state("one-stream", story) is State.HELD


def test_an_overlap_on_a_host_that_lags_is_unknown():
    story = Story(plan()).run()
    story.lags(*[150_000] * 100)
    cid = story.conn(3.0)
    story.request("stream", 3.001, cid=cid, last="a-5")
    story.close(6.5, cid)
    assert state("one-stream", story) is State.UNKNOWN


def test_streams_of_two_jobs_are_not_counted_together():
    story = Story(plan()).run()
    cid = story.conn(3.0)
    story.request("stream", 3.001, cid=cid, job="j9")
    story.close(6.5, cid)
    assert state("one-stream", story) is State.HELD


def test_a_stream_left_at_the_end_fails():
    story = Story(plan()).run()
    cid = story.conn(9.9)
    story.request("stream", 9.95, cid=cid, last="a-18")
    assert "still held a stream at the end of the run" in law("one-stream", story).sentence


def test_a_client_that_says_closed_only_as_the_run_ends_was_cut_off_in_its_stream():
    story = half_open()
    story.status("closed", story.plan.horizon)
    assert state("one-stream", story) is State.HELD
    story.status("closed", story.plan.horizon - 1.0)
    assert "still held a stream at the end of the run" in law("one-stream", story).sentence


def test_no_stream_at_the_gate_is_unknown():
    story = Story(plan())
    story.emit_all()
    story.end(41.0)
    assert state("one-stream", story) is State.UNKNOWN


def test_an_empty_history_is_unknown():
    assert empty("one-stream", plan()) is State.UNKNOWN
