"""One ``harness mutants``: every wrong client against every scenario, in virtual time, into a matrix.

A scenario is tried with the reference client too, under the policies that it declares: what fails that one proves
nothing against a mutant. Of a scenario's variants a mutant runs those up to the first that fails it. The runs
themselves are not kept: ``harness run SCENARIO --client MUTANT --world virtual`` makes any again.
"""

from collections import deque
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

import msgspec
import trio

from harness.campaign.cells import REFERENCE, Cell, CellFile, ProverSetup, Trial, key_of, void, with_client
from harness.campaign.invoke import cores, length, run_until_signalled
from harness.campaign.live import Counted, LiveDisplay
from harness.campaign.matrix import Matrix
from harness.campaign.workers import WorkerClient, WorkerLost, share
from harness.clients.mutants import MUTANTS
from harness.errors import UsageError
from harness.judge.verdict import Word
from harness.report.progress import RunProgress
from harness.scenario import Plan, Project, Scenario, bundled, find, find_project, load, plans
from harness.scenario.project import NO_PROJECT
from harness.world import real, virtual

CELLS = "cells.jsonl"
WORKER = "harness.campaign.prover"


class MutantsOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The caller's options. ``names`` are mutants and scenarios: all of a kind of which none is named."""

    names: tuple[str, ...] = ()
    jobs: int | None = None
    resume: bool = False
    out: Path = Path("results/mutants")


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The two sides of a matrix. ``*_named``: the caller named them."""

    mutants: tuple[str, ...]
    files: tuple[Path, ...]
    mutants_named: bool
    files_named: bool


def choose(names: Sequence[str]) -> Chosen:
    """Tell mutants from scenarios, each once. Raises ``UsageError`` for a name that is neither."""
    mutants = tuple(dict.fromkeys(name for name in names if name in MUTANTS))
    files = tuple(dict.fromkeys(path for name in names if name not in MUTANTS for path in find(name)))
    return Chosen(
        mutants=mutants or tuple(MUTANTS),
        files=files or tuple(bundled().values()),
        mutants_named=bool(mutants),
        files_named=bool(files),
    )


def plans_of(scenario: Scenario, mutants: Sequence[str], project: Project) -> list[list[Plan]]:
    """Return the plans of all variants for the reference client, then for each mutant.

    They are compiled once. A mutant keeps the policies of the file, and so must the reference that it is held against:
    its plan is a mutant's without the bug.
    """
    of_mutant = plans(scenario, client=mutants[0], world=virtual.NAME, project=project)
    named = [(REFERENCE, ""), *((mutant, mutant) for mutant in mutants)]
    return [[with_client(plan, like, mutant) for plan in of_mutant] for like, mutant in named]


def prove(options: MutantsOptions, stream: TextIO, *, terminal: bool) -> Matrix:
    """Run what has no cell yet, and return the matrix. SIGINT and SIGTERM end it; what there is stays in the file.

    Raises ``UsageError`` for bad input, ``EnvironmentFault`` where the cells cannot be kept; nothing was started then.
    """
    chosen = choose(options.names)
    project = find_project(Path.cwd()) or NO_PROJECT
    scenarios = [load(path, project=project) for path in chosen.files]
    names = [scenario.name for scenario in scenarios]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"two scenarios are called {twice[0]}: name one of them")
    rows = [plans_of(scenario, chosen.mutants, project) for scenario in scenarios]
    # Long ones first, and one scenario after another: a worker judges a history once that many clients leave.
    ordered = sorted(rows, key=lambda of: -sum(map(length, of[0])))
    trials = [[Trial(key=key_of(plan), plan=plan) for plan in row] for of in ordered for row in of]
    file = CellFile(options.out / CELLS)
    had = file.begin([one for row in trials for one in row], resume=options.resume)
    proof = Proof(trials, file, had, chosen.mutants)
    live = LiveDisplay(stream, terminal=terminal, view=proof.view)
    began = real.wall_clock()
    number = (
        real.run(partial(run_until_signalled, partial(proof.run, jobs=options.jobs or cores()), live.redraw))
        if proof.waiting
        else 0
    )
    return Matrix(
        mutants=chosen.mutants,
        scenarios=tuple(names),
        named={of[0][0].name: of[0][0].mutants for of in rows},
        variants={of[0][0].name: len(of[0]) for of in rows},
        cells=tuple(proof.cells.values()),
        seconds=real.wall_clock() - began,
        rows_judged=chosen.mutants_named or not chosen.files_named,
        columns_judged=chosen.files_named or not chosen.mutants_named,
        signal=number,
    )


class Proof:
    """The trials of one call, a row for each client in each scenario. ``cells`` grows as they end."""

    def __init__(
        self, rows: Sequence[Sequence[Trial]], file: CellFile, had: Sequence[Cell], mutants: tuple[str, ...] = ()
    ) -> None:
        self.cells = {cell.key: cell for cell in had}
        self.waiting = deque(row for row in rows if self._next(row) is not None)
        self.view = Counted(len(self.waiting), "cell")
        self._file = file
        self._setup = ProverSetup(mutants=mutants)

    def _next(self, row: Sequence[Trial]) -> Trial | None:
        """Return the first trial of a row that is still to be run; none after one that failed a mutant."""
        for trial in row:
            cell = self.cells.get(trial.key)
            if cell is None:
                return trial
            if cell.word == Word.FAIL and cell.client != REFERENCE:
                return None
        return None

    async def run(self, stop: trio.Event, *, jobs: int) -> None:
        """Let ``jobs`` workers run what is waiting, until all is done or ``stop`` is set."""
        await share(min(jobs, len(self.waiting)), self._slot, stop)

    async def _slot(self) -> None:
        worker_client = WorkerClient(WORKER, msgspec.json.Decoder(Cell), setup=self._setup)
        try:
            while self.waiting:
                row = self.waiting.popleft()
                while (trial := self._next(row)) is not None:
                    await self._try(worker_client, trial)
                plan = row[0].plan
                self.view.feed(RunProgress(name=f"{plan.client.like} in {plan.name}", done="over"))
        finally:
            await worker_client.aclose()

    async def _try(self, worker_client: WorkerClient[Cell], trial: Trial) -> None:
        """Run one trial; where the worker is lost, it is void."""
        try:
            await worker_client.ask(trial, self._keep)
        except WorkerLost as lost:
            self._keep(void(trial, str(lost)))

    def _keep(self, cell: Cell) -> None:
        self.cells[cell.key] = cell
        self._file.add(cell)
