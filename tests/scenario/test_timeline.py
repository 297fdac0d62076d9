from itertools import pairwise

import pytest

from harness.chance import Chance
from harness.deeds.acts import SetReach
from harness.errors import UsageError
from harness.scenario.timeline import parse_when


def DICE():  # noqa: N802 - a constant that is asked
    return Chance(7).stream("every")


def score(plan, timeline, **words):
    return [(deed.at, deed.actor, deed.text) for deed in plan(f"timeline:\n{timeline}", **words).deeds]


def test_a_range_is_half_open():
    assert parse_when("0s..10s every 5s", DICE) == (0.0, 5.0)
    assert parse_when("1s+500ms..2s every 200ms", DICE) == (1.5, 1.7, 1.9)
    assert parse_when("10s", DICE) == (10.0,)


def test_a_range_may_draw_each_of_its_steps():
    times = parse_when("0s..60s every 1s to 5s", DICE)
    steps = [later - earlier for earlier, later in pairwise(times)]
    assert times[0] == 0.0
    assert times[-1] < 60.0
    assert all(0.999 < step < 5.001 for step in steps)
    assert len(set(steps)) == len(steps) > 10
    assert parse_when("0s..60s every 1s to 5s", DICE) == times


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("10", "a unit is always needed"),
        ("0s..10s", "expected a range such as 0s..10s every 5s"),
        ("10s..0s every 1s", "expected a later end and a step above zero"),
        ("0s..10s every 0s", "expected a later end and a step above zero"),
        ("0s..10s every 1us", "expected at most 2000 deeds"),
        ("0s..10s every 1us to 2us", "expected at most 2000 deeds"),
        ("0s..10s every 2s to 1s", "expected the shorter duration first and more than zero"),
        ("10s..5s every 1s to 2s", "expected a later end and a step above zero"),
    ],
)
def test_wrong_times(text, why):
    with pytest.raises(UsageError, match=why):
        parse_when(text, DICE)


def test_equal_times_are_done_in_file_order(plan):
    text = "  5s: {wifi: [silent, up], cellular: stalled}\n  5000ms: {device: joins cellular}\n"
    assert score(plan, text) == [
        (5.0, "wifi", "silent"),
        (5.0, "wifi", "up"),
        (5.0, "cellular", "stalled"),
        (5.0, "device", "joins cellular"),
    ]


def test_times_with_a_variable_are_sorted_and_equal_by_sum(plan):
    text = "sweep: {gap: [500ms]}\ntimeline:\n  10s+$gap: {wifi: silent}\n  10s: {wifi: stalled}\n  10.5s: {wifi: up}\n"
    deeds = plan(text).deeds
    assert [(deed.index, deed.at, deed.text) for deed in deeds] == [
        (0, 10.0, "stalled"),
        (1, 10.5, "silent"),
        (2, 10.5, "up"),
    ]


def test_a_range_repeats_its_deeds_in_order_of_time(plan):
    assert score(plan, "  0s..10s every 5s: {wifi: [silent, up]}\n  7s: {wifi: stalled}\n") == [
        (0.0, "wifi", "silent"),
        (0.0, "wifi", "up"),
        (5.0, "wifi", "silent"),
        (5.0, "wifi", "up"),
        (7.0, "wifi", "stalled"),
    ]


def test_a_deed_knows_where_it_is_written(plan):
    deeds = plan("timeline:\n  5s: {wifi: silent}\n  6s:\n    device: [joins cellular, prefers cellular]\n").deeds
    assert [(deed.line, deed.column) for deed in deeds] == [(5, 14), (7, 14), (7, 30)]


