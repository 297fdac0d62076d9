"""``harness.toml``: a team's defaults of the command line, and its names for clients.

It is found upward from the working folder. The values of ``[clients.NAME]`` are texts in the words of the scenario
language, so that one grammar reads both.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from harness.errors import Problem, ScenarioError, UsageError
from harness.files import read_bytes, real_path
from harness.scenario.clients import POLICIES, PRESENT, Known, named
from harness.scenario.place import nearest, not_built
from harness.units import parse_duration, quote

FILE = "harness.toml"

LARGEST = 100_000
"""Bytes of the file."""

MOST_JOBS = 64

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_RESERVED = ("attach",)
_LATER = ("command", "url")
_AT = re.compile(r" \(at (?:line ([0-9]+), column ([0-9]+)|end of document)\)$")


class Defaults(NamedTuple):
    """The project's defaults of the command line: None leaves the command's own default."""

    jobs: int | None = None
    seed: int | None = None
    toxiproxy: str | None = None
    out: str | None = None
    timeout: float | None = None  # seconds


class Project(NamedTuple):
    """A ``harness.toml``, read. ``clients`` are all that are known, the presets and mutants among them."""

    file: Path | None = None
    defaults: Defaults = Defaults()
    clients: Mapping[str, Known] = PRESENT


NO_PROJECT = Project()
"""The settings where there is no ``harness.toml``."""


def find_project(start: Path) -> Project | None:
    """Return the project of the nearest ``harness.toml`` in ``start`` or above it, or None.

    Raises ``ScenarioError`` with every problem of the file; its syntax has line and column, its values have their keys.
    """
    folder = real_path(start)
    for home in (folder, *folder.parents):
        if (home / FILE).is_file():
            return _read(home / FILE)
    return None


def _read(path: Path) -> Project:
    data = _parsed(path)
    problems: list[Problem] = []

    def note(where: str, why: object) -> None:
        problems.append(Problem(str(path), 0, 0, f"{where}: {why}"))

    for key in data:
        if key not in {"defaults", "clients"}:
            note(key, f"unknown table{nearest(key, ('defaults', 'clients'))}: expected [defaults] or [clients.NAME]")
    defaults = _defaults(_table(data, "defaults", note), note)
    clients = _clients(_table(data, "clients", note), note)
    if problems:
        raise ScenarioError(tuple(problems))
    return Project(path, defaults, clients)


def _parsed(path: Path) -> dict[str, Any]:
    """Return the tables of the file. Raises ``ScenarioError`` with the place that the parser names."""
    shown = str(path)
    try:
        return tomllib.loads(read_bytes(path, LARGEST).decode())
    except UnicodeDecodeError as error:
        raise ScenarioError((Problem(shown, 0, 0, f"expected UTF-8 text, got byte {error.start + 1}"),)) from None
    except RecursionError:
        raise ScenarioError((Problem(shown, 0, 0, "this is no TOML: too many levels of brackets"),)) from None
    except tomllib.TOMLDecodeError as error:
        text = str(error)
        found = _AT.search(text)
        line, column = (int(found[1] or 0), int(found[2] or 0)) if found else (0, 0)
        what = text if found is None else text[: found.start()]
        raise ScenarioError((Problem(shown, line, column, f"this is no TOML: {what}"),)) from None
    except OSError as error:
        raise ScenarioError((Problem(shown, 0, 0, f"cannot be read: {error.strerror}"),)) from None


Note = Callable[[str, object], None]


def _table(data: Mapping[str, Any], key: str, note: Note) -> dict[str, Any]:
    found = data.get(key, {})
    if isinstance(found, dict):
        return found
    note(key, f"expected a table, got {quote(repr(found))}")
    return {}


def _whole(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise UsageError(f"expected a whole number from {least} to {most}, got {quote(repr(value))}")
        return value

    return read


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f'expected a text in quotes, such as "auto", got {quote(repr(value))}')
    return value


def _timeout(value: Any) -> float:
    seconds = parse_duration(_text(value))
    if not seconds:
        raise UsageError(f"expected more than zero, got {quote(value)}")
    return seconds


_DEFAULTS: Mapping[str, Callable[[Any], Any]] = {
    "jobs": _whole(1, MOST_JOBS),
    "seed": _whole(0, 10**15 - 1),
    "toxiproxy": _text,
    "out": _text,
    "timeout": _timeout,
}


def _defaults(table: Mapping[str, Any], note: Note) -> Defaults:
    found: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _DEFAULTS:
            note(f"defaults.{key}", f"unknown default{nearest(key, _DEFAULTS)}: expected {', '.join(_DEFAULTS)}")
            continue
        try:
            found[key] = _DEFAULTS[key](value)
        except UsageError as refusal:
            note(f"defaults.{key}", refusal)
    return Defaults(**found)


def _clients(table: Mapping[str, Any], note: Note) -> dict[str, Known]:
    """Return every client by name: those that are there anyway, then the file's, each built on one above it."""
    clients = dict(PRESENT)
    for name, settings in table.items():
        try:
            _check_name(name, settings)
        except UsageError as refusal:
            note(f"clients.{name}", refusal)
            continue
        clients[name] = _client(name, settings, clients, note)
    return clients


def _check_name(name: str, settings: object) -> None:
    if name in PRESENT or name in _RESERVED:
        raise UsageError(f"{quote(name)} is taken: expected a name of your own")
    if _NAME.fullmatch(name) is None:
        raise UsageError("expected a name of letters, digits, _ and -, at most 40")
    if not isinstance(settings, dict):
        raise UsageError(f"expected a table such as [clients.{name}], got {quote(repr(settings))}")


def _client(name: str, settings: Mapping[str, Any], clients: Mapping[str, Known], note: Note) -> Known:
    base, fields = clients["reference"], dict[str, Any]()
    for key, value in settings.items():
        try:
            if key == "like":
                base = clients[named(_text(value), clients)]
            else:
                fields |= _policy(key)(_text(value))
        except UsageError as refusal:
            note(f"clients.{name} {key}", refusal)
    return Known(msgspec.structs.replace(base.policies, **fields), base.mutant)


def _policy(key: str) -> Callable[[str], dict[str, Any]]:
    if key in _LATER:
        raise not_built(key)
    if key in {"count", "arrive"}:
        raise UsageError(f"{quote(key)} belongs in a scenario")
    if key not in POLICIES:
        hint = nearest(key, ("like", *POLICIES)) or f": expected one of like, {', '.join(POLICIES)}"
        raise UsageError(f"unknown setting{hint}")
    return POLICIES[key].parse
