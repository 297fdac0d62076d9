"""The acts in force: the last word of an actor wins."""

import pytest

from harness.deeds.acts import Answers, Clears, MutesStreams, ShowsPortal
from harness.middle.middle import Middle

FORBIDDEN = Answers(status=403, to="streams")


def told(*deeds):
    """The readback after these (act, on, actor), given indices in order; an index alone undoes."""
    middle = Middle(journal=None, next_rid=lambda: 1, wall_clock=lambda: 0.0, now=lambda: 0.0)
    for index, deed in enumerate(deeds):
        if isinstance(deed, int):
            middle.undo(deed)
        else:
            act, on, actor = (*deed, "", "middle")[:3] if len(deed) == 1 else (*deed, "middle")[:3]
            middle.do(index, act, on, actor=actor)
    return [force.index for force in reversed(middle.in_force("wifi"))]


@pytest.mark.parametrize(
    ("deeds", "expected"),
    [
        ([(MutesStreams(),), (MutesStreams(),)], [1]),
        ([(MutesStreams(),), (MutesStreams(),), 0], [1]),
        ([(MutesStreams(), "wifi"), (MutesStreams(),)], [1]),
        ([(MutesStreams(),), (MutesStreams(), "wifi")], [0, 1]),
        ([(FORBIDDEN,), (Answers(status=503, to="streams"),)], [1]),
        ([(FORBIDDEN,), (Answers(status=503, to="polls"),)], [0, 1]),
        ([(FORBIDDEN,), (ShowsPortal(),)], [0, 1]),
        ([(FORBIDDEN, "", "server"), (FORBIDDEN, "", "middle")], [0, 1]),
        ([(FORBIDDEN, "", "server"), (Clears(),)], [0]),
    ],
)
def test_the_last_word_of_an_actor_takes_the_place_of_one_of_its_kind(deeds, expected):
    assert told(*deeds) == expected
