from harness.judge.verdict import LawState
from tests.judge.ruling import empty, law, state
from tests.judge.story import Story, plan


def test_a_growing_index_holds():
    assert state("order", Story(plan()).run()) is LawState.HELD


def test_a_late_first_delivery_fails():
    story = Story(plan()).run(skip=(4,))
    story.show(4, 3.1)
    assert law("order", story).sentence == "event 4 was shown at 3.1 s, after event 6"


def test_several_late_ones_are_counted():
    story = Story(plan()).run(skip=(4, 5))
    story.show(4, 4.1)
    story.show(5, 4.2)
    assert law("order", story).sentence.startswith("2 events out of order: event 4 was shown at 4.1 s")


def test_an_epoch_that_comes_back_fails():
    story = Story(plan()).run(skip=(7,))
    story.job(epoch="b", at=3.0)
    story.emit(0, 3.1, epoch="b")
    story.show(0, 3.11, epoch="b")
    story.show(7, 3.52)
    assert "after the newer epoch" in law("order", story).sentence


def test_a_repeat_is_left_to_no_duplicate():
    story = Story(plan()).run()
    story.show(4, 3.1)
    assert state("order", story) is LawState.HELD


def test_an_empty_history_is_unknown():
    assert empty("order", plan()) is LawState.UNKNOWN
