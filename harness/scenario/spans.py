"""Spans: the deeds that end those said ``for DUR``, put in their places. The last word wins.

A deed with a span is undone when it is over, unless later deeds have replaced it by then.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from harness.deeds.acts import Act, ComesOnline, Resumes, SetReach, SetShape
from harness.deeds.replacement import DeedInForce, InForce
from harness.scenario.model import PathSpec
from harness.scenario.place import Place


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


def with_ends(found: Sequence[Spoken], paths: Mapping[str, PathSpec]) -> list[Spoken]:
    """Return the deeds in order of doing, and after each that has a span the deed or deeds that undo it.

    Equal times keep the order of ``found``, in which an undoing stands where the deed it undoes does.
    """
    in_force = InForce({name: (spec.start, _shape(spec)) for name, spec in paths.items()})
    begun: dict[int, tuple[Spoken, DeedInForce]] = {}
    done: list[Spoken] = []
    for deed, begins in _in_order(found):
        if begins:
            entry = in_force.begin(deed.at, deed.actor, deed.on, deed.act, spanned=deed.span is not None)
            told = deed._replace(act=entry.act)
            begun[id(deed)] = told, entry
            done.append(told)
        else:
            told, entry = begun[id(deed)]
            done += [_end(told, act) for act in in_force.end(entry, _over(told))]
    return done


def _shape(spec: PathSpec) -> SetShape:
    return SetShape(profile=spec.profile, shape=spec.shape, radio=spec.radio, loss=spec.loss)


def _in_order(found: Sequence[Spoken]) -> Iterator[tuple[Spoken, bool]]:
    """Yield every deed at its time (True), and again where its span is over (False)."""
    moments = [(deed.at, place, True, deed) for place, deed in enumerate(found)]
    moments += [(_over(deed), place, False, deed) for place, deed in enumerate(found) if deed.span is not None]
    for _, _, begins, deed in sorted(moments, key=lambda moment: moment[:2]):
        yield deed, begins


def _over(deed: Spoken) -> float:
    """Return when its span is over."""
    assert deed.span is not None
    return round(deed.at + deed.span, 9)


def _end(deed: Spoken, act: Act) -> Spoken:
    return deed._replace(at=_over(deed), act=act, text=f"{_words(act)}{deed.text} is over{')' if _words(act) else ''}",
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
