from typing import Any

import pytest

from harness.deeds import acts
from harness.history import App, End
from harness.judge.laws.recovery import LACKS
from harness.judge.verdict import LawState
from harness.sse.policy import AS_SHIPPED, Policies
from tests.judge.obligations.test_bound import failed, told
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import JOINS, half_open, half_open_plan, handoff, handoff_plan, noticed
from tests.judge.story import Story, changed, plan, reach


def test_a_handoff_within_a_second_and_the_handshake_holds():
    assert law("recovery", handoff()).sentence == (
        "recovered in 1.2 s (limit 2.3 s = signal while waiting (n 0) 1 s + handshake 1.2 s + the app 100 ms)"
    )


def test_a_handoff_beyond_it_fails():
    found = law("recovery", handoff(dialled=8.0, back=9.5))
    assert found.sentence == (
        "the app caught up 4.5 s after cellular was usable at 5.0 s (limit 2.3 s = signal while waiting (n 0) 1 s + "
        "handshake 1.2 s + the app 100 ms): row 23, signal while waiting: a dial was due by 6.00 s and came at 8.00 s"
    )
    assert [item.text for item in found.evidence] == ["Wi-Fi broke", "attempt 2 begins; attempt 1: it broke at 4.4 s"]


def test_what_the_network_brought_late_is_no_late_recovery():
    assert law("recovery", handoff(back=9.5)).sentence.endswith("what was on its way 3.2 s)")


def test_what_was_at_the_phone_and_was_not_shown_is_a_late_recovery():
    story = handoff(back=6.0)
    for record in story.records:
        if isinstance(record, App) and record.enter_ns > 10**12 + 5 * 10**9:
            record.enter_ns, record.exit_ns, record.t_ns = (
                at + 3 * 10**9 for at in (record.enter_ns, record.exit_ns, record.t_ns)
            )
    found = law("recovery", story)
    assert found.state is LawState.FAILED
    assert "at the phone" in found.sentence


def test_a_silent_death_beside_a_usable_path_is_given_the_watchdog():
    assert law("recovery", noticed()).sentence == (
        "recovered in 20.4 s (limit 21.7 s = what ended in between 19.4 s + plain wait (n 0) 1 s + handshake 1.2 s + "
        "the app 100 ms)"
    )
    assert state("recovery", noticed(at=33.0)) is LawState.FAILED


def test_a_client_that_never_notices_fails_and_is_not_unknown():
    found = law("recovery", half_open())
    assert (found.state, found.cause) == (LawState.FAILED, "never-noticed")


def gone_for_good(**job: Any) -> Story:
    """A client that shows eight events, meets a loud end at 4 s, and never comes back."""
    story = Story(plan(reach(4.0, "closed", once=True), **job))
    story.emit_all()
    story.deeds()
    story.dial(0.01)
    for index in range(8):
        story.show(index, max(index / 2 + 0.005, 0.04))
    story.hang_up(4.001, "eof", fresh=8, events=8)
    story.end(story.plan.horizon, "limit")
    return story


def test_a_client_that_gives_up_after_a_loud_end_fails_by_its_own_cause():
    found = law("recovery", gone_for_good())
    assert (found.state, found.cause) == (LawState.FAILED, "never-reconnected")


def test_a_client_that_dials_in_vain_fails_by_its_own_cause():
    story = half_open(half_open_plan(Policies(), lasts=60.0, items=120))
    story.hang_up(23.9, "watchdog")
    story.dial(24.7, cause="failed", opens=False)
    story.hang_up(24.8, "refused")
    found = law("recovery", story)
    assert (found.state, found.cause) == (LawState.FAILED, "never-recovered")
    assert found.advice.startswith("Fix: bound each dial with a connect deadline")


def test_a_watchdog_that_never_fired_is_named():
    found = law("recovery", half_open(half_open_plan(Policies())))
    assert found.advice.startswith("the watchdog of 20 s never fired")


def test_a_stream_that_outlived_an_outage_is_given_a_second():
    story = Story(plan(reach(4.0, "refused"), reach(5.0, "up"), lasts=60.0, items=120)).run()
    assert law("recovery", story).sentence == "recovered in 0 ms (limit 1 s)"


