"""Shards joined: one folder, one verdict, nothing lost, and nothing half written."""

import json
import os
import signal
import subprocess
import sys

import msgspec
import pytest

from harness import cli
from harness.campaign import merging
from harness.errors import EnvironmentFault
from harness.judge.verdict import Word
from harness.report.compose import write_pages
from harness.report.folder import read_results
from tests.report import synthetic


def shard(folder, *runs, **facts):
    """A results folder as an invocation leaves it: of each run the gap, the word and the seed."""
    keys = []
    for gap, word, seed in runs:
        plan = msgspec.structs.replace(synthetic.handoff_plan(gap), seed=seed)
        verdict = msgspec.structs.replace(synthetic.handoff_verdict(plan), word=word, seed=seed)
        run = synthetic.put(folder, plan, verdict)
        (run / "distribution.png").write_bytes(b"drawn")
        keys.append(f"handoff/{run.name}")
    synthetic.put_manifest(folder, **({"order": keys, "took": dict.fromkeys(keys, 2.0)} | facts))
    write_pages(read_results(folder))
    return folder


def merged(tmp_path, capfd, *folders, options=()):
    """Exit code, standard output and error of the command, and the results it made, if any."""
    out = tmp_path / "out"
    arguments = ["merge", *map(str, folders), "--out", str(out), *options]
    code = cli.guarded(lambda: cli.cli(arguments, standalone_mode=False))
    said = capfd.readouterr()
    made = [path for path in out.glob("*") if not path.is_symlink()] if out.exists() else []
    return code, said.out, said.err, read_results(made[0]) if made else None


def test_the_runs_of_all_shards_are_in_one_folder_in_the_order_of_the_files(tmp_path, capfd):
    first = shard(tmp_path / "a", (0.5, Word.PASS, 7), (0.5, Word.PASS, 8), shards=["1/2"], seconds=10.0)
    second = shard(tmp_path / "b", (5.0, Word.PASS, 7), shards=["2/2"], seconds=4.0)
    code, out, err, results = merged(tmp_path, capfd, first, second)
    assert (code, err) == (0, "")
    assert [run.folder.name for run in results.runs] == [
        "reference-real-s7-gap=500ms",
        "reference-real-s7-gap=5s",
        "reference-real-s8-gap=500ms",
    ]
    assert "PASS  1 scenario, 2 variants, 3 runs, seeds 7, 8 in 10.0 s" in out
    assert results.manifest.merged == (str(first), str(second))
    assert results.manifest.took["handoff/reference-real-s7-gap=5s"] == 2.0
    assert (tmp_path / "out" / "latest").resolve() == results.folder
    for name in ("report.html", "report.md", "junit.xml", "summary.json"):
        assert (results.folder / name).exists()
    assert (results.folder / "handoff" / "scenario.yaml").read_text() == synthetic.HANDOFF_SOURCE
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", "out"}


@pytest.mark.parametrize(
    ("word", "facts", "code"),
    [
        (Word.FAIL, {}, 1),
        (Word.VOID, {}, 3),
        (Word.UNKNOWN, {}, 4),
        (Word.UNKNOWN, {"unknown": "warn"}, 0),
        (Word.PASS, {"not_run": ["handoff gap=9s"]}, 4),
        (Word.PASS, {"order": ["handoff/gone"]}, 4),
        (Word.PASS, {"order": ["handoff/gone"], "faults": {"handoff/gone": "its folder is gone"}}, 3),
        (Word.FAIL, {"signal": 15}, 143),
    ],
)
def test_the_exit_code_is_that_of_the_joined_verdict_and_stands_in_it(tmp_path, capfd, word, facts, code):
    good = shard(tmp_path / "a", (0.5, Word.PASS, 7), unknown="warn")
    other = shard(tmp_path / "b", (5.0, word, 7), **facts)
    found, _, _, results = merged(tmp_path, capfd, good, other)
    assert found == code
    assert json.loads((results.folder / "summary.json").read_text())["exit"] == code


def test_a_shard_that_is_not_among_them_is_named_and_no_pass(tmp_path, capfd):
    first = shard(tmp_path / "a", (0.5, Word.PASS, 7), shards=["1/3"])
    third = shard(tmp_path / "c", (5.0, Word.PASS, 7), shards=["3/3"])
    code, out, _, results = merged(tmp_path, capfd, first, third)
    assert code == 4
    assert "  missing  shard 2/3\n" in out
    assert results.manifest.missing == ("shard 2/3",)
    second = shard(tmp_path / "b", (5.0, Word.PASS, 8), shards=["2/3"])
    whole = tmp_path / "whole"
    whole.mkdir()
    code, out, _, results = merged(whole, capfd, results.folder, second)
    assert (code, results.manifest.missing) == (0, ())


def test_a_run_that_several_hold_is_named_and_kept_from_each(tmp_path, capfd):
    good = shard(tmp_path / "a", (0.5, Word.PASS, 7))
    bad = shard(tmp_path / "b", (0.5, Word.FAIL, 7), (5.0, Word.PASS, 7))
    code, out, err, results = merged(tmp_path, capfd, good, bad)
    assert code == 1
    assert sorted(run.key for run in results.runs) == [
        "handoff-2/reference-real-s7-gap=500ms",
        "handoff-2/reference-real-s7-gap=5s",
        "handoff/reference-real-s7-gap=500ms",
    ]
    assert "handoff gap=500ms, reference, real, seed 7" in " ".join(err.split())
    assert " twice " in out
    assert json.loads((results.folder / "summary.json").read_text())["twice"] == list(results.manifest.twice)
    assert results.manifest.took["handoff-2/reference-real-s7-gap=5s"] == 2.0


