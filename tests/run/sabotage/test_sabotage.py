"""Every fault of the harness that is planted voids the run, with any client, and the sentence names the part."""

import pytest

from harness.judge.judge import judge
from harness.judge.verdict import Word
from tests.run.sabotage.plans import CLIENTS, PLANS, plan
from tests.run.sabotage.row import Row
from tests.run.sabotage.table import PARTS, lawful, results

EVERY = [pytest.param(row, id=f"{part}: {row.name}") for part, rows in PARTS.items() for row in rows]


@pytest.mark.parametrize("row", EVERY)
def test_a_fault_of_the_harness_voids_the_run_whoever_is_the_client(row: Row):
    assert {one.client: f"{one.wrong}: {one.law}: {one.sentence}" for one in results(row) if one.wrong} == {}


@pytest.mark.parametrize("name", PLANS)
def test_with_nothing_planted_no_run_is_void(name):
    verdicts = {client: judge(plan(name, client), lawful(name, client)) for client in CLIENTS}
    assert {client: one.sentence for client, one in verdicts.items() if one.word is Word.VOID} == {}
    assert verdicts["reference"].word is Word.PASS, verdicts["reference"].sentence


def test_no_two_faults_have_one_name_and_each_plan_is_used():
    every = [row for rows in PARTS.values() for row in rows]
    assert len({row.name for row in every}) == len(every)
    assert {row.plan for row in every} == set(PLANS)
