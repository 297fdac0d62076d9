"""Pages and code cite only pages that a reader has: in this repository, or written by the harness itself."""

import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WRITTEN = frozenset({"report.md"})  # by a run, into its results folder
CITED = re.compile(r"[\w./-]*\w\.md\b")
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
FOLDERS = ("harness", "scenarios", "scripts", "tests")
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("results/*.md"),
        *(page for name in FOLDERS for page in ROOT.glob(f"{name}/**/*.md")),
    ]
)
CODE = sorted(path for name in FOLDERS for path in ROOT.glob(f"{name}/**/*.py"))


def prose(source: str) -> str:
    """Return the comments of a module, and its strings that are statements: docstrings."""
    parts, before = [], tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        statement = token.type == tokenize.STRING and before in {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
        if token.type == tokenize.COMMENT or statement:
            parts.append(token.string)
        if token.type not in {tokenize.COMMENT, tokenize.NL}:
            before = token.type
    return "\n".join(parts)


def missing(path: Path, text: str) -> list[str]:
    """Return each page that a file cites, and that is neither in its own folder nor at the repository's root."""
    cited = {name for name in CITED.findall(text) if Path(name).name not in WRITTEN}
    return sorted(name for name in cited if not any((base / name).is_file() for base in (ROOT, path.parent)))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(page.read_text()))
    return {heading.replace(" ", "-") for heading in plain}


def broken(page: Path, text: str) -> list[str]:
    """Return each relative link of a page whose file is not there, or has no heading of that name."""
    wrong = []
    for link in LINK.findall(text):
        target, _, anchor = link.partition("#")
        to = page.parent / target if target else page
        if ":" not in target and (not to.exists() or (anchor and anchor not in anchors(to))):
            wrong.append(link)
    return wrong


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_page_cites_and_links_what_is_there(path):
    text = path.read_text()
    assert missing(path, text) == []
    assert broken(path, text) == []


def test_comments_and_docstrings_cite_pages_that_are_there():
    citing = [(path, text) for path in CODE if ".md" in (text := path.read_text())]
    found = {path.relative_to(ROOT): missing(path, prose(text)) for path, text in citing}
    assert {path: names for path, names in found.items() if names} == {}


def test_a_page_that_is_not_there_is_found():
    said = '''"""See design.md."""\n\nUNSEEN = "other.md"  # as docs/laws.md says\n"""And README.md, report.md."""\n'''
    assert missing(ROOT / "harness" / "units.py", prose(said)) == ["design.md", "docs/laws.md"]
    assert missing(ROOT / "harness" / "units.py", "") == []


def test_a_link_that_leads_nowhere_is_found():
    text = "[a](nowhere.md) [b](CONTRIBUTING.md) [c](README.md#no-such) [d](https://example.com/x.md) [e](#none)"
    assert broken(ROOT / "README.md", text) == ["nowhere.md", "README.md#no-such", "#none"]
