import msgspec

from harness.judge.case import Case
from harness.judge.facts.truth import ACCEPTED
from tests.judge.story import Story, ns, plan


def truth(story: Story):
    return Case(story.plan, story.history()).clients[0].truth


def test_events_are_ordered_by_epoch_and_index():
    story = Story(plan()).run()
    story.job(epoch="b", at=9.0)
    story.emit(0, 9.0, epoch="b")
    found = truth(story)
    assert [event.position for event in found.events[-2:]] == [(0, 21), (1, 0)]


def test_a_job_that_is_read_again_after_the_app_was_told_its_end_is_nothing_new():
    story = Story(plan()).run()
    story.job(epoch="b", at=11.0)
    story.emit(0, 11.0, epoch="b")
    assert truth(story).events[-1].position == (0, 21)


def test_an_id_names_an_event_or_the_place_before_an_epochs_first():
    story = Story(plan()).run()
    story.job(epoch="b", at=9.0)
    story.emit(0, 9.0, epoch="b")
    found = truth(story)
    named = [found.place(one, ns(9.5)) for one in ("a-3", "b-0", "a-start", "b-start", "c-start", "a-stop", "")]
    assert named == [(0, 3), (1, 0), (0, -1), (1, -1), None, None, None]


def test_a_repeated_emission_counts_once():
    story = Story(plan()).run()
    story.emit(4, 7.0)
    assert len(truth(story).events) == 22


def test_what_is_due_is_found_by_its_intended_time():
    found = truth(Story(plan()).run())
    assert found.newest_due(ns(2.0)).index == 4
    assert found.newest_due(ns(-1.0)) is None
    assert found.first_due_from(ns(2.0)).index == 4
    assert found.first_due_from(ns(10.1)) is None
    assert found.after(ACCEPTED).index == 0
    assert found.after((0, 21)) is None


def test_an_id_used_again_by_a_new_epoch_is_told_by_time():
    story = Story(plan()).run()
    story.job(epoch="b", at=3.0)
    story.emit(2, 3.1, epoch="b")
    story.records[-1] = msgspec.structs.replace(story.records[-1], id="a-2")
    found = truth(story)
    assert found.known("a-2", ns(2.0)).position == (0, 2)
    assert found.known("a-2", ns(4.0)).position == (1, 2)
    assert found.known("nothing") is None


def test_a_job_that_only_the_start_request_names_still_finds_its_client():
    story = Story(plan(count=2))
    story.emit_all(job="x")
    story.emit_all(job="y")
    story.request("start", 0.001, client="c2", job="")
    story.request("start", 0.002, client="c1", job="")
    case = Case(story.plan, story.history())
    assert {client.name: client.jobs for client in case.clients} == {"c1": ["y"], "c2": ["x"]}
