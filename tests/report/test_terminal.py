import shlex
from pathlib import Path

import msgspec
import pytest

from harness.judge.verdict import Evidence, LawState, Word
from harness.report.folder import Invocation, read_results
from harness.report.terminal import WIDTH, Style, render
from harness.report.wording import command_lines, duration
from tests.report import synthetic

REPORT = "results/latest/report.html"

PASS = """\
handoff · wifi to cellular, break before make
reference client · reference server · real sockets · toxiproxy embedded · seed 7

  ✓ gap=500ms  recovered 1.9 s  2 attempts  1602 events, 0 lost, 0 repeated  p99 9 ms on wifi (752)
  ✓ gap=5s     recovered 2.0 s  4 attempts  1602 events, 0 lost, 0 repeated  p99 9 ms on wifi (752)

  faults proved 6 of 6 · laws 20 held, 1 not judged (server-frees)
  limits  recovery 2.0 s < 5 s · attempts 4 ≤ 6 · terminal 0.3 s < 2 s
  host    scheduler lag p99 1.8 ms (limit 10 ms): figures can be trusted

PASS  1 scenario, 2 variants in 43.2 s
report  results/latest/report.html
"""

FAIL = """\
half-open · Wi-Fi disappears without a FIN, cellular works
as-shipped client · reference server · real sockets · toxiproxy embedded · seed 7

  ✗ FAIL  terminal-once, honest-status, recovery
      100 of 602 shown · 502 lost · stale up to 110 s

  The client never noticed that Wi-Fi was dead: silent since 10.0 s, no reconnection by 120 s.
    10.00 s  gate    wifi silent (fault proved: 214 bytes never forwarded)   history:1187
     9.91 s  client  last event dispatched, id a-99 (16 %)                   history:1182
    60.00 s  server  emitted completed, id a-600; the app never saw it       history:2210
  also: 501 events lost · "connected" shown for 110 s of silence (limit 21 s) · limits missed:
        detection never (< 21 s)
  why   watchdog is `never`. Fix: a read deadline above the 15 s keep-alive
        harness help terminal-once

FAIL  1 scenario, 1 variant in 121.3 s · replay: harness run half-open --client as-shipped --seed 7
report  results/latest/report.html#half-open
"""


def lone(folder: Path, word: Word, *laws, sentence: str = "") -> Invocation:
    plan = msgspec.structs.replace(synthetic.handoff_plan(), variant="", variables={})
    good = synthetic.handoff_verdict(plan)
    changed = {law.law: law for law in laws}
    verdict = msgspec.structs.replace(
        good, word=word, sentence=sentence, laws=tuple(changed.get(law.law, law) for law in good.laws)
    )
    synthetic.put(folder, plan, verdict)
    synthetic.put_manifest(folder)
    return read_results(folder)


def test_a_pass_reads_as_designed(passed):
    assert render(passed, report=REPORT) == PASS


def test_a_failure_reads_as_designed(failed):
    assert render(failed, report=REPORT) == FAIL


def test_unknown_ends_in_its_reason_and_its_exit_code(tmp_path):
    why = "212 of 380 planned steady events observed (needs 368); scheduler lag p99 31 ms"
    text = render(lone(tmp_path, Word.UNKNOWN, synthetic.law("prompt", LawState.UNKNOWN, reason=why)), report=REPORT)
    assert text.splitlines()[-5:-2] == [
        f"UNKNOWN  prompt: {why.removesuffix(' p99 31 ms')}",
        "         p99 31 ms   exit 4",
        f"report  {REPORT}",
    ]
    assert text.splitlines()[3].startswith("  ? UNKNOWN  recovered 1.9 s")


def test_void_says_which_fault_left_no_mark(tmp_path):
    why = "the fault at 10 s (wifi silent) was not met by the canary; nothing was tested"
    law = synthetic.law("fault-seen", LawState.FAILED, sentence=why)
    text = render(lone(tmp_path, Word.VOID, law, sentence=why), report=REPORT)
    assert text.splitlines()[-2] == f"VOID     {why}   exit 3"
    assert "  ∅ VOID  fault-seen" in text


def test_many_scenarios_end_in_a_table_failures_last_and_counts(tmp_path):
    synthetic.put_handoff(tmp_path, history=False)
    synthetic.put_half_open(tmp_path, history=False)
    synthetic.put_manifest(tmp_path, seconds=432.1, not_run=["deploy", "captive"])
    lines = render(read_results(tmp_path), report=REPORT).splitlines()
    assert lines[:2] == [
        "✗ half-open  FAIL       1 run   120 s  terminal-once, honest-status, recovery",
        "✓ handoff    PASS       1 run    41 s  recovery 1.9 s < 5 s · attempts 2 ≤ 6 · terminal 0.3 s < 2 s",
    ]
    assert lines[3].startswith("half-open · ")
    assert lines[-3] == "FAIL  1 passed, 1 failed, 2 not run in 7m12s"
    assert lines[-2] == "replay  harness run half-open --client as-shipped --seed 7"


def test_quiet_prints_the_last_two_lines(passed):
    assert render(passed, report=REPORT, style=Style(verbosity=-1)).splitlines() == PASS.splitlines()[-2:]