def test_another_file_of_the_same_name_has_a_folder_of_its_own(tmp_path, capfd):
    first = shard(tmp_path / "a", (0.5, Word.PASS, 7))
    other = shard(tmp_path / "b", (5.0, Word.PASS, 7))
    (other / "handoff" / "scenario.yaml").write_text("scenario: another\n")
    _, _, _, results = merged(tmp_path, capfd, first, other)
    assert [run.folder.parent.name for run in results.runs] == ["handoff", "handoff-2"]


def test_a_results_folder_is_found_by_its_latest(tmp_path, capfd):
    shard(tmp_path / "r" / "20260101T000000Z-0000", (0.5, Word.PASS, 7))
    (tmp_path / "r" / "latest").symlink_to("20260101T000000Z-0000")
    code, _, _, results = merged(tmp_path, capfd, tmp_path / "r")
    assert (code, len(results.runs)) == (0, 1)


def spoilt(folder, how):
    if how == "empty":
        folder.mkdir()
    elif how == "a file":
        folder.write_text("x")
    elif how != "not there":
        shard(folder, (5.0, Word.PASS, 7))
    if how == "incomplete":
        (folder / "summary.json").unlink()
    elif how == "no verdict of ours":
        next(folder.rglob("verdict.json")).write_text("{}")
    elif how == "newer":
        (folder / "manifest.json").write_text('{"schema_version": 99}')
    return folder


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("not there", "holds no recorded runs"),
        ("empty", "holds no recorded runs"),
        ("a file", "holds no recorded runs"),
        ("incomplete", "is not complete: it has no summary.json"),
        ("no verdict of ours", "is not a verdict of this harness"),
        ("newer", "was written by a newer harness"),
    ],
)
def test_a_folder_that_cannot_be_taken_is_refused_and_nothing_is_written(tmp_path, capfd, how, words):
    good = shard(tmp_path / "a", (0.5, Word.PASS, 7))
    code, out, err, results = merged(tmp_path, capfd, good, spoilt(tmp_path / "b", how))
    assert (code, out, results) == (2, "", None)
    assert words in " ".join(err.split())
    assert not (tmp_path / "out").exists()


def test_all_that_is_wrong_is_said_at_once(tmp_path, capfd):
    good = shard(tmp_path / "a", (0.5, Word.PASS, 7))
    bad = spoilt(tmp_path / "b", "incomplete")
    code, _, err, _ = merged(tmp_path, capfd, good, bad, good)
    assert code == 2
    assert "is not complete" in err
    assert "is the same folder as" in " ".join(err.split())


def test_a_merge_that_finds_no_room_leaves_nothing(tmp_path, monkeypatch):
    good = shard(tmp_path / "a", (0.5, Word.PASS, 7))

    def full(folder):
        raise EnvironmentFault("cannot write: No space left on device")

    monkeypatch.setattr(merging, "write_report", full)
    with pytest.raises(EnvironmentFault):
        merging.merge([("a", good)], tmp_path / "out", unknown=None, command="")
    assert list((tmp_path / "out").iterdir()) == []


def test_links_and_pipes_in_a_shard_are_not_read(tmp_path, capfd):
    good = shard(tmp_path / "a", (0.5, Word.PASS, 7))
    run = next(good.glob("handoff/*/plan.json")).parent
    os.mkfifo(run / "strip.svg.fifo")
    (run / "passwd").symlink_to("/etc/passwd")
    code, _, _, results = merged(tmp_path, capfd, good)
    assert code == 0
    assert not (results.runs[0].folder / "passwd").exists()
    assert not (results.runs[0].folder / "strip.svg.fifo").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_merge_that_is_interrupted_leaves_nothing(tmp_path, number, code):
    good = shard(tmp_path / "a", (0.5, Word.PASS, 7))
    program = (
        "import os, signal, time, harness.campaign.merging as m, harness.cli as c\n"
        "m.write_report = lambda folder: (print('copied', flush=True), time.sleep(30))\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"raise SystemExit(c.guarded(lambda: c.cli(['merge', {str(good)!r}, '--out', 'out'], standalone_mode=False)))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "copied\n"
    process.send_signal(number)
    process.communicate(timeout=20)
    assert process.returncode == code
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.slow
def test_shards_of_virtual_runs_join_to_what_one_run_of_all_says(tmp_path):
    (tmp_path / "walk.yaml").write_text(
        "scenario: walk\njob: {lasts: 3s, updates: every 50ms}\npaths: {wifi: wifi}\n"
        "sweep: {stall: [200ms, 300ms, 400ms]}\ntimeline:\n  1s: {wifi: stalled for $stall}\n"
    )

    def harness(*arguments):
        command = [sys.executable, "-m", "harness", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)

    virtual = ("walk.yaml", "--world", "virtual")
    for part in ("1/2", "2/2"):
        assert harness("run", *virtual, "--shard", part, "--out", part.replace("/", "-")).returncode == 0
    joined = harness("merge", "1-2", "2-2", "--output-format", "json")
    assert joined.returncode == 0, joined.stderr
    whole = harness("run", *virtual, "--output-format", "json", "--out", "whole")
    first, second = json.loads(joined.stdout), json.loads(whole.stdout)
    assert first["words"] == second["words"] == {"pass": 3, "fail": 0, "unknown": 0, "void": 0, "interrupted": 0}
    told = [[(run["variant"], run["digest"], run["folder"]) for run in one["runs"]] for one in (first, second)]
    assert told[0] == told[1]
