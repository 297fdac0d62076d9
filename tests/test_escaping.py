"""Nothing that a file, a name, a server or a client said steers a terminal or a CI's runner, however it comes."""

import ast
import io
import re
from pathlib import Path

import pytest

import harness
from harness import cli
from harness.console import say
from harness.errors import EnvironmentFault, Problem, UsageError
from harness.escaping import no_command, on_one_line, painted, visible
from harness.report.formats import annotation

ROOT = Path(harness.__file__).parent
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
TITLE = "\x1b]0;PWN\x07\x1b[31m"
HOSTILE = f"a{TITLE}\u202e\n::add-mask::x"


def test_what_steers_is_written_out_and_the_rest_stays():
    assert visible("a\x1b[2J\r\x9b\u202e\udcffé✓\t\n") == "a\\x1b[2J\\r\\x9b\\u202e\\udcffé✓\t\n"
    assert on_one_line("a\nb\tc\x07") == "a\\nb\\tc\\x07"


def test_our_own_colours_stay_and_no_others():
    assert painted("\x1b[31mred\x1b[0m \x1b[5mblink\x1b]0;x\x07") == "\x1b[31mred\x1b[0m \\x1b[5mblink\\x1b]0;x\\x07"


@pytest.mark.parametrize(
    "text", ["::error::x", "a\n  ::add-mask::y", "\t::x", "a ##[add-mask]b", ":::x", "\x0b\x0c ::x"]
)
def test_no_line_is_a_command_of_a_runner(text):
    found = io.StringIO()
    say(text, to=found)
    assert not re.search(r"^\s*::", found.getvalue(), re.MULTILINE)
    assert "##[" not in found.getvalue()


def test_what_is_no_command_stays_as_it_is():
    text = "a::b\nc ::d\n: :e\n## [f\n"
    assert no_command(text) == text


def test_what_a_stream_cannot_encode_is_written_out():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    say("✓ é", to=stream)
    assert raw.getvalue() == b"\\u2713 \\xe9\n"


def test_an_annotation_is_one_line_whatever_is_in_it():
    command = annotation("error", HOSTILE + "\r\n100%", file=HOSTILE, line=3, title="a,b:c")
    assert command.splitlines() == [command]
    assert not STEERING.search(command)
    assert command.startswith(
        "::error file=a\ufffd]0;PWN\ufffd\ufffd[31m\ufffd%0A%3A%3Aadd-mask%3A%3Ax,line=3,title=a%2Cb%3Ac::"
    )


def test_a_problem_is_one_line_whatever_its_file_is_called():
    assert str(Problem("a\n::b\x1b.yaml", 1, 2, "c\nd")) == "a\\n::b\\x1b.yaml:1:2: error: c\\nd"


PIPES = {
    "run/child.py",
    "campaign/finish.py",
    "campaign/forkserver.py",
    "campaign/jsonl.py",
    "campaign/prover.py",
    "fuzz/worker.py",
}
"""Processes of ours that talk to one another in JSON, on standard streams that no terminal is behind."""


WAYS = (
    r"print",
    r"click\.(?:s?echo|pause|confirm|prompt)",
    r"(?:sys\.(?:__)?std(?:out|err)(?:__)?|(?:\w+\.)?_?stream)(?:\.buffer)?\.write(?:lines)?",
    r"os\.write",
    r"logging\.(?:basicConfig|\w+Handler)",
    r"traceback\.print_\w+|warnings\.warn|faulthandler\.\w+",
    r"(?:rich\.\w+\.)?Console",
    r"error\.show",
)


