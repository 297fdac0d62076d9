"""Virtual time: it replays exactly, ends what would never end, and its runs are as quick as promised."""

import contextlib
import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
import trio

from harness.errors import leaf
from harness.history import history_digest
from harness.judge.judge import judge
from harness.judge.verdict import Word
from harness.run.rehearsal import rehearse
from harness.scenario import Scenario, bundled, load, plans
from harness.world import virtual

ROOT = Path(__file__).parents[2]
TIED = """
import sys
from harness.history import history_digest
from harness.run.rehearsal import rehearse
from harness.scenario import Scenario, plans
scenario = Scenario(
    scenario="tied deadlines",
    job={"lasts": "6s", "updates": "every 1s"},
    paths={"wifi": "wifi", "cellular": "lte"},
    client={"count": "20"},
    timeline={"2s": {"wifi": "silent"}, "2.4s": {"device": "loses wifi"}, "3s": {"device": "joins cellular"}},
)
print(history_digest(rehearse(plans(scenario, seed=int(sys.argv[1]), world="virtual")[0]).records))
"""


def digests(count, seed=7):
    """Return what so many processes of their own, each with a hash seed of its own, make of one plan."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", TIED, str(seed)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONHASHSEED": str(number)},
            cwd=ROOT,
        )
        for number in range(count)
    ]
    return {process.communicate()[0] for process in running}


def test_twenty_clients_with_tied_deadlines_replay_exactly_in_other_processes():
    """The canary of the private switch: without it, four processes gave four digests."""
    assert len(digests(4)) == 1


def test_another_seed_gives_another_history():
    assert digests(1, seed=7) != digests(1, seed=8)


def test_without_the_switch_histories_differ(monkeypatch):
    """The canary sings: what it guards against is there."""
    monkeypatch.setattr(virtual, "_repeatable", lambda _seed: contextlib.nullcontext())
    monkeypatch.setattr(trio._core._run, "_ALLOW_DETERMINISTIC_SCHEDULING", False)
    scenario = Scenario(
        scenario="tied", job={"lasts": "5s", "updates": "every 1s"}, paths={"wifi": "wifi"}, client={"count": "10"}
    )
    plan = plans(scenario, world="virtual")[0]
    assert len({history_digest(rehearse(plan).records) for _ in range(4)}) > 1


def test_the_switch_is_put_back():
    before = trio._core._run._ALLOW_DETERMINISTIC_SCHEDULING
    virtual.run(trio.lowlevel.checkpoint, seed=1)
    assert before == trio._core._run._ALLOW_DETERMINISTIC_SCHEDULING


def test_a_deadlock_is_told_at_the_limit():
    with pytest.raises(virtual.Stuck, match="deadlock: nothing has ended the run in 60 s"):
        virtual.run(trio.sleep_forever, seed=1, limit=60.0)


def test_a_livelock_is_told_where_its_clock_stands(monkeypatch):
    monkeypatch.setattr(virtual, "INSTANT_TURNS", 1_000)

    async def spins():
        await trio.sleep(3)
        while True:
            await trio.lowlevel.checkpoint()

    with pytest.raises(virtual.Stuck, match=r"livelock at 3\.000 s .* 1,000 turns at one instant"):
        virtual.run(spins, seed=1)


def test_a_run_that_creeps_on_ends_with_its_turns():
    async def creeps():
        for _ in range(100_000):
            await trio.sleep(0.001)

    with pytest.raises(virtual.Stuck, match=r"livelock .* 500 turns"):
        virtual.run(creeps, seed=1, turns=500)


def test_many_turns_at_many_instants_are_no_livelock(monkeypatch):
    monkeypatch.setattr(virtual, "INSTANT_TURNS", 10)

    async def walks():
        for _ in range(200):
            await trio.sleep(0.001)
        return "there"

    assert virtual.run(walks, seed=1) == "there"


def test_an_error_of_the_run_is_handed_on():
    async def fails():
        await trio.sleep(5)
        raise ValueError("as planned")

    with pytest.raises(ValueError, match="as planned") as caught:
        virtual.run(fails, seed=1)
    assert str(leaf(caught.value)) == "as planned"


def test_stamps_count_virtual_nanoseconds():
    async def main():
        world = virtual.world()
        before, year = world.stamp(), world.wall_clock()
        await trio.sleep(1.5)
        return world.stamp() - before, before > 0, world.wall_clock() - year

    assert virtual.run(main, seed=1) == (1_500_000_000, True, 1.5)


def shipped():
    return [
        pytest.param(plan, id=f"{plan.name} {plan.variant}".strip())
        for path in bundled().values()
        for plan in plans(load(path), world="virtual")
    ]


@pytest.mark.parametrize("plan", shipped())
def test_every_shipped_scenario_passes_and_replays(plan):
    history = rehearse(plan)
    verdict = judge(plan, history)
    assert verdict.word is Word.PASS, verdict.sentence
    assert verdict.trust.digest == history_digest(rehearse(plan).records)


def test_five_minutes_without_progress_take_milliseconds_of_work():
    scenario = Scenario(
        scenario="no progress", job={"lasts": "6m"}, paths={"wifi": "wifi"}, timeline={"2s": {"job": "pauses"}}
    )
    plan = plans(scenario, world="virtual")[0]
    history = rehearse(plan)
    assert history.end is not None
    assert history.end.reason == "done"
    assert len(history.records) < 1_000


def test_spacious_memory_looks_at_what_has_become_old_too():
    """A run leaves cycles behind that it outlived two collections with: they are not kept for thousands of runs."""

    class Cycle:
        def __init__(self):
            self.itself = self

    with virtual.spacious_memory():
        cycle = Cycle()
        gc.collect(1)
        seen = weakref.ref(cycle)
        del cycle
        for _ in range(100):
            young = [[] for _ in range(60_000)]
            del young
        assert seen() is None
