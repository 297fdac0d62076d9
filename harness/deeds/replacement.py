"""Replacement: which deed takes the place of which, and what is left when a deed's time is over.

One relation for all who ask: the compiler, which writes the ends of spans; the judge's timeline; the proofs,
which must not excuse a miss by a deed that is gone; the fuzzer, which says what must still be healed. Its rules:

1. Only a deed of the same actor replaces one; what is said to one path's boxes leaves those of the others.
2. A path's word replaces its word, a profile both profile and slices, a slice the slices; in the directions it names.
   A word said ``once`` strikes and replaces nothing.
3. A kind of deed replaces its own kind. Where a deed is about something (a path of the device, a kind of request), only
   one about the same. Of two sleeps the longer wins, and neither replaces the other.
4. ``comes online`` ends ``goes offline``; ``clears`` whatever the middle does; ``recovers`` whatever the server goes on
   doing; ``restarts`` what the old process was at; ``resumes`` and the job's end a pause.
5. What was replaced never comes back. A span's end restores a path's last *lasting* word or shape, the last that was
   said without a span, in the directions that nobody has replaced since; every other actor takes the deed itself back.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from harness.deeds.acts import (
    Act,
    Answers,
    Clears,
    ComesOnline,
    Deed,
    Drains,
    Ends,
    GoesOffline,
    Hangs,
    Joins,
    Loses,
    Pauses,
    Recovers,
    Repeats,
    Restarts,
    Resumes,
    SetReach,
    SetShape,
    SetSlice,
    SilencesKeepalive,
    Suspends,
)
from harness.device.words import Reach
from harness.vocabulary import Direction

T = TypeVar("T")

BOTH = frozenset(Direction)
GOES_ON = Drains | Hangs | Answers | Repeats | SilencesKeepalive
"""What the server is told once and goes on doing, until it recovers."""
_BY_WAY = SetReach | SetShape | SetSlice
"""What is said to a path's directions. Its end is another word of the path, never the taking back of the deed."""
_DIRECTED = (Reach.UP, Reach.STALLED, Reach.SILENT)


def directions(act: Act) -> frozenset[Direction]:
    """Return the directions an act is about; a deed that is not about bytes counts as about both."""
    direction = act.direction if isinstance(act, SetReach | SetShape) else None
    return BOTH if direction is None else frozenset({direction})


def replaced(later: Act, earlier: Act) -> frozenset[Direction]:
    """Return the directions in which a later act of the same actor leaves nothing of the earlier one."""
    match later:
        case SetReach(once=once):
            replaces = isinstance(earlier, SetReach) and not once
        case SetShape():
            replaces = isinstance(earlier, SetShape | SetSlice)
        case ComesOnline():
            replaces = isinstance(earlier, GoesOffline)
        case Clears():
            replaces = True
        case Recovers():
            replaces = isinstance(earlier, GOES_ON)
        case Restarts():
            replaces = isinstance(earlier, Drains | Hangs | Restarts)
        case Resumes() | Ends():
            replaces = isinstance(earlier, Pauses)
        case Answers(to=to):
            replaces = isinstance(earlier, Answers) and earlier.to == to
        case Joins(path=path) | Loses(path=path):  # the one does not undo what the other struck
            replaces = type(later) is type(earlier) and getattr(earlier, "path", None) == path
        case Suspends():
            replaces = False
        case _:
            replaces = type(later) is type(earlier)
    return directions(later) if replaces else frozenset()


def speaks_to(actor: str, on: str, earlier_actor: str, earlier_on: str) -> bool:
    """Whether a later deed speaks to the one that did an earlier: the whole middle includes its part on one path."""
    return actor == earlier_actor and on in {"", earlier_on}


def takes_back(deed: Deed) -> bool:
    """Whether a deed is the end of another's span that takes it back by its index, and says nothing of its own."""
    return deed.undoes is not None and not isinstance(deed.act, _BY_WAY | ComesOnline | Resumes)


def takes_the_place_of(later: Deed, earlier: Deed) -> bool:
    """Whether nothing is left of the earlier deed, in any direction, once the later one is done."""
    if later.undoes == earlier.index:
        return True
    if takes_back(later) or not speaks_to(later.actor, later.on, earlier.actor, earlier.on):
        return False
    return directions(earlier.act) <= replaced(later.act, earlier.act)


class Lasting:
    """What a path was told without a span: a word in each direction, and a shape."""

    def __init__(self, word: Reach, shape: SetShape) -> None:
        self._words = dict.fromkeys(Direction, word)
        self._shapes = dict.fromkeys(Direction, shape)

    def hear(self, act: Act) -> None:
        """Take what was said without a span."""
        for way in directions(act):
            match act:
                case SetReach(word=word, once=False):
                    self._words[way] = word
                case SetShape():
                    self._shapes[way] = msgspec.structs.replace(act, over=0.0, direction=None)
                case SetSlice(size=size):
                    before = self._shapes[way]
                    sliced = msgspec.structs.replace(before.shape, slice_size=size)
                    self._shapes[way] = msgspec.structs.replace(before, shape=sliced)
                case _:
                    pass

    def words(self, left: frozenset[Direction]) -> list[Act]:
        """Return what gives these directions their word back."""
        return _by_way(left, self._words, _word)

    def shapes(self, left: frozenset[Direction]) -> list[Act]:
        """Return what gives these directions their shape back."""
        return _by_way(left, self._shapes, _shaped)


def undoing(act: Act, left: frozenset[Direction], lasting: Lasting | None) -> list[Act]:
    """Return the acts that end a deed whose span is over, for the directions that are left of it.

    ``lasting`` is the path's, where the deed is one of a path's.
    """
    if not left:
        return []
    match act:
        case SetReach():
            assert lasting is not None
            return lasting.words(left)
        case SetShape() | SetSlice():
            assert lasting is not None
            return lasting.shapes(left)
        case GoesOffline():
            return [ComesOnline()]
        case Pauses():
            return [Resumes()]
        case _:
            return [act]


def _by_way(
    left: frozenset[Direction], values: Mapping[Direction, T], make: Callable[[T, Direction | None], Act]
) -> list[Act]:
    """Return one act for both directions where they go back to the same, else one for each."""
    ways = [way for way in Direction if way in left]
    first = values[ways[0]]
    if len(ways) == len(Direction) and all(values[way] == first for way in ways):
        return [make(first, None)]
    return [make(values[way], way) for way in ways]


def _word(word: Reach, way: Direction | None) -> Act:
    """Return the deed of a word; one that has no direction is said to both."""
    return SetReach(word=word, direction=way if word in _DIRECTED else None)


def _shaped(shape: SetShape, way: Direction | None) -> Act:
    return msgspec.structs.replace(shape, direction=way)
