from functools import partial

import msgspec
import pytest

from harness.history import App, Chunk, End, History, Request
from harness.judge import by_cause, judge, order
from harness.judge.judge import compose
from harness.judge.laws import FUNDAMENTAL, LAWS
from harness.judge.verdict import LawState, LawVerdict, Verdict, Word
from harness.scenario.expectations import LAWS as WAIVABLE
from tests.growth import times_as_long
from tests.judge.ruling import expect, law
from tests.judge.scenes import half_open, half_open_plan, handoff, handoff_plan
from tests.judge.story import Story, changed, numbered, plan, without


def verdict(story: Story, history: History | None = None) -> Verdict:
    return judge(story.plan, history or story.history())


def law_of(code: str, state: LawState, cause: str = "") -> LawVerdict:
    word = next(one.word for one in LAWS if one.code == code)
    return LawVerdict(law=word, code=code, state=state, cause=cause)


def test_the_laws_are_those_of_the_language_in_their_order():
    assert tuple(one.word for one in LAWS) == WAIVABLE
    codes = [*(f"H{number}" for number in range(5)), *(f"L{number}" for number in range(1, 17))]
    assert [one.code for one in LAWS] == codes
    assert set(FUNDAMENTAL) == set(WAIVABLE)


def test_a_flawless_handoff_passes_with_its_figures():
    found = verdict(handoff())
    assert (found.word, found.sentence) == (Word.PASS, "Recovered in 1.2 s, 22 events, 0 lost, 0 repeated.")
    assert (found.counts.emitted, found.counts.attempts, found.counts.reconnections) == (22, 1, 1)
    assert (found.trust.faults, found.trust.proved, found.trust.lag_p99, found.trust.ended) == (3, 3, 0.0001, "done")
    assert [span.label for span in found.steady] == ["wifi", "cellular"]
    assert (found.aborted, found.seed, found.client) == (False, 7, "reference")


def test_the_client_as_shipped_fails_on_a_half_open_connection_by_one_cause():
    found = verdict(half_open())
    assert found.word is Word.FAIL
    assert (
        found.sentence == "The client never noticed that Wi-Fi was dead: silent since 4.0 s, no reconnection by 70.0 s."
    )
    (group,) = by_cause(found.laws)
    assert [one.law for one in group] == ["terminal-once", "no-gap", "honest-status", "recovery"]
    assert group[1].sentence == "14 events lost"
    assert [item.text for item in group[0].evidence] == [
        "last event dispatched, id a-7 (35 %)",
        "wifi silent (fault proved)",
        "emitted completed, id a-21; the app never saw it",
    ]


def test_what_the_taking_down_of_a_run_does_is_no_act_of_the_client():
    story = half_open()
    horizon = story.plan.horizon
    story.hang_up(horizon - 0.001, "cancelled")
    story.status("closed", horizon - 0.0005)
    assert {one.cause for one in order(verdict(story).laws)} == {"never-noticed"}


def test_a_limit_too_short_to_recover_still_names_the_cause():
    story = half_open()
    story.plan = msgspec.structs.replace(story.plan, horizon=14.0)
    story.records = [record for record in story.records if record.t_ns < 10**12 + 13 * 10**9]
    story.end(14.0, "limit")
    found = verdict(story)
    assert found.sentence.startswith("The client never noticed that Wi-Fi was dead")
    assert law("recovery", story).reason == "the scenario's limit leaves no time to recover"


def test_bytes_that_the_gate_swallowed_are_counted():
    story = half_open()
    story.add(Chunk(cid=1, direction="downstream", offset=0, length=214, fate="dropped"), 4.5)
    assert law("terminal-once", story).evidence[1].text == "wifi silent (fault proved: 214 bytes never forwarded)"


def test_failed_laws_come_most_fundamental_first_and_grouped_by_cause():
    laws = tuple(
        law_of(code, LawState.FAILED, cause) for code, cause in (("L14", ""), ("L9", "x"), ("L2", "x"), ("L3", ""))
    )
    assert [one.code for one in order(laws)] == ["L2", "L3", "L9", "L14"]
    assert [[one.code for one in group] for group in by_cause(laws)] == [["L2", "L9"], ["L3"], ["L14"]]


@pytest.mark.parametrize(
    ("states", "word"),
    [
        ({"L1": LawState.HELD, "L2": LawState.NOT_JUDGED, "L3": LawState.WAIVED}, Word.PASS),
        ({"L1": LawState.HELD, "L2": LawState.UNKNOWN}, Word.UNKNOWN),
        ({"L1": LawState.FAILED, "L2": LawState.UNKNOWN}, Word.FAIL),
        ({"H0": LawState.FAILED, "L1": LawState.FAILED}, Word.VOID),
        ({"H0": LawState.UNKNOWN, "L1": LawState.HELD}, Word.UNKNOWN),
        ({"L1": LawState.NOT_JUDGED}, Word.UNKNOWN),
    ],
)
def test_a_run_is_the_worst_of_its_laws(states, word):
    assert compose(tuple(law_of(code, state) for code, state in states.items()), ()) is word


def test_a_missed_expectation_fails_the_run_by_name():
    found = verdict(handoff(handoff_plan(expect=(expect("recovery", "under", 1.1),))))
    assert (found.word, found.sentence) == (
        Word.FAIL,
        "Recovery 1.2 s (limit under 1.1): the client dialled at 5.0 s, and had caught up at 6.2 s.",
    )


