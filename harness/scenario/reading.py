"""Reading: bytes of a file → texts with their positions. YAML's structure only; every scalar stays the text it is.

The events of the parser are folded on a stack of our own, so nothing recurses and no resolver runs: ``no``, ``010`` and
``1e3`` mean their characters. What the language does not have (anchors, aliases, tags, a second document, tabs,
duplicate keys, empty values) is a problem where it stands. Time and memory are bounded by the file's size, which is
bounded first.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from harness.errors import Problem, ScenarioError
from harness.files import open_regular
from harness.scenario.document import SECTIONS, Data, Mark, Marks, Scenario, Trail
from harness.scenario.place import MOST_PROBLEMS, nearest
from harness.units import quote

LARGEST = 1_000_000
"""Bytes of a file."""

DEEPEST = 8
"""Levels of mappings and lists; the language needs five."""

MOST_VALUES = 5_000

_MOST_OF_A_KIND = 20
_DROPPED = -1  # in a trail: the value of a key that was there already
_LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Stop(Exception):
    """No more can be read of this file; the problem is noted."""


def read_file(path: Path, shown_as: str) -> tuple[Scenario, tuple[Problem, ...]]:
    """Return the document of a file and the problems of its structure, in file order.

    Raises ``ScenarioError`` where there is no document to go on with.
    """
    text = _decoded(_bytes(path, shown_as), shown_as)
    reader = _Reader(shown_as)
    data = reader.read(text)
    if data is None:
        raise ScenarioError(tuple(reader.problems))
    scenario = Scenario(
        **data, name=_in_unicode(path.stem), file=_in_unicode(shown_as), source=text, marks=reader.marks
    )
    return scenario, tuple(reader.problems)


def _in_unicode(name: str) -> str:
    """Return a file's name without the halves of surrogate pairs that stand for bytes of no UTF-8: no JSON has them."""
    return name.encode("utf-8", "backslashreplace").decode()


def _bytes(path: Path, shown_as: str) -> bytes:
    def refused(why: str) -> ScenarioError:
        return ScenarioError((Problem(shown_as, 0, 0, why),))

    try:
        if path.is_dir():
            raise refused("expected a scenario file, got a folder")
        if path.exists() and not path.is_file():
            raise refused("expected a scenario file, got a device or a pipe")
        with open_regular(path) as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise refused("there is no such file") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise refused(f"cannot be read: {why}") from None
    if len(content) > LARGEST:
        raise refused(f"expected at most {LARGEST} bytes, got more")
    return content


def _decoded(content: bytes, shown_as: str) -> str:
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        came = f"the byte 0x{content[error.start]:02x}"
        raise ScenarioError((Problem(shown_as, line, column, f"expected UTF-8 text, got {came}"),)) from None


class _Level:
    """A mapping or list that is being filled. ``key`` is the one whose value comes next."""

    def __init__(self, data: dict[str, Data] | list[Data], trail: Trail, start: Mark) -> None:
        self.data = data
        self.trail = trail
        self.start = start
        self.key: str | None = None
        self.key_mark = start
        self.twice = False  # the key was there already: the first value stays


