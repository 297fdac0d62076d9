import pytest

from harness.judge.verdict import LawState
from harness.sse.policy import Ids, Policies
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import handoff, handoff_plan
from tests.judge.story import Story, plan


def test_each_event_once_holds():
    assert state("no-duplicate", handoff()) is LawState.HELD


def test_a_repeat_fails_and_names_the_events():
    story = Story(plan()).run()
    story.show(4, 3.1)
    story.show(5, 3.15)
    assert law("no-duplicate", story).sentence == "events 4\u20135 were shown to the app again at 3.1 s"


def test_an_event_that_is_repeated_twice_is_named_once():
    story = Story(plan()).run()
    story.show(4, 3.1)
    story.show(4, 3.15)
    assert law("no-duplicate", story).sentence == "event 4 was shown to the app again at 3.1 s"


def test_a_repeat_after_a_wrong_resumption_names_it():
    story = handoff(last="a-3")
    story.show(4, 6.15)
    story.show(5, 6.16)
    found = law("no-duplicate", story)
    assert found.cause == "wrong-resume"
    assert "the reconnection at 5.0 s sent Last-Event-ID a-3, the last one dispatched was a-7" in found.sentence


def test_a_state_shown_by_stream_and_again_by_polling_is_a_repeat():
    story = Story(plan()).run()
    story.poll(4, 2.3)
    assert state("no-duplicate", story) is LawState.FAILED


def test_an_event_that_was_never_emitted_fails():
    story = Story(plan()).run()
    story.show(4, 3.1, event_id="", digest="none", block=False)
    story.show(4, 3.2, event_id="z-99", digest="none", block=False)
    found = law("no-duplicate", story)
    assert found.sentence == "the app got 2 events that the server never emitted (a processing without an id, z-99)"


def test_a_snapshot_of_the_accepted_job_is_no_phantom():
    story = Story(plan()).run()
    story.show(0, 0.02, event_id="", source="poll", callback="initialized")
    assert state("no-duplicate", story) is LawState.HELD


def test_another_payload_fails():
    story = Story(plan()).run(skip=(4,))
    story.show(4, digest="garbled")
    assert law("no-duplicate", story).sentence == "event 4 reached the app with another payload than was emitted"


def test_the_same_index_in_a_new_epoch_is_another_event():
    story = Story(plan()).run()
    story.job(epoch="b", at=3.0)
    story.emit(3, 3.1, epoch="b")
    story.show(3, 3.11, epoch="b")
    assert state("no-duplicate", story) is LawState.HELD


def test_nothing_shown_is_unknown_and_never_held():
    story = Story(plan())
    story.emit_all()
    story.dial(0.01)
    story.end(41.0)
    assert state("no-duplicate", story) is LawState.UNKNOWN


def test_an_empty_history_is_unknown():
    assert empty("no-duplicate", plan()) is LawState.UNKNOWN


def sent_twice(ids, *, again=True):
    """Event 5 is shown twice, and reaches the phone ``again``."""
    story = Story(plan(policies=Policies(ids=ids))).run(skip=range(6, 21))
    story.show(5, 3.02, block=again)
    return story


def test_what_the_server_sent_twice_is_no_fault_of_a_client_that_declares_opaque_ids():
    found = law("no-duplicate", sent_twice(Ids.OPAQUE))
    assert found.state is LawState.HELD
    assert found.sentence == "1 event shown again, as the server sent them twice: ids are opaque to the client"


@pytest.mark.parametrize("ids", [Ids.EPOCH_INDEX, None])
def test_it_is_one_of_a_client_that_reads_their_order(ids):
    assert state("no-duplicate", sent_twice(ids)) is LawState.FAILED


def test_what_the_server_did_not_send_twice_is_a_repeat_to_any_client():
    assert state("no-duplicate", sent_twice(Ids.OPAQUE, again=False)) is LawState.FAILED
    thrice = sent_twice(Ids.OPAQUE)
    thrice.show(5, 3.03, block=False)
    assert state("no-duplicate", thrice) is LawState.FAILED


