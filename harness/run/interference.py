"""Interference: a deed is hidden from its canary by other deeds that are in force on the same way, as the plan has it.

A flow to a server that is down proves nothing of the path it took, and one that was cut cannot be cut again. Such a
proof is undecided, and says by whose doing. Only what can have done just what was seen excuses a proof: no server that
drains lets a dial in where it must hang. What a deed replaces or takes back excuses nothing, since that is what is seen
where the deed was not carried out; but what a strike has ended stays ended.
"""

from collections.abc import Collection
from typing import Literal

import msgspec

from harness.deeds.acts import Deed
from harness.deeds.catalogue import (
    Effect,
    Executor,
    FlowEnding,
    ProofKind,
    Severs,
    Symptom,
    When,
    effect_of,
    path_of,
    row_of,
)
from harness.deeds.network_state import after
from harness.deeds.replacement import directions, replaced, takes_back, takes_the_place_of
from harness.scenario.deed_text import deed_text
from harness.scenario.model import Plan, RateStep, StallPulse, network_at_start

LEAD = 0.6
"""Seconds before a deed from which on its canary opens the flows that it holds."""

FIRST = "the next deed came first"

Way = Literal["canary", "read back", "nothing to do", "undecided"]
"""The proof of a deed: a flow of the harness met it, its executor shows it, there was nothing for it to act on, or
undecided."""


_SILENCED = Severs(FlowEnding.DROPPED, When.IDLE)


