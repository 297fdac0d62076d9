"""The package as pip installs it from a checkout. Only what builds it comes over a network."""

import subprocess
import sys

import pytest

from tests import environments
from tests.environments import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of an environment where pip put the package beside what it requires."""
    folder = tmp_path_factory.mktemp("installed")
    python = environments.make(folder, environments.light(), checkout=False)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(ROOT)]
    done = subprocess.run(pip, capture_output=True, text=True, check=False, timeout=300)
    for lacking in ("No module named pip", "No matching distribution found for hatchling"):
        if lacking in done.stderr:
            pytest.skip(f"the package cannot be built here: {lacking}")
    assert done.returncode == 0, done.stderr
    return folder


def harness(installed, *arguments, cwd):
    return subprocess.run(
        [installed / "bin" / "harness", *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=120
    )


def test_every_file_of_the_package_and_every_scenario_that_ships_is_installed(installed):
    there = next(installed.glob("lib/python*/site-packages/harness"))
    shipped = {path.relative_to(ROOT / "harness") for path in (ROOT / "harness").rglob("*") if path.is_file()}
    shipped = {path for path in shipped if "__pycache__" not in path.parts}
    shipped |= {path.relative_to(ROOT) for path in (ROOT / "scenarios").glob("*.yaml")}
    assert {str(path) for path in shipped if not (there / path).is_file()} == set()


def test_a_shipped_scenario_runs_by_its_bare_name_anywhere(installed, tmp_path):
    done = harness(installed, "run", "handoff", "--world", "virtual", "--set", "gap=500ms", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(
        "report  results/latest/report.md\n        pictures and page: pip install 'harness[report]'\n"
    )
