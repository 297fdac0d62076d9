"""The door that a dial would meet at each instant, from told stretches and from deeds."""

import math

import pytest

from harness.deeds import acts
from harness.judge.case import Case
from harness.judge.facts.network_timeline import DoorStretch
from harness.judge.obligations.doors import Doors, doors
from harness.judge.obligations.instants import between
from harness.vocabulary import Door
from tests.judge.scenes import JOINS, LOSES
from tests.judge.story import Story, plan, reach

AFTER = 1e-4
"""Seconds after which a deed of these stories has returned."""


def stretch(since: float, until: float, door: Door | None = Door.OPEN, **more) -> DoorStretch:
    open_to = {} if door is None else {"wifi": door}
    told = {"path": "wifi", "passes": True, "asleep": False} | more
    return DoorStretch(since=since, until=until, doors=open_to, **told)


HUNG = Doors([stretch(0.0, 4.0), stretch(4.0, 6.0, Door.HANG), stretch(6.0, 9.0, Door.REFUSE), stretch(9.0, math.inf)])


def of_deeds(*deeds) -> Doors:
    story = Story(plan(*deeds))
    story.deeds()
    story.end(20.0)
    return doors(Case(story.plan, story.history()).clients[0])


def seen(found: Doors, at: float) -> DoorStretch:
    ((_, one),) = found.parts(between(at, at))
    return one


def test_a_set_is_parted_by_what_it_meets():
    assert [(part, one.door) for part, one in HUNG.parts(between(3.0, 7.0))] == [
        (between(3.0, 4.0) & ~between(4.0, 4.0), Door.OPEN),
        (between(4.0, 6.0) & ~between(6.0, 6.0), Door.HANG),
        (between(6.0, 7.0), Door.REFUSE),
    ]
    assert list(HUNG.parts(0)) == []


def test_a_path_that_the_device_has_not_has_no_door():
    assert stretch(0.0, 1.0, path=None).door is None
    assert stretch(0.0, 1.0, path="cellular").door is None
    assert stretch(0.0, 1.0, Door.HANG).door is Door.HANG


@pytest.mark.parametrize(
    ("at", "found"),
    [(1.0, (1.0, Door.OPEN)), (4.0, (6.0, Door.REFUSE)), (5.9, (6.0, Door.REFUSE)), (9.5, (9.5, Door.OPEN))],
)
def test_a_dial_is_answered_once_its_door_lets_none_hang(at, found):
    assert HUNG.answers("wifi", at) == found


def test_a_dial_is_answered_by_the_loss_of_its_path_and_never_where_its_door_hangs_on():
    assert Doors([stretch(0.0, 5.0, Door.HANG), stretch(5.0, math.inf, None)]).answers("wifi", 1.0) == (5.0, None)
    assert Doors([stretch(0.0, math.inf, Door.HANG)]).answers("wifi", 1.0) == (math.inf, None)
    assert Doors([]).answers("wifi", 1.0) == (math.inf, None)


def test_a_stream_is_struck_by_the_first_end_of_its_own_path_behind_it():
    cut = frozenset({"wifi"})
    found = Doors([stretch(0.0, 4.0, struck=cut), stretch(4.0, 9.0, struck=cut), stretch(9.0, math.inf)])
    assert [found.strikes("wifi", at) for at in (1.0, 4.0, 9.0)] == [4.0, 9.0, math.inf]
    assert found.strikes("cellular", 1.0) == math.inf


def test_sleeps_are_told_in_order():
    assert list(Doors([stretch(0.0, 4.0), stretch(4.0, 9.0, asleep=True)]).sleeps()) == [(4.0, 9.0)]
    assert list(Doors([]).sleeps()) == []


@pytest.mark.parametrize(
    ("word", "door", "strikes"),
    [
        ("refused", Door.REFUSE, False),
        ("closed", Door.REFUSE, True),
        ("reset", Door.REFUSE, True),
        ("silent", Door.HANG, True),
        ("stalled", Door.HANG, True),
        ("unreachable", Door.HANG, False),
    ],
)
def test_each_word_of_a_path_is_a_door_until_it_is_up_again(word, door, strikes):
    found = of_deeds(reach(4.0, word), reach(9.0, "up"))
    assert [seen(found, at).door for at in (1.0, 5.0, 10.0)] == [Door.OPEN, door, Door.OPEN]
    assert [seen(found, at).passes for at in (1.0, 5.0, 10.0)] == [True, False, True]
    assert (found.strikes("wifi", 1.0) == pytest.approx(4.0, abs=2 * AFTER)) is strikes


def test_without_deeds_the_door_is_open_for_ever():
    assert seen(of_deeds(), 1.0) == stretch(0.0, math.inf)


def test_a_reset_once_strikes_what_flows_and_lets_dials_in():
    found = of_deeds(reach(4.0, "reset", once=True))
    assert (seen(found, 3.0).door, seen(found, 5.0).door) == (Door.OPEN, Door.OPEN)
    assert found.strikes("wifi", 1.0) == pytest.approx(4.0, abs=2 * AFTER)


def test_of_two_deeds_at_one_instant_either_strikes():
    joins, resets = (4.0, "device", JOINS, "joins cellular"), reach(4.0, "reset", once=True)
    for deeds in ((joins, resets), (resets, joins)):
        assert of_deeds(*deeds).strikes("wifi", 1.0) == pytest.approx(4.0, abs=2 * AFTER)


def test_a_lost_path_leaves_the_other_as_the_default():
    found = of_deeds((1.0, "device", JOINS, "joins cellular"), (4.0, "device", LOSES, "loses wifi"))
    assert [(seen(found, at).path, set(seen(found, at).doors)) for at in (0.5, 2.0, 5.0)] == [
        ("wifi", {"wifi"}), ("wifi", {"wifi", "cellular"}), ("cellular", {"cellular"}),
    ]  # fmt: skip


def test_a_device_offline_has_no_door_and_one_asleep_dials_none():
    off = of_deeds((4.0, "device", acts.GoesOffline(), "goes offline"), (9.0, "device", acts.ComesOnline(), "online"))
    assert (seen(off, 5.0).door, seen(off, 10.0).door) == (None, Door.OPEN)
    (slept,) = of_deeds((4.0, "device", acts.Suspends(lasts=5.0), "suspends for 5s")).sleeps()
    assert slept == pytest.approx((4.0, 9.0), abs=2 * AFTER)


def test_a_box_that_holds_streams_back_lets_dials_in_and_none_pass():
    mutes = (4.0, "middle", acts.MutesStreams(), "mutes streams")
    found = seen(of_deeds(mutes), 5.0)
    assert (found.door, found.passes) == (Door.OPEN, False)