def test_of_several_recoveries_the_slowest_is_told():
    prefers = acts.Prefers(path="cellular")
    story = noticed(
        plan(
            reach(2.0, "refused"), reach(2.5, "up"), (3.0, "device", JOINS, "joins cellular"),
            (3.9, "device", prefers, "prefers cellular"), reach(4.0, "silent"), lasts=60.0, items=120,
        )
    )  # fmt: skip
    assert law("recovery", story).sentence.startswith("recovered in 20.4 s")


def test_no_outage_is_not_judged():
    assert law("recovery", Story(plan()).run()).reason == "no outage in this run"


def test_an_outage_that_never_heals_is_not_judged():
    story = Story(plan(reach(4.0, "silent"))).run(skip=tuple(range(9, 22)), until=80.0)
    assert law("recovery", story).reason == "no client could get through from 4 s on (wifi silent)"


def test_an_outage_after_the_last_event_is_not_judged():
    story = Story(plan(reach(10.5, "silent"), reach(10.6, "up"))).run()
    assert law("recovery", story).reason == "nothing was due after it"


def test_a_run_cut_short_before_r_had_passed_is_unknown():
    story = half_open()
    history = changed(story.history(), End, 0, reason="interrupted")
    short = type(history)([r for r in history.records if r.t_ns < 10**12 + 20 * 10**9])
    assert state("recovery", story, short) is LawState.UNKNOWN


def test_a_host_that_lags_leaves_it_unknown():
    story = handoff()
    story.lags(*[500_000] * 100)
    assert state("recovery", story) is LawState.UNKNOWN


def test_the_limit_is_widened_by_the_host_s_lag():
    story = handoff(dialled=6.3, back=7.5)
    story.lags(*[100] * 500, 400_000)
    assert state("recovery", story) is LawState.HELD


def test_every_client_must_recover():
    story = handoff(handoff_plan(count=2))
    story.run(client="c2")
    story.records = [
        r for r in story.records if not (isinstance(r, App) and r.client == "c2" and r.t_ns > 10**12 + 4 * 10**9)
    ]
    assert state("recovery", story) is LawState.FAILED


def test_a_policy_with_a_long_watchdog_is_held_to_it():
    patient = half_open_plan(Policies(watchdog=45.0), lasts=90.0, items=180)
    assert law("recovery", noticed(patient, at=48.9)).state is LawState.HELD


def test_an_empty_history_is_unknown():
    assert empty("recovery", plan()) is LawState.UNKNOWN


def test_a_recovery_that_failed_names_the_first_row_that_was_missed():
    story = gone_for_good(lasts=60.0, items=120)
    assert ": row 20, plain wait: a dial was due by 5.00 s and never came (n 0, d = 1 s)" in (
        law("recovery", story).sentence
    )


@pytest.mark.parametrize("policies", [Policies(), AS_SHIPPED])
def test_a_stream_that_was_held_for_too_long_is_named_also_where_no_watchdog_is_declared(policies):
    story = noticed(half_open_plan(policies, lasts=90.0, items=180), at=64.0)
    story.end(95.0, "limit")
    found = law("recovery", story)
    assert found.state is LawState.FAILED
    assert "row 31, watchdog: a stream, silent from 3.50 s on was to be let go of by 24.50 s" in found.sentence


def test_a_lawful_client_that_has_not_caught_up_shows_that_the_table_lacks_a_row():
    """It is back at 9.8 s, within its wait, and gets keep-alives until 35 s: by 56 s nothing else was due of it."""
    story = told()
    for at in (4.9, 6.5):
        failed(story, at)
    story.dial(9.8)
    for at in range(10, 40, 5):
        story.comment(float(at))
    story.end(56.0, "limit")
    found = law("recovery", story)
    assert found.state is LawState.UNKNOWN
    assert found.reason == (
        f"{LACKS}: what was due at 4.5 s was not shown by 64.1 s (R 55.1 s = deadline of the attempt 47 s + plain wait "
        "(n 3) 8 s + the app 100 ms)"
    )


def test_a_recovery_that_may_take_longer_than_the_ceiling_is_untested():
    story = told()
    failed(story, 8.9)
    story.request("stream", 9.6, status=503, retry_after="200")
    story.close(9.61, story.cids)
    story.end(62.0, "limit")
    found = law("recovery", story)
    assert (found.state, found.reason) == (
        LawState.NOT_JUDGED,
        "recovery untested: a lawful client might take 202 s",
    )
