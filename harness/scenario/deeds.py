"""The deeds of every actor as text, and what a text means: the catalogue's forms, with the profiles filled in."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from harness.deeds.acts import Act, SetShape
from harness.deeds.catalogue import Actor, rows_of
from harness.device.words import Reach
from harness.errors import UsageError
from harness.scenario.forms import ParsedDeed, Speech
from harness.scenario.place import nearest
from harness.scenario.profiles import PROFILES
from harness.units import quote

_PROFILES = "|".join(name for name, profile in PROFILES.items() if profile.start is Reach.UP)
_AT_THE_START = {name for name, profile in PROFILES.items() if profile.start is not Reach.UP}
_LATER = {
    Actor.DEVICE: ("clock", "cannot resolve", "resolves in"),
    Actor.MIDDLE: ("fails tls",),
    Actor.SERVER: ("shuffles", "clock"),
}
"""First words that the language has and this version does not do."""


def _shaped(make: Callable[..., Act], profile: str, **values: Any) -> Act:
    found = PROFILES[profile]
    shape = SetShape(profile=found.name, shape=found.shape, radio=found.radio, loss=found.loss)
    return make(profile=shape, **values)


def _forms(actor: Actor) -> dict[str, Callable[..., Act]]:
    forms = [(text, make) for row in rows_of(actor) for text, make in row.forms.items()]
    return {
        text.replace("PROFILE", _PROFILES): partial(_shaped, make) if "PROFILE" in text else make
        for text, make in forms
    }


SPEECHES: Mapping[Actor, Speech] = {
    actor: Speech(
        "" if actor is Actor.PATH else actor.value,
        "state or profile" if actor is Actor.PATH else f"deed of the {actor}",
        _forms(actor),
        _LATER.get(actor, ()),
    )
    for actor in Actor
}


def parse_deed(actor: str, text: str, paths: Mapping[str, object]) -> ParsedDeed:
    """Return what an actor is told; an actor that is none of the others is a path. ``paths``: those of the file.

    Raises ``UsageError``.
    """
    if actor not in set(Actor) - {Actor.PATH}:
        return _of_path(text)
    said = SPEECHES[Actor(actor)].parse(text)
    if path := getattr(said.act, "path", ""):
        declared(path, paths)
    return said


def _of_path(text: str) -> ParsedDeed:
    first = text.split(maxsplit=1)[0] if text.split() else ""
    if first in _AT_THE_START:
        word = PROFILES[first].start.value
        raise UsageError(f'{quote(first)} is for the start of a path: expected "{word}" as a deed')
    return SPEECHES[Actor.PATH].parse(text)


def declared(path: str, paths: Mapping[str, object]) -> str:
    """Return the path's name. Raises ``UsageError`` where the file declares none of that name."""
    if path not in paths:
        raise UsageError(f"{quote(path)} is no path of this file{nearest(path, paths)}: it has {', '.join(paths)}")
    return path
