"""What each actor of a scenario was doing when: the paths, the phone, the boxes in the middle, the server, the job.

Folded from the plan's deeds and when each took hold, never from what the client made of it.
"""

from collections.abc import Mapping

from harness.deeds.acts import (
    Answers,
    Bursts,
    Clears,
    ComesOnline,
    Deed,
    Drains,
    GoesOffline,
    Hangs,
    Joins,
    Loses,
    Pauses,
    Prefers,
    Recovers,
    Repeats,
    Restarts,
    Resumes,
    SetReach,
    SilencesKeepalive,
    Suspends,
)
from harness.judge.verdict import Span
from harness.scenario.deed_text import who, without_end
from harness.scenario.model import Plan

Times = Mapping[int, float]
"""When each deed took hold, by its index: scenario seconds."""

_LASTING = Drains | Hangs | Answers | Repeats | SilencesKeepalive
"""What the server is told once and goes on doing."""

_WORDS = 40


def path_spans(plan: Plan, times: Times, end: float) -> dict[str, list[Span]]:
    """Return each path's states one after another. A path the device has not joined has an empty label."""
    joined = {deed.act.path for deed in plan.deeds if isinstance(deed.act, Joins)}
    # Paths the timeline joins later are not the device's yet; all others it has from the start.
    had = {name for name in plan.paths if name == plan.device.starts_on or name not in joined}
    words = {name: str(path.start) for name, path in plan.paths.items()}
    changes = {name: [(0.0, words[name] if name in had else "")] for name in plan.paths}
    left: set[str] = set()
    for deed in in_order(plan, times):
        match deed.act:
            case SetReach(word=word, once=False) if deed.actor in words:
                words[deed.actor] = str(word)
            case Joins(path=path) | Prefers(path=path):
                had.add(path)
            case Loses(path=path):
                had.discard(path)
            case GoesOffline():
                left, had = set(had), set()
            case ComesOnline():
                had |= left
        for name, said in changes.items():
            said.append((times[deed.index], words[name] if name in had else ""))
    return {name: merged(said, end) for name, said in changes.items()}


def other_spans(plan: Plan, times: Times, end: float) -> dict[str, list[Span]]:
    """Return what the phone, the boxes, the server and the job were told to do, by actor; only those that were."""
    found = {
        "device": _asleep(plan, times),
        **_middles(plan, times, end),
        "server": _server(plan, times, end),
        "job": _job(plan, times, end),
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


def _asleep(plan: Plan, times: Times) -> list[Span]:
    return [
        Span(start=times[deed.index], end=times[deed.index] + deed.act.lasts, label="suspended")
        for deed in plan.deeds
        if isinstance(deed.act, Suspends)
    ]


def _middles(plan: Plan, times: Times, end: float) -> dict[str, list[Span]]:
    """Return a lane for each place a box stands at: every path's way, or one path's."""
    places = dict.fromkeys(who(deed) for deed in plan.deeds if deed.actor.startswith("middle"))
    found = {}
    for place in places:
        forced: dict[int, Deed] = {}
        changes = [(0.0, "")]
        for deed in in_order(plan, times):
            if not deed.actor.startswith("middle"):
                continue
            if isinstance(deed.act, Clears) and not deed.on:
                forced.clear()
            elif who(deed) == place:
                _put(forced, deed)
            changes.append((times[deed.index], _said(forced)))
        found[place] = [span for span in merged(changes, end) if span.label]
    return found


def _server(plan: Plan, times: Times, end: float) -> list[Span]:
    """Return what the server was told and did: a restart's window first, since it ends whatever else there was."""
    forced: dict[int, Deed] = {}
    changes = [(0.0, "")]
    for deed in in_order(plan, times):
        if deed.actor.startswith("server"):
            at = times[deed.index]
            if isinstance(deed.act, Restarts):
                forced.clear()
                kept = "keeps its log" if deed.act.keeps_log else "loses its log"
                changes += [(at, f"restarts, {kept}"), (at + max(deed.act.after, 0.0), "")]
                continue
            if isinstance(deed.act, Recovers):
                forced.clear()
            elif isinstance(deed.act, _LASTING):
                _put(forced, deed)
            changes.append((at, _said(forced)))
    return [span for span in merged(sorted(changes, key=lambda change: change[0]), end) if span.label]


def _job(plan: Plan, times: Times, end: float) -> list[Span]:
    spans: list[Span] = []
    paused: float | None = None
    for deed in in_order(plan, times):
        at = times[deed.index]
        match deed.act:
            case Bursts(rate=rate, lasts=lasts):
                spans.append(Span(start=at, end=at + lasts, label=f"bursts, {rate:g}/s"))
            case Pauses() if deed.undoes is None:
                paused = at if paused is None else paused
            case Resumes() | Pauses() if paused is not None:
                spans.append(Span(start=paused, end=at, label="paused"))
                paused = None
    if paused is not None:
        spans.append(Span(start=paused, end=max(end, paused), label="paused"))
    return sorted(spans, key=lambda span: span.start)


def _put(forced: dict[int, Deed], deed: Deed) -> None:
    """Take a deed into force, or what it undoes out of it. A second one of a kind replaces the first."""
    if deed.undoes is not None:
        forced.pop(deed.undoes, None)
        return
    if isinstance(deed.act, Clears):
        forced.clear()
        return
    for index in [index for index, other in forced.items() if _kind(other) == _kind(deed)]:
        del forced[index]
    forced[deed.index] = deed


def _kind(deed: Deed) -> tuple[str, str]:
    return type(deed.act).__name__, deed.act.to if isinstance(deed.act, Answers) else ""


def _said(forced: Mapping[int, Deed]) -> str:
    return " + ".join(without_end(deed.text) for deed in forced.values())[:_WORDS]
