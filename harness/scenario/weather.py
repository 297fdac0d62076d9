"""Weather: what a profile does by itself. Loss as stall pulses, stalls per hour, rates that change each second.

A proxy above TCP cannot lose a packet. What a lost packet does to a *thin* stream (one small segment per event, no
duplicate acknowledgements) is a pause of one retransmission timeout, with all that follows held and then released
together (RFC 7765). So each emission opens, with the profile's probability, a pulse of ``max(200 ms, 2·RTT)`` (Linux's
least timeout), doubled with the same probability again.

Everything is drawn when the plan is made, each path and kind from its own named stream, so the same seed is the same
weather on every machine.
"""

import itertools
import math
import random
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from harness.chance import Chance
from harness.deeds.acts import Deed, Frozen, Limits, SetShape
from harness.deeds.replacement import takes_the_place_of
from harness.errors import UsageError
from harness.scenario.model import RateStep, StallPulse
from harness.scenario.profiles import PROFILES, Profile, Rates, Stalls, whole_kilobytes
from harness.vocabulary import Direction

LEAST_TIMEOUT = 0.2
"""Linux's TCP_RTO_MIN."""

MOST_DOUBLINGS = 5

MOST_CHANGES = 200_000
"""Pulses and steps of all variants of a scenario: their plans are in memory together."""

_Z95 = 1.6448536269514722
"""The standard normal's 95th percentile: what lies between a log-normal's p50 and its p95."""


class Segment(Frozen, frozen=True, kw_only=True):
    """One profile's reign over a path: from ``start`` up to ``end``."""

    number: int
    start: float
    end: float
    profile: Profile


def weather(
    paths: Mapping[str, Profile],
    deeds: Sequence[Deed],
    emissions: Sequence[float],
    chance: Chance,
    until: float,
    *,
    most: int = MOST_CHANGES,
) -> tuple[StallPulse | RateStep, ...]:
    """Return the pulses and steps of all paths in order of time, none before 0 s or at or after ``until``.

    ``emissions`` are those of the first client's job, in scenario time. Pulses of one path never overlap: what meets is
    one pulse. Raises ``UsageError`` where there would be more than anyone can mean.
    """
    found: list[StallPulse | RateStep] = []
    for path, profile in paths.items():
        spans: list[tuple[float, float]] = []
        for segment in segments(path, profile, deeds, until):
            _refuse_floods(path, segment)
            losses = _losses(segment, emissions, chance.stream("weather", path, "loss", segment.number))
            stalls = _stalls(segment, chance.stream("weather", path, "stalls", segment.number))
            # A profile's pulse ends with its reign: who comes home is not kept waiting by the tunnel.
            spans += [(start, min(end, segment.end)) for start, end in (*losses, *stalls)]
            steps = _steps(path, segment, chance.stream("weather", path, "rates", segment.number))
            found += (_limited(step, deeds) for step in steps)
        found += [StallPulse(path=path, at=at, lasts=round(end - at, 9)) for at, end in merged(spans)]
        if len(found) > most:
            raise UsageError(
                f"with {path} there would be {len(found)} stalls and changes of rate in {until:g} s: "
                f"expected at most {most} in all paths and variants"
            )
    order = {path: number for number, path in enumerate(paths)}
    return tuple(sorted(found, key=lambda change: (change.at, order[change.path], isinstance(change, RateStep))))


def segments(path: str, profile: Profile, deeds: Sequence[Deed], until: float) -> Iterator[Segment]:
    """Yield the profiles that reign over a path, in order; those without any time are left out."""
    start, number, first = 0.0, 0, profile
    for deed in deeds:
        if deed.actor != path or not isinstance(deed.act, SetShape):
            continue
        if deed.at > start:
            yield Segment(number=number, start=start, end=min(deed.at, until), profile=profile)
        start, number = deed.at, number + 1
        profile = _succeeded(profile, deed.act, first)
        if start >= until:
            return
    if start < until:
        yield Segment(number=number, start=start, end=until, profile=profile)


def _succeeded(profile: Profile, act: SetShape, first: Profile) -> Profile:
    """Return what reigns after the act; where that goes back to the path's ``first`` profile, its adjustments too.

    One that has a direction brings the weather of that direction only. Loss and stalls are pulses of the downstream; a
    segment's retransmission timeout is that of the old or the new profile, whichever owns the downstream.
    """
    again = act.profile == first.name and act.radio == first.radio and act.loss == first.loss
    successor = first if again else PROFILES[act.profile]
    if act.direction is Direction.UPSTREAM:
        return msgspec.structs.replace(profile, up=successor.up)
    if act.direction is Direction.DOWNSTREAM:
        return msgspec.structs.replace(successor, up=profile.up)
    return successor


