import msgspec
import pytest

from harness.deeds import acts
from harness.device.words import Radio
from harness.history import DeedDone
from harness.judge.case import Case
from harness.judge.facts.network_timeline import NetworkTimeline
from harness.judge.measures.outages import Outage, outages
from harness.scenario import model
from harness.scenario.model import StallPulse
from harness.toxics.shape import Shape
from tests.judge.scenes import JOINS, half_open, handoff
from tests.judge.story import LTE, WIFI, Story, plan, reach


def outages_of(story: Story) -> list[Outage]:
    return outages(Case(story.plan, story.history()).clients[0])


def spans(story: Story) -> list[tuple[float, float | None]]:
    return [(round(one.began, 2), one.healed and round(one.healed, 2)) for one in outages_of(story)]


def long(*deeds, **more) -> Story:
    return Story(plan(*deeds, lasts=200.0, items=400, **more)).run()


def test_a_handoff_is_one_outage_told_by_the_device():
    (one,) = outages_of(handoff())
    assert (one.struck, one.path, one.silent) == ("wifi", "cellular", True)
    assert (round(one.began, 1), round(one.healed or 0, 1), one.attempts) == (4.0, 5.0, 1)
    assert one.detection == pytest.approx(0.4)
    assert one.recovery == pytest.approx(1.2011)


@pytest.mark.parametrize("word", ["silent", "stalled", "closed", "reset", "refused", "unreachable"])
def test_every_word_but_up_makes_the_default_unusable(word):
    assert spans(long(reach(4.0, word), reach(9.0, "up"))) == [(4.0, 9.0)]


def test_one_direction_is_enough():
    deeds = reach(4.0, "silent", direction="downstream"), reach(9.0, "up", direction="downstream")
    assert spans(long(*deeds)) == [(4.0, 9.0)]


def test_each_interruption_is_an_outage_by_itself():
    deeds = reach(4.0, "silent"), reach(9.0, "up"), reach(9.5, "silent"), reach(24.0, "up")
    assert spans(long(*deeds)) == [(4.0, 9.0), (9.5, 24.0)]


def test_a_cut_of_a_live_stream_is_healed_at_that_deed():
    assert spans(long(reach(4.0, "reset", once=True))) == [(4.0, 4.0)]


def test_a_cut_at_the_very_stamp_of_its_deed_counts():
    """In virtual time no time passes between them."""
    story = Story(plan(reach(4.0, "reset", once=True)))
    story.emit_all()
    story.deeds()
    cid = story.dial(0.01)
    story.close(4.0, cid)
    story.end(11.0)
    assert spans(story) == [(4.0, 4.0)]


def test_an_outage_before_anything_was_due_is_not_judged_where_another_follows():
    """The job was paused; what shows only after the second is no slow recovery from the first."""
    deeds = reach(1.0, "refused"), reach(2.0, "up"), reach(60.0, "refused"), reach(64.0, "up")
    story = Story(plan(*deeds, lasts=130.0, items=2))
    story.emit_all()
    story.deeds()
    story.show(1, 66.0)
    story.end(131.0)
    first, second = outages_of(story)
    assert (first.first_due, first.caught_up) == (pytest.approx(65.0), pytest.approx(66.0))
    assert (first.spared, second.spared) == ("another outage began before it could show", "")


def test_a_silent_death_beside_a_usable_default_is_healed_at_that_deed():
    (one,) = outages_of(half_open())
    assert (round(one.began, 1), round(one.healed or 0, 1), one.silent) == (4.0, 4.0, True)
    # The last byte comes by 3.5 s, and a second of waiting follows 21 s of silence.
    assert one.allowance == pytest.approx(3.5 + 21 + 1 + 0.21 + 0.9 - 4.0, abs=0.5)


def test_a_path_without_a_stream_may_do_as_it_likes():
    assert spans(long((1.0, "device", JOINS, "joins cellular"), reach(4.0, "silent", "cellular"))) == []


def test_a_change_of_shape_or_another_path_is_no_outage():
    shape = acts.SetShape(profile="3g", shape=Shape(latency=0.1), radio=Radio())
    assert spans(long((4.0, "wifi", shape, "3g"), (5.0, "device", JOINS, "joins cellular"))) == []


