"""Deeds of a path and of the device: what the network does, and what the OS knows; from text to ``Act``."""

from collections.abc import Callable, Mapping
from typing import Any

from harness.deeds.acts import (
    Act,
    ComesOnline,
    Cuts,
    GoesOffline,
    Joins,
    Loses,
    Prefers,
    SetReach,
    SetShape,
    SetSlice,
    Suspends,
)
from harness.device.words import Reach
from harness.errors import UsageError
from harness.scenario.forms import Said, Speech
from harness.scenario.place import nearest
from harness.scenario.profiles import PROFILES
from harness.units import quote
from harness.vocabulary import Direction

_ONE_WAY = (Reach.STALLED, Reach.SILENT)
_STRIKING = (Reach.CLOSED, Reach.RESET)
_PROFILES = "|".join(name for name, profile in PROFILES.items() if profile.start is Reach.UP)


def _reach(word: str, way: str | None = None) -> Act:
    return SetReach(word=Reach(word), direction=Direction(way) if way else None)


def _strikes(word: str) -> Act:
    return SetReach(word=Reach(word), once=True)


def _cuts(word: str, mid: str) -> Act:
    return Cuts(how=Reach(word), mid=mid)


def _shape(profile: str, over: float = 0.0, way: str | None = None) -> Act:
    found = PROFILES[profile]
    return SetShape(
        profile=found.name,
        shape=found.shape,
        radio=found.radio,
        loss=found.loss,
        over=over,
        direction=Direction(way) if way else None,
    )


def _slice(size: int) -> Act:
    if size < 1:
        raise UsageError("expected slices of at least 1B, got 0B")
    return SetSlice(size=size)


def _path_forms() -> dict[str, Callable[..., Act]]:
    two_way = "|".join(word for word in Reach if word not in _ONE_WAY)
    striking = "|".join(_STRIKING)
    way = "[downstream|upstream:way only]"
    return {
        f"{two_way}:word [for DURATION:span]": _reach,
        f"{'|'.join(_ONE_WAY)}:word [for DURATION:span] {way}": _reach,
        f"{striking}:word once": _strikes,
        f"{striking}:word mid id|data|character|event:mid": _cuts,
        f"{_PROFILES}:profile [for DURATION:span] {way}": _shape,
        f"{_PROFILES}:profile over DURATION:over {way}": _shape,
        "sliced to SIZE:size [for DURATION:span]": _slice,
    }


PATH = Speech("", "state or profile", _path_forms())

_AT_THE_START = {name for name, profile in PROFILES.items() if profile.start is not Reach.UP}


def parse_path_deed(text: str) -> Said:
    """Return what a path is told: a state, a cut, a profile or ``sliced to SIZE``. Raises ``UsageError``."""
    first = text.split(maxsplit=1)[0] if text.split() else ""
    if first in _AT_THE_START:
        word = PROFILES[first].start.value
        raise UsageError(f'{quote(first)} is for the start of a path: expected "{word}" as a deed')
    return PATH.parse(text)


DEVICE = Speech(
    "device",
    "deed of the device",
    {
        "joins PATH:path": Joins,
        "prefers PATH:path": Prefers,
        "loses PATH:path": Loses,
        "goes offline [for DURATION:span]": GoesOffline,
        "comes online": ComesOnline,
        "suspends for DURATION:lasts": lambda lasts: Suspends(lasts=_more_than_zero(lasts)),
    },
    later=("clock", "cannot resolve", "resolves in"),
)


def _more_than_zero(value: Any) -> Any:
    if not value:
        raise UsageError("expected more than zero")
    return value


def parse_device_deed(text: str, paths: Mapping[str, object]) -> Said:
    """Return what the device is told. ``paths`` are those the file declares. Raises ``UsageError``."""
    said = DEVICE.parse(text)
    if isinstance(said.act, Joins | Prefers | Loses):
        declared(said.act.path, paths)
    return said


def declared(path: str, paths: Mapping[str, object]) -> str:
    """Return the path's name. Raises ``UsageError`` where the file declares none of that name."""
    if path not in paths:
        raise UsageError(f"{quote(path)} is no path of this file{nearest(path, paths)}: it has {', '.join(paths)}")
    return path