class _Reader:
    """Folds events into data and marks."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.marks: dict[Trail, Marks] = {}
        self.levels: list[_Level] = []
        self.root: Data | None = None
        self.values = 0

    def note(self, mark: Mark, message: str) -> None:
        self.problems.append(Problem(self.file, mark.line, mark.column, message))

    def read(self, text: str) -> dict[str, Data] | None:
        """Return the top mapping's known sections, or None with problems noted."""
        if not self._scan(text):
            return None
        tabs = bool(self.problems)
        try:
            self._fold(text.replace("\t", " "))
        except _Stop:
            self.root = None
        except yaml.YAMLError as error:
            self.root = None
            if not tabs:  # a tab may be the cause; it is named already
                self._note_syntax(error)
        self.problems.sort(key=lambda problem: (problem.line, problem.column))
        if self.root is None and not self.problems:
            self.note(Mark(1, 1), "the file is empty: expected a scenario, its job and its paths")
        if not isinstance(self.root, dict):
            if not self.problems:
                self.note(Mark(1, 1), 'expected a mapping that begins with "scenario:", got one value or a list')
            return None
        return self._sections(self.root)

    def _scan(self, text: str) -> bool:
        """Note tabs; note characters that no YAML may have, and return False then."""
        for number, line in enumerate(_LINE_END.split(text), 1):
            if "\t" in line and len(self.problems) < _MOST_OF_A_KIND:
                self.note(Mark(number, line.index("\t") + 1), "a tab: expected blanks")
            if found := _UNPRINTABLE.search(line):
                code = f"U+{ord(found[0]):04X}"
                self.note(Mark(number, found.start() + 1), f"expected text, got the control character {code}")
                return False
        return True

    def _fold(self, text: str) -> None:
        documents = 0
        event: Any
        for event in yaml.parse(text, Loader=_Loader):
            mark = Mark(event.start_mark.line + 1, event.start_mark.column + 1)
            if len(self.problems) >= MOST_PROBLEMS:
                raise _Stop
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.note(mark, "a second document: expected one scenario in a file")
                    raise _Stop
            elif isinstance(event, yaml.AliasEvent):
                name = quote(f"*{event.anchor}")
                self.note(mark, f"an alias ({name}): expected the value itself; a text with * needs quotes")
                self._put("alias", mark)
            elif isinstance(event, yaml.NodeEvent):
                self._refuse_decorations(event, mark)
                self._node(event, mark)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close()

    def _refuse_decorations(self, event: Any, mark: Mark) -> None:
        if event.anchor is not None:
            name = quote(f"&{event.anchor}")
            self.note(mark, f"an anchor ({name}): values have no names; a text with & needs quotes")
        if event.tag is not None:
            self.note(mark, f"a tag ({quote(event.tag)}): every value is text; a text with ! needs quotes")

    def _node(self, event: Any, mark: Mark) -> None:
        self.values += 1
        if self.values > MOST_VALUES:
            self.note(mark, f"expected at most {MOST_VALUES} values in a file")
            raise _Stop
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event.value, mark)
            return
        if len(self.levels) >= DEEPEST:
            self.note(mark, f"expected at most {DEEPEST} levels of mappings and lists")
            raise _Stop
        level = self.levels[-1] if self.levels else None
        if level is not None and isinstance(level.data, dict) and level.key is None:
            self.note(mark, "expected a text before the colon, got a mapping or a list")
            raise _Stop
        opened: dict[str, Data] | list[Data] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self.levels.append(_Level(opened, self._put(opened, mark), mark))

    def _scalar(self, text: str, mark: Mark) -> None:
        level = self.levels[-1] if self.levels else None
        if level is not None and isinstance(level.data, dict) and level.key is None:
            self._key(level, text, mark)
            return
        if not text.strip() and level is not None:
            name = f"{quote(level.key)} has" if level.key else "there is"
            self.note(level.key_mark if level.key else mark, f"{name} an empty value: expected text")
        self._put(text, mark)

    def _key(self, level: _Level, text: str, mark: Mark) -> None:
        if not text.strip():
            self.note(mark, "an empty key: expected a name before the colon")
        if text in level.data:
            first = self.marks[(*level.trail, text)].key
            self.note(mark, f"{quote(text)} is there twice: it stands in line {first.line} already")
            level.twice = True
        level.key, level.key_mark = text, mark

    def _put(self, value: Data, mark: Mark) -> Trail:
        """Give the value to the level that waits for it, and return its trail."""
        if not self.levels:
            self.root = value
            self.marks[()] = Marks(mark, mark)
            return ()
        level = self.levels[-1]
        if isinstance(level.data, dict):
            if level.key is None:  # an alias as a key; it is noted already
                level.key, level.key_mark = "*", mark
                return level.trail
            trail: Trail = (*level.trail, level.key)
            if level.twice:
                trail = (*level.trail, _DROPPED)
            else:
                level.data[level.key] = value
            self.marks[trail] = Marks(level.key_mark, mark)
            level.key, level.twice = None, False
        else:
            trail = (*level.trail, len(level.data))
            level.data.append(value)
            self.marks[trail] = Marks(mark, mark)
        return trail

    def _close(self) -> None:
        level = self.levels.pop()
        if not level.data:
            marks = self.marks[level.trail]
            kind = "mapping" if isinstance(level.data, dict) else "list"
            self.note(marks.value, f"an empty {kind}: expected something in it")

    def _sections(self, root: dict[str, Data]) -> dict[str, Data]:
        """Return the sections; others are problems, with the nearest word."""
        for key in root:
            if key not in SECTIONS and len(self.problems) < MOST_PROBLEMS:
                message = f"unknown section {quote(key)}{nearest(key, SECTIONS)}: expected {', '.join(SECTIONS)}"
                self.note(self.marks[(key,)].key, message)
        return {key: value for key, value in root.items() if key in SECTIONS}

    def _note_syntax(self, error: yaml.YAMLError) -> None:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        where = Mark(mark.line + 1, mark.column + 1) if mark is not None else Mark(0, 0)
        what = str(getattr(error, "problem", None) or error).split("\n", 1)[0]
        if "mapping values are not allowed" in what:
            what = 'a second ": " in one text: free text with ": " needs ">" or quotes, settings need braces {…}'
        elif "expected ',' or" in what or "while parsing a flow" in str(error):
            what = f"{what}: a brace or bracket is not closed, or a text in it has a sign that needs quotes"
        self.note(where, f"this is no YAML: {what}")
