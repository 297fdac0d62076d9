"""Scenario files: ``harness check``, ``explain``, ``schema``, ``init`` and ``list``. None of them starts anything."""

import json
import sys
from pathlib import Path

import click

from harness.commands.options import Command, Filled, assignments
from harness.commands.showing import tell_problem
from harness.console import say
from harness.errors import EnvironmentFault, ScenarioError, UsageError
from harness.escaping import on_one_line
from harness.exits import PASS, USAGE
from harness.scenario import bundled, find, find_project, load, plans, template, warned
from harness.scenario import explain as explained
from harness.scenario import schema as schema_of_files


@click.command(cls=Command)
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


@click.command(cls=Command)
@click.argument("target", metavar="FILE·NAME")
@click.option("--client", metavar="NAME", help="The client under test, in place of the scenario's own.")
@click.option("--seed", type=int, help="The seed of all draws.")
@click.option("--set", "chosen", multiple=True, metavar="NAME=VALUE", help="Only these variants of a sweep.")
def explain(target: str, client: str | None, seed: int | None, chosen: tuple[str, ...]) -> int:
    """Show what a scenario compiles to: its timeline with all draws, the toxics and gate commands, the limits."""
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


@click.command(cls=Command)
def schema() -> int:
    """A JSON Schema of scenario files, for editors."""
    say(json.dumps(schema_of_files(), indent=2, ensure_ascii=False))
    return PASS


@click.command(cls=Command)
@click.argument("file", type=Filled(), default=Path("scenarios/first.yaml"))
def init(file: Path) -> int:
    """Write a commented first scenario."""
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


@click.command("list", cls=Command)
def list_scenarios() -> int:
    """The bundled scenarios, with their stories."""
    scenarios = list(map(load, bundled().values()))
    width = max((len(scenario.name) for scenario in scenarios), default=0) + 2
    for scenario in scenarios:
        alone = " (in virtual time only)" if scenario.world == "virtual" else ""
        say(f"{scenario.name:<{width}}{scenario.scenario}{alone}")
        say(click.wrap_text(" ".join(str(scenario.about).split()), 100, "    ", "    ") + "\n")
    return PASS
