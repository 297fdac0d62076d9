"""A whole run, from a file to a verdict, a report and an exit code."""

import json
import shutil

import pytest

from .command import DEAF, harness, latest, short, summary, verdicts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """One short handoff, run once for all the questions below."""
    folder = tmp_path_factory.mktemp("walk")
    (folder / "walk.yaml").write_text(short())
    done = harness("run", "walk.yaml", "--toxiproxy", "embedded", "--figures", "all", cwd=folder)
    return folder, done


def test_a_good_client_passes_with_exit_code_0(walked):
    _, done = walked
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\nPASS  1 scenario" in done.stdout
    assert done.stdout.endswith("report  results/latest/report.html\n")


def test_no_law_failed_and_the_built_ones_were_judged(walked):
    folder, _ = walked
    ((word, laws),) = verdicts(folder).values()
    held = [law for law, state in laws.items() if state == "held"]
    assert word == "pass"
    assert not [law for law, state in laws.items() if state in {"failed", "unknown"}]
    assert {"fault-seen", "terminal-once", "no-gap", "no-duplicate", "order", "one-stream", "resume"} <= set(held)
    assert {"backoff", "recovery", "clean-exit"} <= set(held)


def test_every_file_of_the_interface_is_there(walked):
    folder, _ = walked
    root = latest(folder)
    assert {path.name for path in root.iterdir()} >= {
        "report.html", "report.md", "junit.xml", "summary.json", "manifest.json", "walk"
    }  # fmt: skip
    (run,) = [path for path in (root / "walk").iterdir() if path.is_dir()]
    assert run.name == "reference-real-s7"
    assert {"plan.json", "verdict.json", "history.jsonl.gz", "harness.log"} <= {path.name for path in run.iterdir()}
    assert len(list(run.glob("*.svg"))) == len(list(run.glob("*.png"))) >= 4
    assert (root / "walk" / "scenario.yaml").read_text() == short()


def test_nothing_went_wrong_unsaid(walked):
    folder, _ = walked
    (log,) = latest(folder).glob("*/*/harness.log")
    assert log.read_text() == ""


def test_progress_goes_to_standard_error_in_plain_lines(walked):
    _, done = walked
    assert "walk" in done.stderr
    assert "\x1b" not in done.stderr + done.stdout


def test_judging_again_from_the_files_alone_gives_the_same_verdict(walked, tmp_path):
    folder, _ = walked
    copy = tmp_path / "copy"
    shutil.copytree(latest(folder), copy)
    before = {path: path.read_bytes() for path in copy.glob("*/*/verdict.json")}
    for path in before:
        path.unlink()
    done = harness("judge", str(copy), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in copy.glob("*/*/verdict.json")} == before


def test_the_report_is_drawn_again_from_the_files_alone(walked, tmp_path):
    folder, _ = walked
    copy = tmp_path / "copy"
    shutil.copytree(latest(folder), copy)
    for path in [*copy.glob("*/*/*.svg"), *copy.glob("*/*/*.png"), copy / "report.html", copy / "summary.json"]:
        path.unlink()
    done = harness("report", str(copy), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (copy / "report.html").exists()
    assert json.loads((copy / "summary.json").read_text())["word"] == "pass"
    assert len(list(copy.glob("*/*/*.svg"))) >= 4


def test_a_client_that_never_notices_fails_with_exit_code_1_and_says_so(tmp_path):
    (tmp_path / "deaf.yaml").write_text(DEAF)
    arguments = ("--client", "as-shipped", "--toxiproxy", "embedded", "--figures", "failed")
    done = harness("run", "deaf.yaml", *arguments, cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "The client never noticed that" in done.stdout
    assert "terminal-once" in done.stdout
    ((word, laws),) = verdicts(tmp_path).values()
    assert (word, laws["terminal-once"], laws["no-gap"]) == ("fail", "failed", "failed")
    assert len(list(latest(tmp_path).glob("*/*/*.svg"))) >= 4


def test_the_default_client_survives_the_same_with_its_watchdog(tmp_path):
    (tmp_path / "deaf.yaml").write_text(DEAF)
    done = harness("run", "deaf.yaml", "--toxiproxy", "embedded", "--figures", "failed", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(latest(tmp_path).glob("*/*/*.svg")) == []


def test_an_expectation_that_is_not_met_fails_the_run(tmp_path):
    (tmp_path / "walk.yaml").write_text(short(attempts="at most 0"))
    done = harness("run", "walk.yaml", "--world", "virtual", "--output-format", "github", cwd=tmp_path)
    assert done.returncode == 1
    assert "::error file=walk.yaml,line=10" in done.stdout


def test_the_embedded_and_the_real_toxiproxy_give_the_same_verdict(walked, tmp_path):
    real = shutil.which("toxiproxy-server")
    if real is None:
        pytest.skip("no toxiproxy-server on PATH; CI installs it")
    folder, _ = walked
    (tmp_path / "walk.yaml").write_text(short())
    done = harness("run", "walk.yaml", "--toxiproxy", real, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "toxiproxy real" in done.stdout
    ((word, laws),), ((other, others),) = verdicts(tmp_path).values(), verdicts(folder).values()
    assert {laws.pop("prompt"), others.pop("prompt")} <= {"held", "not judged"}  # by how busy the host is
    assert (word, laws) == (other, others)


def test_variants_of_a_sweep_have_folders_of_their_own_and_one_can_be_picked(tmp_path):
    text = short().replace("1.9s:", "1.4s+$gap:").replace("timeline:", "sweep: {gap: [300ms, 500ms]}\ntimeline:")
    (tmp_path / "walk.yaml").write_text(text)
    done = harness("run", "walk.yaml", "--set", "gap=500ms", "--world", "virtual", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(verdicts(tmp_path)) == ["reference-virtual-s7-gap=500ms"]
    both = harness("run", "walk.yaml", "--world", "virtual", "--output-format", "json", cwd=tmp_path)
    assert both.returncode == 0, both.stdout + both.stderr
    assert list(verdicts(tmp_path)) == ["reference-virtual-s7-gap=300ms", "reference-virtual-s7-gap=500ms"]
    assert json.loads(both.stdout) == summary(tmp_path)
