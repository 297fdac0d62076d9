import pytest

from harness.history import AppResults, ConnEnd, Dial, End, Request
from harness.judge.facts.refusals import fatal
from harness.judge.verdict import LawState
from harness.scenario import model
from harness.sse.policy import Policies
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import half_open
from tests.judge.story import Story, changed, ns, plan


def refused(*statuses: int, then: str = "stream") -> Story:
    """Stream attempts answered by these statuses, one a second, then one request more."""
    story = Story(plan())
    story.emit_all()
    for second, status in enumerate(statuses):
        story.dial(1.0 + second, status=status)
        story.hang_up(1.1 + second, "status", status=status)
    if then:
        story.request(then, 2.0 + len(statuses))
    story.end(11.0)
    return story


def refuse_again(story: Story, dialled: float, left: float, *, then: float) -> None:
    """Let one attempt more meet a 401, and the client ask for a stream after it all the same."""
    story.dial(dialled, status=401)
    story.hang_up(left, "status", status=401)
    story.request("stream", then)


def test_silence_after_the_end_holds():
    assert state("stop", Story(plan()).run()) is LawState.HELD


@pytest.mark.parametrize("what", ["stream", "poll"])
def test_a_request_after_the_end_fails(what):
    story = Story(plan()).run()
    story.request(what, 10.5)
    found = law("stop", story)
    assert found.sentence == (
        f"the client began 1 {what} request after the end: the first at 10.5 s, on_completed had come at 10.0 s"
    )


def test_results_and_a_token_after_the_end_are_exempt():
    story = Story(plan()).run()
    story.request("token", 10.5)
    story.request("results", 10.6)
    assert state("stop", story) is LawState.HELD


def overlooked(dialled: float, *, lived: float = 1.1, by: str = "stream", **policies: object) -> Story:
    """The end is read from a stream, another stream is dialled for, and the app is shown the end behind that."""
    story = Story(plan(policies=Policies(**policies)))
    end = len(story.times()) - 1
    story.run(skip=(end,), until=15.0).arrive(end, 10.01)
    story.hang_up(10.01 + lived)
    story.dial(dialled, cause="ended", status=200 if by == "stream" else 204)
    story.show(end, dialled + 0.1, source=by)
    story.finish(dialled + 0.2)
    return story


@pytest.mark.parametrize("by", ["stream", "poll"])
def test_a_stream_dialled_for_after_the_end_was_read_fails_though_the_app_is_shown_it_then(by):
    found = law("stop", overlooked(11.5, by=by))
    assert found.sentence == (
        "the client dialled for a stream at 11.5 s, though completed had reached it on the one before at 10.0 s"
    )


def test_an_end_that_is_in_doubt_does_not_forbid_another_stream():
    assert state("stop", overlooked(10.5, lived=0.05)) is LawState.HELD


def test_a_reorder_window_is_waited_for():
    assert state("stop", overlooked(11.5, reorder_window=2.0)) is LawState.HELD


def dialled(at: float, *, ends: str = "completed", fetched: bool = True) -> Story:
    """The job ends at 10 s, and a dial that is not let in begins at this time."""
    story = Story(plan(ends=ends)).run()
    if not fetched:
        story.records = [one for one in story.records if not isinstance(one, AppResults)]
    story.records = [one for one in story.records if not (isinstance(one, Request) and one.what == "results")]
    story.add(Dial(client="c1", path="wifi", port=0, from_ns=ns(at), to_ns=ns(at + 1), fate="refused"), at + 1)
    return story


def test_a_dial_after_the_end_that_is_for_nothing_fails():
    found = law("stop", dialled(10.5, ends="failed"))
    assert found.sentence == (
        "the client began 1 dial without a request after the end: the first at 10.5 s, on_failed had come at 10.0 s"
    )
    assert state("stop", dialled(10.5)) is LawState.FAILED


def test_a_dial_after_the_end_may_be_for_the_results_that_are_due():
    assert state("stop", dialled(10.5, fetched=False)) is LawState.HELD


def test_a_dial_that_was_begun_before_the_end_holds():
    story = Story(plan()).run()
    cid = story.conn(9.9)
    story.request("poll", 10.5, cid=cid)
    assert state("stop", story) is LawState.HELD


def test_a_refusal_in_doubt_stops_nobody():
    story = refused(404, then="")
    story.records = [one for one in story.records if not (isinstance(one, ConnEnd) and one.side == "client")]
    story.add(ConnEnd(cid=1, side="client", how="closed"), 1.1)
    story.request("stream", 2.0)
    assert state("stop", story) is not LawState.FAILED


def test_a_fatal_status_ends_it():
    assert state("stop", refused(404)) is LawState.FAILED
    assert state("stop", refused(404, then="")) is LawState.HELD


def test_one_poll_may_follow_a_204():
    assert state("stop", refused(204, then="poll")) is LawState.HELD
    story = refused(204, then="poll")
    story.request("poll", 5.0)
    assert state("stop", story) is LawState.FAILED
    assert state("stop", refused(204)) is LawState.FAILED


