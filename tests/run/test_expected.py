"""The state that the plan lets a canary expect after each deed: by hand, for words that meet."""

import pytest

from harness.deeds.acts import (
    Answers,
    Clears,
    Deed,
    GoesOffline,
    Joins,
    Loses,
    MutesStreams,
    SetReach,
    SetShape,
    Suspends,
)
from harness.deeds.catalogue import FlowEnding
from harness.deeds.network_state import Passage
from harness.device.words import Radio, Reach
from harness.run.expected import ByteLoss, ExpectedState
from harness.toxics.shape import Shape
from harness.vocabulary import Direction
from tests.deeds.networks import network_of

DOWN, UP = Direction.DOWNSTREAM, Direction.UPSTREAM
AT_ONCE = (0.0, 0.01)


def word(reach, direction=None, *, once=False):
    return SetReach(word=reach, direction=direction, once=once)


def told(*acts, linger=0.0, actor="wifi"):
    """The state once each of these is done, a second after the one before, and the last step."""
    expected = ExpectedState(network_of("wifi", "cellular", linger=linger))
    expected.hold("flow", "wifi", 0.0)
    steps = [expected.do(Deed(index=at, at=at, actor=actor, act=act, text=""), at) for at, act in enumerate(acts, 1)]
    return expected, steps[-1]


@pytest.mark.parametrize(
    ("acts", "up", "down", "door"),
    [
        ([word(Reach.SILENT, UP)], "drop", "pass", "hang"),
        ([word(Reach.SILENT, UP), word(Reach.UP, UP)], "pass", "pass", "open"),
        ([word(Reach.SILENT, UP), word(Reach.STALLED, DOWN), word(Reach.UP, DOWN)], "drop", "pass", "hang"),
        ([word(Reach.SILENT, UP), word(Reach.REFUSED)], "drop", "pass", "refuse"),
        ([word(Reach.STALLED)], "hold", "hold", "hang"),
        ([word(Reach.UNREACHABLE)], "pass", "pass", "hang"),
    ],
)
def test_what_a_path_does_to_an_open_flow_and_to_a_dial(acts, up, down, door):
    expected, _ = told(*acts)
    state = expected.of("flow")
    assert (state.now(UP).passage, state.now(DOWN).passage, expected.dial("wifi")) == (up, down, door)
    assert state.ended is None


@pytest.mark.parametrize(
    ("acts", "ended"),
    [
        ([word(Reach.STALLED), word(Reach.RESET, once=True)], FlowEnding.RST),
        ([word(Reach.UNREACHABLE), word(Reach.CLOSED, once=True)], FlowEnding.FIN),
        ([word(Reach.CLOSED), word(Reach.RESET)], FlowEnding.FIN),
        ([word(Reach.SILENT)], None),
    ],
)
def test_a_strike_ends_what_is_open_and_the_first_counts(acts, ended):
    expected, _ = told(*acts)
    assert expected.of("flow").ended is ended


@pytest.mark.parametrize(
    ("acts", "sent", "loss"),
    [
        ([word(Reach.SILENT)], [0.5], ByteLoss.NO),
        ([word(Reach.SILENT)], [1.5], ByteLoss.YES),
        ([word(Reach.SILENT)], [1.0], ByteLoss.MAYBE),
        ([word(Reach.SILENT), word(Reach.UP)], [2.5], ByteLoss.NO),
        ([word(Reach.SILENT), word(Reach.UP)], [1.995], ByteLoss.MAYBE),
        ([word(Reach.STALLED), word(Reach.UP)], [1.5], ByteLoss.NO),
        ([word(Reach.STALLED), word(Reach.SILENT)], [1.5], ByteLoss.YES),
        ([word(Reach.STALLED), word(Reach.UP), word(Reach.SILENT)], [1.5], ByteLoss.NO),
        ([word(Reach.REFUSED)], [1.5], ByteLoss.NO),
    ],
)
def test_bytes_are_lost_that_come_while_a_path_drops_or_wait_as_it_begins_to(acts, sent, loss):
    expected, _ = told(*acts)
    assert expected.of("flow").loss(DOWN, sent, AT_ONCE)[0] is loss