def test_verbose_names_every_law(passed):
    lines = render(passed, style=Style(verbosity=1)).splitlines()
    assert sum(" L13 server-frees " in line for line in lines) == 2
    assert next(line.split() for line in lines if " H0 " in line) == ["✓", "H0", "fault-seen", "held"]
    assert len({line.index("held") for line in lines if line.startswith("      ✓ ")}) == 1


def test_twice_verbose_prints_every_record(drawn, half_open):
    text = render(read_results(drawn), style=Style(verbosity=2))
    last = half_open.history.records[-1]
    assert f"{last.seq:>6}  120.001000 s  runner  the run ended: done" in text


@pytest.mark.parametrize("verbosity", [0, 1, 2])
def test_no_line_is_wider_than_a_hundred_columns(drawn, verbosity):
    text = render(read_results(drawn), report=REPORT, style=Style(verbosity=verbosity))
    assert [line for line in text.splitlines() if len(line) > WIDTH] == []


def test_colour_comes_only_when_asked_for_and_changes_no_word(failed):
    import re

    painted = render(failed, report=REPORT, style=Style(colour=True))
    assert "\x1b[" in painted
    assert re.sub(r"\x1b\[[\d;]*m", "", painted) == FAIL


def test_a_peers_escape_sequences_never_reach_the_terminal(tmp_path):
    plan = synthetic.half_open_plan()
    evil = "\x1b[2J\u202egnp.exe\r\n::error::x"
    evidence = [Evidence(seq=1, at=0.0, lane="client", text=f"id {evil}")]
    law = synthetic.law("order", LawState.FAILED, sentence=f"event {evil}", evidence=evidence)
    verdict = msgspec.structs.replace(synthetic.half_open_verdict(plan), laws=(law,), sentence="")
    synthetic.put(tmp_path, plan, verdict)
    text = render(read_results(tmp_path))
    assert not any(mark in text for mark in ("\x1b", "\u202e", "\r"))
    assert not any(line.startswith("::") for line in text.splitlines())


def test_a_missed_limit_alone_is_told_with_its_line(tmp_path):
    plan = synthetic.half_open_plan()
    held = synthetic.laws()
    verdict = msgspec.structs.replace(synthetic.half_open_verdict(plan), laws=held, sentence="")
    synthetic.put(tmp_path, plan, verdict)
    text = render(read_results(tmp_path))
    assert "  ✗ FAIL  detection" in text
    assert "  Detection never (limit < 21 s).\n" in text
    assert "  also: half-open.yaml:8\n" in text


def test_a_fourth_failure_is_told_in_a_word(tmp_path):
    broken = [
        synthetic.law(name, LawState.FAILED, sentence=f"{name} broke") for name in ("stop", "order", "no-gap", "prompt")
    ]
    text = render(lone(tmp_path, Word.FAIL, *broken))
    assert "  ✗ FAIL  no-gap, order, stop, prompt" in text
    assert "  and   prompt: Prompt broke" in text


def test_a_long_variant_leaves_its_figures_whole(tmp_path):
    for stall in ("1s", "12s"):
        plan = msgspec.structs.replace(synthetic.handoff_plan(), variant=f"stall={stall},allowed=at most 2,profile=lte")
        synthetic.put(tmp_path, plan, synthetic.handoff_verdict(plan))
    lines = render(read_results(tmp_path)).splitlines()
    assert lines[3:6] == [
        "  ✓ stall=12s,allowed=at most 2,profile=lte  recovered 1.9 s  2 attempts",
        "                                             1602 events, 0 lost, 0 repeated  p99 9 ms on wifi (752)",
        "  ✓ stall=1s,allowed=at most 2,profile=lte   recovered 1.9 s  2 attempts",
    ]


def test_a_variant_of_half_a_line_stands_alone(tmp_path):
    plan = msgspec.structs.replace(synthetic.handoff_plan(), variant="refusal=" + "answers 403 to streams " * 2)
    synthetic.put(tmp_path, plan, synthetic.handoff_verdict(plan))
    assert render(read_results(tmp_path)).splitlines()[3:5] == [
        "  ✓ refusal=answers 403 to streams answers 403 to streams",
        "      recovered 1.9 s  2 attempts  1602 events, 0 lost, 0 repeated  p99 9 ms on wifi (752)",
    ]


@pytest.mark.parametrize("latency", [0.0048, 0.0123, 0.1234, 12.34])
@pytest.mark.parametrize("count", [7, 1602, 123456])
def test_no_figure_of_a_runs_line_is_ever_cut(tmp_path, latency, count):
    for gap, attempts in ((0.5, 1), (5.0, 13)):
        plan = synthetic.handoff_plan(gap)
        good = synthetic.handoff_verdict(plan, attempts=attempts)
        counts = msgspec.structs.replace(good.counts, delivered=count, duplicated=count)
        figure = msgspec.structs.replace(good.measures["update latency on wifi"], value=latency)
        measures = good.measures | {"update latency on wifi": figure}
        synthetic.put(tmp_path, plan, msgspec.structs.replace(good, counts=counts, measures=measures))
    text = render(read_results(tmp_path))
    rows = text.split("\n\n")[1]
    assert "…" not in rows
    assert rows.count(f"{count} events, 0 lost, {count} repeated") == 2
    assert rows.count(f"p99 {duration(latency)}") == 2
    assert max(map(len, rows.splitlines())) <= WIDTH


