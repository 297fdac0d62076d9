"""The fuzzer's measure, kept in a README between two markers: which seed finds which mutant, by which law.

The table is evidence only as long as its seeds replay, so it is read back too.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from harness.errors import UsageError
from harness.fuzz.summary import markdown
from harness.fuzz.tasks import Hunted
from harness.report.folder import read_text, write_text

BEGIN, END = "<!-- fuzz: begin -->", "<!-- fuzz: end -->"

_ROW = re.compile(r"\| `(?P<mutant>[a-z0-9-]+)` \| (?P<laws>[a-z0-9, -]+) \| (?P<seed>[0-9]+) \|")


class Found(NamedTuple):
    """A row of the table: replaying ``seed`` must break these laws for the mutant, and none for the reference."""

    mutant: str
    laws: tuple[str, ...]
    seed: int


def record(path: Path, hunted: Sequence[Hunted]) -> None:
    """Write the table between the markers of a file; rows of mutants that were not hunted stay.

    Raises ``UsageError`` where the file has no markers.
    """
    text = read_text(path)
    before, begin, rest = text.partition(f"{BEGIN}\n")
    between, end, after = rest.partition(END)
    if not end:
        raise UsageError(f'{path} has no "{BEGIN}" and "{END}" to write the table between')
    head, rule, *lines = markdown(hunted).splitlines()
    rows = {_first_cell(line): line for line in [*between.splitlines(), *lines] if line.startswith("| `")}
    table = "\n".join([head, rule, *(rows[name] for name in sorted(rows))])
    write_text(path, f"{before}{begin}{table}\n{end}{after}")


def _first_cell(row: str) -> str:
    return row.split("|")[1].strip()


def recorded(path: Path) -> list[Found]:
    """Return the rows of the table in a file that say which seed found a mutant."""
    between, _, _ = read_text(path).partition(f"{BEGIN}\n")[2].partition(END)
    return [Found(row["mutant"], tuple(row["laws"].split(", ")), int(row["seed"])) for row in _ROW.finditer(between)]
