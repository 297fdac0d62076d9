import msgspec
import pytest

from harness.history import App, Attempt, AttemptEnd, ConnEnd, Delivered, Dial, Read, Status
from harness.judge.verdict import LawState, LawVerdict
from harness.sse.policy import Jitter, Policies, ResetsOn
from tests.judge.dialling import LOST, Dials
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import handoff
from tests.judge.story import Story, ns, plan, reach, without

UNSET = msgspec.UNSET


def waited(*waits: float, policies: Policies | None = None) -> LawState:
    return state("backoff", Dials(policies=policies).refused(*waits).over())


def sentence(story: Dials) -> str:
    return law("backoff", story).sentence


# Row 20, plain.


def test_doubling_waits_within_their_halves_hold():
    found = law("backoff", Dials().refused(0.6, 1.9, 2.2, 7.0, 9.0, 29.0, 16.0).over())
    assert (found.state, found.sentence) == (LawState.HELD, "7 dials in their time")


@pytest.mark.parametrize("waits", [[0.4], [0.6, 0.8], [0.6, 1.9, 1.8], [0.6, 1.9, 2.2, 7.0, 9.0, 14.0]])
def test_a_wait_below_half_of_d_fails(waits):
    assert waited(*waits) is LawState.FAILED


def test_a_wait_beyond_d_fails_and_says_what_was_due():
    found = law("backoff", Dials().refused(0.6, 2.4).over())
    assert found.sentence == "row 20, plain wait: a dial was due by 6.70 s and came at 7.10 s (n 1, d = 2 s)"
    assert [item.text for item in found.evidence] == ["the attempt before ended", "the dial"]


def test_who_waits_twice_fails_though_an_event_follows_at_once():
    def told(wait: float) -> LawState:
        story = Dials().refused(0.6, 1.9)
        story.at += wait
        cid = story.asks("stream", story.at)
        story.add(Delivered(rid=story.rids, cid=cid, id="a-0", type="initialized"), story.at + 0.05)
        story.reads(cid, story.at + 0.04)
        story.at += 0.1
        return state("backoff", story.over())

    assert (told(2.5), told(5.0)) == (LawState.HELD, LawState.FAILED)


def test_a_dial_that_is_owed_and_never_comes_fails():
    story = Dials().refused(0.6)
    story.end(60.0, "limit")
    assert sentence(story) == "row 20, plain wait: a dial was due by 6.70 s and never came (n 1, d = 2 s)"


@pytest.mark.parametrize(("end_polled_at", "fails"), [(6.5, False), (20.0, True)])
def test_a_dial_that_was_due_before_the_end_was_polled_is_owed_all_the_same(end_polled_at, fails):
    story = Dials().refused(0.6)
    end = len(story.times()) - 1
    story.request("poll", end_polled_at)
    Story.answered(story, end, end_polled_at + 0.007)
    story.show(end, end_polled_at + 0.01, source="poll")
    story.end(60.0, "limit")
    never_came = "a dial was due by 6.70 s and never came (n 1, d = 2 s)"
    assert (never_came in sentence(story)) is fails


def test_nothing_the_client_says_of_itself_changes_anything():
    story = Dials().refused(0.6, 2.4)
    story.add(Attempt(client="c1", n=2, cause="signal"), 4.6)
    story.add(AttemptEnd(client="c1", n=2, how="status", fresh=3, retry_after=60.0, server_retry=60.0), 4.7)
    story.add(Status(client="c1", word="polling"), 4.75)
    assert sentence(story.over()) == "row 20, plain wait: a dial was due by 6.70 s and came at 7.10 s (n 1, d = 2 s)"


def test_being_connected_resets_nothing_but_where_that_is_declared():
    def told(policies: Policies | None = None) -> LawState:
        return state("backoff", Dials(policies=policies).opened(0.6).opened(1.5).opened(0.7).over())

    assert told() is LawState.FAILED
    opened = Policies(backoff_resets_on=ResetsOn.OPEN)
    assert state("backoff", Dials(policies=opened).opened(0.6).opened(0.7).opened(0.7).over()) is LawState.HELD


