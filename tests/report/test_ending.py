"""An invocation prints what it returns: one word and one exit code, whatever ended the runs, in every output."""

import json
import xml.etree.ElementTree as ET

import msgspec
import pytest

from harness.history import History, read_history
from harness.history import records as r
from harness.history.journal import Journal
from harness.judge.case import Case
from harness.judge.judge import judge
from harness.judge.verdict import LawState, Word
from harness.report import tally
from harness.report.compose import write_pages
from harness.report.folder import read_results
from harness.report.formats import FORMATS, render
from harness.report.terminal import WIDTH, Style
from tests.report import synthetic

WEDGED = (
    "Toxiproxy at http://127.0.0.1:5999 did not answer GET /version within 5 s; nothing but a restart of the server "
    "helps, or `--toxiproxy embedded`"
)


def put(folder, *records, died=""):
    """A run of this history, judged."""
    plan = synthetic.handoff_plan()
    run = synthetic.put(folder, plan, synthetic.handoff_verdict(plan))
    with Journal(run / "history.jsonl.gz", lambda: 7 * 10**9) as journal:
        for record in records:
            if isinstance(record, r.End):
                record.counts = dict(journal.counts)
            journal.write(record)
    verdict = judge(plan, read_history(run / "history.jsonl.gz"), died=died)
    synthetic.put(folder, plan, verdict)
    return verdict


def outputs(folder):
    """Everything that is said of the results, by where it is said."""
    results = read_results(folder)
    write_pages(results)
    said = {name: (folder / name).read_text() for name in ("report.html", "report.md", "junit.xml", "summary.json")}
    return said | {name: render(results, name) for name in FORMATS}


def begun():
    return r.Run(zero_ns=7 * 10**9, scenario="x", variant="", client="reference", world="real", seed=7)


FAULT = r.End(reason="fault", detail=WEDGED)


@pytest.mark.parametrize("records", [[FAULT], [begun(), FAULT]], ids=["before it began", "in its course"])
def test_a_fault_of_the_environment_is_void_in_every_output_with_its_sentence_and_its_exit_code(tmp_path, records):
    verdict = put(tmp_path, *map(msgspec.structs.replace, records))
    assert (verdict.word, verdict.sentence) == (Word.VOID, WEDGED + ".")
    said = outputs(tmp_path)
    for name, text in said.items():
        assert "history is empty" not in text, name
        assert "did not answer GET /version within 5 s" in " ".join(text.split()), name
    assert json.loads(said["summary.json"])["exit"] == 3
    assert json.loads(said["jsonl"].splitlines()[-1])["exit"] == 3
    assert said["text"].splitlines()[-1].endswith("   exit 3")
    assert said["report.md"].startswith("## 🚫 VOID")
    assert "exit 3" in said["report.md"].splitlines()[0]
    assert "exit 3" in said["report.html"]
    root = ET.fromstring(said["junit.xml"])
    assert next(root.iter("error")).get("type") == "void"
    assert {one.get("name"): one.get("value") for one in root.iter("property")} == {"word": "void", "exit": "3"}
    assert "no faults planned" not in said["text"]


def test_a_run_whose_process_died_is_void_as_whoever_watched_it_says(tmp_path):
    verdict = put(tmp_path, begun(), died="the run's process ended with signal 9; see walk/x/harness.log")
    assert (verdict.word, verdict.trust.ended) == (Word.VOID, "killed")
    assert "ended with signal 9" in render(read_results(tmp_path), "text")


def test_an_end_record_is_believed_before_whoever_watched(tmp_path):
    verdict = put(tmp_path, begun(), r.End(reason="done"), died="the run's process ended with exit code 1")
    assert (verdict.trust.ended, verdict.trust.fault) == ("done", "")
    assert "exit code 1" not in verdict.sentence


@pytest.mark.parametrize(("number", "code"), [(2, 130), (15, 143)])
@pytest.mark.parametrize("records", [[], [begun()]], ids=["before it began", "in its course"])
def test_an_interruption_is_a_word_of_its_own_with_the_exit_code_of_its_signal(tmp_path, number, code, records):
    put(tmp_path, *map(msgspec.structs.replace, records), r.End(reason="interrupted"))
    synthetic.put_manifest(tmp_path, signal=number, not_run=["half-open"])
    said = outputs(tmp_path)
    last = said["text"].splitlines()[-1]
    assert last == f"INTERRUPTED  1 interrupted, 1 not run in 43.2 s   exit {code}"
    assert "history is empty" not in "".join(said.values())
    summary = json.loads(said["summary.json"])
    assert (summary["word"], summary["exit"], summary["runs"][0]["word"]) == ("interrupted", code, "interrupted")
    assert summary["runs"][0]["ended"] == "interrupted"
    assert "the run was interrupted " in said["report.md"]
    assert "the run was interrupted " in said["report.html"]
    root = ET.fromstring(said["junit.xml"])
    assert [error.get("type") for error in root.iter("error")] == ["interrupted"]
    assert [skipped.get("message") for skipped in root.iter("skipped")] == ["interrupted before its turn"]
    assert "INTERRUPTED" in said["report.md"].splitlines()[0]
    assert f"exit {code}" in said["report.html"]


