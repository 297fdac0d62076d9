"""The scripts of a checkout, on machines that lack something. Each runs in a copy, with a PATH of its own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("sh", "dirname", "tr", "printf", "rm", "mkdir", "touch", "cat", "cp", "sleep")


@pytest.fixture
def checkout(tmp_path):
    """The scripts and what they read, in a folder without an environment."""
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder / name)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        if found:
            (tools / name).symlink_to(found)
    return folder, tools


def program(tools, name, text):
    path = tools / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def harness(checkout, *arguments):
    folder, tools = checkout
    environment = {**os.environ, "PATH": str(tools)}
    return subprocess.run(
        [str(folder / "scripts" / "harness"), *arguments],
        capture_output=True, text=True, check=False, env=environment, timeout=60,
    )  # fmt: skip


def test_without_python_it_says_what_to_install(checkout):
    done = harness(checkout, "list")
    assert done.returncode == 3
    assert "needs Python 3.11 or newer" in done.stderr


def test_an_old_python_is_none(checkout):
    program(checkout[1], "python3", "exit 1")
    done = harness(checkout, "list")
    assert done.returncode == 3
    assert "needs Python 3.11 or newer" in done.stderr


def test_without_the_venv_module_it_says_what_to_install_and_leaves_nothing(checkout):
    program(checkout[1], "python3", 'case "$*" in *venv*) echo "No module named venv" >&2; exit 1;; esac')
    done = harness(checkout, "list")
    assert done.returncode == 3
    assert "apt install python3-venv" in done.stderr
    assert not (checkout[0] / ".venv").exists()


MAKES_VENV = """
case "$*" in
*"-m venv"*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; printf '#!/bin/sh\\necho ran "$@"\\n' > "$3/bin/harness"
    "$TRUE_CHMOD" 755 "$3/bin/harness";;
*"-m pip"*) echo "$*" >> "$LOG";;
esac
"""


def test_it_installs_once_and_hands_all_arguments_on(checkout, tmp_path, monkeypatch):
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.setenv("TRUE_CHMOD", shutil.which("chmod"))
    program(checkout[1], "python3", MAKES_VENV)
    first = harness(checkout, "run", "a b", "--seed", "7")
    assert (first.returncode, first.stdout) == (0, "ran run a b --seed 7\n"), first.stderr
    installed = (tmp_path / "log").read_text()
    assert "--constraint" in installed
    assert f"--editable {checkout[0]}[run]" in installed
    second = harness(checkout, "list")
    assert (second.returncode, second.stdout, second.stderr) == (0, "ran list\n", "")
    assert (tmp_path / "log").read_text() == installed


def test_a_change_of_what_it_depends_on_installs_again(checkout, tmp_path, monkeypatch):
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.setenv("TRUE_CHMOD", shutil.which("chmod"))
    program(checkout[1], "python3", MAKES_VENV)
    harness(checkout, "list")
    before = (tmp_path / "log").read_text()
    later = (checkout[0] / "constraints.txt").stat().st_mtime + 100
    os.utime(checkout[0] / "constraints.txt", (later, later))
    assert "setting up" in harness(checkout, "list").stderr
    assert len((tmp_path / "log").read_text()) > len(before)


def test_with_uv_it_uses_uv(checkout, tmp_path, monkeypatch):
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.setenv("TRUE_CHMOD", shutil.which("chmod"))
    program(
        checkout[1],
        "uv",
        'echo "$*" >> "$LOG"\n[ "$1" = venv ] && { for venv; do :; done; mkdir -p "$venv/bin"; '
        'printf \'#!/bin/sh\\necho ran "$@"\\n\' > "$venv/bin/harness"; cp "$venv/bin/harness" "$venv/bin/python"; '
        '"$TRUE_CHMOD" 755 "$venv/bin/harness" "$venv/bin/python"; }\nexit 0',
    )
    done = harness(checkout, "list")
    assert (done.returncode, done.stdout) == (0, "ran list\n"), done.stderr
    first, second = (tmp_path / "log").read_text().splitlines()
    assert first.startswith("venv")
    assert second.startswith("pip install")
