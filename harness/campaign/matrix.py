"""Wrong clients by scenarios: which law failed whom where, what that proves, and how it is shown.

Rules. (1) The reference passes every scenario: a law that fails it too catches no mutant. (2) A scenario fails every
mutant that it names. (3) A scenario fails some mutant, or it is not earning its time. (4) Some scenario fails each
mutant, or its bug is not looked for. Rules 3 and 4 bind the side of the matrix that the caller named, and both sides
where he named none.
"""

import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import msgspec

from harness.campaign.cells import REFERENCE, Cell
from harness.clients.mutants import MUTANTS
from harness.exits import ENVIRONMENT, FAIL, PASS, UNKNOWN, worst
from harness.judge.laws import LAWS
from harness.judge.verdict import Word
from harness.report.terminal import WIDTH
from harness.report.wording import elapsed, plural, wrapped

EXPECTATION = "E"
"""Stands in a cell for an expectation of the scenario that failed where no law did."""

_MARKS = {Word.PASS: "·", Word.UNKNOWN: "?", Word.VOID: "∅"}
NOT_RUN = "-"
LEGEND = (
    "A cell has the code of the most fundamental law that failed the client (`harness help CODE`), or "
    f"{EXPECTATION} where only an expectation of the scenario failed; {_MARKS[Word.PASS]} passed in all variants, "
    f"{_MARKS[Word.UNKNOWN]} unknown, {_MARKS[Word.VOID]} void, {NOT_RUN} not run"
)

Place = tuple[str, str]
"""Of a cell: the client's name, the scenario's."""

BETWEEN = " · "
"""Stands between the scenarios that fail a mutant, in the page."""

_FAILED = re.compile(rf"L[0-9]+( L[0-9]+)*|{EXPECTATION}")


