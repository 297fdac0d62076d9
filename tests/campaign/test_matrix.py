"""What a matrix of wrong clients and scenarios proves, and how it is shown. Cells are made up."""

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


def matrix(*cells, named=None, planned=None, **options):
    """Two mutants by two scenarios; what no cell is given for passes."""
    given = {(one.client, one.scenario) for one in cells}
    rest = [cell(c, s) for c in ("reference", "deaf", "late") for s in ("cave", "sea") if (c, s) not in given]
    every = (*cells, *rest) if planned is None else cells
    return Matrix(
        mutants=("deaf", "late"),
        scenarios=("cave", "sea"),
        named=named or {},
        cells=every,
        planned=len(every) if planned is None else planned,
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
    found = matrix(PROVED[0], named={"sea": ("late",)}, planned=6, signal=2)
    assert (told(found), found.exit) == ([], 130)
    assert "INTERRUPTED  by SIGINT: 1 of 2 mutants caught by 2 scenarios so far, 1 of 6 runs" in text(found, file="f")
    assert codes(found.of("late", "sea")) == ("-",)


def test_a_scenario_of_which_a_variant_was_not_run_breaks_no_rule():
    found = matrix(PROVED[0], cell("late", "sea"), named={"sea": ("late",)}, variants={"sea": 2}, planned=9)
    assert told(found) == []


def test_nothing_at_all_is_unknown():
    assert matrix(planned=6).exit == 4


def test_a_cell_has_what_failed_in_any_variant():
    two = [cell("deaf", "cave", "fail", "L9", variant="a"), cell("deaf", "cave", "fail", "L2", "L9", variant="b")]
    assert codes(two) == ("L9", "L2")
    assert codes([cell("deaf", "cave", "fail", expectations=("terminal",)), cell("deaf", "cave")]) == ("E",)
    assert codes([cell("deaf", "cave"), cell("deaf", "cave", "unknown")]) == ("?",)
    assert codes([cell("deaf", "cave", "void"), cell("deaf", "cave", "unknown")]) == ("∅",)
    assert codes([cell("deaf", "cave")]) == ("·",)


def test_the_terminal_shows_a_row_for_each_client_and_a_number_for_each_scenario():
    lines = text(matrix(*PROVED), file="cells.jsonl").splitlines()
    assert lines[2:6] == [
        "             1   2",
        "reference    ·   ·",
        "deaf        L9   ·",
        "late         ·   E",
    ]
    assert lines[7] == "  1 cave · 2 sea"
    assert lines[-2].startswith("PASS  2 of 2 mutants caught by 2 scenarios, 6 of 6 runs in ")
    assert lines[-1] == "cells  cells.jsonl"


def test_more_scenarios_than_a_terminal_has_columns_for_go_into_a_second_part():
    names = tuple(f"scenario-{n}" for n in range(30))
    found = Matrix(mutants=("deaf",), scenarios=names, cells=tuple(cell("deaf", one) for one in names), planned=60)
    lines = text(found, file="f").splitlines()
    assert max(map(len, lines)) <= 100
    assert sum(line.startswith("deaf") for line in lines) == 2
    assert sum(line.count("·") for line in lines if line.startswith("deaf")) == 30


def test_the_page_has_all_codes_and_keeps_what_was_not_run():
    names = ("no-watchdog", "no-jitter")
    cells = (cell("reference", "cave"), cell("no-jitter", "cave", "fail", "L8", "L9"), cell("no-jitter", "sea"))
    found = Matrix(mutants=names, scenarios=("cave", "sea"), cells=cells, planned=6, variants={"sea": 2})
    page = markdown(found, {("no-watchdog", "sea"): "L1", ("no-jitter", "cave"): "L2", ("long-gone", "cave"): "L3"})
    assert page.splitlines()[-5:] == [
        "|  | cave | sea |",
        "| --- | --- | --- |",
        "| `reference` | · | - |",
        "| `no-watchdog` | - | L1 |",
        "| `no-jitter` | L8 L9 | - |",
    ]
    assert markdown(found, read_markdown(page)) == page
    assert read_markdown("no table") == {}


def test_programs_get_every_cell_and_what_is_wrong():
    whole = json.loads(as_json(matrix(PROVED[0])))
    assert (whole["exit"], whole["troubles"]) == (1, ["sea fails no mutant", "no scenario fails late"])
    assert [(one["client"], one.get("laws")) for one in whole["cells"] if one["word"] == "fail"] == [
        ("deaf", ["L9", "L1"])
    ]
