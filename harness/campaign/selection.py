"""The selection of plans: the files and names asked for, narrowed, repeated and sharded. Nothing is started here."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from harness.errors import NOT_JSON, Problem, ScenarioError, UsageError
from harness.files import read_bytes
from harness.report.folder import SUMMARY, run_folder_name, safe_name
from harness.report.wording import plural
from harness.scenario import Plan, Project, Scenario, find, load, plans
from harness.world import real, virtual

BOTH = "both"
"""Each plan in either world."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The choice of runs: ``targets`` are files, folders, bundled names, or scenarios; the rest narrows them."""

    targets: tuple[str | Scenario, ...] = ()
    client: str | None = None
    seed: int | None = None
    select: Mapping[str, str] = {}
    timeout: float | None = None
    word: str = ""  # of the name, the title or the story
    failed_in: Path | None = None  # only what did not pass in this results folder
    repeat: int = 1  # each plan so many times, with seeds counting up
    shard: tuple[int, int] = (1, 1)  # the first of one
    world: str = real.NAME


def nothing(_said: str) -> None:
    """Drop a message: the default listener."""


def chosen(choice: Choice, project: Project | None, tell: Callable[[str], None] = nothing) -> list[Plan]:
    """Return every plan, in the order of the files; ``tell`` is told of each scenario that this world leaves out.

    Raises ``UsageError`` with all mistakes of all files.
    """
    found: list[Plan] = []
    problems: list[Problem] = []
    for target in files(choice.targets):
        try:
            scenario = target if isinstance(target, Scenario) else load(target, project=project)
            if matches(scenario, choice.word):
                found.extend(_of(scenario, choice, project))
        except ScenarioError as error:
            problems.extend(error.problems)
    if problems:
        raise ScenarioError(tuple(problems))
    if not found:
        raise UsageError(f'no scenario matched: none speaks of "{choice.word}" (-k)')
    if choice.world == real.NAME:
        found = _without_virtual(found, tell)
    if choice.failed_in is not None:
        failed = not_passed(choice.failed_in)
        found = [plan for plan in found if not failed.isdisjoint(_names(plan))]
        if not found:
            raise UsageError(f"no scenario matched: none of these failed in {choice.failed_in} (--failed)")
    index, count = choice.shard
    chosen_part = found[index - 1 :: count]
    if not chosen_part:
        raise UsageError(
            f"no scenario matched: part {index} of {count} of {plural(len(found), 'run')} is empty (--shard)"
        )
    found = chosen_part
    return found if choice.world != BOTH else [twin for plan in found for twin in _twins(plan)]


def _twins(plan: Plan) -> tuple[Plan, ...]:
    """Return a plan in either world that it may run in."""
    return (plan,) if plan.world == virtual.NAME else (plan, _virtual(plan))


def _without_virtual(found: list[Plan], tell: Callable[[str], None]) -> list[Plan]:
    """Leave out what runs in virtual time only, and tell it. Raises ``UsageError`` where nothing is left."""
    names = list(dict.fromkeys(plan.name for plan in found if plan.world == virtual.NAME))
    left = [plan for plan in found if plan.world != virtual.NAME]
    if names and not left:
        raise UsageError(f"too long for real sockets, and to be run with --world virtual: {', '.join(names)}")
    for name in names:
        tell(f"left out, being too long for real sockets (--world virtual runs it): {name}")
    return left


def _virtual(plan: Plan) -> Plan:
    return msgspec.structs.replace(plan, world=virtual.NAME)


MOST_RUNS = 10_000
"""Of one scenario: their plans are in memory together."""


def files(targets: tuple[str | Scenario, ...]) -> list[Path | Scenario]:
    """Return the scenario files named, and the scenarios given; those of ``scenarios/`` here when none is.

    Raises ``UsageError`` where none is named and there is no such folder, or a target names no scenario.
    """
    if not targets and not Path("scenarios").is_dir():
        raise UsageError(
            "no scenario named, and there is no folder scenarios/ here: try `harness run handoff`, or `harness list`"
        )
    found: list[Path | Scenario] = []
    for target in targets or ("scenarios",):
        found += [target] if isinstance(target, Scenario) else [path for path in find(target) if path not in found]
    return found


def matches(scenario: Scenario, word: str) -> bool:
    """Return whether a scenario speaks of this."""
    return word.casefold() in f"{scenario.name} {scenario.scenario} {scenario.about}".casefold()


def _of(scenario: Scenario, choice: Choice, project: Project | None) -> list[Plan]:
    def with_seed(seed: int | None) -> list[Plan]:
        return plans(
            scenario,
            seed=seed,
            client=choice.client,
            select=choice.select,
            limit=choice.timeout,
            world=real.NAME if choice.world == BOTH else choice.world,
            project=project,
        )

    first = with_seed(choice.seed)
    if len(first) * choice.repeat > MOST_RUNS:
        raise UsageError(f"expected at most {MOST_RUNS} runs of a scenario, got {len(first) * choice.repeat}")
    # Seeds count up from the scenario's own, so that a repetition can be replayed by its number.
    return first + [plan for turn in range(1, choice.repeat) for plan in with_seed(first[0].seed + turn)]


def _names(plan: Plan) -> set[str]:
    """Return every name by which a summary may speak of this plan."""
    title = f"{plan.name} {plan.variant}".strip()
    return {title, f"{title} seed {plan.seed}", f"{safe_name(plan.name)}/{run_folder_name(plan)}"}


def not_passed(folder: Path) -> set[str]:
    """Return the names of every run in a results folder that did not pass, has no verdict, or was never started.

    Raises ``UsageError`` where the folder has no readable summary of this harness.
    """
    path = folder / SUMMARY
    try:
        summary = json.loads(read_bytes(path))
        failed = {f"{run['name']} {run['variant']}".strip() for run in summary["runs"] if run["word"] != "pass"}
        return failed.union(summary["not_run"], summary.get("unjudged", ()))
    except OSError as error:
        raise UsageError(f"--failed: cannot read {path}: {error.strerror}; run something first") from error
    except (*NOT_JSON, KeyError, TypeError) as error:
        raise UsageError(f"--failed: {path} is no summary of this harness") from error


def parse_shard(text: str) -> tuple[int, int]:
    """``2/4`` as (2, 4). Raises ``UsageError`` for anything else."""
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise UsageError(f"--shard takes a part and a whole, such as 1/4, not {text!r}")
    return int(index), int(count)
