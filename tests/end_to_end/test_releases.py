"""Shipped scenarios, and a path whose shape changes under open connections, through each release of Toxiproxy."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .command import environment, latest

pytestmark = pytest.mark.slow

SHIPPED = ("handoff", "captive-portal")
SCENARIOS = Path(__file__).parents[2] / "scenarios"
RESHAPED = """\
scenario: a shape that changes under an open stream
job: {lasts: 12s, updates: every 50ms}
paths: {wifi: wifi, cellular: lte}
timeline:
  2s:  {wifi: 3g over 2s}
  6s:  {wifi: sliced to 40B}
  8s:  {wifi: lte}
  10s: {device: [joins cellular, prefers cellular]}
"""
RELEASES = {
    "2.12.0": ("toxiproxy-server", "git (2.6 or later)"),
    "2.5.0": ("toxiproxy-server-2.5.0", "git (2.1 to 2.5)"),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The same scenarios on all releases at once: the folder, exit code and output of each."""
    begun = {}
    for release, (name, _) in RELEASES.items():
        if (program := shutil.which(name)) is not None:
            folder = tmp_path_factory.mktemp("release")
            for shipped in SHIPPED:
                shutil.copy(SCENARIOS / f"{shipped}.yaml", folder)
            (folder / "reshaped.yaml").write_text(RESHAPED)
            command = [
                sys.executable,
                "-m",
                "harness",
                "run",
                ".",
                "--toxiproxy",
                program,
                "-j",
                "3",
                "--figures",
                "none",
            ]
            begun[release] = (
                folder,
                subprocess.Popen(
                    command, cwd=folder, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
                ),
            )
    return {
        release: (folder, process.communicate()[0], process.returncode) for release, (folder, process) in begun.items()
    }


@pytest.mark.parametrize("release", RELEASES)
def test_shipped_scenarios_run_through_this_release(runs, release):
    """Unknown is no pass, and no fault either: another run may have had the machine."""
    name, version = RELEASES[release]
    if release not in runs:
        pytest.skip(f"no {name} on PATH; CI installs it")
    folder, said, code = runs[release]
    assert code in {0, 4}, said
    verdicts = {path.parent: json.loads(path.read_text()) for path in sorted(latest(folder).glob("*/*/verdict.json"))}
    assert {path.parent.name for path in verdicts} == {*SHIPPED, "reshaped"}
    for path, verdict in verdicts.items():
        assert verdict["word"] in {"pass", "unknown"}, (path, said)
        assert verdict["trust"]["facts"]["toxiproxy"] == "real"
        assert verdict["trust"]["facts"]["toxiproxy version"] in {version, release}
        assert (path / "harness.log").read_text() == ""
