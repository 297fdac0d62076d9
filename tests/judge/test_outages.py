import msgspec
import pytest

from harness.device.words import Radio
from harness.history import Deed
from harness.judge.case import Case
from harness.judge.outages import Lapse, outages
from harness.judge.sky import Sky
from harness.scenario import model
from harness.scenario.model import Pulse
from harness.toxics.shape import Shape
from tests.judge.scenes import JOINS, half_open, handoff
from tests.judge.story import Story, plan, reach


def lapses(story: Story) -> list[Lapse]:
    return outages(Case(story.plan, story.history()).clients[0])


def spans(story: Story) -> list[tuple[float, float | None]]:
    return [(round(one.began, 2), one.healed and round(one.healed, 2)) for one in lapses(story)]


def long(*deeds, **more) -> Story:
    return Story(plan(*deeds, lasts=200.0, items=400, **more)).run()


def test_a_handoff_is_one_outage_told_by_the_device():
    (one,) = lapses(handoff())
    assert (one.struck, one.path, one.told, one.silent) == ("wifi", "cellular", True, True)
    assert (round(one.began, 1), round(one.healed or 0, 1), one.attempts) == (4.0, 5.0, 1)
    assert one.detection == pytest.approx(0.4009)
    assert one.recovery == pytest.approx(1.2011)


@pytest.mark.parametrize("word", ["silent", "stalled", "closed", "reset", "refused", "unreachable"])
def test_every_word_but_up_makes_the_default_unusable(word):
    assert spans(long(reach(4.0, word), reach(9.0, "up"))) == [(4.0, 9.0)]


def test_one_direction_is_enough():
    deeds = reach(4.0, "silent", direction="downstream"), reach(9.0, "up", direction="downstream")
    assert spans(long(*deeds)) == [(4.0, 9.0)]


def test_usable_intervals_shorter_than_r_are_flaps_within_one_outage():
    assert spans(long(reach(4.0, "silent"), reach(9.0, "up"), reach(20.0, "silent"), reach(24.0, "up"))) == [
        (4.0, 24.0)
    ]


def test_an_interval_of_r_makes_two_outages():
    deeds = reach(4.0, "refused"), reach(9.0, "up"), reach(50.0, "refused"), reach(54.0, "up")
    assert spans(long(*deeds)) == [(4.0, 9.0), (50.0, 54.0)]


def test_a_cut_of_a_live_stream_is_healed_at_that_deed():
    assert spans(long(reach(4.0, "reset", once=True))) == [(4.0, 4.0)]


def test_a_silent_death_beside_a_usable_default_is_healed_at_that_deed():
    (one,) = lapses(half_open())
    assert (round(one.began, 1), round(one.healed or 0, 1), one.silent, one.told) == (4.0, 4.0, True, False)
    assert one.allowance == pytest.approx(21 + 1 + 3 + 0.21 + 0.9, abs=1.0)


def test_a_path_without_a_stream_may_do_as_it_likes():
    assert spans(long((1.0, "device", JOINS, "joins cellular"), reach(4.0, "silent", "cellular"))) == []


def test_a_change_of_shape_or_another_path_is_no_outage():
    shape = model.SetShape(profile="3g", shape=Shape(latency=0.1), radio=Radio())
    assert spans(long((4.0, "wifi", shape, "3g"), (5.0, "device", JOINS, "joins cellular"))) == []


def test_losing_the_path_of_the_stream_is_an_outage_even_where_another_takes_over():
    loses = model.Loses(path="wifi")
    story = long((1.0, "device", JOINS, "joins cellular"), (4.0, "device", loses, "loses wifi"))
    assert spans(story) == [(4.0, 4.0)]


def test_lingering_streams_die_when_the_linger_is_over():
    story = long((1.0, "device", JOINS, "joins cellular"), (4.0, "device", model.Loses(path="wifi"), "loses wifi"))
    device = model.DeviceSpec(starts_on="wifi", linger=30.0)
    story.plan = msgspec.structs.replace(story.plan, device=device)
    assert spans(story) == [(34.0, 34.0)]


def test_offline_and_online():
    deeds = (4.0, "device", model.GoesOffline(), "goes offline"), (9.0, "device", model.ComesOnline(), "comes online")
    assert spans(long(*deeds)) == [(4.0, 9.0)]


def test_an_outage_that_never_ends():
    assert spans(long(reach(4.0, "closed"))) == [(4.0, None)]


def test_a_stall_outlived_is_recovered_without_being_noticed():
    story = Story(plan(reach(4.0, "stalled"), reach(6.0, "up"))).run(skip=(9, 10, 11))
    for index in (9, 10, 11):
        story.show(index, 6.0 + index / 10_000)
    (one,) = lapses(story)
    assert (one.detected, one.attempts) == (None, 0)
    assert one.recovery == pytest.approx(0.001, abs=0.0002)


def test_weather_is_no_outage():
    story = long()
    pulses = (Pulse(path="wifi", at=4.0, lasts=2.0),)
    story.plan = msgspec.structs.replace(story.plan, weather=pulses)
    assert spans(story) == []


def test_deeds_count_from_when_they_took_hold():
    story = long(reach(4.0, "silent"), reach(9.0, "up"))
    for record in story.records:
        if isinstance(record, Deed):
            record.returned_ns += 10**9
    assert spans(story) == [(5.0, 10.0)]


def test_the_sky_lasts_to_the_horizon():
    case = Case(handoff().plan, handoff().history())
    sky = Sky(case.clients[0])
    assert [(spell.path, spell.usable) for spell in sky.spells] == [
        ("wifi", True), ("wifi", False), (None, False), ("cellular", True),
    ]  # fmt: skip
    assert sky.spells[-1].end == case.plan.horizon
    assert sky.at(4.2).path == "wifi"
