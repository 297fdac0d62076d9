"""Recorded results: ``harness judge``, ``report`` and ``merge``, from files alone."""

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from harness.campaign.finish import judge_folder
from harness.campaign.invoke import reporting_what_is_kept
from harness.campaign.merging import merge as join
from harness.campaign.rejudge import judge_results, results_folder, run_folders
from harness.commands.options import Command, Filled, verdict_options
from harness.commands.showing import complain, hand_out, make_room, show, shown_path
from harness.console import ended_by_sigterm, say
from harness.errors import UsageError
from harness.exits import PASS
from harness.report.compose import draw_run, write_report
from harness.report.folder import read_plan, read_results, record_again, recorded_before
from harness.report.tally import ending
from harness.report.terminal import where


@click.command(cls=Command)
@click.argument("folder", type=Filled(), default=Path("results/latest"))
@verdict_options
def judge(folder: Path, **options: Any) -> int:
    """Judge recorded runs again, from their files alone."""
    make_room(options)
    folder = results_folder(folder)
    with reporting_what_is_kept(folder):
        page = judge_results(folder, unknown=options["unknown"])
    results = read_results(folder)
    hand_out(page, options)
    show(results, page, options)
    return ending(results).exit


@click.command(cls=Command)
@click.argument("folder", type=Filled(), default=Path("results/latest"))
@click.option("--open", "open_page", is_flag=True, help="Open the report.")
def report(folder: Path, *, open_page: bool) -> int:
    """Draw the report of recorded runs again, from their files alone."""
    folder = results_folder(folder)
    with reporting_what_is_kept(folder):
        for run_folder in run_folders(folder):
            if not (run_folder / "verdict.json").exists():
                if recorded_before(read_plan(run_folder)):
                    complain(f"{record_again(shown_path(run_folder))}; it has no verdict")
                    continue
                judge_folder(run_folder)
            draw_run(run_folder)
        page = write_report(folder)
    say("\n".join(where(shown_path(page))))
    if open_page:
        click.launch(page.absolute().as_uri())
    return PASS


@click.command(cls=Command)
@click.argument("folders", nargs=-1, required=True, type=Filled(), metavar="DIR DIR…")
@click.option("--out", type=Filled(), help="Where the joined results go.  [default: results]")
@verdict_options
def merge(folders: tuple[Path, ...], out: Path | None, **options: Any) -> int:
    """Join the results of shards into one new results folder, with one report and the exit code of its verdict.

    Each DIR is the folder of one `harness run`, or one that has it as latest. What was planned and has no verdict, a
    shard that is not among them too, is in the verdict; a run that several of them hold is named.
    """
    found, problems = [], []
    for folder in folders:
        try:
            found.append((str(folder), results_folder(folder)))
        except UsageError as error:
            problems.append(str(error))
    if problems:
        raise UsageError("\n".join(problems))
    make_room(options)
    with ended_by_sigterm():
        page = join(
            found, out or Path("results"), unknown=options["unknown"], command=shlex.join(["harness", *sys.argv[1:]])
        )
    results = read_results(page.parent)
    for name in results.manifest.twice:
        complain(f"in several of them, and kept from each: {name}")
    hand_out(page, options)
    show(results, page, options)
    return ending(results).exit