class Mismatch(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was met instead of what was promised. ``held``: by a connection opened before the deed."""

    path: str
    symptom: Symptom
    held: bool = False
    stream: bool = False  # by an event stream


class ProofResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a proof: did a canary meet the deed, and what did it see? ``misses``: seen instead of promised."""

    met: bool
    detail: str
    way: Way = "canary"
    misses: tuple[Mismatch, ...] = ()


def by_reading_back(why: str) -> ProofResult:
    """Return the outcome of a proof for which the canary had nothing to meet."""
    return ProofResult(met=True, detail=f"read back; {why}", way="read back")


def nothing_to_do(why: str) -> ProofResult:
    """Return the outcome of a proof of a deed for which there was nothing."""
    return ProofResult(met=True, detail=f"nothing to do: {why}", way="nothing to do")


def undecided(why: str) -> ProofResult:
    """Return the outcome of a proof that could not say."""
    return ProofResult(met=True, detail=f"undecided: {why}", way="undecided")


def missed(path: str, symptom: Symptom, detail: str, *, held: bool, stream: bool = False) -> ProofResult:
    """Return the outcome of a proof that met one other thing."""
    return ProofResult(
        met=False, detail=detail, misses=(Mismatch(path=path, symptom=symptom, held=held, stream=stream),)
    )


def touches(deed: Deed, paths: Collection[str], *, moves: bool) -> bool:
    """Return whether a deed may change what flows on these paths meet. ``moves``: a change of path counts too."""
    row = row_of(deed.act)
    if row.proof is ProofKind.DEFAULT:
        return moves
    if row.proof is ProofKind.READBACK and row.executor in {Executor.SERVER, Executor.JOB}:
        return False  # no flow through a gate can tell, unless it is a client's
    return path_of(deed) in {"", *paths} or (moves and row.proof is ProofKind.LOSS)


class DeedSpan(msgspec.Struct, frozen=True, kw_only=True):
    """The scenario seconds in which a deed is in force, and the index of the deed that ended it."""

    deed: Deed
    since: float
    until: float
    ended_by: int | None = None

    @property
    def effect(self) -> Effect:
        """The effect of the deed's act."""
        return effect_of(self.deed.act)


class Interference:
    """Knows of each moment which deeds are in force, from the plan alone."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        graces, self._kept = _graces(plan)
        self._spans = [
            _span(place, plan, graces.get(deed.index, 0.0))
            for place, deed in enumerate(plan.deeds)
            if not takes_back(deed)
        ]

    def by(self, deed: Deed, miss: Mismatch, until: float) -> str:
        """Return what else explains this, met for a deed by scenario second ``until``; empty where nothing does."""
        since = deed.at - LEAD if miss.held else deed.at
        spans = (span for span in self._spans if span.since <= until and _explains(span, deed, miss, since))
        hiding = next((span.deed for span in spans), None)
        kept = self._kept.get(deed.index)
        if hiding is None and kept is not None and kept.at <= until and miss.symptom == "quiet":
            hiding = kept
        if hiding is not None:
            return f"{deed_text(hiding, self._plan)} in force"
        return f"{miss.path}'s weather in force" if self._weather(miss, since, until) else ""

    def _weather(self, miss: Mismatch, since: float, until: float) -> bool:
        """Return whether the weather can have done it: a stall is over some time, a rate stays."""
        made = [change for change in self._plan.weather if change.path == miss.path and change.at <= until]
        stalled = any(isinstance(change, StallPulse) and change.at + change.lasts >= since for change in made)
        stepped = any(isinstance(change, RateStep) for change in made)
        return (stalled and miss.symptom in {"quiet", "late", "whole"}) or (stepped and miss.symptom == "late")


def _graces(plan: Plan) -> tuple[dict[int, float], dict[int, Deed]]:
    """Return the grace of each deed that lost a path, and by which other deed what lingered there was kept."""
    network = network_at_start(plan)
    graces: dict[int, float] = {}
    kept: dict[int, Deed] = {}
    pending: dict[int, tuple[Deed, str]] = {}  # by the turn
    for deed in plan.deeds:
        change = after(network, deed, deed.at)
        network = change.state
        for turn, (lost, path) in list(pending.items()):
            if network.lingering.get(path) != turn:
                del pending[turn]
                if path not in change.ended and deed.at <= lost.at + graces[lost.index]:
                    kept[lost.index] = deed
        if change.grace is not None:
            graces[deed.index] = change.grace.seconds
            pending[change.grace.turn] = deed, change.grace.path
    return graces, kept


def _span(place: int, plan: Plan, grace: float) -> DeedSpan:
    deed = plan.deeds[place]
    effect = effect_of(deed.act)
    if effect.mark.struck or effect.seconds is not None:
        seconds = grace if effect.mark.struck else (effect.seconds or 0.0) + effect.armed
        return DeedSpan(deed=deed, since=deed.at, until=deed.at + seconds)
    left = directions(deed.act)
    for later in plan.deeds[place + 1 :]:
        if later.actor == deed.actor in plan.paths:  # each of two words may replace it in one direction
            left -= replaced(later.act, deed.act)
        if not left or takes_the_place_of(later, deed):
            return DeedSpan(deed=deed, since=deed.at, until=later.at, ended_by=later.index)
    return DeedSpan(deed=deed, since=deed.at, until=float("inf"))


def _explains(span: DeedSpan, deed: Deed, miss: Mismatch, since: float) -> bool:
    """Return whether what a deed does was met for another one instead, from then on."""
    other, mark, severs = span.deed, span.effect.mark, span.effect.severs
    if other.index in {deed.index, deed.undoes} or path_of(other) not in {"", miss.path}:
        return False
    symptoms = (
        {miss.symptom, "ended"} if miss.symptom == "told" else {miss.symptom}
    )  # what ends a flow tells its server
    seen = symptoms & mark.flows or (miss.stream and symptoms & mark.streams)
    ended = miss.held and severs is not None and severs.when is When.DONE and severs.how is not FlowEnding.DROPPED
    if not seen or (span.ended_by == deed.index and not ended) or _allowed_for(span, deed):
        return False
    dead = miss.held and miss.symptom == "quiet" and severs == _SILENCED  # for as long as it is held
    return dead or span.until >= since


def _allowed_for(span: DeedSpan, deed: Deed) -> bool:
    """Return whether a deed's proof reckons with an older deed: the promise holds it, or it came before."""
    other, mark = span.deed, span.effect.mark
    put = effect_of(deed.act).seconds is None and not takes_back(deed)  # once that is gone, what is behind is met again
    behind = mark.in_front and put and row_of(other.act).executor is row_of(deed.act).executor
    return other.index < deed.index and (mark.promised or behind)
