import msgspec

from harness.history import Canary, Deed, End, History
from harness.judge import judge
from harness.judge.verdict import State, Word
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import half_open, half_open_plan, handoff, handoff_plan
from tests.judge.story import Story, changed, plan, reach, without


def test_deeds_that_were_done_and_met_hold():
    assert state("fault-seen", handoff()) is State.HELD


def test_a_plan_without_deeds_is_not_judged():
    assert state("fault-seen", Story(plan()).run()) is State.NOT_JUDGED


def test_a_canary_that_did_not_meet_the_fault_makes_the_run_void():
    story = handoff()
    history = changed(story.history(), Canary, 0, met=False, detail="dial: open")
    verdict = judge(story.plan, history)
    assert verdict.word is Word.VOID
    assert verdict.sentence == (
        "The fault at 4 s (wifi silent) was not met by the canary (dial: open); nothing was tested."
    )


def test_void_outweighs_every_other_law():
    story = half_open()
    assert judge(story.plan, changed(story.history(), Canary, 2, met=False)).word is Word.VOID


def test_a_deed_without_a_canary_is_not_proved():
    story = Story(plan(reach(4.0, "silent")))
    story.emit_all()
    story.deed(0, met=None)
    story.end(11.2)
    assert "was not met by the canary" in law("fault-seen", story).sentence


def test_a_deed_that_was_due_and_never_done_fails():
    story = handoff()
    history = without(story.history(), Deed)
    assert "was not carried out" in law("fault-seen", story, history).sentence


def test_a_deed_whose_call_failed_fails_with_its_error():
    story = handoff()
    history = changed(story.history(), Deed, 1, error="connection refused")
    found = law("fault-seen", story, history)
    assert found.state is State.FAILED
    assert "could not be carried out: connection refused" in found.sentence
    assert found.evidence[0].text == "connection refused"


def test_every_gate_must_have_met_a_deed_of_the_gates():
    story = Story(plan(reach(4.0, "silent"), reach(5.0, "up"), count=2))
    for client in ("c1", "c2"):
        story.emit_all(job="j" + client[1:])
        story.deed(0, client=client)
    story.deed(1, client="c1")
    story.end(11.2)
    assert "was not carried out at the gate of c2" in law("fault-seen", story).sentence


def test_a_canary_is_wanted_at_every_gate():
    story = Story(plan(reach(4.0, "silent"), count=2))
    story.emit_all()
    story.deed(0, client="c1")
    story.deed(0, client="c2", met=None)
    story.end(11.2)
    assert "was not met by the canary at the gate of c2" in law("fault-seen", story).sentence


def test_a_shared_deed_is_proved_once_for_all_gates():
    story = Story(plan(reach(4.0, "silent"), count=2))
    story.emit_all()
    story.deed(0, client="")
    story.end(11.2)
    assert state("fault-seen", story) is State.HELD


def test_a_deed_after_the_end_is_not_asked_for():
    the_plan = handoff_plan()
    late = msgspec.structs.replace(the_plan.deeds[2], at=60.0, index=3)
    story = handoff(msgspec.structs.replace(the_plan, deeds=(*the_plan.deeds, late)))
    kept = [r for r in story.history().records if not (isinstance(r, Deed | Canary) and r.deed == 3)]
    assert state("fault-seen", story, History(kept)) is State.HELD


def test_an_unproved_deed_of_an_interrupted_run_is_unknown():
    story = Story(half_open_plan())
    story.emit_all()
    story.deed(0)
    story.deed(1, met=None)
    story.end(3.95, "interrupted")
    assert state("fault-seen", story) is State.UNKNOWN
    assert state("fault-seen", story, without(story.history(), End)) is State.UNKNOWN


def test_an_empty_history_is_unknown():
    assert empty("fault-seen", handoff_plan()) is State.UNKNOWN