def ways_out(source):
    """Every call by which a module could print without ``console.say``."""
    called = [ast.unparse(node.func) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [name for name in called if re.fullmatch("|".join(WAYS), name)]


def test_everything_is_printed_by_one_function():
    found = {
        str(path.relative_to(ROOT)): ways_out(path.read_text())
        for path in sorted(ROOT.rglob("*.py"))
        if str(path.relative_to(ROOT)) not in PIPES
    }
    assert {name: ways for name, ways in found.items() if ways} == {
        "campaign/live.py": ["Console"],  # rich draws lines that `report.progress` made printable
        "cli.py": ["error.show"],  # into a buffer, and from there to `say`
        "console.py": ["stream.write", "traceback.print_exception"],  # `say` itself; and into a file
        "fuzz/display.py": ["Console"],  # numbers and words of our own
    }


def test_all_commands_are_made_by_one_function():
    made = [path.name for path in sorted(ROOT.rglob("*.py")) if re.search(r"[\"']::[a-z{]", path.read_text())]
    assert made == ["formats.py"]


def test_a_way_around_would_be_found():
    planted = "import sys\nprint(1)\nclick.echo('x')\nsys.stderr.write('x')\nsys.stdout.buffer.write(b'')\n"
    assert len(ways_out(planted)) == 4


HEAD = "job: {lasts: 1s, updates: every 100ms}\npaths: {wifi: wifi}\n"
FILES = {
    "good": f'scenario: "t\\e]0;PWN\\a\\e[31m\\u202e"\nabout: "\\e]0;PWN\\a x"\n{HEAD}',
    "bad": f'scenario: x\n"\\e]0;P\\a": 1\n{HEAD}timeline: {{"1s\\e[3m": {{"wi\\n::add-mask::fi": "\\u202e"}}}}\n',
    "waived": f'scenario: x\n{HEAD}waive: {{resume: "::error::\\e]0;PWN\\a"}}\n',
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(arguments, capfd):
    code = cli.guarded(lambda: cli.cli(arguments, standalone_mode=False, prog_name="harness"))
    out, err = capfd.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    "name", [f"n{TITLE}.yaml", "a\n::add-mask::x.yaml", "::add-mask::x.yaml", "\udcff.yaml", "x.yaml"]
)
@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize(
    "command",
    [["check"], ["check", "--output-format", "github"], ["explain"], ["run", "--world", "virtual"]],
    ids=" ".join,
)
def test_no_file_steers(folder, capfd, name, kind, command):
    (folder / name).write_text(FILES[kind])
    code, out, err = printed([*command, name], capfd)
    assert code == (2 if kind == "bad" else 0), err
    assert out + err
    assert not STEERING.search(out + err)
    commands = [line for line in (out + err).splitlines() if line.lstrip().startswith("::")]
    assert all(line.startswith("::error file=") for line in commands)
    assert bool(commands) == (kind == "bad" and "github" in command)
    assert "bug in harness" not in err


@pytest.mark.parametrize(
    "arguments",
    [
        [f"--{TITLE}"],
        [TITLE],
        ["run", f"--client={TITLE}", "walk"],
        ["run", TITLE],
        ["run", "--set", TITLE, "handoff"],
        ["run", "--timeout", TITLE, "handoff"],
        ["run", "--out", f"/dev/null/{TITLE}", "handoff"],
        ["run", "--toxiproxy", TITLE, "--world", "virtual", "handoff"],
        ["judge", TITLE],
        ["report", TITLE],
        ["help", TITLE],
        ["serve", "--listen", TITLE],
        ["init", f"/dev/null/{TITLE}"],
        ["explain", TITLE],
        ["fuzz", TITLE],
    ],
    ids=lambda words: words[0][:8],
)
def test_no_argument_steers(folder, capfd, arguments):
    code, out, err = printed(arguments, capfd)
    assert code in {2, 3}
    assert not STEERING.search(out + err)
    assert "bug in harness" not in err


@pytest.mark.parametrize("error", [UsageError, EnvironmentFault, ValueError, OSError])
def test_no_exception_steers(capfd, monkeypatch, tmp_path, error):
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    def fails():
        raise error(HOSTILE + "token=hidden")

    assert cli.guarded(fails) in {2, 3}
    out, err = capfd.readouterr()
    assert not STEERING.search(out + err)
    assert not re.search(r"^\s*::", err, re.MULTILINE)
    assert "hidden" not in err
