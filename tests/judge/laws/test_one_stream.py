from harness.history import Body, Census, ConnEnd, Delivered, End, Response
from harness.judge.verdict import LawState, LawVerdict
from tests.judge.ruling import empty, expect, law, state
from tests.judge.scenes import half_open, handoff
from tests.judge.story import ZERO, Story, ns, plan


def test_one_stream_after_another_holds():
    assert state("one-stream", handoff()) is LawState.HELD


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
    assert state("one-stream", story) is LawState.HELD


def test_the_scenario_s_overlap_is_the_linger():
    story = Story(plan(expect=(expect("overlap", "under", 5.0),))).run()
    cid = story.conn(3.0)
    story.request("stream", 3.001, cid=cid, last="a-5")
    story.close(6.5, cid)
    assert state("one-stream", story) is LawState.HELD


def test_the_linger_is_widened_by_the_host_s_lag():
    story = Story(plan()).run()
    story.lags(*[100] * 500, 300_000)
    cid = story.conn(3.0)
    story.request("stream", 3.001, cid=cid, last="a-5")
    story.close(4.2, cid)
    assert state("one-stream", story) is LawState.HELD


def test_an_overlap_on_a_host_that_lags_is_unknown():
    story = Story(plan()).run()
    story.lags(*[150_000] * 100)
    cid = story.conn(3.0)
    story.request("stream", 3.001, cid=cid, last="a-5")
    story.close(6.5, cid)
    assert state("one-stream", story) is LawState.UNKNOWN


def test_streams_of_two_jobs_are_not_counted_together():
    story = Story(plan()).run()
    cid = story.conn(3.0)
    story.request("stream", 3.001, cid=cid, job="j9")
    story.close(6.5, cid)
    assert state("one-stream", story) is LawState.HELD


def test_a_stream_left_at_the_end_fails():
    story = Story(plan()).run()
    cid = story.conn(9.9)
    story.request("stream", 9.95, cid=cid, last="a-18")
    assert "still held a stream at the end of the run" in law("one-stream", story).sentence


def test_a_stream_that_outlives_the_end_that_was_told_fails_whoever_ended_it():
    def told(later: float, *, by_server: bool = False) -> LawVerdict:
        story = Story(plan()).run()
        mine = [one for one in story.records if isinstance(one, ConnEnd) and (one.cid, one.side) == (2, "client")]
        story.records = [one for one in story.records if one not in mine]
        if by_server:
            story.add(ConnEnd(cid=2, side="server", how="fin"), 10.05)
        end = mine[0].t_ns / 1e9 - ZERO / 1e9 + later
        story.close(end, 2)
        story.records = [one for one in story.records if not isinstance(one, End | Census)]
        story.end(end + 1.0)
        return law("one-stream", story)

    assert {told(0.0).state, told(0.9).state, told(0.9, by_server=True).state} == {LawState.HELD}
    assert (told(3.0).cause, told(3.0, by_server=True).cause) == ("stream-after-end", "stream-after-end")
    assert told(3.0).sentence == "the client held its stream for 3.0 s after on_completed (limit 1 s)"


def test_a_status_request_between_two_streams_fails_but_not_where_the_start_is_in_doubt():
    def told(at: float, *, accepted: bool = True) -> LawVerdict:
        story = handoff()
        story.request("poll", at)
        if not accepted:
            story.records = [one for one in story.records if not isinstance(one, Response) or one.status != 202]
        return law("one-stream", story)

    found = told(4.6)
    assert (found.state, found.cause) == (LawState.FAILED, "stray-poll")
    assert found.sentence == "the client asked for the status at 4.6 s, with no cause to poll and no gap open"
    assert told(4.6, accepted=False).state is LawState.HELD


def test_a_client_that_says_closed_only_as_the_run_ends_was_cut_off_in_its_stream():
    story = half_open()
    story.status("closed", story.plan.horizon)
    assert state("one-stream", story) is LawState.HELD
    story.status("closed", story.plan.horizon - 1.0)
    assert "still held a stream at the end of the run" in law("one-stream", story).sentence


def test_a_socket_that_closed_before_the_gate_learned_of_it_is_closed():
    story = Story(plan()).run()
    cid = story.conn(3.0)
    story.request("stream", 3.001, cid=cid, last="a-5")
    story.add(ConnEnd(cid=cid, side="client", how="fin", left_ns=ns(3.5)), 6.5)
    assert state("one-stream", story) is LawState.HELD


