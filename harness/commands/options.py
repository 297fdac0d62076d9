"""Options that commands share, and what the texts of options mean: each is read, or refused with ``UsageError``."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

import harness
from harness.errors import EnvironmentFault, UsageError

WARNS = click.Choice(["fail", "warn"])
FORMATS = click.Choice(["text", "json", "jsonl", "github", "junit"])
COLOR = click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour.  [default: on a terminal]"
)


def assignments(chosen: Iterable[str]) -> dict[str, str]:
    """Return ``gap=5s`` as a mapping. Raises ``UsageError`` for a text of another form."""
    pairs = {}
    for item in chosen:
        name, equals, value = item.partition("=")
        if not equals or not name or not value:
            raise UsageError(f"--set takes NAME=VALUE, such as gap=5s, not {item!r}")
        pairs[name] = value
    return pairs


def duration(text: str | None, option: str) -> float | None:
    """Return an option's duration in seconds. Raises ``UsageError``, with the option's name, for anything else."""
    from harness.units import parse_duration  # noqa: PLC0415

    if text is None:
        return None
    try:
        return parse_duration(text)
    except (UsageError, ValueError) as error:
        raise UsageError(f"{option}: {error}") from error


def address(text: str) -> tuple[str, int]:
    """Return ``127.0.0.1:8080``, ``[::1]:8080`` or ``localhost:8080`` as an IP address and a port.

    Raises ``UsageError`` for a text of another form, and for an address that is not loopback.
    """
    from harness.network.kernel import loopback_address  # noqa: PLC0415

    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not (port.isascii() and port.isdecimal()) or int(port[:6]) > 65535 or (":" in host and bare == host):
        raise UsageError(f"--listen takes ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080, not {text!r}")
    try:
        return loopback_address(bare or "localhost"), int(port)
    except EnvironmentFault as fault:
        raise UsageError(f"--listen {text}: {fault}") from fault


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


def verdict_options(command: Callable[..., int]) -> Callable[..., int]:
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
