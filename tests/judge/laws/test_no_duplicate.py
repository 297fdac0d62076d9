import pytest

from harness.deeds.acts import Repeats
from harness.judge.verdict import State
from harness.sse.policy import Ids, Policies
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import handoff
from tests.judge.story import Story, plan


def test_each_event_once_holds():
    assert state("no-duplicate", handoff()) is State.HELD


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
    assert state("no-duplicate", story) is State.FAILED


def test_an_event_that_was_never_emitted_fails():
    story = Story(plan()).run()
    story.show(4, 3.1, event_id="", block=False)
    story.show(4, 3.2, event_id="z-99", block=False)
    found = law("no-duplicate", story)
    assert found.sentence == "the app got 2 events that the server never emitted (a processing without an id, z-99)"


def test_a_snapshot_of_the_accepted_job_is_no_phantom():
    story = Story(plan()).run()
    story.show(0, 0.02, event_id="", source="poll", callback="initialized")
    assert state("no-duplicate", story) is State.HELD


def test_another_payload_fails():
    story = Story(plan()).run(skip=(4,))
    story.show(4, digest="garbled")
    assert law("no-duplicate", story).sentence == "event 4 reached the app with another payload than was emitted"


def test_the_same_index_in_a_new_epoch_is_another_event():
    story = Story(plan()).run()
    story.job(epoch="b", at=3.0)
    story.emit(3, 3.1, epoch="b")
    story.show(3, 3.11, epoch="b")
    assert state("no-duplicate", story) is State.HELD


def test_nothing_shown_is_unknown_and_never_held():
    story = Story(plan())
    story.emit_all()
    story.dial(0.01)
    story.end(41.0)
    assert state("no-duplicate", story) is State.UNKNOWN


def test_an_empty_history_is_unknown():
    assert empty("no-duplicate", plan()) is State.UNKNOWN


def sent_twice(ids, *, repeating_from=1.0):
    deed = (repeating_from, "server", Repeats(count=2), "repeats 2")
    story = Story(plan(deed, policies=Policies(ids=ids))).run(skip=range(6, 21))
    story.show(5, 3.02)
    return story


def test_what_the_server_sent_twice_is_no_fault_of_a_client_that_declares_opaque_ids():
    found = law("no-duplicate", sent_twice(Ids.OPAQUE))
    assert found.state is State.HELD
    assert found.sentence == "1 event shown again, as the server sent them twice: ids are opaque to the client"


@pytest.mark.parametrize("ids", [Ids.EPOCH_INDEX, None])
def test_it_is_one_of_a_client_that_reads_their_order(ids):
    assert state("no-duplicate", sent_twice(ids)) is State.FAILED


def test_what_the_server_did_not_send_twice_is_a_repeat_to_any_client():
    assert state("no-duplicate", sent_twice(Ids.OPAQUE, repeating_from=4.0)) is State.FAILED
    older = sent_twice(Ids.OPAQUE)
    older.show(3, 3.03)
    assert state("no-duplicate", older) is State.FAILED
