from harness.deeds import acts
from harness.history import (
    Answered,
    App,
    AppResults,
    Body,
    Census,
    Chunk,
    ConnEnd,
    Dial,
    End,
    Health,
    Request,
    Response,
    Results,
)
from harness.judge.verdict import LawState, LawVerdict
from harness.sse.policy import Policies
from tests.judge.ruling import empty, law, state
from tests.judge.story import Story, changed, ns, plan, without


def completed(*fetches: tuple[int, bool], policies: Policies | None = None) -> Story:
    """A completed run whose results were fetched like this: status and wholeness of each transfer."""
    story = Story(plan(policies=policies)).run()
    story.records = [
        r
        for r in story.records
        if not isinstance(r, Results | AppResults | Body) and not (isinstance(r, Request) and r.what == "results")
    ]
    for second, (status, whole) in enumerate(fetches):
        story.fetch(10.1 + second / 10, status=status, whole=whole)
    return story


def test_one_whole_result_and_an_empty_census_hold():
    assert state("clean-exit", Story(plan()).run()) is LawState.HELD


def test_a_broken_transfer_may_be_tried_again():
    assert state("clean-exit", completed((200, False), (503, False), (200, True))) is LawState.HELD


def test_expired_results_are_asked_for_once():
    assert state("clean-exit", completed((410, True))) is LawState.HELD
    found = law("clean-exit", completed((410, True), (410, True)))
    assert found.sentence == "the results had expired (410), and were asked for 2 times"


def test_results_never_asked_for_fail():
    assert law("clean-exit", completed()).sentence == "the job completed, but its results were never asked for"


def test_results_that_never_came_whole_fail():
    assert law("clean-exit", completed((200, False))).sentence == "the job completed, but its results never came whole"


def coming(since: float, *, last: float) -> LawVerdict:
    """Results that are asked for at 10.1 s, of which a byte comes at two times, and that the run's end cuts off."""
    story = completed((200, False))
    asked = next(one for one in story.records if isinstance(one, Request) and one.what == "results")
    story.records = [
        one
        for one in story.records
        if not (isinstance(one, End) or (isinstance(one, Body | ConnEnd) and one.cid == asked.cid))
    ]
    for offset, at in enumerate((since, last)):
        story.add(Chunk(cid=asked.cid, direction="downstream", offset=offset, length=1, fate="delivered"), at)
    story.end(60.0)
    return law("clean-exit", story)


def test_results_that_still_come_as_the_run_ends_are_not_judged():
    assert coming(30.0, last=59.5).state is LawState.HELD  # by what else there is to judge
    assert coming(20.0, last=21.0).sentence == "the job completed, but its results never came whole"


def test_results_fetched_twice_fail():
    assert "were fetched 2 times" in law("clean-exit", completed((200, True), (200, True))).sentence


def test_two_transfers_at_once_fail():
    story = completed((200, True))
    story.request("results", 9.95, status=0)
    assert "while a transfer was under way" in law("clean-exit", story).sentence


def asked(at: float, *more: float, policies: Policies | None = None, **how: str) -> Story:
    """The job completes at 10 s, and its results are asked for then; all transfers but the last are broken."""
    story = Story(plan(policies=policies)).run(until=90.0)
    cid = next(one.cid for one in story.records if isinstance(one, Request) and one.what == "results")
    story.records = [
        one
        for one in story.records
        if getattr(one, "cid", 0) != cid
        and getattr(one, "port", 0) != 40_000 + cid
        and not isinstance(one, Results | AppResults)
    ]
    for moment in (at, *more):
        last = moment == max([at, *more])
        story.request("results", moment, cid=story.conn(moment - 0.001), status=200 if last else 503, **how)
        story.add(Body(rid=story.rids, cid=story.cids, length=10_000, digest="r", whole=True), moment + 0.01)
        story.close(moment + 0.02, story.cids)
    story.add(AppResults(client="c1", job="j1", status=200, length=10_000, digest="r"), max([at, *more]) + 0.03)
    return story


