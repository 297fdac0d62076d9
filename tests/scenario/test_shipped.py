"""The scenarios that ship are documents: what they ask, how long they take, and where they are listed."""

import math
from pathlib import Path

import pytest

from harness.scenario import bundled, load, plans
from harness.scenario.deadlines import terminal_due

ROOT = Path(__file__).parents[2]
LONGEST = 60.0
"""Seconds that a job may last on real sockets, in any variant. A client that never learns of its end takes longer."""

SHIPPED = [pytest.param(path, id=path.stem) for path in bundled().values()]


@pytest.mark.parametrize("path", SHIPPED)
def test_each_has_a_title_and_a_story_that_asks_something(path):
    plan = plans(load(path))[0]
    assert 10 < len(plan.scenario) < 60
    assert 200 < len(plan.about) < 600
    assert "?" in plan.about


@pytest.mark.parametrize("path", SHIPPED)
def test_each_says_why_its_numbers_are_what_they_are(path):
    assert "#" in path.read_text()


@pytest.mark.parametrize("path", SHIPPED)
def test_a_job_on_real_sockets_is_over_within_a_minute(path):
    variants = plans(load(path))
    longest = max(min(terminal_due(plan), plan.limit or math.inf) for plan in variants)
    assert longest <= LONGEST or {plan.world for plan in variants} == {"virtual"}


@pytest.mark.parametrize("path", SHIPPED)
def test_what_is_for_virtual_time_alone_is_too_long_for_anything_else(path):
    variants = plans(load(path))
    if {plan.world for plan in variants} == {"virtual"}:
        assert max(map(terminal_due, variants)) > LONGEST


@pytest.mark.parametrize("page", ["scenarios/README.md", "CHANGELOG.md"])
def test_the_pages_that_list_them_list_all(page):
    text = (ROOT / page).read_text()
    assert [name for name in bundled() if f"`{name}`" not in text] == []


def test_every_one_names_a_mutant_that_it_fails():
    assert [path.stem for path in bundled().values() if not load(path).mutants] == []
