"""A run where its surroundings are odd: streams closed or full, no terminal, no home, full disks, two runs at once."""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.end_to_end.command import environment, latest

pytestmark = pytest.mark.slow

QUICK = "scenario: quick\njob: {lasts: 500ms, updates: every 50ms}\npaths: {wifi: wifi}\n"
MISSED = QUICK + "expect: {attempts: at least 9}\n"
DRAWN = f"{sys.executable} -m harness run quick.yaml --toxiproxy embedded"
RUN = f"{DRAWN} --figures none"
LINES = f"{RUN} --output-format jsonl"

ODD = {  # name: (shell line, scenario, variables (None: unset), exit code)
    "nobody reads": (f"{RUN} | true; exit ${{PIPESTATUS[0]}}", QUICK, {}, 0),
    "nobody reads a failure": (f"{RUN} | true; exit ${{PIPESTATUS[0]}}", MISSED, {}, 1),
    "nobody watches": (f"{{ {RUN} 2>&1 >&3 | true; }} 3>&1; exit ${{PIPESTATUS[0]}}", QUICK, {}, 0),
    "nobody reads lines": (f"{LINES} --repeat 2 -j 1 | true; exit ${{PIPESTATUS[0]}}", QUICK, {}, 0),
    "no output for lines": (f"{LINES} >&-", QUICK, {}, 0),
    "output full of lines": (f"{LINES} >/dev/full", QUICK, {}, 3),
    "no output": (f"{RUN} >&-", QUICK, {}, 0),
    "no streams at all": (f"{RUN} <&- >&- 2>&-", MISSED, {}, 1),
    "output full": (f"{RUN} >/dev/full", QUICK, {}, 3),
    "errors full": (f"{RUN} 2>/dev/full", QUICK, {}, 0),
    "no home, no terminal": (DRAWN, QUICK, {"HOME": None, "TERM": None, "USER": None}, 0),
    "C, narrow": (DRAWN, QUICK, {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "COLUMNS": "7", "NO_COLOR": "1"}, 0),
    "a step's summary": (RUN, QUICK, {"GITHUB_STEP_SUMMARY": "summary.md"}, 0),
    "no step's summary": (RUN, QUICK, {"GITHUB_STEP_SUMMARY": "/nowhere/summary.md"}, 0),
    "junit to nowhere": (f"{RUN} --junit /proc/junit.xml", QUICK, {}, 3),
    "files of nothing": (f"ulimit -f 0; {DRAWN}", QUICK, {}, 3),
    "tiny files": (f"ulimit -f 1; {DRAWN}", QUICK, {}, 3),
}


class Odd:
    """One odd run and what became of it."""

    def __init__(self, folder, line, scenario, variables):
        self.folder = folder
        folder.mkdir()
        (folder / "quick.yaml").write_text(scenario)
        kept = {key: value for key, value in (environment() | variables).items() if value is not None}
        done = subprocess.run(
            ["bash", "-c", line], cwd=folder, env=kept, text=True, capture_output=True, check=False, timeout=120
        )
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """All of them, a few side by side: they wait more than they work."""
    root = tmp_path_factory.mktemp("odd")
    with ThreadPoolExecutor(4) as pool:
        begun = {
            name: pool.submit(Odd, root / name.replace(" ", "-").replace("'", ""), line, scenario, variables)
            for name, (line, scenario, variables, _) in ODD.items()
        }
    return {name: run.result() for name, run in begun.items()}


@pytest.mark.parametrize("name", ODD)
def test_the_exit_code_is_the_verdicts_and_no_traceback_is_seen(odd, name):
    run = odd[name]
    assert run.code == ODD[name][3], run.out + run.err
    for said in (run.out, run.err, *(path.read_text() for path in run.folder.glob("results/*/*/*/harness.log"))):
        assert "Traceback" not in said
        assert "bug in harness" not in said
        assert "Exception ignored" not in said


@pytest.mark.parametrize(
    "name",
    ["nobody reads", "nobody reads lines", "output full of lines", "no output", "no streams at all", "errors full"],
)
def test_the_report_is_whole_whoever_listens(odd, name):
    root = latest(odd[name].folder)
    assert json.loads((root / "summary.json").read_text())["word"] == ("fail" if "streams" in name else "pass")
    assert (root / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("output full", "cannot write: No space left on device"),
        ("output full of lines", "cannot write: No space left on device"),
        ("junit to nowhere", "cannot write /proc/junit.xml"),
        ("files of nothing", "choose another folder with --out DIR"),
        ("tiny files", "cannot write"),
        ("no step's summary", "cannot write the step summary"),
    ],
)
def test_what_could_not_be_written_is_said(odd, name, words):
    assert words in odd[name].err


def test_a_steps_summary_is_the_markdown_report(odd):
    folder = odd["a step's summary"].folder
    assert (folder / "summary.md").read_text() == (latest(folder) / "report.md").read_text()


def test_a_plain_run_has_no_colour_and_no_line_too_wide(odd):
    run = odd["C, narrow"]
    assert "\x1b" not in run.out + run.err
    signs = re.sub(r"\\x[0-9a-f]{2}|\\u[0-9a-f]{4}", "·", run.out)  # what this locale has no sign for is spelled out
    assert max(len(line) for line in signs.splitlines()) <= 100


def test_two_runs_at_once_in_one_folder_keep_apart(tmp_path):
    both = []
    for _ in range(2):
        folder = tmp_path / "place"
        folder.mkdir(exist_ok=True)
        (folder / "quick.yaml").write_text(QUICK)
        both.append(
            subprocess.Popen(
                RUN.split(), cwd=folder, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        )
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    folders = [path for path in (tmp_path / "place" / "results").iterdir() if not path.is_symlink()]
    assert len(folders) == 2
    assert latest(tmp_path / "place") in folders
    assert all((folder / "summary.json").exists() for folder in folders)


def test_a_folder_of_ones_own_called_latest_is_left_alone(tmp_path):
    (tmp_path / "quick.yaml").write_text(QUICK)
    mine = tmp_path / "results" / "latest" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("keep")
    done = subprocess.run(
        RUN.split(), cwd=tmp_path, env=environment(), text=True, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert [path.name for path in mine.parent.iterdir()] == ["mine.txt"]
    (page,) = [line.split()[-1] for line in done.stdout.splitlines() if line.startswith("report")]
    assert "latest" not in page
    assert (tmp_path / page).exists()


def test_a_folder_that_can_be_read_only_cannot_be_judged_again_in_words(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root reads and writes everything")
    (tmp_path / "quick.yaml").write_text(QUICK)
    subprocess.run(RUN.split(), cwd=tmp_path, env=environment(), capture_output=True, check=True, timeout=60)
    for path in [*latest(tmp_path).rglob("*"), latest(tmp_path)]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    done = subprocess.run(
        [sys.executable, "-m", "harness", "judge"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "cannot write" in done.stderr) == (3, True), done.stderr
