"""Nothing that a peer, a file or a path says is alive, steers, or gives a secret away: in every file and format."""

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from harness.report.compose import write_report
from harness.report.folder import read_results, write_manifest
from harness.report.formats import FORMATS, render
from harness.report.markdown import escape
from harness.report.redact import redact_file_text
from harness.report.terminal import Style
from tests.report import hostile
from tests.report.markup import Page

SANDBOX = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    hostile.put_hostile(folder)
    write_report(folder)
    return folder


@pytest.fixture(scope="module")
def outputs(results: Path) -> dict[str, str]:
    """Every file that the report writes, and everything that may be printed."""
    found = {name: (results / name).read_text() for name in ("report.html", "report.md", "junit.xml", "summary.json")}
    found |= {str(path.relative_to(results)): path.read_text() for path in results.rglob("*.svg")}
    invocation = read_results(results)
    found |= {f"printed {name}": render(invocation, name) for name in FORMATS}
    found["printed -vv"] = render(invocation, "text", style=Style(verbosity=2))
    return found


@pytest.mark.parametrize("planted", hostile.SECRETS)
def test_a_planted_secret_is_in_no_output(outputs, planted):
    secret = hostile.SECRETS[planted]
    assert [name for name, text in outputs.items() if secret in text] == []


def test_the_search_for_secrets_would_find_one(outputs):
    assert "[redacted]" in outputs["report.html"]
    assert "document.title" in outputs["report.html"]  # what is no secret is shown, so the fields are there


def test_no_output_carries_what_steers_a_terminal_or_turns_a_line(outputs):
    steering = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
    escaped = re.compile(r"\\u(?:00[01]|20[26])", re.IGNORECASE)
    assert {name: found[0] for name, text in outputs.items() if (found := steering.search(text))} == {}
    assert {
        name: found[0] for name, text in outputs.items() if "json" in name and (found := escaped.search(text))
    } == {}


def test_a_line_break_starts_no_workflow_command(outputs):
    commands = [line for line in outputs["printed github"].splitlines() if line.startswith("::")]
    *of_runs, not_run = commands
    assert len(of_runs) == len(hostile.EVERYTHING)
    assert all(re.match(r"::error file=[^,]*,line=\d+,title=[^:]*::", line) for line in of_runs)
    assert not_run.startswith("::warning title=not run::")


def test_junit_is_one_document_whatever_is_in_it(outputs):
    root = ET.fromstring(outputs["junit.xml"])
    ours = {"testsuites", "testsuite", "properties", "property", "testcase", "failure", "skipped", "system-out"}
    assert {element.tag for element in root.iter()} == ours


def test_markdown_has_no_live_markup_links_or_mentions(outputs):
    text = outputs["report.md"]
    without_code = re.sub(r"(`+).*?\1", "", text)
    assert not re.search(r"(?<!\\)<(?:script|img|svg|iframe|/)", without_code)
    assert not re.search(r"(?<!\\)\]\(", without_code)
    assert escape("@team and #1") == "\\@\u2060team and \\#\u20601"


def test_every_link_of_the_page_is_relative(outputs):
    links = re.findall(r'href="([^"]*)"', outputs["report.html"])
    assert links
    assert [link for link in links if not re.match(r"#|[\w%.=,-]+/|[\w%.=,-]+$", link) or ":" in link] == []


def test_a_manifest_is_written_without_secrets(tmp_path):
    hostile.put_hostile(tmp_path)
    write_manifest(tmp_path, read_results(tmp_path).manifest)
    text = (tmp_path / "manifest.json").read_text()
    assert [secret for secret in hostile.SECRETS.values() if secret in text] == []


def test_other_files_are_cleaned_and_keep_their_shape():
    for name in ("plan.json", "scenario.yaml", "harness.log"):
        planted = "\n".join(hostile.SECRETS)
        text = planted if name != "plan.json" else '{"source": ' + json.dumps(planted) + ', "seed": 7, "token": "abc"}'
        cleaned = redact_file_text(name, text)
        assert [secret for secret in hostile.SECRETS.values() if secret in cleaned] == []
    assert (
        redact_file_text("plan.json", '{"seed": 7, "token": "abc"}') == '{\n  "seed": 7,\n  "token": "[redacted]"\n}\n'
    )
    assert (
        redact_file_text("x.yaml", "server: {token: lasts 30s}\nseed: 7\n") == "server: {token: lasts 30s}\nseed: 7\n"
    )


def dumped(page: Path, profile: Path) -> str:
    """Return the page as a browser has it after its scripts ran."""
    command = [
        "chromium",
        *SANDBOX,
        f"--user-data-dir={profile}",
        "--virtual-time-budget=2000",
        "--dump-dom",
        page.as_uri(),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def title(dom: str) -> str:
    found = re.search(r"<title>(.*?)</title>", dom, re.DOTALL)
    return found[1] if found else ""


needs_chromium = pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")


@pytest.mark.slow
@needs_chromium
def test_a_real_browser_runs_nothing_of_it(results, tmp_path):
    dom = dumped(results / "report.html", tmp_path)
    assert title(dom).startswith("FAIL · ")
    found = Page(dom)
    assert found.tags.count("script") == 1
    assert set(found.tags) & {"iframe", "img", "object", "embed", "base", "form"} == set()
    assert [name for name in found.attributes if name.startswith("on")] == []


@pytest.mark.slow
@needs_chromium
@pytest.mark.parametrize("payload", [text for text in hostile.MARKUP if "pwned" in text])
def test_the_browser_would_have_told(tmp_path, payload):
    page = tmp_path / "live.html"
    before = {"<": "", '"': '<a title="', "-": "<!-- ", "]": ""}[payload[0]]
    page.write_text(f"<!doctype html><title>quiet</title><body>{before}{payload}")
    assert title(dumped(page, tmp_path / "profile")) == "pwned"
