import base64
import hashlib
import re
from pathlib import Path
from urllib.parse import unquote

import msgspec
import pytest

from harness.history import records as r
from harness.history.journal import Journal
from harness.judge.verdict import Evidence, LawState
from harness.report.folder import read_results, write_json
from harness.report.html import coded, page, unbroken
from tests.report import boxed, synthetic
from tests.report.markup import Page

EVIL = "</td><script>alert('x')</script><img src=x onerror=alert(1)>{{ 7*7 }}\x1b[2J"


@pytest.fixture(scope="module")
def text(drawn: Path) -> str:
    return (drawn / "report.html").read_text()


def test_the_page_follows_the_order_of_the_design(text):
    headings = re.findall(r"<h2>([^<]+)</h2>", text)[:9]
    assert headings == [
        "What failed and why", "The strip", "Numbers against limits", "Variants and clients", "Figures", "Laws",
        "Trace", "Can it be trusted?", "The scenario, and what it became",
    ]  # fmt: skip


def test_the_failing_run_comes_first_with_its_replay(text):
    assert text.index("The client never noticed") < text.index("wifi to cellular, break before make")
    assert 'data-copy="harness run half-open --client as-shipped --seed 7"' in text


def test_the_terminals_pointers_lead_to_records(text, half_open):
    ids = Page(text).ids
    for law in half_open.verdict.laws:
        assert all(f"r{item.seq}" in ids for item in law.evidence)
    assert {"half-open", "handoff", half_open.key} <= set(ids)


def test_every_id_is_there_once_and_every_inner_link_has_its_target(text):
    found = Page(text)
    assert len(found.ids) == len(set(found.ids))
    assert {link[1:] for link in found.links if link.startswith("#")} - set(found.ids) == set()


def test_the_page_fetches_nothing_and_allows_no_script_but_its_own(text):
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)
    (script,) = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{allowed}'"
    assert policy in text


def evil_results(folder: Path) -> str:
    plan = msgspec.structs.replace(
        synthetic.half_open_plan(), scenario=EVIL, about=EVIL, source=EVIL, variant="a", file=EVIL
    )
    evidence = [Evidence(seq=3, at=1.0, lane="client", text=EVIL)]
    law = synthetic.law("order", LawState.FAILED, sentence=EVIL, reason=EVIL, advice=EVIL, evidence=evidence)
    verdict = msgspec.structs.replace(synthetic.half_open_verdict(plan), laws=(law,), sentence=EVIL, client="c")
    run = synthetic.put(folder, plan, verdict)
    with Journal(run / "history.jsonl.gz", lambda: 1) as journal:
        journal.write(r.Run(zero_ns=0, scenario=EVIL, variant="", client="c", world="real", seed=1))
        journal.write(r.Block(client="c1", attempt=1, id=EVIL))
        journal.write(r.App(client="c1", job="j", callback="error", enter_ns=1, exit_ns=1, detail=EVIL))
    synthetic.put_manifest(folder, command=EVIL, environment={"A": EVIL}, not_run=[EVIL])
    return page(read_results(folder))


def test_nothing_a_peer_or_a_file_said_is_alive(tmp_path):
    text = evil_results(tmp_path)
    found = Page(text)
    assert found.tags.count("script") == 1
    assert "img" not in found.tags
    assert not [name for name in found.attributes if name.startswith("on")]
    assert text.count("&lt;script&gt;alert(") >= 8
    assert "\x1b" not in text
    assert "{{ 7*7 }}" in text


def test_a_folder_named_by_a_stranger_is_quoted_in_links(tmp_path):
    plan = synthetic.handoff_plan()
    run = tmp_path / "handoff" / 'a"><script>b'
    write_json(run / "plan.json", plan)
    write_json(run / "verdict.json", synthetic.handoff_verdict(plan))
    found = Page(page(read_results(tmp_path)))
    assert found.tags.count("script") == 1
    assert "handoff/a%22%3E%3Cscript%3Eb/plan.json" in found.links


def test_units_and_names_stay_whole_when_lines_break():
    assert unbroken("Wi-Fi was silent for 10.0 s, 16 %") == "Wi-\u2060Fi was silent for 10.0\u00a0s, 16\u00a0%"


def test_what_stands_between_backquotes_is_code_and_still_escaped():
    assert coded("watchdog is `never`, `<b>` 5 s") == "watchdog is <code>never</code>, <code>&lt;b&gt;</code> 5\u00a0s"
    assert coded("a ` b") == "a ` b"


def test_runs_that_find_no_room_link_their_figures(drawn, monkeypatch):
    monkeypatch.setattr("harness.report.html.ROOM", 300_000)
    text = page(read_results(drawn))
    assert text.count("The page has no more room for figures and traces") == 1
    assert text.index("The page has no more room") > text.index("The other runs")
    assert 'href="handoff/reference-real-s7-gap%3D500ms/zoom.png"' in text


def many(folder: Path, *, failing: int) -> str:
    for seed in range(3):
        plan = msgspec.structs.replace(synthetic.handoff_plan(), seed=seed)
        synthetic.put(folder, plan, synthetic.handoff_verdict(plan))
    for seed in range(failing):
        plan = msgspec.structs.replace(synthetic.half_open_plan(), seed=seed)
        synthetic.put(folder, plan, synthetic.half_open_verdict(plan))
    synthetic.put_manifest(folder)
    return page(read_results(folder))


def test_many_runs_begin_with_an_index_whose_cells_open_each_run(tmp_path):
    text = many(tmp_path, failing=2)
    found = Page(text)
    assert "2 of 5 runs failed: half-open." in text
    assert re.findall(r"<h2>([^<]+)</h2>", text)[:3] == ["All runs", "Each run", "What failed and why"]
    keys = [run.key for run in read_results(tmp_path).runs]
    cells = [unquote(link[1:]) for link in found.links if "/" in link and link.startswith("#")]
    assert sorted(cells) == sorted(keys)
    assert set(keys) | {"half-open", "handoff"} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))
    assert text.count('<details class="run"') == 5
    assert len(re.findall(r'<details class="run" id="[^"]+" open>', text)) == 1


def test_many_runs_that_all_passed_say_so(tmp_path):
    text = many(tmp_path, failing=0)
    synthetic.put_handoff(tmp_path, history=False)
    assert "All 4 runs of 1 scenario passed." in page(read_results(tmp_path))
    assert "Variants and clients" in text


def test_a_page_of_twenty_runs_stays_below_six_megabytes(tmp_path):
    for seed in range(20):
        plan = msgspec.structs.replace(synthetic.handoff_plan(), seed=seed)
        run = synthetic.put(tmp_path, plan, synthetic.handoff_verdict(plan))
        for name in ("strip", "zoom", "latency"):
            (run / f"{name}.svg").write_text(f"<svg>{'M 1.5 2.5 ' * 15_000}</svg>")
    text = page(read_results(tmp_path))
    assert 4_500_000 < len(text.encode()) < 6_000_000
    assert text.count("The page has no more room for figures and traces") == 9
    assert text.count("zoom.png") == 0


def test_the_compiled_timeline_names_actors_and_ends(tmp_path):
    boxed.put_boxed(tmp_path)
    text = page(read_results(tmp_path))
    for at, who, what in (
        ("4.000", "middle on wifi", "kills idle after 60s"),
        ("12.000", "middle", "end of mutes streams"),
    ):
        assert f'<tr><td class="num">{at} s</td><td>{who}</td><td>{what}</td><td class="muted">' in text
