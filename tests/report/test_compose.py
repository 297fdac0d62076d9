import json
import shutil
from pathlib import Path

import pytest

from harness.errors import EnvironmentFault
from harness.report import compose
from harness.report.compose import write_report
from tests.report import synthetic

WRITTEN = ("report.html", "report.md", "junit.xml", "summary.json")


def test_the_report_is_done_again_from_the_files_alone(drawn, tmp_path):
    copy = tmp_path / "years later"
    shutil.copytree(drawn, copy)
    for name in WRITTEN:
        (copy / name).unlink()
    for figure in [*copy.glob("*/*/*.svg"), *copy.glob("*/*/*.png")]:
        figure.unlink()
    assert write_report(copy) == copy / "report.html"
    for name in WRITTEN:
        assert (copy / name).read_bytes() == (drawn / name).read_bytes()


def test_summary_comes_last(tmp_path, monkeypatch):
    synthetic.put_handoff(tmp_path, history=False)
    (tmp_path / "summary.json").write_text("{}")
    monkeypatch.setattr(compose, "draw_run", lambda folder: [])

    def broken(invocation):
        raise EnvironmentFault("disk full")

    monkeypatch.setattr(compose, "junit", broken)
    with pytest.raises(EnvironmentFault, match="disk full"):
        write_report(tmp_path)
    assert (tmp_path / "report.md").exists()
    assert not (tmp_path / "summary.json").exists()


def test_figures_are_kept_while_they_are_newer_than_what_they_show(drawn, monkeypatch):
    drew: list[Path] = []
    monkeypatch.setattr(compose, "draw_run", drew.append)
    write_report(drawn)
    assert drew == []
    write_report(drawn, redraw=True)
    assert sorted(folder.parent.name for folder in drew) == ["half-open", "handoff"]


def test_every_json_carries_its_schema_version(drawn):
    files = [*drawn.glob("*.json"), *drawn.glob("*/*/*.json")]
    assert {path.name for path in files} == {"summary.json", "manifest.json", "plan.json", "verdict.json"}
    found = {path.name: json.loads(path.read_text())["schema_version"] for path in files}
    assert found == {"summary.json": 1, "manifest.json": 1, "plan.json": 2, "verdict.json": 2}


def test_no_temporary_file_is_left(drawn):
    assert list(drawn.rglob(".*")) == []
