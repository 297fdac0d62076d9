"""The timeline: a score of when, who, what; from the file's order to the order of doing."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from harness.device.words import Reach
from harness.errors import UsageError
from harness.scenario.deeds import parse_device_deed, parse_path_deed
from harness.scenario.document import Mark
from harness.scenario.model import Act, ComesOnline, Deed, GoesOffline, Joins, Loses, Prefers, SetReach, SetShape
from harness.scenario.place import Place, nearest, not_built
from harness.scenario.profiles import PROFILES
from harness.units import parse_duration, parse_instant, quote, spell_duration

MOST_DEEDS = 2_000
"""Of one run: each is proved by a flow of the harness's own, which takes its time."""

_ACTORS = ("device", "server", "middle", "job")
_ACTORS_LATER = re.compile(r"server( [1-9][0-9]*)?|middle( on \S+)?|job")


class When(NamedTuple):
    """The instants of one entry of the score."""

    times: tuple[float, ...]


def parse_when(text: str) -> When:
    """Return the instants of ``10s``, ``10s+500ms`` or ``0s..10s every 5s`` (half open). Raises ``UsageError``."""
    if ".." not in text:
        return When((parse_instant(text.strip()),))
    span, found, every = text.partition(" every ")
    first, _, last = span.partition("..")
    if not found:
        raise UsageError(f"expected a range such as 0s..10s every 5s, got {quote(text)}")
    if " to " in every:
        raise not_built("to", text)
    start, end, step = parse_instant(first.strip()), parse_instant(last.strip()), parse_duration(every.strip())
    if not start < end or not step > 0:
        raise UsageError(f"expected a later end and a step above zero, got {quote(text)}")
    if (end - start) / step > MOST_DEEDS:
        raise UsageError(f"expected at most {MOST_DEEDS} deeds, got {quote(text)}")
    times: list[float] = []
    while (time := round(start + len(times) * step, 9)) < end:
        times.append(time)
    return When(tuple(times))


class _Found(NamedTuple):
    """A deed of one place, before it has its number."""

    at: float
    actor: str
    act: Act
    text: str
    place: Place


def read_timeline(place: Place, paths: Mapping[str, object], starts_on: str) -> tuple[Deed, ...]:
    """Return the deeds in order of doing: by time, and equal times as the file has them. Problems are noted."""
    before = len(place.book.problems)
    found: list[_Found] = []
    latest = 0.0
    for entry in place.entries("{10s: {wifi: silent}}"):
        written = str(entry.trail[-1])
        when = entry.read_key(parse_when)
        if when is not None and "$" not in written:
            if when.times[0] < latest:
                entry.fail(f"times must not go backwards: {spell_duration(latest)} stands above", at_key=True)
            latest = max(latest, when.times[0])
        for actor in entry.entries("{wifi: silent}"):
            found += _read_actor(actor, when.times if when else (0.0,), paths)
            if len(found) > MOST_DEEDS:
                actor.fail(f"expected at most {MOST_DEEDS} deeds, got more", at_key=True)
                return ()
    found.sort(key=lambda deed: deed.at)
    if len(place.book.problems) == before:
        _check_device(found, starts_on)
    return tuple(_numbered(found))


def _numbered(found: list[_Found]) -> list[Deed]:
    deeds = []
    for index, deed in enumerate(found):
        mark: Mark = deed.place.book.mark(deed.place.trail).value
        deeds.append(
            Deed(
                index=index,
                at=deed.at,
                actor=deed.actor,
                act=deed.act,
                text=deed.text,
                line=mark.line,
                column=mark.column,
            )
        )
    return deeds


def _read_actor(place: Place, times: tuple[float, ...], paths: Mapping[str, object]) -> list[_Found]:
    """Return the deeds of one actor at each of these times, those of a list in its order."""
    actor = place.read_key(lambda text: _actor(text, paths))
    if actor is None:
        return []
    listed = not isinstance(place.value, str) and not isinstance(place.value, Mapping)
    deeds = []
    for item in place.items("[joins cellular, prefers cellular]") if listed else [place]:

        def parse(text: str) -> tuple[Act, str]:
            if _ACTORS_LATER.fullmatch(actor):
                raise not_built(f"{actor}: {text}")
            act = parse_device_deed(text, paths) if actor == "device" else parse_path_deed(text)
            return act, " ".join(text.split())

        read = item.read(parse)
        if read is not None:
            deeds.append((read, item))
    if len(times) * len(deeds) > MOST_DEEDS:
        place.fail(f"expected at most {MOST_DEEDS} deeds, got {len(times) * len(deeds)}", at_key=True)
        return []
    return [_Found(at, actor, act, text, item) for at in times for (act, text), item in deeds]


def _actor(text: str, paths: Mapping[str, object]) -> str:
    actor = " ".join(text.split())
    if actor in paths or actor == "device" or _ACTORS_LATER.fullmatch(actor):
        return actor
    raise UsageError(
        f"{quote(actor)} is no path of this file and no actor{nearest(actor, (*paths, *_ACTORS))}: "
        f"expected {', '.join((*paths, *_ACTORS))}"
    )


def _check_device(found: list[_Found], starts_on: str) -> None:
    """Refuse signals that would say what already is, or cannot be: no fault could be seen in them."""
    joined = {starts_on}
    offline = False
    for deed in found:
        at = f"at {spell_duration(deed.at)}"
        match deed.act:
            case Joins(path=path):
                if path in joined:
                    deed.place.fail(f"{quote(deed.text)}: {path} is joined already {at}")
                joined.add(path)
            case Prefers(path=path) | Loses(path=path) if path not in joined:
                shown = ", ".join(sorted(joined)) or "none"
                deed.place.fail(f"{quote(deed.text)}: {path} is not joined {at} (joined: {shown})")
            case Loses(path=path):
                joined.remove(path)
            case GoesOffline():
                if offline:
                    deed.place.fail(f"{quote(deed.text)}: the device is offline already {at}")
                offline = True
            case ComesOnline():
                if not offline:
                    deed.place.fail(f"{quote(deed.text)}: the device is not offline {at}")
                offline = False


def with_departures(deeds: tuple[Deed, ...], paths: Mapping[str, tuple[str, Mark]], until: float) -> tuple[Deed, ...]:
    """Return the deeds with those that a profile brings: ``wifi-edge`` is gone, so silent, after its time.

    ``paths`` gives each path's first profile and where it is written. Another profile of that path within the time
    keeps the path alive, and what would happen at ``until`` or later, the run's end, is left out.
    """
    changes = [(0.0, path, name, mark) for path, (name, mark) in paths.items()]
    changes += [
        (deed.at, deed.actor, deed.act.profile, Mark(deed.line, deed.column))
        for deed in deeds
        if isinstance(deed.act, SetShape)
    ]
    departures = []
    for number, (at, path, name, mark) in enumerate(changes):
        after = PROFILES[name].gone_after
        if after is None:
            continue
        gone = round(at + after, 9)
        if gone >= until or any(other == path and later <= gone for later, other, _, _ in changes[number + 1 :]):
            continue
        departures.append(
            Deed(
                index=0,
                at=gone,
                actor=path,
                act=SetReach(word=Reach.SILENT),
                text=f"silent ({name}: gone after {spell_duration(after)})",
                line=mark.line,
                column=mark.column,
            )
        )
    ordered = sorted((*deeds, *departures), key=lambda deed: deed.at)
    return tuple(msgspec.structs.replace(deed, index=index) for index, deed in enumerate(ordered))
