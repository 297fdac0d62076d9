import pytest

from harness.deeds import acts
from harness.history import ConnEnd, EndPassed, Subscriber
from harness.judge.case import Case
from harness.judge.facts.subscribers import subscriptions
from harness.judge.verdict import LawState
from harness.scenario import model
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import JOINS, half_open, half_open_plan, noticed
from tests.judge.story import Story, plan, without


def long(**more) -> Story:
    return Story(plan(lasts=100.0, items=50, **more)).run()


def abandoned(until: float | None, evidence: str = "fin", **more) -> Story:
    """The client hangs up one stream at 20 s; the server lets go of it ``until`` then."""
    story = long(**more)
    cid = story.conn(10.0)
    story.request("stream", 10.001, cid=cid, last="a-4")
    story.subscribe(10.004, "a-4", until=until, evidence=evidence)
    story.close(20.0, cid)
    return story


def test_a_stream_freed_within_two_keep_alives_holds():
    found = law("server-frees", abandoned(until=45.0))
    assert (found.state, found.sentence) == (LawState.HELD, "freed 25.0 s after its client's FIN (limit 30 s)")


def test_a_server_that_was_told_to_hang_lets_go_of_nothing_meanwhile():
    def told(*more) -> LawState:
        story = abandoned(52.0)
        story.plan = plan((15.0, "server", acts.Hangs(), "hangs"), *more, lasts=100.0, items=50)
        story.deeds()
        return state("server-frees", story)

    recovers = acts.Recovers()
    assert told((30.0, "server", recovers, "recovers")) is LawState.HELD
    assert told((19.0, "server", recovers, "recovers")) is LawState.FAILED
    assert told((21.0, "server", recovers, "recovers")) is LawState.FAILED


def test_the_time_for_which_a_server_hung_after_the_evidence_does_not_count():
    def told(until: float) -> LawState:
        story = abandoned(52.0)
        recovers = (until, "server", acts.Recovers(), "recovers")
        story.plan = plan((25.0, "server", acts.Hangs(), "hangs"), recovers, lasts=100.0, items=50)
        story.deeds()
        return state("server-frees", story)

    assert told(28.0) is LawState.HELD
    assert told(26.0) is LawState.FAILED


def test_a_stream_freed_too_late_fails():
    found = law("server-frees", abandoned(until=52.0))
    assert found.sentence == "the server held a dead stream for 32.0 s after its client's FIN at 20.0 s (limit 30 s)"
    assert [item.text for item in found.evidence] == [
        "stream 1 opened", "its client's FIN", "stream 1 closed (fin)",
    ]  # fmt: skip
    assert found.cause == "server-holds"


def test_a_fin_that_a_stalled_path_held_counts_from_when_it_was_let_go():
    story = long()
    cid = story.conn(10.0)
    story.request("stream", 10.001, cid=cid, last="a-4")
    story.subscribe(10.004, "a-4", until=65.0, evidence="fin")
    story.add(ConnEnd(cid=cid, side="client", how="fin", held=True), 20.0)
    story.add(EndPassed(cid=cid, side="client", how="fin"), 40.0)
    found = law("server-frees", story)
    assert (found.state, found.sentence) == (LawState.HELD, "freed 25.0 s after its client's FIN (limit 30 s)")


def test_a_stream_never_freed_fails():
    found = law("server-frees", abandoned(until=None))
    assert "and never let go of it (limit 30 s)" in found.sentence
    assert state("server-frees", abandoned(until=101.3, evidence="stopped")) is LawState.FAILED


def test_the_server_s_own_keep_alive_sets_the_limit():
    assert state("server-frees", abandoned(until=45.0, server=model.ServerSpec(keepalive=10.0))) is LawState.FAILED
    assert state("server-frees", abandoned(until=45.0, server=model.ServerSpec(keepalive=None))) is LawState.HELD


def test_a_newer_stream_of_the_same_job_is_evidence():
    story = half_open()
    story.subscribe(0.014)
    story.subscribe(10.0, "a-7", until=11.0, evidence="rst")
    story.add(ConnEnd(cid=2, side="client", how="fin", swallowed=True), 9.0)
    assert "after a newer stream of the same job at 10.0 s" in law("server-frees", story).sentence


def test_a_newer_stream_frees_the_old_one():
    story = noticed()
    story.subscribe(0.014, until=24.61, evidence="newer")
    story.subscribe(24.605, "a-7", until=60.0, evidence="done")
    assert law("server-frees", story).state is LawState.HELD


def test_an_orphan_deed_gives_evidence_at_the_server_s_end():
    orphan = (20.0, "server", acts.Orphans(after=1.0), "orphan for 1s")
    story = half_open(half_open_plan())
    story.plan = plan(*[(d.at, d.actor, d.act, d.text) for d in story.plan.deeds], orphan, lasts=60.0)
    story.subscribe(0.014)
    story.add(ConnEnd(cid=2, side="server", how="closed"), 21.0)
    assert "after the end of its connection at 21.0 s" in law("server-frees", story).sentence


def test_silence_alone_is_no_evidence():
    story = half_open()
    story.subscribe(0.014)
    found = law("server-frees", story)
    assert found.state is LawState.NOT_JUDGED
    assert found.reason.startswith("its streams fell silent, which alone is no evidence")


@pytest.mark.parametrize("evidence", ["blocked", "fin"])
def test_what_only_the_server_saw_holds(evidence):
    story = long()
    story.subscribe(0.014, until=30.0, evidence=evidence)
    assert state("server-frees", story) is LawState.HELD


def test_a_stream_that_ended_with_its_job_is_nothing_to_judge():
    story = long()
    story.subscribe(0.014, until=100.0, evidence="done")
    found = law("server-frees", story)
    assert (found.state, found.reason) == (LawState.NOT_JUDGED, "no peer died on it")


def test_a_run_that_ended_too_soon_is_not_judged():
    story = Story(plan((1.0, "device", JOINS, "joins cellular"))).run()
    story.subscribe(0.014)
    assert "before two keep-alives (30 s) had passed" in law("server-frees", story).reason


def test_a_server_that_reports_no_streams_is_not_judged():
    history = without(long().history(), Subscriber)
    assert law("server-frees", long(), history).reason == "the server does not report its streams"


def test_a_new_server_that_counts_from_one_again_is_another():
    story = long()
    story.subscribe(0.014, until=30.0, evidence="stopped")
    story.subs = 0
    story.subscribe(35.0, "a-17", until=100.0, evidence="done")
    ends = [one.closed and one.closed.evidence for one in subscriptions(Case(story.plan, story.history()))]
    assert ends == ["stopped", "done"]


def test_an_empty_history_is_unknown():
    assert empty("server-frees", plan()) is LawState.UNKNOWN
