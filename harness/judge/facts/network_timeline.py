"""The timeline of one client's network as it was: folded from the plan's deeds and when each took hold at its gate.

Never from the client's own state, nor by the model that drives the gate. Deeds that were not carried out (yet) count at
their planned time. Weather is no deed: it ends no usable interval.

A path is *usable* for a client while it is the default, its door is open, both directions pass, the middle and the
server pass streams, and the device is awake. What a deed does only later (a cut in the next event, an idle connection
killed, a token that runs out) counts when the records of the middle and the server say that it was done.
"""

import math
from collections.abc import Mapping
from operator import itemgetter

import msgspec

from harness.deeds import acts
from harness.deeds.catalogue import FlowEnding, Mood, effect_of
from harness.deeds.network_state import NetworkState
from harness.history import ConnEnd
from harness.judge.case import ClientCase
from harness.judge.facts.deeds import Expired, Happened
from harness.judge.facts.gate_timeline import foreseen
from harness.judge.facts.subscribers import subscriptions
from harness.scenario.model import network_at_start
from harness.toxics.shape import Shape
from harness.vocabulary import Door


class NetworkInterval(msgspec.Struct, frozen=True):
    """A stretch of time, in scenario seconds, in which nothing changed. ``path`` is the default, usable or not.

    ``blocked`` is who stopped streams on a path that was up: device, middle or server; ``mute``: without a word.
    """

    start: float
    end: float
    path: str | None
    usable: bool
    shape: Shape
    loss: float
    blocked: str = ""
    mute: bool = False


_State = tuple[str | None, bool, Shape, float, str, bool]


class StreamCut(msgspec.Struct, frozen=True):
    """A deed ended a live stream of the client: told by FIN, RST or an OS error, or ``silent``."""

    at: float
    path: str
    silent: bool
    deed: int


class DoorStretch(msgspec.Struct, frozen=True):
    """A span without a change, ``since`` to ``until`` (scenario seconds). ``path`` is the default; None: there is none.

    ``doors`` are those of the paths that the device has. ``passes``: a stream that is let in would pass. ``struck`` are
    the paths whose streams are over as it ends.
    """

    since: float
    until: float
    path: str | None
    doors: Mapping[str, Door]
    passes: bool
    asleep: bool
    struck: frozenset[str] = frozenset()

    @property
    def door(self) -> Door | None:
        """The door that a dial meets; None: there is no path for it."""
        return None if self.path is None else self.doors.get(self.path)


class NetworkTimeline:
    """The intervals of one client from 0 s to the horizon, the cuts of its streams, and what a dial would meet.

    ``doors`` are the stretches from 0 s to infinity, in order and without a gap.
    """

    def __init__(self, client: ClientCase) -> None:
        self._client = client
        self._plan = client.case.plan
        self._network = network_at_start(self._plan)
        self._flows = _flows(client)
        self.intervals: list[NetworkInterval] = []
        self.cuts: list[StreamCut] = []
        self.doors: list[DoorStretch] = []
        self._fold()
        self.asleep = _sleeps(self.doors)

    @property
    def horizon(self) -> float:
        """The end of the last interval."""
        return max(self._client.case.horizon, self._client.case.end)

    def at(self, when: float) -> NetworkInterval:
        """Return the interval in force at this time."""
        return next((interval for interval in reversed(self.intervals) if interval.start <= when), self.intervals[0])

    def before(self, when: float) -> NetworkInterval:
        """Return the interval in force until this time."""
        return next((interval for interval in reversed(self.intervals) if interval.start < when), self.intervals[0])

    def usable_stretches(self) -> list[tuple[float, float]]:
        """Return the times in which streams could pass all along, whichever the path."""
        found: list[tuple[float, float]] = []
        for interval in self.intervals:
            if interval.usable and found and found[-1][1] == interval.start:
                found[-1] = (found[-1][0], interval.end)
            elif interval.usable:
                found.append((interval.start, interval.end))
        return found

    def slept(self, start: float, end: float) -> float:
        """Return for how many seconds of this time the device was suspended."""
        return sum(max(0.0, min(end, until) - max(start, since)) for since, until in self.asleep)

    def awake_by(self, start: float, end: float) -> float:
        """Return when what ends by itself at ``end`` is over, if its time stands still while the device sleeps."""
        for since, until in self.asleep:
            if since <= end and until > start:
                end += until - max(since, start)
                start = until
        return end

    def _fold(self) -> None:
        since, case = 0.0, self._client.case
        story: list[tuple[float, Happened | Struck]] = [(one.at, one) for one in foreseen(self._client)]
        story += [(case.at(one.t_ns), one) for one in _strikes(self._client)]
        for at, what in sorted(story, key=itemgetter(0)):
            before = self._state()
            if isinstance(what, Happened):
                self._part(at, _struck(self._network, what))
                live, deed = self._take(what)
            else:
                live, deed = [(what.path, what.silent)], -1
            self.cuts += [StreamCut(at, path, silent, deed) for path, silent in live]
            if (live or self._state() != before) and at > since:
                self.intervals.append(NetworkInterval(since, at, *before))
                since = at
        self.intervals.append(NetworkInterval(since, max(self.horizon, since), *self._state()))
        self._part(math.inf, frozenset())

    def _part(self, at: float, struck: frozenset[str]) -> None:
        """End a stretch, and with it the streams that are struck. Deeds of one instant end the same one."""
        state, since = self._network, self.doors[-1].until if self.doors else 0.0
        if at > since:
            path = state.default
            open_to = {name: state.paths[name].door for name in state.joined}
            passes = path is not None and state.paths[path].up and next(state.barriers(path), None) is None
            self.doors.append(DoorStretch(since, at, path, open_to, passes, state.asleep, struck))
        elif self.doors:
            last = self.doors[-1]
            self.doors[-1] = msgspec.structs.replace(last, struck=last.struck | struck)

    def _take(self, one: Happened) -> tuple[list[tuple[str, bool]], int]:
        """Fold what happened; return the paths whose live streams it ended, and whether silently; and its deed."""
        self._network = one.change.state
        match one.what:
            # what a sleep ends was cut off when it began; a silent death is noticed afterwards
            case Expired(index=index):
                act = self._plan.deeds[index].act
                dead = self._network.paths if isinstance(act, acts.Suspends) and act.silently else ()
                return [(path, True) for path in dead if self._live(path, one.since_ns)], index
            case acts.Deed(index=index):
                pass
            case _:
                index = -1
        ended = {path: ending for path, ending in one.change.ended.items() if self._live(path, one.since_ns)}
        return [(path, ending in {FlowEnding.DROPPED, FlowEnding.DEAD}) for path, ending in ended.items()], index

    def _state(self) -> _State:
        network, name = self._network, self._network.default
        if name is None:
            return None, False, Shape(), 0.0, "", False
        path = network.paths[name]
        barrier = next(network.barriers(name), None)
        if not path.up or barrier is None:
            return name, path.up, path.shape, path.loss, "", False
        return name, False, path.shape, path.loss, barrier.actor, barrier.mood is Mood.MUTE

    def _live(self, path: str, at_ns: int) -> bool:
        # In virtual time what a deed ends has ended at its very stamp.
        return any(name == path and begun <= at_ns <= ended for name, begun, ended in self._flows)


