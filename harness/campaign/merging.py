"""``harness merge``: the results of shards, joined into one new results folder with one report and one verdict.

1. Nothing is half written: everything is made beside the results, under a name that no command looks at, and renamed
   when the report is whole.
2. Nothing is lost, and nothing is counted away: a run that several folders hold is kept from each of them, and named;
   of their verdicts the worst stands, as it does among all runs.
3. What was planned and has no verdict in any folder is in the verdict: runs that were left out, and shards that are not
   among the folders.
4. A folder is taken as whole as it was left, or refused: one without ``summary.json`` is still being written, or its
   command was killed; and the verdict of an older harness, which promised less, is no part of one of this harness.
"""

import contextlib
import itertools
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

import harness
from harness.campaign.folders import new_invocation, point_latest
from harness.errors import BadRecords, EnvironmentFault, UsageError
from harness.files import read_bytes
from harness.history.files import PLAN
from harness.report.compose import write_report
from harness.report.folder import (
    SCENARIO,
    SUMMARY,
    Invocation,
    Manifest,
    RunResult,
    read_results,
    record_again,
    recorded_before,
    write_manifest,
)
from harness.world import real

Same = tuple[str, str, str, str, int]
"""The key that two runs share if they are the same: scenario, variant, client, world, seed."""


class ShardResults(msgspec.Struct, frozen=True):
    """One of the folders, read, and where its scenario folders went: by their name there, the name here."""

    given: str  # as the caller named it
    results: Invocation
    places: dict[str, str]

    def here(self, key: str) -> str:
        """Return a run's place in the merged folder."""
        scenario, _, run = key.partition("/")
        return f"{self.places.get(scenario, scenario)}/{run}"


def merge(folders: Sequence[tuple[str, Path]], out: Path, *, unknown: str | None, command: str) -> Path:
    """Join results folders, each with the name it was given by, into a new one below ``out``; return its report.

    ``unknown`` is what an unknown verdict means from now on; None: warn where it did in all of them, else fail.

    Raises ``UsageError`` naming every folder that cannot be taken, and ``EnvironmentFault`` where the new one cannot be
    written. Either way no results folder is there that was not before.
    """
    parts = _read(folders)
    folder = new_invocation(out, real.wall_clock())
    making = folder.with_name(f".{folder.name}.merging")
    try:
        folder.rename(making)
        _copy(parts, making)
        write_manifest(making, _manifest(parts, unknown, command))
        report = write_report(making)
        making.rename(folder)
    except OSError as error:
        raise EnvironmentFault(f"cannot write {folder}: {error.strerror}") from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
        with contextlib.suppress(OSError):
            folder.rmdir()  # where it could not even be renamed
    point_latest(folder)
    return folder / report.name


def _read(folders: Sequence[tuple[str, Path]]) -> list[ShardResults]:
    problems, seen = [], dict[Path, str]()
    parts = []
    for given, folder in folders:
        if folder in seen:
            problems.append(f"{given} is the same folder as {seen[folder]}: each is merged once")
            continue
        seen[folder] = given
        if not (folder / SUMMARY).is_file():
            problems.append(
                f"{given} is not complete: it has no {SUMMARY}, being still written, or its command was killed "
                f"(`harness judge {given}` completes it)"
            )
            continue
        try:
            part = ShardResults(given, read_results(folder), {})
        except BadRecords as error:
            problems.append(str(error))
            continue
        if any(recorded_before(run.plan) for run in part.results.runs):
            problems.append(record_again(given))
        parts.append(part)
    if problems:
        raise UsageError("\n".join(problems))
    return parts


def _copy(parts: Sequence[ShardResults], target: Path) -> None:
    """Copy every scenario's folder, with the runs in it, under its own name or the next one that is free.

    A folder is shared where the scenario is the same file and no run has the name of another: runs of one plan in two
    worlds must stay beside each other, and apart from their repetition.
    """
    for part in parts:
        source = part.results.folder
        for scenario in sorted({path.parents[1].name for path in source.glob(f"*/*/{PLAN}")}):
            number = itertools.count(1)
            names = (scenario + (f"-{n}" if n > 1 else "") for n in number)
            part.places[scenario] = next(name for name in names if _fits(source / scenario, target / name))
            _copy_files(source / scenario, target / part.places[scenario])


def _fits(source: Path, target: Path) -> bool:
    if not target.exists():
        return True
    mine, theirs = (
        read_bytes(folder / SCENARIO) if (folder / SCENARIO).is_file() else b"" for folder in (source, target)
    )
    runs = {path.name for path in source.iterdir() if path.is_dir()}
    return mine == theirs and not any((target / name).exists() for name in runs)