def test_a_reset_by_being_connected_is_told():
    found = law("backoff", Dials().opened(0.6).opened(1.5).opened(0.7).over())
    assert found.sentence.endswith("it started over, though the attempt before brought no new event")
    assert found.cause == "backoff-reset"


def test_a_fresh_event_resets_and_one_in_doubt_may():
    def told(wait: float, *, event: bool = True, read: bool = True) -> LawState:
        story = Dials(lost=60.0)
        story.at = 4.0
        story.records = [one for one in story.records if not isinstance(one, ConnEnd | Read)]
        story.ends(story.first, 4.0)
        story.refused(0.6, 1.9).at += 2.2
        story.first = story.asks("stream", story.at)
        if event:
            story.add(Delivered(rid=2, cid=story.first, id="a-0", type="initialized"), story.at + 0.05)
            story.reads(story.first, story.at + 0.04)
        if event and not read:
            story.records = [one for one in story.records if not (isinstance(one, Read) and one.cid == story.first)]
        story.at += 0.1
        story.add(ConnEnd(cid=story.first, side="client", how="closed", left_ns=ns(story.at)), story.at)
        return state("backoff", story.refused(wait).over())

    assert (told(0.7), told(7.0)) == (LawState.HELD, LawState.FAILED)
    assert (told(0.7, read=False), told(7.0, read=False), told(0.7, event=False)) == (
        LawState.HELD, LawState.HELD, LawState.FAILED,
    )  # fmt: skip


def test_a_clean_end_after_the_cap_may_reset():
    def told(lived: float) -> LawState:
        story = Dials().refused(0.6, 1.5)
        cid = story.asks("stream", story.at + 3.0)
        for comes in (3.1, 2.9 + lived / 2, 2.9 + lived):
            story.reads(cid, story.at + comes)
        story.at += 3.0 + lived
        story.add(ConnEnd(cid=cid, side="server", how="fin"), story.at - 0.001)
        story.ends(cid, story.at)
        return state("backoff", story.refused(0.7).over())

    assert (told(30.1), told(10.0)) == (LawState.HELD, LawState.FAILED)


def test_a_spare_connection_beside_the_first_stream_is_no_reconnection_but_one_after_its_end_is():
    def told(at: float) -> LawState:
        story = Dials()
        story.path["c1"] = "wifi"
        story.conn(at + 0.0005, began=at)
        return state("backoff", story.refused(0.6, 1.5).over())

    assert (told(0.02), told(LOST - 0.01), told(LOST + 0.01)) == (LawState.HELD, LawState.HELD, LawState.FAILED)


def test_a_dial_given_up_before_its_deadline_fails_unless_something_called_for_it():
    def told(lasts: float, *, signal: bool = False) -> LawVerdict:
        story = Dials()
        story.at += 0.6
        story.dials(story.at, lasts, fate="given up")
        if signal:
            story.signal("joins", story.at + lasts - 0.001, "cellular")
        story.at += lasts
        story.end(story.at + 0.3, "interrupted")
        return law("backoff", story)

    assert (told(3.0).state, told(3.0).cause) == (LawState.FAILED, "hasty-dial")
    assert told(3.0).sentence.startswith(
        "row 7, connect deadline: a dial through wifi was given up at 7.6 s, due from 14.6 s, and nothing had called"
    )
    assert {told(10.0).state, told(3.0, signal=True).state} == {LawState.HELD}


# Rows 21 and 22.


def after_retry(milliseconds: int, *waits: float, policies: Policies | None = None, read: bool = True) -> LawState:
    story = Dials(policies=policies, read=read)
    story.retry(milliseconds, read=read)
    return state("backoff", story.refused(*waits).over())


def test_a_retry_line_is_the_new_base_and_never_undercut():
    assert after_retry(5000, 5.0, 14.9) is LawState.HELD
    assert {after_retry(5000, 4.8), after_retry(5000, 7.7)} == {LawState.FAILED}


