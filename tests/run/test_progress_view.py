from harness.deeds.acts import Deed as PlannedDeed
from harness.deeds.acts import SetReach
from harness.device.words import Radio, Reach
from harness.history import App, DeedDone, Run, Status
from harness.run.progress_view import ProgressView
from harness.scenario.model import DeviceSpec, JobSpec, PathSpec, Plan
from harness.toxics.shape import Shape


def a_plan(**changes):
    silent = PlannedDeed(index=0, at=5.0, actor="wifi", act=SetReach(word=Reach.SILENT), text="silent")
    path = PathSpec(profile="wifi", shape=Shape(), radio=Radio())
    facts = {
        "scenario": "s",
        "seed": 7,
        "job": JobSpec(lasts=10),
        "paths": {"wifi": path},
        "device": DeviceSpec(starts_on="wifi"),
        "deeds": (silent,),
        "horizon": 60.0,
    }
    return Plan(**{**facts, **changes})


def folded(*records, plan=None, at=3.0):
    view = ProgressView(plan or a_plan())
    for record in records:
        view.fold(record)
    return view.progress(at)


def app():
    return App(client="c1", job="j", callback="processing", enter_ns=1, exit_ns=2)


def test_what_a_watcher_wants_to_know_is_folded_from_the_records():
    run = Run(zero_ns=0, scenario="s", variant="", client="x", world="real", seed=7, facts={"toxiproxy": "embedded"})
    told = folded(
        run, Status(client="c1", word="connected"), app(), app(), DeedDone(deed=0, issued_ns=1, returned_ns=2)
    )
    assert (told.at, told.total, told.events) == (3.0, 10.0, 2)
    assert (told.status, told.deed, told.toxiproxy) == ("connected", "wifi silent", "embedded")


def test_several_clients_are_counted_by_their_status():
    words = [Status(client=f"c{number}", word=word) for number, word in enumerate(["polling", "connected", "polling"])]
    assert folded(*words).status == "2 polling, 1 connected"


def test_a_run_that_outlives_its_plan_counts_towards_its_limit():
    assert folded(at=13.0).total == 60.0
    assert folded(at=13.0, plan=a_plan(limit=30.0)).total == 30.0


def test_before_the_start_nothing_has_passed():
    assert folded(at=-0.5).at == 0.0