def test_a_poll_beside_a_live_stream_fails_whatever_the_client_calls_it():
    story = Story(plan()).run()
    story.status("polling", 4.9)
    story.poll(9, 5.0, shown=False)
    story.poll(11, 6.0, shown=False)
    found = law("one-stream", story)
    assert found.cause == "polls-beside-stream"
    assert found.sentence == (
        "the client asked for the status at 5.0 s, 494 ms after a byte of the live stream on connection 2, and no gap "
        "was open (2 times in all)"
    )
    assert [item.text for item in found.evidence] == [
        "stream on connection 2", "status asked for", "status asked for",
    ]  # fmt: skip


def test_a_poll_beside_a_stream_that_has_been_silent_for_five_seconds_holds():
    story = Story(plan(lasts=60.0, items=6)).run()
    story.poll(1, 19.0, shown=False)
    assert state("one-stream", story) is LawState.HELD
    story.poll(2, 22.0, shown=False)
    assert state("one-stream", story) is LawState.FAILED


def test_a_poll_that_was_begun_as_the_stream_s_first_byte_came_holds():
    story = Story(plan())
    story.emit_all()
    story.dial(0.5)
    story.poll(0, 0.55, shown=False)
    story.end(41.0)
    assert state("one-stream", story) is LawState.HELD


def test_a_status_asked_for_while_a_gap_is_open_or_after_a_204_holds():
    for told in ("gap", "204"):
        story = Story(plan()).run()
        if told == "gap":
            story.add(Delivered(rid=2, cid=2, type="reset", digest="r"), 4.9)
        else:
            story.request("stream", 4.9, status=204)
        story.poll(9, 5.0, shown=False)
        assert state("one-stream", story) is LawState.HELD, told


def idle(*at: float, until: float = 9.0, how: str = "fin") -> Story:
    story = Story(plan(lasts=20.0)).run()
    for moment in at:
        cid = story.conn(moment)
        story.add(ConnEnd(cid=cid, side="client", how=how), moment + until)
    return story


def test_three_connections_without_a_request_fail():
    found = law("one-stream", idle(3.0, 4.0, 5.0))
    assert found.cause == "idle-connections"
    assert found.sentence == (
        "3 of the client's 6 connections carried no request: the first at 3.0 s (allowed: one in three, and fewer than "
        "3)"
    )


def test_one_in_three_connections_may_carry_no_request():
    assert state("one-stream", idle(3.0)) is LawState.HELD
    assert state("one-stream", idle(3.0, 4.0)) is LawState.FAILED


def test_idle_connections_that_are_closed_with_the_run_count():
    story = Story(plan(lasts=20.0)).run()
    for moment in (3.0, 4.0, 5.0):
        story.conn(moment)
    assert state("one-stream", story) is LawState.FAILED


def test_a_dial_that_is_dropped_for_a_reason_leaves_no_spare_connection():
    assert state("one-stream", idle(3.0, 4.0, 5.0, until=9.9)) is LawState.HELD  # the connect deadline
    assert state("one-stream", idle(3.0, 4.0, 5.0, how="closed")) is LawState.HELD  # its path was lost
    story = idle(3.0, 4.0, 5.0, until=0.5)
    for moment in (3.4, 4.4, 5.4):
        story.signal("prefers", moment, "cellular")
    assert state("one-stream", story) is LawState.HELD
    assert state("one-stream", idle(3.0, 4.0, 5.0, until=0.5)) is LawState.FAILED


def started(at: float, *, whole: bool = True, status: int = 202, by: str = "") -> Story:
    """A job, and a second start at this time; the first was answered whole or not."""
    story = Story(plan())
    story.emit_all()
    story.request("start", 0.001, status=status, by=by)
    story.add(Body(rid=1, cid=1, length=9, digest="x", whole=whole), 0.008)
    story.request("start", at, status=202)
    story.dial(at + 1.0)
    story.end(41.0)
    return story


def test_work_that_is_started_again_fails():
    found = law("one-stream", started(2.0))
    assert found.cause == "started-twice"
    assert found.sentence == ("the client started its work again at 2.0 s; the start of 0.0 s had been accepted (202)")


def test_work_may_be_started_again_where_the_answer_was_lost_or_in_doubt_or_refused_it():
    assert state("one-stream", started(2.0, whole=False)) is LawState.HELD
    assert state("one-stream", started(0.5)) is LawState.HELD
    assert state("one-stream", started(2.0, status=503)) is LawState.HELD
    assert state("one-stream", started(2.0, status=200, by="middle")) is LawState.HELD


def test_no_stream_at_the_gate_is_unknown():
    story = Story(plan())
    story.emit_all()
    story.end(41.0)
    assert state("one-stream", story) is LawState.UNKNOWN


def test_an_empty_history_is_unknown():
    assert empty("one-stream", plan()) is LawState.UNKNOWN
