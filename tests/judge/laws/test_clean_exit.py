from harness.history import Census, End, Request, Results
from harness.judge.verdict import State
from harness.sse.policy import Policies
from tests.judge.ruling import empty, law, state
from tests.judge.story import Story, changed, plan, without


def completed(*fetches: tuple[int, bool], policies: Policies | None = None) -> Story:
    """A completed run whose results were fetched like this: status and wholeness of each transfer."""
    story = Story(plan(policies=policies)).run()
    story.records = [
        r for r in story.records if not isinstance(r, Results) and not (isinstance(r, Request) and r.what == "results")
    ]
    for second, (status, whole) in enumerate(fetches):
        story.fetch(10.1 + second / 10, status=status, whole=whole)
    return story


def test_one_whole_result_and_an_empty_census_hold():
    assert state("clean-exit", Story(plan()).run()) is State.HELD


def test_a_broken_transfer_may_be_tried_again():
    assert state("clean-exit", completed((200, False), (503, False), (200, True))) is State.HELD


def test_expired_results_are_asked_for_once():
    assert state("clean-exit", completed((410, False))) is State.HELD
    found = law("clean-exit", completed((410, False), (410, False)))
    assert found.sentence == "the results had expired (410), and were asked for 2 times"


def test_results_never_asked_for_fail():
    assert law("clean-exit", completed()).sentence == "the job completed, but its results were never asked for"


def test_results_that_never_came_whole_fail():
    assert law("clean-exit", completed((200, False))).sentence == "the job completed, but its results never came whole"


def test_results_fetched_twice_fail():
    assert "were fetched 2 times" in law("clean-exit", completed((200, True), (200, True))).sentence


def test_two_transfers_at_once_fail():
    story = completed()
    story.request("results", 10.1)
    story.request("results", 10.11)
    story.add(Results(client="c1", job="j1", status=200, whole=True), 10.2)
    assert "while a transfer was under way" in law("clean-exit", story).sentence


def test_results_of_a_job_that_failed_may_not_be_asked_for():
    story = Story(plan(ends="failed")).run()
    assert "that it had no reason to fetch" in law("clean-exit", story).sentence


def test_a_policy_never_to_fetch_is_kept():
    never = Policies(fetches_results=False)
    assert state("clean-exit", completed(policies=never)) is State.HELD
    assert state("clean-exit", completed((200, True), policies=never)) is State.FAILED


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
    assert (found.state, "a control call" in found.reason) == (State.UNKNOWN, True)


def test_fewer_than_at_the_start_is_no_leak():
    story = Story(plan()).run()
    assert state("clean-exit", story, changed(story.history(), Census, 1, counts={"tasks": 1})) is State.HELD


def test_without_a_census_it_is_unknown():
    story = Story(plan()).run()
    assert law("clean-exit", story, without(story.history(), Census)).reason == "no census was taken"


def test_an_empty_history_is_unknown():
    assert empty("clean-exit", plan()) is State.UNKNOWN
