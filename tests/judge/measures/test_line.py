import msgspec
import pytest

from harness.history import Chunk
from harness.judge.case import Case
from harness.judge.measures.line import LineUse
from harness.toxics.shape import Shape
from tests.judge.story import LTE, WIFI, Story, plan


def line(
    shape: Shape, *came: tuple[float, int], fate: str = "delivered", direction: str = "downstream", path: str = "wifi"
) -> LineUse:
    """The line of a client to whose radio so many bytes came at these times."""
    story = Story(plan(paths={"wifi": msgspec.structs.replace(WIFI, shape=shape), "cellular": LTE}))
    cid = story.dial(0.0, path=path)
    for at, length in came:
        story.add(Chunk(cid=cid, direction=direction, offset=0, length=length, fate=fate), at)
    story.end(11.0)
    return LineUse(Case(story.plan, story.history()).clients[0])


def test_a_rate_and_slices_take_their_time():
    assert line(Shape(down=1_000.0), (1.0, 100), (2.0, 300)).busy(0.0, 9.0) == pytest.approx(0.4)
    assert line(Shape(slice_size=10), (1.0, 100), (2.0, 305)).busy(0.0, 9.0) == pytest.approx(0.041)


def test_what_came_within_the_time_counts():
    found = line(Shape(down=1_000.0), (1.0, 100), (2.0, 200), (3.0, 400))
    assert found.busy(1.5, 2.5) == pytest.approx(0.2)
    assert found.busy(4.0, 9.0) == found.busy(2.5, 1.5) == 0.0


def test_a_burst_was_on_the_line_no_longer_than_since_what_came_before():
    assert line(Shape(slice_size=1), (1.0, 10), (1.5, 900), (1.5, 900)).busy(0.0, 9.0) == pytest.approx(0.51)


@pytest.mark.parametrize(
    "other", [{"fate": "dropped"}, {"fate": "held"}, {"direction": "upstream"}, {"path": "cellular"}]
)
def test_other_bytes_keep_no_client_waiting(other):
    assert line(Shape(down=1_000.0), (1.0, 100), **other).busy(0.0, 9.0) == 0.0
