import msgspec
import pytest

from harness.fuzz.generate import invent
from harness.fuzz.genotype import Fault, Genotype, rendered
from harness.fuzz.healing import lacking
from harness.fuzz.invoke import base_of
from harness.fuzz.situation import Situation
from harness.scenario import bundled, load, plans
from tests.fuzz.invented import MANY, plan_of

FINITE = [name for name, path in bundled().items() if "ends: never" not in path.read_text(encoding="utf-8")]


def bare(plan):
    """A plan without what only says where it is written."""
    deeds = tuple(msgspec.structs.replace(deed, line=0, column=0) for deed in plan.deeds)
    return msgspec.structs.replace(plan, deeds=deeds, source="", file="", name="", warnings=())


@pytest.mark.parametrize("first", range(1, MANY + 1, 500))
def test_every_invented_scenario_compiles_and_can_end(first):
    assert [seed for seed in range(first, first + 500) if lacking(plan_of(seed))] == []


def test_nobody_says_what_happens_by_itself_at_that_very_instant():
    now = Situation({"wifi": "wifi"}, "wifi", {})
    now.hear(Fault(at=11.26, actor="job", deed="pauses for 4.8s"))
    now.now = 16.0
    assert (now.paused, now.turning) == (True, False)
    now.now = 16.06
    assert now.turning
    invent(302093).plan()  # in which the job was then told to go on


def test_what_was_said_for_a_time_is_so_until_that_is_over():
    now = Situation({"wifi": "wifi", "cellular": "lte"}, "wifi", {"token": "lasts 5s"})
    for at, actor, deed in [
        (1.0, "device", "joins cellular"), (2.0, "wifi", "silent"), (3.0, "device", "goes offline for 4s"),
        (4.0, "device", "suspends for 2s"), (5.0, "device", "loses wifi"), (5.5, "job", "pauses"),
    ]:  # fmt: skip
        now.hear(Fault(at=at, actor=actor, deed=deed))
    assert (now.offline, now.asleep, now.paused, now.turning) == (True, True, True, False)
    assert (now.present, now.apart, now.has_token, now.has_keepalive) == (("cellular",), ("wifi",), True, True)
    now.now = 6.0
    assert now.asleep  # at this very instant it is not over yet
    now.now = 6.5
    assert (now.offline, now.asleep) == (True, False)
    now.now = 7.0
    assert (now.offline, now.turning) == (True, True)
    now.hear(Fault(at=7.5, actor="job", deed="resumes"))
    assert (now.offline, now.turning, now.paused) == (False, False, False)
    now.hear(Fault(at=8.0, actor="device", deed="goes offline for 9s"))
    now.hear(Fault(at=9.0, actor="device", deed="comes online"))
    now.now = 17.0
    assert (now.offline, now.turning, now.job_over) == (False, False, False)
    now.hear(Fault(at=18.0, actor="job", deed="completes"))
    assert now.job_over


def test_a_seed_invents_the_same_again_and_another_something_else():
    assert invent(11) == invent(11)
    assert invent(11).faults != invent(12).faults


def test_the_rendered_file_reads_back_to_the_same_plan(tmp_path):
    for seed in range(1, 101):
        genotype = invent(seed)
        file = tmp_path / f"{seed}.yaml"
        file.write_text(rendered(genotype, ("a comment: with signs {of} YAML",)), encoding="utf-8")
        (plan,) = plans(load(file), world="virtual")
        assert bare(plan) == bare(genotype.plan())


def test_free_text_survives_the_file(tmp_path):
    genotype = invent(1).having(title='a "title": with # signs', about="“quoted”, 100 %\nand a second line")
    file = tmp_path / "free.yaml"
    file.write_text(rendered(genotype), encoding="utf-8")
    scenario = load(file)
    assert (scenario.scenario, scenario.about) == (genotype.title, genotype.about)


@pytest.mark.parametrize("name", FINITE)
def test_over_a_scenario_its_own_timeline_stays(name):
    base = base_of(load(bundled()[name]))
    own = [(deed.at, deed.actor, deed.text) for deed in base.plan().deeds if deed.undoes is None]
    for seed in range(1, 31):
        plan = invent(seed, base).plan()
        assert [deed for deed in own if deed not in [(one.at, one.actor, one.text) for one in plan.deeds]] == []
        assert lacking(plan) == ()


def test_equal_times_of_base_and_invention_share_one_key():
    kept = (
        Fault(at=60.0, actor="wifi", deed="silent", when="60s"),
        Fault(at=60.0, actor="wifi", deed="up", when="60s"),
    )
    mine = (Fault(at=60.0, actor="wifi", deed="closed once"), Fault(at=2.0, actor="device", deed="goes offline for 1s"))
    genotype = Genotype(seed=1, job={"lasts": "90s"}, paths={"wifi": "wifi"}, kept=kept, faults=mine)
    assert genotype.scenario().timeline == {
        "2s": {"device": "goes offline for 1s"},
        "1m": {"wifi": "closed once"},
        "60s": {"wifi": ["silent", "up"]},
    }
