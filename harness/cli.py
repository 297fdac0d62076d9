"""The command line: the outermost ring, and the only place that chooses exit codes.

Exit codes: 0 pass · 1 fail · 2 usage or a bad file · 3 environment, or void · 4 unknown · 130 and 143 interrupted.
Everything heavy is imported by the command that needs it, so that ``harness --help`` stays under 100 ms.
"""

import contextlib
import io
import shlex
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import harness
from harness.arguments import address, assignments, duration
from harness.console import Terminated, ended_by_sigterm, hush, keep_traceback, open_closed_streams, say
from harness.errors import EnvironmentFault, ScenarioError, UsageError, leaf
from harness.escaping import on_one_line
from harness.exits import ENVIRONMENT, FAIL, INTERRUPTED, PASS, TERMINATED, USAGE
from harness.files import real_path
from harness.showing import complain, hand_out, make_room, show, shown_path, tell_problem, tolerate
from harness.trouble import NO_ROOM, in_words

if TYPE_CHECKING:
    from harness.campaign.fork_launch import Started
    from harness.campaign.invoke import CampaignResult
    from harness.campaign.jsonl import Lines


WARNS = click.Choice(["fail", "warn"])
COLOR = click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour.  [default: on a terminal]"
)
FORMATS = click.Choice(["text", "json", "jsonl", "github", "junit"])
LATER = {
    "compare": "two results, held against each other",
    "matrix": "scenarios by clients",
    "bench": "repeated runs for figures",
    "client": "the contract of foreign clients",
}


class Command(click.Command):
    """A command that, like all of them, says its version."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        click.version_option(harness.__version__, prog_name="harness")(self)


class Filled(click.Path):
    """A path. An empty one is a variable that the shell did not know, never the working folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse what names nothing."""
        if not str(value) or value == Path(""):  # noqa: PTH201 - that is what an empty text becomes
            self.fail("expected a path, got an empty text", param, ctx)
        if "\0" in str(value):
            self.fail("expected a path, got one with a NUL in it", param, ctx)
        return super().convert(value, param, ctx)


class Commands(click.Group):
    """The group, with a hint for a word it does not know and the names that are reserved."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuse what is not built by name, and offer the nearest word for what is unknown."""
        name = args[0]
        if name in LATER and name not in self.commands:
            raise click.UsageError(f"`harness {name}` ({LATER[name]}) is not built yet")
        if name not in self.commands:
            hint = nearest(name, self.commands)
            raise click.UsageError(f"no such command: {name or repr(name)}{hint}; `harness --help` lists them all")
        return super().resolve_command(ctx, args)


def nearest(word: str, known: Iterable[str]) -> str:
    """`` (did you mean …?)``, or nothing."""
    import difflib  # noqa: PLC0415

    found = difflib.get_close_matches(word, list(known), n=1)
    return f' (did you mean "{found[0]}"?)' if found else ""


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(harness.__version__, prog_name="harness")
def cli() -> None:
    """Does your Server-Sent Events client survive the walk out of the door?

    \b
    harness run handoff                     the reference client walks out of the door
    harness run scenarios/handoff.yaml      the same, from a file
    harness run half-open --client as-shipped
    """  # noqa: D301 - the mark that click wants is that character itself


