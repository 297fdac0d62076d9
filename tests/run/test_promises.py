"""What the plan promises after each deed: by hand, for words that meet."""

import pytest

from harness.deeds.acts import Deed, GoesOffline, Joins, Loses, SetReach, SetShape
from harness.device.words import Radio, Reach
from harness.run.promises import Promises
from harness.toxics.shape import Shape
from harness.vocabulary import Direction
from tests.deeds.networks import network_of

DOWN, UP = Direction.DOWNSTREAM, Direction.UPSTREAM


def word(reach, direction=None, *, once=False):
    return SetReach(word=reach, direction=direction, once=once)


def after(*acts, linger=0.0, actor="wifi"):
    promises = Promises(network_of("wifi", "cellular", linger=linger))
    made = [promises.do(Deed(index=at, at=at, actor=actor, act=act, text="")) for at, act in enumerate(acts)]
    return promises, made[-1]


@pytest.mark.parametrize(
    ("acts", "flow", "dial"),
    [
        ([word(Reach.SILENT, UP)], "silence", "hang"),
        ([word(Reach.SILENT, UP), word(Reach.UP, UP)], "answer", "open"),
        ([word(Reach.SILENT, UP), word(Reach.STALLED, DOWN), word(Reach.UP, DOWN)], "silence", "hang"),
        ([word(Reach.SILENT, UP), word(Reach.REFUSED)], "silence", "refuse"),
        ([word(Reach.STALLED), word(Reach.RESET, once=True)], "rst", "hang"),
        ([word(Reach.UNREACHABLE), word(Reach.CLOSED, once=True)], "fin", "hang"),
        ([word(Reach.SILENT), word(Reach.CLOSED), word(Reach.UP)], "answer", "open"),
    ],
)
def test_a_dial_needs_both_ways_and_a_strike_changes_no_word(acts, flow, dial):
    _, promise = after(*acts)
    assert (promise.flow, promise.dial) == (flow, dial)


def test_a_lost_path_is_promised_once_and_not_when_it_was_gone():
    assert after(Loses(path="wifi"))[1].lost == ("wifi",)
    assert after(Loses(path="wifi"), Loses(path="wifi"))[1].lost == ()
    assert after(Joins(path="cellular"), GoesOffline())[1].lost == ("wifi", "cellular")


def test_connections_of_a_lost_default_linger():
    _, promise = after(Loses(path="wifi"), linger=2.0)
    assert (promise.lost, promise.lingers, promise.default) == (("wifi",), 2.0, "")


def test_what_has_lingered_is_not_lost_again():
    acts = [Joins(path="cellular"), Loses(path="wifi"), GoesOffline()]
    assert after(*acts, linger=0.5)[1].lost == ("cellular",)
    assert after(*acts, linger=1.0)[1].lost == ("cellular",)
    assert after(*acts, linger=1.5)[1].lost == ("cellular", "wifi")


def test_a_shape_of_one_way_leaves_the_other():
    slow = SetShape(profile="slow", shape=Shape(latency=1.0), radio=Radio(), direction=DOWN)
    promises, _ = after(slow)
    assert sorted(shape.latency for shape in promises.shapes("wifi").values()) == [0.0, 1.0]
