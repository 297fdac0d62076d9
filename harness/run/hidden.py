"""What hides a deed from its canary: other deeds that are in force on the same way, as the plan has it.

A flow to a server that is down proves nothing of the path it took, and one that was cut cannot be cut again. Such a
proof is undecided, and says by whose doing. Only what can have done just what was seen excuses a proof: no server that
drains lets a dial in where it must hang. What a deed replaces or takes back excuses nothing, since that is what is seen
where the deed was not carried out; but what a strike has ended stays ended.
"""

from typing import Literal

import msgspec

from harness.deeds.acts import (
    Act,
    Adjusts,
    Answers,
    Buffers,
    Clears,
    ComesOnline,
    Cuts,
    Deed,
    Drains,
    GoesOffline,
    Hangs,
    Joins,
    KillsIdle,
    Loses,
    MiddleAct,
    MutesStreams,
    Prefers,
    ResetsStreams,
    Restarts,
    SetReach,
    SetShape,
    ShowsPortal,
    Suspends,
)
from harness.deeds.network_state import ARMED, STRIKES, own_time
from harness.deeds.replacement import directions, replaced, takes_back, takes_the_place_of
from harness.device.words import Reach
from harness.scenario.deed_text import deed_text
from harness.scenario.model import Plan, Pulse, Step

LEAD = 0.6
"""Seconds before a deed from which on its canary opens the flows that it holds."""

Symptom = Literal["ended", "quiet", "refused", "let in", "otherwise", "late", "soon", "whole"]
"""What was met instead: FIN or RST, nothing, a refused dial, what should not pass, another's answer, a wrong delay, an
answer in one piece."""

Way = Literal["canary", "read back", "undecided"]
"""How a deed was proved: by what a flow of the harness met, by what its executor shows, or not."""

_StreamAct = MutesStreams | ResetsStreams | Buffers
_RequestAct = Answers | ShowsPortal
_RETURNS = Joins | Prefers | ComesOnline
_SLEEPERS = Suspends | Hangs | KillsIdle