def test_losing_the_path_of_the_stream_is_an_outage_even_where_another_takes_over():
    loses = acts.Loses(path="wifi")
    story = long((1.0, "device", JOINS, "joins cellular"), (4.0, "device", loses, "loses wifi"))
    assert spans(story) == [(4.0, 4.0)]


def test_lingering_streams_die_when_the_linger_is_over():
    story = long((1.0, "device", JOINS, "joins cellular"), (4.0, "device", acts.Loses(path="wifi"), "loses wifi"))
    device = model.DeviceSpec(starts_on="wifi", linger=30.0)
    story.plan = msgspec.structs.replace(story.plan, device=device)
    assert spans(story) == [(34.0, 34.0)]


def test_offline_and_online():
    deeds = (4.0, "device", acts.GoesOffline(), "goes offline"), (9.0, "device", acts.ComesOnline(), "comes online")
    assert spans(long(*deeds)) == [(4.0, 9.0)]


def test_an_outage_that_never_ends():
    assert spans(long(reach(4.0, "closed"))) == [(4.0, None)]


def test_a_stall_outlived_is_recovered_without_being_noticed():
    story = Story(plan(reach(4.0, "stalled"), reach(6.0, "up"))).run(skip=(9, 10, 11))
    for index in (9, 10, 11):
        story.show(index, 6.0 + index / 10_000)
    (one,) = outages_of(story)
    assert (one.detected, one.attempts) == (None, 0)
    assert one.recovery == pytest.approx(0.001, abs=0.0002)


def test_weather_is_no_outage():
    story = long()
    pulses = (StallPulse(path="wifi", at=4.0, lasts=2.0),)
    story.plan = msgspec.structs.replace(story.plan, weather=pulses)
    assert spans(story) == []


def test_deeds_count_from_when_they_took_hold():
    story = long(reach(4.0, "silent"), reach(9.0, "up"))
    for record in story.records:
        if isinstance(record, DeedDone):
            record.returned_ns += 10**9
    assert spans(story) == [(5.0, 10.0)]


def test_the_sky_lasts_to_the_horizon():
    case = Case(handoff().plan, handoff().history())
    timeline = NetworkTimeline(case.clients[0])
    assert [(interval.path, interval.usable) for interval in timeline.intervals] == [
        ("wifi", True), ("wifi", False), (None, False), ("cellular", True),
    ]  # fmt: skip
    assert timeline.intervals[-1].end == case.plan.horizon
    assert timeline.at(4.2).path == "wifi"


CELLULAR, ETHERNET, WIFI_AGAIN = (acts.Joins(path=path) for path in ("cellular", "ethernet", "wifi"))
PREFERS = {path: acts.Prefers(path=path) for path in ("wifi", "cellular", "ethernet")}
LOST = {path: acts.Loses(path=path) for path in ("wifi", "cellular")}
SAID = {acts.Joins: "joins", acts.Prefers: "prefers", acts.Loses: "loses"}

NOTHING = ()
OTHER_JOINS = ((4.5, ETHERNET),)
OTHER_JOINS_AS_IT_HEALS = ((9.0, ETHERNET),)
OTHER_BECOMES_DEFAULT = ((4.5, PREFERS["cellular"]),)
NEW_ONE_BECOMES_DEFAULT = ((4.5, ETHERNET), (4.5, PREFERS["ethernet"]))
BROKEN_BECOMES_DEFAULT = ((4.5, PREFERS["wifi"]),)
OWN_IS_LOST = ((4.5, LOST["wifi"]),)
OTHER_IS_LOST = ((4.5, LOST["cellular"]),)
OTHER_IS_LOST_AS_IT_HEALS = ((9.0, LOST["cellular"]),)
OWN_RETURNS = ((4.4, LOST["cellular"]), (4.5, LOST["wifi"]), (9.0, WIFI_AGAIN))