def test_what_an_older_id_asked_for_again_is_a_repeat_to_any_client():
    the_plan = handoff_plan(policies=Policies(ids=Ids.OPAQUE))
    story = handoff(the_plan, last="a-6")
    story.show(7, 6.15)
    assert state("no-duplicate", story) is LawState.FAILED
    story = handoff(the_plan, last="a-7")
    story.show(7, 6.15)
    assert state("no-duplicate", story) is LawState.HELD


def test_an_event_shown_before_it_reached_the_phone_is_told_so():
    story = Story(plan()).run(skip=(4,))
    story.show(4, 2.1, block=False)
    story.arrive(4, 2.3)
    assert law("no-duplicate", story).sentence == "event 4 was shown at 2.1 s, before reaching the phone"


def test_what_a_callback_is_follows_from_its_content_and_from_no_id():
    story = Story(plan()).run(skip=(4,))
    story.show(4, 2.1, event_id="a-9")
    assert state("no-gap", story) is LawState.FAILED  # it came as a-9
    story = Story(plan()).run(skip=(4,))
    story.arrive(4, 2.1)
    story.show(4, 2.1, event_id="anything", block=False)
    assert (state("no-gap", story), state("no-duplicate", story)) == (LawState.HELD, LawState.HELD)


def test_a_snapshot_is_one_only_where_its_answer_was_delivered_whole():
    story = Story(plan()).run()
    story.request("poll", 2.1)
    story.answered(4, 2.11, whole=False)
    story.show(4, 2.2, source="poll", event_id="none")
    assert "never emitted (none)" in law("no-duplicate", story).sentence


def test_a_snapshot_by_another_callback_is_corrupted():
    story = Story(plan()).run(skip=(4,))
    story.request("poll", 2.1)
    story.answered(4, 2.11)
    story.show(4, 2.2, source="poll", callback="initialized")
    assert law("no-duplicate", story).sentence == "event 4 reached the app with another payload than was emitted"


def told_again(ids=None, *, last=None):
    """Event 7 has no id: the connection that resumes from the one before it brings it again, and it is shown again."""
    story = handoff(handoff_plan(policies=Policies(ids=ids)), last=last).without_id(7)
    story.show(7, 6.15, event_id="a-6")
    return story


@pytest.mark.parametrize("ids", [Ids.OPAQUE, Ids.EPOCH_INDEX, None])
def test_an_event_without_an_id_that_a_replay_brings_again_is_no_repeat_of_the_clients(ids):
    found = law("no-duplicate", told_again(ids))
    assert found.state is LawState.HELD
    assert found.sentence == "1 event without an id shown again, as a replay or an answer told it"
    assert state("progress", told_again(ids)) is state("order", told_again(ids)) is LawState.HELD


def test_it_is_one_where_one_delivery_is_shown_twice():
    story = told_again()
    story.show(7, 6.16, event_id="a-6", block=False)
    assert law("no-duplicate", story).sentence == "event 7 was shown to the app again at 6.2 s"
    story = Story(plan()).run().without_id(4)
    story.show(4, 3.1, event_id="a-3", block=False)
    assert law("no-duplicate", story).sentence == "event 4 was shown to the app again at 3.1 s"


def test_an_event_without_an_id_that_an_older_id_asked_for_again_is_a_repeat():
    assert state("no-duplicate", told_again(last="a-3")) is LawState.FAILED


def test_a_status_answer_tells_an_event_without_an_id_once_more():
    story = Story(plan()).run().without_id(4)
    story.poll(4, 2.3)
    assert state("no-duplicate", story) is LawState.HELD
    story.poll(4, 2.4)
    assert law("no-duplicate", story).sentence == "event 4 was shown to the app again at 2.4 s"


def test_an_event_without_an_id_that_is_shown_with_another_payload_is_corrupted():
    story = Story(plan()).run(skip=(4,)).without_id(4)
    story.arrive(4, 2.1, event_id="a-3")
    story.show(4, 2.1, event_id="a-3", digest="garbled", block=False)
    assert state("no-duplicate", story) is LawState.FAILED


def test_an_event_without_an_id_shown_too_early_is_told_by_its_content():
    story = Story(plan()).run(skip=(4,)).without_id(4)
    story.show(4, 2.1, event_id="a-3", block=False)
    story.arrive(4, 2.3, event_id="a-3")
    assert law("no-duplicate", story).sentence == "event 4 was shown at 2.1 s, before reaching the phone"