def test_a_retry_line_in_doubt_was_heard_and_was_not():
    assert {after_retry(5000, 7.4, read=False), after_retry(5000, 0.6, read=False)} == {LawState.HELD}
    assert {after_retry(5000, 0.4, read=False), after_retry(5000, 8.0, read=False)} == {LawState.FAILED}


@pytest.mark.parametrize("jitter", Jitter)
def test_a_retry_line_beyond_the_cap_is_never_undercut(jitter):
    hasty = Policies(backoff_base=0.5, backoff_cap=2.0, jitter=jitter)
    assert after_retry(10_000, 10.1, 14.9, 10.0, policies=hasty) is LawState.HELD
    assert {after_retry(10_000, wait, policies=hasty) for wait in (2.07, 9.9, 15.1)} == {LawState.FAILED}


def test_a_retry_line_is_clamped():
    assert {after_retry(0, 0.3), after_retry(3_600_000, 31.0)} == {LawState.HELD}


def put_off(wait: float, *, policies: Policies | None = None, read: bool = True, **answer: str) -> LawState:
    said = {"retry_after": "7"} | answer
    story = Dials(policies=policies).answered(0.6, 503, read=read, **said)
    return state("backoff", story.refused(wait).over())


def test_retry_after_is_obeyed_to_the_second():
    assert (put_off(7.4), put_off(6.9), put_off(8.2)) == (LawState.HELD, LawState.FAILED, LawState.FAILED)


@pytest.mark.parametrize(("status", "expected"), [(401, LawState.HELD), (503, LawState.FAILED)])
def test_a_401_asks_for_a_token_and_its_retry_after_binds_nobody(status, expected):
    assert state("backoff", Dials().answered(0.7, status, retry_after="8").answered(1.5, 503).over()) is expected
    assert state("backoff", Dials().answered(0.7, status, retry_after="8").answered(8.5, 503).over()) is LawState.HELD


def test_a_retry_after_that_may_not_have_been_read_may_be_obeyed():
    assert {put_off(7.4, read=False), put_off(1.9, read=False)} == {LawState.HELD}
    assert put_off(4.0, read=False) is LawState.FAILED


def test_no_more_of_a_retry_after_is_due_than_the_policies_obey():
    shortened = Policies(retry_stream=20.0, backoff_cap=30.0, polls_after_failures=None)
    assert put_off(30.4, retry_after="86400", policies=shortened) is LawState.HELD
    assert {put_off(wait, retry_after="86400", policies=shortened) for wait in (29.0, 60.0)} == {LawState.FAILED}


def test_a_policy_that_ignores_retry_after_is_held_to_the_plain_bounds():
    ignores = Policies(obeys_retry_after=False)
    assert (put_off(1.9, policies=ignores), put_off(7.4, policies=ignores)) == (LawState.HELD, LawState.FAILED)


# Rows 8 and 23: signals.


def cut_dials(*cut: float) -> Dials:
    """A dial that hangs from 4.8 s on, cut at each of these times and begun anew at once."""
    story = Dials()
    at = 4.8
    for over in cut:
        story.dials(at, over - at, "given up")
        at = over + 0.0001
    story.at = at
    return story.refused(0.0, lasts=0.3)


def test_a_signal_counts_when_it_is_heard_and_not_when_it_was_told():
    story = cut_dials(5.0, 5.9)
    story.signal("joins", 4.999, "wifi", heard=4.9999)
    story.signal("prefers", 4.9991, "wifi", heard=5.8999)  # told before the dial that it cuts began
    assert state("backoff", story.over()) is LawState.HELD
    story = cut_dials(5.0, 5.9)
    story.signal("joins", 4.999, "wifi", heard=4.9999)
    story.signal("prefers", 5.8999, "wifi", heard=6.1)
    assert "came at 5.90 s" in sentence(story.over())


@pytest.mark.parametrize(("heard", "found"), [(4.75, "held"), (5.18, "held"), (4.65, "failed"), (5.25, "failed")])
def test_a_signal_in_a_dial_or_near_its_ends_has_it_begun_anew(heard, found):
    story = cut_dials(5.1)
    story.signal("joins", 4.6, "wifi", heard=heard)
    assert state("backoff", story.over()).value == found


