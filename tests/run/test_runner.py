"""One plan, run in this process on real sockets."""

import pytest
import trio

from harness.deeds.acts import Deed as PlannedDeed
from harness.deeds.acts import SetReach, SetShape
from harness.device.words import Radio, Reach
from harness.errors import EnvironmentFault, ToxiproxyFault
from harness.history import App, Canary, Census, Conn, DeedDone, End, Results, Run, read_history
from harness.history.files import HISTORY
from harness.judge.judge import judge
from harness.network.gate import Gate
from harness.run.runner import Runner
from harness.scenario import profiles
from harness.scenario.model import DeviceSpec, JobSpec, PathSpec, Plan, StallPulse
from harness.toxics.shape import Shape
from harness.world import real

pytestmark = pytest.mark.slow
FREE = PathSpec(profile="loopback", shape=Shape(), radio=Radio())


def a_plan(**changes):
    facts = {
        "scenario": "s",
        "name": "s",
        "seed": 7,
        "job": JobSpec(lasts=1.0, every=0.05),
        "paths": {"wifi": FREE},
        "device": DeviceSpec(starts_on="wifi"),
        "horizon": 20.0,
    }
    return Plan(**{**facts, **changes})


def closed_once(at=0.5):
    return PlannedDeed(index=0, at=at, actor="wifi", act=SetReach(word=Reach.CLOSED, once=True), text="closed once")


def silent(at=0.5):
    return PlannedDeed(index=0, at=at, actor="wifi", act=SetReach(word=Reach.SILENT), text="silent")


def runner(tmp_path, plan, toxiproxy="embedded", tap=None):
    return Runner(
        plan,
        tmp_path / HISTORY,
        toxiproxy=toxiproxy,
        world=real.world(),
        tap=tap,
    )


async def ran(tmp_path, plan, *, stop_after=None, tap=None):
    stop = trio.Event()
    async with trio.open_nursery() as nursery:

        async def stopper():
            await trio.sleep(stop_after)
            stop.set()

        if stop_after is not None:
            nursery.start_soon(stopper)
        with trio.fail_after(30):
            await runner(tmp_path, plan, tap=tap).run(stop)
        nursery.cancel_scope.cancel()
    return read_history(tmp_path / HISTORY)


async def test_the_first_record_is_the_run_and_the_last_its_end(tmp_path):
    history = await ran(tmp_path, a_plan())
    assert isinstance(history.records[0], Run)
    assert isinstance(history.records[-1], End)
    assert (history.end.reason, history.truncated) == ("done", False)
    assert [record.seq for record in history.records] == list(range(1, len(history.records) + 1))


async def test_every_event_reaches_the_app_and_nothing_is_left_behind(tmp_path):
    history = await ran(tmp_path, a_plan())
    assert [app.callback for app in history.all(App)] == ["initialized", *["processing"] * 19, "completed"]
    assert [(result.status, result.whole) for result in history.all(Results)] == [(200, True)]
    start, end = history.all(Census)
    assert end.counts == start.counts


async def test_a_deed_is_recorded_proved_and_survived(tmp_path, monkeypatch):
    shown = trio.Event()
    reach = Gate.reach

    async def reach_once_shown(self, path, word, **how):
        await shown.wait()  # on a busy host the job's start may still be under way at 0.5 s, and would be lost with it
        return await reach(self, path, word, **how)

    def note(record):
        if isinstance(record, App):
            shown.set()

    monkeypatch.setattr(Gate, "reach", reach_once_shown)
    history = await ran(tmp_path, a_plan(deeds=(closed_once(),)), tap=note)
    (deed,) = history.all(DeedDone)
    assert 0.5 <= history.seconds(deed.issued_ns) <= history.seconds(deed.returned_ns)
    assert [canary.met for canary in history.all(Canary)] == [True]
    assert len(history.all(App)) == 21


async def test_a_fault_that_left_no_mark_makes_the_run_void(tmp_path, monkeypatch):
    async def only_say(self, path, word, **_):
        return self.path_readback(path)

    monkeypatch.setattr(Gate, "reach", only_say)
    plan = a_plan(job=JobSpec(lasts=2.0, every=0.05), deeds=(silent(),))
    verdict = judge(plan, await ran(tmp_path, plan))
    assert verdict.word == "void"


async def test_the_limit_ends_a_run_that_waits_for_ever(tmp_path):
    history = await ran(tmp_path, a_plan(deeds=(silent(),), limit=1.5))
    assert history.end.reason == "limit"
    assert 1.5 <= history.seconds(history.end.t_ns) < 4.0


async def test_a_stopped_run_says_that_it_was_interrupted(tmp_path):
    history = await ran(tmp_path, a_plan(job=JobSpec(lasts=60.0)), stop_after=0.8)
    assert history.end.reason == "interrupted"
    start, end = history.all(Census)
    assert set(end.names["tasks"]) <= set(start.names["tasks"])  # the test's own stopper ends meanwhile
    assert end.counts | {"tasks": 0} == start.counts | {"tasks": 0}


async def test_each_client_has_a_gate_and_a_job_of_its_own(tmp_path):
    from harness.scenario.model import ClientSpec

    history = await ran(tmp_path, a_plan(client=ClientSpec(count=3)))
    jobs = {app.client: app.job for app in history.all(App)}
    assert sorted(jobs) == ["c1", "c2", "c3"]
    assert len(set(jobs.values())) == 3
    assert {conn.client for conn in history.all(Conn)} == {"c1", "c2", "c3"}


async def test_weather_stalls_the_downstream_and_lets_it_go_in_one_burst(tmp_path):
    pulse = StallPulse(path="wifi", at=0.3, lasts=0.4)
    history = await ran(tmp_path, a_plan(weather=(pulse,)))
    entered = [history.seconds(app.enter_ns) for app in history.all(App)]
    assert [at for at in entered if 0.32 < at < 0.69] == []
    assert len(entered) == 21


async def test_a_new_profile_is_measured_by_the_canary(tmp_path):
    edge = profiles.PROFILES["3g"]
    act = SetShape(profile="3g", shape=edge.shape, radio=edge.radio)
    deed = PlannedDeed(index=0, at=0.7, actor="wifi", act=act, text="3g")
    history = await ran(tmp_path, a_plan(deeds=(deed,), job=JobSpec(lasts=2.5, every=0.05)))
    (canary,) = history.all(Canary)
    assert canary.met, canary.detail
    assert "downstream" in canary.detail


async def test_a_toxiproxy_that_cannot_be_had_is_told_and_recorded(tmp_path):
    with pytest.raises((ToxiproxyFault, BaseExceptionGroup)):
        await runner(tmp_path, a_plan(), toxiproxy="/nowhere/toxiproxy-server").run(trio.Event())
    history = read_history(tmp_path / HISTORY)
    assert history.end.reason == "fault"
    assert "/nowhere/toxiproxy-server" in history.end.detail


async def test_a_folder_that_is_gone_is_told(tmp_path):
    with pytest.raises(EnvironmentFault, match="cannot write the history"):
        await runner(tmp_path / "gone", a_plan()).run(trio.Event())