def _refuse_floods(path: str, segment: Segment) -> None:
    seconds = segment.end - segment.start
    stalls = segment.profile.stalls.per_hour * seconds / 3_600 if segment.profile.stalls else 0.0
    steps = seconds if _stepped(segment.profile) else 0.0
    if stalls + steps > MOST_CHANGES:
        raise UsageError(
            f"{path} would stall or change its rate {stalls + steps:.0f} times in {seconds:g} s: "
            f"expected at most {MOST_CHANGES}"
        )


def _losses(segment: Segment, emissions: Sequence[float], dice: random.Random) -> Iterator[tuple[float, float]]:
    """Yield the spans of loss. One number is drawn for each emission, so that one more shifts none before it.

    The pulse is the gate's, so it opens when the emission's bytes can first be there. What is emitted into an open
    pulse opens none: it is held already, and travels with the retransmission.
    """
    loss = segment.profile.loss
    if not loss:
        return
    timeout = max(LEAST_TIMEOUT, 2 * 2 * segment.profile.latency)
    travel = max(0.0, segment.profile.latency - segment.profile.jitter)
    released = -math.inf
    first, last = (bisect_left(emissions, end, key=lambda at: at + travel) for end in (segment.start, segment.end))
    for emission in itertools.islice(emissions, first, last):
        at = emission + travel
        luck = dice.random()
        if luck < loss and at >= released:
            doublings = 0
            # Below p the segment is lost, below p² its first retransmission too, and so on.
            while doublings < MOST_DOUBLINGS and luck < loss ** (doublings + 2):
                doublings += 1
            released = at + timeout * 2**doublings
            yield at, released


def _stalls(segment: Segment, dice: random.Random) -> Iterator[tuple[float, float]]:
    """Yield the spans of stalls: exponential gaps between their beginnings, log-normal lengths."""
    stalls = segment.profile.stalls
    if stalls is None or not stalls.per_hour:
        return
    at = segment.start
    while (at := at + dice.expovariate(stalls.per_hour / 3_600)) < segment.end:
        yield at, at + stall_length(stalls, dice)


def stall_length(stalls: Stalls, dice: random.Random) -> float:
    """Draw one length: log-normal through p50 and p95, cut at the longest."""
    sigma = math.log(stalls.p95 / stalls.p50) / _Z95
    return min(dice.lognormvariate(math.log(stalls.p50), sigma), stalls.longest)


def _stepped(profile: Profile) -> bool:
    return any(rates is not None and rates.stepped for rates in (profile.down, profile.up))


def _steps(path: str, segment: Segment, dice: random.Random) -> Iterator[RateStep]:
    """Yield a new rate each second, the first at the segment's beginning."""
    down, up = segment.profile.down, segment.profile.up
    if down is None or up is None or not _stepped(segment.profile):
        return
    for second in range(math.ceil(segment.end - segment.start)):
        yield RateStep(path=path, at=round(segment.start + second, 9), down=_rate(down, dice), up=_rate(up, dice))


def _limited(step: RateStep, deeds: Sequence[Deed]) -> RateStep:
    """Return the step, no faster than the limits in force at its time allow."""
    for place, deed in enumerate(deeds):
        if deed.actor != step.path or not isinstance(deed.act, Limits) or deed.at > step.at:
            continue
        over = next((later.at for later in deeds[place + 1 :] if takes_the_place_of(later, deed)), math.inf)
        if step.at < over:
            rate = deed.act.rate
            step = msgspec.structs.replace(step, down=min(step.down, rate), up=min(step.up, rate))
    return step


def _rate(rates: Rates, dice: random.Random) -> float:
    """Draw one rate, log-uniform. A number is drawn also where there is nothing to choose."""
    share = dice.random()
    return whole_kilobytes(rates.least * (rates.most / rates.least) ** share)


def merged(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the union of spans, in order, rounded to a microsecond; none touches the next."""
    union: list[tuple[float, float]] = []
    for start, end in sorted((round(start, 6), round(end, 6)) for start, end in spans):
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], end))
        else:
            union.append((start, end))
    return union
