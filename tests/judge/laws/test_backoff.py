import pytest

from harness.history import Attempt, AttemptEnd, ConnEnd
from harness.judge.verdict import State
from harness.sse.policy import Jitter, Policies
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import handoff
from tests.judge.story import Story, plan, reach, without


def storm(waits: list[float], *, policies: Policies | None = None, cause: str = "failed", **end) -> Story:
    """An attempt that brought events, then one failed attempt after each wait, 100 ms long. The plan lasts a minute."""
    story = Story(plan(reach(4.0, "refused", "wifi"), lasts=300.0, policies=policies))
    story.emit_all()
    story.dial(0.01)
    at = 4.0
    story.hang_up(at, "error", fresh=8, events=8, **end)
    for wait in waits:
        story.dial(at + wait, cause=cause, opens=False)
        at += wait + 0.1
        story.hang_up(at, "refused", **end)
    story.end(at + 1.0)
    return story


def test_doubling_waits_within_their_halves_hold():
    story = storm([0.6, 1.9, 2.2, 7.0, 9.0, 29.0, 16.0])
    found = law("backoff", story)
    assert (found.state, found.sentence) == (State.HELD, "7 waits within bounds")


@pytest.mark.parametrize("waits", [[0.4], [0.6, 0.8], [0.6, 1.9, 2.2, 1.0], [0.6, 1.9, 2.2, 7.0, 9.0, 14.0]])
def test_a_wait_below_half_of_d_fails(waits):
    assert state("backoff", storm(waits)) is State.FAILED


def test_a_wait_beyond_d_fails_and_says_what_was_due():
    found = law("backoff", storm([0.6, 2.4]))
    assert found.sentence == "attempt 3 at 7.1 s came 2.4 s after the last one's end, at most 2 s was due (d = 2 s)"
    assert [item.text for item in found.evidence] == [
        "attempt 2 ended: refused",
        "attempt 3 (failed) after 2.4 s, d = 2 s",
    ]


def test_being_connected_resets_nothing():
    story = storm([0.6, 1.5, 3.5])
    for record in story.records:
        if isinstance(record, AttemptEnd) and record.n > 1:
            record.opened = True
            record.events = 1  # a repeat
    assert state("backoff", story) is State.HELD
    assert state("backoff", storm([0.6, 1.5, 0.7])) is State.FAILED


def test_a_fresh_event_resets():
    story = storm([0.6, 1.5, 0.7])
    next(r for r in story.records if isinstance(r, AttemptEnd) and r.n == 3).fresh = 1
    assert state("backoff", story) is State.HELD


def test_a_clean_end_after_the_cap_may_reset():
    def told(lived: float) -> State:
        story = storm([0.6, 1.5])
        end = next(r for r in story.records if isinstance(r, AttemptEnd) and r.n == 3)
        end.how, end.opened, end.t_ns = "eof", True, end.t_ns + round(lived * 1e9)
        story.add(Attempt(client="c1", n=4, cause="ended"), (end.t_ns - 10**12) / 1e9 + 0.7)
        return state("backoff", story)

    assert told(30.0) is State.HELD
    assert told(10.0) is State.FAILED


def test_a_retry_field_is_the_new_base_and_never_undercut():
    assert state("backoff", storm([5.0, 14.9], server_retry=5.0)) is State.HELD
    assert state("backoff", storm([4.8], server_retry=5.0)) is State.FAILED
    assert state("backoff", storm([7.7], server_retry=5.0)) is State.FAILED


@pytest.mark.parametrize("jitter", Jitter)
def test_a_retry_field_beyond_the_cap_is_never_undercut(jitter):
    hasty = Policies(backoff_base=0.5, backoff_cap=2.0, jitter=jitter)
    assert state("backoff", storm([10.1, 14.9, 10.0], server_retry=10.0, policies=hasty)) is State.HELD
    assert state("backoff", storm([2.07], server_retry=10.0, policies=hasty)) is State.FAILED
    assert state("backoff", storm([9.9], server_retry=10.0, policies=hasty)) is State.FAILED
    assert state("backoff", storm([15.1], server_retry=10.0, policies=hasty)) is State.FAILED


def test_a_retry_field_is_not_undercut_by_a_shorter_retry_after():
    assert state("backoff", storm([11.0], server_retry=10.0, retry_after=2.0)) is State.HELD
    assert state("backoff", storm([3.0], server_retry=10.0, retry_after=2.0)) is State.FAILED


def test_a_retry_field_is_clamped():
    assert state("backoff", storm([0.3], server_retry=0.0)) is State.HELD
    assert state("backoff", storm([31.0], server_retry=3600.0)) is State.HELD


