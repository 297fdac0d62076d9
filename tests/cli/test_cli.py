import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from harness import __version__ as version
from harness import cli
from harness.campaign.folders import point_latest
from harness.clients.mutants import MUTANTS
from harness.commands.options import address, assignments, duration
from harness.commands.showing import complain
from harness.errors import EnvironmentFault, UsageError
from harness.exits import worst
from harness.judge.verdict import Word
from harness.scenario import bundled
from tests.campaign.test_merging import shard


def harness(*arguments, cwd=None):
    """Run the real command; its output is what a user reads."""
    return subprocess.run(
        [sys.executable, "-m", "harness", *arguments], capture_output=True, text=True, check=False, cwd=cwd, timeout=60
    )


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], 0),
        ([0, 0], 0),
        ([0, 4], 4),
        ([4, 3], 3),
        ([3, 1, 4], 1),
        ([1, 2], 2),
        ([2, 1, 143], 143),
        ([143, 130], 130),
    ],
)
def test_of_many_exit_codes_the_first_that_applies_wins(codes, expected):
    assert worst(codes) == expected


def test_a_mistaken_command_gets_the_nearest_word_and_exit_code_2():
    done = harness("rum", "handoff")
    assert done.returncode == 2
    assert 'no such command: rum (did you mean "run"?)' in done.stderr


@pytest.mark.parametrize("name", sorted(cli.LATER))
def test_what_is_not_built_is_refused_by_name(name):
    result = CliRunner().invoke(cli.cli, [name])
    assert result.exit_code == 2
    assert f"`harness {name}`" in result.output
    assert "is not built yet" in result.output


@pytest.mark.parametrize("text", ["gap", "=5s", "gap=", ""])
def test_an_assignment_needs_both_sides(text):
    with pytest.raises(UsageError, match="--set takes NAME=VALUE"):
        assignments([text])


def test_assignments_are_read_as_pairs():
    assert assignments(["gap=5s", "stall=a=b"]) == {"gap": "5s", "stall": "a=b"}


@pytest.mark.parametrize("text", ["0.0.0.0:80", "192.168.0.1:80", "example.com:80"])
def test_only_loopback_is_served(text):
    with pytest.raises(UsageError, match="only loopback"):
        address(text)


@pytest.mark.parametrize("text", ["127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000"])
def test_an_address_needs_a_port(text):
    with pytest.raises(UsageError, match="ADDRESS:PORT"):
        address(text)


@pytest.mark.parametrize(("text", "expected"), [("localhost:80", ("127.0.0.1", 80)), (":81", ("127.0.0.1", 81))])
def test_short_addresses_mean_loopback(text, expected):
    assert address(text) == expected


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (EnvironmentFault("x"), 3),
        (click.UsageError("x"), 2),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
        (click.exceptions.Exit(7), 7),
    ],
)
def test_every_error_a_user_can_meet_has_its_exit_code(error, code, capsys):
    def fail():
        raise error

    assert cli.guarded(fail) == code
    assert "Traceback" not in capsys.readouterr().err


def test_a_bug_of_ours_is_told_in_words_and_its_traceback_kept(capsys):
    def fail():
        raise ZeroDivisionError("planted")

    assert cli.guarded(fail) == 3
    said = capsys.readouterr().err
    kept = Path(said.rpartition(" is in ")[2].strip())
    assert "a bug in harness itself: ZeroDivisionError: planted" in said
    assert "Traceback" not in said
    assert "Traceback" in kept.read_text()
    kept.unlink()


def test_a_bad_duration_names_the_option():
    with pytest.raises(UsageError, match="--timeout"):
        duration("5", "--timeout")