SPANS_OF = {
    # The stream's path is the default, so the outage lasts until that is up again (9 s) or another one.
    **{
        ("default", word, said): found
        for word in ("silent", "stalled", "closed")
        for said, found in {
            NOTHING: [(4.0, 9.0)],
            OTHER_JOINS: [(4.0, 9.0)],
            OTHER_JOINS_AS_IT_HEALS: [(4.0, 9.0)],
            OTHER_BECOMES_DEFAULT: [(4.0, 4.5)],
            NEW_ONE_BECOMES_DEFAULT: [(4.0, 4.5)],
            OWN_IS_LOST: [(4.0, 4.5), (4.5, 4.5)],
            OTHER_IS_LOST: [(4.0, 9.0)],
            OTHER_IS_LOST_AS_IT_HEALS: [(4.0, 9.0)],
            OWN_RETURNS: [(4.0, 9.0)],
        }.items()
    },
    ("default", "closed", OWN_IS_LOST): [(4.0, 4.5)],  # its stream has ended already
    # The stream is on Wi-Fi still, new connections use cellular: its silent death is the outage, healed at once.
    ("beside", "silent", NOTHING): [(4.0, 4.0)],
    ("beside", "silent", OTHER_JOINS): [(4.0, 4.0)],
    ("beside", "silent", NEW_ONE_BECOMES_DEFAULT): [(4.0, 4.0)],
    ("beside", "silent", OWN_IS_LOST): [(4.0, 4.0), (4.5, 4.5)],
    ("beside", "silent", OTHER_IS_LOST): [(4.0, 4.0), (4.5, 9.0)],  # the silent one becomes the default
    ("beside", "silent", BROKEN_BECOMES_DEFAULT): [(4.0, 4.0), (4.5, 9.0)],
    # A stream that is stalled is not dead: no outage, until it is cut or the default is the stalled path.
    ("beside", "stalled", NOTHING): [],
    ("beside", "stalled", OTHER_JOINS): [],
    ("beside", "stalled", NEW_ONE_BECOMES_DEFAULT): [],
    ("beside", "stalled", OWN_IS_LOST): [(4.5, 4.5)],
    ("beside", "stalled", OTHER_IS_LOST): [(4.5, 9.0)],
    ("beside", "stalled", BROKEN_BECOMES_DEFAULT): [(4.5, 9.0)],
    # A FIN is no signal of the device. Who has heard it has left the path, and its loss is nothing to them.
    ("beside", "closed", NOTHING): [(4.0, 4.0)],
    ("beside", "closed", OTHER_JOINS): [(4.0, 4.0)],
    ("beside", "closed", NEW_ONE_BECOMES_DEFAULT): [(4.0, 4.0)],
    ("beside", "closed", OWN_IS_LOST): [(4.0, 4.0)],
    ("beside", "closed", OTHER_IS_LOST): [(4.0, 4.0), (4.5, 9.0)],
    ("beside", "closed", BROKEN_BECOMES_DEFAULT): [(4.0, 4.0), (4.5, 9.0)],
}


@pytest.mark.parametrize(("place", "word", "said"), SPANS_OF)
def test_each_outage_is_told_with_its_beginning_and_its_healing(place, word, said):
    before = [(1.0, CELLULAR)] + [(2.0, PREFERS["cellular"])] * (place == "beside")
    deeds = sorted([*before, *said, (4.0, word), (9.0, "up")], key=lambda deed: deed[0])
    story = told(*deeds, leaves=word == "closed")
    assert [(round(one.began, 1), round(one.healed, 1)) for one in outages_of(story)] == SPANS_OF[place, word, said]


def told(*deeds, leaves):
    """A stream on Wi-Fi; ``leaves`` it at once when that breaks, else stays. The device says what the deeds are."""
    paths = {"wifi": WIFI, "cellular": LTE, "ethernet": WIFI}
    done = [reach(at, act) if isinstance(act, str) else (at, "device", act, "") for at, act in deeds]
    story = Story(plan(*done, lasts=200.0, items=400, paths=paths)).run()
    for at, act in deeds:
        if not isinstance(act, str):
            story.signal(SAID[type(act)], at + 0.0001, act.path)
    if leaves:
        story.close(4.001, 2)
    return story
