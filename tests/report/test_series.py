import math

import pytest

from harness.history import History
from harness.judge.measures.staleness import StalenessRamp
from harness.report.folder import RunResult
from harness.report.series import peaks, read_series
from tests.report import synthetic


def test_lost_and_replayed_updates_are_told_apart(handoff, half_open):
    healed, broken = read_series(handoff), read_series(half_open)
    assert (len(healed.updates), len(healed.lost)) == (1602, 0)
    assert sum(update.replayed for update in healed.updates) == 100
    assert len(broken.lost) == 502
    assert all(math.isinf(update.delay) for update in broken.lost)


def test_delay_counts_from_the_intended_emission(handoff):
    first = next(update for update in read_series(handoff).updates if update.replayed)
    assert first.delay == pytest.approx(2.525, abs=0.03)


def test_paths_follow_the_deeds_as_they_were_done(handoff):
    spans = read_series(handoff).paths
    assert [(span.label, round(span.start, 3)) for span in spans["wifi"]] == [
        ("up", 0.0),
        ("silent", 20.001),
        ("", 20.401),
    ]
    assert [(span.label, round(span.start, 3)) for span in spans["cellular"]] == [("", 0.0), ("up", 20.901)]


def test_connected_beside_a_stale_screen_is_belied(half_open):
    said = [(span.label, round(span.start, 1)) for span in read_series(half_open).connection]
    assert said[:3] == [("connecting", 0.0), ("connected", 0.0), ("connected, yet stale", 10.0)]


def test_the_failing_moment_is_the_first_evidence(half_open, handoff):
    assert (read_series(half_open).moment, read_series(half_open).failing) == (10.0, True)
    assert (read_series(handoff).moment, read_series(handoff).failing) == (20.0, False)


def test_peaks_miss_no_ramp_however_short():
    ramps = [StalenessRamp(1.0, 1.001, 0.0, 0.001), StalenessRamp(4.0, 9.0, 0.0, 5.0)]
    assert [value for _, value in peaks(ramps, 5, 10.0)] == pytest.approx([0.001, 0.0, 2.0, 4.0, 5.0])


def test_an_empty_history_is_an_empty_series(tmp_path):
    run = RunResult(
        plan=synthetic.handoff_plan(), verdict=synthetic.handoff_verdict(synthetic.handoff_plan()), folder=tmp_path
    )
    run._history = History([])
    series = read_series(run)
    assert (series.updates, series.stale, series.connection, series.end) == ([], [], [], 41.0)
