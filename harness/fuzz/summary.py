"""A search's summary on standard output: each failure, the number of its seeds, and the file that shows it."""

from collections.abc import Sequence

from harness.fuzz.coverage import never_done, table
from harness.fuzz.findings import FailureGroup, Findings
from harness.fuzz.tasks import Hunted
from harness.report.terminal import WIDTH
from harness.report.wording import plural, wrapped

TOLD = 12
"""Groups in full; the rest is counted."""


def report(findings: Findings, *, client: str, seconds: float, folder: str, verbose: bool, signal: int = 0) -> str:
    """Return the text, ending with a line's end. ``signal`` is the number of the one that cut the search short."""
    lines = [f"fuzz · {client} client · virtual time", ""]
    for group in findings.ranked[:TOLD]:
        lines += [*_group(group, folder), ""]
    if len(findings.groups) > TOLD:
        lines += [f"  and {plural(len(findings.groups) - TOLD, 'kind')} of failure more, in {folder}", ""]
    if verbose:
        lines += [*table(findings.cells), ""]
    if findings.tried and (never := never_done(findings.cells)):
        lines += [*wrapped(f"never done: {', '.join(never)}", indent="", hanging="  ", width=WIDTH), ""]
    rate = f"{findings.tried / seconds:.0f}/s" if seconds > 0 else "at once"
    if findings.groups:
        kinds = plural(len(findings.groups), "kind")
        told = f"FOUND  {kinds} of failure in {findings.failing} of {plural(findings.tried, 'seed')} ({rate})"
    else:
        told = f"CLEAN  {plural(findings.tried, 'seed')} in {seconds:.1f} s ({rate})"
    lines.append(_so_far(told, signal))
    return "\n".join([*lines, f"files  {folder}", ""])


def _so_far(told: str, signal: int) -> str:
    """Return the last word; of a search that was cut short, that it was, and the exit code that says so."""
    if not signal:
        return told
    word, _, rest = told.partition("  ")
    return f"INTERRUPTED  {word.lower()} so far: {rest}   exit {128 + signal}"


def _group(group: FailureGroup, folder: str) -> list[str]:
    failure = group.small.failure if group.small else group.failure
    seeds = f"{plural(group.count, 'seed')}, first {', '.join(map(str, group.seeds[:3]))}"
    lines = [f"  ✗ {failure.key}   {seeds}", *wrapped(failure.sentence, indent="    ", width=WIDTH)]
    if group.small:
        now = plural(len(group.small.genotype.faults), "fault")
        lines.append(f"    {folder}/{group.file}   {now} (of {group.small.before})")
    elif group.file:
        lines.append(f"    {folder}/{group.file}   as it was found")
    if group.real:
        lines += wrapped(group.real, indent="    ", width=WIDTH)
    return lines


HEADINGS = ("mutant", "found by", "seed", "found after", "shrunk to")


def rows(hunted: Sequence[Hunted]) -> list[tuple[str, ...]]:
    """Return the table of mutants, a row each, in the order of their names."""
    return [_row(one) for one in sorted(hunted, key=lambda one: one.mutant)]


def _row(one: Hunted) -> tuple[str, ...]:
    if one.seed is None or one.example is None:
        return f"`{one.mutant}`", "not found", "-", f"{plural(one.seeds, 'seed')}, {one.seconds:.1f} s", "-"
    return (
        f"`{one.mutant}`",
        ", ".join(one.laws),
        str(one.seed),
        f"{plural(one.seeds, 'seed')}, {one.seconds:.1f} s",
        plural(len(one.example.genotype.faults), "fault"),
    )


def markdown(hunted: Sequence[Hunted]) -> str:
    """Return the table for a README."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *rows(hunted)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def aligned(hunted: Sequence[Hunted]) -> str:
    """Return the table for a terminal."""
    cells = [HEADINGS, *(tuple(cell.strip("`") for cell in row) for row in rows(hunted))]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADINGS))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)
    return "\n".join(lines)


def table_of_mutants(hunted: Sequence[Hunted], *, folder: str, signal: int = 0) -> str:
    """Return what the hunt says at its end. ``signal`` is the number of the one that cut it short."""
    missed = sum(one.seed is None for one in hunted)
    last = (
        f"MISSED  {missed} of {plural(len(hunted), 'mutant')}" if missed else f"FOUND  {plural(len(hunted), 'mutant')}"
    )
    return "\n".join([aligned(hunted), "", _so_far(last, signal), f"files  {folder}", ""])
