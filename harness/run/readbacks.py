"""Readbacks: the state that a deed's executor shows afterwards, held against the plan.

For most deeds that is what there is where no flow of the harness can meet them. Each act has a predicate, and none has
a default: an executor that shows nothing has done nothing.
"""

from collections.abc import Callable, Mapping

from harness.deeds.acts import (
    Bursts,
    ComesOnline,
    Cuts,
    Drains,
    Ends,
    GoesOffline,
    Hangs,
    Joins,
    Limits,
    Loses,
    MiddleAct,
    Orphans,
    Pauses,
    Prefers,
    Recovers,
    Repeats,
    Restarts,
    Resumes,
    RevokesToken,
    SendsRetry,
    SetReach,
    SetShape,
    SetSlice,
    SilencesKeepalive,
    Suspends,
)
from harness.deeds.network_state import StandingDeed
from harness.deeds.replacement import takes_back
from harness.middle.acts_in_force import ActInForce, tell
from harness.run.expected import DeedStep
from harness.toxics.shape import Shape, toxics_of
from harness.toxiproxy.state import ToxicState
from harness.vocabulary import Direction, Door

Shown = Mapping[str, str]
Wanted = Mapping[str, str]
"""The values that must be shown, by key."""


def contradiction(step: DeedStep, shown: Shown, *, stepped: bool = False) -> str:
    """Say what is not shown as it must be once a deed is done; empty where all is.

    ``stepped``: the weather changes the path's rates, which are not held against anything then.
    """
    wanted = {key: words for key, words in WANTED[type(step.deed.act)](step).items() if not (stepped and _rate(key))}
    wrong = {key: words for key, words in wanted.items() if not _as_wanted(shown.get(key, ""), words)}
    if not wrong:
        return ""
    told = ", ".join(f"{key}: {shown.get(key, 'nothing')} (not {words})" for key, words in wrong.items())
    return f"read back {told}" if shown else "read back nothing"


ANY = "any"
"""Stands for any number: all that were there have been told. Where there were none, ``nothing_for`` says so."""

_NOBODY = {
    "streams told": "no stream was live",
    "revoked": "no token was good",
    "jobs told": "no job was under way",
    "dead": "no connection was dead",
}


def _as_wanted(found: str, wanted: str) -> bool:
    return found.isdecimal() if wanted == ANY else found == wanted


def nothing_for(step: DeedStep, shown: Shown) -> str:
    """Say why there was nothing that a deed could be done to, as its executor shows; empty where there was."""
    if isinstance(step.deed.act, Resumes) and not step.before.paused:
        return "no job stood still"
    wanted = WANTED[type(step.deed.act)](step)
    return next((why for key, why in _NOBODY.items() if key in wanted and shown.get(key) == "0"), "")


def _rate(key: str) -> bool:
    return key.startswith("bandwidth")


def _reach(step: DeedStep) -> Wanted:
    path = step.after.paths[step.deed.actor]
    # What the weather holds back meanwhile is shown too, so of the downstream only what it cannot do.
    down = step.after.passage(step.deed.actor, Direction.DOWNSTREAM)
    shown = {"word": path.word, "upstream": path.passages[Direction.UPSTREAM], "door": path.door}
    return shown if down == "pass" else {**shown, "downstream": down}


def _toxics(step: DeedStep) -> Wanted:
    """Return all toxics of a path, but of a direction whose shape changes step by step."""
    path, at = step.after.paths[step.deed.actor], step.deed.at
    settled = {way: shape for way, shape in path.shapes.items() if path.settled.get(way, at) <= at}
    return {"path": step.deed.actor, **toxics_shown(settled)}


def toxics_shown(shapes: Mapping[Direction, Shape]) -> Wanted:
    """Return what a proxy shows of the toxics that make these shapes."""
    return {spec.name: ToxicState.of(spec).words for way, shape in shapes.items() for spec in toxics_of(shape, way)}


def lines_first(shown: Shown) -> frozenset[Direction]:
    """Return the directions in which a proxy shows the toxic of the rate before that of the latency."""
    order = {name: place for place, name in enumerate(shown)}
    places = {way: (order.get(f"bandwidth_{way}"), order.get(f"latency_{way}")) for way in Direction}
    return frozenset(
        way for way, (line, delay) in places.items() if line is not None and delay is not None and line < delay
    )


def _device(step: DeedStep) -> Wanted:
    network = step.after
    return {"default": network.default or "none", "joined": " ".join(network.joined) or "none"}


def _boxes(step: DeedStep) -> Wanted:
    return {"in force": ", ".join(_told(one) for one in step.after.standing if _at_boxes(one)) or "nothing"}


def _at_boxes(one: StandingDeed) -> bool:
    return isinstance(one.deed.act, MiddleAct)


def _told(one: StandingDeed) -> str:
    deed = one.deed
    assert isinstance(deed.act, MiddleAct)
    words = tell(ActInForce(index=deed.index, act=deed.act, on=deed.on, actor=deed.actor))
    return words + "".join(f" but {path}" for path in sorted(one.lifted))


def _server(step: DeedStep) -> Wanted:
    standing = [one.deed.act for one in step.after.standing if one.actor == "server"]
    away = any(isinstance(act, Drains) or (isinstance(act, Restarts) and act.after) for act in standing)
    opening = step.opening and not away
    return {
        **({} if opening else {"door": Door.REFUSE if away else Door.OPEN}),
        "hangs": "yes" if any(isinstance(act, Hangs) for act in standing) else "no",
        "repeats": str(max((act.count for act in standing if isinstance(act, Repeats)), default=0)),
        "keep-alive": "no" if any(isinstance(act, SilencesKeepalive) for act in standing) else "yes",
    }


def _orphans(step: DeedStep) -> Wanted:
    act = step.deed.act
    assert isinstance(act, Orphans)
    return {"after": "never" if takes_back(step.deed) else f"{act.after:g}s", "dead": ANY}


def _also(key: str) -> Callable[[DeedStep], Wanted]:
    return lambda step: {**_server(step), key: ANY}


def _jobs(_: DeedStep) -> Wanted:
    return {"jobs told": ANY}


WANTED: Mapping[type, Callable[[DeedStep], Wanted]] = {
    SetReach: _reach,
    Cuts: lambda step: {"path": step.deed.actor},
    SetShape: _toxics,
    SetSlice: _toxics,
    Limits: _toxics,
    Joins: _device,
    Prefers: _device,
    Loses: _device,
    GoesOffline: _device,
    ComesOnline: _device,
    Suspends: lambda step: {**_device(step), "suspended": "yes"},
    **dict.fromkeys(MiddleAct.__args__, _boxes),
    Restarts: _server,
    Drains: _server,
    Hangs: _server,
    Recovers: _server,
    Repeats: _server,
    SilencesKeepalive: _server,
    Orphans: _orphans,
    SendsRetry: _also("streams told"),
    RevokesToken: _also("revoked"),
    Pauses: _jobs,
    Resumes: _jobs,
    Bursts: _jobs,
    Ends: _jobs,
}
"""The state that must be shown once an act is done, or taken back."""