def test_one_signal_ends_one_wait():
    def told(*heard: float) -> LawState:
        story = cut_dials(5.0, 5.01, 5.02)
        for what, at in zip(("joins", "prefers", "resumed"), heard, strict=False):
            story.signal(what, 4.9, "wifi", heard=at)
        return state("backoff", story.over())

    assert (told(5.0), told(5.0, 5.01), told(5.0, 5.01, 5.02)) == (LawState.FAILED, LawState.FAILED, LawState.HELD)


def test_a_signal_that_was_told_to_nobody_excuses_nothing():
    story = cut_dials(5.0)
    story.signal("joins", 4.999, "wifi", ears=0)
    assert state("backoff", story.over()) is LawState.FAILED


def signalled(wait: float, *, policies: Policies | None = None, ears: int = 1) -> Dials:
    """A wait of the fifth attempt, from 19 s on, in which a signal comes after 3 s."""
    story = Dials(policies=policies).refused(0.6, 1.9, 2.2, 7.0)
    story.signal("joins", story.at + 3.0, "cellular", ears=ears)
    return story.refused(wait).over()


def test_a_signal_ends_the_wait_in_which_it_is_heard():
    assert (state("backoff", signalled(3.01)), state("backoff", signalled(3.9))) == (LawState.HELD, LawState.HELD)
    found = law("backoff", signalled(9.0))
    assert found.sentence == "row 23, signal while waiting: a dial was due by 20.10 s and came at 25.10 s"
    assert found.cause == "deaf"


def test_a_dial_that_a_signal_ends_is_begun_anew_within_a_second_of_the_signal():
    def told(ends: float, wait: float) -> LawState:
        story = Dials()
        story.dials(4.6, ends - 4.6, "given up")
        story.signal("joins", 5.0, "cellular")
        story.at = ends
        return state("backoff", story.refused(wait).over())

    assert (told(5.8, 0.01), told(5.8, 0.15)) == (LawState.HELD, LawState.HELD)
    assert told(5.8, 0.5) is LawState.FAILED, "neither at once nor behind the wait of n 1"


@pytest.mark.parametrize("hung", [False, True])
def test_a_signal_counts_one_attempt(hung):
    """The wait of n 1, or its dial, ends by a signal: the next wait is that of n 2, and not of n 3."""

    def told(wait: float) -> LawState:
        story = Dials()
        if hung:
            story.dials(4.6, 1.0, "given up")
        else:
            story.refused(0.6)
        story.at = 5.6
        story.signal("joins", story.at - 0.01, "cellular")
        return state("backoff", story.refused(0.0, wait).over())

    assert (told(3.0), told(5.0)) == (LawState.HELD, LawState.FAILED)


def test_a_deaf_client_is_held_to_the_signal_that_it_was_told():
    assert state("backoff", signalled(9.0, ears=0)) is LawState.FAILED


def test_a_client_that_declares_to_ignore_signals_waits_on():
    ignores = Policies(heeds_signals=False)
    assert (state("backoff", signalled(9.0, policies=ignores)), state("backoff", signalled(3.01,
    policies=ignores))) == (
        LawState.HELD, LawState.FAILED,
    )  # fmt: skip


def test_a_client_of_which_nobody_said_whether_it_heeds_signals_may_do_either():
    unknown = msgspec.structs.replace(Policies(), heeds_signals=UNSET)
    assert {state("backoff", signalled(wait, policies=unknown)) for wait in (3.01, 9.0)} == {LawState.HELD}


def test_a_signal_ends_a_retry_after_too():
    story = Dials().answered(0.6, 503, retry_after="9")
    story.signal("online", story.at + 4.0, heard=story.at + 4.0)
    assert state("backoff", story.refused(4.1).over()) is LawState.HELD


