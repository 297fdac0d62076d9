"""Judging and drawing files of another party: whatever they are, a sentence, in bounded time and memory."""

import gzip
import json
import os
import shutil
import socket
import subprocess
import sys
import zlib

import pytest

from harness import cli
from harness.errors import BadRecords
from harness.history import DeedDone, End, Journal, Run, reader
from harness.history.files import HISTORY, PLAN
from tests.report import synthetic

RUN = "half-open/as-shipped-real-s7"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded")
    synthetic.put(folder, plan := synthetic.half_open_plan(), synthetic.half_open_verdict(plan))
    return folder


@pytest.fixture
def results(recorded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(recorded, tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(arguments, capfd):
    code = cli.guarded(lambda: cli.cli(arguments, standalone_mode=False, prog_name="harness"))
    _, err = capfd.readouterr()
    assert "Traceback" not in err
    assert "bug in harness" not in err
    return code, err


def fifo(path):
    os.mkfifo(path)


def device(path):
    path.symlink_to("/dev/zero")


def circle(path):
    path.symlink_to(path)


def a_folder(path):
    path.mkdir()


def a_socket(path):
    where = os.open(path.parent, os.O_RDONLY)  # a socket's address must be short
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(f"/proc/self/fd/{where}/{path.name}")
    sock.close()
    os.close(where)


KINDS = [fifo, device, a_folder, a_socket]


@pytest.mark.parametrize(
    ("command", "name", "put"),
    [
        *(("judge", HISTORY, put) for put in KINDS),
        *(("judge", PLAN, put) for put in KINDS),
        *(("report", name, fifo) for name in (HISTORY, PLAN, "verdict.json", "agreement.json", "replay.json")),
        ("report", "../../manifest.json", fifo),
    ],
)
def test_only_regular_files_are_read(results, capfd, command, name, put):
    path = results / RUN / name
    path.unlink(missing_ok=True)
    put(path)
    code, err = said([command, str(results)], capfd)
    assert (code, "it is no regular file" in " ".join(err.split())) == (2, True), err


@pytest.mark.parametrize("name", [PLAN, "verdict.json"])
def test_a_circle_of_links_is_no_bug(results, capfd, name):
    path = results / RUN / name
    path.unlink(missing_ok=True)
    circle(path)
    code, _ = said(["report", str(results)], capfd)
    assert code in {1, 2, 3, 0}


@pytest.mark.parametrize("command", ["judge", "report"])
def test_a_circle_of_links_is_no_missing_history(results, capfd, command):
    path = results / RUN / HISTORY
    circle(path)
    code, err = said([command, str(results)], capfd)
    assert (code, "symbolic links" in err) == (2, True), err


PATHS = [
    (("horizon",), 1e308),
    (("job", "lasts"), 1e15),
    (("job", "lasts"), -1.0),
    (("job", "every"), 0.0),
    (("client", "policies", "watchdog"), 1e308),
    (("paths", "wifi", "shape", "slice_size"), 0),
    (("deeds", 0, "actor"), "nobody"),
    (("device", "starts_on"), "nowhere"),
]


@pytest.mark.parametrize("command", ["judge", "report"])
@pytest.mark.parametrize(("where", "value"), PATHS)
def test_a_plan_that_no_scenario_compiles_to_is_refused(results, capfd, where, value, command):
    path = results / RUN / PLAN
    inner = plan = json.loads(path.read_bytes())
    for key in where[:-1]:
        inner = inner.setdefault(key, {}) if isinstance(inner, dict) else inner[key]
    inner[where[-1]] = value
    path.write_text(json.dumps(plan))
    code, err = said([command, str(results)], capfd)
    assert (code, err[:8]) == (2, "harness:"), err


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [("run", "zero_ns", 2**63 - 1), ("run", "t_ns", -(10**18)), ("deed", "deed", 999), ("deed", "deed", -1)],
)
def test_records_that_no_run_of_the_plan_writes_are_refused(results, capfd, kind, key, value):
    facts = {"scenario": "s", "variant": "", "client": "reference", "world": "real", "seed": 7, "zero_ns": 5}
    run, deed = Run(**facts), DeedDone(deed=0, issued_ns=6, returned_ns=7)
    setattr(run if kind == "run" else deed, key, value)
    with Journal(results / RUN / HISTORY, lambda: 5) as journal:
        for record in (run, deed, End(reason="done")):
            journal.write(record)
    code, err = said(["judge", str(results)], capfd)
    assert (code, err[:8]) == (2, "harness:"), err


def test_results_that_are_a_circle_hold_no_runs(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    circle(tmp_path / "results")
    for command in ("judge", "report"):
        assert said([command, "results"], capfd)[0] == 2
    assert said(["run", "handoff", "--failed"], capfd)[0] == 2


@pytest.mark.parametrize("put", [fifo, device, a_folder, circle])
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("harness.toml", ["check", "handoff"]),
        ("s.yaml", ["check", "s.yaml"]),
        ("s.yaml", ["explain", "s.yaml"]),
        ("results/latest/summary.json", ["run", "--failed", "handoff"]),
    ],
)
def test_whatever_a_command_reads_is_a_regular_file(here, capfd, name, arguments, put):
    (here / name).parent.mkdir(parents=True, exist_ok=True)
    put(here / name)
    code, err = said(arguments, capfd)
    assert code == (0 if name == "harness.toml" else 2), err  # that one is looked for, and these are none


