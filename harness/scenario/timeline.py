"""The timeline: a score of when, who, what; from the file's order to the order of doing.

``200ms to 4.5s`` in it is one duration, log-uniform, drawn anew at each use.
"""

import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from harness.chance import Chance
from harness.deeds.acts import Deed, SetReach, SetShape
from harness.device.words import Reach
from harness.errors import UsageError
from harness.scenario.bounds import day
from harness.scenario.deeds import declared, parse_deed
from harness.scenario.document import Mark
from harness.scenario.model import PathSpec, network_of
from harness.scenario.place import Place, nearest, not_built
from harness.scenario.profiles import PROFILES
from harness.scenario.sense import check_deeds
from harness.scenario.spans import Spoken, with_ends
from harness.units import parse_duration, parse_instant, quote, spell_duration

_RANGE = re.compile(r"(?<!\S)([0-9][0-9a-z.]*) to ([0-9][0-9a-z.]*)(?!\S)")

Dice = Callable[[], random.Random]
"""Where the numbers come from, asked only when something is to be drawn."""

MOST_DEEDS = 2_000
"""Of one run: each is proved by a flow of the harness's own, which takes its time."""

_ACTORS = ("device", "server", "middle", "job")
_MIDDLE_ON = re.compile(r"middle on (\S+)")
_ONE_SERVER = re.compile(r"server [1-9][0-9]*")


def parse_when(text: str, dice: Dice) -> tuple[float, ...]:
    """Return the instants of ``10s``, ``10s+500ms`` or ``0s..10s every 5s`` (half open).

    ``every 200ms to 4.5s`` draws each step anew. Raises ``UsageError``.
    """
    if ".." not in text:
        return (_instant(text.strip()),)
    span, found, every = text.partition(" every ")
    first, _, last = span.partition("..")
    if not found:
        raise UsageError(f"expected a range such as 0s..10s every 5s, got {quote(text)}")
    start, end = _instant(first.strip()), _instant(last.strip())
    ranged = has_draws(every)
    step = 0.0 if ranged else parse_duration(every.strip())
    source = dice() if ranged else None
    if not start < end or not (ranged or step > 0):
        raise UsageError(f"expected a later end and a step above zero, got {quote(text)}")
    times: list[float] = []
    time = start
    while time < end:
        if len(times) >= MOST_DEEDS:
            raise UsageError(f"expected at most {MOST_DEEDS} deeds, got {quote(text)}")
        times.append(time)
        # A fixed step is multiplied, not added up, so that its rounding does not add up either.
        after = start + len(times) * step if source is None else time + draw(" ".join(every.split()), source)
        time = round(after, 9)
    return tuple(times)


_instant = day(parse_instant)


class _Reading(NamedTuple):
    """The context in which the deeds of a timeline are read."""

    paths: Mapping[str, PathSpec]
    chance: Chance


def read_timeline(place: Place, paths: Mapping[str, PathSpec], starts_on: str, chance: Chance) -> tuple[Deed, ...]:
    """Return the deeds in order of doing: by time, and equal times as the file has them. Problems are noted."""
    before = len(place.book.problems)
    reading = _Reading(paths, chance)
    found: list[Spoken] = []
    latest = 0.0
    for entry in place.entries("{10s: {wifi: silent}}"):
        written = str(entry.trail[-1])
        times = entry.read_key(lambda text: parse_when(text, lambda: chance.stream("every", text)))
        if times is not None and "$" not in written:
            if times[0] < latest:
                entry.fail(f"times must not go backwards: {spell_duration(latest)} stands above", at_key=True)
            latest = max(latest, times[0])
        for actor in entry.entries("{wifi: silent}"):
            found += _read_actor(actor, times or (0.0,), reading)
            if len(found) > MOST_DEEDS:
                actor.fail(f"expected at most {MOST_DEEDS} deeds, got more", at_key=True)
                return ()
    if len(place.book.problems) > before:
        return ()
    ended = with_ends(found, paths)
    deeds = numbered(ended)
    check_deeds(ended, deeds, network_of(paths, starts_on=starts_on))
    return deeds


def numbered(found: Sequence[Spoken]) -> tuple[Deed, ...]:
    """Return the deeds with their numbers and where each is written."""
    numbers = {id(deed): index for index, deed in enumerate(found)}
    deeds = []
    for index, deed in enumerate(found):
        mark: Mark = deed.place.book.mark(deed.place.trail).value
        deeds.append(
            Deed(
                index=index,
                at=deed.at,
                actor=deed.actor,
                on=deed.on,
                act=deed.act,
                text=deed.text,
                line=mark.line,
                column=mark.column,
                undoes=None if deed.undoes is None else numbers[id(deed.undoes)],
            )
        )
    return tuple(deeds)


