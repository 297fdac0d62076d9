"""`for DUR`: a deed that ends by itself, unless a later word has replaced it."""

import pytest
from msgspec.structs import replace

from harness.deeds.acts import SetReach, SetShape
from harness.deeds.network_state import after
from harness.device.words import Reach
from harness.scenario.model import RateStep, StallPulse, network_at_start
from harness.toxics.shape import Shape
from harness.vocabulary import Direction


def score(plan, timeline, **words):
    return [(deed.at, deed.actor, deed.text, deed.undoes) for deed in plan(f"timeline:\n{timeline}", **words).deeds]


def test_a_deed_with_a_span_is_two_deeds(plan):
    assert score(plan, "  10s: {wifi: stalled for 12s}\n  15s: {cellular: silent}\n") == [
        (10.0, "wifi", "stalled for 12s", None),
        (15.0, "cellular", "silent", None),
        (22.0, "wifi", "up (stalled for 12s is over)", 0),
    ]


def test_a_later_word_of_the_path_is_the_last(plan):
    assert score(plan, "  10s: {wifi: stalled for 12s}\n  15s: {wifi: silent}\n") == [
        (10.0, "wifi", "stalled for 12s", None),
        (15.0, "wifi", "silent", None),
    ]


def test_a_word_at_the_very_end_comes_after_the_undoing(plan):
    assert [deed[2] for deed in score(plan, "  10s: {wifi: stalled for 5s}\n  15s: {wifi: silent}\n")] == [
        "stalled for 5s",
        "up (stalled for 5s is over)",
        "silent",
    ]


def test_a_path_goes_back_to_its_last_lasting_word(plan):
    text = "  5s: {wifi: refused}\n  10s: {wifi: stalled for 20s}\n  12s: {wifi: silent for 3s}\n"
    assert score(plan, text) == [
        (5.0, "wifi", "refused", None),
        (10.0, "wifi", "stalled for 20s", None),
        (12.0, "wifi", "silent for 3s", None),
        (15.0, "wifi", "refused (silent for 3s is over)", 2),
    ]


def test_a_strike_and_a_shape_do_not_replace_a_word(plan):
    text = "  10s: {wifi: stalled for 9s}\n  12s: {wifi: [closed once, reset mid id, 3g]}\n"
    assert score(plan, text)[-1] == (19.0, "wifi", "up (stalled for 9s is over)", 0)


def test_a_repeated_deed_ends_before_it_is_said_again_and_only_the_last_of_those_that_overlap(plan):
    beats = score(plan, "  0s..20s every 10s: {wifi: stalled for 10s}\n")
    assert [(at, text.split()[0], undoes) for at, _, text, undoes in beats] == [
        (0.0, "stalled", None),
        (10.0, "up", 0),
        (10.0, "stalled", None),
        (20.0, "up", 2),
    ]
    overlapping = score(plan, "  0s..20s every 5s: {wifi: stalled for 8s}\n")
    assert [(at, undoes) for at, _, _, undoes in overlapping if undoes is not None] == [(23.0, 3)]


def test_one_direction_may_be_replaced_and_the_other_undone(plan):
    deeds = plan("timeline:\n  10s: {wifi: stalled for 5s}\n  12s: {wifi: silent upstream only}\n").deeds
    assert deeds[-1].act == SetReach(word=Reach.UP, direction=Direction.DOWNSTREAM)
    text = "timeline:\n  1s: {wifi: silent upstream only}\n  10s: {wifi: stalled for 5s}\n"
    assert [deed.act for deed in plan(text).deeds[2:]] == [
        SetReach(word=Reach.SILENT, direction=Direction.UPSTREAM),
        SetReach(word=Reach.UP, direction=Direction.DOWNSTREAM),
    ]


def test_a_path_that_began_silent_is_silent_again(plan):
    head = "scenario: x\njob: {lasts: 60s}\npaths: {wifi: wifi, home: offline}\n"
    assert plan("timeline: {5s: {home: up for 5s}}\n", head=head).deeds[1].act == SetReach(word=Reach.SILENT)


ADJUSTED = "scenario: x\njob: {lasts: 60s}\npaths: {wifi: {profile: wifi, latency: 80ms, stalls: 3000/h}}\n"


def test_a_profile_goes_back_to_the_path_as_it_is_written(plan):
    found = plan("timeline: {5s: {wifi: 3g for 30s}}\n", head=ADJUSTED)
    spec, act = found.paths["wifi"], found.deeds[1].act
    assert act == SetShape(profile="wifi", shape=spec.shape, radio=spec.radio, loss=spec.loss)
    assert found.deeds[1].text == "wifi (3g for 30s is over)"


