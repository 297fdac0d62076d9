from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from harness.history import App, Chunk, Emit, End, Health, History
from harness.judge import judge
from harness.judge.measures.metrics import COUNTS, CROWDS, DURATIONS, MOMENTS, SIZES
from harness.judge.verdict import ExpectationVerdict, LawState
from harness.scenario import expectations as loader
from tests.judge.ruling import expect, measured
from tests.judge.scenes import half_open, half_open_plan, handoff, handoff_plan, noticed
from tests.judge.story import Story, changed, plan, reach


def check(scene: Callable[..., Story], metric: str, sort: str, limit: float, **more: Any) -> ExpectationVerdict:
    """The verdict on one expectation of a scene."""
    return measured(scene(expect=(expect(metric, sort, limit, **more),)))


def flawless(**more: Any) -> Story:
    return Story(plan(**more)).run()


def moved(**more: Any) -> Story:
    return handoff(handoff_plan(**more))


def deaf(**more: Any) -> Story:
    return half_open(half_open_plan(**more))


def test_every_metric_of_the_loader_is_measured_and_no_other():
    assert (*COUNTS, *DURATIONS, *MOMENTS, *SIZES, *CROWDS) == tuple(loader.METRICS)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("attempts", 1), ("reconnections", 1), ("wasted attempts", 0), ("requests", 4), ("polls", 0),
        ("results fetched", 1), ("live streams", 1), ("delivered by both at once", 0), ("events delivered", 22),
        ("lost", 0), ("duplicated", 0), ("reordered", 0), ("corrupted", 0), ("phantom", 0), ("regressed", 0),
        ("wrong resumes", 0), ("duplicates absorbed", 0), ("gaps surfaced", 0), ("errors shown", 0),
        ("token refreshes", 0), ("secrets leaked", 0),
    ],
)  # fmt: skip
def test_counts_of_a_handoff(metric, value):
    found = check(moved, metric, "is", value)
    assert (found.state, found.measured.value, found.margin) == (LawState.HELD, value, 0)
    assert check(moved, metric, "is", value + 1).state is LawState.FAILED


def test_at_most_and_at_least():
    assert check(moved, "attempts", "at most", 1).state is LawState.HELD
    assert check(moved, "attempts", "at most", 0).state is LawState.FAILED
    assert check(moved, "attempts", "at least", 1).state is LawState.HELD
    assert check(moved, "attempts", "at least", 2).margin == -1


def test_recovery_under_its_limit():
    found = check(moved, "recovery", "under", 5.5)
    assert (found.state, found.limit, found.line) == (LawState.HELD, "under 5.5", 30)
    assert found.measured.value == pytest.approx(1.2011)
    assert found.margin == pytest.approx(4.2989)
    assert check(moved, "recovery", "under", 1.1).state is LawState.FAILED


def test_no_outage_is_not_judged():
    assert check(flawless, "recovery", "under", 1.1).state is LawState.NOT_JUDGED


def test_what_never_came_is_lost_and_fails():
    found = check(deaf, "recovery", "under", 60.5)
    assert (found.state, found.measured.value, found.margin) == (LawState.FAILED, "lost", None)
    assert check(deaf, "detection", "under", 60.5).measured.value == "lost"
    assert check(deaf, "terminal", "within", 2.5, word="the end").measured.value == "lost"


def test_detection_counts_from_the_fault_to_the_client_s_act():
    found = measured(noticed(half_open_plan(noticed().plan.client.policies, lasts=60.0, items=120,
                                            expect=(expect("detection", "under", 21.0),))))  # fmt: skip
    assert found.measured.value == pytest.approx(19.9)
    assert found.state is LawState.HELD


def test_moments_count_from_their_reference():
    assert check(moved, "terminal", "within", 2.5, word="the end").measured.value == pytest.approx(0.0395)
    assert check(moved, "terminal", "within", 2.5, word="the start").state is LawState.FAILED
    assert check(moved, "terminal", "within", 0.5, word="at", at=10.0).state is LawState.HELD
    assert check(moved, "results ready", "within", 0.5, word="the end").state is LawState.HELD


