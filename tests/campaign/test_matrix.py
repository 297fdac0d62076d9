"""A matrix of wrong clients and scenarios: its proof, and its form on a page. Cells are made up."""

import json

import pytest

from harness.campaign.cells import Cell
from harness.campaign.matrix import Matrix, as_json, codes, markdown, read_markdown, text, troubles


def cell(client, scenario, word="pass", *laws, variant="", expectations=()):
    key = f"{client} {scenario} {variant}"
    return Cell(
        key=key,
        client=client,
        scenario=scenario,
        variant=variant,
        word=word,
        laws=laws,
        expectations=expectations,
        sentence="the sentence",
    )


def matrix(*cells, named=None, whole=True, **options):
    """Two mutants by two scenarios; what no cell is given for passes, or was not run."""
    given = {(one.client, one.scenario) for one in cells}
    rest = [cell(c, s) for c in ("reference", "deaf", "late") for s in ("cave", "sea") if (c, s) not in given]
    every = (*cells, *rest) if whole else cells
    return Matrix(
        mutants=("deaf", "late"),
        scenarios=("cave", "sea"),
        named=named or {},
        cells=every,
        **options,
    )


PROVED = (cell("deaf", "cave", "fail", "L9", "L1"), cell("late", "sea", "fail", expectations=("terminal",)))


def told(found):
    return [trouble for _, trouble in troubles(found)]


def test_where_each_scenario_fails_some_mutant_and_each_mutant_somewhere_all_is_well():
    found = matrix(*PROVED, named={"cave": ("deaf",), "sea": ("late",)})
    assert (told(found), found.exit) == ([], 0)


def test_a_scenario_that_fails_no_mutant_is_an_error():
    found = matrix(PROVED[0], cell("late", "cave", "fail", "L2"))
    assert (told(found), found.exit) == (["sea fails no mutant"], 1)


def test_a_mutant_that_no_scenario_fails_is_an_error():
    found = matrix(PROVED[0], cell("deaf", "sea", "fail", "L9"))
    assert (told(found), found.exit) == (["no scenario fails late"], 1)


def test_only_the_side_that_was_named_is_held_to_that():
    found = matrix(PROVED[0])
    assert told(matrix(PROVED[0], rows_judged=False)) == ["sea fails no mutant"]
    assert told(matrix(PROVED[0], columns_judged=False)) == ["no scenario fails late"]
    assert len(told(found)) == 2


def test_a_mutant_that_a_scenario_names_and_does_not_fail_is_an_error():
    found = matrix(*PROVED, named={"cave": ("late",)})
    assert (told(found), found.exit) == (["cave names late, and does not fail it"], 1)


@pytest.mark.parametrize(("word", "code"), [("fail", 1), ("unknown", 4)])
def test_a_scenario_that_the_reference_does_not_pass_proves_nothing(word, code):
    found = matrix(*PROVED, cell("reference", "cave", word))
    assert told(found)[0] == "cave does not pass with the reference client: the sentence"
    assert told(found)[1:] == ["cave fails no mutant", "no scenario fails deaf"]
    assert found.exit == 1
    assert next(troubles(found))[0] == code


def test_a_void_run_is_the_environments_trouble_whoever_ran():
    found = matrix(*PROVED, cell("late", "cave", "void"))
    assert (told(found), found.exit) == (["cave with late is void: the sentence"], 3)


def test_what_was_not_run_breaks_no_rule_and_the_signal_is_the_exit_code():
    found = matrix(PROVED[0], named={"sea": ("late",)}, whole=False, signal=2)
    assert (told(found), found.exit) == ([], 130)
    assert "INTERRUPTED  by SIGINT: 1 of 2 mutants caught by 2 scenarios so far, 1 of 6 cells (1 run)" in text(
        found, file="f"
    )
    assert codes(found.of("late", "sea")) == ("-",)


def test_a_scenario_of_which_a_variant_was_not_run_breaks_no_rule():
    found = matrix(PROVED[0], cell("late", "sea"), named={"sea": ("late",)}, variants={"sea": 2})
    assert told(found) == []


def test_nothing_at_all_is_unknown():
    assert matrix(whole=False).exit == 4


