from harness.fuzz.coverage import DEEDS, STATES, covered, never_done, table, words_of
from harness.fuzz.genotype import Fault, Genotype
from harness.run.rehearsal import rehearse
from tests.fuzz.invented import plan_of


def test_what_is_invented_is_the_whole_vocabulary_and_nothing_else():
    deeds = [deed for seed in range(1, 501) for deed in plan_of(seed).deeds if deed.undoes is None]
    said = {word for deed in deeds for word in words_of(deed)}
    assert set(DEEDS) - said == set()
    assert said - set(DEEDS) == set()


def test_a_deed_is_counted_in_the_state_that_the_client_had_said():
    faults = (
        Fault(at=3.0, actor="wifi", deed="refused"),
        Fault(at=3.1, actor="wifi", deed="reset once"),
        Fault(at=4.0, actor="wifi", deed="up for 1s"),
    )
    plan = Genotype(seed=1, job={"lasts": "10s"}, paths={"wifi": "wifi"}, faults=faults).plan()
    cells = covered(plan, rehearse(plan))
    assert cells == {
        ("path refused", "connected"): 1,
        ("path reset once", "connected"): 1,
        ("path up", "reconnecting"): 1,
    }


def test_the_table_has_a_row_for_each_deed_and_a_dash_for_what_was_never_met():
    lines = table({("path up", "polling"): 3})
    assert len(lines) == len(DEEDS) + 1
    assert lines[0].split() == list(STATES)
    assert lines[1].split() == ["path", "up", "-", "-", "-", "3", "-"]
    assert len(never_done({("path up", "polling"): 3})) == len(DEEDS) - 1