@pytest.mark.parametrize(
    ("timeline", "complaint"),
    [
        ("  10s: {wifi: silnet}", '5:15: timeline 10s: "silnet" is no state or profile (did you mean "silent"?)'),
        (
            "  10s: {wify: up}",
            (
                '5:9: timeline 10s: "wify" is no path of this file and no actor (did you mean "wifi"?): '
                "expected wifi, cellular, device, server, middle, job"
            ),
        ),
        (
            "  10: {wifi: up}",
            (
                '5:3: timeline: expected a duration such as 150ms or 1m30s, got "10": '
                "a unit is always needed (us ms s m h d)"
            ),
        ),
        ("  10s: {wifi: silent}\n  5s: {wifi: up}", "6:3: timeline 5s: times must not go backwards: 10s stands above"),
        ("  10s: {server 2: drains}", '5:9: timeline 10s: "server 2" is not built yet'),
        (
            "  10s: {middle on wify: clears}",
            '5:9: timeline 10s: "wify" is no path of this file (did you mean "wifi"?): it has wifi, cellular',
        ),
        ("  10s: {middle: fails tls closing}", '5:17: timeline 10s: "middle: fails tls closing" is not built yet'),
        ("  10s: {job: resumes}", '5:14: timeline 10s: "resumes": the job is not paused at 10s'),
        ("  10s: {job: [pauses, pauses]}", '5:23: timeline 10s: "pauses": the job is paused already at 10s'),
        (
            "  10s: {job: completes}\n  11s: {job: pauses}",
            '6:14: timeline 11s: "pauses": the job has been ended already at 11s',
        ),
        (
            "  10s: {device: suspends for 5s}\n  12s: {device: suspends for 5s}",
            '6:17: timeline 12s: "suspends for 5s": the device is suspended already at 12s',
        ),
        (
            "  10s: {device: goes offline for 5s}\n  12s: {device: goes offline}",
            '6:17: timeline 12s: "goes offline": the device is offline already at 12s',
        ),
        (
            "  10s: {server: revokes token}",
            '5:17: timeline "revokes token": the server gives no token: expected server: {token: lasts 30s}',
        ),
        (
            "  10s: {wifi: stalled for 5s to 1s}",
            '5:15: timeline 10s: expected the shorter duration first and more than zero, got "5s to 1s"',
        ),
        (
            "  10s: {device: loses cellular}",
            ('5:17: timeline 10s: "loses cellular": cellular is not joined at 10s (joined: wifi)'),
        ),
        (
            "  10s: {device: prefers cellular}",
            ('5:17: timeline 10s: "prefers cellular": cellular is not joined at 10s (joined: wifi)'),
        ),
        ("  10s: {device: joins wifi}", '5:17: timeline 10s: "joins wifi": wifi is joined already at 10s'),
        (
            "  10s: {device: [loses wifi, loses wifi]}",
            ('5:30: timeline 10s: "loses wifi": wifi is not joined at 10s (joined: none)'),
        ),
        ("  10s: {device: comes online}", '5:17: timeline 10s: "comes online": the device is not offline at 10s'),
        (
            "  1s: {device: [goes offline, goes offline]}",
            ('5:31: timeline 1s: "goes offline": the device is offline already at 1s'),
        ),
        ("  10s: wifi", '5:8: timeline 10s: expected a mapping such as {wifi: silent}, got "wifi"'),
        (
            "  0s..20s every 20ms: {wifi: [up, up, up]}",
            "5:24: timeline 0s..20s every 20ms: expected at most 2000 deeds, got 3000",
        ),
        (
            "  0s..20s every 20ms: {wifi: up, cellular: [up, up]}",
            "5:34: timeline 0s..20s every 20ms: expected at most 2000 deeds, got more",
        ),
    ],
)
def test_wrong_timelines(problem, timeline, complaint):
    assert problem(f"timeline:\n{timeline}\n") == complaint


def test_a_deed_that_the_run_would_not_live_to_see_is_refused(problem, problems):
    assert problem("limit: 30s\ntimeline:\n  30s: {wifi: silent}\n") == (
        "6:15: timeline 30s: comes after the limit at 30s"
    )
    assert problems(
        "scenario: x\njob: {lasts: 20s, ends: never}\npaths: {wifi: wifi}\ntimeline: {25s: {wifi: silent}}\n"
    ) == ["4:24: timeline 25s: comes after the job that never ends is left at 20s"]


def test_the_end_of_the_garden_is_gone_after_ten_seconds(plan):
    deeds = plan("timeline:\n  5s: {wifi: wifi-edge}\n  20s: {device: joins cellular}\n").deeds
    assert [(deed.index, deed.at, deed.text) for deed in deeds] == [
        (0, 5.0, "wifi-edge"),
        (1, 15.0, "silent (wifi-edge: gone after 10s)"),
        (2, 20.0, "joins cellular"),
    ]
    assert isinstance(deeds[1].act, SetReach)
    assert (deeds[1].line, deeds[1].column) == (5, 14)


def test_coming_back_into_the_house_in_time_keeps_the_path(plan):
    assert score(plan, "  5s: {wifi: wifi-edge}\n  14s: {wifi: wifi}\n") == [
        (5.0, "wifi", "wifi-edge"),
        (14.0, "wifi", "wifi"),
    ]


def test_a_path_that_begins_at_the_end_of_the_garden_is_gone_too(plan):
    deeds = plan(head="scenario: x\njob: {lasts: 60s}\npaths: {wifi: wifi-edge}\n").deeds
    assert [(deed.at, deed.actor, deed.line, deed.column) for deed in deeds] == [(10.0, "wifi", 3, 15)]


def test_what_is_gone_after_the_limit_is_no_deed(plan):
    head = "scenario: x\njob: {lasts: 60s}\npaths: {wifi: wifi-edge}\n"
    assert plan("limit: 10s\n", head=head).deeds == ()
    assert plan(head=head, limit=9.0).deeds == ()