def shown(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options of everything that ends in a verdict: where it is said, and how."""
    options = [
        click.option("--open", "open_page", is_flag=True, help="Open the report."),
        click.option("--junit", type=Filled(), help="Write junit.xml here too."),
        click.option(
            "--output-format",
            "output",
            type=FORMATS,
            default="text",
            help="What standard output holds. jsonl: a line for each run, as it ends, and one of the end.",
        ),
        click.option("--unknown", type=WARNS, help="What an unknown verdict means for the exit code.  [default: fail]"),
        click.option("-q", "--quiet", is_flag=True, help="Only the last two lines."),
        click.option("-v", "--verbose", count=True, help="Every law; twice: every record."),
        COLOR,
    ]
    for option in reversed(options):
        command = option(command)
    return command


@cli.command()
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
@shown
def run(targets: tuple[str, ...], **options: Any) -> int:
    """Run scenarios, judge them, report. None named: scenarios/ here."""
    from harness.campaign.fork_launch import FIRST_HASH_SEED, started  # noqa: PLC0415

    with contextlib.ExitStack() as stack:
        forking = None
        if options["world"] != "real":  # loads its libraries while we load ours
            forking = stack.enter_context(started(hash_seed=FIRST_HASH_SEED if options["twice"] else None))
        return run_chosen(targets, options, forking)


def run_chosen(targets: tuple[str, ...], options: dict[str, Any], forking: "Started | None") -> int:
    """Run what the options of ``harness run`` choose; virtual runs are forked from the server given."""
    from harness.campaign.campaign import ignore_run_end  # noqa: PLC0415
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
        keep=options["keep"],
        twice=options["twice"],
        command=shlex.join(["harness", *sys.argv[1:]]),
        unknown=options["unknown"] or "fail",
    )
    make_room(options)
    live = LiveDisplay(sys.stderr, terminal=sys.stderr.isatty() and options["color"] != "never")
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


@cli.command(short_help="Validate scenario files: every mistake at once.")
@click.argument("targets", nargs=-1, required=True, metavar="FILE·DIR·NAME…")
@click.option(
    "--output-format",
    "output",
    type=click.Choice(["text", "github"]),
    default="text",
    help="How mistakes are said: as an editor reads them, or as annotations of a GitHub job.",
)
def check(targets: tuple[str, ...], output: str) -> int:
    """Validate scenario files: every mistake and warning at once, nothing started."""
    from harness.scenario import find, find_project, load, plans, warned  # noqa: PLC0415

    project = find_project(Path.cwd())
    problems = 0
    for path in dict.fromkeys(path for name in targets for path in find(name)):
        try:
            variants = plans(load(path, project=project), project=project)
        except ScenarioError as error:
            problems += len(error.problems)
            for problem in error.problems:
                tell_problem(problem, output)
        else:
            warnings = warned(variants)
            for problem in warnings:
                tell_problem(problem, output)
            parts = [f"{on_one_line(str(path))}: good", _counted(len(variants), "variant")]
            say(", ".join(parts + [_counted(len(warnings), "warning")] * bool(warnings)), to=sys.stderr)
    return USAGE if problems else PASS


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


@cli.command()
@click.argument("folder", type=Filled(), default=Path("results/latest"))
@shown
def judge(folder: Path, **options: Any) -> int:
    """Judge recorded runs again, from their files alone."""
    from harness.campaign.compare_folders import hold_together  # noqa: PLC0415
    from harness.campaign.finish import judge_folder  # noqa: PLC0415
    from harness.campaign.invoke import reporting_what_is_kept  # noqa: PLC0415
    from harness.report.compose import write_report  # noqa: PLC0415
    from harness.report.folder import read_plan_to_judge, read_results  # noqa: PLC0415
    from harness.report.tally import ending  # noqa: PLC0415

    make_room(options)
    folder = results_folder(folder)
    for run_folder in run_folders(folder):
        read_plan_to_judge(run_folder)  # all of them, before the first verdict is written anew
    with reporting_what_is_kept(folder):
        for run_folder in run_folders(folder):
            judge_folder(run_folder)
            hold_together(run_folder)
        tolerate(folder, options["unknown"])
        page = write_report(folder, redraw=True)
    results = read_results(folder)
    hand_out(page, options)
    show(results, page, options)
    return ending(results).exit


@cli.command(short_help="Draw the report of recorded runs again.")
@click.argument("folder", type=Filled(), default=Path("results/latest"))
@click.option("--open", "open_page", is_flag=True, help="Open the report.")
def report(folder: Path, *, open_page: bool) -> int:
    """Draw the report of recorded runs again, from their files alone."""
    from harness.campaign.finish import judge_folder  # noqa: PLC0415
    from harness.campaign.invoke import reporting_what_is_kept  # noqa: PLC0415
    from harness.report.compose import draw_run, write_report  # noqa: PLC0415
    from harness.report.folder import read_plan, record_again, recorded_before  # noqa: PLC0415

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
    say(f"report  {shown_path(page)}")
    if open_page:
        click.launch(page.absolute().as_uri())
    return PASS


@cli.command(short_help="Join the results of shards into one.")
@click.argument("folders", nargs=-1, required=True, type=Filled(), metavar="DIR DIR…")
@click.option("--out", type=Filled(), help="Where the joined results go.  [default: results]")
@shown
def merge(folders: tuple[Path, ...], out: Path | None, **options: Any) -> int:
    """Join the results of shards into one new results folder, with one report and the exit code of its verdict.

    Each DIR is the folder of one `harness run`, or one that has it as latest. What was planned and has no verdict, a
    shard that is not among them too, is in the verdict; a run that several of them hold is named.
    """
    from harness.campaign.merging import merge as join  # noqa: PLC0415
    from harness.report.folder import read_results  # noqa: PLC0415
    from harness.report.tally import ending  # noqa: PLC0415

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


def results_folder(folder: Path) -> Path:
    """The results folder that is meant: this one, or the newest in it. Raises ``UsageError`` where there is none."""
    for above, plan in enumerate(("*/plan.json", "plan.json")):
        if any(folder.glob(plan)):
            whole = real_path(folder).parents[above]
            raise UsageError(f"{folder} is a part of results: expected all of them, which are {whole}")
    for found in (folder, folder / "latest"):
        if (found / "manifest.json").exists() or run_folders(found):
            return real_path(found)
    raise UsageError(f"{folder} holds no recorded runs; `harness run` makes results/latest")


def run_folders(folder: Path) -> list[Path]:
    """The runs inside a results folder."""
    return sorted(path.parent for path in real_path(folder).glob("*/*/plan.json"))


@cli.command(short_help="What a scenario compiles to: timeline, draws, limits.")
@click.argument("target", metavar="FILE·NAME")
@click.option("--client", metavar="NAME", help="The client under test, in place of the scenario's own.")
@click.option("--seed", type=int, help="The seed of all draws.")
@click.option("--set", "chosen", multiple=True, metavar="NAME=VALUE", help="Only these variants of a sweep.")
def explain(target: str, client: str | None, seed: int | None, chosen: tuple[str, ...]) -> int:
    """What a scenario compiles to: its timeline with all draws, the toxics and gate commands, the limits."""
    from harness.scenario import explain as explained  # noqa: PLC0415
    from harness.scenario import find, find_project, load, plans, warned  # noqa: PLC0415

    select, project = assignments(chosen), find_project(Path.cwd())
    variants = [
        plan
        for path in find(target)
        for plan in plans(load(path, project=project), client=client, seed=seed, select=select, project=project)
    ]
    for problem in warned(variants):
        tell_problem(problem, "text")
    say("\n".join(map(explained, variants)).removesuffix("\n"))
    return PASS


@cli.command(short_help="Invent timelines until one breaks the client.")
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
    from harness.fuzz import invoke  # noqa: PLC0415
    from harness.fuzz.recording import record  # noqa: PLC0415
    from harness.fuzz.summary import report, table_of_mutants  # noqa: PLC0415

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
    terminal = sys.stderr.isatty() and options["color"] != "never"
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


@cli.command(short_help="Prove that scenarios catch broken clients.")
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
    from harness.campaign import matrix as shown  # noqa: PLC0415
    from harness.campaign.mutants import CELLS, MutantsOptions, prove  # noqa: PLC0415
    from harness.report.folder import read_text, write_text  # noqa: PLC0415

    page = options["markdown"]
    kept = shown.read_markdown(read_text(page)) if page and page.exists() else {}
    run_options = MutantsOptions(names=names, jobs=options["jobs"], resume=options["resume"], out=options["out"])
    found = prove(run_options, sys.stderr, terminal=sys.stderr.isatty() and options["color"] != "never")
    if page:
        write_text(page, shown.markdown(found, kept))
    told = shown.as_json(found) if options["as_json"] else shown.text(found, file=shown_path(run_options.out / CELLS))
    say(told.removesuffix("\n"))
    return found.exit


@cli.command()
def schema() -> int:
    """A JSON Schema of scenario files, for editors."""
    import json  # noqa: PLC0415

    from harness.scenario import schema as of_files  # noqa: PLC0415

    say(json.dumps(of_files(), indent=2, ensure_ascii=False))
    return PASS


@cli.command()
@click.argument("file", type=Filled(), default=Path("scenarios/first.yaml"))
def init(file: Path) -> int:
    """Write a commented first scenario."""
    from harness.scenario import template  # noqa: PLC0415

    try:
        if not file.parent.is_dir():
            file.parent.mkdir(parents=True)
    except OSError as error:
        raise EnvironmentFault(f"cannot write {file}: {error.strerror}") from error
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(template())
    except FileExistsError as error:
        raise UsageError(f"{file} is there already; name another file") from error
    except OSError as error:
        raise EnvironmentFault(f"cannot write {file}: {error.strerror}") from error
    say(f"{file}: change it, then `harness check {file}` and `harness run {file}`")
    return PASS


@cli.command("list")
def list_scenarios() -> int:
    """The bundled scenarios, with their stories."""
    from harness.scenario import bundled, load  # noqa: PLC0415

    scenarios = list(map(load, bundled().values()))
    width = max((len(scenario.name) for scenario in scenarios), default=0) + 2
    for scenario in scenarios:
        alone = " (in virtual time only)" if scenario.world == "virtual" else ""
        say(f"{scenario.name:<{width}}{scenario.scenario}{alone}")
        say(click.wrap_text(" ".join(str(scenario.about).split()), 100, "    ", "    ") + "\n")
    return PASS


@cli.command("help", short_help="Explain a law, the mutants, or virtual time.")
@click.argument("law", required=False, metavar="[LAW·mutants·virtual]")
def help_law(law: str | None) -> int:
    """Explain a law, and how clients break it; the mutants; or virtual time, and what it leaves out."""
    from harness.judge.laws.help import HELP, law_help  # noqa: PLC0415

    if law is None:
        for each in HELP:
            say(f"{each.code:<5}{each.word:<16}{each.title}")
        say(f"{'':<5}{'mutants':<16}The clients that are wrong on purpose, and what each stands for")
        say(f"{'':<5}{'virtual':<16}Virtual time, and what its network leaves out")
        return PASS
    topics = {"virtual": help_virtual, "mutants": help_mutants}
    if law.strip().lower() in topics:
        return topics[law.strip().lower()]()
    found = law_help(law)
    say(f"{found.code} {found.word}: {found.title}\n")
    say(click.wrap_text(found.says, 100) + "\n\nHow clients break it:")
    for way in found.breaks:
        say(click.wrap_text(way, 100, "  - ", "    "))
    return PASS


def help_mutants() -> int:
    """Print each mutant with the bug that it stands for."""
    from harness.clients.mutants import MUTANTS  # noqa: PLC0415

    say("Each is the reference client with one public bug planted. `harness run SCENARIO --client MUTANT`")
    say("tries one, `harness mutants` all of them.\n")
    for one in MUTANTS.values():
        say(click.wrap_text(f"{one.name}: {one.stands_for}", 100, "", "    "))
    return PASS


def help_virtual() -> int:
    """Print what virtual time is, what its network leaves out, and what makes it worth trusting."""
    from harness.world.about import LEAVES_OUT, TRUST, VIRTUAL  # noqa: PLC0415

    say(f"{VIRTUAL}\n\nWhat its network leaves out:")
    for left_out in LEAVES_OUT:
        say(click.wrap_text(left_out, 100, "  - ", "    "))
    say(f"\n{TRUST}")
    return PASS


@cli.command()
@click.option(
    "--listen", default="127.0.0.1:8080", show_default=True, metavar="ADDRESS:PORT", help="Where: loopback only."
)
@click.option("--lasts", default="30s", show_default=True, metavar="DURATION", help="How long each job takes.")
@click.option("--every", default="2s", show_default=True, metavar="DURATION", help="Between two updates.")
@click.option("--retry", default=None, metavar="DURATION", help="A retry: field, sent first on each stream.")
@click.option(
    "--keepalive", default="15s", show_default=True, metavar="DURATION", help="Silence after which a comment is sent."
)
def serve(listen: str, **options: str | None) -> int:
    """The reference job server alone, until Ctrl-C. Pages of this machine may use it from their browsers, too."""
    from harness.alone import serve_jobs  # noqa: PLC0415
    from harness.scenario.model import JobSpec, ServerSpec  # noqa: PLC0415

    lasts = duration(options["lasts"], "--lasts")
    every = duration(options["every"], "--every")
    assert lasts is not None
    job = JobSpec(lasts=lasts, every=every, items=100)
    server = ServerSpec(
        retry=duration(options["retry"], "--retry"), keepalive=duration(options["keepalive"], "--keepalive")
    )
    serve_jobs(address(listen), job, server, say)
    return PASS


@cli.command()
@click.option("--listen", metavar="ADDRESS:PORT", help="Where the API listens.  [default: 127.0.0.1:8474]")
@click.option("-host", "--host", metavar="ADDRESS", help="The same, as toxiproxy-server has it.")
@click.option("-port", "--port", metavar="PORT", help="The same, as toxiproxy-server has it.")
@click.option("-seed", "--seed", type=int, default=None, help="Makes its draws repeat.")
def toxiproxy(listen: str | None, host: str | None, port: str | None, seed: int | None) -> int:
    """The embedded Toxiproxy alone, until Ctrl-C.

    It has the API and the toxics of Toxiproxy 2.12, on loopback. On purpose it has neither `/metrics` nor `-config`
    files, nor the quirks: attributes that crash the real server and names with `/` are refused, reset_peer resets
    connections that are open already, no wait blocks a call, and the seed works.
    """
    from harness.alone import serve_toxiproxy  # noqa: PLC0415

    if listen is not None and (host is not None or port is not None):
        raise UsageError("--listen says both: leave --host and --port out")
    host = host or "127.0.0.1"
    listen = listen or f"{f'[{host}]' if ':' in host else host}:{'8474' if port is None else port}"
    serve_toxiproxy(address(listen), seed, say)
    return PASS


@cli.command(short_help="What this machine can do.")
def doctor() -> int:
    """What this machine can do: Toxiproxy, hanging dials, clock, limits, scheduler lag."""
    from harness.doctor import examine  # noqa: PLC0415

    findings = examine()
    for finding in findings:
        say(f"{'✓' if finding.good else '✗'} {finding.what:<18}{finding.text}")
    return PASS if all(finding.good for finding in findings) else ENVIRONMENT


def guarded(command: Callable[[], int | None]) -> int:
    """Run a command and turn everything a user can meet into words and an exit code."""
    try:
        return command() or PASS
    except BaseException as error:  # noqa: BLE001 - the outermost ring: no traceback reaches a user
        return code_of(leaf(error))


def code_of(error: BaseException) -> int:
    """Say what went wrong, and return its exit code."""
    match error:
        case click.exceptions.Exit():
            return error.exit_code
        case click.ClickException():
            shown = io.StringIO()
            error.show(shown)
            with contextlib.suppress(OSError):
                say(shown.getvalue().removesuffix("\n"), to=sys.stderr)
            return USAGE
        case click.Abort() | KeyboardInterrupt() | Terminated():
            words = str(error.__cause__ or error)  # click makes an Abort of it
            if words:
                complain(words)
            return TERMINATED if isinstance(error, Terminated) else INTERRUPTED
        case BrokenPipeError() | SystemExit():
            hush()  # whoever read our output had enough; click makes an exit of it
            return PASS
        case OSError() if error.errno in NO_ROOM:
            hush()  # nothing more can be written there: the interpreter's own flush at the end would complain
    known = in_words(error)
    if known is not None:
        complain(str(known))
        return ENVIRONMENT if isinstance(known, EnvironmentFault) else USAGE
    kept = keep_traceback(error)
    complain(f"a bug in harness itself: {type(error).__name__}: {error}\n  its traceback {kept}")
    return ENVIRONMENT


def main() -> None:
    """The entry point."""
    open_closed_streams()
    sys.exit(guarded(lambda: cli(standalone_mode=False)))


if __name__ == "__main__":
    main()
