from harness.report import trace


def test_a_long_history_is_shown_around_its_failures_and_says_what_is_left_out(half_open):
    rows = trace.rows(half_open)
    shown = [row.seq for row in rows if not row.skipped]
    evidence = [row.seq for row in rows if row.shows]
    assert len(evidence) == 3
    for seq in evidence:
        assert set(range(max(1, seq - 100), min(len(half_open.history.records), seq + 100) + 1)) <= set(shown)
    assert len(shown) + sum(row.skipped for row in rows) == len(half_open.history.records)


def test_every_deed_and_attempt_of_a_passed_run_is_shown(handoff):
    texts = [row.text for row in trace.rows(handoff)]
    for text in ("wifi silent (took 1.2 ms)", "fault proved: device loses wifi", "c1 says reconnecting"):
        assert text in texts


def test_a_short_history_is_shown_whole(handoff, monkeypatch):
    monkeypatch.setattr(trace, "ALL_UNDER", 10_000)
    assert [row.seq for row in trace.rows(handoff, most=10_000)] == [record.seq for record in handoff.history.records]


def test_the_trace_never_grows_beyond_its_bound(handoff):
    assert len([row for row in trace.rows(handoff, most=20) if not row.skipped]) <= 20 + 3 * 20
