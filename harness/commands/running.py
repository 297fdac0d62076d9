"""``harness run``. It imports what it needs only after the fork server was started: each loads beside the other."""

import contextlib
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.commands.options import Command, Filled, assignments, duration, verdict_options
from harness.commands.showing import complain, hand_out, make_room, show
from harness.console import redraws

if TYPE_CHECKING:
    from harness.campaign.fork_launch import Started
    from harness.campaign.invoke import CampaignResult
    from harness.campaign.jsonl import Lines


@click.command(cls=Command)
@click.argument("targets", nargs=-1, metavar="[FILE·DIR·NAME]…")
@click.option("--client", metavar="NAME", help="The client under test, in place of the scenario's own.")
@click.option("--seed", type=int, help="The seed of all draws.")
@click.option("--set", "chosen", multiple=True, metavar="NAME=VALUE", help="Run only these variants of a sweep.")
@click.option(
    "--toxiproxy", metavar="auto·embedded·PATH·URL", help="Which Toxiproxy shapes the paths.  [default: auto]"
)
@click.option("--timeout", metavar="DURATION", help="A limit for each run, such as 2m.")
@click.option("--out", type=Filled(), help="Where results go.  [default: results]")
@click.option("--keep", type=click.IntRange(0), metavar="N", help="Leave only so many older results there.")
@click.option("-j", "--jobs", type=click.IntRange(1), help="Runs side by side.  [default: 1.5 per core]")
@click.option("-x", "stop_early", is_flag=True, help="Stop at the first run that does not pass.")
@click.option("--maxfail", type=click.IntRange(1), metavar="N", help="Stop after so many.")
@click.option("-k", "word", default="", metavar="WORD", help="Only scenarios that speak of this.")
@click.option("--failed", is_flag=True, help="Only what did not pass in results/latest.")
@click.option(
    "--repeat", type=click.IntRange(1), default=1, metavar="K", help="Each so many times, with seeds counting up."
)
@click.option("--shard", default="1/1", metavar="1/4", help="Only this part of everything; `harness merge` joins them.")
@click.option(
    "--world", type=click.Choice(["real", "virtual", "both"]), default="real", help="Where it runs; both: and compare."
)
@click.option("--twice", is_flag=True, help="Virtual: run twice in two processes and compare.")
@click.option(
    "--figures",
    type=click.Choice(["all", "failed", "none"]),
    default="all",
    show_default=True,
    help="Which runs are drawn: all, those that do not pass, or none. `harness report` draws them later.",
)
@verdict_options
def run(targets: tuple[str, ...], **options: Any) -> int:
    """Run scenarios, judge them, report. None named: scenarios/ here."""
    from harness.campaign.fork_launch import FIRST_HASH_SEED, FORKS, started  # noqa: PLC0415

    with contextlib.ExitStack() as stack:
        forking = None
        if options["world"] != "real" and FORKS:  # loads its libraries while we load ours
            hash_seed = FIRST_HASH_SEED if options["twice"] else None
            forking = stack.enter_context(started(hash_seed=hash_seed, figures=options["figures"]))
        return run_chosen(targets, options, forking)


def run_chosen(targets: tuple[str, ...], options: dict[str, Any], forking: "Started | None") -> int:
    """Run what the options of ``harness run`` choose; virtual runs are forked from the server given, if any."""
    from harness.campaign.campaign import ignore_run_end  # noqa: PLC0415
    from harness.campaign.finish import Figures  # noqa: PLC0415
    from harness.campaign.invoke import CampaignOptions, invoke  # noqa: PLC0415
    from harness.campaign.jsonl import Lines  # noqa: PLC0415
    from harness.campaign.live import LiveDisplay  # noqa: PLC0415
    from harness.campaign.selection import Choice, parse_shard  # noqa: PLC0415

    choice = Choice(
        targets=targets,
        client=options["client"],
        seed=options["seed"],
        select=assignments(options["chosen"]),
        timeout=duration(options["timeout"], "--timeout"),
        word=options["word"],
        failed_in=Path(options["out"] or "results") / "latest" if options["failed"] else None,
        repeat=options["repeat"],
        shard=parse_shard(options["shard"]),
        world=options["world"],
    )
    run_options = CampaignOptions(
        choice=choice,
        toxiproxy=options["toxiproxy"],
        out=options["out"],
        jobs=options["jobs"],
        maxfail=1 if options["stop_early"] else options["maxfail"],
        figures=Figures(options["figures"]),
        keep=options["keep"],
        twice=options["twice"],
        command=shlex.join(["harness", *sys.argv[1:]]),
        unknown=options["unknown"] or "fail",
    )
    make_room(options)
    live = LiveDisplay(sys.stderr, terminal=redraws(options["color"], sys.stderr))
    lines = Lines(sys.stdout.fileno()) if options["output"] == "jsonl" else None
    done = invoke(run_options, live, lines.tell if lines else ignore_run_end, forking=forking)
    return conclude(done, lines, options)


def conclude(done: "CampaignResult", lines: "Lines | None", options: dict[str, Any]) -> int:
    """Write what was asked for besides, print the verdict (with ``lines`` only its end is left to say).

    Returns the exit code, which is the one that was printed. What a machine could not do is on standard error too.
    """
    from harness.report.tally import ending  # noqa: PLC0415

    manifest = done.results.manifest
    faults = [ran.ending.detail for ran in done.ran] + [f"{key}: {why}" for key, why in manifest.faults.items()]
    for fault in dict.fromkeys(filter(None, [*faults, manifest.fault])):
        complain(fault)
    if done.page is not None:
        hand_out(done.page, options)
    if lines is None:
        show(done.results, done.page, options)
    else:
        lines.end(done.results)
    return ending(done.results).exit
