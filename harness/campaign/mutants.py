"""One ``harness mutants``: every wrong client against every scenario, in virtual time, into a matrix.

A scenario is tried with the reference client too, under the policies that it declares: what fails that one proves
nothing against a mutant. The runs themselves are not kept: ``harness run SCENARIO --client MUTANT`` makes any again.
"""

import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

import msgspec
import trio

from harness.campaign.campaign import Campaign, Ran
from harness.campaign.cells import Cell, CellFile, cell_of, key_of
from harness.campaign.forking import started
from harness.campaign.invoke import attended, cores, length
from harness.campaign.live import Counted, Live
from harness.campaign.matrix import REFERENCE, Matrix
from harness.clients.mutants import MUTANTS
from harness.errors import EnvironmentFault, UsageError
from harness.report.folder import INTERRUPTED
from harness.scenario import Plan, Project, Scenario, bundled, find, find_project, load, plans
from harness.scenario.project import NO_PROJECT
from harness.world import real, virtual

CELLS = "cells.jsonl"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller asked for. ``names`` are mutants and scenarios: all of a kind of which none is named."""

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


def plans_of(scenario: Scenario, mutants: Sequence[str], project: Project) -> list[Plan]:
    """Return the plans of every variant with the reference client, then with each mutant.

    A mutant keeps the policies of the file, and so must the reference that it is held against: it is a mutant's plan
    without the bug.
    """
    of = {name: plans(scenario, client=name, world=virtual.NAME, project=project) for name in mutants}
    bare = [
        msgspec.structs.replace(plan, client=msgspec.structs.replace(plan.client, like=REFERENCE, mutant=""))
        for plan in next(iter(of.values()))
    ]
    return [plan for row in (bare, *of.values()) for plan in row]


def prove(wish: Wish, stream: TextIO, *, terminal: bool) -> Matrix:
    """Run what has no cell yet, and return the matrix. SIGINT and SIGTERM end it; what there is stays in the file.

    Raises ``UsageError`` for bad input, ``EnvironmentFault`` where the cells cannot be kept; nothing was started then.
    """
    chosen = choose(wish.names)
    project = find_project(Path.cwd()) or NO_PROJECT
    scenarios = [load(path, project=project) for path in chosen.files]
    names = [scenario.name for scenario in scenarios]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"two scenarios are called {twice[0]}: name one of them")
    planned = [plan for scenario in scenarios for plan in plans_of(scenario, chosen.mutants, project)]
    keys = {key_of(plan): plan for plan in planned}
    file = CellFile(wish.out / CELLS)
    cells = file.begin(keys if wish.resume else ())
    for cell in cells:
        del keys[cell.key]
    began = real.wall_clock()
    number = _run(list(keys.values()), wish, file, cells, Live(stream, terminal=terminal, view=Counted(len(keys))))
    return Matrix(
        mutants=chosen.mutants,
        scenarios=tuple(names),
        named={scenario.name: plan_mutants(planned, scenario.name) for scenario in scenarios},
        variants={name: sum(plan.name == name and plan.client.like == REFERENCE for plan in planned) for name in names},
        cells=tuple(cells),
        planned=len(planned),
        seconds=real.wall_clock() - began,
        rows_judged=chosen.mutants_named or not chosen.files_named,
        columns_judged=chosen.files_named or not chosen.mutants_named,
        signal=number,
    )


def plan_mutants(planned: Sequence[Plan], name: str) -> tuple[str, ...]:
    """Return the mutants that a scenario says it fails."""
    return next(plan.mutants for plan in planned if plan.name == name)


def _run(waiting: list[Plan], wish: Wish, file: CellFile, cells: list[Cell], live: Live) -> int:
    """Run these, long ones first; ``cells`` grows as they end. Returns the signal that stopped it, or 0."""
    if not waiting:
        return 0
    try:
        runs = Path(tempfile.mkdtemp(prefix=".runs-", dir=wish.out))
    except OSError as error:
        raise EnvironmentFault(f"cannot write {wish.out}: {error.strerror}") from error

    stopped: list[trio.Event] = []

    async def run(stop: trio.Event) -> None:
        stopped.append(stop)
        await campaign.run(stop)

    async def keep(ran: Ran) -> None:
        cut = ran.finished.word == INTERRUPTED or (ran.finished.fault and stopped[0].is_set())
        if not cut:
            cells.append(cell_of(ran))
            file.add(cells[-1])
        shutil.rmtree(ran.folder, ignore_errors=True)

    try:
        with started(draws=False) as forking:
            campaign = Campaign(
                sorted(waiting, key=length, reverse=True),
                runs,
                jobs=wish.jobs or cores(),
                toxiproxy="auto",
                maxfail=None,
                live=live,
                heed=keep,
                forking=forking,
            )
            return real.run(partial(attended, run, live))
    finally:
        shutil.rmtree(runs, ignore_errors=True)