def test_a_cell_has_what_failed_in_any_variant():
    two = [cell("deaf", "cave", "fail", "L9", variant="a"), cell("deaf", "cave", "fail", "L2", "L9", variant="b")]
    assert codes(two) == ("L9", "L2")
    assert codes([cell("deaf", "cave", "fail", expectations=("terminal",)), cell("deaf", "cave")]) == ("E",)
    assert codes([cell("deaf", "cave"), cell("deaf", "cave", "unknown")]) == ("?",)
    assert codes([cell("deaf", "cave", "void"), cell("deaf", "cave", "unknown")]) == ("∅",)
    assert codes([cell("deaf", "cave")]) == ("·",)


def test_a_mutant_that_a_variant_fails_needs_no_other_and_the_reference_needs_all():
    found = matrix(*PROVED, cell("reference", "cave"), cell("reference", "sea", "fail"), variants={"cave": 2, "sea": 2})
    whole = {place for place in found.places if found.whole(*place)}
    assert whole == {("deaf", "cave"), ("late", "sea")}
    assert found.done == 2


def test_the_terminal_shows_a_row_for_each_client_and_a_column_for_each_scenario():
    lines = text(matrix(*PROVED), file="cells.jsonl").splitlines()
    assert lines[2:7] == [
        "          cave sea",
        "reference    ·   ·",
        "deaf        L9   ·",
        "late         ·   E",
        "          cave sea",
    ]
    assert lines[-2].startswith("PASS  2 of 2 mutants caught by 2 scenarios, 6 of 6 cells (6 runs) in ")
    assert lines[-1] == "cells  cells.jsonl"


def test_more_scenarios_than_a_terminal_has_columns_for_have_numbers_and_more_parts():
    names = tuple(f"scenario-{n}" for n in range(30))
    found = Matrix(mutants=("deaf",), scenarios=names, cells=tuple(cell("deaf", one, "fail", "L16") for one in names))
    lines = text(found, file="f").splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[2].split() == [str(number) for number in range(1, 23)]
    assert sum(line.startswith("deaf") for line in lines) == 2
    assert sum(line.count("L16") for line in lines if line.startswith("deaf")) == 30
    assert any(line.startswith("  1 scenario-0 · 2 scenario-1 · ") for line in lines)


def test_the_page_has_all_codes_and_keeps_what_was_not_run():
    names = ("no-watchdog", "no-jitter")
    cells = (cell("reference", "cave"), cell("no-jitter", "cave", "fail", "L8", "L9"), cell("no-jitter", "sea"))
    found = Matrix(mutants=names, scenarios=("cave", "sea"), cells=cells, variants={"sea": 2})
    kept = {("no-watchdog", "sea"): "L1 L2", ("no-jitter", "cave"): "L2", ("long-gone", "cave"): "L3"}
    page = markdown(found, kept)
    lines = page.splitlines()
    assert lines[8:10] == ["1. `cave`", "2. `sea`"]
    assert lines[11:16] == [
        "|  | 1 | 2 |",
        "| --- | --- | --- |",
        "| `reference` | · | - |",
        "| `no-watchdog` | - | L1 |",
        "| `no-jitter` | L8 | - |",
    ]
    assert "| `no-watchdog` | a half-open connection is read for ever | sea L1 L2 |" in lines
    assert "- L8 `backoff`: Backoff with jitter, reset only by evidence" in lines
    assert markdown(found, read_markdown(page)) == page
    assert read_markdown("no table") == {}
    assert read_markdown("| `such` | · | L2 |\n") == {}
    assert read_markdown("1. `a`\n| `such` |\n| `such` | · |\n| `such` | none | of it |\n") == {("such", "a"): "·"}


def test_programs_get_every_cell_and_what_is_wrong():
    whole = json.loads(as_json(matrix(PROVED[0])))
    assert (whole["exit"], whole["troubles"]) == (1, ["sea fails no mutant", "no scenario fails late"])
    assert [(one["client"], one.get("laws")) for one in whole["cells"] if one["word"] == "fail"] == [
        ("deaf", ["L9", "L1"])
    ]
