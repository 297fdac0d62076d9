import msgspec
import pytest

from harness.deeds import acts
from harness.device.words import Reach
from harness.history import AppResults, Canary, DeedDone, End, History, Shaped
from harness.judge import judge
from harness.judge.verdict import LawState, ProvedBy, Word
from harness.run.rehearsal import rehearse
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import half_open, half_open_plan, handoff, handoff_plan
from tests.judge.story import WIFI, Story, changed, numbered, plan, reach, toxics_at_start, without
from tests.run.sabotage.plans import plan as sabotaged


def test_deeds_that_were_done_and_met_hold():
    assert state("fault-seen", handoff()) is LawState.HELD


def test_a_plan_without_deeds_holds_by_its_shapes_at_the_start():
    assert state("fault-seen", Story(plan()).run()) is LawState.HELD


def test_the_shape_of_each_path_at_the_start_must_have_been_read_back():
    story = handoff()
    said = law("fault-seen", story, without(story.history(), Shaped)).sentence
    assert said == "the shape of wifi at the start was not read back; nothing was tested (and 1 more)"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"met": False, "detail": "upstream 0.1 ms"}, "(upstream 0.1 ms)"),
        ({"toxics": {}}, "(its proxy shows latency_downstream.jitter none (not 1), latency_downstream.latency none"),
        ({"toxics": {**toxics_at_start(WIFI.shape), "slicer_up.delay": "1"}}, "slicer_up.delay 1 (not there)"),
    ],
)
def test_a_path_that_did_not_begin_as_planned_makes_the_run_void(change, told):
    story = handoff()
    verdict = judge(story.plan, changed(story.history(), Shaped, 0, **change))
    assert verdict.word is Word.VOID
    assert verdict.sentence.startswith("The shape of wifi at the start was not met")
    assert told in verdict.sentence


def test_a_run_cut_short_before_its_shapes_were_met_is_in_doubt():
    story = Story(plan())
    story.end(0.5, "interrupted")
    assert state("fault-seen", story, without(story.history(), Shaped)) is LawState.UNKNOWN


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
    history = without(story.history(), DeedDone)
    assert "was not carried out" in law("fault-seen", story, history).sentence


def test_a_deed_whose_call_failed_fails_with_its_error():
    story = handoff()
    history = changed(story.history(), DeedDone, 1, error="connection refused")
    found = law("fault-seen", story, history)
    assert found.state is LawState.FAILED
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
    assert state("fault-seen", story) is LawState.HELD


def late_word(at: float, *more: tuple[float, str, acts.Act, str]) -> Story:
    """A flawless run of ten seconds, and a fault that comes at this time."""
    return Story(plan(*more, reach(at, "silent"))).run(until=at + 1.0)


def ended(story: Story) -> History:
    """Return what came of a story by its end: nothing of what its plan has behind that."""
    history = story.history()
    assert history.end is not None
    return numbered(record for record in history.records if record.t_ns <= history.end.t_ns)