def test_the_weather_of_the_path_as_written_comes_back_too(plan):
    weather = plan("timeline: {5s: {wifi: lte for 30s}}\n", head=ADJUSTED).weather
    stalls = [pulse.at for pulse in weather if isinstance(pulse, StallPulse) and pulse.lasts > 0.3]
    assert any(at < 5 for at in stalls)
    assert any(at > 35 for at in stalls)
    assert not any(5 <= at < 35 for at in stalls)


def test_slices_are_gone_when_their_time_is_over_and_a_profile_ends_them_too(plan):
    deeds = plan("timeline: {5s: {wifi: sliced to 16B for 5s}}\n").deeds
    assert deeds[1].act.shape == plan().paths["wifi"].shape
    assert len(plan("timeline:\n  5s: {wifi: sliced to 16B for 5s}\n  7s: {wifi: 3g}\n").deeds) == 2


def test_slices_said_meanwhile_stay(plan):
    deeds = plan("timeline:\n  5s: {wifi: 3g for 9s}\n  7s: {wifi: sliced to 16B}\n").deeds
    assert deeds[2].act.shape.slice_size == 16
    assert deeds[2].text == "wifi, sliced to 16B (3g for 9s is over)"


def test_of_what_adjusts_a_shape_each_ends_by_itself(plan):
    text = "  0s: {wifi: lte}\n  5s: {wifi: sliced to 16B for 10s}\n  7s: {wifi: limited to 64kbps for 3s}\n"
    deeds = plan(f"timeline:\n{text}").deeds
    lte = deeds[0].act
    assert [deed.text for deed in deeds[3:]] == [
        "lte, sliced to 16B (limited to 64kbps for 3s is over)",
        "lte (sliced to 16B for 10s is over)",
    ]
    assert [(deed.at, deed.act.shape) for deed in deeds[3:]] == [
        (10.0, replace(lte.shape, slice_size=16)),
        (15.0, lte.shape),
    ]


def test_of_two_limits_the_later_counts_alone(plan):
    text = (
        "  5s: {wifi: limited to 64kbps}\n  7s: {wifi: limited to 2Mbps for 9s}\n  9s: {wifi: sliced to 16B for 2s}\n"
    )
    found = plan(f"timeline:\n{text}")
    network, shapes = network_at_start(found), []
    for deed in found.deeds:
        network = after(network, deed, deed.at).state
        shapes.append((deed.at, network.paths["wifi"].shapes[Direction.DOWNSTREAM]))
    wifi = found.paths["wifi"].shape
    narrow, wide = (replace(wifi, down=rate, up=rate) for rate in (8_000.0, 250_000.0))
    assert shapes == [(5.0, narrow), (7.0, wide), (9.0, replace(wide, slice_size=16)), (11.0, wide), (16.0, narrow)]


def test_a_limit_in_another_s_place_is_one_of_the_profile_in_force(plan):
    text = "  5s: {wifi: [3g, limited to 64kbps]}\n  7s: {wifi: limited to 8Mbps}\n"
    three_g, _, last = plan(f"timeline:\n{text}").deeds
    assert last.act.upon(Shape(down=8_000.0, up=8_000.0)) == Shape(down=three_g.act.shape.down, up=three_g.act.shape.up)


def test_a_profile_that_came_over_time_is_back_at_once(plan):
    deeds = plan("timeline:\n  0s: {wifi: 3g over 5s}\n  9s: {wifi: edge for 3s}\n").deeds
    assert [(deed.at, deed.act.profile, deed.act.over) for deed in deeds] == [
        (0.0, "3g", 5.0),
        (9.0, "edge", 0.0),
        (12.0, "3g", 0.0),
    ]


def test_what_adjusts_a_profile_for_a_while_leaves_its_span(plan):
    text = "  5s: {wifi: edge for 10s}\n  7s: {wifi: sliced to 16B for 3s}\n"
    deeds = plan(f"timeline:\n{text}").deeds
    assert [(deed.at, deed.act.profile) for deed in deeds[2:]] == [(10.0, "edge"), (15.0, "wifi")]