def test_retry_after_is_obeyed_to_the_second():
    assert state("backoff", storm([7.4], retry_after=7.0)) is State.HELD
    assert state("backoff", storm([6.9], retry_after=7.0)) is State.FAILED
    assert state("backoff", storm([8.2], retry_after=7.0)) is State.FAILED


def test_no_more_of_a_retry_after_is_due_than_the_policies_obey():
    shortened = Policies(retry_stream=20.0, backoff_cap=30.0)
    assert state("backoff", storm([30.4], retry_after=9e8, policies=shortened)) is State.HELD
    assert state("backoff", storm([29.0], retry_after=9e8, policies=shortened)) is State.FAILED
    assert state("backoff", storm([60.0], retry_after=9e8, policies=shortened)) is State.FAILED


def test_a_policy_that_ignores_retry_after_is_held_to_the_plain_bounds():
    assert state("backoff", storm([0.7], retry_after=7.0, policies=Policies(obeys_retry_after=False))) is State.HELD


def test_a_signal_ends_one_wait_when_the_device_gave_one():
    assert state("backoff", handoff()) is State.HELD
    story = handoff(back=6.2)
    story.records = [r for r in story.records if type(r).__name__ != "SignalTold"]
    story.hang_up(6.0, "error")
    story.dial(6.01, cause="signal", path="cellular")
    assert state("backoff", story) is State.FAILED


def cut_dials(*cut: float, end: float = 9.0, **signals: float | None) -> Story:
    """A refused stream, then dials that hang, each cut as a signal says and begun anew at once; n grows with each."""
    story = Story(plan(reach(4.0, "refused", "wifi"), lasts=300.0))
    story.emit_all()
    story.dial(0.01)
    story.hang_up(4.0, "error", fresh=8, events=8)
    at = 4.8
    story.dial(at, cause="failed", opens=False)
    for at in cut:
        story.hang_up(at, "signal")
        story.dial(at + 0.0001, cause="signal", opens=False)
    story.hang_up(at + 0.3, "refused")
    story.end(end)
    return story


def test_a_signal_counts_when_it_is_heard_and_not_when_it_was_told():
    story = cut_dials(5.0, 5.9)
    story.signal("joins", 4.999, "wifi", heard=4.9999)
    story.signal("prefers", 4.9991, "wifi", heard=5.8999)  # told before the dial that it cuts began
    assert state("backoff", story) is State.HELD
    story = cut_dials(5.0, 5.9)
    story.signal("joins", 4.999, "wifi", heard=4.9999)
    story.signal("prefers", 5.8999, "wifi", heard=6.1)
    assert "attempt 4 at 5.9 s came 0.10 ms after the last one's end" in law("backoff", story).sentence


@pytest.mark.parametrize("heard", [4.72, 5.18])
def test_a_signal_and_an_end_that_are_near_have_no_order(heard):
    story = cut_dials(5.1)
    story.signal("joins", 4.7, "wifi", heard=heard)
    assert state("backoff", story) is State.HELD


@pytest.mark.parametrize("heard", [4.68, 5.21])
def test_a_signal_that_is_not_near_excuses_nothing(heard):
    story = cut_dials(5.1)
    story.signal("joins", 4.6, "wifi", heard=heard)
    assert state("backoff", story) is State.FAILED


def test_what_is_near_is_wider_by_the_host_s_lag():
    story = cut_dials(5.1)
    story.signal("joins", 4.6, "wifi", heard=4.68)
    story.lags(*[100] * 500, 30_000)
    assert state("backoff", story) is State.HELD


def test_one_signal_ends_one_wait():
    story = cut_dials(5.0, 5.01, 5.02)
    story.signal("joins", 4.9, "wifi", heard=5.0)
    assert state("backoff", story) is State.FAILED
    story.signal("prefers", 4.9, "wifi", heard=5.01)
    assert state("backoff", story) is State.FAILED
    story.signal("resumed", 4.9, heard=5.02)
    assert state("backoff", story) is State.HELD


def test_a_signal_that_was_told_to_nobody_excuses_nothing():
    story = cut_dials(5.0)
    story.signal("joins", 4.999, "wifi", heard=4.9999, ears=0)
    assert state("backoff", story) is State.FAILED


def test_in_a_history_of_an_older_harness_a_signal_counts_when_it_was_told():
    story = cut_dials(4.9)
    story.signal("joins", 4.7999, "wifi")  # 0.1 ms before the dial that it cut
    assert state("backoff", story) is State.HELD
    story = cut_dials(5.0)
    story.signal("joins", 4.6, "wifi")
    assert state("backoff", story) is State.FAILED


