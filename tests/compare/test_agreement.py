"""Two worlds held against each other: equal ones, one planted difference of each kind, and what may differ."""

import msgspec
import pytest

from harness.compare.agreement import LEAST, MOST_REAL_RUNS, Agreement, AgreementWord, agreement
from harness.compare.trace import trace_of
from harness.deeds import acts
from harness.device.words import Reach
from harness.history import App, Attempt, AttemptEnd, End, Gap, Health, History, Results
from harness.judge.verdict import LawState
from harness.scenario.model import Plan, StallPulse
from tests.judge.story import Story, changed, plan, reach, without

QUIET = plan()


def told(story: Story) -> History:
    return story.history()


def held(one: History, other: History, the_plan: Plan = QUIET, *more: History) -> Agreement:
    """Hold a virtual history against as many real ones as are needed, of which the last says the same again."""
    real = [one, *more]
    real += [real[-1]] * (MOST_REAL_RUNS - len(real))
    return agreement(the_plan, real, in_virtual_time(other))


def in_virtual_time(history: History) -> History:
    """The same history without the scheduler's lag, by its own word in virtual time."""
    kept = without(history, Health).records
    return History([msgspec.structs.replace(kept[0], world="virtual"), *kept[1:]]) if kept else history


def kinds(found: Agreement) -> list[str]:
    return [difference.what for difference in found.differences]


def shifted(history: History, place: int, seconds: float) -> History:
    """The same history with one callback of the app at another time."""
    app = history.all(App)[place]
    ns = round(seconds * 1e9)
    return changed(
        history, App, place, enter_ns=app.enter_ns + ns, exit_ns=app.exit_ns + ns, t_ns=app.t_ns + ns
    )  # fmt: skip


def test_equal_histories_agree():
    found = held(told(Story(QUIET).run()), told(Story(QUIET).run()))
    assert (found.said, found.differences, found.sound, found.widest) == (AgreementWord.AGREE, (), 5, 0.0)
    assert found.times == 25  # 22 events, the attempt's beginning and end, the results


def test_an_empty_history_agrees_with_nothing():
    good = told(Story(QUIET).run())
    assert held(History([]), good).said is AgreementWord.UNKNOWN
    assert held(good, History([])).reason == "of the virtual run its history is empty"
    assert agreement(QUIET, [], good).reason == "there is no real run"


def test_a_run_that_was_cut_short_agrees_with_nothing():
    short = Story(QUIET).run()
    short.records = [record for record in short.records if not hasattr(record, "reason")]
    found = held(told(short), told(Story(QUIET).run()))
    assert found.said is AgreementWord.UNKNOWN
    assert found.reason.startswith("of the real run it was cut short at")


def test_a_real_run_whose_lag_nobody_measured_agrees_with_nothing():
    found = held(Story(QUIET).run().history(health=False), told(Story(QUIET).run()))
    assert (found.said, found.reason) == (AgreementWord.UNKNOWN, "of the real run its scheduler lag was not measured")


def test_an_unknown_law_is_never_agreement():
    tired = Story(plan(items=400, lasts=40.0))
    tired.lags(*[30_000] * 100)
    found = held(told(tired.run()), told(Story(tired.plan).run()), tired.plan)
    assert found.said is AgreementWord.UNKNOWN
    assert found.reason.startswith("prompt is unknown (scheduler lag")


def test_a_limit_that_the_host_was_too_busy_for_is_no_difference():
    tired = Story(QUIET)
    tired.lags(*[30_000] * 100)
    found = held(told(tired.run()), told(Story(QUIET).run()))
    assert trace_of(QUIET, told(tired)).laws["prompt"].state is LawState.NOT_JUDGED
    assert (found.said, found.differences) == (AgreementWord.AGREE, ())


def test_another_state_of_a_law_is_a_difference():
    leaking = Story(QUIET).run()
    leaking.end(11.2, leaked=1)
    clean = Story(QUIET).run()
    clean.end(11.2)
    found = held(told(clean), told(leaking))
    assert (found.said, kinds(found)) == (AgreementWord.DIFFER, ["laws"])
    assert found.differences[0].text == "clean-exit failed in virtual time, held on real sockets"
    assert found.differences[0].virtual is not None


def test_a_lost_event_is_told_with_the_records_where_the_sequences_part():
    found = held(told(Story(QUIET).run()), told(Story(QUIET).run(skip=(5,))))
    assert {"laws", "anomalies", "sequence"} <= set(kinds(found))
    parted = next(one for one in found.differences if one.what == "sequence")
    assert parted.text == "processing event 6 by stream in virtual time, processing event 5 by stream on real sockets"
    assert parted.real is not None
    assert parted.virtual is not None
    assert (round(parted.real.at, 3), round(parted.virtual.at, 3)) == (2.505, 3.005)
    counted = next(one for one in found.differences if one.what == "anomalies")
    assert counted.text == "1 lost in virtual time, 0 on real sockets"


