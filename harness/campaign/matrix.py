"""Wrong clients by scenarios: which law failed whom where, what that proves, and how it is shown.

Rules. (1) The reference passes every scenario: a law that fails it too catches nobody. (2) A scenario fails every
mutant that it names. (3) A scenario fails some mutant, or it is not earning its time. (4) Some scenario fails each
mutant, or its bug is not looked for. Rules 3 and 4 bind the side of the matrix that the caller named, and both sides
where he named none.
"""

import signal
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import msgspec

from harness.campaign.cells import Cell
from harness.clients.mutants import MUTANTS
from harness.exits import ENVIRONMENT, FAIL, PASS, UNKNOWN, worst
from harness.judge.verdict import Word
from harness.report.saying import elapsed, plural, wrapped
from harness.report.terminal import WIDTH

REFERENCE = "reference"
EXPECTATION = "E"
"""Stands in a cell for an expectation of the scenario that failed where no law did."""

_MARKS = {Word.PASS: "·", Word.UNKNOWN: "?", Word.VOID: "∅"}
NOT_RUN = "-"
LEGEND = (
    "A cell has the codes of the laws that failed the client (`harness help CODE`), the most fundamental first, or "
    f"{EXPECTATION}: an expectation of the scenario alone; {_MARKS[Word.PASS]} passed, {_MARKS[Word.UNKNOWN]} unknown, "
    f"{_MARKS[Word.VOID]} void, {NOT_RUN} not run"
)

Place = tuple[str, str]
"""Of a cell: the client's name, the scenario's."""

_COLUMN = 4
"""Columns of a terminal for one scenario: the longest code, and a blank."""


