"""The files that a search leaves on disk: a scenario for each kind of failure, the table of coverage, a summary."""

import re
from pathlib import Path

import msgspec

from harness.fuzz.coverage import never_done, table
from harness.fuzz.findings import FailureGroup, Findings
from harness.fuzz.genotype import Genotype, rendered
from harness.report.folder import write_json, write_text
from harness.scenario import Project, explain

SCHEMA_VERSION = 1
SUMMARY = "summary.json"
COVERAGE = "coverage.txt"
LONGEST_NAME = 60

_UNSAFE = re.compile(r"[^a-z0-9]+")


class FailureKind(msgspec.Struct, frozen=True, kw_only=True):
    """One group, as the summary has it."""

    law: str
    cause: str
    sentence: str
    seeds: int
    first: tuple[int, ...]
    file: str
    faults: int
    faults_before: int
    real: str


class FuzzSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A whole search. Written last: its presence means complete."""

    schema_version: int = SCHEMA_VERSION
    client: str
    first_seed: int
    tried: int
    failing: int
    seconds: float
    kinds: tuple[FailureKind, ...]
    cells: dict[str, dict[str, int]]
    never_done: tuple[str, ...]
    aborted: bool = False


def save_example(folder: Path, group: FailureGroup, genotype: Genotype, client: str, project: Project | None) -> Path:
    """Write the group's example as a scenario file, with its compiled timeline below it. Returns the file."""
    failure = group.small.failure if group.small else group.failure
    words = _UNSAFE.sub("-", f"{failure.law} {failure.cause}".lower()).strip("-")[:LONGEST_NAME]
    path = folder / f"{words}-s{genotype.seed}.yaml"
    told = genotype.having(
        title=f"{genotype.title}: {failure.law}",
        about=f"{failure.law} fails in virtual time, found by seed {genotype.seed}: {failure.sentence}.",
    )
    replay = f"harness run {path.name} --client {client}"
    plan = genotype.plan(client=client, project=project)
    comments = (f"Replay: {replay} --world virtual", f"        {replay}", "", *explain(plan).splitlines())
    write_text(path, rendered(told, comments))
    return path


def save_summary(folder: Path, findings: Findings, *, client: str, first: int, seconds: float, aborted: bool) -> None:
    """Write the coverage table and the summary."""
    write_text(folder / COVERAGE, "\n".join(table(findings.cells)) + "\n")
    cells: dict[str, dict[str, int]] = {}
    for (deed, state), count in sorted(findings.cells.items()):
        cells.setdefault(deed, {})[state] = count
    summary = FuzzSummary(
        client=client,
        first_seed=first,
        tried=findings.tried,
        failing=findings.failing,
        seconds=round(seconds, 1),
        kinds=tuple(map(_kind, findings.ranked)),
        cells=cells,
        never_done=never_done(findings.cells),
        aborted=aborted,
    )
    write_json(folder / SUMMARY, summary)


def _kind(group: FailureGroup) -> FailureKind:
    failure = group.small.failure if group.small else group.failure
    return FailureKind(
        law=failure.law,
        cause=failure.cause,
        sentence=failure.sentence,
        seeds=group.count,
        first=tuple(group.seeds),
        file=group.file,
        faults=len(group.small.genotype.faults) if group.small else group.faults,
        faults_before=group.faults,
        real=group.real,
    )
