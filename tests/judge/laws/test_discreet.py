import msgspec
import pytest

from harness.deeds import acts
from harness.history import App, Attempt, AttemptEnd, Chunk, ConnEnd, Delivered, Gap, Read, Response
from harness.judge.verdict import LawState, LawVerdict
from harness.sse.policy import FedBy, Policies
from tests.judge.ruling import empty, expect, law, state
from tests.judge.scenes import half_open, half_open_plan, handoff, noticed
from tests.judge.story import Story, changed, ns, plan, reach, without

HOME = "http://127.0.0.1:8080"


def ended(how: str = "watchdog", *, at: float = 8.0, policies: Policies | None = None, comment: float = 0.0) -> Story:
    """The client ends its stream at ``at``, 5 s after its last event, and is back a second later."""
    story = Story(plan(lasts=60.0, items=120, policies=policies))
    story.emit_all()
    story.request("start", 0.001, status=202)
    story.dial(0.01)
    story.status("connected", 0.03, attempt=1)
    for index in range(7):
        story.show(index, max(story.times()[index] + 0.005, 0.04))
    if comment:
        story.comment(comment)
    story.hang_up(at, how, fresh=7, events=7, opened=True, bytes=999)
    story.dial(at + 0.7, cause="failed")
    for index in range(7, 122):
        story.show(index, max(story.times()[index] + 0.01, at + 1.0 + index * 1e-4))
    story.finish(60.05)
    story.end(61.2)
    return story


def test_a_client_without_fault_holds_and_says_what_was_not_seen():
    found = law("discreet", handoff())
    assert (found.state, found.sentence) == (LawState.HELD, "4 requests in order (TLS and CPU leave no record)")
    assert state("discreet", noticed()) is LawState.HELD


def test_a_token_sent_to_another_origin_fails():
    story = Story(plan()).run()
    story.request("start", 0.0005, status=202, token=True, origin=HOME)
    story.request("poll", 3.0, token=True, origin="http://portal.example")
    history = changed(story.history(), Response, 0, status=302, location="http://portal.example/")
    found = law("discreet", story, history)
    assert found.sentence == (
        "the client sent its token to http://portal.example at 3.0 s; the job server is http://127.0.0.1:8080"
    )
    assert found.evidence[0].text == "302, location http://portal.example/"
    assert (found.cause, found.evidence[1].text) == (
        "token-leaked", "poll request with the token to http://portal.example",
    )  # fmt: skip


def test_a_redirect_followed_without_the_token_holds():
    story = Story(plan()).run()
    story.request("start", 0.0005, status=202, token=True, origin=HOME)
    story.request("poll", 3.0, origin="http://portal.example")
    assert state("discreet", story) is LawState.HELD


def gave_up(story: Story, at: float = 5.0) -> Story:
    story.records = [r for r in story.records if not (isinstance(r, App) and r.enter_ns > ns(at))]
    story.records = [r for r in story.records if not (isinstance(r, Attempt) and r.t_ns > ns(at))]
    said = App(client="c1", job="j1", callback="error", enter_ns=ns(at), exit_ns=ns(at), detail="network error")
    story.add(said, at)
    return story


def test_a_final_error_while_the_job_lives_fails():
    found = law("discreet", gave_up(half_open()))
    assert found.sentence == "the client gave up at 5.0 s, while the job was alive (it told the app: network error)"
    assert found.cause == "gave-up"


def test_an_error_after_the_job_s_end_is_no_such_error():
    assert state("discreet", gave_up(half_open(), at=10.5)) is LawState.HELD


def test_an_error_that_was_not_the_last_word_is_none():
    story = handoff()
    story.add(App(client="c1", job="j1", callback="error", enter_ns=ns(4.5), exit_ns=ns(4.5)), 4.5)
    assert state("discreet", story) is LawState.HELD


def test_a_status_that_says_stop_excuses_the_error():
    story = gave_up(half_open())
    story.request("stream", 4.6, last="a-7", status=404)
    assert state("discreet", story) is LawState.HELD


def test_attempts_spent_as_declared_excuse_the_error():
    story = gave_up(half_open(half_open_plan(Policies(gives_up_after=1))))
    assert state("discreet", story) is LawState.HELD


def test_callbacks_that_overlap_fail():
    story = handoff()
    history = story.history()
    slow = history.all(App)[4]
    history = changed(history, App, 4, exit_ns=slow.enter_ns + 12 * 10**8)
    found = law("discreet", story, history)
    assert found.sentence.startswith("on_processing was called at 2.5 s while on_processing was still running (2 times")
    assert found.cause == "callbacks-overlap"


def test_more_requests_than_the_scenario_allows_fail():
    story = Story(plan(expect=(expect("requests", "at most", 2),))).run()
    found = law("discreet", story)
    assert found.sentence == "the client made 3 requests, the scenario allows 2: that was spent at 10.0 s"
    assert found.evidence[0].text == "the first request too many: results"
    within = Story(plan(expect=(expect("requests", "at most", 3),))).run()
    assert state("discreet", within) is LawState.HELD