def asked_twice(what: str, wait: float, *, how: str = "fin", status: int = 503, **answer: str) -> Story:
    """A request that is answered by ``status`` at 5 s, and the next of its kind so many seconds after the answer."""
    policies = Policies(retry_stream=40.0)
    story = Story(plan(lasts=120.0, policies=policies)).run()
    cid = story.conn(4.99)
    story.request(what, 4.994, cid=cid, status=status, **{"retry_after": "7"} | answer)
    story.add(ConnEnd(cid=cid, side="client", how=how), 5.001)
    story.request(what, 5.0 + wait)
    return story


ANYTHING = pytest.mark.parametrize("what", ["poll", "results", "token", "start"])


@ANYTHING
def test_whatever_was_put_off_comes_no_sooner(what):
    assert state("backoff", asked_twice(what, 7.0)) is State.NOT_JUDGED
    assert state("backoff", asked_twice(what, 6.9)) is State.FAILED


@pytest.mark.parametrize("status", [200, 307, 429, 500, 503])
def test_whatever_status_puts_a_poll_off(status):
    assert state("backoff", asked_twice("poll", 3.0, status=status)) is State.FAILED


def test_a_request_that_was_put_off_and_came_says_what_was_asked():
    found = law("backoff", asked_twice("poll", 3.0))
    assert found.sentence == "the client asked for the status at 8.0 s, 3.0 s after the server had said Retry-After 7 s"
    assert [item.text for item in found.evidence] == ["503, Retry-After 7", "the status asked for again"]


def test_a_date_puts_off_by_what_it_is_later_than_the_answer_s_own():
    date, later = "Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2026 00:00:09 GMT"
    assert state("backoff", asked_twice("poll", 9.0, retry_after=later, date=date)) is State.NOT_JUDGED
    assert state("backoff", asked_twice("poll", 8.0, retry_after=later, date=date)) is State.FAILED
    assert state("backoff", asked_twice("poll", 3.0, retry_after=later)) is State.NOT_JUDGED


def test_no_more_of_a_poll_s_retry_after_is_due_than_the_policies_obey():
    assert state("backoff", asked_twice("poll", 40.0, retry_after="86400")) is State.NOT_JUDGED
    assert state("backoff", asked_twice("poll", 39.0, retry_after="86400")) is State.FAILED


@pytest.mark.parametrize(
    "answer", [{"status": 401}, {"status": 307, "location": "/elsewhere"}, {"how": "closed"}, {"retry_after": "soon"}]
)
def test_what_puts_nobody_off(answer):
    assert state("backoff", asked_twice("poll", 3.0, **answer)) is State.NOT_JUDGED


def test_what_a_box_says_is_read_before_its_end():
    assert state("backoff", asked_twice("poll", 3.0, how="closed", by="middle")) is State.FAILED


def test_a_retry_after_that_comes_with_something_else_may_not_have_been_read():
    story = asked_twice("poll", 3.0)
    story.signal("loses", 4.95, "wifi", heard=4.95)
    assert state("backoff", story) is State.NOT_JUDGED


def test_a_request_that_was_dialled_before_the_answer_to_another_is_not_put_off():
    story = asked_twice("poll", 7.0)
    story.request("poll", 5.2, cid=story.conn(4.9))
    assert state("backoff", story) is State.NOT_JUDGED


@pytest.mark.parametrize(("what", "then"), [("results", State.NOT_JUDGED), ("poll", State.FAILED)])
def test_a_signal_ends_the_wait_for_results_and_leaves_polling_alone(what, then):
    story = asked_twice(what, 3.0)
    story.signal("joins", 7.9, "wifi", heard=7.99)
    assert state("backoff", story) is then


def test_what_the_gate_saw_of_a_retry_after_counts_and_not_what_the_client_says():
    def told(wait: float, said: float | None) -> State:
        story = Story(plan(lasts=300.0))
        story.emit_all()
        story.dial(0.01, status=0)
        story.request("stream", 0.02, status=503, retry_after="7")
        story.hang_up(4.0, "status", status=503, retry_after=said)
        story.dial(4.0 + wait, cause="retry-after", opens=False)
        story.end(40.0)
        return state("backoff", story)

    assert (told(7.5, 7.0), told(7.5, None)) == (State.HELD, State.HELD)
    assert (told(2.0, 2.0), told(0.9, None)) == (State.FAILED, State.FAILED)


