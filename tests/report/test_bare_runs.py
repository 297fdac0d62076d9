"""Runs that lack something (deeds, events, an end, a history, a verdict): every output says so, and none fails."""

import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from harness.history import History, read_history
from harness.history import records as r
from harness.history.journal import Journal
from harness.judge.judge import judge
from harness.report.compose import write_report
from harness.report.folder import read_results
from harness.report.formats import FORMATS, render
from harness.report.terminal import Style
from harness.scenario.model import Plan
from tests.report import synthetic


def baseline() -> Plan:
    return msgspec.structs.replace(synthetic.handoff_plan(), name="baseline", deeds=(), expect=(), variant="")


def put(folder: Path, plan: Plan, history: History) -> Path:
    return synthetic.put(folder, plan, judge(plan, history))


def first_record() -> r.Run:
    return r.Run(zero_ns=0, scenario="x", variant="", client="x", world="real", seed=7, t_ns=1)


def without_deeds(folder: Path) -> None:
    run = put(folder, baseline(), History([]))
    path = run / "history.jsonl.gz"
    synthetic.handoff_history(synthetic.handoff_plan(), path, outage=(20.0, 22.0))
    kept = [record for record in read_history(path).records if not isinstance(record, r.DeedDone | r.Canary)]
    path.unlink()
    with Journal(path, lambda: 1) as journal:
        for record in kept:
            journal.write(record)


def without_events(folder: Path) -> None:
    records = [first_record(), r.End(reason="done", seq=2, t_ns=2)]
    run = put(folder, synthetic.handoff_plan(), History(records))
    with Journal(run / "history.jsonl.gz", lambda: 1) as journal:
        journal.write(records[0])
        journal.write(records[1])


def aborted(folder: Path) -> None:
    put(folder, synthetic.handoff_plan(), History([first_record(), r.End(reason="interrupted", seq=2, t_ns=10**9)]))


def killed(folder: Path) -> None:
    run = synthetic.put_handoff(folder)
    cut = run / "history.jsonl.gz"
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])


def with_an_empty_history(folder: Path) -> None:
    run = put(folder, synthetic.handoff_plan(), History([], truncated=True))
    (run / "history.jsonl.gz").write_bytes(b"")


def without_a_history(folder: Path) -> None:
    put(folder, synthetic.half_open_plan(), History([], truncated=True))


def beside_one_without_a_verdict(folder: Path) -> None:
    synthetic.put_handoff(folder, 5.0, history=False)
    (synthetic.put_handoff(folder, history=False) / "verdict.json").unlink()


def without_any_verdict(folder: Path) -> None:
    (synthetic.put_handoff(folder, history=False) / "verdict.json").unlink()


CASES = (without_deeds, without_events, aborted, killed, with_an_empty_history, without_a_history,
         beside_one_without_a_verdict, without_any_verdict)  # fmt: skip


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_every_output_of_a_bare_run_is_written(tmp_path: Path, make: Callable[[Path], None]):
    make(tmp_path)
    page = write_report(tmp_path)
    assert page.read_text().endswith("</html>\n")
    assert "undefined" not in page.read_text()
    assert (tmp_path / "report.md").read_text().startswith("## ")
    assert ET.parse(tmp_path / "junit.xml").getroot().tag == "testsuites"
    assert (tmp_path / "summary.json").exists()
    for verbosity in (-1, 0, 1, 2):
        assert render(read_results(tmp_path), "text", style=Style(verbosity=verbosity)).endswith("\n")
    for name in FORMATS:
        assert render(read_results(tmp_path), name) != "" or name == "jsonl"


def test_a_run_without_deeds_says_that_none_were_planned(tmp_path):
    without_deeds(tmp_path)
    text = write_report(tmp_path).read_text()
    assert "No faults planned" in text
    assert not list(tmp_path.glob("*/*/zoom.png"))
    assert "no faults planned · laws" in render(read_results(tmp_path), "text")


def test_a_killed_run_says_that_its_history_was_cut_short(tmp_path):
    killed(tmp_path)
    run = read_results(tmp_path).runs[0]
    verdict = judge(run.plan, run.history)
    synthetic.put(tmp_path, run.plan, verdict)
    assert "killed (the history was cut short)" in write_report(tmp_path).read_text()


def test_a_run_without_a_verdict_is_named_as_not_run(tmp_path):
    beside_one_without_a_verdict(tmp_path)
    name = "handoff/reference-real-s7-gap=500ms"
    assert f"Not run: {name}" in write_report(tmp_path).read_text()
    text = render(read_results(tmp_path), "text")
    assert f"  no verdict  {name}: it left none\n" in text
    assert "1 passed, 1 without a verdict in" in text


def test_runs_without_any_verdict_are_no_pass(tmp_path):
    without_any_verdict(tmp_path)
    assert "PASS" not in render(read_results(tmp_path), "text")
    assert "PASS" not in write_report(tmp_path).read_text()


def test_a_report_of_a_folder_is_drawn_again_from_a_copy(tmp_path):
    synthetic.put_half_open(tmp_path / "a")
    write_report(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert write_report(tmp_path / "b").read_text() == (tmp_path / "a" / "report.html").read_text()
