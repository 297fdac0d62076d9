"""Results folders as fixtures: without histories where words are enough, drawn once where figures are looked at."""

from pathlib import Path

import pytest

from harness.report.compose import write_report
from harness.report.folder import Invocation, RunResult, read_results
from tests.report import synthetic


@pytest.fixture
def passed(tmp_path: Path) -> Invocation:
    """The hand-over with both gaps, passed."""
    synthetic.put_handoff(tmp_path, 0.5, history=False)
    synthetic.put_handoff(tmp_path, 5.0, history=False)
    synthetic.put_manifest(tmp_path)
    return read_results(tmp_path)


@pytest.fixture
def failed(tmp_path: Path) -> Invocation:
    """The half-open connection with the as-shipped client, failed."""
    synthetic.put_half_open(tmp_path, history=False)
    synthetic.put_manifest(tmp_path, seconds=121.3)
    return read_results(tmp_path)


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole report: a hand-over of 1,602 events that passed, and a half-open connection that failed."""
    folder = tmp_path_factory.mktemp("results")
    synthetic.put_handoff(folder)
    synthetic.put_half_open(folder)
    synthetic.put_manifest(folder, seconds=161.0)
    write_report(folder)
    return folder


@pytest.fixture
def handoff(drawn: Path) -> RunResult:
    """The run that passed, with its history."""
    return next(run for run in read_results(drawn).runs if run.plan.name == "handoff")


@pytest.fixture
def half_open(drawn: Path) -> RunResult:
    """The run that failed, with its history."""
    return next(run for run in read_results(drawn).runs if run.plan.name == "half-open")
