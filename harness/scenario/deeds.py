"""Deeds: what a path, or the device, may be told to do; from text to ``Act``."""

from collections.abc import Callable, Mapping

from harness.device.words import Reach
from harness.errors import UsageError
from harness.scenario.model import (
    Act,
    ComesOnline,
    GoesOffline,
    Joins,
    Loses,
    Prefers,
    SetReach,
    SetShape,
    SetSlice,
)
from harness.scenario.place import nearest, not_built
from harness.scenario.profiles import PROFILES
from harness.units import parse_duration, parse_size, quote
from harness.vocabulary import Direction

_ONE_WAY = {f"{direction.value} only": direction for direction in Direction}
_MAY_BE_ONE_WAY = (Reach.STALLED, Reach.SILENT)
_MAY_STRIKE_ONCE = (Reach.CLOSED, Reach.RESET)
_FIRST_WORDS = (*Reach, *PROFILES, "sliced")

_DEVICE_LATER = ("suspends", "clock", "cannot resolve", "resolves in")
_DEVICE_FORMS = "joins PATH, prefers PATH, loses PATH, goes offline, comes online"
_DEVICE_FIRST_WORDS = ("joins", "prefers", "loses", "goes", "comes")


def parse_path_deed(text: str) -> Act:
    """Return the act of a path: a state, a profile or ``sliced to SIZE``. Raises ``UsageError``."""
    words = text.split()
    first = words[0] if words else ""
    if first not in _FIRST_WORDS:
        raise UsageError(f"{quote(text)} is no state or profile{nearest(first, _FIRST_WORDS)}")
    _refuse_later(text, words)
    if first == "sliced":
        return _slice(text, words)
    direction = _ONE_WAY.get(" ".join(words[-2:]))
    if direction is not None:
        words = words[:-2]
    if first in PROFILES:
        return _shape(text, words, direction)
    return _reach(text, words, direction)


def _refuse_later(text: str, words: list[str]) -> None:
    """Refuse what the language has and this version has not: ``for``, ``mid``, drawn durations."""
    if "for" in words[1:]:
        raise not_built("for", text)
    if "mid" in words[1:]:
        raise not_built("mid", text)
    if "over" in words and "to" in words:
        raise not_built("to", text)


def _slice(text: str, words: list[str]) -> SetSlice:
    if len(words) != 3 or words[1] != "to":
        raise UsageError(f'expected "sliced to SIZE", such as "sliced to 16B", got {quote(text)}')
    size = parse_size(words[2])
    if size < 1:
        raise UsageError(f"expected slices of at least 1B, got {quote(text)}")
    return SetSlice(size=size)


def _reach(text: str, words: list[str], direction: Direction | None) -> SetReach:
    word = Reach(words[0])
    if direction is not None and word not in _MAY_BE_ONE_WAY:
        raise UsageError(f'only stalled, silent and profiles can be "{direction.value} only", got {quote(text)}')
    if words[1:] == ["once"]:
        if word not in _MAY_STRIKE_ONCE:
            raise UsageError(f'only closed and reset can be "once", got {quote(text)}')
        return SetReach(word=word, once=True)
    if words[1:]:
        raise UsageError(f"expected nothing after {quote(word.value)} but its direction, got {quote(text)}")
    return SetReach(word=word, direction=direction)


def _shape(text: str, words: list[str], direction: Direction | None) -> SetShape:
    profile = PROFILES[words[0]]
    if profile.start is not Reach.UP:
        raise UsageError(
            f'{quote(profile.name)} is for the start of a path: expected "{profile.start.value}" as a deed'
        )
    over = 0.0
    if words[1:]:
        if len(words) != 3 or words[1] != "over":
            raise UsageError(f"expected {profile.name} [over DURATION], got {quote(text)}")
        over = parse_duration(words[2])
    return SetShape(
        profile=profile.name,
        shape=profile.shape,
        radio=profile.radio,
        loss=profile.loss,
        over=over,
        direction=direction,
    )


def parse_device_deed(text: str, paths: Mapping[str, object]) -> Act:
    """Return the act of the device. ``paths`` are those the file declares. Raises ``UsageError``."""
    words = text.split()
    if any(text.strip() == later or text.startswith(f"{later} ") for later in _DEVICE_LATER):
        raise not_built(f"device: {text}")
    if words[:2] == ["goes", "offline"] and words[2:3] == ["for"]:
        raise not_built("for", f"device: {text}")
    signals: dict[str, Callable[[str], Act]] = {
        "joins": lambda path: Joins(path=path),
        "prefers": lambda path: Prefers(path=path),
        "loses": lambda path: Loses(path=path),
    }
    if len(words) == 2 and words[0] in signals:
        return signals[words[0]](declared(words[1], paths))
    if words == ["goes", "offline"]:
        return GoesOffline()
    if words == ["comes", "online"]:
        return ComesOnline()
    hint = nearest(words[0], _DEVICE_FIRST_WORDS) if words and words[0] not in _DEVICE_FIRST_WORDS else ""
    raise UsageError(f"{quote(text)} is no deed of the device{hint}: expected {_DEVICE_FORMS}")


def declared(path: str, paths: Mapping[str, object]) -> str:
    """Return the path's name. Raises ``UsageError`` where the file declares none of that name."""
    if path not in paths:
        raise UsageError(f"{quote(path)} is no path of this file{nearest(path, paths)}: it has {', '.join(paths)}")
    return path