class Matrix(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Every cell that there is, and the two sides.

    ``named`` has, by scenario, the mutants that it says it fails, and ``variants`` how many it has (else one).
    ``planned`` counts the cells that there should be. ``signal`` is the number of the one that cut it short, or 0.
    """

    mutants: tuple[str, ...]
    scenarios: tuple[str, ...]
    named: Mapping[str, tuple[str, ...]] = {}
    variants: Mapping[str, int] = {}
    cells: tuple[Cell, ...] = ()
    planned: int = 0
    seconds: float = 0.0
    rows_judged: bool = True
    columns_judged: bool = True
    signal: int = 0

    @cached_property
    def _at(self) -> dict[Place, list[Cell]]:
        found: dict[Place, list[Cell]] = {}
        for cell in self.cells:
            found.setdefault((cell.client, cell.scenario), []).append(cell)
        return found

    def of(self, client: str, scenario: str) -> list[Cell]:
        """Return the cells of one client in one scenario, a variant each."""
        return self._at.get((client, scenario), [])

    def whole(self, client: str, scenario: str) -> bool:
        """Return that every variant of the scenario was run with the client."""
        return len(self.of(client, scenario)) >= self.variants.get(scenario, 1)

    def catches(self, scenario: str, client: str) -> bool:
        """Return that a variant of the scenario fails the client, and that none fails the reference."""
        failed = any(cell.word == Word.FAIL for cell in self.of(client, scenario))
        return failed and all(cell.word == Word.PASS for cell in self.of(REFERENCE, scenario))

    @property
    def exit(self) -> int:
        """Return the exit code: of the signal, else of the worst trouble."""
        if self.signal:
            return 128 + self.signal
        return worst(code for code, _ in troubles(self)) if self.cells else UNKNOWN


def troubles(matrix: Matrix) -> Iterator[tuple[int, str]]:
    """Yield what breaks a rule, with the exit code that it is worth. What was not run breaks none."""
    for cell in matrix.cells:
        where = " ".join(filter(None, (cell.scenario, cell.variant)))
        if cell.word == Word.VOID:
            yield ENVIRONMENT, f"{where} with {cell.client} is void: {cell.sentence}"
        elif cell.client == REFERENCE and cell.word != Word.PASS:
            code = FAIL if cell.word == Word.FAIL else UNKNOWN
            yield code, f"{where} does not pass with the reference client: {cell.sentence}"
    whole = len(matrix.cells) >= matrix.planned
    for scenario in matrix.scenarios:
        for mutant in matrix.named.get(scenario, ()):
            if matrix.whole(mutant, scenario) and not matrix.catches(scenario, mutant):
                yield FAIL, f"{scenario} names {mutant}, and does not fail it"
        if whole and matrix.columns_judged and not any(matrix.catches(scenario, one) for one in matrix.mutants):
            yield FAIL, f"{scenario} fails no mutant"
    for mutant in matrix.mutants:
        if whole and matrix.rows_judged and not any(matrix.catches(one, mutant) for one in matrix.scenarios):
            yield FAIL, f"no scenario fails {mutant}"


def codes(cells: Sequence[Cell]) -> tuple[str, ...]:
    """Return what failed in any of these cells: codes of laws, else ``E``, else the mark of the worst word."""
    if not cells:
        return (NOT_RUN,)
    laws = tuple(dict.fromkeys(code for cell in cells for code in cell.laws))
    if laws:
        return laws
    words = {cell.word for cell in cells}
    if Word.FAIL in words:
        return (EXPECTATION,)
    return (_MARKS[next(word for word in (Word.VOID, Word.UNKNOWN, Word.PASS) if word in words)],)


def text(matrix: Matrix, *, file: str) -> str:
    """Return the matrix for a terminal: of each cell the first code, then what is wrong, then the word."""
    rows = (REFERENCE, *matrix.mutants)
    width = max(map(len, rows)) + 1
    fitting = max(1, (WIDTH - width) // _COLUMN)
    lines = ["mutants by scenarios · virtual time", ""]
    for first in range(0, len(matrix.scenarios), fitting):
        part = matrix.scenarios[first : first + fitting]
        numbers = "".join(f"{number:>{_COLUMN}}" for number in range(first + 1, first + len(part) + 1))
        lines.append(" " * width + numbers)
        for row in rows:
            cells = "".join(f"{codes(matrix.of(row, scenario))[0]:>{_COLUMN}}" for scenario in part)
            lines.append(f"{row:<{width}}{cells}")
        lines.append("")
    legend = " · ".join(f"{number} {scenario}" for number, scenario in enumerate(matrix.scenarios, 1))
    lines += [*wrapped(legend, indent="  ", width=WIDTH), *wrapped(LEGEND, indent="  ", width=WIDTH), ""]
    for _, trouble in troubles(matrix):
        lines += wrapped(f"✗ {trouble}", indent="  ", hanging="    ", width=WIDTH)
    return "\n".join([*lines, *_closing(matrix, file)]) + "\n"


def _closing(matrix: Matrix, file: str) -> list[str]:
    done = f"{len(matrix.cells)} of {plural(matrix.planned, 'run')} in {elapsed(matrix.seconds)}"
    caught = [one for one in matrix.mutants if any(matrix.catches(scenario, one) for scenario in matrix.scenarios)]
    of = f"{plural(len(matrix.mutants), 'mutant')} caught by {plural(len(matrix.scenarios), 'scenario')}"
    told = f"{len(caught)} of {of}"
    if matrix.signal:
        word = f"INTERRUPTED  by {signal.Signals(matrix.signal).name}: {told} so far, {done}   exit {matrix.exit}"
        return [word, f"cells  {file} (`--resume` goes on from there)"]
    words = {PASS: "PASS", FAIL: "FAIL", ENVIRONMENT: "VOID", UNKNOWN: "UNKNOWN"}
    return [f"{words[matrix.exit]}  {told}, {done}", f"cells  {file}"]


def markdown(matrix: Matrix, kept: Mapping[Place, str]) -> str:
    """Return the matrix as a page, of each cell all codes. What was not run has the cell that is ``kept`` for it."""
    fresh = {
        (row, scenario): " ".join(codes(matrix.of(row, scenario)))
        for row in (REFERENCE, *matrix.mutants)
        for scenario in matrix.scenarios
        if matrix.whole(row, scenario)
    }
    cells = {**kept, **fresh}
    rows = [row for row in (REFERENCE, *MUTANTS) if any(place[0] == row for place in cells)]
    columns = sorted({place[1] for place in cells})
    table = [["", *columns], ["---"] * (len(columns) + 1)]
    table += [[f"`{row}`", *(cells.get((row, column), NOT_RUN) for column in columns)] for row in rows]
    return "\n".join(
        [
            "# Which scenario fails which wrong client",
            "",
            "Made by `harness mutants --markdown results/mutants.md`, in virtual time. A row is a mutant of the",
            "reference client, a column a scenario that ships, with all its variants.",
            f"{LEGEND}.",
            "",
            *(f"| {' | '.join(line)} |" for line in table),
            "",
        ]
    )


def read_markdown(page: str) -> dict[Place, str]:
    """Return the cells of such a page, by row and column; none where there is no table in it."""
    lines = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in page.splitlines() if line[:1] == "|"]
    columns = lines[0][1:] if lines else []
    return {
        (line[0].strip("`"), column): cell
        for line in lines[2:]
        for column, cell in zip(columns, line[1:], strict=False)
    }


def as_json(matrix: Matrix) -> str:
    """Return the matrix for programs: every cell, and what is wrong."""
    whole = {
        "schema_version": 1,
        "mutants": matrix.mutants,
        "scenarios": matrix.scenarios,
        "planned": matrix.planned,
        "seconds": round(matrix.seconds, 3),
        "signal": matrix.signal,
        "exit": matrix.exit,
        "troubles": [trouble for _, trouble in troubles(matrix)],
        "cells": sorted(matrix.cells, key=lambda cell: (cell.scenario, cell.client, cell.variant)),
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode()