def test_a_dial_that_hangs_is_dropped_for_a_signal():
    def told(lasts: float, policies: Policies | None = None) -> Dials:
        story = Dials(policies=policies)
        story.signal("joins", 5.5, "cellular", heard=5.5)
        return story.refused(0.6, lasts=lasts).over()

    assert state("backoff", told(0.9)) is LawState.HELD
    assert state("backoff", told(4.0, Policies(heeds_signals=False))) is LawState.HELD
    assert sentence(told(4.0)) == (
        "row 8, signal while dialling: a dial through wifi was to be dropped by 6.5 s, and went on until 8.6 s"
    )


def test_a_dial_is_given_up_at_the_connect_deadline():
    assert state("backoff", Dials().refused(0.6, lasts=10.0).over()) is LawState.HELD
    assert sentence(Dials().refused(0.6, lasts=12.0).over()) == (
        "row 7, connect deadline: a dial through wifi was to be given up by 14.60 s, and was at 16.60 s"
    )
    assert (
        state("backoff", Dials(policies=Policies(connect_timeout=None)).refused(0.6, lasts=12.0).over())
        is LawState.HELD
    )


# Rows 13, 38 and 40: tokens.


def refused_token(wait: float, *, status: int = 200, takes: float = 0.3, times: int = 1) -> Dials:
    """A 401 at 4.6 s, requests for a token at once that are over after so long, and a dial ``wait`` after the 401."""
    story = Dials().answered(0.6, 401)
    for place in range(times):
        cid = story.conn(story.at + 0.001 + place * 0.01, began=story.at + 0.0005 + place * 0.01)
        story.request("token", story.at + 0.002 + place * 0.01, cid=cid, status=0)
        story.answer("token", cid, status, story.at + takes)
        story.reads(cid, story.at + takes - 0.0015)
        story.close(story.at + takes, cid)
    return story.answered(wait, 503).over()


def test_a_new_token_is_followed_by_one_attempt_at_once():
    assert state("backoff", refused_token(0.35)) is LawState.HELD
    assert state("backoff", refused_token(0.35, status=503)) is LawState.FAILED
    assert state("backoff", Dials().answered(0.6, 401).answered(0.01, 503).over()) is LawState.FAILED


def test_asking_for_a_token_may_outlast_the_wait_and_no_longer():
    assert state("backoff", refused_token(1.1, status=503)) is LawState.HELD
    assert state("backoff", refused_token(2.6, status=503, takes=2.5)) is LawState.FAILED
    assert state("backoff", refused_token(2.5, status=503, takes=2.5)) is LawState.HELD


def test_one_token_is_asked_for_a_refusal():
    found = law("backoff", refused_token(0.35, times=6))
    assert found.sentence == ("row 13, one token a refusal: a 401 at 4.6 s led to 6 requests for a token, one is due")
    assert found.cause == "token-storm"


def test_a_token_that_was_not_given_is_asked_for_anew_by_who_is_refused_anew():
    """The server in trouble answers 503: the wait comes next, and the stream, and only its 401 leads to a token."""
    found = law("backoff", refused_token(0.35, status=503, times=2))
    assert found.sentence == (
        "row 13, one token a refusal: a 401 at 4.6 s led to 2 requests for a token, one is due: the first was answered "
        "503, and what met the 401 is to be asked again before the next (and 1 more)"
    )


# Rows 24 and 48 to 53: polling.


def polled(
    *, failures: int = 3, then: float = 0.05, poll: int = 503, waits: tuple[float, ...] = (0.7, 1.5, 3.5)
) -> Dials:
    """Streams that are refused, a poll at once that is answered by ``poll``, and a stream dial so much later."""
    story = Dials()
    for wait in waits[:failures]:
        story.answered(wait, 503)
    cid = story.asks("poll", story.at + 0.001, status=0)
    story.answer("poll", cid, poll, story.at + 0.015)
    story.close(story.at + 0.02, cid)
    story.at += 0.02
    return story.answered(then, 503).over()


def test_a_poll_that_failed_is_followed_by_one_dial_at_once():
    assert state("backoff", polled()) is LawState.HELD
    assert state("backoff", polled(poll=200)) is LawState.FAILED
    assert state("backoff", polled(failures=1)) is LawState.FAILED


