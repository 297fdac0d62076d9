"""The terminal and the standard streams, in whatever state our starter left them.

``say`` is the one way to them: what a file, a name, a server or a client said steers no terminal there.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any, NoReturn, TextIO

from harness.escaping import no_command, painted, visible
from harness.extras import TERMINAL


def wants_colour(choice: str, stream: Any) -> bool:
    """Colour only on a terminal, and never where ``NO_COLOR`` is set, unless asked for."""
    if choice == "auto":
        return bool(stream.isatty()) and not os.environ.get("NO_COLOR")
    return choice == "always"


def redraws(choice: str, stream: Any) -> bool:
    """Return whether progress redraws itself on a stream: a terminal, with rich installed, and not forbidden."""
    return bool(stream.isatty()) and choice != "never" and TERMINAL.installed


def say(text: str = "", *, to: TextIO | None = None, coloured: bool = False, commands: bool = False) -> None:
    """Print text and a line's end on standard output, or ``to`` another stream, at once.

    Whatever could steer a terminal is written out, and what the stream's encoding lacks. ``coloured``: our own colours
    are let through. ``commands``: lines of it are meant for a CI's runner, and the rest is escaped already.

    Raises ``OSError`` where the reader has gone, or nothing more can be written.
    """
    stream = to or sys.stdout
    shown = painted(text) if coloured else visible(text)
    shown = shown if commands else no_command(shown)
    encoding = stream.encoding or "utf-8"
    stream.write(shown.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()


class Terminated(BaseException):
    """SIGTERM came."""


@contextlib.contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM raise ``Terminated`` here, as SIGINT raises ``KeyboardInterrupt``: what was begun is cleared away."""

    def end(*_: object) -> NoReturn:
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def hush() -> None:
    """Let standard output go nowhere from here on: the interpreter's own flush at the end would complain else."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def open_closed_streams() -> None:
    """Open the standard streams that our starter closed: a file of ours would get their numbers, and our words.

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
    """Write the traceback of an exception to a file of its own; return where it is: ``is in /tmp/…``."""
    import tempfile  # noqa: PLC0415
    import traceback  # noqa: PLC0415

    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="harness-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            traceback.print_exception(error, file=file)
    except OSError as failure:
        return f"could not be kept ({failure.strerror})"
    return f"is in {file.name}"
