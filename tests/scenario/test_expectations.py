import pytest

from harness.scenario.expectations import COUNTS, LAWS, TOKEN_COUNTS
from harness.scenario.model import Expectation, Moment


def expect(plan, metric, bound):
    return plan(f'expect: {{{metric}: "{bound}"}}\n').expect[0]


@pytest.mark.parametrize("metric", [*COUNTS, *TOKEN_COUNTS, "arrivals per second"])
def test_a_count_is_exact_at_most_or_at_least(plan, metric):
    found = [expect(plan, metric, bound) for bound in ("6", "at most 6", "at least 6")]
    assert [(item.metric, item.sort, item.limit, item.unit) for item in found] == [
        (metric, "is", 6.0, ""),
        (metric, "at most", 6.0, ""),
        (metric, "at least", 6.0, ""),
    ]


def test_a_duration_is_under_and_may_name_its_statistic(plan):
    assert expect(plan, "update latency p95", "under 100ms") == Expectation(
        metric="update latency",
        statistic="p95",
        sort="under",
        limit=0.1,
        unit="s",
        text="under 100ms",
        line=4,
        column=30,
    )
    assert [expect(plan, f"staleness {word}", "under 1s").statistic for word in ("p50", "max")] == ["p50", "max"]
    assert expect(plan, "recovery", "under 5s").statistic == ""


@pytest.mark.parametrize(
    ("bound", "moment"),
    [
        ("within 2s of the end", Moment(word="the end")),
        ("within 2s of the start", Moment(word="the start")),
        ("within 2s of 90s", Moment(word="at", at=90.0)),
        ("within 2s of 10s+500ms", Moment(word="at", at=10.5)),
    ],
)
def test_a_moment_is_within_of_another(plan, bound, moment):
    found = expect(plan, "terminal", bound)
    assert (found.sort, found.limit, found.unit, found.moment, found.text) == ("within", 2.0, "s", moment, bound)


@pytest.mark.parametrize("metric", ["memory", "traffic"])
def test_a_size_is_under(plan, metric):
    found = expect(plan, metric, "under 1.5MB")
    assert (found.sort, found.limit, found.unit, found.text) == ("under", 1_500_000.0, "B", "under 1.5MB")


def test_arrivals_may_be_a_share_of_the_clients(plan):
    found = expect(plan, "arrivals per second", "under 20%")
    assert (found.sort, found.limit, found.unit) == ("under", 0.2, "%")


COUNT = "expected a count: 6, at most 6 or at least 6"
MOMENT = "expected a moment: within 2s of the end (or the start, or 90s)"


@pytest.mark.parametrize(
    ("expectation", "complaint"),
    [
        ("attmpts: 3", '4:10: expect: "attmpts" is no metric (did you mean "attempts"?)'),
        (
            "lost p95: 3",
            (
                '4:10: expect: "lost p95": only durations have a p95 '
                "(recovery, detection, update latency, transport, staleness, overlap)"
            ),
        ),
        ("lost: none", f'4:16: expect lost: {COUNT}, got "none"'),
        ("lost: 010", '4:16: expect lost: expected a whole number such as 6, got "010"'),
        ("lost: under 5s", f'4:16: expect lost: {COUNT}, got "under 5s"'),
        ("lost: at most 5s", '4:16: expect lost: expected a whole number such as 6, got "5s"'),
        ("recovery: 5s", '4:20: expect recovery: expected a duration: under 5s, got "5s"'),
        ("recovery: at most 5", '4:20: expect recovery: expected a duration: under 5s, got "at most 5"'),
        (
            "recovery: under 5",
            (
                '4:20: expect recovery: expected a duration such as 150ms or 1m30s, got "5": '
                "a unit is always needed (us ms s m h d)"
            ),
        ),
        ("lost: under 20%", f'4:16: expect lost: {COUNT}, got "under 20%"'),
        ("memory: 5MB", '4:18: expect memory: expected a size: under 20MB, got "5MB"'),
        (
            "traffic: under 5",
            '4:19: expect traffic: expected a size such as 200B, 10KB or 1MB, got "5"',
        ),
        (
            "arrivals per second: under 120%",
            '4:31: expect arrivals per second: expected a percentage from 0% to 100%, got "120%"',
        ),
        ("terminal: under 5s", f'4:20: expect terminal: {MOMENT}, got "under 5s"'),
        ("terminal: within 5s", f'4:20: expect terminal: {MOMENT}, got "within 5s"'),
        (
            "terminal: within 5s of dawn",
            '4:20: expect terminal: expected a duration such as 150ms or 1m30s, got "dawn" (units: us ms s m h d)',
        ),
    ],
)
def test_wrong_expectations(problem, expectation, complaint):
    assert problem(f"expect: {{{expectation}}}\n") == complaint


def test_a_waiver_has_a_law_and_a_reason_in_which_a_dollar_is_a_sign(plan):
    assert plan("waive: {prompt: costs $money}\n").waive == {"prompt": "costs $money"}


def test_wrong_waivers(problem):
    assert problem("waive: {fault-seen: why}\n") == (
        '4:9: waive: "fault-seen" can never be waived: it judges the harness, not the client'
    )
    assert problem("waive: {promt: why}\n").startswith('4:9: waive: "promt" is no law (did you mean "prompt"?)')
    assert len(LAWS) == 21


def test_mutants_are_known_by_name(plan, problem):
    assert plan("mutants: [no-watchdog, no-jitter]\n").mutants == ("no-watchdog", "no-jitter")
    assert problem("mutants: [no-watchdgo]\n").startswith(
        '4:11: mutants: "no-watchdgo" is no mutant (did you mean "no-watchdog"?): expected one of no-watchdog, '
    )
    assert problem("mutants: no-jitter\n") == ('4:10: mutants: expected a list such as [no-watchdog], got "no-jitter"')