def test_percentiles_are_judged_against_their_interval():
    def latency(limit: float, **more: Any) -> ExpectationVerdict:
        return check(lambda **k: flawless(lasts=80.0, items=800, **k), "update latency", "under", limit, **more)

    assert latency(0.1).state is LawState.HELD
    assert latency(0.004).state is LawState.FAILED
    assert latency(0.1, statistic="p50").measured.n == 791
    found = check(flawless, "update latency", "under", 0.1)
    assert (found.state, found.reason) == (LawState.NOT_JUDGED, "the plan has 19 steady events (p99 needs 368)")


def test_a_percentile_of_fewer_events_than_planned_is_unknown():
    story = Story(plan(lasts=80.0, items=400, expect=(expect("update latency", "under", 0.1),))).run()
    story.records = [record for record in story.records if not (isinstance(record, Emit) and record.index > 100)]
    found = measured(story)
    assert found.state is LawState.UNKNOWN
    assert found.reason == "95 of 396 planned steady events observed (p99 needs 368)"


def test_what_stream_and_polling_both_deliver_is_counted():
    story = Story(plan(expect=(expect("delivered by both at once", "is", 2),))).run(skip=(6, 9))
    story.poll(6, 3.2)
    story.poll(9, 4.505)
    found = measured(story)
    assert (found.state, found.measured.value) == (LawState.HELD, 2)


def test_detection_is_not_judged_where_the_stream_outlived_the_fault():
    def stalled(**more: Any) -> Story:
        return Story(plan(reach(4.0, "stalled"), reach(4.1, "up"), **more)).run()

    assert check(stalled, "detection", "under", 21.5).reason == "the stream outlived the fault"


def test_detection_is_asked_for_also_where_the_network_never_heals():
    def dead(**more: Any) -> Story:
        return half_open(plan(reach(4.0, "silent"), **more))

    assert check(dead, "recovery", "under", 21.5).reason == "no client could get through from 4 s on (wifi silent)"
    assert check(dead, "detection", "under", 21.5).measured.value == "lost"


def test_an_interval_that_holds_the_limit_is_unknown():
    story = Story(plan(lasts=80.0, items=400, expect=(expect("update latency", "under", 0.1),))).run()
    for record in story.records:
        if isinstance(record, App) and record.id in {"a-100", "a-200", "a-300"}:
            record.enter_ns += 10**8
    found = measured(story)
    assert (found.state, found.reason) == (LawState.UNKNOWN, "the interval 5 ms to 105 ms holds the limit")


def test_transport_and_staleness():
    assert check(flawless, "staleness", "under", 0.1).measured.value == pytest.approx(0.035)
    assert check(flawless, "staleness", "under", 0.1, statistic="p50").measured.value == 0
    assert check(flawless, "transport", "under", 0.1, statistic="max").measured.value == pytest.approx(0.0045)


def test_overlap_is_the_longest_time_with_two_streams():
    story = Story(plan(expect=(expect("overlap", "under", 2.5),))).run()
    cid = story.conn(3.0)
    story.request("stream", 3.001, cid=cid)
    story.close(5.0, cid)
    assert measured(story).measured.value == pytest.approx(1.999)


def test_every_client_must_meet_the_limit():
    story = Story(plan(count=2, expect=(expect("lost", "is", 0),)))
    story.run(client="c1").run(client="c2", skip=(4, 5))
    found = measured(story)
    assert (found.state, found.measured.value) == (LawState.FAILED, 2)


def test_a_host_that_lags_leaves_a_duration_unknown_but_not_a_count():
    story = moved(expect=(expect("recovery", "under", 5.5),))
    story.lags(*[600_000] * 100)
    found = measured(story)
    assert (found.state, found.reason) == (LawState.UNKNOWN, "scheduler lag p99 600 ms (trusted to 550 ms)")
    story = moved(expect=(expect("attempts", "at most", 5),))
    story.lags(*[600_000] * 100)
    assert measured(story).state is LawState.HELD


