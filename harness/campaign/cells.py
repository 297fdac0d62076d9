"""Runs of one client in one variant of a scenario, each a cell of a matrix, kept in a file that grows as they end.

A cell is taken for what it says only as long as nothing that made it has changed: its key digests the sources of the
harness and the plan, which has the scenario, the client and the seed in it.
"""

import functools
import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from harness.errors import EnvironmentFault
from harness.files import read_bytes
from harness.judge.judge import order
from harness.judge.verdict import LawState, Verdict, Word
from harness.report.folder import said, write_bytes
from harness.scenario.model import Plan

SOURCES = Path(__file__).parents[1]

REFERENCE = "reference"
"""The client that mutants are held against."""


class Cell(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The result of one run. ``laws`` are the codes of those that failed, the most fundamental first.

    ``expectations`` are the metrics whose bounds were not met, ``sentence`` is the verdict's, or the fault's.
    """

    key: str = ""
    scenario: str
    client: str
    variant: str = ""
    seed: int = 0
    word: str
    laws: tuple[str, ...] = ()
    expectations: tuple[str, ...] = ()
    sentence: str = ""


@functools.cache
def sources_digest() -> bytes:
    """Return a digest of all modules of this harness."""
    digest = hashlib.sha256()
    for path in sorted(SOURCES.rglob("*.py")):
        digest.update(f"{path.relative_to(SOURCES)}\0".encode())
        digest.update(path.read_bytes())
    return digest.digest()


def key_of(plan: Plan) -> str:
    """Return what a plan's cell is found by: a digest of the plan and of the harness that runs and judges it."""
    return hashlib.sha256(sources_digest() + msgspec.json.encode(plan)).hexdigest()[:24]


def with_client(plan: Plan, like: str, mutant: str) -> Plan:
    """Return a plan with another client, under the same policies."""
    return msgspec.structs.replace(plan, client=msgspec.structs.replace(plan.client, like=like, mutant=mutant))


class ProverSetup(msgspec.Struct, frozen=True, kw_only=True):
    """The first line that a worker gets: the mutants of the call, whichever worker has them."""

    mutants: tuple[str, ...] = ()


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A plan to be run, and its cell's key."""

    key: str
    plan: Plan


def cell_of(plan: Plan, verdict: Verdict) -> Cell:
    """Return the cell of a run that was judged, without its key."""
    return Cell(
        scenario=plan.name,
        client=plan.client.like,
        variant=plan.variant,
        seed=plan.seed,
        word=said(verdict),
        laws=tuple(law.code for law in order(verdict.laws)),
        expectations=tuple(dict.fromkeys(one.metric for one in verdict.expectations if one.state is LawState.FAILED)),
        sentence=verdict.sentence,
    )


def void(trial: Trial, sentence: str) -> Cell:
    """Return the cell of a run that came to nothing, and why."""
    plan = trial.plan
    return Cell(
        key=trial.key,
        scenario=plan.name,
        client=plan.client.like,
        variant=plan.variant,
        seed=plan.seed,
        word=Word.VOID,
        sentence=sentence,
    )


class CellFile:
    """The cells in a file, a line of JSON each."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, trials: Iterable[Trial], *, resume: bool) -> list[Cell]:
        """Return the cells that these trials have already, with ``resume``; and forget every other cell of theirs.

        Those of trials that are not asked for stay in the file. Raises ``EnvironmentFault`` where it cannot be read or
        written.
        """
        keys = {(one.plan.name, one.plan.client.like, one.plan.variant): one.key for one in trials}
        had = {(cell.scenario, cell.client, cell.variant): cell for cell in self._read()}
        found = [cell for place, cell in had.items() if resume and cell.key == keys.get(place)]
        rest = [cell for place, cell in had.items() if place not in keys]
        write_bytes(self._path, b"".join(map(_line, [*rest, *found])))
        return found

    def add(self, cell: Cell) -> None:
        """Append a cell. Raises ``EnvironmentFault``."""
        try:
            with self._path.open("ab") as file:
                file.write(_line(cell))
        except OSError as error:
            raise EnvironmentFault(f"cannot write {self._path}: {error.strerror}") from error

    def _read(self) -> list[Cell]:
        """Return what is there; a line that is no cell, the last of a command that was killed, is left out."""
        try:
            lines = read_bytes(self._path).splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise EnvironmentFault(f"cannot read {self._path}: {error.strerror}") from error
        return [cell for line in lines if (cell := _cell(line)) is not None]


def _line(cell: Cell) -> bytes:
    return msgspec.json.encode(cell) + b"\n"


def _cell(line: bytes) -> Cell | None:
    try:
        return msgspec.json.decode(line, type=Cell)
    except msgspec.MsgspecError:
        return None
