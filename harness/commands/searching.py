"""Searches in virtual time: ``harness fuzz`` for what breaks a client, ``harness mutants`` for what catches one."""

import sys
from pathlib import Path
from typing import Any

import click

from harness.campaign import matrix
from harness.campaign.mutants import CELLS, MutantsOptions, prove
from harness.commands.options import COLOR, Command, Filled, duration
from harness.commands.showing import shown_path
from harness.console import redraws, say
from harness.errors import UsageError
from harness.exits import FAIL, PASS
from harness.fuzz import invoke
from harness.fuzz.recording import record
from harness.fuzz.summary import report, table_of_mutants
from harness.report.folder import read_text, write_text


@click.command(cls=Command)
@click.argument("names", nargs=-1, metavar="[SCENARIO | MUTANT…]")
@click.option("--client", metavar="NAME", help="The client under test.  [default: the scenario's, or reference]")
@click.option("--seeds", type=click.IntRange(1), metavar="N", help="How many timelines to invent.  [default: 1000]")
@click.option("--for", "lasting", metavar="DURATION", help="How long to search, such as 10m.")
@click.option("--seed", "first", type=click.IntRange(0), default=1, show_default=True, help="The first of the seeds.")
@click.option("-j", "--jobs", type=click.IntRange(1), help="Processes side by side.  [default: one per core]")
@click.option("--out", type=Filled(), help="Where examples go.  [default: results/fuzz]")
@click.option("--mutants", is_flag=True, help="Measure the search: hunt the mutants named, or all of them.")
@click.option("--record", type=Filled(), help="With --mutants: keep the table in this README.")
@click.option("--no-confirm", is_flag=True, help="Do not run the examples on real sockets too.")
@click.option("-v", "--verbose", is_flag=True, help="Which deeds met which states of a client, how often.")
@COLOR
def fuzz(names: tuple[str, ...], **options: Any) -> int:
    """Invent timelines in virtual time until one breaks the client, and make what breaks it small.

    Over a SCENARIO the faults are invented beside its own timeline.
    """
    if len(names) > 1 and not options["mutants"]:
        raise UsageError("fuzz takes one scenario at most")
    if options["record"] and not options["mutants"]:
        raise UsageError("--record keeps the table of a search for mutants: it needs --mutants")
    run_options = invoke.FuzzOptions(
        scenario=names[0] if names and not options["mutants"] else None,
        client=options["client"],
        first=options["first"],
        seeds=options["seeds"],
        seconds=duration(options["lasting"], "--for"),
        jobs=options["jobs"],
        out=options["out"],
        real=not options["no_confirm"],
    )
    terminal = redraws(options["color"], sys.stderr)
    done = invoke.fuzz(run_options, sys.stderr, terminal=terminal, mutants=names if options["mutants"] else None)
    folder = shown_path(done.folder)
    if options["mutants"]:
        say(table_of_mutants(done.hunted, folder=folder, signal=done.signal).removesuffix("\n"))
        if options["record"]:
            record(options["record"], done.hunted)
        missed = any(one.seed is None for one in done.hunted)
    else:
        client = options["client"] or "reference"
        text = report(
            done.findings,
            client=client,
            seconds=done.searched,
            folder=folder,
            verbose=options["verbose"],
            signal=done.signal,
        )
        say(text.removesuffix("\n"))
        missed = bool(done.findings.groups)
    return 128 + done.signal if done.signal else FAIL if missed else PASS


@click.command(cls=Command)
@click.argument("names", nargs=-1, metavar="[MUTANT·SCENARIO]…")
@click.option("-j", "--jobs", type=click.IntRange(1), help="Runs side by side.  [default: one per core]")
@click.option(
    "--resume", is_flag=True, help="Take from --out what an earlier call found, unless anything changed since."
)
@click.option(
    "--out", type=Filled(), default=Path("results/mutants"), show_default=True, help="Where cells.jsonl is kept."
)
@click.option(
    "--markdown", type=Filled(), metavar="FILE", help="Write the table to this page; what is not run now stays in it."
)
@click.option("--json", "as_json", is_flag=True, help="Print every cell as JSON.")
@COLOR
def mutants(names: tuple[str, ...], **options: Any) -> int:
    """Run every wrong client in every scenario that ships, in virtual time, and show which law fails whom where.

    MUTANTs and SCENARIOs (names or files) narrow either side; one that is not named is whole. `harness help mutants`
    lists the mutants. Of a scenario's variants a mutant runs those up to the first that fails it.

    It fails where the reference client does not pass, where a scenario does not fail a mutant that it names (`mutants:
    [...]` in the file), where a scenario fails no mutant, and where no scenario fails a mutant.

    \b
    harness mutants                      everything: a few minutes on two cores
    harness mutants my.yaml              which mutants a scenario of yours fails
    harness mutants no-jitter            which scenarios that ship fail this mutant
    harness run my.yaml --client no-jitter --world virtual --open
                                         what one cell is made of
    """  # noqa: D301 - the mark that click wants is that character itself
    page = options["markdown"]
    kept = matrix.read_markdown(read_text(page)) if page and page.exists() else {}
    run_options = MutantsOptions(names=names, jobs=options["jobs"], resume=options["resume"], out=options["out"])
    found = prove(run_options, sys.stderr, terminal=redraws(options["color"], sys.stderr))
    if page:
        write_text(page, matrix.markdown(found, kept))
    told = matrix.as_json(found) if options["as_json"] else matrix.text(found, file=shown_path(run_options.out / CELLS))
    say(told.removesuffix("\n"))
    return found.exit
