"""A results folder: what one invocation left on disk, read back, and how to write into it.

Everything a report shows comes from these files. A file is written under a temporary name and then renamed, so that
a reader sees the old one or the whole new one. ``summary.json`` comes last: its presence means complete.
"""

import os
import re
import tempfile
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from harness.compare.agreement import Agreement
from harness.compare.replay import Replay
from harness.errors import NOT_JSON, BadRecords, EnvironmentFault, UsageError
from harness.escaping import visible
from harness.files import read_bytes, real_path
from harness.history import Canary, DeedDone, History, read_history, records
from harness.history.files import HISTORY, LOG, PLAN
from harness.history.reader import check_schema
from harness.judge.verdict import Verdict, Word
from harness.report.redact import redact, redact_data
from harness.scenario import model
from harness.scenario.bounds import unsound
from harness.scenario.model import Plan

SCHEMA_VERSION = 1

VERDICT = "verdict.json"
ENDING = "ending.json"
AGREEMENT = "agreement.json"
REPLAY = "replay.json"
LATE = "late"
"""The folder, inside a run's, of the first try at it, which was void for a deed that came late."""

SCENARIO = "scenario.yaml"
MANIFEST = "manifest.json"
SUMMARY = "summary.json"
MARKDOWN = "report.md"

INTERRUPTED = "interrupted"
"""A word beside the verdicts': a signal came, and what there is cannot be judged."""

_FARTHEST_NS = 30 * 86_400 * 1_000_000_000
"""Between a run's 0 s and any of its records: plans last a day, and none outlasts its horizon."""

T = TypeVar("T", bound=msgspec.Struct)
_UNSAFE = re.compile(r'[\x00-\x20<>:"/\\|?*\x7f]+')


class Manifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """The options of an invocation, and the place where it ran. Written by the invocation, before the report is drawn.

    ``started`` is ISO 8601 in UTC, ``seconds`` the whole invocation's length. Write it with ``write_manifest``.
    ``not_run`` names what ``-x`` or an interruption left out; ``order`` lists the folders of all runs that were begun,
    as planned, so that a sweep reads as the file has it, and that none is missed where its folder is gone. By folder,
    too: ``took``, the seconds of the wall clock that a run took, and ``faults``, why one has no verdict; ``fault`` is
    what kept the whole report from being written.

    ``signal`` is the number of the one that cut the invocation short, or 0; ``unknown`` what an unknown verdict means
    (fail, warn); ``shards`` the part of everything that this is (2/4). Of merged results ``merged`` names the folders
    they came from, ``missing`` the shards that are not among them, ``twice`` the runs that several of them hold.
    """

    schema_version: int = SCHEMA_VERSION
    started: str = ""
    seconds: float = 0.0
    command: str = ""
    version: str = ""
    commit: str = ""
    python: str = ""
    platform: str = ""
    toxiproxy: str = ""
    not_run: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    took: dict[str, float] = {}
    faults: dict[str, str] = {}
    fault: str = ""
    signal: int = 0
    unknown: Literal["fail", "warn"] = "fail"
    shards: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()


