"""Deeds in every output: how they were proved, what no client felt, what came late."""

import json
import re

import msgspec
import pytest

from harness.judge.verdict import DeedVerdict, ProvedBy, Trust
from harness.report import strip, tally
from harness.report.compose import write_pages
from harness.report.folder import read_results
from harness.report.formats import render
from harness.report.series import read_series
from harness.report.terminal import WIDTH
from tests.report import synthetic

UNFELT = "middle answers 503 to results at 40 s"
DEEDS = (
    DeedVerdict(deed=0, at=20.0, text="wifi silent", way=ProvedBy.FLOW, felt=1),
    DeedVerdict(deed=1, at=20.4, text="device loses wifi", way=ProvedBy.CANARY, felt=1, late=0.31),
    DeedVerdict(deed=2, at=40.0, text="middle answers 503 to results", way=ProvedBy.CANARY),
)


@pytest.fixture
def told(tmp_path):
    """A run's results, of whose three deeds one was late and one was never felt."""
    run = synthetic.put_handoff(tmp_path)
    plan = synthetic.handoff_plan()
    trust = msgspec.structs.replace(synthetic.TRUST, on_flow=1, by_canary=2)
    verdict = msgspec.structs.replace(synthetic.handoff_verdict(plan), deeds=DEEDS, trust=trust)
    assert synthetic.put(tmp_path, plan, verdict) == run
    synthetic.put_manifest(tmp_path)
    return tmp_path


def test_every_output_names_what_was_never_felt(told):
    results = read_results(told)
    write_pages(results)
    for name in ("report.html", "report.md", "junit.xml"):
        assert UNFELT in (told / name).read_text().replace("\\", ""), name
    text = render(results, "text")
    assert f"unfelt  {UNFELT}: a test the client never sat" in text
    assert max(map(len, text.splitlines())) <= WIDTH
    [summary] = json.loads((told / "summary.json").read_text())["runs"]
    assert summary["unfelt"] == [UNFELT]
    assert summary["ways"] == {"flow": 1, "canary": 2}
    assert [one["way"] for one in summary["deeds"]] == ["flow", "canary", "canary"]


def test_a_failed_run_has_its_second_line_in_every_output(tmp_path):
    plan = synthetic.half_open_plan()
    verdict = msgspec.structs.replace(synthetic.half_open_verdict(plan), deeds=DEEDS)
    synthetic.put(tmp_path, plan, verdict)
    synthetic.put_manifest(tmp_path)
    results = read_results(tmp_path)
    write_pages(results)
    line = "100 of 602 shown · 502 lost · stale up to 110 s · 1 deed never felt · late: 1 deed by 310 ms"
    for name in ("report.html", "report.md", "junit.xml"):
        assert line in (tmp_path / name).read_text().replace("\\", ""), name
    text = render(results, "text")
    assert f"recovery\n      {line}\n" in text
    assert text.count(f"unfelt  {UNFELT}: a test the client never sat") == 1
    assert json.loads(render(results, "json"))["runs"][0]["beside"] == line


def test_of_several_scenarios_each_names_its_own(told):
    synthetic.put_half_open(told, history=False)
    text = render(read_results(told), "text")
    assert f"  unfelt  handoff: {UNFELT}\n" in text
    assert text.count("unfelt") == 1


def test_ways_and_lateness_are_in_one_line(told):
    line = "faults proved 3 of 3 (1 on the client's flow, 2 by canary) · late: 1 deed by 310 ms"
    assert tally.faults_line(read_results(told).runs) == line


def test_the_page_says_of_each_deed_how_it_was_proved(told):
    write_pages(read_results(told))
    page = " ".join(re.sub("<[^>]*>", " ", (told / "report.html").read_text()).split()).replace("&#39;", "'")
    assert "20.000 s wifi silent on the client's flow" in page
    assert "loses wifi by canary · 310 ms late" in page
    assert "joins cellular by canary · never felt" in page


def test_a_deed_that_some_clients_felt_says_how_many(told):
    few = msgspec.structs.replace(DEEDS[0], felt=2, clients=5)
    run = read_results(told).runs[0]
    run.verdict = msgspec.structs.replace(run.verdict, deeds=(few,))
    assert not few.unfelt
    assert tally.unfelt([run]) == ""


def test_of_many_the_first_are_named_and_the_rest_counted(told):
    run = read_results(told).runs[0]
    many = tuple(msgspec.structs.replace(DEEDS[2], deed=place, at=float(place)) for place in range(1, 9))
    run.verdict = msgspec.structs.replace(run.verdict, deeds=many)
    assert tally.unfelt([run]).endswith("at 5 s; 3 more")
    assert tally.unfelt([run, run]) == tally.unfelt([run])


@pytest.mark.parametrize("way", [ProvedBy.UNTRIED, ProvedBy.NOT_DUE, ProvedBy.UNPROVED, ProvedBy.NOTHING])
def test_what_was_not_done_to_anybody_is_no_test_that_was_missed(way):
    assert not msgspec.structs.replace(DEEDS[2], way=way).unfelt
    assert not msgspec.structs.replace(DEEDS[2], ends=True).unfelt


def test_the_strip_marks_whether_a_deed_was_felt(told):
    series = read_series(read_results(told).runs[0])
    assert [felt for _, felt in series.felt] == [True, True, False]
    late = msgspec.structs.replace(DEEDS[2], way=ProvedBy.UNTRIED)
    ends = msgspec.structs.replace(DEEDS[0], ends=True)
    run = read_results(told).runs[0]
    run.verdict = msgspec.structs.replace(run.verdict, deeds=(ends, late))
    assert read_series(run).felt == []
    assert strip.height(series, 0.0, 40.0) > 0


def test_a_verdict_that_knows_of_no_ways_says_none(told):
    run = read_results(told).runs[0]
    run.verdict = msgspec.structs.replace(run.verdict, deeds=(), trust=Trust(faults=3, proved=3, ended="done"))
    assert (tally.faults_line([run]), tally.unfelt([run])) == ("faults proved 3 of 3", "")
    assert read_series(run).felt == []