def test_a_failed_poll_leads_to_no_more_than_one_dial():
    story = polled()
    story.records = [one for one in story.records if type(one).__name__ not in {"End", "Census"}]
    assert state("backoff", story.answered(0.05, 503).over()) is LawState.FAILED


def test_while_polling_the_stream_is_tried_each_retry_stream():
    def told(wait: float) -> LawState:
        story = Dials(policies=Policies(retry_stream=60.0))
        for before in (0.7, 1.5, 3.5):
            story.answered(before, 503)
        return state("backoff", story.answered(wait, 503).over())

    assert (told(60.0), told(30.0), told(62.0)) == (LawState.HELD, LawState.FAILED, LawState.FAILED)


@pytest.mark.parametrize(("later", "expected"), [(0.0, "held"), (2.0, "failed")])
def test_retry_stream_begins_where_polling_does_and_a_refused_token_brings_that_no_nearer(later, expected):
    """Two streams fail, each behind a 401 and a new token: polling begins 10 s after the first, not with the fourth."""
    story = Dials(policies=Policies(polls_after_failures=4, falls_back_within=10.0, retry_stream=60.0))
    failed = []
    for wait in (0.7, 3.5):
        story.answered(wait, 401)
        cid = story.asks("token", story.at + 0.001, status=0)
        story.answer("token", cid, 200, story.at + 0.015)
        story.close(story.at + 0.02, cid)
        failed.append(story.at + 0.07)
        story.answered(0.07, 503)
    due = failed[0] + 10.0 + 60.0
    assert state("backoff", story.answered(due + later - story.at, 503).over()) == expected


def test_whoever_says_polling_and_redials_has_no_excuse():
    story = Dials()
    story.add(Status(client="c1", word="polling"), 4.01)
    assert state("backoff", story.answered(0.05, 503).answered(0.05, 503).over()) is LawState.FAILED


# Herds and storms.


def test_a_third_of_many_plain_waits_at_one_ratio_is_a_herd():
    found = law("backoff", Dials().refused(0.75, 1.5, 3.0, 6.0, 9.0, 29.0).over())
    assert found.sentence == "4 plain waits took 0.750 of d: without jitter, a herd of clients moves as one"
    assert waited(0.75, 1.5, 3.1, 6.1, 9.0, 29.0) is LawState.HELD


def test_fewer_plain_waits_than_six_are_no_herd():
    assert waited(0.75, 1.5, 3.0, 6.0) is LawState.HELD


@pytest.mark.parametrize("jitter", [Jitter.NONE, UNSET])
def test_without_a_declared_jitter_there_is_no_herd(jitter):
    policies = msgspec.structs.replace(Policies(), jitter=jitter)
    assert waited(1.0, 2.0, 4.0, 8.0, 16.0, 30.0, policies=policies) is LawState.HELD


def test_a_plan_without_jitter_is_held_to_d():
    assert waited(0.7, policies=Policies(jitter=Jitter.NONE)) is LawState.FAILED


def test_four_dials_in_a_quarter_of_a_second_are_a_storm():
    story = Dials(policies=Policies(jitter=Jitter.FULL))
    for _ in range(4):
        story.answered(0.05, 503)
    found = law("backoff", story.over())
    assert (found.sentence, found.cause) == (
        "the client dialled the stream 4 times within 180 ms at 4.0 s, and nothing had called for it", "storm",
    )  # fmt: skip


def test_four_dials_in_more_than_a_quarter_of_a_second_are_no_storm():
    story = Dials(policies=Policies(jitter=Jitter.FULL))
    for _ in range(4):
        story.answered(0.08, 503)
    assert state("backoff", story.over()) is LawState.HELD


# Requests beside the stream.


def asked_twice(what: str, wait: float, *, status: int = 503, read: bool = True, **answer: str) -> Dials:
    """A request that is answered by ``status`` at 5 s, and the next of its kind so many seconds after the answer."""
    story = Dials(policies=Policies(retry_stream=40.0), lost=200.0)
    for beat in range(15, 100, 15):
        story.reads(story.first, float(beat), upto=100 * beat)
    said = {"retry_after": "7"} | answer
    cid = story.asks(what, 4.993, status=status, **said)
    if read:
        story.reads(cid, 4.9999)
    story.ends(cid, 5.002, read=read)
    story.ends(story.asks(what, 5.0 + wait), 5.1 + wait)
    story.at = 100.0
    return story.over()


