import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from harness import cli
from harness.errors import EnvironmentFault, UsageError


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
    assert cli.worst(codes) == expected


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
        cli.assignments([text])


def test_assignments_are_read_as_pairs():
    assert cli.assignments(["gap=5s", "stall=a=b"]) == {"gap": "5s", "stall": "a=b"}


@pytest.mark.parametrize("text", ["0.0.0.0:80", "192.168.0.1:80", "example.com:80"])
def test_only_loopback_is_served(text):
    with pytest.raises(UsageError, match="only loopback"):
        cli.address(text)


@pytest.mark.parametrize("text", ["127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000"])
def test_an_address_needs_a_port(text):
    with pytest.raises(UsageError, match="ADDRESS:PORT"):
        cli.address(text)


@pytest.mark.parametrize(("text", "expected"), [("localhost:80", ("127.0.0.1", 80)), (":81", ("127.0.0.1", 81))])
def test_short_addresses_mean_loopback(text, expected):
    assert cli.address(text) == expected


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
        cli.duration("5", "--timeout")


def test_help_names_every_command_that_is_built():
    done = harness("--help")
    assert done.returncode == 0
    for name in ("run", "check", "judge", "report", "list", "serve", "toxiproxy", "doctor", "help"):
        assert f"  {name} " in done.stdout


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
    assert "virtual         Virtual time" in harness("help").stdout
