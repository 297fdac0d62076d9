"""Every shipped scenario on real sockets and in virtual time: the worlds agree.

The real ones run side by side, as children without a report, as many at once as end together in two minutes. So many
make a host late: a law may then be unknown, and a time further off than allowed, which the command settles by further
real runs. What fails here is any other difference that is still there alone, or a time that no host explains.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import trio

from harness.campaign.children import run_child
from harness.campaign.folders import new_run
from harness.compare.agreement import MOST_REAL_RUNS, AgreementWord, agreement
from harness.device.words import Radio
from harness.history import Health, History, history_digest
from harness.report.folder import read_to_judge
from harness.run.rehearsal import rehearse
from harness.scenario import bundled, load, plans

from .command import harness, latest, short, summary, verdicts

LATEST = 0.25
"""Seconds by which an event may be late in one of eight runs on a busy host."""

BY_CHANCE = {"burst", "dialects"}
"""Scenarios in which milliseconds decide: what a full queue merges, and between which two bytes a reset comes."""

ROOT = Path(__file__).parents[2]
DIGESTS = """
import json
from harness.history import history_digest
from harness.run.rehearsal import rehearse
from harness.scenario import bundled, load, plans
of = {name: plans(load(path), world="virtual")[-1] for name, path in bundled().items()}
print(json.dumps({name: history_digest(rehearse(plan).records) for name, plan in of.items()}))
"""


def test_every_shipped_scenario_replays_exactly_in_a_process_with_another_hash_seed():
    done = subprocess.run(
        [sys.executable, "-c", DIGESTS],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "4711"},
    )
    here = {name: plans(load(path), world="virtual")[-1] for name, path in bundled().items()}
    assert json.loads(done.stdout) == {name: history_digest(rehearse(plan).records) for name, plan in here.items()}


def of_real_sockets():
    """Every scenario that may run on them and is comparable, the longest first: its first variant's plan, by name."""
    firsts = {name: plans(load(path))[0] for name, path in bundled().items() if name not in BY_CHANCE}
    return dict(sorted(((n, p) for n, p in firsts.items() if p.world == "real"), key=lambda one: -one[1].job.lasts))


async def on_real_sockets(root, plan, found, limit):
    async with limit:
        found[plan.name] = new_run(root, plan)
        await run_child(found[plan.name], "auto", lambda _: None, trio.Event())


def in_both_worlds(root, chosen, at_once):
    """Run plans on real sockets, so many at once, then each in virtual time, in this process. Agreements by name."""
    folders = {}

    async def main():
        limit = trio.CapacityLimiter(at_once)
        async with trio.open_nursery() as nursery:
            for plan in chosen.values():
                nursery.start_soon(on_real_sockets, root, plan, folders, limit)

    trio.run(main)
    found = {}
    for name, folder in folders.items():
        virtual = msgspec.structs.replace(chosen[name], world="virtual")
        found[name] = agreement(virtual, [read_to_judge(folder)[1]], rehearse(virtual))
    return found


def besides_times(result):
    """Return whether the worlds differ by more than times in the one real run: of many, such a run is made again."""
    return any(one.what != "times" for one in result.differences)


@pytest.mark.slow
def test_the_worlds_agree_on_every_shipped_scenario(tmp_path):
    chosen = of_real_sockets()
    found = in_both_worlds(tmp_path, chosen, 8)
    again = {name: chosen[name] for name, result in found.items() if besides_times(result)}
    found |= in_both_worlds(tmp_path / "alone", again, 1)
    assert sorted(found) == sorted(chosen)
    told = {name: [one.text for one in result.differences] or result.reason for name, result in found.items()}
    assert [name for name, result in found.items() if besides_times(result)] == [], told
    assert max(result.widest for result in found.values()) < LATEST, told
    assert sum(result.said is AgreementWord.AGREE for result in found.values()) >= len(found) // 2, told


def test_a_model_that_charges_no_handshake_is_found():
    """The comparison itself, on a fault planted into the model: the radio's share of a dial over LTE is left out."""
    plan = plans(load(bundled()["handoff"]), world="virtual")[0]
    real = as_if_real(rehearse(plan))
    assert agreement(plan, [real] * MOST_REAL_RUNS, rehearse(plan)).said is AgreementWord.AGREE
    cellular = msgspec.structs.replace(plan.paths["cellular"], radio=Radio(wake=0.9))
    other = rehearse(msgspec.structs.replace(plan, paths={**plan.paths, "cellular": cellular}))
    found = agreement(plan, [real] * MOST_REAL_RUNS, other)
    assert found.said is AgreementWord.DIFFER
    assert [one.what for one in found.differences] == ["laws", "times"]
    assert "network-as-planned" in found.differences[0].text  # the plan's radio has that share
    assert round(found.widest, 2) == 0.21  # three round trips of 70 ms


def as_if_real(history):
    """The same history as a quiet host's real sockets would have left it."""
    first, *rest, end = history.records
    lags = Health(seq=end.seq, t_ns=end.t_ns, lags_us=[100] * 100)
    end = msgspec.structs.replace(end, seq=end.seq + 1, counts={**end.counts, "health": 1})
    return History([msgspec.structs.replace(first, world="real"), *rest, lags, end])


@pytest.mark.slow
def test_the_command_runs_both_worlds_into_one_report_and_says_that_they_agree(tmp_path):
    (tmp_path / "walk.yaml").write_text(short())
    done = harness("run", "walk.yaml", "--world", "both", "--toxiproxy", "embedded", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "real sockets and virtual time · toxiproxy embedded" in done.stdout
    assert "\n  worlds  agree, " in done.stdout
    assert "1 variant, 2 worlds in" in done.stdout
    assert sorted(verdicts(tmp_path)) == ["reference-real-s7", "reference-virtual-s7"]
    agreements = [run["agreement"] for run in summary(tmp_path)["runs"]]
    assert [found and found["said"] for found in agreements] == [None, "agree"]
    assert '<section id="worlds">' in (latest(tmp_path) / "report.html").read_text()


@pytest.mark.slow
def test_the_command_runs_twice_and_says_that_the_digest_is_the_same(tmp_path):
    (tmp_path / "walk.yaml").write_text(short())
    done = harness("run", "walk.yaml", "--world", "virtual", "--twice", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = summary(tmp_path)["runs"]
    assert run["twice"]["digest"] == run["twice"]["again"] == run["digest"]
    assert f"digest={run['digest']}; twice: the same digest" in done.stdout
