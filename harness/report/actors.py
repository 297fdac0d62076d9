"""The states of each actor of a scenario over time: the paths, the phone, the boxes in the middle, the server, the job.

Folded from the plan's deeds and when each took hold, never from what the client made of it.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from harness.deeds.acts import Bursts, Clears, Deed, Pauses, Restarts, SetReach, Suspends
from harness.deeds.network_state import (
    DEVICE,
    JOB,
    MIDDLE,
    SERVER,
    Fold,
    NetworkState,
    Passage,
    PathState,
    StandingDeed,
)
from harness.device.words import Reach
from harness.judge.verdict import Span
from harness.scenario.deed_text import who, without_end
from harness.scenario.model import Plan, network_at_start
from harness.vocabulary import Direction

Times = Mapping[int, float]
"""When each deed took hold, by its index: scenario seconds."""

_WORDS = 40
_PASSAGES = {Passage.HOLD: Reach.STALLED, Passage.DROP: Reach.SILENT}


def path_spans(plan: Plan, times: Times, end: float) -> dict[str, list[Span]]:
    """Return each path's states one after another. A path the device has not joined has an empty label."""
    states = list(_states(plan, times))
    return {
        name: merged([(at, _word(one.paths[name]) if name in one.joined else "") for at, one in states], end)
        for name in plan.paths
    }


def other_spans(plan: Plan, times: Times, end: float) -> dict[str, list[Span]]:
    """Return what the phone, the boxes, the server and the job were told to do, by actor; only those that were."""
    states = list(_states(plan, times))
    places = dict.fromkeys([DEVICE, *(who(deed) for deed in plan.deeds if deed.actor == MIDDLE), SERVER, JOB])
    found = {
        place: [span for span in merged([(at, _said(one.standing, place)) for at, one in states], end) if span.label]
        for place in places
    }
    return {name: [span for span in spans if span.start < end] for name, spans in found.items() if spans}


def told_by_lane(deed: Deed, times: Times, others: Mapping[str, list[Span]]) -> bool:
    """Does a lane say this deed, so that it needs no words of its own above them?

    A path's lane says that a state of it is over, and a band of ``others`` whatever it begins or ends with.
    """
    if isinstance(deed.act, SetReach):
        return deed.undoes is not None
    at, lane = times[deed.index], who(deed) if deed.actor.startswith("middle") else deed.actor.split()[0]
    clears = isinstance(deed.act, Clears) and not deed.on  # of every place a box stands at
    spans = [span for name, found in others.items() if name == lane or clears for span in found]
    return any(at in (span.start, span.end) for span in spans)


def in_order(plan: Plan, times: Times) -> list[Deed]:
    """Return the deeds in the order in which they took hold."""
    return sorted(plan.deeds, key=lambda deed: (times[deed.index], deed.index))


def merged(changes: list[tuple[float, str]], end: float) -> list[Span]:
    """Return changes of a word as spans up to ``end``; neighbours that say the same are one."""
    spans: list[Span] = []
    for place, (at, word) in enumerate(changes):
        until = changes[place + 1][0] if place + 1 < len(changes) else end
        if spans and spans[-1].label == word:
            spans[-1] = Span(start=spans[-1].start, end=until, label=word)
        elif until > at:
            spans.append(Span(start=at, end=until, label=word))
    return spans


def _states(plan: Plan, times: Times) -> Iterator[tuple[float, NetworkState]]:
    """Yield the network from 0 s on, at each deed and where a deed's own time is over."""
    fold = Fold(network_at_start(plan))
    yield 0.0, fold.state
    for deed in in_order(plan, times):
        yield from ((passed.at, passed.change.state) for passed in fold.pass_to(times[deed.index]))
        fold.do(deed, times[deed.index])
        yield times[deed.index], fold.state
    yield from ((passed.at, passed.change.state) for passed in fold.pass_to(math.inf))


def _word(path: PathState) -> str:
    """Return a path's state: its word, or what a direction is where both are not the same."""
    if path.word not in {Reach.UP, *_PASSAGES.values()} or len(set(path.passages.values())) == 1:
        return str(path.word)
    held = [(way, _PASSAGES[path.passages[way]]) for way in Direction if path.passages[way] is not Passage.PASS]
    return ", ".join(f"{word} {way}" for way, word in held)


def _said(standing: Iterable[StandingDeed], place: str) -> str:
    """Return what a place does: the device, the server, the job, or the boxes of every path's way or of one path's."""
    return " + ".join(_phrase(one.deed) for one in standing if who(one.deed) == place)[:_WORDS]


_PHRASES: Mapping[type, Callable[[Any], str]] = {
    Suspends: lambda _: "suspended",
    Restarts: lambda act: f"restarts, {'keeps' if act.keeps_log else 'loses'} its log",
    Pauses: lambda _: "paused",
    Bursts: lambda act: f"bursts, {act.rate:g}/s",
}
"""A lane's words for an act, where they are not the scenario's."""


def _phrase(deed: Deed) -> str:
    phrase = _PHRASES.get(type(deed.act))
    return without_end(deed.text) if phrase is None else phrase(deed.act)