ANYTHING = pytest.mark.parametrize("what", ["poll", "results", "token", "start"])


@ANYTHING
def test_whatever_was_put_off_comes_no_sooner(what):
    assert state("backoff", asked_twice(what, 7.1)) is not LawState.FAILED
    assert state("backoff", asked_twice(what, 6.9)) is LawState.FAILED


@pytest.mark.parametrize("status", [200, 307, 429, 500, 503])
def test_whatever_status_puts_a_poll_off(status):
    assert state("backoff", asked_twice("poll", 3.0, status=status)) is LawState.FAILED


def test_a_request_that_was_put_off_and_came_says_what_was_asked():
    found = law("backoff", asked_twice("poll", 3.0))
    assert found.sentence == "the client asked for the status at 8.0 s, 3.0 s after the server had said Retry-After 7 s"
    assert [item.text for item in found.evidence] == ["503, Retry-After 7", "the status asked for again"]


def test_a_date_puts_off_by_what_it_is_later_than_the_answer_s_own():
    date, later = "Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2026 00:00:09 GMT"
    assert state("backoff", asked_twice("poll", 9.1, retry_after=later, date=date)) is not LawState.FAILED
    assert state("backoff", asked_twice("poll", 8.0, retry_after=later, date=date)) is LawState.FAILED
    assert state("backoff", asked_twice("poll", 3.0, retry_after=later)) is not LawState.FAILED


@pytest.mark.parametrize(
    "answer", [{"status": 401}, {"status": 307, "location": "/elsewhere"}, {"read": False}, {"retry_after": "soon"}]
)
def test_what_puts_nobody_off(answer):
    assert state("backoff", asked_twice("poll", 3.0, **answer)) is not LawState.FAILED


@pytest.mark.parametrize(("what", "then"), [("results", False), ("poll", True)])
def test_a_signal_ends_the_wait_for_results_and_leaves_polling_alone(what, then):
    story = asked_twice(what, 3.0)
    story.signal("joins", 7.9, "wifi", heard=7.99)
    assert (state("backoff", story) is LawState.FAILED) is then


# Doubts.


def test_bounds_are_widened_by_the_host_s_lag_and_unknown_where_it_is_too_large():
    story = Dials().refused(1.1)
    story.lags(*[100] * 500, 120_000)
    assert state("backoff", story.over()) is LawState.HELD
    story = Dials().refused(1.5)
    story.lags(*[200_000] * 100)
    assert state("backoff", story.over()) is LawState.UNKNOWN


def test_a_handoff_holds_and_without_the_client_s_own_words_too():
    story = handoff()
    assert state("backoff", story) is LawState.HELD
    assert state("backoff", story, without(story.history(), Attempt, AttemptEnd, Status)) is LawState.HELD


def test_a_client_that_did_not_reconnect_is_not_judged():
    assert state("backoff", Story(plan(reach(3.0, "up"))).run()) is LawState.NOT_JUDGED


def test_an_empty_history_is_unknown():
    assert empty("backoff", plan()) is LawState.UNKNOWN


def test_the_stream_of_these_stories_ends_when_it_is_said_to():
    assert Dials().at == LOST


def test_a_dial_behind_the_end_may_be_for_the_results_though_the_app_still_works_on_what_waits():
    story = Story(plan(policies=Policies(handler_takes=2.0))).run(until=30.0)
    end = next(one for one in story.records if isinstance(one, App) and one.callback == "completed")
    end.enter_ns, end.exit_ns, end.t_ns = ns(16.0), ns(18.0), ns(18.0)
    for at in (10.02, 10.3, 10.7):
        story.add(Dial(client="c1", path="wifi", port=0, from_ns=ns(at), to_ns=ns(at + 0.001), fate="refused"), at)
    assert state("backoff", story) in {LawState.HELD, LawState.NOT_JUDGED}
