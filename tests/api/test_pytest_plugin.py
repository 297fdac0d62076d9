"""The pytest plugin, tested by running pytest inside pytest."""

import subprocess
import sys
from pathlib import Path

HEAD = """
import harness, pytest
SILENCE = harness.Scenario(scenario="silence", job={"lasts": "6s", "updates": "every 500ms"}, paths={"wifi": "wifi"},
                           timeline={"2s": {"wifi": "silent for 1s"}})
"""


def said_of(folder: Path, source: str) -> str:
    """Return what pytest says of a file with this source, in a process and a folder of its own."""
    (folder / "test_it.py").write_text(HEAD + source)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    ended = subprocess.run([*command, "test_it.py"], cwd=folder, capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    return ended.stdout


def test_a_marked_scenario_that_passes_is_a_passed_test(tmp_path):
    said = said_of(
        tmp_path,
        """
@pytest.mark.scenario(SILENCE, world="virtual")
def test_one(harness_run):
    (result,) = harness_run()
    assert result.passed
""",
    )
    assert "1 passed" in said


def test_a_failure_reads_like_the_terminals(tmp_path):
    said = said_of(
        tmp_path,
        """
@pytest.mark.scenario(SILENCE, client="as-shipped", world="virtual")
def test_one(harness_run):
    harness_run()
""",
    )
    assert "The client never noticed that Wi-Fi was dead" in said
    assert "report  /" in said
    assert "1 failed" in said
    assert "Traceback" not in said
    assert "def test_one" not in said


def test_without_the_check_the_test_asserts_for_itself(tmp_path):
    said = said_of(
        tmp_path,
        """
@pytest.mark.scenario(SILENCE, client="as-shipped", world="virtual")
def test_one(harness_run):
    (result,) = harness_run(check=False)
    assert str(result.laws["no-gap"].state) == "failed"
    (better,) = harness_run(client="reference", seed=3)
    assert better.seed == 3
""",
    )
    assert "1 passed" in said


def test_mistakes_fail_with_their_sentence_and_no_traceback(tmp_path):
    said = said_of(
        tmp_path,
        """
@pytest.mark.scenario("hadoff", world="virtual")
def test_unknown(harness_run):
    harness_run()

@pytest.mark.scenario("handoff", wrld="virtual")
def test_misspelt(harness_run):
    harness_run()

def test_unnamed(harness_run):
    harness_run()
""",
    )
    assert '(did you mean "handoff"?)' in said
    assert "another exception" not in said
    assert "1 error" in said
    assert "2 failed" in said
    assert "got scenario('handoff', wrld=…)" in said
    assert "no scenario named" in said
    assert "Traceback" not in said


def test_inside_trio_it_is_awaited(tmp_path):
    said = said_of(
        tmp_path,
        """
@pytest.mark.trio
@pytest.mark.scenario(SILENCE, world="virtual")
async def test_one(harness_run):
    await harness_run.arun()
    with pytest.raises(pytest.fail.Exception, match="arun_scenario"):
        harness_run()
""",
    )
    assert "1 passed" in said