def test_another_payload_is_a_difference():
    good = told(Story(QUIET).run())
    found = held(good, changed(good, App, 5, digest="other"))
    parted = next(one for one in found.differences if one.what == "sequence")
    assert "with another content in virtual time" in parted.text


def test_a_gap_told_in_one_world_only_is_a_difference():
    story = Story(QUIET).run()
    story.gap_signal(4.2)
    story.gap(4.21)
    found = held(without(told(story), Gap), told(story))
    gap = next(one for one in found.differences if one.what == "gaps")
    assert gap.text == "told a gap (410) in virtual time, nothing more on real sockets"
    assert (gap.real, gap.virtual is None) == (None, False)


def test_other_results_are_a_difference():
    good = told(Story(QUIET).run())
    found = held(good, changed(good, Results, 0, length=9_999))
    assert kinds(found) == ["results"]
    assert found.differences[0].text == "results 200, 9999 B in virtual time, results 200, 10000 B on real sockets"


def test_another_outcome_of_an_attempt_is_a_difference():
    good = told(Story(QUIET).run())
    found = held(good, changed(good, AttemptEnd, 0, how="eof"))
    assert kinds(found) == ["attempts"]
    assert (
        found.differences[0].text
        == "attempt 1 from the beginning: eof in virtual time, attempt 1 from the beginning: done on real sockets"
    )


def test_a_time_further_off_than_allowed_is_a_difference_and_one_within_is_none():
    good = told(Story(QUIET).run())
    assert held(good, shifted(good, 7, 0.049)).said is AgreementWord.AGREE
    found = held(good, shifted(good, 7, 0.060))
    assert (kinds(found), found.tolerance) == (["times"], LEAST)
    assert found.differences[0].text == "processing event 7 by stream came 60 ms apart (allowed 50 ms)"
    assert round(found.widest, 6) == 0.06


def test_a_laggard_host_is_allowed_three_times_its_lag():
    tired = Story(QUIET)
    tired.lags(*[40_000] * 100)
    slow = told(tired.run())
    found = held(slow, shifted(told(Story(QUIET).run()), 7, 0.1))
    assert found.tolerance == 0.12
    assert "times" not in kinds(found)


# What a deed too near decides.


def resumed(cursor: int, *, near: float) -> tuple[Plan, History]:
    """A path that closes ``near`` seconds after an emission: the stream resumes after this event."""
    story = Story(plan(reach(5.0 + near, "closed", once=True)))
    story.run()
    story.hang_up(5.2 + near, "eof", cid=0)
    story.dial(6.2 + near, cause="ended", last=story.id(cursor))
    history = told(story)
    attempts = history.all(Attempt)
    return story.plan, changed(history, Attempt, len(attempts) - 1, last_event_id=story.id(cursor))


def test_ids_with_only_events_near_a_deed_between_them_are_one():
    the_plan, real = resumed(9, near=0.01)
    _, virtual = resumed(10, near=0.01)
    assert "attempts" not in kinds(held(real, virtual, the_plan))


def test_ids_with_an_event_far_from_every_deed_between_them_differ():
    the_plan, real = resumed(9, near=0.25)
    _, virtual = resumed(8, near=0.25)
    found = next(one for one in held(real, virtual, the_plan).differences if one.what == "attempts")
    assert "from event 8" in found.text
    assert "from event 9" in found.text


@pytest.mark.parametrize(
    ("actor", "act", "contests", "events"),
    [
        ("wifi", acts.SetReach(word=Reach.CLOSED, once=True), True, True),
        ("device", acts.Joins(path="cellular"), True, True),
        ("job", acts.Bursts(rate=5.0, lasts=1.0), True, True),
        ("middle", acts.Answers(status=503), True, False),
        ("server", acts.SendsRetry(value="5"), False, False),
        ("server", acts.SilencesKeepalive(), False, False),
    ],
)
def test_only_what_a_deed_makes_doubtful_is_contested(actor, act, contests, events):
    story = Story(plan((5.01, actor, act, "does"))).run()
    trace = trace_of(story.plan, story.history())
    assert (trace.contested is not None, bool(trace.clients[0].near)) == (contests, events)


