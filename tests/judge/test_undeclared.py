"""An undeclared policy is unknown, and no law reads the reference's figure for it."""

import math

import msgspec
import pytest

from harness.judge import judge
from harness.judge.verdict import LawState
from harness.scenario.deadlines import AFTER_NEVER, ceiling, overtime
from harness.scenario.model import ClientSpec
from harness.sse.policy import REFERENCE, Jitter, Policies, declared
from tests.judge.dialling import Dials
from tests.judge.ruling import law, state
from tests.judge.scenes import handoff, handoff_plan, noticed
from tests.judge.story import plan

UNSET = msgspec.UNSET
NOTHING = REFERENCE.without(*Policies.__struct_fields__)


def storm(pause: float) -> Dials:
    story = Dials(policies=NOTHING)
    for _ in range(4):
        story.answered(pause, 503)
    return story.over()


def test_a_policy_is_declared_unless_it_is_unset():
    assert (declared(None), declared(20.0), declared(NOTHING.watchdog)) == (True, True, False)
    assert REFERENCE.undeclared == ()
    assert REFERENCE.without("watchdog", "jitter").undeclared == ("watchdog", "jitter")


def test_what_excuses_the_most_stands_for_what_nobody_declared():
    found = REFERENCE.without("watchdog", "backoff_cap", "jitter").with_excuses
    assert (found.watchdog, found.backoff_cap, found.jitter) == (None, math.inf, Jitter.HALF)
    assert (REFERENCE.with_excuses, found.undeclared) == (REFERENCE, ())


@pytest.mark.parametrize("undeclared", [(), ("watchdog",), Policies.__struct_fields__])
def test_a_plan_keeps_what_nobody_declared_and_json_leaves_it_out(undeclared):
    spec = ClientSpec(policies=REFERENCE.without(*undeclared))
    text = msgspec.json.encode(spec)
    assert msgspec.json.decode(text, type=ClientSpec) == spec
    assert not set(msgspec.json.decode(text).get("policies", {})) & set(undeclared)


def test_what_nobody_declared_has_no_deadline_and_the_run_waits_as_for_never():
    silent = plan(policies=NOTHING)
    assert (ceiling(silent), overtime(silent)) == (math.inf, AFTER_NEVER)
    assert silent.horizon == plan(policies=REFERENCE.without("backoff_cap")).horizon == 10.0 + AFTER_NEVER


def test_a_client_that_declares_nothing_is_held_to_no_bound():
    for waits in ((0.1, 90.0, 0.3), (60.0,), (0.001,)):
        found = law("backoff", Dials(policies=NOTHING).refused(*waits).over())
        assert (found.state, found.reason) == (LawState.NOT_JUDGED, "the client does not declare its backoff")


def test_whatever_was_declared_a_storm_fails():
    assert law("backoff", storm(0.05)).cause == "storm"
    assert state("backoff", storm(0.08)) is LawState.NOT_JUDGED


def test_a_recovery_without_a_declared_backoff_is_not_judged():
    found = law("recovery", handoff(handoff_plan(policies=NOTHING), back=9.0))
    assert (found.state, found.reason) == (LawState.NOT_JUDGED, "the client does not declare by when it reconnects")


def test_a_silence_without_a_declared_watchdog_is_not_judged():
    story = noticed()
    assert state("honest-status", story) is LawState.HELD
    story.plan = msgspec.structs.replace(story.plan, client=ClientSpec(policies=REFERENCE.without("watchdog")))
    assert state("honest-status", story) is LawState.HELD


@pytest.mark.parametrize("name", Policies.__struct_fields__)
def test_each_policy_may_be_missing(name):
    story = handoff(handoff_plan(policies=REFERENCE.without(name)))
    assert not [one for one in judge(story.plan, story.history()).laws if one.state is LawState.FAILED]


def test_a_client_that_declares_nothing_fails_no_law_by_what_the_reference_would_do():
    story = handoff(handoff_plan(policies=NOTHING))
    assert not [one for one in judge(story.plan, story.history()).laws if one.state is LawState.FAILED]
    assert UNSET is NOTHING.watchdog