class Matrix(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Every cell that there is, and the two sides.

    ``named`` has, by scenario, the mutants that it says it fails, and ``variants`` how many it has (else one).
    ``cells`` are of single variants. ``signal`` is the number of the one that cut it short, or 0.
    """

    mutants: tuple[str, ...]
    scenarios: tuple[str, ...]
    named: Mapping[str, tuple[str, ...]] = {}
    variants: Mapping[str, int] = {}
    cells: tuple[Cell, ...] = ()
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

    @property
    def rows(self) -> tuple[str, ...]:
        """Return the clients, the reference first."""
        return (REFERENCE, *self.mutants)

    @property
    def places(self) -> list[Place]:
        """Return each client in each scenario."""
        return [(row, scenario) for row in self.rows for scenario in self.scenarios]

    @cached_property
    def done(self) -> int:
        """The number of places that are ``whole``."""
        return sum(self.whole(*place) for place in self.places)

    def whole(self, client: str, scenario: str) -> bool:
        """Return that every variant of the scenario was run with the client, or one that fails a mutant."""
        cells = self.of(client, scenario)
        enough = client != REFERENCE and any(cell.word == Word.FAIL for cell in cells)
        return enough or len(cells) >= self.variants.get(scenario, 1)

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
    whole = matrix.done == len(matrix.places)
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
    names = max(map(len, matrix.rows))
    named = names + sum(len(scenario) + 1 for scenario in matrix.scenarios) <= WIDTH
    heads = matrix.scenarios if named else tuple(str(number) for number, _ in enumerate(matrix.scenarios, 1))
    columns = [
        [head, *(codes(matrix.of(row, scenario))[0] for row in matrix.rows), head]
        for head, scenario in zip(heads, matrix.scenarios, strict=True)
    ]
    lines = ["mutants by scenarios · virtual time", ""]
    for part in _fitting(columns, WIDTH - names):
        padded = [[f"{cell:>{_wide(column)}}" for cell in column] for column in part]
        lines += [
            f"{row:<{names}}{''.join(cells)}" for row, *cells in zip(("", *matrix.rows, ""), *padded, strict=True)
        ]
        lines.append("")
    if not named:
        legend = " · ".join(f"{number} {scenario}" for number, scenario in enumerate(matrix.scenarios, 1))
        lines += wrapped(legend, indent="  ", width=WIDTH)
    lines += [*wrapped(LEGEND, indent="  ", width=WIDTH), ""]
    for _, trouble in troubles(matrix):
        lines += wrapped(f"✗ {trouble}", indent="  ", hanging="    ", width=WIDTH)
    return "\n".join([*lines, *_closing(matrix, file)]) + "\n"


def _wide(column: Sequence[str]) -> int:
    """Return how wide a column is on a terminal, with the blank before it."""
    return max(map(len, column)) + 1


def _fitting(columns: Sequence[Sequence[str]], width: int) -> Iterator[list[Sequence[str]]]:
    """Yield the columns in parts, each as many as fit, at least one."""
    part: list[Sequence[str]] = []
    for column in columns:
        if part and sum(map(_wide, [*part, column])) > width:
            yield part
            part = []
        part.append(column)
    if part:
        yield part


def _closing(matrix: Matrix, file: str) -> list[str]:
    cells = f"{matrix.done:,} of {len(matrix.places):,} cells"
    done = f"{cells} ({plural(len(matrix.cells), 'run')}) in {elapsed(matrix.seconds)}"
    caught = [one for one in matrix.mutants if any(matrix.catches(scenario, one) for scenario in matrix.scenarios)]
    of = f"{plural(len(matrix.mutants), 'mutant')} caught by {plural(len(matrix.scenarios), 'scenario')}"
    told = f"{len(caught)} of {of}"
    if matrix.signal:
        word = f"INTERRUPTED  by {signal.Signals(matrix.signal).name}: {told} so far, {done}   exit {matrix.exit}"
        return [word, f"cells  {file} (`--resume` goes on from there)"]
    words = {PASS: "PASS", FAIL: "FAIL", ENVIRONMENT: "VOID", UNKNOWN: "UNKNOWN"}
    return [f"{words[matrix.exit]}  {told}, {done}", f"cells  {file}"]


def markdown(matrix: Matrix, kept: Mapping[Place, str]) -> str:
    """Return the matrix as a page: of each cell the first code, and of each client all of them.

    What was not run has the cell that is ``kept`` for it.
    """
    fresh = {place: " ".join(codes(matrix.of(*place))) for place in matrix.places if matrix.whole(*place)}
    cells = {place: cell for place, cell in {**kept, **fresh}.items() if place[0] in {REFERENCE, *MUTANTS}}
    rows = sorted({place[0] for place in cells}, key=(REFERENCE, *MUTANTS).index)
    columns = sorted({place[1] for place in cells})
    numbers = [str(number) for number, _ in enumerate(columns, 1)]
    first = [[f"`{row}`", *(cells.get((row, column), NOT_RUN).split()[0] for column in columns)] for row in rows]
    every = [[f"`{row}`", _wrong(row), _failed(row, columns, cells)] for row in rows if row != REFERENCE]
    found = {code for cell in cells.values() for code in cell.split()}
    return "\n".join(
        [
            "# Which scenario fails which wrong client",
            "",
            "Made by `harness mutants --markdown results/mutants.md`, in virtual time. A row is a client: the",
            "reference, or a mutant of it that is wrong in one way. A column is a scenario, with all its variants.",
            "",
            f"{LEGEND}.",
            "A mutant is not run in the variants behind the first that fails it.",
            "",
            *(f"{number}. `{column}`" for number, column in zip(numbers, columns, strict=True)),
            "",
            *_table(["", *numbers], first),
            "",
            "## What is wrong with each, and every law that fails it",
            "",
            *_table(["mutant", "what is wrong", "failed in"], every),
            "",
            "## The laws",
            "",
            *(f"- {law.code} `{law.word}`: {law.title}" for law in LAWS if law.code in found),
            "",
        ]
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *rows)]


def _wrong(mutant: str) -> str:
    """Return a mutant's bug, without the threads in which it was met."""
    return re.split(r": (?=[\w.-]+/)", MUTANTS[mutant].stands_for)[0].replace("|", "\\|")


def _failed(row: str, columns: Sequence[str], cells: Mapping[Place, str]) -> str:
    """Return the scenarios that fail a mutant, each with all codes."""
    found = ((column, cells.get((row, column), NOT_RUN)) for column in columns)
    return BETWEEN.join(f"{column} {cell}" for column, cell in found if _FAILED.fullmatch(cell))


def read_markdown(page: str) -> dict[Place, str]:
    """Return the cells of such a page, by row and column; none where it is another page."""
    columns = re.findall(r"^[0-9]+\. `(.*)`$", page, re.MULTILINE)
    lines = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in page.splitlines() if line[:3] == "| `"]
    found: dict[Place, str] = {}
    for name, *cells in lines:
        row = name.strip("`")
        if columns and len(cells) == len(columns) and (row, columns[0]) not in found:
            found.update({(row, column): cell for column, cell in zip(columns, cells, strict=True)})
        elif cells and columns and (row, columns[0]) in found:
            failed = (cell.partition(" ") for cell in cells[-1].split(BETWEEN))
            found.update({(row, column): every for column, _, every in failed if (row, column) in found})
    return found


def as_json(matrix: Matrix) -> str:
    """Return the matrix for programs: what came of each variant with each client, and what is wrong.

    ``planned`` counts each client in each scenario, ``done`` those of them that are over.
    """
    whole = {
        "schema_version": 1,
        "mutants": matrix.mutants,
        "scenarios": matrix.scenarios,
        "planned": len(matrix.places),
        "done": matrix.done,
        "seconds": round(matrix.seconds, 3),
        "signal": matrix.signal,
        "exit": matrix.exit,
        "troubles": [trouble for _, trouble in troubles(matrix)],
        "cells": sorted(matrix.cells, key=lambda cell: (cell.scenario, cell.client, cell.variant)),
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode()
