import msgspec

from harness.history import App
from harness.judge.verdict import LawState
from tests.judge.ruling import empty, law, state
from tests.judge.story import Story, plan


def test_newer_states_only_hold():
    assert state("progress", Story(plan()).run()) is LawState.HELD


def test_an_older_state_shown_again_fails():
    story = Story(plan()).run()
    story.show(4, 3.1)
    assert law("progress", story).sentence == "progress went back 1 time: event 4 was shown at 3.1 s, after event 6"


def test_an_older_snapshot_fails():
    story = Story(plan()).run()
    story.poll(2, 3.1)
    assert state("progress", story) is LawState.FAILED


def test_an_older_number_without_an_id_fails():
    story = Story(plan()).run()
    story.show(2, 3.1, event_id="", source="poll")
    assert state("progress", story) is LawState.FAILED


def test_a_falling_number_is_lawful_where_the_truth_fell():
    story = Story(plan()).run(skip=tuple(range(7, 22)))
    story.job(epoch="b", at=3.4)
    for index in range(3):
        story.emit(index, 3.5 + index / 10, epoch="b")
        story.show(index, 3.51 + index / 10, epoch="b")
    assert state("progress", story) is LawState.HELD


def test_the_number_alone_is_no_regression():
    story = Story(plan()).run()
    for record in story.records:
        if isinstance(record, App):
            record.progress = 1.0 - (record.progress or 0)
    assert state("progress", story) is LawState.HELD
    assert msgspec.structs.fields(App)  # records are structs, and changed in place above


def test_an_empty_history_is_unknown():
    assert empty("progress", plan()) is LawState.UNKNOWN
