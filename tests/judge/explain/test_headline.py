import re

from harness.judge import judge
from harness.judge.explain.headline import beside
from harness.judge.verdict import Counts, Interval, Word
from harness.run.rehearsal import rehearse
from harness.scenario import load, plans
from harness.sse.policy import Policies
from tests.judge.laws.test_no_gap import at_work, firewalled
from tests.judge.obligations.test_bound import failed, told
from tests.judge.story import Story, plan


def seconds(**named: float) -> dict[str, Interval]:
    return {name.replace("_", " "): Interval(value=value) for name, value in named.items()}


def test_a_flawless_run_says_nothing_more():
    assert beside(Counts(emitted=40, shown=40), seconds(staleness_max=0.4)) == []
    assert beside(Counts(), {}) == []


def test_what_was_spared_is_told_with_how_long_and_how_old():
    counts = Counts(emitted=301, shown=109, covered=192)
    assert beside(counts, seconds(polling=36.0, staleness_max=17.5)) == [
        "109 of 301 shown", "192 covered while polling for 36.0 s", "stale up to 17.5 s",
    ]  # fmt: skip


def test_each_part_stands_alone():
    counts = Counts(emitted=13, shown=2, coalesced=1, covered=2, withheld=3, said=1, not_owed=4)
    assert beside(counts, seconds(staleness_max=0.2)) == [
        "2 of 13 shown",
        "1 coalesced",
        "2 covered by snapshots",
        "3 withheld by the server",
        "1 said aloud to be missing",
        "4 not owed",
    ]
    assert beside(Counts(emitted=9, shown=9), seconds(polling=4.0)) == ["polled for 4.0 s"]


def test_a_run_that_did_not_pass_says_what_was_shown_lost_and_repeated_too():
    counts = Counts(emitted=13, shown=9, lost=2, duplicated=1, covered=2)
    assert beside(counts, seconds(staleness_max=1.2), whole=True) == [
        "9 of 13 shown", "2 lost", "1 repeated", "2 covered by snapshots", "stale up to 1.2 s",
    ]  # fmt: skip
    assert beside(Counts(emitted=9, shown=9), {}, whole=True) == ["9 of 9 shown"]
    assert beside(Counts(), {}, whole=True) == []


def test_staleness_is_told_alone_from_a_handoff_s_on():
    counts = Counts(emitted=9, shown=9)
    assert beside(counts, seconds(staleness_max=4.9)) == []
    assert beside(counts, seconds(staleness_max=5.1)) == ["stale up to 5.1 s"]
    assert beside(counts, {"staleness max": Interval(value="lost")}) == []


def test_what_no_recovery_showed_is_told():
    assert beside(Counts(emitted=9, shown=9), seconds(recovery_untested=94.2)) == [
        "recovery untested: a lawful client might take 94.2 s"
    ]


def test_a_run_measures_a_recovery_that_it_did_not_test():
    """The server puts the client off for 200 s behind the healing."""
    story = told()
    failed(story, 8.9)
    story.request("stream", 9.6, status=503, retry_after="200")
    story.close(9.61, story.cids)
    story.end(62.0, "limit")
    found = judge(story.plan, story.history())
    assert beside(found.counts, found.measures)[-1] == "recovery untested: a lawful client might take 202 s"
    assert "recovery untested" not in judge(plan(), Story(plan()).run().history()).measures


def test_a_run_counts_what_it_spared_its_app():
    story = at_work()
    found = judge(story.plan, story.history())
    assert (found.counts.shown, found.counts.coalesced, found.counts.lost) == (20, 2, 0)


def test_the_sentence_of_a_pass_says_it(tmp_path):
    file = tmp_path / "walled.yaml"
    file.write_text(
        "scenario: walled\njob: {lasts: 20s, updates: every 500ms}\npaths: {wifi: wifi}\n"
        "timeline: {0s: {middle: answers 403 to streams}}\n"
    )
    (the_plan,) = plans(load(file), world="virtual")
    found = judge(the_plan, rehearse(the_plan))
    assert found.word is Word.PASS
    assert re.search(r", \d of 41 shown, 3\d covered while polling for \d+\.\d s, stale up to \d\.\d s", found.sentence)


def test_a_run_measures_how_long_it_polled():
    story = firewalled()
    story.poll(10, 5.01)
    found = judge(story.plan, story.history())
    assert (found.counts.covered, found.counts.emitted) == (4, 22)
    assert found.measures["polling"].value is not None
    assert judge(plan(), Story(plan(policies=Policies())).run().history()).measures.get("polling") is None