@pytest.mark.parametrize("name", [PLAN, "verdict.json", "../../manifest.json"])
def test_brackets_without_end_are_no_bug(results, capfd, name):
    (results / RUN / name).write_bytes(b'{"schema_version":1,"x":' + b"[" * 100_000)
    code, err = said(["report", str(results)], capfd)
    assert (code, "of this harness" in err) == (2, True), err


@pytest.mark.parametrize("command", ["judge", "report"])
def test_no_picture_of_somebody_elses_is_in_the_page(results, capfd, command):
    for name in ("strip", "zoom"):
        path = results / RUN / f"{name}.svg"
        path.write_text("<svg><script>planted()</script></svg>")
        os.utime(path, (4e9, 4e9))
    (results / RUN / "distribution.png").write_bytes(b"")
    os.utime(results / RUN / "distribution.png", (4e9, 4e9))
    assert said([command, str(results)], capfd)[0] != 2
    assert "planted()" not in (results / "report.html").read_text()


@pytest.mark.parametrize("version", [-1, 0, 3, 999])
@pytest.mark.parametrize("name", [PLAN, "verdict.json", "manifest.json"])
def test_another_schema_is_refused(results, capfd, name, version):
    path = results / name if name == "manifest.json" else results / RUN / name
    data = json.loads(path.read_bytes()) if path.exists() else {}
    path.write_text(json.dumps(data | {"schema_version": version}))
    code, err = said(["report", str(results)], capfd)
    assert (code, "newer harness" in err or "written by no harness" in err) == (2, True), err


@pytest.mark.parametrize("version", [-1, 0, 3])
def test_a_history_of_another_schema_is_refused(tmp_path, version):
    run = {"kind": "run", "zero_ns": 0, "scenario": "", "variant": "", "client": "", "world": "real", "seed": 1}
    (tmp_path / HISTORY).write_bytes(gzip.compress(json.dumps(run | {"schema_version": version}).encode() + b"\n"))
    with pytest.raises(BadRecords, match="newer harness" if version > 1 else f"from 1 to 2, got {version}"):
        reader.read_history(tmp_path / HISTORY)


def bomb(path, unit, size):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = unit * (1_000_000 // len(unit))
    with path.open("wb") as file:
        for _ in range(size // len(block)):
            file.write(packer.compress(block))
        file.write(packer.flush())


READ = """\
import pathlib, sys
from harness.history import read_history
try:
    read_history(pathlib.Path(sys.argv[1]))
finally:
    # Not rusage: what a process held before it became this program counts there too.
    print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("unit", "words"), [(b"\0", "more than 33554432 bytes"), (b" " * 99 + b"\n", "record 1: ")])
def test_a_bomb_is_met_before_it_is_held(tmp_path, unit, words):
    bomb(tmp_path / HISTORY, unit, 1_200_000_000)
    done = subprocess.run(
        [sys.executable, "-c", READ, tmp_path / HISTORY], capture_output=True, text=True, check=False, timeout=120
    )
    assert words in done.stderr
    assert int(done.stdout) <= 160_000  # KB


def test_records_without_end_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "MOST_RECORDS", 1_000)
    bomb(tmp_path / HISTORY, b'{"kind":"end","reason":"done"}\n', 1_000_000)
    with pytest.raises(BadRecords, match="more than 1000 records"):
        reader.read_history(tmp_path / HISTORY)


def test_lines_that_hold_nothing_are_counted_too(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "MOST_RECORDS", 1_000)
    bomb(tmp_path / HISTORY, b"\n", 1_000_000)
    with pytest.raises(BadRecords, match="more than 1000 records"):
        reader.read_history(tmp_path / HISTORY)


def test_a_line_is_read_whole_wherever_its_pieces_break(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "PIECE", 7)
    lines = [json.dumps({"kind": "end", "reason": "x" * size}).encode() for size in range(0, 90, 7)]
    (tmp_path / HISTORY).write_bytes(gzip.compress(b"\n\n".join(lines) + b"\n"))
    history = reader.read_history(tmp_path / HISTORY)
    assert [len(record.reason) for record in history.records] == list(range(0, 90, 7))
    assert not history.truncated
