"""Nonsense at the command line: words, the right exit code, nothing started, and never a traceback."""

import os

import pytest

from harness import cli
from tests.end_to_end.command import short

GOOD = short()

NONSENSE = [
    (["run", "walk.yaml", "--client", "nobody"], 'unknown client "nobody"'),
    (["run", "walk.yaml", "--client", ""], 'unknown client ""'),
    (["run", "walk.yaml", "--seed", "x"], "--seed"),
    (["run", "walk.yaml", "--set", "gap"], "--set takes NAME=VALUE"),
    (["run", "walk.yaml", "--set", "gap=5s"], "gap"),
    (["run", "walk.yaml", "--timeout", "5"], "a unit is always needed"),
    (["run", "walk.yaml", "--timeout", "-5s"], "a duration has no sign"),
    (["run", "walk.yaml", "--timeout", "0s"], "more than zero"),
    (["run", "walk.yaml", "--timeout", "nan"], "expected a duration"),
    (["run", "walk.yaml", "--timeout", "1e9999s"], "expected a duration"),
    (["run", "walk.yaml", "-j", "0"], "--jobs"),
    (["run", "walk.yaml", "-j", "many"], "--jobs"),
    (["run", "walk.yaml", "--maxfail", "0"], "--maxfail"),
    (["run", "walk.yaml", "--output-format", "xml"], "--output-format"),
    (["run", "walk.yaml", "--unknown", "x"], "--unknown"),
    (["run", "walk.yaml", "--color", "x"], "--color"),
    (["run", "walk.yaml", "--nope"], "--nope"),
    (["run", "walk.yaml", "nowhere.yaml"], "nowhere.yaml"),
    (["run", "x" * 5000], "too long"),
    (["run", "\udcff.yaml"], "no file, no folder"),
    (["run", "walk.yaml", "-k", "zzz"], "none speaks of"),
    (["run", "walk.yaml", "--shard", "2/2"], "part 2 of 2 of 1 run is empty"),
    (["run", "walk.yaml", "--toxiproxy", ""], "--toxiproxy takes auto, embedded"),
    (["fuzz", "--client", ""], 'unknown client ""'),
    (["fuzz", "--record", "x"], "it needs --mutants"),
    (["merge"], "Missing argument"),
    (["merge", "nowhere", "walk.yaml"], "walk.yaml holds no recorded runs"),
    (["judge", "nowhere"], "no recorded runs"),
    (["judge", "walk.yaml"], "no recorded runs"),
    (["report", "nowhere"], "no recorded runs"),
    (["help", "no-such-law"], "no-such-law"),
    (["list", "x"], "unexpected extra argument"),
    (["check"], "Missing argument"),
    ([""], "no such command"),
    (["serve", "--listen", "x"], "ADDRESS:PORT"),
    (["serve", "--listen", "127.0.0.1:0", "--lasts", "long"], "--lasts"),
    (["serve", "--listen", "127.0.0.1:0", "--lasts", "0s"], "--lasts"),
    (["serve", "--listen", "127.0.0.1:0", "--every", "0s"], "--every"),
    (["serve", "--listen", "127.0.0.1:0", "--every", "1us", "--lasts", "1d"], "at most 500000 events"),
    (["serve", "--listen", "127.0.0.1:0", "--keepalive", "0s"], "--keepalive"),
    (["serve", "--listen", "127.0.0.1:0", "--retry", ""], "--retry"),
    (["toxiproxy", "--listen", "127.0.0.1:99999"], "ADDRESS:PORT"),
    (["toxiproxy", "--seed", "x"], "--seed"),
]

FILES = {
    "binary.yaml": (bytes(range(256)) * 10, "expected UTF-8 text"),
    "utf16.yaml": (GOOD.encode("utf-16"), "expected UTF-8 text, got the byte 0xff"),
    "zeros.yaml": (bytes(100), "U+0000"),
    "empty.yaml": (b"", "the file is empty"),
    "aliases.yaml": (b"a: &a [x]\n" + b"b: [*a, *a]\n" * 40_000, "an alias"),
    "bomb.yaml": (b"a: &a [x]\n" + b"b: [*a, *a]\n" * 850_000, "at most 1000000 bytes"),
    "deep.yaml": (b"[" * 100_000, "levels"),
    "wide.yaml": (b"- x\n" * 200_000, "at most 5000 values"),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with one good scenario in it."""
    (tmp_path / "walk.yaml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(arguments, capfd):
    """Exit code and standard error of a command that must say something, and must not say a traceback."""
    code = cli.guarded(lambda: cli.cli(arguments, standalone_mode=False, prog_name="harness"))
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err
    assert "bug in harness" not in err
    return code, err


@pytest.mark.parametrize(("arguments", "words"), NONSENSE, ids=[" ".join(words)[:40] for words, _ in NONSENSE])
def test_nonsense_is_refused_with_exit_code_2_and_starts_nothing(folder, capfd, arguments, words):
    code, err = refused(arguments, capfd)
    assert (code, words in err) == (2, True), err
    assert [path.name for path in folder.iterdir()] == ["walk.yaml"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_scenario_is_refused_where_it_stands(folder, capfd, name):
    content, words = FILES[name]
    (folder / name).write_bytes(content)
    code, err = refused(["check", name], capfd)
    assert code == 2
    assert words in err
    assert all(line.startswith(name) for line in err.splitlines())
    assert len(err.splitlines()) <= 101


def test_a_pipe_is_refused_and_not_waited_for(folder, capfd):
    os.mkfifo(folder / "pipe.yaml")
    for command in ("check", "run"):
        assert refused([command, "pipe.yaml"], capfd) == (
            2,
            "pipe.yaml: error: expected a scenario file, got a device or a pipe\n",
        )


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_a_device_is_refused(folder, capfd, name):
    code, err = refused(["check", name], capfd)
    assert (code, "a device or a pipe" in err) == (2, True), err


def test_a_folder_without_scenarios_is_refused(folder, capfd):
    (folder / "empty.yaml").mkdir()
    code, err = refused(["run", "empty.yaml"], capfd)
    assert (code, "a folder without *.yaml files" in err) == (2, True), err


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads and writes everything")
def test_a_file_without_permission_is_refused(folder, capfd):
    (folder / "walk.yaml").chmod(0)
    code, err = refused(["check", "walk.yaml"], capfd)
    assert (code, "Permission denied" in err) == (2, True), err


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads and writes everything")
def test_a_working_folder_that_is_read_only_is_told_before_anything_is_started(folder, capfd):
    folder.chmod(0o500)
    code, err = refused(["run", "walk.yaml"], capfd)
    assert (code, "--out DIR" in err) == (3, True), err


@pytest.mark.parametrize("place", ["walk.yaml", "walk.yaml/results", "/proc/results", "/dev/null/results"])
def test_results_that_can_be_written_nowhere_are_told_before_anything_is_started(folder, capfd, place):
    code, err = refused(["run", "walk.yaml", "--out", place], capfd)
    assert (code, f"cannot write results to {place}" in err, "--out DIR" in err) == (3, True, True), err
