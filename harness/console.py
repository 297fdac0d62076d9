"""The terminal and the standard streams, whatever whoever started us made of them."""

import contextlib
import os
import sys
from typing import Any

import click


def wants_colour(choice: str, stream: Any) -> bool:
    """Colour only on a terminal, and never where ``NO_COLOR`` is set, unless asked for."""
    if choice == "auto":
        return bool(stream.isatty()) and not os.environ.get("NO_COLOR")
    return choice == "always"


def complain(message: str) -> None:
    """Say what went wrong on standard error, if anybody can hear it."""
    with contextlib.suppress(OSError):
        click.echo(message if ": error: " in message else f"harness: {message}", err=True)


def hush() -> None:
    """Let standard output go nowhere from here on: the interpreter's own flush at the end would complain else."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def open_closed_streams() -> None:
    """Open the standard streams that whoever started us closed: a file of ours would get their numbers, and our words.

    Python itself leaves None in their places.
    """
    for number, (name, mode) in enumerate([("stdin", "r"), ("stdout", "w"), ("stderr", "w")]):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def keep_traceback(error: BaseException) -> str:
    """Write the traceback of an exception to a file of its own; return its path."""
    import tempfile  # noqa: PLC0415
    import traceback  # noqa: PLC0415

    with tempfile.NamedTemporaryFile("w", prefix="harness-", suffix=".txt", delete=False, encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    return file.name
