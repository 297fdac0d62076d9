"""Environments of their own for what is installed: they have the distributions named and what these need, and no more.

Each is made of links to what this environment has, so it takes no network and a fraction of a second.
"""

import json
import subprocess
import tomllib
import venv
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def make(folder, requirements, *, checkout=True):
    """Make an environment with these requirements and, unless told otherwise, this checkout; return its Python."""
    venv.create(folder, with_pip=False)
    found = next(folder.glob("lib/python*/site-packages"))
    if checkout:
        (found / "checkout.pth").write_text(f"{ROOT}\n")
    for name in sorted(needed(requirements)):
        link(metadata.distribution(name), found)
    return folder / "bin" / "python"


def light(*extras):
    """Return what ``pip install 'harness[…]'`` brings."""
    optional = PROJECT["optional-dependencies"]
    return [*PROJECT["dependencies"], *(one for extra in extras for one in optional[extra])]


def needed(requirements):
    """The names of distributions that these requirements bring, their own requirements included."""
    names, waiting = set(), list(requirements)
    while waiting:
        one = Requirement(waiting.pop())
        extras = [*one.extras, ""]
        if one.marker is not None and not one.marker.evaluate():
            continue
        if one.name in names:
            continue
        names.add(one.name)
        for text in metadata.requires(one.name) or ():
            inner = Requirement(text)
            if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in extras):
                inner.marker = None
                waiting.append(str(inner))
    return names


def link(distribution, target):
    """Link the packages, modules and metadata of a distribution into an environment."""
    for top in {file.parts[0] for file in distribution.files if not file.parts[0].startswith("..")} - {"__pycache__"}:
        if not (target / top).exists():
            (target / top).symlink_to(Path(distribution.locate_file(top)))


def run(python, *arguments, cwd, **variables):
    """Run that Python to its end, with these variables and no others."""
    return subprocess.run(
        [python, *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=120,
        env={"PATH": "/usr/bin:/bin", **variables},
    )  # fmt: skip


def harness(python, *arguments, cwd, **variables):
    """Run the command there."""
    return run(python, "-m", "harness", *arguments, cwd=cwd, **variables)


def imported(python, *modules, cwd):
    """The names of all modules that are loaded once these are."""
    told = "import sys, json, importlib\nfor name in sys.argv[1:]: importlib.import_module(name)\n"
    done = run(python, "-c", told + "print(json.dumps(sorted(sys.modules)))", *modules, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
