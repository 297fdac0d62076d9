"""``paths``: the named ways to the server, and the profile of each."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from harness.device.words import Reach
from harness.errors import UsageError
from harness.scenario.bounds import FASTEST, LONGEST_DELAY, within
from harness.scenario.document import Mark
from harness.scenario.model import PathSpec
from harness.scenario.phrases import Setting, described, one
from harness.scenario.place import Place, nearest
from harness.scenario.profiles import PROFILES, Profile, adjusted
from harness.scenario.settings import read_section
from harness.units import quote, spell_bit_rate, spell_duration

MOST_PATHS = 16

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_TAKEN = ("device", "server", "middle", "job", *Reach)


class WrittenPath(NamedTuple):
    """A path as the file has it: its profile, with its adjustments, and where that is written."""

    profile: Profile
    mark: Mark

    @property
    def spec(self) -> PathSpec:
        """The path as the plan has it."""
        profile = self.profile
        return PathSpec(
            profile=profile.name, shape=profile.shape, radio=profile.radio, loss=profile.loss, start=profile.start
        )


def profile_named(text: str) -> Profile:
    """Return the profile. Raises ``UsageError`` with the nearest name."""
    name = text.strip()
    if name not in PROFILES:
        raise UsageError(f"{quote(name)} is no profile{nearest(name, PROFILES)}: expected one of {', '.join(PROFILES)}")
    return PROFILES[name]


def _delay(parse: Callable[[str], float]) -> Callable[[str], float]:
    return within(parse, spell_duration, most=LONGEST_DELAY)


def _rate(parse: Callable[[str], float]) -> Callable[[str], float]:
    return within(parse, spell_bit_rate, most=FASTEST)


ADJUSTMENTS: dict[str, Setting] = {
    "profile": described(
        "The network situation that is adjusted. Required.",
        Setting(lambda text: {"profile": profile_named(text)}, "|".join(PROFILES), "PROFILE"),
    ),
    "latency": described("The delay one way.", one("latency", "DURATION", bound=_delay)),
    "jitter": described("The most by which each delay is shorter or longer.", one("jitter", "DURATION", bound=_delay)),
    "down": described("The rate from server to client.", one("down", "BITRATE", bound=_rate)),
    "up": described("The rate from client to server.", one("up", "BITRATE", bound=_rate)),
    "stalls": described("How often the path stalls by itself.", one("stalls", "RATE")),
    "wake": described("How long the radio takes to wake.", one("wake", "DURATION", bound=_delay)),
}


def read_paths(place: Place) -> dict[str, WrittenPath]:
    """Return the paths in file order. Problems are noted; a path whose profile is wrong is there all the same."""
    ways: dict[str, WrittenPath] = {}
    for entry in place.entries("{wifi: wifi, cellular: lte}"):
        name = entry.read_key(_name)
        profile = _adjusted(entry) if isinstance(entry.value, Mapping) else entry.read(profile_named)
        if name is not None:
            ways[name] = WrittenPath(profile or PROFILES["loopback"], place.book.mark(entry.trail).value)
    if len(ways) > MOST_PATHS:
        place.fail(f"expected at most {MOST_PATHS} paths, got {len(ways)}", at_key=True)
    return ways


def _name(text: str) -> str:
    if text in _TAKEN:
        raise UsageError(f"{quote(text)} is a word of the timeline and cannot name a path")
    if _NAME.fullmatch(text) is None:
        raise UsageError(f"expected a path's name of a-z, 0-9 and -, at most 40, got {quote(text)}")
    return text


def _adjusted(place: Place) -> Profile | None:
    fields = read_section(place, ADJUSTMENTS, example="{profile: lte, latency: 80ms}")
    profile = fields.pop("profile", None)
    if profile is None:
        if isinstance(place.value, Mapping) and "profile" not in place.value:
            place.fail(
                '"profile" is missing: which one is adjusted, such as {profile: lte, latency: 80ms}', at_key=True
            )
        return None
    if profile.start is not Reach.UP and fields:
        place.fail(f"{quote(profile.name)} passes nothing that could be adjusted")
    return adjusted(profile, **fields)
