"""Replacement: which deed takes the place of which, and what is left when a deed's time is over.

One relation for all who ask: the compiler, which writes the ends of spans; the judge's timeline; the proofs,
which must not excuse a miss by a deed that is gone; the fuzzer, which says what must still be healed. Its rules:

1. Only a deed of the same actor replaces one; what is said to one path's boxes leaves those of the others.
2. A path's word replaces its word, a profile the profile and all that adjusts it; in the directions it names. A word
   said ``once`` strikes and replaces nothing.
3. A kind of deed replaces its own kind. Where a deed is about something (a path of the device, a kind of request), only
   one about the same. Of two sleeps the longer wins, and two bursts add up: neither replaces the other.
4. ``comes online`` ends ``goes offline``; ``clears`` whatever the middle does; ``recovers`` whatever the server goes on
   doing; ``restarts`` what the old process was at; ``resumes`` and the job's end a pause.
5. What was replaced never comes back. A span's end restores what a path is still told in the directions that no deed
   has replaced since: its last *lasting* word or shape, the last that was said without a span, with what adjusts it;
   every other actor takes the deed itself back. The end of a span replaces nothing but its own deed.
"""

import math
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from harness.deeds.acts import (
    Act,
    Adjusts,
    Answers,
    Bursts,
    Clears,
    ComesOnline,
    Deed,
    Drains,
    Ends,
    GoesOffline,
    Hangs,
    Joins,
    Limits,
    Loses,
    Pauses,
    Recovers,
    Repeats,
    Restarts,
    Resumes,
    SetReach,
    SetShape,
    SilencesKeepalive,
    Suspends,
)
from harness.device.words import Reach
from harness.vocabulary import Direction

T = TypeVar("T")

BOTH = frozenset(Direction)
GOES_ON = Drains | Hangs | Answers | Repeats | SilencesKeepalive
"""Acts that the server is told once and goes on doing until it recovers."""
_BY_WAY = SetReach | SetShape | Adjusts
"""Acts on a path's directions. The end of one is another word of the path, never the taking back of the deed."""
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
            replaces = isinstance(earlier, SetShape | Adjusts)
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
        case Suspends() | Bursts():
            replaces = False
        case _:
            replaces = type(later) is type(earlier)
    return directions(later) if replaces else frozenset()


def speaks_to(actor: str, on: str, earlier_actor: str, earlier_on: str) -> bool:
    """Return whether a later deed addresses the actor of an earlier one. The middle includes its part on one path."""
    return actor == earlier_actor and on in {"", earlier_on}


def takes_back(deed: Deed) -> bool:
    """Return whether a deed is the end of another's span: it takes that deed back by its index, and does no more."""
    return deed.undoes is not None and not isinstance(deed.act, _BY_WAY | ComesOnline | Resumes)


def takes_the_place_of(later: Deed, earlier: Deed) -> bool:
    """Return whether nothing is left of the earlier deed, in any direction, once the later one is done."""
    if later.undoes == earlier.index:
        return True
    if later.undoes is not None or not speaks_to(later.actor, later.on, earlier.actor, earlier.on):
        return False
    return directions(earlier.act) <= replaced(later.act, earlier.act)


class DeedInForce:
    """One deed in force, its act as carried out ``at`` this second.

    ``left``: the directions in which nothing has replaced it yet.
    """

    def __init__(self, at: float, actor: str, on: str, act: Act, *, spanned: bool) -> None:
        self.at = at
        self.actor = actor
        self.on = on
        self.act = act
        self.spanned = spanned
        self.left = directions(act)


