"""One plan run twice in virtual time: the same, or the first record that differs."""

import msgspec

from harness.compare.replay import replayed
from harness.history import App, End, History
from tests.judge.story import Story, changed, plan

TOLD = plan(world="virtual")


def told() -> History:
    return Story(TOLD).run().history(health=False)


def test_equal_histories_have_one_digest():
    found = replayed(told(), told())
    assert (found.same, found.first, found.second) == (True, None, None)
    assert len(found.digest) == 12


def test_facts_of_the_machine_change_nothing():
    one = told()
    other = History([msgspec.structs.replace(one.records[0], facts={"kernel": "another"}), *one.records[1:]])
    assert replayed(one, other).same


def test_the_first_record_that_differs_is_told_in_both_with_what_differs():
    good = told()
    found = replayed(good, changed(good, App, 5, progress=0.9))
    assert not found.same
    assert (found.first, found.second) != (None, None)
    assert [found.first.text, found.second.text] == ["app progress=0.25", "app progress=0.9"]
    assert round(found.at, 4) == 2.5051
    assert found.first.seq == good.all(App)[5].seq


def test_a_record_that_one_run_has_alone_is_told():
    good = told()
    found = replayed(good, History(good.records[:-1]))
    assert not found.same
    assert found.second is None
    assert isinstance(good.records[-1], End)
    assert found.first.text.startswith("end reason='done'")


def test_histories_without_records_are_no_replay():
    assert not replayed(History([]), History([])).same
    assert replayed(told(), History([])).fault == "one of the two runs left no history"
