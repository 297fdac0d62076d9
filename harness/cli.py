"""The command line: the outermost ring, and the only place that turns exceptions into exit codes.

Exit codes: 0 pass · 1 fail · 2 usage or a bad file · 3 environment, or void · 4 unknown · 130 and 143 interrupted.
A command's module is imported when the command is called, so that ``harness --help`` stays under 100 ms.
"""

import contextlib
import importlib
import io
import sys
from collections.abc import Callable
from typing import NamedTuple

import click

import harness
from harness.commands.showing import complain
from harness.console import Terminated, hush, keep_traceback, open_closed_streams, say
from harness.errors import EnvironmentFault, leaf
from harness.exits import ENVIRONMENT, INTERRUPTED, PASS, TERMINATED, USAGE
from harness.trouble import NO_ROOM, in_words


class ListedCommand(NamedTuple):
    """A command in the list of all: the module of ``harness.commands`` and the function there, and one line of help."""

    module: str
    function: str
    help: str


COMMANDS = {
    "check": ListedCommand("scenarios", "check", "Validate scenario files: every mistake at once."),
    "doctor": ListedCommand("doctor", "doctor", "Check what this machine can do."),
    "explain": ListedCommand("scenarios", "explain", "Show what a scenario compiles to: timeline, draws, limits."),
    "fuzz": ListedCommand("searching", "fuzz", "Invent timelines until one breaks the client."),
    "help": ListedCommand("topics", "help_topic", "Explain a law, a word of the language, or the mutants."),
    "init": ListedCommand("scenarios", "init", "Write a commented first scenario."),
    "judge": ListedCommand("results", "judge", "Judge recorded runs again, from their files alone."),
    "list": ListedCommand("scenarios", "list_scenarios", "The bundled scenarios, with their stories."),
    "merge": ListedCommand("results", "merge", "Join the results of shards into one."),
    "mutants": ListedCommand("searching", "mutants", "Prove that scenarios catch broken clients."),
    "report": ListedCommand("results", "report", "Draw the report of recorded runs again."),
    "run": ListedCommand("running", "run", "Run scenarios, judge them, report."),
    "schema": ListedCommand("scenarios", "schema", "A JSON Schema of scenario files, for editors."),
    "serve": ListedCommand("servers", "serve", "The reference job server alone, until Ctrl-C."),
    "toxiproxy": ListedCommand("servers", "toxiproxy", "The embedded Toxiproxy alone, until Ctrl-C."),
}

LATER = {
    "compare": "two results, held against each other",
    "matrix": "scenarios by clients",
    "bench": "repeated runs for figures",
    "client": "the contract of foreign clients",
}


class Commands(click.Group):
    """The commands listed in ``COMMANDS``, with a hint for an unknown word and a refusal for a reserved one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in order."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module and return the command; None for a name that is none."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        entry = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(f"harness.commands.{entry.module}"), entry.function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].help) for name in sorted(COMMANDS)])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuse what is not built by name, and offer the nearest word for what is unknown."""
        name = args[0]
        if name in COMMANDS:
            return super().resolve_command(ctx, args)
        if name in LATER:
            raise click.UsageError(f"`harness {name}` ({LATER[name]}) is not built yet")
        from harness.scenario.place import nearest  # noqa: PLC0415 - only where a word is unknown

        hint = nearest(name, COMMANDS)
        raise click.UsageError(f"no such command: {name or repr(name)}{hint}; `harness --help` lists them all")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(harness.__version__, prog_name="harness")
def cli() -> None:
    """Does your Server-Sent Events client survive the walk out of the door?

    \b
    harness run handoff                     the reference client walks out of the door
    harness run scenarios/handoff.yaml      the same, from a file
    harness run half-open --client as-shipped
    """  # noqa: D301 - the mark that click wants is that character itself


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
            hush()  # the reader of our output had enough; click makes an exit of it
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