def test_a_first_401_is_no_end_and_a_second_is():
    assert state("stop", refused(401)) is LawState.NOT_JUDGED
    assert state("stop", refused(401, 401)) is LawState.FAILED


def test_a_401_after_a_new_token_that_was_never_answered_is_a_first_one():
    def between(status: int) -> LawState:
        story = refused(401)
        story.request("token", 1.2)
        story.dial(1.3, status=status)
        story.hang_up(1.4, "error")
        refuse_again(story, 2.5, 2.6, then=3.5)
        return state("stop", story)

    assert between(0) is LawState.NOT_JUDGED
    assert between(401) is LawState.FAILED


def test_a_token_that_a_poll_asked_for_does_not_make_up_for_the_streams_own_that_failed():
    def after(*, failed: bool) -> LawState:
        story = refused(401, then="")
        if failed:
            story.request("token", 1.2, status=0)
            story.request("poll", 1.4, status=401)
        story.request("token", 1.6)
        refuse_again(story, 2.5, 2.6, then=3.5)
        return state("stop", story)

    assert (after(failed=True), after(failed=False)) == (LawState.NOT_JUDGED, LawState.FAILED)


def test_a_401_to_a_token_that_may_have_run_out_is_a_first_one():
    def after(seconds: float) -> LawState:
        story = refused(401, then="")
        story.plan = plan(server=model.ServerSpec(token_lasts=5.0))
        story.request("token", 1.2)
        refuse_again(story, 1.2 + seconds, 1.4 + seconds, then=3.0 + seconds)
        return state("stop", story)

    assert (after(4.0), after(5.0)) == (LawState.FAILED, LawState.NOT_JUDGED)


def test_a_portal_s_page_is_no_new_token():
    def given(by: str) -> LawState:
        story = refused(401, then="")
        story.request("token", 1.2, by=by)
        refuse_again(story, 2.0, 2.1, then=3.0)
        return state("stop", story)

    assert given("middle") is LawState.NOT_JUDGED
    assert given("") is LawState.FAILED


def test_a_refusal_of_a_stream_that_was_asked_for_anew_is_heard_by_nobody():
    def answered(*, anew: float) -> LawState:
        story = Story(plan())
        story.emit_all()
        story.request("stream", 1.0, status=404)
        story.request("stream", anew)
        story.end(11.0)
        return state("stop", story)

    assert answered(anew=1.004) is LawState.NOT_JUDGED
    assert answered(anew=3.0) is LawState.FAILED


def test_a_token_that_is_still_asked_for_is_not_the_one_that_was_refused():
    def beside(asked: float) -> LawState:
        story = refused(401, then="")
        story.plan = plan(server=model.ServerSpec(token_lasts=5.0))
        story.request("token", 1.2)
        story.request("token", asked)
        refuse_again(story, 7.0, 7.1, then=9.0)
        return state("stop", story)

    assert beside(6.99) is LawState.FAILED
    assert beside(7.0015) is LawState.NOT_JUDGED


def test_a_token_that_was_cut_off_in_its_answer_is_no_new_one():
    def cut(how: str, at: float) -> LawState:
        story = refused(401, then="")
        cid = story.conn(1.2)
        story.request("token", 1.201, cid=cid)
        story.add(ConnEnd(cid=cid, side="client", how=how), at)
        refuse_again(story, 2.0, 2.1, then=3.0)
        return state("stop", story)

    assert cut("closed", 1.25) is LawState.NOT_JUDGED
    assert cut("fin", 1.25) is LawState.FAILED
    assert cut("closed", 2.5) is LawState.FAILED


def test_a_box_that_answers_while_the_server_is_away_is_heard():
    def answered(*, first: bool) -> LawState:
        story = Story(plan())
        story.emit_all()
        story.request("stream", 1.0, status=404, by="middle")
        story.box("answered", 1.001 if first else 1.003, story.cids, "404", rid=story.rids)
        story.add(ConnEnd(cid=story.cids, side="server", how="fin"), 1.002)
        story.request("stream", 3.0)
        story.end(11.0)
        return state("stop", story)

    assert answered(first=True) is LawState.FAILED
    assert answered(first=False) is LawState.NOT_JUDGED


@pytest.mark.parametrize("status", [401, 403, 408, 409, 410, 425, 429, 500, 503])
def test_statuses_that_are_never_fatal(status):
    policies = Policies()
    assert not fatal(status, policies.retries, policies.stops)


@pytest.mark.parametrize("status", [204, 400, 404, 406])
def test_statuses_that_are_fatal_by_the_plan(status):
    policies = Policies()
    assert fatal(status, policies.retries, policies.stops)


def test_a_client_that_never_learned_of_an_end_is_not_judged():
    assert state("stop", half_open()) is LawState.NOT_JUDGED


def test_a_run_cut_short_before_the_end_is_unknown():
    story = half_open()
    history = changed(story.history(), End, 0, reason="interrupted", t_ns=10**12 + 5 * 10**9)
    assert state("stop", story, history) is LawState.UNKNOWN


def test_an_empty_history_is_unknown():
    assert empty("stop", plan()) is LawState.UNKNOWN