def test_results_are_asked_for_within_a_second_of_the_end():
    assert state("clean-exit", asked(10.9)) is LawState.HELD
    assert state("clean-exit", asked(11.1)) is LawState.HELD
    found = law("clean-exit", asked(30.0))
    assert (found.state, found.sentence) == (
        LawState.FAILED, "the results were to be asked for by 11.0 s, and were at 30.0 s",
    )  # fmt: skip
    assert [item.text for item in found.evidence] == ["on_completed", "asks for the results"]


def test_results_that_wait_for_the_app_s_callback_are_in_time():
    story = asked(12.0)
    end = next(one for one in story.records if isinstance(one, App) and one.callback == "completed")
    end.exit_ns = end.t_ns = ns(11.5)
    assert state("clean-exit", story) is LawState.HELD


def test_results_asked_for_before_the_end_had_come_fail_and_what_is_near_has_no_order():
    assert state("clean-exit", asked(9.95)) is LawState.HELD
    found = law("clean-exit", asked(9.0))
    assert found.sentence == ("the results were asked for at 9.0 s, before the end of the job had reached the phone")


def test_results_are_asked_for_again_when_a_wait_is_over():
    policies = Policies(backoff_cap=8.0)
    assert state("clean-exit", asked(10.1, 18.0, policies=policies)) is LawState.HELD
    found = law("clean-exit", asked(10.1, 19.0, policies=policies))
    assert found.sentence == "the results were to be asked for again by 18.1 s, and were at 19.0 s"
    put_off = asked(10.1, 26.0, policies=policies, retry_after="15")
    assert state("clean-exit", put_off) is LawState.HELD


def test_a_dial_that_was_never_let_in_may_have_been_for_the_results():
    story = asked(18.0, policies=Policies(backoff_cap=8.0))
    story.add(Dial(client="c1", path="wifi", port=0, from_ns=ns(10.1), to_ns=ns(10.2), fate="refused"), 10.2)
    assert state("clean-exit", story) is LawState.HELD


def test_results_are_asked_for_when_the_device_wakes():
    story = asked(22.5)
    story.plan = plan((10.5, "device", acts.Suspends(lasts=12.0), "suspends"))
    story.deeds()
    assert state("clean-exit", story) is LawState.HELD


def test_when_results_are_asked_for_again_is_not_judged_where_nobody_declares_a_cap():
    policies = Policies().without("backoff_cap")
    assert state("clean-exit", asked(10.1, 80.0, policies=policies)) is LawState.HELD
    assert state("clean-exit", asked(10.1, 80.0)) is LawState.FAILED


def handed(*lengths: int, digest: str = "r") -> Story:
    """The results came whole, and the app was handed these."""
    story = completed((200, True))
    story.records = [one for one in story.records if not isinstance(one, AppResults)]
    for length in lengths:
        story.add(AppResults(client="c1", job="j1", status=200, length=length, digest=digest), 10.121)
    return story


def test_results_cut_for_the_app_fail():
    found = law("clean-exit", handed(10, digest="x"))
    assert (found.cause, found.sentence) == (
        "results-differ",
        "the app was given 10 bytes for the results, the server had answered 10000 bytes (digest r)",
    )


def test_results_of_the_right_length_and_another_content_fail():
    assert "given 10000 others (digest x) for the results" in law("clean-exit", handed(10_000, digest="x")).sentence


def test_the_server_s_own_record_of_the_results_counts():
    story = handed(10_000)
    rid = next(one.rid for one in story.records if isinstance(one, Body))
    story.add(Answered(rid=rid, status=200, length=10_000, digest="other"), 10.11)
    assert law("clean-exit", story).cause == "results-differ"


def test_what_a_box_answered_for_the_results_is_what_the_client_could_get_but_for_a_web_page():
    for kind, expected in (("text/plain", LawState.HELD), ("text/html", LawState.FAILED)):
        story = handed(10_000)
        asked = next(one for one in story.records if isinstance(one, Request) and one.what == "results")
        answer = next(one for one in story.records if isinstance(one, Response) and one.rid == asked.rid)
        answer.by, answer.content_type = "middle", kind
        assert state("clean-exit", story) is expected, kind


