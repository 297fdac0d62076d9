"""What is left of an invocation outside its folder: its results on standard output, and files where CI looks."""

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.console import hush, say, wants_colour

if TYPE_CHECKING:
    from harness.errors import Problem
    from harness.report.folder import Invocation


def show(results: "Invocation", page: Path, options: dict[str, Any]) -> None:
    """Print the results on standard output in the format asked for."""
    from harness.report.formats import render  # noqa: PLC0415
    from harness.report.terminal import Style  # noqa: PLC0415

    style = Style(
        colour=wants_colour(options["color"], sys.stdout),
        verbosity=-1 if options.get("quiet") else options.get("verbose", 0),
    )
    text = render(results, options["output"], report=shown_path(page), style=style)
    try:
        say(text.removesuffix("\n"), coloured=style.colour, commands=options["output"] == "github")
    except BrokenPipeError:
        hush()  # a reader that had enough changes no verdict, nor what is still to be written


def complain(message: str) -> None:
    """Say what went wrong on standard error, if anybody can hear it."""
    from harness.report.redact import redact  # noqa: PLC0415 - only where something went wrong

    with contextlib.suppress(OSError, ValueError):  # nobody listens, or the stream is closed
        say(redact(message) if ": error: " in message else f"harness: {redact(message)}", to=sys.stderr)


def shown_path(path: Path) -> str:
    """The path as a user would type it here, through ``latest`` where that is what it is."""
    latest = path.parent.parent / "latest"
    if latest.is_symlink() and os.path.realpath(latest) == os.path.realpath(path.parent):
        path = latest / path.name
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def copy_junit(folder: Path, target: Path) -> None:
    """Put junit.xml where CI looks for it."""
    from harness.files import read_bytes  # noqa: PLC0415
    from harness.report.folder import write_bytes  # noqa: PLC0415

    write_bytes(target, read_bytes(folder / "junit.xml"))


def step_summary(folder: Path) -> None:
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
