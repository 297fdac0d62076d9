"""The last word of a search is the one that its exit code stands for."""

import pytest

from harness.fuzz.findings import Findings
from harness.fuzz.summary import report, table_of_mutants


def last_but_one(text):
    return text.splitlines()[-2]


@pytest.mark.parametrize(("number", "code"), [(2, 130), (15, 143)])
def test_a_search_that_was_cut_short_is_not_called_clean(number, code):
    said = report(Findings(), client="reference", seconds=0.7, folder="f", verbose=False, signal=number)
    assert last_but_one(said) == f"INTERRUPTED  clean so far: 0 seeds in 0.7 s (0/s)   exit {code}"
    hunt = table_of_mutants([], folder="f", signal=number)
    assert last_but_one(hunt) == f"INTERRUPTED  found so far: 0 mutants   exit {code}"


def test_a_search_that_came_to_its_end_is():
    said = report(Findings(), client="reference", seconds=0.7, folder="f", verbose=False)
    assert last_but_one(said) == "CLEAN  0 seeds in 0.7 s (0/s)"


def test_its_lines_are_those_of_a_terminal():
    found = Findings()
    found.tried = 1
    said = report(found, client="reference", seconds=0.7, folder="f", verbose=False)
    assert "never done: path up" in said
    assert max(map(len, said.splitlines())) <= 100
