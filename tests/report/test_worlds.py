"""A virtual run beside its real one: agreement, difference, doubt and a replay, on every surface."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec

from harness.compare.agreement import Agreement, AgreementWord, Difference
from harness.compare.replay import Replay
from harness.judge.verdict import Evidence, Word
from harness.report import tally, worlds
from harness.report.compose import write_pages
from harness.report.folder import AGREEMENT, REPLAY, Invocation, read_results, write_json
from harness.report.formats import render
from harness.report.terminal import WIDTH
from harness.report.wording import printable
from tests.report import synthetic

AGREES = Agreement(said=AgreementWord.AGREE, real_runs=1, times=1551, widest=0.034)
PARTED = Difference(
    what="sequence",
    text="processing event 7 by stream in virtual time, processing event 6 by stream on real sockets",
    real=Evidence(seq=812, at=20.411, lane="client", text="processing event 6 by stream"),
    virtual=Evidence(seq=790, at=20.402, lane="client", text="processing event 7 by stream"),
)
DIFFERS = Agreement(
    said=AgreementWord.DIFFER, real_runs=5, differences=(PARTED, Difference(what="anomalies", text="1 lost"))
)
UNSURE = Agreement(said=AgreementWord.UNKNOWN, real_runs=1, reason="prompt is unknown (scheduler lag p99 31 ms)")
REPLAYED = Replay(digest="0ace3b6eb6c9", again="0ace3b6eb6c9")
DRIFTED = Replay(digest="0ace3b6eb6c9", again="1bce3b6eb6c9", first=PARTED.real, second=PARTED.virtual)


def both(folder: Path, agreement: Agreement | None = None, replay: Replay | None = None) -> Invocation:
    """The hand-over in either world; the virtual run is the one that knows."""
    synthetic.put_handoff(folder, history=False)
    plan = msgspec.structs.replace(synthetic.handoff_plan(), world="virtual")
    verdict = msgspec.structs.replace(synthetic.handoff_verdict(plan), world="virtual")
    trust = msgspec.structs.replace(verdict.trust, digest="0ace3b6eb6c9")
    run = synthetic.put(folder, plan, msgspec.structs.replace(verdict, trust=trust))
    if agreement is not None:
        write_json(run / AGREEMENT, agreement)
    if replay is not None:
        write_json(run / REPLAY, replay)
    synthetic.put_manifest(folder)
    return read_results(folder)


def test_worlds_that_agree_pass_and_say_how_near_they_are(tmp_path):
    invocation = both(tmp_path, AGREES)
    text = render(invocation, "text")
    assert tally.word_of(invocation) is Word.PASS
    assert "  ✓ gap=500ms real     recovered" in text
    assert "  ✓ gap=500ms virtual  recovered" in text
    assert "  worlds  gap=500ms: agree, 1,551 times within 34 ms (allowed 50 ms)\n" in text
    assert "real sockets and virtual time · toxiproxy embedded" in text
    assert "PASS  1 scenario, 1 variant, 2 worlds in 43.2 s" in text


def test_worlds_that_differ_are_void_with_both_records_on_every_surface(tmp_path):
    invocation = both(tmp_path, DIFFERS)
    assert tally.word_of(invocation) is Word.VOID
    text = render(invocation, "text")
    assert "  worlds  gap=500ms: differ after 5 real runs: processing event 7 by stream in virtual time" in text
    assert "           20.411 s  real     processing event 6 by stream   history:812\n" in text
    assert "           20.402 s  virtual  processing event 7 by stream   history:790\n" in text
    assert "the worlds differ: one model is wrong   exit 3\n" in text
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "::error file=" in render(invocation, "github")
    assert "the worlds differ" in (root := ET.fromstring(render(invocation, "junit"))).find(".//error").get("message")
    assert root.get("errors") == "1"


def test_the_page_has_a_section_for_it(tmp_path):
    write_pages(both(tmp_path, DIFFERS))
    html = (tmp_path / "report.html").read_text()
    assert '<section id="worlds">' in html
    assert "<li>1 lost</li>" in html
    assert "history:812" in html
    assert "worlds differ" in (tmp_path / "report.md").read_text()
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["word"] == "void"
    assert [run["agreement"] and run["agreement"]["said"] for run in summary["runs"]].count("differ") == 1


def test_a_comparison_that_could_not_be_made_is_no_pass(tmp_path):
    invocation = both(tmp_path, UNSURE)
    assert tally.word_of(invocation) is Word.UNKNOWN
    text = render(invocation, "text")
    assert "not compared: prompt is unknown" in text
    assert "whether the worlds agree is unknown   exit 4\n" in text


def test_a_failed_verdict_stays_one_beside_worlds_that_differ(tmp_path):
    invocation = both(tmp_path, DIFFERS)
    invocation.runs[0].verdict = msgspec.structs.replace(invocation.runs[0].verdict, word=Word.FAIL)
    assert tally.word_of(invocation) is Word.FAIL


def test_many_scenarios_tell_of_agreement_in_one_line_and_of_each_difference(tmp_path):
    synthetic.put_half_open(tmp_path, history=False)
    text = render(both(tmp_path, AGREES), "text")
    assert "\n  worlds  agree on 1 variant, times within 34 ms\n" in text
    text = render(both(tmp_path, DIFFERS), "text")
    assert "\n  worlds  handoff gap=500ms: the worlds differ after 5 real runs: processing event 7 by" in text


def test_the_host_line_names_the_digest_and_what_running_twice_gave(tmp_path):
    run = next(run for run in both(tmp_path, replay=REPLAYED).runs if run.plan.world == "virtual")
    assert tally.host_line([run]) == "virtual time: no scheduler lag; digest=0ace3b6eb6c9; twice: the same digest"
    assert "no scheduler lag; digest=0ace3b6eb6c9;" in printable(tally.host_line([run]))
    run.replay = None
    assert tally.host_line([run]) == "virtual time: no scheduler lag; digest=0ace3b6eb6c9, replays exactly"


def test_a_run_that_does_not_replay_is_void_and_tells_the_time_and_both_records(tmp_path):
    invocation = both(tmp_path, replay=DRIFTED)
    assert tally.word_of(invocation) is Word.VOID
    run = next(run for run in invocation.runs if run.replay)
    assert worlds.twice(run.replay).endswith("parted at 20.402 s of virtual time")
    text = render(invocation, "text")
    assert "           20.411 s  first    processing event 6 by stream   history:812\n" in text
    last = " ".join(text.partition("\nVOID")[2].split())
    assert last.endswith("in 43.2 s · a run does not replay: something in it is left to chance exit 3")