def test_of_many_failures_ten_are_told_in_full(tmp_path):
    synthetic.put_handoff(tmp_path, history=False)
    for seed in range(13):
        plan = msgspec.structs.replace(synthetic.half_open_plan(), seed=seed)
        synthetic.put(tmp_path, plan, synthetic.half_open_verdict(plan))
    lines = render(read_results(tmp_path)).splitlines()
    assert lines[0].startswith("✓ handoff    PASS") or lines[1].startswith("✓ handoff    PASS")
    assert sum(line.startswith("  ✗ seed ") for line in lines) == 10
    assert "and 3 runs more that did not pass: the report has them" in lines


def test_a_scenario_of_which_some_runs_failed_says_how_many(tmp_path):
    for seed, good in ((1, True), (2, False), (3, True)):
        plan = msgspec.structs.replace(synthetic.half_open_plan(), seed=seed)
        verdict = synthetic.half_open_verdict(plan)
        synthetic.put(tmp_path, plan, verdict if not good else msgspec.structs.replace(verdict, word=Word.PASS))
    synthetic.put_handoff(tmp_path, history=False)
    lines = render(read_results(tmp_path)).splitlines()
    assert "✗ half-open  FAIL     1 of 3 runs   120 s  terminal-once, honest-status, recovery" in lines


def test_a_replay_that_finds_no_room_has_a_line_of_its_own(tmp_path):
    plan = msgspec.structs.replace(synthetic.half_open_plan(), variables={"refusal": "answers 403 to streams"})
    synthetic.put(tmp_path, plan, synthetic.half_open_verdict(plan))
    synthetic.put_handoff(tmp_path, history=False)
    again = "harness run half-open --client as-shipped --set 'refusal=answers 403 to streams' --seed 7"
    assert render(read_results(tmp_path), report=REPORT).splitlines()[-3:] == [
        "FAIL  1 passed, 1 failed in 120.0 s",
        f"replay  {again}",
        f"report  {REPORT}#half-open",
    ]
    quiet = render(read_results(tmp_path), report=REPORT, style=Style(verbosity=-1)).splitlines()
    assert quiet == ["FAIL  1 passed, 1 failed in 120.0 s", f"report  {REPORT}#half-open"]


def test_repeated_runs_are_told_apart_by_their_seeds_and_counted(tmp_path):
    for seed in (7, 8, 9):
        plan = msgspec.structs.replace(synthetic.handoff_plan(), variant="", variables={}, seed=seed)
        synthetic.put(tmp_path, plan, synthetic.handoff_verdict(plan))
    synthetic.put_manifest(tmp_path)
    lines = render(read_results(tmp_path)).splitlines()
    assert lines[1].endswith("seeds 7, 8, 9")
    assert [line[:20] for line in lines[3:6]] == [f"  ✓ seed {seed}  recovered"[:20] for seed in (7, 8, 9)]
    assert lines[-1] == "PASS  1 scenario, 3 runs, seeds 7, 8, 9 in 43.2 s"


def test_a_sweep_that_is_repeated_counts_variants_and_runs(tmp_path):
    for gap, seed in ((0.5, 7), (5.0, 7), (0.5, 8), (5.0, 8)):
        plan = msgspec.structs.replace(synthetic.handoff_plan(gap), seed=seed)
        synthetic.put(tmp_path, plan, synthetic.handoff_verdict(plan))
    synthetic.put_manifest(tmp_path)
    text = render(read_results(tmp_path))
    assert text.endswith("PASS  1 scenario, 2 variants, 4 runs, seeds 7, 8 in 43.2 s\n")
    assert "  ✓ gap=500ms seed 8" in text


@pytest.mark.parametrize("beside", [False, True], ids=["one scenario", "two scenarios"])
def test_each_of_several_failures_has_its_replay(tmp_path, beside):
    for seed in (7, 8):
        plan = msgspec.structs.replace(synthetic.half_open_plan(), seed=seed)
        synthetic.put(tmp_path, plan, synthetic.half_open_verdict(plan))
    if beside:
        synthetic.put_handoff(tmp_path, history=False)
    lines = render(read_results(tmp_path), report=REPORT).splitlines()
    for seed in (7, 8):
        assert f"  replay  harness run half-open --client as-shipped --seed {seed}" in lines
    assert not any(line.startswith("replay") for line in lines[-2:])


def test_a_command_longer_than_a_line_is_broken_as_a_shell_reads_it_on():
    command = "harness run " + "x" * 40 + " --set 'refusal=answers 403 to streams' --client as-shipped --seed 7"
    lines = command_lines(command, 60)
    assert max(map(len, lines)) <= 60
    assert all(line.endswith(" \\") for line in lines[:-1])
    assert shlex.split("\n".join(lines).replace("\\\n", "")) == shlex.split(command)