@pytest.mark.parametrize(
    ("sort", "limit", "expected"),
    [
        ("at most", 6, LawState.UNKNOWN),
        ("at most", 0, LawState.FAILED),
        ("at least", 1, LawState.HELD),
        ("at least", 2, LawState.UNKNOWN),
    ],
)
def test_what_could_still_have_grown_when_the_run_was_cut_short_is_unknown(sort, limit, expected):
    story = moved(expect=(expect("attempts", sort, limit),))
    assert measured(story, changed(story.history(), End, 0, reason="interrupted")).state is expected


def test_an_empty_history_is_unknown():
    story = moved(expect=(expect("attempts", "at most", 6),))
    assert measured(story, History([])).state is LawState.UNKNOWN


def test_arrivals_are_counted_in_the_fullest_second():
    story = Story(plan(count=4, expect=(expect("arrivals per second", "at most", 2),)))
    for number, at in enumerate((0.0, 0.5, 0.99, 1.0), 1):
        story.dial(at, client=f"c{number}")
    story.end(40.0, "limit")
    found = measured(story)
    assert (found.state, found.measured.value) == (LawState.FAILED, 3)


def test_arrivals_as_a_share_of_the_clients():
    share = msgspec.structs.replace(expect("arrivals per second", "under", 0.8), unit="%", text="under 80%")
    story = Story(plan(count=4, expect=(share,)))
    for number in range(1, 5):
        story.dial(number * 0.4, client=f"c{number}")
    story.end(40.0, "limit")
    found = measured(story)
    assert (found.state, found.measured.value, found.measured.unit) == (LawState.HELD, 0.75, "%")


def test_memory_is_the_peak_over_the_first_sample():
    size = msgspec.structs.replace(expect("memory", "under", 20e6), unit="B", text="under 20MB")
    story = Story(plan(expect=(size,))).run()
    for at, rss in ((0.1, 50_000_000), (5.0, 75_000_000), (11.0, 60_000_000)):
        story.add(Health(lags_us=[100] * 10, rss=rss), at)
    found = judge(story.plan, story.history())
    assert (found.expectations[0].state, found.expectations[0].measured.value) == (LawState.FAILED, 25_000_000)
    assert found.sentence == "Memory 25.0 MB (limit under 20MB)."


def test_memory_that_nobody_sampled_is_unknown():
    assert check(flawless, "memory", "under", 20e6).state is LawState.UNKNOWN


def test_traffic_counts_what_passed_both_ways():
    story = Story(plan(expect=(expect("traffic", "under", 5000.0),))).run()
    story.add(Chunk(cid=2, direction="upstream", offset=0, length=90, fate="delivered"), 3.0)
    story.add(Chunk(cid=2, direction="downstream", offset=0, length=5000, fate="dropped"), 3.0)
    found = measured(story)
    assert (found.state, found.measured.value) == (LawState.HELD, 22 * 200 + 90)


def test_a_first_token_is_no_refresh():
    story = Story(plan(expect=(expect("token refreshes", "is", 1),))).run()
    story.request("token", 0.0001)
    story.request("poll", 2.0, token=True)
    story.request("token", 3.0)
    assert measured(story).state is LawState.HELD


def test_secrets_leaked_are_tokens_at_another_origin():
    story = Story(plan(expect=(expect("secrets leaked", "is", 0),))).run()
    story.request("poll", 0.0001, token=True, origin="http://a")
    assert measured(story).state is LawState.HELD
    story.request("poll", 2.0, token=True, origin="http://b")
    assert (measured(story).state, measured(story).measured.value) == (LawState.FAILED, 1)


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ("terminal", "the app never got a terminal event"),
        ("fallback", "the client never fell back to polling"),
        ("stream restored", "the client never returned from polling to the stream"),
        ("results ready", "the results never came whole"),
    ],
)
def test_a_moment_that_never_came_says_what_that_means(metric, reason):
    found = check(deaf, metric, "within", 5.0, word="the start")
    assert (found.state, found.measured.value, found.reason) == (LawState.FAILED, "lost", reason)