def test_bytes_that_are_long_on_their_way_are_lost_by_when_they_come():
    expected, _ = told(word(Reach.SILENT))
    assert expected.of("flow").loss(DOWN, [0.5], (0.6, 0.7))[0] is ByteLoss.YES


def test_a_lost_path_is_lost_once_and_not_when_it_was_gone():
    assert told(Loses(path="wifi"), actor="device")[1].lost == ("wifi",)
    assert told(Loses(path="wifi"), Loses(path="wifi"), actor="device")[1].lost == ()
    assert told(Joins(path="cellular"), GoesOffline(), actor="device")[1].lost == ("wifi", "cellular")


def test_connections_of_a_lost_default_linger():
    expected, step = told(Loses(path="wifi"), linger=2.0, actor="device")
    assert (step.lost, step.grace.seconds, step.after.default) == (("wifi",), 2.0, None)
    expected.advance(2.9)
    assert expected.of("flow").ended is None
    expected.advance(3.0)
    assert expected.of("flow").ended is FlowEnding.ABORTED


def test_what_has_lingered_is_not_lost_again():
    acts = [Joins(path="cellular"), Loses(path="wifi"), GoesOffline()]
    assert told(*acts, linger=0.5, actor="device")[1].lost == ("cellular",)
    assert told(*acts, linger=1.0, actor="device")[1].lost == ("cellular",)
    assert told(*acts, linger=1.5, actor="device")[1].lost == ("cellular", "wifi")


def test_a_sleeping_phone_hears_nothing_and_finds_its_connections_gone():
    expected, _ = told(Suspends(lasts=3.0), actor="device")
    assert (expected.of("flow").now(DOWN).passage, expected.of("flow").now(UP).passage) == ("hold", "pass")
    assert not expected.passable("wifi")
    expected.advance(4.0)
    assert (expected.of("flow").now(DOWN).passage, expected.of("flow").ended) == (Passage.PASS, FlowEnding.ABORTED)
    assert expected.passable("wifi")


def test_a_phone_that_slept_silently_finds_its_connections_dead():
    expected, _ = told(Suspends(lasts=3.0, silently=True), actor="device")
    for at in (0.0, 4.0):
        expected.advance(at)
        state = expected.of("flow")
        assert (state.now(DOWN).passage, state.now(UP).passage) == ("drop", "drop")
        assert (state.dead, state.ended) == (True, None)
    assert expected.passable("wifi")


def test_a_shape_of_one_way_leaves_the_other():
    slow = SetShape(profile="slow", shape=Shape(latency=1.0), radio=Radio(), direction=DOWN)
    expected, _ = told(slow)
    assert [expected.delay("wifi", way, 0) for way in (DOWN, UP)] == [(1.0, 1.0), (0.0, 0.0)]


def test_a_clearing_lifts_what_was_in_force():
    acts = [MutesStreams(), Answers(status=503, to="polls"), Clears()]
    assert told(*acts, actor="middle")[1].lifted == tuple(acts[:2])
    assert told(Clears(), actor="middle")[1].lifted == ()


def test_a_flow_that_is_opened_later_is_not_lost_with_what_had_lingered_before():
    expected, _ = told(Loses(path="wifi"), linger=2.0, actor="device")
    expected.hold("later", "wifi", 3.5)
    expected.advance(4.0)
    assert expected.of("flow").ended is FlowEnding.ABORTED
    assert expected.of("later").ended is None


def test_a_byte_may_have_met_any_shape_that_its_path_had_while_its_flow_was_open():
    slow = SetShape(profile="slow", shape=Shape(latency=0.3, jitter=0.05), radio=Radio(), loss=0.0)
    expected, _ = told(slow)
    expected.hold("later", "wifi", 2.0)
    assert expected.of("flow").delay[DOWN] == (0.0, pytest.approx(0.35))
    assert expected.of("later").delay[DOWN] == pytest.approx((0.25, 0.35))
