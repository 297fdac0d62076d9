import msgspec

from harness.judge.verdict import LawState
from harness.report.folder import read_results
from harness.report.markdown import code, escape, markdown
from tests.report import synthetic


def test_a_pass_is_a_headline_a_table_and_its_limits(passed):
    lines = markdown(passed).splitlines()
    assert lines[0] == "## ✅ PASS  1 scenario, 2 variants in 43.2 s · exit 0"
    assert lines[4] == (
        "| ✓ | handoff | gap=500ms | reference | **pass** | 1602 of 1602, 0 lost | 1.9 s | 9 ms on wifi \\(n 752\\) |"
    )
    assert "| handoff gap=500ms | recovery under 5s | 1.9 s | 3.1 s | 1 sample | held |" in lines


def test_a_failure_shows_its_records_and_its_replay(failed):
    text = markdown(failed)
    assert "### ✗ half-open · as-shipped client · seed 7" in text
    assert "| 10.00 s | gate | wifi silent \\(fault proved: 214 bytes never forwarded\\) | `history:1187` |" in text
    assert text.count("Replay: `harness run half-open --client as-shipped --seed 7`") == 1


def test_a_peers_markup_is_shown_not_obeyed(tmp_path):
    plan = synthetic.half_open_plan()
    evil = "<script>alert(1)</script> | [x](javascript:y) `z`\n# h"
    law = synthetic.law("order", LawState.FAILED, sentence=evil)
    verdict = msgspec.structs.replace(synthetic.half_open_verdict(plan), laws=(law,), sentence="")
    synthetic.put(tmp_path, plan, verdict)
    text = markdown(read_results(tmp_path))
    assert "\\<script\\>alert\\(1\\)\\</script\\> \\| \\[x\\]\\(javascript:y\\) \\`z\\` \\# h" in text


def test_code_is_fenced_by_more_backquotes_than_it_holds():
    assert [code("a b"), code("a `b` ``c")] == ["`a b`", "``` a `b` ``c ```"]


def test_escaped_text_is_one_line():
    assert escape("a\r\nb\x1b") == "a b\ufffd"