def test_what_was_found_before_an_interruption_is_told_under_its_exit_code(failed):
    cut = msgspec.structs.replace(failed, manifest=msgspec.structs.replace(failed.manifest, signal=2))
    lines = render(cut, "text").splitlines()
    assert "  ✗ FAIL  terminal-once, honest-status, recovery" in lines
    assert "  replay  harness run half-open --client as-shipped --seed 7" in lines
    assert lines[-1] == "INTERRUPTED  1 scenario, 1 variant in 121.3 s   exit 130"


def test_an_unknown_verdict_that_is_but_a_warning_says_exit_0(tmp_path):
    put(tmp_path, begun(), r.End(reason="interrupted"))
    synthetic.put_manifest(tmp_path, unknown="warn")
    results = read_results(tmp_path)
    assert tally.ending(results) == tally.InvocationEnd("unknown", 0)
    assert render(results, "text").splitlines()[-1].endswith("   exit 0")


@pytest.mark.parametrize("verbosity", [-1, 0, 1, 2])
def test_a_long_reason_takes_more_lines_and_no_wider_ones(tmp_path, verbosity):
    put(tmp_path, begun(), msgspec.structs.replace(FAULT, detail=f"{WEDGED} {WEDGED}"))
    lines = render(read_results(tmp_path), "text", report="report.html", style=Style(verbosity=verbosity)).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert [line for line in lines if line.startswith("VOID     Toxiproxy at")]
    if verbosity < 0:
        assert len(lines) == 2
        assert lines[0].endswith("…   exit 3")


def test_a_run_of_the_manifest_whose_folder_is_gone_is_in_the_verdict(tmp_path):
    synthetic.put_handoff(tmp_path, history=False)
    there = "handoff/reference-real-s7-gap=500ms"
    synthetic.put_manifest(tmp_path, order=["deploy/reference-real-s7", there])
    results = read_results(tmp_path)
    assert results.unjudged == ("deploy/reference-real-s7",)
    assert tally.ending(results) == tally.InvocationEnd("unknown", 4)
    said = outputs(tmp_path)
    assert "PASS  " not in said["text"]
    assert said["text"].splitlines()[-1] == "UNKNOWN  1 passed, 1 without a verdict in 43.2 s   exit 4"
    assert all("deploy/reference-real-s7" in text for text in said.values())
    root = ET.fromstring(said["junit.xml"])
    assert (root.get("tests"), root.get("errors")) == ("2", "1")


def test_why_a_run_has_no_verdict_is_told_and_makes_it_void(tmp_path):
    synthetic.put_handoff(tmp_path, history=False)
    synthetic.put_manifest(tmp_path, order=["deploy/x"], faults={"deploy/x": "the results of deploy/x are gone"})
    assert tally.ending(read_results(tmp_path)) == tally.InvocationEnd("void", 3)
    assert all("are gone" in " ".join(text.split()) for text in outputs(tmp_path).values())


def test_a_page_of_few_runs_is_headed_by_how_they_ended_not_by_its_first_run(passed):
    partly = msgspec.structs.replace(passed, unjudged=("deploy/x",))
    write_pages(partly)
    page = (passed.folder / "report.html").read_text()
    hero = page[page.index('<div class="hero') :][:400]
    assert '<div class="hero unknown">' in hero
    assert "UNKNOWN" in hero


def lagging(folder, *reasons, file="scenarios/handoff.yaml"):
    plan = msgspec.structs.replace(synthetic.handoff_plan(), file=file)
    doubts = {name: synthetic.law(name, LawState.UNKNOWN, reason=why) for name, why in reasons}
    good = synthetic.handoff_verdict(plan)
    kept = tuple(doubts.get(law.law, law) for law in good.laws)
    synthetic.put(folder, plan, msgspec.structs.replace(good, word=Word.UNKNOWN, sentence="", laws=kept))
    return render(read_results(folder), "text", report="results/latest/report.html").splitlines()


LAG = "scheduler lag p99 31 ms (trusted to 10 ms)"


def test_where_a_busy_host_makes_everything_unknown_the_last_line_says_where_it_would_not(tmp_path):
    lines = lagging(tmp_path, ("prompt", LAG), ("recovery", "scheduler lag p99 31 ms (trusted to 3 ms)"))
    assert lines[-3:] == [
        "report  results/latest/report.html",
        "try     harness run handoff --world virtual",
        "        no lag there; left out are the kernel's sockets, memory and CPU: `harness help virtual`",
    ]


def test_a_doubt_of_another_kind_is_no_reason_for_virtual_time(tmp_path):
    lines = lagging(tmp_path, ("prompt", LAG), ("stop", "the run was cut short at 3.1 s"))
    assert lines[-1].startswith("report")


def test_the_judges_doubt_about_a_lagging_host_is_known_as_one(tmp_path):
    plan = synthetic.handoff_plan()
    history = History([begun(), r.Health(lags_us=[31_000] * 100, t_ns=8 * 10**9)])
    assert Case(plan, history).doubtful(0.1) == LAG