def test_results_that_the_app_is_handed_twice_fail():
    assert "the app was given its results 2 times" in law("clean-exit", handed(10_000, 10_000)).sentence


def test_what_a_client_says_of_its_transfer_excuses_nothing():
    story = completed((200, False))
    story.add(Results(client="c1", job="j1", status=200, length=10_000, whole=True), 10.13)
    assert law("clean-exit", story).sentence == "the job completed, but its results never came whole"


def crowded(count: int, lasts: float = 2.0) -> Story:
    story = Story(plan()).run()
    for place in range(count):
        cid = story.conn(4.0 + place / 100)
        story.request("poll", 4.005 + place / 100, cid=cid, status=0)
        story.close(4.0 + lasts, cid)
    return story


def test_more_than_three_connections_at_a_time_fail():
    assert "had 4 connections open at 4.0 s (limit 3)" in law("clean-exit", crowded(2)).sentence


def test_three_connections_and_a_fourth_in_passing_hold():
    assert state("clean-exit", crowded(1)) is LawState.HELD
    assert state("clean-exit", crowded(3, lasts=0.9)) is LawState.HELD


def sized(*megabytes: int, sent: int = 0) -> Story:
    story = Story(plan()).run()
    story.sampled = None
    for second, size in enumerate(megabytes):
        story.add(Health(lags_us=[100], rss=size * 1_000_000), 1.0 + second)
    if sent:
        story.add(Chunk(cid=2, direction="downstream", offset=0, length=sent, fate="delivered"), 1.5)
    return story


def test_memory_that_grows_beyond_the_margin_and_what_was_sent_fails():
    found = law("clean-exit", sized(100, 110, 120))
    assert found.cause == "memory"
    assert found.sentence.startswith("memory grew by 20 MB, 16 MB were allowed: 16 MB and what was sent since")
    assert [item.text for item in found.evidence] == ["resident: 100 MB", "resident: 120 MB"]


def test_memory_within_the_margin_or_that_was_not_measured_holds():
    assert state("clean-exit", sized(100, 130, 115)) is LawState.HELD
    assert state("clean-exit", sized(100, 120, sent=5_000_000)) is LawState.HELD
    assert state("clean-exit", sized(0, 0)) is LawState.HELD


def test_results_of_a_job_that_failed_may_not_be_asked_for():
    story = Story(plan(ends="failed")).run()
    assert "that it had no reason to fetch" in law("clean-exit", story).sentence


def test_a_policy_never_to_fetch_is_kept():
    never = Policies(fetches_results=False)
    assert state("clean-exit", completed(policies=never)) is LawState.HELD
    assert state("clean-exit", completed((200, True), policies=never)) is LawState.FAILED


def test_what_is_left_behind_fails_by_name():
    story = Story(plan()).run()
    history = changed(
        story.history(), Census, 1, counts={"tasks": 4, "sockets": 4}, names={"tasks": ["watchdog"], "sockets": []}
    )
    assert (
        law("clean-exit", story, history).sentence == "1 task and 2 sockets left behind when the run was over: watchdog"
    )


def test_what_a_broken_environment_left_is_not_held_against_the_client():
    story = Story(plan()).run()
    history = changed(story.history(), Census, 1, counts={"threads": 9}, names={"threads": ["a control call"]})
    found = law("clean-exit", story, changed(history, End, 0, reason="fault"))
    assert (found.state, "a control call" in found.reason) == (LawState.UNKNOWN, True)


def test_fewer_than_at_the_start_is_no_leak():
    story = Story(plan()).run()
    assert state("clean-exit", story, changed(story.history(), Census, 1, counts={"tasks": 1})) is LawState.HELD


def test_without_a_census_it_is_unknown():
    story = Story(plan()).run()
    assert law("clean-exit", story, without(story.history(), Census)).reason == "no census was taken"


def test_an_empty_history_is_unknown():
    assert empty("clean-exit", plan()) is LawState.UNKNOWN