def test_after_a_contested_deed_attempts_are_compared_as_sets():
    def redialled(deed: float, *ends: str) -> tuple[Plan, History]:
        story = Story(plan(reach(deed, "closed", once=True), lasts=20.0))
        story.run()
        for number, how in enumerate(ends):
            story.dial(21.0 + number, cause="failed", opens=False)
            story.hang_up(21.5 + number, how)
        return story.plan, told(story)

    the_plan, real = redialled(9.99, "eof", "timeout", "eof")
    assert "attempts" not in kinds(held(real, redialled(9.99, "timeout", "eof", "eof")[1], the_plan))
    assert "attempts" in kinds(held(real, redialled(9.99, "eof", "eof", "eof")[1], the_plan))
    uncontested, real = redialled(9.5, "eof", "timeout", "eof")  # events are a second apart
    ordered = held(real, redialled(9.5, "timeout", "eof", "eof")[1], uncontested)
    assert "attempts" in kinds(ordered)


def test_the_time_of_an_event_emitted_just_before_a_stall_is_not_compared():
    good = told(Story(QUIET).run())
    late = shifted(good, 7, 0.2)  # due at 3.5 s
    windy = msgspec.structs.replace(QUIET, weather=(StallPulse(path="wifi", at=3.51, lasts=0.2),))
    assert held(good, late, windy).said is AgreementWord.AGREE
    before = msgspec.structs.replace(QUIET, weather=(StallPulse(path="wifi", at=3.49, lasts=0.2),))
    assert kinds(held(good, late, before)) == ["times"]


# Several real runs.


def test_what_one_of_several_real_runs_shows_is_no_difference_and_the_first_ones_stay_told():
    good = told(Story(QUIET).run())
    slow = shifted(good, 7, 0.2)
    found = held(good, shifted(good, 7, 0.15), QUIET, slow)
    assert (found.said, found.open, found.widest) == (AgreementWord.AGREE, False, 0.0)
    assert [one.what for one in found.first] == ["times"]


def test_what_no_real_run_shows_stays_a_difference():
    good = told(Story(QUIET).run())
    found = held(good, shifted(good, 7, 0.4), QUIET, shifted(good, 7, 0.2))
    assert (found.said, found.first) == (AgreementWord.DIFFER, ())
    assert found.differences[0].text.startswith("processing event 7 by stream came 200 ms apart")


def test_a_client_that_drifts_step_by_step_does_not_differ_and_the_drift_is_told():
    good = told(Story(QUIET).run())
    drifting = good
    for place in range(5, 11):
        drifting = shifted(drifting, place, 0.02 * (place - 4))
    found = held(good, drifting)
    assert (found.said, round(found.widest, 6), round(found.drift, 6)) == (AgreementWord.AGREE, 0.02, 0.12)


def test_a_difference_takes_five_real_runs_that_say_anything():
    good = told(Story(QUIET).run())
    late = in_virtual_time(shifted(good, 7, 0.2))
    cut = History([record for record in good.records if not isinstance(record, End)])
    for real in ([good], [good] * 4, [good, cut, good, cut, good]):
        found = agreement(QUIET, real, late)
        assert (found.said, found.open, kinds(found)) == (AgreementWord.UNKNOWN, True, ["times"])
    assert found.reason == (
        "processing event 7 by stream came 200 ms apart (allowed 50 ms), in 3 real runs (a disagreement takes 5)"
    )
    assert agreement(QUIET, [good] * 5, late).said is AgreementWord.DIFFER


# The host's own noise.


def noisy(highest: float) -> History:
    """A real run on a host that was late once by so many seconds, and quiet else."""
    story = Story(QUIET).run()
    story.lags(*[100] * 199, round(highest * 1e6))
    return told(story)


def test_what_the_largest_lag_of_every_real_run_explains_is_unknown():
    loaded = noisy(0.09)
    found = held(loaded, shifted(loaded, 7, 0.082))
    assert (found.said, found.open, found.tolerance) == (AgreementWord.UNKNOWN, False, LEAST)
    assert found.reason.endswith("came 82 ms apart (allowed 50 ms), which the host's own lag of up to 90 ms explains")


def test_what_it_does_not_explain_in_one_of_them_is_a_difference():
    loaded, quiet = noisy(0.09), noisy(0.0001)
    assert held(loaded, shifted(quiet, 7, 0.082), QUIET, quiet).said is AgreementWord.DIFFER
    assert held(loaded, shifted(loaded, 7, 0.15)).said is AgreementWord.DIFFER


def test_an_order_is_explained_only_by_a_lag_beyond_which_nothing_has_one():
    skipping = told(Story(QUIET).run(skip=(5,)))
    assert held(noisy(0.3), skipping).said is AgreementWord.UNKNOWN
    assert held(noisy(0.2), skipping).said is AgreementWord.DIFFER