def test_a_watchdog_shorter_than_declared_fails():
    found = law("discreet", ended())
    assert found.sentence == (
        "the client ended a live stream at 8.0 s: its last byte had come 5.0 s before, its watchdog is 20 s"
    )
    assert (found.cause, found.advice.split(":")[0]) == ("hasty-watchdog", "Fix")


def test_a_watchdog_fed_by_events_only_is_named_by_its_comments():
    found = law("discreet", ended(at=24.0, comment=18.0, policies=Policies(watchdog_fed_by=FedBy.EVENTS)))
    assert "its last byte had come 6.0 s before (a comment; its last event 21.0 s)" in found.sentence


def test_a_watchdog_that_waits_as_declared_holds():
    assert state("discreet", ended(at=23.1)) is LawState.HELD
    assert state("discreet", ended(at=8.0, policies=Policies(watchdog=5.0))) is LawState.HELD


def test_a_byte_that_comes_as_the_watchdog_fires_is_no_life():
    assert state("discreet", ended(at=23.1, comment=23.05)) is LawState.HELD


@pytest.mark.parametrize("how", ["eof", "error"])
def test_an_end_that_came_from_the_other_side_holds(how):
    assert state("discreet", ended(how)) is LawState.HELD


@pytest.mark.parametrize("how", ["eof", "error", "too-big", "closed", "signal"])
def test_what_the_client_says_of_the_end_of_a_stream_is_no_reason(how):
    story = ended(how)
    story.records = [one for one in story.records if not (isinstance(one, ConnEnd) and one.side == "server")]
    assert state("discreet", story) is LawState.FAILED


def test_the_loss_of_its_own_path_excuses_the_end_of_a_stream_and_a_join_elsewhere_does_not():
    for what, path, expected in (
        ("loses", "wifi", LawState.HELD), ("offline", "", LawState.HELD), ("resumed", "", LawState.HELD),
        ("loses", "cellular", LawState.FAILED), ("joins", "cellular", LawState.FAILED), ("prefers", "cellular",
        LawState.FAILED),
    ):  # fmt: skip
        story = ended("signal")
        story.signal(what, 7.99, path)
        assert state("discreet", story) is expected, what


def test_a_loss_that_was_heard_only_later_excuses_nothing():
    story = ended("signal")
    story.signal("loses", 7.9, "wifi", heard=8.2)
    assert state("discreet", story) is LawState.FAILED


def test_an_end_that_the_phone_met_excuses_the_client_s():
    story = ended()
    story.add(Read(cid=2, upto=2000, end="fin"), 8.0)
    assert state("discreet", story) is LawState.HELD


def test_an_event_that_is_too_big_excuses_the_end_whole_or_under_way():
    for most, expected in ((1000, LawState.HELD), (5000, LawState.FAILED)):
        story = ended(policies=Policies(max_event=most))
        cid = next(one.cid for one in story.records if isinstance(one, Delivered))
        story.add(Chunk(cid=cid, direction="downstream", offset=2000, length=2000, fate="delivered"), 7.5)
        assert state("discreet", story) is expected, most


def test_a_gap_that_the_stream_told_of_excuses_its_end_until_it_is_covered():
    story = ended()
    story.add(Delivered(rid=2, cid=2, type="reset", digest="r"), 7.5)
    story.add(App(client="c1", job="j1", callback="gap", enter_ns=ns(7.6), exit_ns=ns(7.6)), 7.6)
    assert state("discreet", story) is LawState.HELD


def told(*gaps: float, said: tuple[float, ...] = (), polls: tuple[float, ...] = ()) -> Story:
    """A flawless run; the server says a reset at ``said``, answers ``polls``, and the app is told of ``gaps``."""
    story = Story(plan(lasts=20.0)).run()
    for at in said:
        story.add(Delivered(rid=2, cid=2, type="reset", digest="r"), at)
    for at in polls:
        story.request("poll", at)
        story.answered(2, at + 0.007)
    for at in gaps:
        story.add(App(client="c1", job="j1", callback="gap", enter_ns=ns(at), exit_ns=ns(at), detail="reset"), at)
    return story


def test_each_gap_told_once_holds():
    assert state("discreet", told()) is LawState.HELD
    assert state("discreet", told(5.1, said=(5.0,))) is LawState.HELD
    assert state("discreet", told(5.1, 9.1, said=(5.0, 9.0), polls=(5.2,))) is LawState.HELD


def test_a_gap_that_the_app_is_never_told_of_fails():
    found = law("discreet", told(said=(5.0,)))
    assert (found.cause, found.sentence) == (
        "gap-untold", "the server said at 5.0 s that events are missing (reset), and the app was never told of a gap",
    )  # fmt: skip
    assert state("discreet", told(5.1, said=(5.0, 9.0), polls=(5.2,))) is LawState.FAILED


def test_gaps_that_follow_each_other_uncovered_are_one():
    assert state("discreet", told(5.1, said=(5.0, 9.0))) is LawState.HELD