class RunResult:
    """One run on disk: its plan, its verdict, and its history, which is read when first asked for.

    A run in virtual time may have been held against real ones (``agreement``), and repeated (``replay``).
    """

    def __init__(
        self,
        *,
        plan: Plan,
        verdict: Verdict,
        folder: Path,
        agreement: Agreement | None = None,
        replay: Replay | None = None,
    ) -> None:
        self.plan = plan
        self.verdict = verdict
        self.folder = folder
        self.agreement = agreement
        self.replay = replay
        self._history: History | None = None

    @property
    def history(self) -> History:
        """The records. Empty when the file is missing; raises ``BadRecords`` when it is not a history."""
        if self._history is None:
            self._history = read_records(self.folder, self.plan)
        return self._history

    def forget(self) -> None:
        """Let the history go: a report over many runs holds one at a time."""
        self._history = None

    @property
    def key(self) -> str:
        """The run's place inside the results folder, ``half-open/as-shipped-real-s7``; also its anchor in the page."""
        return key_of(self.folder)

    @property
    def word(self) -> str:
        """The verdict's word; ``interrupted`` where that is why nothing can be said."""
        return said(self.verdict)

    @property
    def title(self) -> str:
        """The scenario's short name, with the variant where there is one."""
        return " ".join(part for part in (self.plan.name, self.plan.variant) if part)


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one ``harness run`` left. ``unjudged`` are runs that were started and have no verdict, by folder."""

    folder: Path
    runs: list[RunResult]
    manifest: Manifest = Manifest()
    unjudged: tuple[str, ...] = ()

    @property
    def left_out(self) -> tuple[str, ...]:
        """Everything that was planned and has no verdict, each named, with the reason where there is one."""
        faults = self.manifest.faults
        without = (f"{key} ({faults[key]})" if key in faults else key for key in self.unjudged)
        return (*self.manifest.not_run, *without, *self.manifest.missing)


def safe_name(text: str) -> str:
    """Return the text as a file name that every system takes, and that never leads out of its folder."""
    return _UNSAFE.sub("_", text)[:120].lstrip(".") or "_"


def said(verdict: Verdict) -> str:
    """Return a verdict's word; ``interrupted`` where that is why nothing can be said."""
    cut = verdict.word is Word.UNKNOWN and verdict.trust.ended == INTERRUPTED
    return INTERRUPTED if cut else str(verdict.word)


def key_of(folder: Path) -> str:
    """Return a run's place inside the results folder: ``half-open/as-shipped-real-s7``."""
    return f"{folder.parent.name}/{folder.name}"


def run_folder_name(plan: Plan, client: str = "") -> str:
    """Return ``CLIENT-WORLD-sSEED[-VARIANT]``, safe as a file name everywhere."""
    parts = [client or plan.client.like, plan.world, f"s{plan.seed}", plan.variant]
    return safe_name("-".join(part for part in parts if part))


def read_run(folder: Path) -> RunResult:
    """Read one run's folder. Raises ``BadRecords`` saying which file is missing or wrong."""
    return RunResult(
        plan=read_plan(folder),
        verdict=read_json(folder / VERDICT, Verdict),
        folder=folder,
        agreement=read_json(folder / AGREEMENT, Agreement) if (folder / AGREEMENT).exists() else None,
        replay=read_json(folder / REPLAY, Replay) if (folder / REPLAY).exists() else None,
    )


def read_results(folder: Path, manifest: Manifest | None = None) -> Invocation:
    """Read a results folder. Raises ``BadRecords`` where it holds no runs, and none were planned, or a file is wrong.

    A run of the manifest whose folder is gone is as unjudged as one that left no verdict. The manifest is the folder's,
    unless one is given: where it could not be written.
    """
    folder = real_path(folder)
    if manifest is None and not folder.is_dir():
        raise BadRecords(f"{folder} is no folder of results (expected one like results/latest)")
    if manifest is None:
        manifest = read_json(folder / MANIFEST, Manifest) if (folder / MANIFEST).exists() else Manifest()
    there = sorted(f"{path.parent.parent.name}/{path.parent.name}" for path in folder.glob(f"*/*/{PLAN}"))
    runs = list(dict.fromkeys([*manifest.order, *there]))
    if not (runs or manifest.not_run):
        raise BadRecords(f"{folder} holds no runs (expected NAME/CLIENT-WORLD-sSEED/{PLAN} inside it)")
    judged = {key for key in there if (folder / key / VERDICT).exists()}
    return Invocation(
        folder=folder,
        runs=[read_run(folder / key) for key in runs if key in judged],
        manifest=manifest,
        unjudged=tuple(key for key in runs if key not in judged),
    )


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises ``EnvironmentFault``; the old file, if any, is then still there."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)  # mkstemp makes it private; a report is read by others
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise EnvironmentFault(f"cannot write {path}: {error.strerror}") from error


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all, in UTF-8; what UTF-8 cannot carry becomes ``?``."""
    write_bytes(path, text.encode("utf-8", "replace"))


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises ``UsageError`` for what is not UTF-8, ``EnvironmentFault`` for what cannot be read.
    """
    try:
        return read_bytes(path).decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: expected UTF-8 text, got byte {error.start + 1}") from error
    except OSError as error:
        raise EnvironmentFault(f"cannot read {path}: {error.strerror}") from error