@pytest.mark.parametrize(
    ("actor", "act"),
    [
        ("wifi", acts.SetReach(word=Reach.SILENT)),
        ("wifi", acts.SetSlice(size=10)),
        ("wifi", acts.Cuts(how=Reach.CLOSED, mid="data")),
        ("device", acts.Loses(path="wifi")),
        ("device", acts.Suspends(lasts=1.0)),
        ("middle", acts.ShowsPortal()),
        ("server", acts.Restarts(keeps_log=True)),
        ("server", acts.SendsRetry(value="10")),
        ("job", acts.Pauses()),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_deed_that_never_came_makes_the_run_void_whoever_does_it(actor, act):
    story = Story(plan(reach(4.0, "closed", once=True), (60.0, actor, act, "a deed"))).run()
    verdict = judge(story.plan, ended(story))
    assert verdict.word is Word.VOID
    assert verdict.sentence.startswith(f"The fault at 60 s ({actor} a deed) was not carried out")


def test_the_end_of_a_deed_that_never_came_makes_the_run_void_too():
    story = handoff()
    undone = msgspec.structs.replace(story.plan.deeds[2], at=60.0, index=3, undoes=2)
    the_plan = msgspec.structs.replace(story.plan, deeds=(*story.plan.deeds, undone))
    assert judge(the_plan, story.history()).word is Word.VOID


def test_a_deed_that_an_interrupted_run_did_not_live_to_see_is_no_fault():
    story = Story(plan(reach(4.0, "silent"), reach(60.0, "up")))
    story.emit_all()
    story.deed(0)
    story.end(4.5, "interrupted")
    assert state("fault-seen", story) is LawState.HELD
    assert judge(story.plan, ended(story)).word is Word.UNKNOWN


@pytest.mark.parametrize(("at", "found"), [(11.0, LawState.FAILED), (11.9, LawState.HELD)])
def test_a_deed_may_come_due_as_a_limit_closes_the_run(at, found):
    story = Story(plan(reach(4.0, "silent"), reach(at, "up")))
    story.emit_all()
    story.deed(0)
    story.end(12.0, "limit")
    assert state("fault-seen", story) is found


def test_a_deed_that_came_after_every_client_had_finished_is_untried_and_neutral():
    story = late_word(60.0, reach(4.0, "closed", once=True))
    history = changed(story.history(), Canary, 1, met=False)
    found = judge(story.plan, history).trust
    assert (found.faults, found.proved, found.untried) == (1, 1, 1)
    assert law("fault-seen", story, history).state is LawState.HELD


def test_a_run_of_which_every_deed_was_untried_is_void():
    verdict = judge((story := late_word(60.0)).plan, story.history())
    assert verdict.word is Word.VOID
    assert verdict.sentence == (
        "Every fault came after the job had ended for the app at 10.0 s, the first (wifi silent) at 60 s; "
        "nothing was tested."
    )


def test_the_end_of_a_deed_that_was_tried_may_come_when_all_is_over():
    story = Story(plan(reach(4.0, "silent", "cellular"), reach(60.0, "up", "cellular")))
    deeds = (story.plan.deeds[0], msgspec.structs.replace(story.plan.deeds[1], undoes=0))
    story.plan = msgspec.structs.replace(story.plan, deeds=deeds)
    story.run(until=61.0)
    found = judge(story.plan, story.history())
    assert (found.word, found.trust.proved, found.trust.faults, found.trust.untried) == (Word.PASS, 1, 1, 0)


def test_a_client_that_gave_up_or_waits_for_its_results_has_not_finished():
    gave_up = Story(plan(reach(60.0, "silent"), lasts=10.0))
    gave_up.emit_all()
    gave_up.deeds()
    gave_up.end(61.0)
    assert judge(gave_up.plan, gave_up.history()).trust.untried == 0
    waiting = late_word(60.0)
    history = without(waiting.history(), AppResults)
    assert judge(waiting.plan, history).trust.untried == 0


def test_a_client_that_was_refused_for_good_has_finished():
    story = Story(plan(reach(20.0, "silent")))
    story.emit_all()
    story.deeds()
    story.request("start", 0.001, status=202)
    story.dial(0.01, status=404)
    story.hang_up(0.1, "refused", status=404)
    story.end(21.0)
    assert judge(story.plan, story.history()).trust.untried == 1


def test_an_unproved_deed_of_an_interrupted_run_is_unknown():
    story = Story(half_open_plan())
    story.emit_all()
    story.deed(0)
    story.deed(1, met=None)
    story.end(3.95, "interrupted")
    assert state("fault-seen", story) is LawState.UNKNOWN
    assert state("fault-seen", story, without(story.history(), End)) is LawState.UNKNOWN


def test_an_empty_history_is_unknown():
    assert empty("fault-seen", handoff_plan()) is LawState.UNKNOWN


def test_the_ways_of_proof_are_counted_apart_and_what_is_undecided_is_not_proved():
    joins = ((at, "device", acts.Joins(path="cellular"), "joins cellular") for at in (2.0, 3.0, 4.0, 5.0))
    story = Story(plan(*joins)).run()
    history = story.history()
    for place, way in enumerate(("read back", "undecided", "nothing to do")):
        history = changed(history, Canary, place, way=way)
    verdict = judge(story.plan, history)
    trust = verdict.trust
    assert (trust.faults, trust.proved, trust.by_canary, trust.read_back) == (3, 2, 1, 1)
    assert (trust.on_flow, trust.undecided, trust.nothing) == (0, 1, 1)
    assert verdict.word is Word.PASS


def test_what_a_client_felt_by_itself_is_proved_there_whatever_the_canary_could_see():
    story = handoff()
    history = changed(changed(story.history(), Canary, 1, way="read back"), Canary, 2, way="undecided")
    verdict = judge(story.plan, history)
    trust = verdict.trust
    assert {one.way for one in verdict.deeds} == {ProvedBy.FLOW}
    assert (trust.faults, trust.proved, trust.on_flow, trust.by_canary, trust.read_back) == (3, 3, 3, 0, 0)


def test_what_there_was_nothing_for_is_no_fault_though_a_client_went_on():
    story = Story(plan((3.0, "middle", acts.Clears(), "clears"))).run()
    story.request("poll", 5.0)
    trust = judge(story.plan, changed(story.history(), Canary, 0, way="nothing to do")).trust
    assert (trust.faults, trust.proved, trust.nothing) == (0, 0, 1)


def test_orphans_that_came_later_were_there_for_the_deed():
    plan = sabotaged("orphans")
    verdict = judge(plan, rehearse(plan))
    assert next((one.text, one.way) for one in verdict.deeds) == ("server orphan for 2s", ProvedBy.FLOW)


def test_of_several_gates_the_best_way_counts():
    story = handoff()
    first = story.history().all(Canary)[0]
    history = numbered([*story.history().records, msgspec.structs.replace(first, way="undecided")])
    assert judge(story.plan, history).trust.proved == 3