def _read_actor(place: Place, times: tuple[float, ...], reading: _Reading) -> list[Spoken]:
    """Return the deeds of one actor at each of these times, those of a list in its order."""
    who = place.read_key(lambda text: _actor(text, reading.paths))
    if who is None:
        return []
    actor, on = who
    listed = not isinstance(place.value, str) and not isinstance(place.value, Mapping)
    items = place.items("[joins cellular, prefers cellular]") if listed else [place]
    if len(times) * len(items) > MOST_DEEDS:
        place.fail(f"expected at most {MOST_DEEDS} deeds, got {len(times) * len(items)}", at_key=True)
        return []
    columns = [_said(item, actor, on, times, reading) for item in items]
    return [deed for row in zip(*columns, strict=True) for deed in row] if all(columns) else []


def _said(place: Place, actor: str, on: str, times: tuple[float, ...], reading: _Reading) -> list[Spoken]:
    """Return one deed at each of these times. Its durations are drawn anew each time."""

    def read(text: str) -> list[Spoken]:
        deeds = []
        for use, at in enumerate(times):
            dice = partial(reading.chance.stream, "deed", *place.trail, use)
            plain, shown = drawn(" ".join(text.split()), dice)
            said = parse_deed(actor, plain, reading.paths)
            deeds.append(Spoken(at, actor, on, said.act, shown, place, said.span))
        return deeds

    return place.read(read) or []


def _actor(text: str, paths: Mapping[str, object]) -> tuple[str, str]:
    """Return who is told, and the path to which that is narrowed."""
    actor = " ".join(text.split())
    if actor in paths or actor in _ACTORS:
        return actor, ""
    if found := _MIDDLE_ON.fullmatch(actor):
        return "middle", declared(found[1], paths)
    if _ONE_SERVER.fullmatch(actor):
        raise not_built(actor)
    raise UsageError(
        f"{quote(actor)} is no path of this file and no actor{nearest(actor, (*paths, *_ACTORS))}: "
        f"expected {', '.join((*paths, *_ACTORS))}"
    )


def departures(deeds: Sequence[Deed], paths: Mapping[str, tuple[str, Mark]], until: float) -> list[Deed]:
    """Return the deeds that a profile brings, without numbers: ``wifi-edge`` is gone, so silent, after its time.

    ``paths`` gives each path's first profile and where it is written. Another profile of that path within the time
    keeps the path alive, and what would happen at ``until`` or later, the run's end, is left out.
    """
    changes = [(0.0, path, name, mark) for path, (name, mark) in paths.items()]
    changes += [
        (deed.at, deed.actor, deed.act.profile, Mark(deed.line, deed.column))
        for deed in deeds
        if isinstance(deed.act, SetShape)
    ]
    found = []
    for number, (at, path, name, mark) in enumerate(changes):
        after = PROFILES[name].gone_after
        if after is None:
            continue
        gone = round(at + after, 9)
        if gone >= until or any(other == path and later <= gone for later, other, _, _ in changes[number + 1 :]):
            continue
        found.append(
            Deed(
                index=-1,
                at=gone,
                actor=path,
                act=SetReach(word=Reach.SILENT),
                text=f"silent ({name}: gone after {spell_duration(after)})",
                line=mark.line,
                column=mark.column,
            )
        )
    return found


def before(deeds: Sequence[Deed], end: float) -> tuple[Deed, ...]:
    """Return the deeds without the undoings that the run would not live to see."""
    return renumbered([deed for deed in deeds if deed.undoes is None or deed.at < end])


def renumbered(deeds: Sequence[Deed]) -> tuple[Deed, ...]:
    """Return the deeds numbered in this order; what undoes another still does."""
    numbers = {deed.index: index for index, deed in enumerate(deeds) if deed.index >= 0}
    return tuple(
        msgspec.structs.replace(deed, index=index, undoes=None if deed.undoes is None else numbers[deed.undoes])
        for index, deed in enumerate(deeds)
    )


def draw(text: str, dice: random.Random) -> float:
    """Return one duration from ``SHORTER to LONGER``, rounded to a millisecond (a microsecond below 10 ms).

    Raises ``UsageError`` unless the shorter comes first and is more than zero: nothing is log-uniform from zero.
    """
    shorter, longer = (parse_duration(part.strip()) for part in text.split(" to "))
    if not 0 < shorter < longer:
        raise UsageError(f"expected the shorter duration first and more than zero, got {quote(text)}")
    found = shorter * math.exp(dice.random() * math.log(longer / shorter))
    return min(max(round(found, 3 if shorter >= 0.01 else 6), shorter), longer)


def has_draws(text: str) -> bool:
    """Return whether a text of the timeline leaves something to be drawn."""
    return _RANGE.search(text) is not None


def drawn(text: str, dice: Dice) -> tuple[str, str]:
    """Return the text with every range replaced by what was drawn, and the text to show: that with the ranges."""
    if not has_draws(text):
        return text, text
    source, ranges = dice(), []

    def one(found: re.Match[str]) -> str:
        ranges.append(found[0])
        return spell_duration(draw(found[0], source))

    plain = _RANGE.sub(one, text)
    return plain, f"{plain} (drawn from {', '.join(ranges)})"
