"""A place in a document: its text with the variables put in, and the way to complain about it.

Grammar functions take text and raise ``UsageError``; ``Place.read`` turns what they raise into a ``Problem`` with the
place's line and column, and goes on, so that all mistakes of a file are told at once.
"""

import difflib
import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from harness.errors import Problem, UsageError
from harness.scenario.document import Data, Mark, Marks, Trail
from harness.units import quote

T = TypeVar("T")

VARIABLE = re.compile(r"\$([a-z_]*)")
"""Where a name of the sweep stands in a text; an empty name is a mistake."""


MOST_PROBLEMS = 100
"""Told of one file. What is read after so many is left unread, so that no file can make the reading long."""


LONGEST_TEMPLATE = 1_000
"""Characters of a text in which names of the sweep stand: each may stand for ``LONGEST_VALUE`` more."""

LONGEST_VALUE = 200


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `` (did you mean "silent"?)``, or the empty string where nothing known is near."""
    return _nearest(word[:60], tuple(known))


@functools.lru_cache(maxsize=512)  # a sweep meets the same mistake in each of its variants
def _nearest(word: str, known: tuple[str, ...]) -> str:
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f' (did you mean "{found[0]}"?)' if found else ""


def not_built(what: str, where: str = "") -> UsageError:
    """Return the refusal of something the language has and this version does not do; ``where`` is the text it is in."""
    return UsageError(f"{quote(what)} is not built yet" + (f" (in {quote(where)})" if where else ""))


@dataclass
class Book:
    """The facts and problems found while one variant of a document is read."""

    file: str
    marks: Mapping[Trail, Marks]
    variables: Mapping[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """True if no more problems are looked for."""
        return len(self.problems) >= MOST_PROBLEMS

    def mark(self, trail: Trail) -> Marks:
        """Return the position of the nearest thing above that has one: (0, 0) where nothing was read from a file."""
        for length in range(len(trail), -1, -1):
            if found := self.marks.get(trail[:length]):
                return found
        return Marks(Mark(0, 0), Mark(0, 0))

    def substitute(self, text: str) -> str:
        """Return the text with every ``$name`` replaced. Raises ``UsageError`` for a name that the sweep lacks."""

        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name == "env":
                raise UsageError('"$env" belongs in server headers and command, which are not built yet')
            if name not in self.variables:
                shown = quote(match[0])
                if not name:
                    raise UsageError(f"{shown} begins a name of the sweep: expected $name, lower case")
                raise UsageError(f"{shown} is no name of the sweep{nearest(name, self.variables)}")
            return self.variables[name]

        if "$" not in text:
            return text
        if len(text) > LONGEST_TEMPLATE:
            raise UsageError(f"expected at most {LONGEST_TEMPLATE} characters around a $name, got {len(text)}")
        return VARIABLE.sub(value, text)


def _kind(value: object) -> str:
    """Return what a value is, for a message; Python users may hand in anything."""
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, Sequence) else f"{quote(repr(value))} (a {type(value).__name__})"


@dataclass(frozen=True)
class Place:
    """A value of the document and where it stands. ``raw`` places are read as they are: nothing is substituted."""

    book: Book
    trail: Trail
    value: Data
    raw: bool = False

    def fail(self, message: str, *, at_key: bool = False) -> None:
        """Note a problem of this value, or of its key."""
        marks = self.book.mark(self.trail)
        mark = marks.key if at_key else marks.value
        self._note(mark, self.trail, message)

    def _note(self, mark: Mark, trail: Trail, message: str) -> None:
        """Note a problem; its message begins with the way here: ``timeline 10s``, ``client watchdog``."""
        words = [part for part in trail if isinstance(part, str)]
        shown = words[:2] if words[:1] == ["timeline"] else words
        way = " ".join(word if len(word) <= 40 else word[:39] + "…" for word in shown)
        text = f"{way}: {message}" if way else message
        self.book.problems.append(Problem(self.book.file, mark.line, mark.column, text))

    def read(self, parse: Callable[[str], T]) -> T | None:
        """Return what the grammar makes of the text here, or None and a problem noted."""
        if self.book.full:
            return None
        if not isinstance(self.value, str):
            self.fail(f"expected one text, got {_kind(self.value)}")
            return None
        try:
            return parse(self.value if self.raw else self.book.substitute(self.value))
        except UsageError as refusal:
            self.fail(str(refusal))
            return None

    def read_key(self, parse: Callable[[str], T]) -> T | None:
        """Return what the grammar makes of this place's key, or None and a problem noted at the key."""
        key = str(self.trail[-1])
        if self.book.full:
            return None
        try:
            return parse(key if self.raw else self.book.substitute(key))
        except UsageError as refusal:
            self._note(self.book.mark(self.trail).key, self.trail[:-1], str(refusal))
            return None

    def entries(self, example: str) -> list["Place"]:
        """Return the values of the mapping here, in file order; else a problem that shows the ``example``."""
        if isinstance(self.value, Mapping):
            return [Place(self.book, (*self.trail, key), value, self.raw) for key, value in self.value.items()]
        self.fail(f"expected a mapping such as {example}, got {_kind(self.value)}")
        return []

    def items(self, example: str) -> list["Place"]:
        """Return the elements of the list here; else a problem that shows the ``example``."""
        if isinstance(self.value, Sequence) and not isinstance(self.value, str):
            return [Place(self.book, (*self.trail, number), value, self.raw) for number, value in enumerate(self.value)]
        self.fail(f"expected a list such as {example}, got {_kind(self.value)}")
        return []