def test_a_waiver_excuses_a_failed_law_and_keeps_its_evidence():
    the_plan = half_open_plan(waive=dict.fromkeys(("terminal-once", "no-gap", "recovery", "honest-status"), "known"))
    story = half_open(the_plan)
    found = law("no-gap", story)
    assert (found.state, found.waiver, found.sentence) == (LawState.WAIVED, "known", "14 events lost")
    assert verdict(story).word is Word.PASS


def test_a_waiver_of_a_law_that_held_is_reported_as_unneeded():
    found = law("order", handoff(handoff_plan(waive={"order": "why not"})))
    assert (found.state, found.waiver, found.reason) == (
        LawState.HELD, "why not", "the waiver is not needed: the law held",
    )  # fmt: skip


def test_the_fault_must_always_have_been_seen():
    story = handoff(handoff_plan(waive={"fault-seen": "please"}))
    assert verdict(story, without(story.history(), type(story.records[0]), App)).laws[0].state is LawState.HELD
    story.records = [record for record in story.records if type(record).__name__ != "Canary"]
    assert verdict(story).word is Word.VOID


def test_an_empty_history_is_unknown_in_every_law():
    found = judge(handoff_plan(), History([]))
    assert (found.word, found.sentence) == (Word.UNKNOWN, "The history is empty.")
    assert {one.state for one in found.laws} == {LawState.UNKNOWN}
    assert found.counts.emitted == 0


@pytest.mark.parametrize("reason", ["interrupted", "fault"])
def test_a_run_cut_short_is_unknown_where_it_was_good_so_far(reason):
    story = half_open()
    records = [record for record in story.history().records if record.t_ns < 10**12 + 39 * 10**8]
    history = numbered([*records, End(reason=reason, t_ns=10**12 + 39 * 10**8)])
    found = verdict(story, history)
    assert (found.word, found.aborted, found.trust.ended) == (Word.UNKNOWN, True, reason)
    assert not order(found.laws)


def test_a_killed_run_is_judged_as_far_as_it_got():
    story = Story(plan()).run(skip=(4,))
    found = verdict(story, without(story.history(), End))
    assert (found.word, found.trust.ended, found.aborted) == (Word.FAIL, "killed", True)
    assert [one.law for one in order(found.laws)] == ["no-gap"]


def test_the_sentence_of_an_unknown_run_names_its_doubts():
    story = handoff()
    story.lags(*[500_000] * 100)
    found = verdict(story)
    assert found.word is Word.UNKNOWN
    assert found.sentence.startswith("Recovery: scheduler lag p99 500 ms (trusted to 231 ms); fresh: ")


def test_a_run_that_nobody_ended_never_passes():
    story = Story(plan()).run()
    found = verdict(story, without(story.history(), End))
    assert (found.word, found.sentence) == (Word.UNKNOWN, "The run was cut short at 11.2 s (killed).")


def test_every_law_is_built():
    found = {one.law: one for one in verdict(handoff()).laws}
    assert not [one.law for one in found.values() if "not built" in one.reason]
    assert (found["server-frees"].state, found["server-frees"].reason) == (
        LawState.NOT_JUDGED, "the server does not report its streams",
    )  # fmt: skip
    assert found["discreet"].state is LawState.HELD


def test_judging_is_pure_and_the_verdict_survives_json():
    story = half_open(half_open_plan(expect=(expect("recovery", "under", 5.5),)))
    history = story.history()
    before = msgspec.json.encode(history.records)
    found = verdict(story, history)
    assert verdict(story, history) == found
    assert msgspec.json.encode(history.records) == before
    assert msgspec.json.decode(msgspec.json.encode(found), type=Verdict) == found


def test_evidence_points_into_the_history():
    story = handoff(last="a-12", skip=range(8, 13))
    history = story.history()
    shown = law("resume", story, history).evidence[-1]
    record = history.records[shown.seq - 1]
    assert isinstance(record, Request)
    assert (record.last_event_id, shown.lane) == ("a-12", "stage")
    assert shown.at == pytest.approx(history.seconds(record.t_ns))


def long_story(items: int) -> Story:
    """A hand-over with so many updates, each of which is cut in two and absorbed once more."""
    story = handoff(handoff_plan(lasts=40.0, items=items))
    for index, due in enumerate(story.times()[:items]):
        at = max(due, 0.05)  # its handshake paid
        fate = "delivered" if at < 4.0 else "dropped"
        for way in ("upstream", "downstream"):
            story.add(Chunk(cid=1, direction=way, offset=index, length=1, fate=fate), at)
        story.absorb(index, at + 0.3)
    return story


def test_judging_takes_time_in_proportion_to_the_records():
    """Four times the records: in proportion is 4, the square 16."""
    short, long = [
        partial(lambda story, records: judge(story.plan, History(records)), story, story.history().records)
        for story in (long_story(400), long_story(1600))
    ]
    assert long().word is Word.PASS
    assert len(long.args[1]) > 10_000
    assert times_as_long(long, short, bound=7.0) < 7.0


def test_times_are_told_from_the_first_client_s_start():
    story = Story(plan()).run()
    history = changed(story.history(), End, 0, reason="limit")
    assert verdict(story, history).seconds == pytest.approx(11.2)
