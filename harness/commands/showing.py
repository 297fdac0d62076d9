"""The output of an invocation outside its folder: its results on standard output, and files where CI looks."""

import contextlib
import os
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.console import hush, say, wants_colour
from harness.errors import EnvironmentFault

if TYPE_CHECKING:
    from harness.errors import Problem
    from harness.report.folder import Invocation


def show(results: "Invocation", page: Path | None, options: dict[str, Any]) -> None:
    """Print the results on standard output in the format asked for."""
    from harness.report.formats import render  # noqa: PLC0415
    from harness.report.terminal import Style  # noqa: PLC0415

    style = Style(
        colour=wants_colour(options["color"], sys.stdout),
        verbosity=-1 if options.get("quiet") else options.get("verbose", 0),
    )
    text = render(results, options["output"], report=shown_path(page) if page else "", style=style)
    try:
        say(text.removesuffix("\n"), coloured=style.colour, commands=options["output"] == "github")
    except BrokenPipeError:
        hush()  # a reader that had enough changes no verdict, nor what is still to be written


def complain(message: str) -> None:
    """Say what went wrong on standard error, if it is open: in lines of a terminal.

    Mistakes in files keep a line each, as editors and CI want them.
    """
    from harness.report.redact import redact  # noqa: PLC0415 - only where something went wrong

    said = redact(message)
    if ": error: " not in said:
        said = "\n".join(_filled(line) for line in f"harness: {said}".splitlines())
    with contextlib.suppress(OSError, ValueError):  # the reader has gone, or the stream is closed
        say(said, to=sys.stderr)


def _filled(line: str) -> str:
    """Return a line as lines of at most 100 columns, indented as it is; a word that is longer is left whole."""
    indent = " " * (len(line) - len(line.lstrip(" "))) or "  "
    return textwrap.fill(line, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def shown_path(path: Path) -> str:
    """Return the path as a user would type it here, through ``latest`` where that is what it is."""
    latest = path.parent.parent / "latest"
    if latest.is_symlink() and os.path.realpath(latest) == os.path.realpath(path.parent):
        path = latest / path.name
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def make_room(options: dict[str, Any]) -> None:
    """See that junit.xml can be written where it is wanted, before anything is started.

    Raises ``EnvironmentFault`` where it cannot.
    """
    target = options.get("junit")
    if target is None:
        return
    from harness.report.folder import write_bytes  # noqa: PLC0415

    if target.is_dir():
        raise EnvironmentFault(f"cannot write {target}: it is a folder")
    probe = target.parent / f".{target.name}.probe"
    try:
        write_bytes(probe, b"")
    except EnvironmentFault as error:
        raise EnvironmentFault(str(error).replace(str(probe), str(target))) from error
    probe.unlink(missing_ok=True)


def hand_out(page: Path, options: dict[str, Any]) -> None:
    """Put copies of the report where the options, and a GitHub job, want them; open it where asked to.

    Raises ``EnvironmentFault`` where junit.xml cannot be written.
    """
    from harness.files import read_bytes  # noqa: PLC0415
    from harness.report.folder import write_bytes  # noqa: PLC0415

    if options.get("junit") is not None:
        write_bytes(options["junit"], read_bytes(page.parent / "junit.xml"))
    _step_summary(page.parent)
    if options.get("open_page"):
        click.launch(page.absolute().as_uri())


def _step_summary(folder: Path) -> None:
    """Append report.md to the page of a GitHub job, when this is one."""
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if not target:
        return
    try:
        with Path(target).open("a", encoding="utf-8") as file:
            file.write((folder / "report.md").read_text(encoding="utf-8"))
    except OSError as error:
        complain(f"cannot write the step summary: {error.strerror}")


def tell_problem(problem: "Problem", output: str) -> None:
    """Print one problem of a file: on standard error, or as an annotation of ``github`` on standard output."""
    if output != "github":
        say(str(problem), to=sys.stderr)
        return
    from harness.report.formats import annotation_of  # noqa: PLC0415

    say(annotation_of(problem), commands=True)