_STRUCK = ("kill", "cut")
"""The beginnings of the middle's tags that end one connection."""

SILENTLY = "silently"
"""The detail of a kill that neither side is told of."""


class Struck(msgspec.Struct, frozen=True):
    """One live stream of the client was ended at this stamp."""

    t_ns: int
    path: str
    silent: bool


def _strikes(client: ClientCase) -> list[Struck]:
    """Return the ends of live streams that no deed of the plan has at its own time."""
    streams = {request.cid for request in client.streams}
    paths = {conn.cid: conn.path for conn in client.conns if conn.cid in streams}
    found = [
        Struck(boxed.t_ns, paths[boxed.cid], silent=boxed.detail == SILENTLY)
        for boxed in client.boxed
        if boxed.cid in paths and boxed.what.startswith(_STRUCK)
    ]
    for one in subscriptions(client.case):
        mine = one.request is not None and one.request.client == client.name
        if mine and one.closed is not None and one.closed.evidence == "expired" and one.request is not None:
            path = paths.get(one.request.cid)
            if path is not None:
                found.append(Struck(one.closed.t_ns, path, silent=False))
    return found


def _sleeps(doors: list[DoorStretch]) -> list[tuple[float, float]]:
    """Return from when to when the device slept and woke again: of sleeps that overlap one."""
    found: list[tuple[float, float]] = []
    for one in doors:
        if one.asleep and found and found[-1][1] == one.since:
            found[-1] = (found[-1][0], one.until)
        elif one.asleep:
            found.append((one.since, one.until))
    return [sleep for sleep in found if math.isfinite(sleep[1])]


def _struck(before: NetworkState, one: Happened) -> frozenset[str]:
    """Return the paths whose streams are over by what happened: ended by it, or not let pass any longer."""

    def flow(state: NetworkState, path: str) -> bool:
        barriers = (effect_of(each.deed.act).barrier for each in state.barriers(path))
        held_back = any(barrier is not None and barrier.open_too for barrier in barriers)
        return state.paths[path].passes and not state.asleep and not held_back

    after = one.change.state
    return frozenset(one.change.ended) | {path for path in before.paths if flow(before, path) and not flow(after, path)}


def _flows(client: ClientCase) -> list[tuple[str, int, int]]:
    """Path, beginning and end of each connection that carried a stream, as the gate saw them.

    One that asks for a token is on the way to a stream: a client whose token is cut off has as much to do again.
    """
    other = {request.cid for request in client.requests if request.what not in {"stream", "token"}}
    ends: dict[int, ConnEnd] = {}
    for end in client.conn_ends:
        if end.side == "client":
            ends.setdefault(end.cid, end)
    never = client.case.end_ns + 1
    return [
        (conn.path, conn.t_ns, ends[conn.cid].t_ns if conn.cid in ends else never)
        for conn in client.conns
        if conn.cid not in other
    ]