def write_json(path: Path, value: object) -> None:
    """Write a JSON file whole or not at all, indented, for people to read too."""
    write_bytes(path, msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest.json`` without secrets."""
    write_json(folder / MANIFEST, redact_data(msgspec.to_builtins(manifest), lambda text: visible(redact(text))))


def raw_files(run: RunResult) -> list[str]:
    """Return the names of the run's files that exist, to link to."""
    names = (PLAN, VERDICT, HISTORY, ENDING, AGREEMENT, REPLAY, LOG)
    return [name for name in names if (run.folder / name).exists()]


def read_json(path: Path, kind: type[T]) -> T:
    """Read a file of a results folder. Raises ``BadRecords`` where it is none, or of a schema newer than its kind's."""
    newest = next((field.default for field in msgspec.structs.fields(kind) if field.name == "schema_version"), 1)
    try:
        data = read_bytes(path)
        check_schema(path, msgspec.json.decode(data, type=_Versioned).schema_version, newest)
        return msgspec.json.decode(data, type=kind)
    except OSError as error:
        raise BadRecords(f"cannot read {path}: {error.strerror}") from error
    except NOT_JSON as error:
        raise BadRecords(f"{path} is not a {kind.__name__.lower()} of this harness: {error}") from error


def read_plan(folder: Path) -> Plan:
    """Read the plan of a run's folder. Raises ``BadRecords``, also where no scenario compiles to it."""
    plan = read_json(folder / PLAN, Plan)
    if why := unsound(plan):
        raise BadRecords(f"{folder / PLAN} is no plan of this harness: {why}")
    return plan


def read_records(folder: Path, plan: Plan) -> History:
    """Read the history of a run's folder; a missing file is an empty history: its writer never got to begin it.

    Raises ``BadRecords``, also where its stamps or deeds cannot be those of a run of this plan.
    """
    path = folder / HISTORY
    if not os.path.lexists(path):
        return History([], truncated=True)
    history = read_history(path)
    for one in history.records:
        if abs(one.t_ns - history.zero_ns) > _FARTHEST_NS:
            raise BadRecords(f"{path}: record {one.seq} is {one.t_ns - history.zero_ns} ns off the run's 0 s")
    deeds = len(plan.deeds)
    said: list[DeedDone | Canary] = [*history.all(DeedDone), *history.all(Canary)]
    for record in said:
        if not 0 <= record.deed < deeds:
            raise BadRecords(f"{path}: record {record.seq} is of deed #{record.deed}, and its plan has {deeds}")
    return history


def recorded_before(plan: Plan) -> bool:
    """Return whether an older harness recorded the run of this plan: fewer records than the laws need."""
    return plan.schema_version < model.SCHEMA_VERSION


def read_plan_to_judge(folder: Path) -> Plan:
    """Read the plan of a run that is to be judged. Raises ``BadRecords``, also where an older harness recorded it."""
    plan = read_plan(folder)
    if recorded_before(plan):
        raise BadRecords(record_again(folder))
    return plan


def read_to_judge(folder: Path) -> tuple[Plan, History]:
    """Read the plan and the history of a run, to judge it or to compare it with another.

    Raises ``BadRecords`` where they cannot be read, or an older harness recorded them.
    """
    plan = read_plan_to_judge(folder)
    history = read_records(folder, plan)
    if history.run is not None and history.run.schema_version < records.SCHEMA_VERSION:
        raise BadRecords(record_again(folder))
    return plan, history


def record_again(what: object) -> str:
    """Return what is said of results whose records are too few to judge."""
    return f"{what} was recorded by harness 0.1: record it again"


class _Versioned(msgspec.Struct):
    schema_version: int = 1
