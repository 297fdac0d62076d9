"""The table that is committed: every mutant, every scenario that ships, and no row in it that catches no mutant."""

import re
from pathlib import Path

from harness.campaign.matrix import NOT_RUN, REFERENCE, read_markdown
from harness.clients.mutants import MUTANTS
from harness.scenario import bundled, load

TABLE = read_markdown((Path(__file__).parents[2] / "results" / "mutants.md").read_text())
CAUGHT = {place for place, cell in TABLE.items() if place[0] != REFERENCE and re.fullmatch(r"(L[0-9]+ ?)+|E", cell)}


def test_its_rows_are_the_mutants_and_its_columns_the_scenarios():
    assert list(dict.fromkeys(row for row, _ in TABLE)) == [REFERENCE, *MUTANTS]
    assert list(dict.fromkeys(column for _, column in TABLE)) == list(bundled())


def test_every_mutant_was_run_in_every_scenario():
    assert {place for place, cell in TABLE.items() if cell in {NOT_RUN, "?", "∅"}} == set()
    assert len(TABLE) == (len(MUTANTS) + 1) * len(bundled())


def test_the_reference_passes_everything():
    assert {cell for (row, _), cell in TABLE.items() if row == REFERENCE} == {"·"}


def test_no_mutant_is_caught_by_nothing_and_no_scenario_catches_nobody():
    assert set(MUTANTS) - {row for row, _ in CAUGHT} == set()
    assert set(bundled()) - {column for _, column in CAUGHT} == set()


def test_each_scenario_names_mutants_that_it_fails():
    assert {(name, path.stem) for path in bundled().values() for name in load(path).mutants} - CAUGHT == set()