def test_a_stream_that_waits_for_a_token_waits_as_long_as_that_was_put_off():
    def told(wait: float) -> State:
        story = Story(plan(lasts=300.0))
        story.emit_all()
        story.dial(0.01)
        story.hang_up(4.0, "status", status=401)
        cid = story.conn(4.0)
        story.request("token", 4.1, cid=cid, status=503, retry_after="20")
        story.close(4.2, cid)
        story.dial(4.0 + wait, cause="retry-after", opens=False)
        story.end(40.0)
        return state("backoff", story)

    assert (told(0.9), told(21.1), told(21.3)) == (State.HELD, State.HELD, State.FAILED)


def test_a_stream_that_was_put_off_is_not_tried_while_polling_either():
    def told(wait: float, cause: str = "probe", status: int = 503, *, heard: bool = False) -> State:
        story = storm([wait], cause=cause, retry_after=10.0, status=status)
        story.status("polling", 4.1)
        if heard:
            story.signal("joins", 6.9, "wifi", heard=6.95)
        return state("backoff", story)

    assert {told(10.0), told(60.0), told(3.0, "signal", heard=True), told(0.3, "refreshed", 401)} == {State.HELD}
    assert {told(3.0), told(3.0, "signal"), told(3.0, heard=True)} == {State.FAILED}


def test_a_token_refresh_is_followed_by_one_attempt_at_once():
    story = storm([0.001], cause="refreshed")
    assert state("backoff", story) is State.FAILED
    story.request("token", 4.0005)
    assert state("backoff", story) is State.HELD


def refused_token(wait: float, *deeds, asked: float | None = None) -> State:
    """A 401, a request for a new token that is over after so many seconds, and the next dial."""
    story = Story(plan(*deeds, lasts=300.0))
    story.emit_all()
    story.deeds()
    story.dial(0.01)
    story.hang_up(4.0, "status", status=401)
    if asked is not None:
        cid = story.conn(4.1)
        story.request("token", 4.1, cid=cid, status=503)
        story.close(4.0 + asked, cid)
    story.dial(4.0 + wait, cause="failed", opens=False)
    story.end(40.0)
    return state("backoff", story)


def test_asking_for_a_token_may_outlast_the_wait_and_no_longer():
    assert refused_token(0.9, asked=0.3) is State.HELD
    assert refused_token(2.5, asked=2.5) is State.HELD
    assert refused_token(2.5, asked=0.3) is State.FAILED


def test_asking_for_a_token_of_whom_nobody_lets_in_lasts_to_the_connect_deadline():
    hangs = reach(4.05, "unreachable", "wifi")
    assert refused_token(10.5, hangs) is State.HELD
    assert refused_token(12.0, hangs) is State.FAILED
    assert refused_token(10.5) is State.FAILED


def test_a_refreshed_attempt_comes_once_the_token_has():
    def told(wait: float) -> State:
        story = storm([wait], cause="refreshed", status=401)
        story.plan = plan(lasts=300.0)
        cid = story.conn(4.1)
        story.request("token", 4.1, cid=cid)
        story.close(6.5, cid)
        return state("backoff", story)

    assert (told(2.5), told(6.5)) == (State.HELD, State.FAILED)


def test_what_is_dialled_while_polling_keeps_the_fallback_s_time():
    story = storm([0.6, 40.0], cause="probe")
    assert state("backoff", story) is State.FAILED
    story.status("polling", 4.8)
    assert state("backoff", story) is State.HELD


def test_four_waits_at_one_ratio_fail():
    found = law("backoff", storm([0.75, 1.5, 3.0, 6.0]))
    assert found.sentence == "4 waits in a row took 0.750 of d: without jitter, a herd of clients moves as one"
    assert state("backoff", storm([0.75, 1.5, 3.1, 6.0])) is State.HELD


def test_a_plan_without_jitter_may_wait_d_each_time():
    none = Policies(jitter=Jitter.NONE)
    assert state("backoff", storm([1.0, 2.0, 4.0, 8.0], policies=none)) is State.HELD
    assert state("backoff", storm([0.7], policies=none)) is State.FAILED


def test_full_jitter_may_be_as_short_as_it_likes():
    assert state("backoff", storm([0.01, 0.3, 3.9], policies=Policies(jitter=Jitter.FULL))) is State.HELD


def test_bounds_are_widened_by_the_host_s_lag_and_unknown_where_it_is_too_large():
    story = storm([1.1])
    story.lags(*[100] * 500, 120_000)
    assert state("backoff", story) is State.HELD
    story = storm([1.5])
    story.lags(*[200_000] * 100)
    assert state("backoff", story) is State.UNKNOWN


def test_a_foreign_client_is_not_judged():
    story = handoff()
    assert state("backoff", story, without(story.history(), Attempt, AttemptEnd)) is State.NOT_JUDGED


def test_an_empty_history_is_unknown():
    assert empty("backoff", plan()) is State.UNKNOWN