def test_help_names_every_command_with_its_line_and_imports_none_of_them():
    program = (
        "import sys, harness.cli as c; c.guarded(lambda: c.cli(['--help'], standalone_mode=False));"
        "assert [name for name in sys.modules if name.startswith('harness.commands.')] == ['harness.commands.showing']"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name, entry in cli.COMMANDS.items():
        assert f"  {name:<11}{entry.help}\n" in done.stdout


def test_every_command_in_the_list_is_one_of_its_name():
    context = click.Context(cli.cli)
    assert [cli.cli.get_command(context, name).name for name in cli.COMMANDS] == list(cli.COMMANDS)
    assert cli.cli.get_command(context, "rum") is None


def test_a_scenario_that_is_not_there_starts_nothing(tmp_path):
    done = harness("run", "handof", cwd=tmp_path)
    assert done.returncode == 2
    assert "handoff" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_results_that_cannot_be_written_say_where_and_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    done = harness("run", "handoff", "--out", str(tmp_path / "file" / "results"))
    assert done.returncode == 3
    assert "--out DIR" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_command_with_bad_input_imports_the_plotting_library():
    program = (
        "import sys, harness.cli as c; c.guarded(lambda: c.cli(['check', 'nowhere'], standalone_mode=False));"
        "assert not {'matplotlib', 'httpx', 'numpy', 'trio'} & set(sys.modules), 'heavy'"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--toxiproxy", "https://localhost:1"], "expected http://host:port, got one of https"),
        (["--twice"], "--twice needs --world virtual: only there does a seed replay exactly"),
        (["--twice", "--world", "both"], "--twice needs --world virtual"),
        (["--world", "virtual", "--toxiproxy", "embedded"], "--toxiproxy embedded has no place in --world virtual"),
    ],
)
def test_what_a_world_cannot_do_is_refused_with_the_reason_before_anything_starts(arguments, why, tmp_path):
    done = harness("run", "handoff", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_help_tells_what_virtual_time_leaves_out_in_lines_of_a_terminal():
    done = harness("help", "virtual")
    assert done.returncode == 0
    assert "  - Bytes, FIN and RST take no time of their own" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "virtual            Virtual time" in harness("help").stdout


def test_help_tells_what_each_mutant_stands_for():
    said = CliRunner().invoke(cli.cli, ["help", "mutants"]).output
    assert [name for name in MUTANTS if f"{name}: " not in said] == []
    assert max(map(len, said.splitlines())) <= 100


COMMANDS = sorted(cli.COMMANDS)


@pytest.mark.parametrize("arguments", [[], *([name] for name in COMMANDS)], ids=["harness", *COMMANDS])
def test_every_command_says_its_version_and_helps_in_lines_of_a_terminal(arguments):
    said = CliRunner().invoke(cli.cli, [*arguments, "--version"])
    assert (said.exit_code, said.output) == (0, f"harness, version {version}\n")
    helped = CliRunner().invoke(cli.cli, [*arguments, "--help"], terminal_width=100)
    assert helped.exit_code == 0
    assert not re.search(r"\\b|\x08|\w\.\.\.\n", helped.output)
    assert max(map(len, helped.output.splitlines())) <= 100


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_is_for(name):
    command = cli.cli.get_command(click.Context(cli.cli), name)
    unsaid = [one.opts for one in command.params if isinstance(one, click.Option) and not one.help]
    assert unsaid == []


def test_examples_keep_their_lines_in_the_first_help():
    lines = CliRunner().invoke(cli.cli, ["--help"]).output.splitlines()
    assert "  harness run half-open --client as-shipped" in lines


def test_the_list_keeps_names_and_titles_apart():
    said = CliRunner().invoke(cli.cli, ["list"]).output
    titles = [line for line in said.splitlines() if line and not line.startswith(" ")]
    assert {line.split("  ")[0] for line in titles} == set(bundled())
    assert len({len(line) - len(line.partition("  ")[2].lstrip()) for line in titles}) == 1


EMPTY = [
    ["run", "x.yaml", "--out", ""], ["run", "x.yaml", "--junit", ""], ["run", ""], ["check", ""], ["explain", ""],
    ["judge", ""], ["report", ""], ["merge", ""], ["merge", "a", ""], ["merge", "a", "--out", ""], ["init", ""],
    ["fuzz", "--out", ""], ["fuzz", "--mutants", "--record", ""],
]  # fmt: skip


@pytest.mark.parametrize("arguments", EMPTY, ids=" ".join)
def test_an_empty_path_is_no_path_and_starts_nothing(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").write_text("scenario: x\njob: {lasts: 1s}\npaths: {wifi: wifi}\n")
    assert cli.guarded(lambda: cli.cli(arguments, standalone_mode=False)) == 2
    assert "expected a" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["x.yaml"]


def results_in(folder):
    """A results folder inside another, which points at it."""
    shard(folder / "20260101T000000Z-0000", (0.5, Word.PASS, 7))
    (folder / "latest").symlink_to("20260101T000000Z-0000")
    return folder


@pytest.mark.parametrize("command", ["judge", "report"])
def test_the_newest_results_are_found_in_the_folder_that_has_them(command, tmp_path, capsys):
    folder = results_in(tmp_path / "results")
    assert cli.guarded(lambda: cli.cli([command, str(folder)], standalone_mode=False)) in {0, 4}
    assert "latest/report.html" in capsys.readouterr().out


@pytest.mark.parametrize("inside", ["handoff", "handoff/reference-real-s7-gap=500ms"])
def test_a_part_of_results_says_whose_part_it_is(inside, tmp_path, capsys):
    folder = shard(tmp_path / "r", (0.5, Word.PASS, 7))
    assert cli.guarded(lambda: cli.cli(["judge", str(folder / inside)], standalone_mode=False)) == 2
    assert f"expected all of them, which are {folder}" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("kind", ["file", "folder", "fifo"])
def test_what_is_called_latest_and_is_no_link_stays(kind, tmp_path):
    latest = tmp_path / "latest"
    {"file": latest.touch, "folder": latest.mkdir, "fifo": lambda: os.mkfifo(latest)}[kind]()
    made = tmp_path / "20260101T000000Z-0000"
    made.mkdir()
    point_latest(made)
    assert not latest.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["20260101T000000Z-0000", "latest"]


def test_a_complaint_keeps_to_a_hundred_columns_and_a_mistake_in_a_file_to_its_line(capsys):
    complain("a fault " * 30)
    assert max(map(len, capsys.readouterr().err.splitlines())) <= 100
    complain("x.yaml:1:2: error: " + "a mistake " * 30)
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_help_on_virtual_time_promises_nothing_that_is_not_built():
    assert "own server" not in CliRunner().invoke(cli.cli, ["help", "virtual"]).output
