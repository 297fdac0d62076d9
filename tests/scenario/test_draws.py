import math
import random
import statistics

import pytest

from harness.errors import UsageError
from harness.scenario.timeline import draw, drawn
from harness.units import parse_duration


def test_a_draw_is_log_uniform_between_its_ends():
    dice = random.Random(1)
    found = [draw("200ms to 4.5s", dice) for _ in range(20_000)]
    assert 0.2 <= min(found) < 0.201
    assert 4.49 < max(found) <= 4.5
    assert statistics.median(found) == pytest.approx(math.sqrt(0.2 * 4.5), rel=0.02)


def test_short_draws_keep_their_microseconds():
    assert draw("10us to 20us", random.Random(1)) == pytest.approx(1.1e-5, abs=2e-6)


@pytest.mark.parametrize("text", ["5s to 1s", "0s to 1s", "5s to 5s"])
def test_nothing_is_drawn_from_what_is_no_range(text):
    with pytest.raises(UsageError, match="expected the shorter duration first and more than zero"):
        draw(text, random.Random(1))


def test_a_text_says_what_was_drawn_and_from_what():
    plain, shown = drawn("answers 503 retry-after 2s for 1s to 9s", lambda: random.Random(1))
    value = plain.rpartition(" ")[2]
    assert 1 <= parse_duration(value) <= 9
    assert shown == f"answers 503 retry-after 2s for {value} (drawn from 1s to 9s)"
    assert drawn("sliced to 16B", None) == ("sliced to 16B", "sliced to 16B")


TEXT = "timeline:\n  0s..50s every 10s: {wifi: stalled for 200ms to 4.5s}\n"


def lengths(found):
    return [over.at - found.deeds[over.undoes].at for over in found.deeds if over.undoes is not None]


def test_each_use_is_drawn_anew_and_the_seed_repeats_it(plan):
    found = plan(TEXT)
    assert len(set(lengths(found))) == 5
    assert all(0.2 <= seconds <= 4.5 for seconds in lengths(found))
    assert plan(TEXT).deeds == found.deeds
    assert lengths(plan(TEXT, seed=8)) != lengths(found)
    assert found.deeds[0].text.endswith(" (drawn from 200ms to 4.5s)")


def test_another_deed_does_not_shift_the_draws_of_this_one(plan):
    more = "timeline:\n  0s: {cellular: silent for 1s to 2s}\n" + TEXT.removeprefix("timeline:\n")
    one, two = plan(TEXT), plan(more)
    assert [deed.text for deed in two.deeds if deed.actor == "wifi"] == [deed.text for deed in one.deeds]


def test_a_variable_may_hold_a_range(plan):
    text = "sweep: {gap: [1s to 2s]}\ntimeline:\n  5s: {wifi: stalled for $gap}\n"
    assert 1.0 <= lengths(plan(text))[0] <= 2.0
