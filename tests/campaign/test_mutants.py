"""``harness mutants``: names sorted, plans made, and the real command on a small scenario."""

import contextlib
import json
import subprocess
from pathlib import Path

import msgspec
import pytest

from harness.campaign.mutants import choose, plans_of
from harness.clients.mutants import MUTANTS
from harness.errors import UsageError
from harness.scenario import Scenario, bundled, load, plans
from harness.scenario.project import NO_PROJECT
from tests.end_to_end.command import harness, interrupt, start

SMALL = """\
scenario: two resets
job: {lasts: 12s, updates: every 500ms}
paths: {wifi: wifi}
client: {watchdog: 18s}
timeline: {5s: {wifi: reset once}, 8s: {wifi: reset once}}
mutants: [forgets-last-id]
"""


def test_nothing_named_is_everything():
    found = choose([])
    assert found.mutants == tuple(MUTANTS)
    assert found.files == tuple(bundled().values())
    assert (found.mutants_named, found.files_named) == (False, False)


def test_names_are_mutants_or_scenarios_each_once():
    found = choose(["no-jitter", "handoff", "no-jitter", "handoff"])
    assert (found.mutants, found.files) == (("no-jitter",), (bundled()["handoff"],))
    assert choose(["handoff"]).mutants == tuple(MUTANTS)
    assert choose(["no-jitter"]).files == tuple(bundled().values())
    with pytest.raises(UsageError, match='"no-dog" is no file, no folder and no bundled scenario'):
        choose(["no-dog"])


def test_the_reference_has_the_policies_that_the_mutants_are_judged_by():
    scenario = Scenario(
        scenario="t", job={"lasts": "5s"}, paths={"wifi": "wifi"}, client={"watchdog": "18s"}, sweep={"gap": ["1s"]},
        timeline={"$gap": {"wifi": "reset once"}},
    )  # fmt: skip
    (bare,), (mutant,) = plans_of(scenario, ["no-jitter"], NO_PROJECT)
    assert (bare.client.like, bare.client.mutant, mutant.client.mutant) == ("reference", "", "no-jitter")
    assert bare.client.policies == mutant.client.policies
    assert (bare.client.policies.watchdog, bare.world) == (18.0, "virtual")
    assert msgspec.structs.replace(bare, client=mutant.client) == mutant


@pytest.mark.parametrize("name", bundled())
def test_a_mutants_plans_are_those_that_harness_run_compiles(name):
    scenario = load(bundled()[name], project=NO_PROJECT)
    rows = plans_of(scenario, ["no-watchdog", "no-jitter"], NO_PROJECT)
    assert rows[2] == plans(scenario, client="no-jitter", world="virtual", project=NO_PROJECT)


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path


def test_the_command_shows_which_law_fails_whom_and_resumes(folder):
    named = ("mutants", "small.yaml", "forgets-last-id", "gives-up", "--out", "kept")
    first = harness(*named, "--json", cwd=folder)
    whole = json.loads(first.stdout)
    assert first.returncode == whole["exit"] == 1
    assert whole["troubles"] == ["no scenario fails gives-up"]
    assert {one["client"]: one.get("laws", []) for one in whole["cells"]} == {
        "reference": [], "forgets-last-id": ["L7"], "gives-up": [],
    }  # fmt: skip
    kept = (folder / "kept" / "cells.jsonl").read_bytes()
    second = harness(*named, "--resume", cwd=folder)
    assert "FAIL  1 of 2 mutants caught by 1 scenario, 3 of 3 cells (3 runs) in 0.0 s" in second.stdout
    assert (folder / "kept" / "cells.jsonl").read_bytes() == kept
    assert [path.name for path in (folder / "kept").iterdir()] == ["cells.jsonl"]


def test_ctrl_c_keeps_what_there_is(folder):
    process = start("mutants", "small.yaml", "-j", "1", "--out", "kept", cwd=folder)
    cells = folder / "kept" / "cells.jsonl"
    while not (cells.exists() and cells.stat().st_size):
        with contextlib.suppress(subprocess.TimeoutExpired):
            pytest.fail(f"it ended with {process.wait(0.05)}")
    out, _ = interrupt(process)
    assert process.returncode == 130
    assert "INTERRUPTED  by SIGINT: " in out
    kept = [json.loads(line) for line in cells.read_text().splitlines()]
    assert 0 < len(kept) < len(MUTANTS) + 1
    assert {one["word"] for one in kept} <= {"pass", "fail"}
    assert [path.name for path in (folder / "kept").iterdir()] == ["cells.jsonl"]


def test_a_mutant_runs_no_variant_behind_the_first_that_fails_it(folder):
    (folder / "swept.yaml").write_text(SMALL.replace("wifi: reset once}, 8s", "wifi: reset once}, $at"
        ) + "sweep: {at: [7s, 8s]}\n")  # fmt: skip
    called = harness("mutants", "swept.yaml", "forgets-last-id", "--json", cwd=folder)
    whole = json.loads(called.stdout)
    assert (called.returncode, whole["planned"], whole["done"]) == (0, 2, 2)
    assert [(one["client"], one["variant"]) for one in whole["cells"]] == [
        ("forgets-last-id", "at=7s"), ("reference", "at=7s"), ("reference", "at=8s"),
    ]  # fmt: skip


def test_the_page_keeps_what_other_calls_ran(folder):
    for name in ("forgets-last-id", "no-jitter"):
        harness("mutants", "small.yaml", name, "--markdown", "m.md", cwd=folder)
    page = (folder / "m.md").read_text()
    assert "\n1. `small`\n\n|  | 1 |\n| --- | --- |\n" in page
    assert "\n| `reference` | · |\n| `forgets-last-id` | L7 |\n| `no-jitter` | · |\n" in page
