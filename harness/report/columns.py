"""The lines of a scenario's runs beside one another: a label and figures in columns, of which none is ever cut."""

from harness.report import tally
from harness.report.folder import RunResult
from harness.report.wording import LOST, joined_by, measured, one_line, plural

LONGEST_LABEL = 44
"""A variant whose name is longer has its figures on lines of their own."""

INDENT = 4
"""Columns before the label: the verdict's sign with blanks around it."""

FULL, SHORTER, SHORTEST = range(3)
"""The amount of words around the figures."""

Row = tuple[str, list[str]]
"""The label, padded, and the lines of figures; the first is empty where the label has a line of its own."""


def rows(runs: list[RunResult], width: int) -> list[Row]:
    """Return each run's row for a text of this width: in columns, in few enough words, else on two lines."""
    many_clients = len({run.verdict.client for run in runs}) > 1
    both = len({run.plan.world for run in runs}) > 1
    marks = tally.marks(runs)
    labels = [_label(run, marks[run.key], many_clients, both) for run in runs]
    widest = max(map(len, labels))
    if widest > LONGEST_LABEL:
        return [
            (label, _lines(_cells(run, FULL), width - INDENT - 2, alone=True))
            for label, run in zip(labels, runs, strict=True)
        ]
    room = width - INDENT - (widest + 2 if widest else 0)
    return [(label.ljust(widest), lines) for label, lines in zip(labels, _table_of(runs, room), strict=True)]


def _table_of(runs: list[RunResult], room: int) -> list[list[str]]:
    """Return each run's figures: the same words and the same columns for all, and never a figure cut."""
    for words in (FULL, SHORTER, SHORTEST):
        table = [_cells(run, words) for run in runs]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        padded = [[cell.ljust(width) for cell, width in zip(cells, widths, strict=True) if width] for cells in table]
        for gap in ("   ", "  "):
            rows = [gap.join(cells).rstrip() for cells in padded]
            if max(map(len, rows)) <= room:
                return [[row] for row in rows]
    return [_lines(_cells(run, FULL), room) for run in runs]


def _lines(cells: list[str], room: int, *, alone: bool = False) -> list[str]:
    """Return figures on as many lines as they need; ``alone`` leaves the first line to the label."""
    lines = [""] if alone else []
    for cell in filter(None, cells):
        if len(lines) > alone and len(lines[-1]) + len(cell) + 2 <= room:
            lines[-1] += f"  {cell}"
        else:
            lines.append(cell)
    return lines


def _label(run: RunResult, mark: str, many_clients: bool, both: bool) -> str:
    client, world = run.verdict.client if many_clients else "", run.plan.world if both else ""
    return one_line(" ".join(part for part in (client, mark, world) if part), 84)


def _cells(run: RunResult, words: int) -> list[str]:
    """Return what one run is worth knowing in a line; an empty cell where there is nothing to say."""
    counts, measures = run.verdict.counts, run.verdict.measures
    recovery = measures.get("recovery")
    where, latency = tally.steady_latency(run)
    recovered = ""
    if recovery is not None and recovery.value is not None:
        lost = recovery.value == LOST
        recovered = "never recovered" if lost else f"recovered {measured(recovery, like=1.0)}"
    prompt = ""
    if latency is not None and latency.n and latency.value is not None:
        prompt = f"p99 {measured(latency)}"
        prompt += {FULL: f" on {where}", SHORTER: f" {where}", SHORTEST: ""}[words] if where else ""
        prompt += f" ({latency.n})" if words != SHORTEST else ""
    repeated = f"{counts.duplicated} repeated" if counts.duplicated or words != SHORTEST else ""
    events = joined_by(", ", plural(counts.delivered, "event"), f"{counts.lost} lost", repeated)
    return [recovered, plural(counts.attempts, "attempt"), events, prompt]