def _copy_files(source: Path, target: Path) -> None:
    """Copy regular files, and folders of them. Links and pipes are none of ours: nothing is read through them."""
    target.mkdir(exist_ok=True)
    for entry in sorted(os.scandir(source), key=lambda entry: entry.name):
        if entry.is_dir(follow_symlinks=False):
            _copy_files(source / entry.name, target / entry.name)
        elif stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
            shutil.copy2(source / entry.name, target / entry.name)


def _manifest(parts: Sequence[ShardResults], unknown: str | None, command: str) -> Manifest:
    manifests = [part.results.manifest for part in parts]
    shards = tuple(dict.fromkeys(shard for one in manifests for shard in one.shards))
    tolerant = all(one.unknown == "warn" for one in manifests) if unknown is None else unknown == "warn"
    return Manifest(
        started=min((one.started for one in manifests if one.started), default=""),
        seconds=_lasted(manifests),
        command=command,
        version=_all(harness.__version__, *(one.version for one in manifests)),
        commit=_all(*(one.commit for one in manifests)),
        python=_all(*(one.python for one in manifests)),
        platform=_all(*(one.platform for one in manifests)),
        toxiproxy=_all(*(one.toxiproxy for one in manifests)),
        not_run=tuple(name for one in manifests for name in one.not_run),
        order=tuple(_in_turn([[part.here(key) for key in _keys(part)] for part in parts])),
        took={part.here(key): took for part in parts for key, took in part.results.manifest.took.items()},
        faults={part.here(key): why for part in parts for key, why in part.results.manifest.faults.items()},
        fault="; ".join(one.fault for one in manifests if one.fault),
        signal=min((one.signal for one in manifests if one.signal), default=0),
        unknown="warn" if tolerant else "fail",
        merged=tuple(part.given for part in parts),
        shards=shards,
        missing=_missing(shards),
        twice=tuple(_twice(parts)),
    )


def _keys(part: ShardResults) -> list[str]:
    """Return all runs of a folder, judged or not, in its order."""
    judged = (run.key for run in part.results.runs)
    return list(dict.fromkeys([*part.results.manifest.order, *judged, *part.results.unjudged]))


def _in_turn(lists: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield one of each in turn: shards take every n-th run, so that their own order is that of the files again."""
    for row in itertools.zip_longest(*lists):
        yield from (key for key in row if key is not None)


def _lasted(manifests: Sequence[Manifest]) -> float:
    """Return for how many seconds at least one of them went on: shards run side by side, or one after another."""
    spans = []
    for one in manifests:
        with contextlib.suppress(ValueError):
            began = datetime.fromisoformat(one.started).astimezone(UTC)
            spans.append((began, began + timedelta(seconds=one.seconds)))
    total, last = timedelta(), datetime.min.replace(tzinfo=UTC)
    for began, ended in sorted(spans):
        total += max(timedelta(), ended - max(began, last))
        last = max(last, ended)
    return round(total.total_seconds(), 3)


def _all(*values: str) -> str:
    return ", ".join(dict.fromkeys(value for value in values if value))


def _missing(shards: Sequence[str]) -> tuple[str, ...]:
    """Return the shards that are not there, of every number of shards of which one is."""
    there: dict[int, set[int]] = {}
    for shard in shards:
        index, _, count = shard.partition("/")
        if index.isdecimal() and count.isdecimal():
            there.setdefault(int(count), set()).add(int(index))
    return tuple(
        f"shard {index}/{count}"
        for count, found in sorted(there.items())
        for index in range(1, count + 1)
        if index not in found
    )


def _twice(parts: Sequence[ShardResults]) -> Iterator[str]:
    """Yield each run that several folders hold, with their names."""
    held: dict[Same, list[str]] = {}
    for part in parts:
        for same in dict.fromkeys(map(_same, part.results.runs)):
            held.setdefault(same, []).append(part.given)
    for (name, variant, client, world, seed), where in held.items():
        if len(where) > 1:
            yield f"{' '.join(filter(None, (name, variant)))}, {client}, {world}, seed {seed} ({', '.join(where)})"
    for part in parts:
        yield from part.results.manifest.twice


def _same(run: RunResult) -> Same:
    return run.plan.name, run.plan.variant, run.verdict.client or run.plan.client.like, run.plan.world, run.plan.seed