@pytest.mark.parametrize(("shown", "expected"), [(False, LawState.HELD), (True, LawState.FAILED)])
def test_a_gap_behind_repeats_that_the_app_is_not_shown_is_the_one_before_it(shown, expected):
    story = told(5.1, said=(5.0, 9.0), polls=(5.2,))
    digests = {one.digest for one in story.records if isinstance(one, Delivered) and ns(5.0) <= one.t_ns <= ns(9.0)}
    hidden = [one for one in story.records if isinstance(one, App) and one.digest in digests and not shown]
    for app in hidden:
        story.records.remove(app)
    assert state("discreet", story) is expected


def test_a_gap_that_the_server_did_not_say_fails():
    found = law("discreet", told(5.1))
    assert (found.cause, found.sentence) == (
        "gap-invented", "on_gap was called at 5.1 s (reset), though the server had said no gap",
    )  # fmt: skip
    assert "had said 1 of 2 gaps that the app was told" in law("discreet", told(5.1, 5.2, said=(5.0,))).sentence


def test_a_gap_in_doubt_may_be_told_and_need_not():
    for gaps in ((), (19.6,)):
        assert state("discreet", told(*gaps, said=(19.5,))) is LawState.HELD, gaps


def test_the_word_of_a_client_is_no_gap_told():
    story = told(said=(5.0,))
    story.add(Gap(client="c1", reason="reset"), 5.1)
    assert state("discreet", story) is LawState.FAILED


def test_a_job_that_was_refused_for_good_and_said_nothing_fails():
    def refused(*errors: float) -> LawVerdict:
        story = Story(plan())
        story.emit_all()
        story.request("stream", 1.0, status=404)
        for at in errors:
            story.add(App(client="c1", job="j1", callback="error", enter_ns=ns(at), exit_ns=ns(at)), at)
        story.end(41.0)
        return law("discreet", story)

    assert (refused(1.1).state, refused(2.0).state) == (LawState.HELD, LawState.HELD)
    assert refused().cause == "untold-end"
    assert (refused(6.0).cause, refused(6.0).sentence) == (
        "late-end",
        "the job was refused for good at 1.0 s (404), and the app was told so at 6.0 s only (limit 1 s)",
    )
    assert refused(1.1, 1.2).cause == "ended-twice"


def test_a_client_that_reports_no_attempts_is_judged_by_its_side_of_the_stream():
    story = ended()
    wire_only = without(story.history(), Attempt, AttemptEnd)
    assert "ended a live stream at 8.0 s" in law("discreet", story, wire_only).sentence


def polling(until: float) -> Story:
    """Streams are muted until 20 s; the client polls to ``until``."""
    mute = (0.0, "middle", acts.MutesStreams(), "mutes streams")
    clear = (20.0, "middle", acts.Clears(), "clears")
    policies = Policies(retry_stream=10.0, backoff_cap=5.0)
    story = Story(plan(mute, clear, lasts=100.0, items=100, policies=policies))
    story.emit_all()
    story.deeds()
    story.request("start", 0.001, status=202)
    story.dial(0.01)
    story.hang_up(10.1, "suspect", opened=True)
    story.status("polling", 10.2)
    for step in range(int((until - 11.0) / 3)):
        story.poll(int(11.0 + step * 3), 11.0 + step * 3)
    story.end(until + 1.0)
    return story


def test_polling_on_for_long_after_streams_can_pass_fails():
    found = law("discreet", polling(80.0))
    assert found.sentence == (
        "the client went on polling for 54.0 s though event streams could pass from 20.0 s on (limit 19.1 s)"
    )
    assert (found.cause, [item.text for item in found.evidence]) == ("never-returned", ["poll", "poll"])


def test_polling_for_retry_stream_and_r_holds():
    assert state("discreet", polling(36.0)) is LawState.HELD


def test_polling_without_a_way_for_streams_holds():
    story = polling(80.0)
    deeds = tuple(msgspec.structs.replace(d, at=95.0) if d.index else d for d in story.plan.deeds)
    story.plan = msgspec.structs.replace(story.plan, deeds=deeds)
    story.records = [r for r in story.records if type(r).__name__ != "DeedDone"]
    assert state("discreet", story) is LawState.HELD


def test_a_server_that_refuses_the_cursor_of_each_try_lets_no_stream_pass():
    def tried(status: int) -> LawState:
        story = polling(60.0)
        for at in (25.0, 37.0, 49.0):
            story.request("stream", at, status=status)
        if status:
            story.add(App(client="c1", job="j1", callback="gap", enter_ns=ns(25.1), exit_ns=ns(25.1)), 25.1)
        return state("discreet", story)

    assert (tried(410), tried(409)) == (LawState.HELD, LawState.HELD)
    assert tried(0) is LawState.FAILED


def test_a_host_that_lags_leaves_an_early_end_unknown():
    story = ended()
    story.lags(*[3_000_000] * 100)
    assert state("discreet", story) is LawState.UNKNOWN


def test_no_request_at_the_gate_is_unknown():
    story = Story(plan(reach(4.0, "silent")))
    story.emit_all()
    story.end(41.0)
    assert state("discreet", story) is LawState.UNKNOWN


def test_an_empty_history_is_unknown():
    assert empty("discreet", plan()) is LawState.UNKNOWN