class InForce:
    """The deeds in force while a timeline is told, and so what ends each that was said for a time.

    What was said without a span is hidden by a span and not replaced by it: it is what there is when the span is over.
    """

    def __init__(self, paths: Mapping[str, tuple[Reach, SetShape]]) -> None:
        self._entries: list[DeedInForce] = []
        for path, (word, shape) in paths.items():
            self.begin(0.0, path, "", SetReach(word=word), spanned=False)
            self.begin(0.0, path, "", shape, spanned=False)

    def begin(self, at: float, actor: str, on: str, act: Act, *, spanned: bool) -> DeedInForce:
        """Take in a deed of this second."""
        if isinstance(act, Limits) and any(isinstance(one.act, Limits) and one.actor == actor for one in self._entries):
            lines, _ = self._unlimited(actor, at)
            act = Limits(rate=act.rate, of=(lines[Direction.DOWNSTREAM].shape.down, lines[Direction.UPSTREAM].shape.up))
        for other in self._entries:
            if (other.spanned or not spanned) and speaks_to(actor, on, other.actor, other.on):
                other.left -= replaced(act, other.act)
        entry = DeedInForce(at, actor, on, act, spanned=spanned)
        self._entries = [other for other in self._entries if other.left]
        if not (isinstance(act, SetReach) and act.once):
            self._entries.append(entry)
        return entry

    def end(self, entry: DeedInForce, at: float) -> list[Act]:
        """Return the acts that end a deed whose span is over at this second: none where nothing is left of it.

        A change over time that was adjusted for a while goes on; one that another profile hid is made by then.
        """
        if not entry.left:
            return []
        self._entries.remove(entry)
        match entry.act:
            case SetReach():
                return _by_way(entry.left, self._word(entry.actor), _said)
            case SetShape():
                return _by_way(entry.left, self._shape(entry.actor, math.inf), _shaped)
            case Adjusts():
                return _by_way(entry.left, self._shape(entry.actor, at), _shaped)
            case GoesOffline():
                return [ComesOnline()]
            case Pauses():
                return [Resumes()]
            case act:
                return [act]

    def _word(self, path: str) -> dict[Direction, Reach]:
        told = [entry for entry in self._entries if entry.actor == path and isinstance(entry.act, SetReach)]
        return {way: entry.act.word for entry in told for way in entry.left if isinstance(entry.act, SetReach)}

    def _shape(self, path: str, at: float) -> dict[Direction, SetShape]:
        """Return the shape of each direction: the profile, with what adjusts it; of two limits the later alone."""
        found, rates = self._unlimited(path, at)
        for way, rate in rates.items():
            found[way] = msgspec.structs.replace(found[way], shape=Limits(rate=rate).upon(found[way].shape))
        return found

    def _unlimited(self, path: str, at: float) -> tuple[dict[Direction, SetShape], dict[Direction, float]]:
        """Return the shape that each direction would have without a limit, and the limit's rate where one has any."""
        found: dict[Direction, SetShape] = {}
        rates: dict[Direction, float] = {}
        for entry in self._entries:
            for way in entry.left if entry.actor == path else ():
                match entry.act:
                    case SetShape() as act:
                        over = round(max(0.0, entry.at + act.over - at), 9)
                        found[way] = msgspec.structs.replace(act, over=over, direction=None)
                        rates.pop(way, None)
                    case Limits(rate=rate):
                        rates[way] = rate
                    case Adjusts() as act:
                        found[way] = msgspec.structs.replace(found[way], shape=act.upon(found[way].shape))
                    case _:
                        pass
        return found, rates


def _by_way(
    left: frozenset[Direction], values: Mapping[Direction, T], make: Callable[[T, Direction | None], Act]
) -> list[Act]:
    """Return one act for both directions where they go back to the same, else one for each."""
    ways = [way for way in Direction if way in left]
    first = values[ways[0]]
    if len(ways) == len(Direction) and all(values[way] == first for way in ways):
        return [make(first, None)]
    return [make(values[way], way) for way in ways]


def _said(word: Reach, way: Direction | None) -> Act:
    """Return the deed of a word; a word without a direction is said to both."""
    return SetReach(word=word, direction=way if word in _DIRECTED else None)


def _shaped(shape: SetShape, way: Direction | None) -> Act:
    return msgspec.structs.replace(shape, direction=way)
