"""The exceptions of the harness: the class of each says who is to blame, and ``cli`` knows its exit code.

A broken invariant of our own is an ``assert``, never one of these.
"""

from dataclasses import dataclass

from harness.escaping import on_one_line

NOT_JSON = (ValueError, RecursionError)
"""Exceptions of msgspec for bytes that are no JSON of the type asked for: its own errors and those of UTF-8 are
``ValueError``; brackets nested too deeply are ``RecursionError``."""


class HarnessError(Exception):
    """Something a user has to be told, in words, without a traceback."""


@dataclass(frozen=True)
class Problem:
    """One mistake in a file. ``line`` and ``column`` count from 1; 0 means "the file as a whole".

    ``level`` is ``error``, or ``warning`` for what can be run and should not be meant.
    """

    file: str
    line: int
    column: int
    message: str
    level: str = "error"

    def __str__(self) -> str:
        """Return ``file:line:column: error: message``, the form editors and CI annotate."""
        file = on_one_line(self.file)
        where = f"{file}:{self.line}:{self.column}" if self.line else file
        return f"{where}: {self.level}: {on_one_line(self.message)}"


class UsageError(HarnessError):
    """The caller's input is wrong: an option, a name, a file. Exit code 2; nothing was started."""


class ScenarioError(UsageError):
    """A scenario file is wrong. Carries every problem found in it, in file order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        assert problems
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class EnvironmentFault(HarnessError):
    """This machine cannot do what the run needs: a port, a permission, a disk, a program. Exit code 3.

    The message says what to do about it.
    """


class OutOfFiles(EnvironmentFault):
    """The process, or the machine, has no file descriptor or memory left for another socket. It may have one later."""


class ToxiproxyFault(EnvironmentFault):
    """The Toxiproxy server is missing, refused a call, or stopped answering."""


class PeerError(HarnessError):
    """The other side of a connection broke its protocol."""


class BadRecords(HarnessError):
    """A results folder cannot be judged: not a history, or one of a newer schema. Exit code 2."""


def leaf(error: BaseException) -> BaseException:
    """Return what an exception group is about: its first error of ours if it has one, else its first leaf."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    ours = error.subgroup(HarnessError)
    return leaf((ours or error).exceptions[0])
