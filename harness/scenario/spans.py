"""Spans: how a deed said ``for DUR`` ends. The last word wins.

A deed with a span is undone when it is over, unless a later deed of its actor has replaced it by then. What a path goes
back to is its last *lasting* word, the last that was said without a span: a deed that was replaced does not come back.
The middle and the server take the deed itself back; the device comes online; the job resumes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

import msgspec

from harness.deeds.acts import (
    Act,
    Answers,
    Clears,
    ComesOnline,
    Drains,
    Ends,
    GoesOffline,
    Hangs,
    Pauses,
    Recovers,
    Repeats,
    Restarts,
    Resumes,
    SetReach,
    SetShape,
    SetSlice,
    SilencesKeepalive,
)
from harness.device.words import Reach
from harness.scenario.model import PathSpec
from harness.scenario.place import Place
from harness.vocabulary import Direction

T = TypeVar("T")

_BOTH = frozenset(Direction)
_ENDED_BY_RECOVERY = (Drains, Hangs, Answers, Repeats, SilencesKeepalive)
_ENDED_BY_RESTART = (Drains, Hangs)
"""A new process neither drains nor hangs."""


class Spoken(NamedTuple):
    """A deed as it was said, before it has its number. ``undoes`` is the deed that it ends."""

    at: float
    actor: str
    on: str
    act: Act
    text: str
    place: Place
    span: float | None = None
    undoes: "Spoken | None" = None


class _Open:
    """A deed that is to be undone: ``left`` are the directions in which no other word has replaced it."""

    def __init__(self, deed: Spoken) -> None:
        self.deed = deed
        self.left = _ways(deed.act)


class _Lasting:
    """What a path was told without a span: a word in each direction, and a shape."""

    def __init__(self, spec: PathSpec) -> None:
        self.words = dict.fromkeys(Direction, spec.start)
        self.shapes = {
            way: SetShape(profile=spec.profile, shape=spec.shape, radio=spec.radio, loss=spec.loss) for way in Direction
        }

    def hear(self, act: Act) -> None:
        for way in _ways(act):
            match act:
                case SetReach(word=word, once=False):
                    self.words[way] = word
                case SetShape():
                    self.shapes[way] = msgspec.structs.replace(act, over=0.0, direction=None)
                case SetSlice(size=size):
                    before = self.shapes[way]
                    sliced = msgspec.structs.replace(before.shape, slice_size=size)
                    self.shapes[way] = msgspec.structs.replace(before, shape=sliced)


def with_ends(found: Sequence[Spoken], paths: Mapping[str, PathSpec]) -> list[Spoken]:
    """Return the deeds in order of doing, and after each that has a span the deed or deeds that undo it.

    Equal times keep the order of ``found``, in which an undoing stands where the deed it undoes does.
    """
    lasting = {name: _Lasting(spec) for name, spec in paths.items()}
    opened: list[_Open] = []
    done: list[Spoken] = []
    for deed, begins in _in_order(found):
        if begins:
            for other in opened:
                if _same_actor(deed, other.deed):
                    other.left -= replaced(deed.act, other.deed.act)
            done.append(deed)
            if deed.span is not None:
                opened.append(_Open(deed))
            elif deed.actor in lasting:
                lasting[deed.actor].hear(deed.act)
            continue
        over = next(other for other in opened if other.deed is deed)
        opened.remove(over)
        done += [_end(deed, act) for act in _undoing(over, lasting.get(deed.actor))]
    return done


def _in_order(found: Sequence[Spoken]) -> Iterator[tuple[Spoken, bool]]:
    """Yield every deed at its time (True), and again where its span is over (False)."""
    moments = [(deed.at, place, True, deed) for place, deed in enumerate(found)]
    moments += [
        (round(deed.at + deed.span, 9), place, False, deed) for place, deed in enumerate(found) if deed.span is not None
    ]
    for _, _, begins, deed in sorted(moments, key=lambda moment: moment[:2]):
        yield deed, begins


def _same_actor(later: Spoken, first: Spoken) -> bool:
    """Whether the later deed speaks to the same one: the whole middle includes its part on one path."""
    return later.actor == first.actor and later.on in {"", first.on}


def _ways(act: Act) -> frozenset[Direction]:
    """Return the directions an act is about; a deed that is not about bytes counts as about both."""
    direction = act.direction if isinstance(act, SetReach | SetShape) else None
    return _BOTH if direction is None else frozenset({direction})


def replaced(later: Act, first: Act) -> frozenset[Direction]:
    """Return the directions in which a later act of the same actor takes the place of the first."""
    match later:
        case SetReach(once=once):
            replaces = isinstance(first, SetReach) and not once
        case SetShape():  # a profile is a whole shape: it ends slicing too
            replaces = isinstance(first, SetShape | SetSlice)
        case ComesOnline():
            replaces = isinstance(first, GoesOffline)
        case Clears():
            replaces = True
        case Recovers():
            replaces = isinstance(first, _ENDED_BY_RECOVERY)
        case Restarts():
            replaces = isinstance(first, _ENDED_BY_RESTART)
        case Resumes() | Ends():
            replaces = isinstance(first, Pauses)
        case Answers(to=to):
            replaces = isinstance(first, Answers) and first.to == to
        case _:
            replaces = type(later) is type(first)
    return _ways(later) if replaces else frozenset()


def _undoing(over: _Open, lasting: _Lasting | None) -> list[Act]:
    """Return the acts that end a deed whose span is over, for what is left of it."""
    act = over.deed.act
    if not over.left:
        return []
    match act:
        case SetReach():
            assert lasting is not None
            return _by_way(over.left, lasting.words, _word)
        case SetShape() | SetSlice():
            assert lasting is not None
            return _by_way(over.left, lasting.shapes, _shaped)
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
    directed = word in {Reach.UP, Reach.STALLED, Reach.SILENT}
    return SetReach(word=word, direction=way if directed else None)


def _shaped(shape: SetShape, way: Direction | None) -> Act:
    return msgspec.structs.replace(shape, direction=way)


def _end(deed: Spoken, act: Act) -> Spoken:
    assert deed.span is not None
    at = round(deed.at + deed.span, 9)
    return deed._replace(at=at, act=act, text=f"{_words(act)}{deed.text} is over{')' if _words(act) else ''}",
                         span=None, undoes=deed)  # fmt: skip


def _words(act: Act) -> str:
    """Return what an undoing says, where that is not the taking back of the deed itself."""
    match act:
        case SetReach(word=word, direction=direction):
            return f"{word}{f' {direction} only' if direction else ''} ("
        case SetShape(profile=profile, shape=shape):
            sliced = f", sliced to {shape.slice_size}B" if shape.slice_size is not None else ""
            return f"{profile}{sliced} ("
        case ComesOnline():
            return "comes online ("
        case Resumes():
            return "resumes ("
    return ""