class Miss(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was met instead of what was promised. ``held``: by a connection opened before the deed."""

    path: str
    symptom: Symptom
    held: bool = False
    stream: bool = False  # by an event stream


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a canary met a deed, and what it saw; ``misses``: what it saw instead of what was promised."""

    met: bool
    detail: str
    way: Way = "canary"
    misses: tuple[Miss, ...] = ()


def by_reading_back(why: str) -> Outcome:
    """Return the outcome of a proof for which the canary had nothing to meet."""
    return Outcome(met=True, detail=f"read back; {why}", way="read back")


def undecided(why: str) -> Outcome:
    """Return the outcome of a proof that could not say."""
    return Outcome(met=True, detail=f"undecided: {why}", way="undecided")


def missed(path: str, symptom: Symptom, detail: str, *, held: bool, stream: bool = False) -> Outcome:
    """Return the outcome of a proof that met one other thing."""
    return Outcome(met=False, detail=detail, misses=(Miss(path=path, symptom=symptom, held=held, stream=stream),))


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """When a deed is in force, in scenario seconds, and the index of the deed that ended it."""

    deed: Deed
    since: float
    until: float
    ended_by: int | None = None


class Hidden:
    """Knows of each moment which deeds are in force, from the plan alone."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._spans = [_span(place, plan) for place, deed in enumerate(plan.deeds) if _stands(deed, plan)]

    def by(self, deed: Deed, miss: Miss, until: float) -> str:
        """Return what else explains this, met for a deed by scenario second ``until``; empty where nothing does."""
        since = deed.at - LEAD if miss.held else deed.at
        for span in self._spans:
            replaced = span.ended_by == deed.index and not (miss.held and _word(span.deed.act, *STRIKES))
            if span.deed.index in {deed.index, deed.undoes} or replaced:
                continue
            dead = miss.held and miss.symptom == "quiet" and _kills_silently(span.deed.act)  # for as long as it is held
            meanwhile = span.since <= until and (dead or span.until >= since)
            if meanwhile and _concerns(span.deed, miss.path) and _explains(span.deed, miss, deed):
                return f"{deed_text(span.deed, self._plan)} in force"
        return f"{miss.path}'s weather in force" if self._weather(miss, since, until) else ""

    def _weather(self, miss: Miss, since: float, until: float) -> bool:
        """Whether the weather can have done it: a stall is over some time, a rate stays."""
        made = [change for change in self._plan.weather if change.path == miss.path and change.at <= until]
        stalled = any(isinstance(change, Pulse) and change.at + change.lasts >= since for change in made)
        stepped = any(isinstance(change, Step) for change in made)
        return (stalled and miss.symptom in {"quiet", "late", "whole"}) or (stepped and miss.symptom == "late")


def _stands(deed: Deed, plan: Plan) -> bool:
    """Whether a deed puts something in force; the end of another's does not."""
    if isinstance(deed.act, _RETURNS):
        return plan.device.linger > 0
    if takes_back(deed):
        return False
    return not (isinstance(deed.act, SetReach) and deed.act.word is Reach.UP)


def _span(place: int, plan: Plan) -> Span:
    deed = plan.deeds[place]
    seconds = own_time(deed.act)
    match deed.act:
        case Loses():
            seconds = plan.device.linger
        case GoesOffline() | SetReach(once=True):
            seconds = 0.0
        case Cuts():
            seconds = ARMED
        case _:
            pass
    if seconds is not None:
        return Span(deed=deed, since=deed.at, until=deed.at + seconds)
    left = directions(deed.act)
    for later in plan.deeds[place + 1 :]:
        if later.actor == deed.actor in plan.paths:  # each of two words may replace it in one direction
            left -= replaced(later.act, deed.act)
        if not left or takes_the_place_of(later, deed):
            return Span(deed=deed, since=deed.at, until=later.at, ended_by=later.index)
    return Span(deed=deed, since=deed.at, until=float("inf"))


def _concerns(deed: Deed, path: str) -> bool:
    """Whether a deed touches flows on this path."""
    act = deed.act
    if isinstance(act, SetReach | SetShape | Adjusts | Cuts):
        return deed.actor == path
    if isinstance(act, Loses | Joins | Prefers):
        return act.path == path
    return deed.on in {"", path}


def _explains(other: Deed, miss: Miss, deed: Deed) -> bool:
    """Whether the other deed does what was met to this deed's flows."""
    act = other.act
    if isinstance(act, _StreamAct | _RequestAct):
        # Of two boxes the newer is in front; and what is met once one has gone is whoever was behind it.
        front = isinstance(deed.act, MiddleAct) and not isinstance(deed.act, Clears) and deed.undoes is None
        return (not front or other.index > deed.index) and _answers(act, miss)
    if isinstance(act, _RETURNS):  # what lingers on a lost path stays when the path is back
        return isinstance(deed.act, Loses) and miss.symptom == "quiet" and other.index > deed.index
    match miss.symptom:
        case "ended":
            ends = isinstance(act, Cuts | Loses | GoesOffline | Suspends | Drains | Restarts | KillsIdle)
            return ends or _word(act, *STRIKES)
        case "quiet":
            quiet = _word(act, Reach.STALLED, Reach.SILENT, Reach.UNREACHABLE)
            return quiet or isinstance(act, _SLEEPERS)
        case "refused":
            return _word(act, *STRIKES, Reach.REFUSED)
        case "late" | "whole":
            slower = isinstance(act, SetShape | Adjusts) and other.index > deed.index  # older ones are in the promise
            delays = slower or isinstance(act, _SLEEPERS)
            return _word(act, Reach.STALLED) or (delays and miss.symptom == "late")
        case "soon":
            return isinstance(act, SetShape) and other.index > deed.index
        case _:  # the first part of an event that is cut passes
            return miss.stream and isinstance(act, Cuts)


def _answers(act: Act, miss: Miss) -> bool:
    """Whether a box does this to requests, or to streams."""
    if isinstance(act, _RequestAct):
        return miss.symptom in {"otherwise", "late", "soon", "whole"}
    return miss.stream and miss.symptom in {"ended", "quiet", "otherwise"}


def _kills_silently(act: Act) -> bool:
    return isinstance(act, KillsIdle) and act.how == "silently"


def _word(act: Act, *words: Reach) -> bool:
    return isinstance(act, SetReach) and act.word in words
