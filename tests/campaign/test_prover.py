"""A matrix's worker, in its own memory: its answer to a plan, and to a plan that it cannot run."""

import json

import pytest

from harness.campaign.cells import Trial
from harness.campaign.prover import Prover
from harness.errors import EnvironmentFault
from harness.history import History
from harness.run.rehearsal import rehearse
from harness.scenario import Scenario, plans
from tests.end_to_end.command import harness

SMALL = {
    "scenario": "two resets",
    "job": {"lasts": "12s", "updates": "every 500ms"},
    "paths": {"wifi": "wifi"},
    "client": {"watchdog": "18s"},
    "timeline": {"5s": {"wifi": "reset once"}, "8s": {"wifi": "reset once"}},
}


def trial(client):
    plan = plans(Scenario(**SMALL), client=client, world="virtual")[0]
    return Trial(key=client, plan=plan)


def test_a_cell_says_what_harness_run_says(tmp_path):
    client = "keeps-two-streams"
    (tmp_path / "small.yaml").write_text(json.dumps(SMALL))
    called = harness("run", "small.yaml", "--client", client, "--world", "virtual", cwd=tmp_path)
    (path,) = (tmp_path / "results").glob("latest/small/*/verdict.json")
    verdict = json.loads(path.read_bytes())
    cell = Prover().cell(trial(client))
    assert (cell.word, cell.sentence) == (verdict["word"], verdict["sentence"])
    assert set(cell.laws) == {law["code"] for law in verdict["laws"] if law["state"] == "failed"}
    assert (called.returncode, cell.word) == (1, "fail")


def test_clients_that_leave_the_same_history_are_judged_once_and_keep_their_names():
    prover = Prover()
    names = ("forgets-last-id", "no-watchdog", "gives-up", "short-watchdog")
    cells = [prover.cell(trial(name)) for name in names]
    assert [(cell.key, cell.client) for cell in cells] == [(name, name) for name in names]
    assert [cell.word for cell in cells] == ["fail", "pass", "pass", "pass"]
    assert len(prover._judged) == 2


def test_the_same_history_under_another_plan_is_judged_anew():
    prover, other = Prover(), plans(Scenario(**SMALL | {"expect": {"attempts": "at most 1"}}), world="virtual")[0]
    history = rehearse(other)
    prover = Prover(rehearse=lambda _plan, **_: history)
    assert [prover.cell(Trial(key="", plan=plan)).word for plan in (trial("no-watchdog").plan, other)] == [
        "pass",
        "fail",
    ]


@pytest.mark.parametrize(
    ("error", "words"),
    [(EnvironmentFault("no room"), "no room"), (ZeroDivisionError("oh"), "ZeroDivisionError: oh")],
)
def test_what_cannot_be_run_is_void_and_ends_nothing_else(error, words):
    def fail(_plan, **_):
        raise error

    prover = Prover(rehearse=fail)
    assert (prover.cell(trial("gives-up")).word, prover.cell(trial("gives-up")).sentence) == ("void", words)


def test_an_empty_history_passes_nothing():
    assert Prover(rehearse=lambda _plan, **_: History([])).cell(trial("gives-up")).word not in {"pass", "fail"}
