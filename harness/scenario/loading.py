"""Loading: from a file, a folder or the name of a bundled scenario to scenarios that are wholly checked."""

import os
from pathlib import Path

from harness.errors import UsageError
from harness.scenario.compiling import check
from harness.scenario.document import Scenario
from harness.scenario.place import nearest
from harness.scenario.project import NO_PROJECT, Project
from harness.scenario.reading import read_file
from harness.units import quote

_PACKAGE = Path(__file__).parent.parent
_HOMES = (_PACKAGE / "scenarios", _PACKAGE.parent / "scenarios")
"""Where they are once installed, and in a checkout."""


def bundled() -> dict[str, Path]:
    """Return the scenarios that ship, by name, in order."""
    for home in _HOMES:
        if found := sorted(home.glob("*.yaml")):
            return {path.stem: path for path in found}
    return {}


def find(name_or_path: str) -> list[Path]:
    """Return a file, a folder's ``*.yaml`` in order, or the bundled scenario of this name (``handoff``).

    What exists here goes before what is bundled. Raises ``UsageError``, with the nearest name, where there is neither.
    """
    if not name_or_path:
        raise UsageError('expected a file, a folder or the name of a bundled scenario, got ""')
    path = Path(name_or_path)
    try:
        if path.is_dir():
            if found := sorted(file for file in path.glob("*.yaml") if file.is_file()):
                return found
            raise UsageError(f"{quote(name_or_path)} is a folder without *.yaml files")
        if path.exists():
            return [path]
    except (OSError, ValueError) as error:
        raise UsageError(f"{quote(name_or_path)} cannot be read: {error}") from None
    known = bundled()
    if name_or_path in known:
        return [known[name_or_path]]
    hint = nearest(path.stem, known)
    raise UsageError(
        f"{quote(name_or_path)} is no file, no folder and no bundled scenario{hint}: bundled are {', '.join(known)}"
    )


def load(path: str | os.PathLike[str], *, shown_as: str | None = None, project: Project | None = None) -> Scenario:
    """Return the scenario of a file, wholly checked. ``shown_as`` is the file's name in problems and plans.

    ``project`` knows the clients that ``harness.toml`` names.

    Raises ``ScenarioError`` with every problem, each with line and column; nothing is started.
    """
    path = Path(path)
    scenario, noted = read_file(path, str(path) if shown_as is None else shown_as)
    check(scenario, noted, project or NO_PROJECT)
    return scenario