def test_a_limit_holds_for_the_rates_that_a_profile_draws(plan):
    head = "scenario: x\njob: {lasts: 60s}\npaths: {wifi: 4g-drive}\n"
    steps = [step for step in plan("timeline: {10s: {wifi: limited to 80kbps for 10s}}\n", head=head).weather
             if isinstance(step, RateStep)]  # fmt: skip
    assert {step.down for step in steps if 10 <= step.at < 20} == {10_000.0}
    assert all(step.down > 10_000 for step in steps if not 10 <= step.at < 20)


def test_the_device_comes_online_unless_it_did(plan):
    assert score(plan, "  5s: {device: goes offline for 5s}\n")[1] == (
        10.0,
        "device",
        "comes online (goes offline for 5s is over)",
        0,
    )
    assert len(score(plan, "  5s: {device: goes offline for 5s}\n  7s: {device: comes online}\n")) == 2


@pytest.mark.parametrize(
    ("first", "later", "undone"),
    [
        ("middle: mutes streams for 9s", "middle: clears", False),
        ("middle: mutes streams for 9s", "middle: resets streams", True),
        ("middle: answers 503 for 9s", "middle: answers 403", False),
        ("middle: answers 503 to polls for 9s", "middle: answers 403 to streams", True),
        ("middle: buffers 1KB for 9s", "middle: buffers each event", False),
        ("middle on wifi: mutes streams for 9s", "middle: clears", False),
        ("middle on wifi: mutes streams for 9s", "middle on cellular: clears", True),
        ("server: drains for 9s", "server: recovers", False),
        ("server: drains for 9s", "server: restarts losing log", False),
        ("server: repeats 3 for 9s", "server: restarts losing log", True),
        ("server: answers 503 for 9s", "middle: clears", True),
        ("server: silences keepalive for 9s", "server: hangs", True),
        ("job: pauses for 9s", "job: resumes", False),
        ("job: pauses for 9s", "job: completes", False),
    ],
)
def test_who_has_the_last_word(plan, first, later, undone):
    deeds = plan(f"timeline:\n  5s: {{{first}}}\n  7s: {{{later}}}\n").deeds
    assert [deed.undoes for deed in deeds[2:]] == ([0] if undone else [])


def test_middle_and_server_take_back_the_deed_itself(plan):
    begun, over = plan("timeline: {5s: {middle on wifi: answers 403 to streams for 9s}}\n").deeds
    assert (over.at, over.on, over.act, over.undoes) == (14.0, "wifi", begun.act, 0)
    assert over.text == "answers 403 to streams for 9s is over"
    assert (over.line, over.column) == (begun.line, begun.column) == (4, 33)


def test_an_undoing_after_the_limit_is_left_out_and_the_numbers_hold(plan):
    text = "limit: 20s\ntimeline:\n  5s: {wifi: stalled for 30s}\n  6s: {cellular: silent for 4s}\n"
    assert [(deed.index, deed.undoes) for deed in plan(text).deeds] == [(0, None), (1, None), (2, 1)]


def test_a_departure_in_between_moves_the_numbers(plan):
    text = "timeline:\n  1s: {wifi: wifi-edge}\n  5s: {cellular: stalled for 20s}\n"
    assert [(deed.text.split()[0], deed.index, deed.undoes) for deed in plan(text).deeds] == [
        ("wifi-edge", 0, None),
        ("stalled", 1, None),
        ("silent", 2, None),
        ("up", 3, 1),
    ]


def test_what_adjusted_a_change_over_time_leaves_the_rest_of_it(plan):
    def ends(timeline):
        deeds = [deed for deed in plan(f"timeline: {timeline}\n").deeds if deed.undoes is not None]
        return [(deed.at, deed.act.profile, deed.act.over, deed.act.direction) for deed in deeds]

    assert ends("{10s: {wifi: 3g over 8s}, 12s: {wifi: sliced to 9B for 3s}}") == [(15.0, "3g", 3.0, None)]
    assert ends("{10s: {wifi: 3g over 8s}, 12s: {wifi: limited to 64kbps for 7s}}") == [(19.0, "3g", 0.0, None)]
    assert ends("{10s: {wifi: 3g}, 12s: {wifi: sliced to 9B for 3s}}") == [(15.0, "3g", 0.0, None)]
    assert ends("{10s: {wifi: 3g over 8s}, 12s: {wifi: lte for 3s}}") == [(15.0, "3g", 0.0, None)]
    half = "{10s: {wifi: 3g over 8s downstream only}, 12s: {wifi: sliced to 9B for 3s}}"
    assert ends(half) == [(15.0, "wifi", 0.0, Direction.UPSTREAM), (15.0, "3g", 3.0, Direction.DOWNSTREAM)]
