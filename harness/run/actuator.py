"""The actuator: it carries out each act of a plan at the gates, the proxies, the middle, the server or its jobs."""

import errno
from collections.abc import Iterable, Mapping
from typing import assert_never

import msgspec
import trio

from harness.clock import sleep_until
from harness.deeds.acts import (
    Adjusts,
    ComesOnline,
    Cuts,
    Deed,
    DeviceAct,
    GoesOffline,
    JobAct,
    Joins,
    Loses,
    MiddleAct,
    Orphans,
    Prefers,
    Recovers,
    ServerAct,
    SetReach,
    SetShape,
    Suspends,
)
from harness.deeds.catalogue import Executor, row_of
from harness.deeds.replacement import directions, takes_back
from harness.errors import EnvironmentFault
from harness.jobserver.server import JobServer
from harness.middle.middle import Middle
from harness.network.gate import Gate
from harness.scenario.deed_text import deed_text
from harness.scenario.model import Plan, RateStep
from harness.toxics.shape import Shape
from harness.toxiproxy.control import Proxies
from harness.vocabulary import Direction

STEP = 0.25  # seconds between the steps of a change `over DUR`
Readback = Mapping[str, str]
GateAct = SetReach | Cuts | DeviceAct
"""The acts that each gate carries out itself."""


class ShapeRamp:
    """The change from one shape to another in so many ``steps`` of ``STEP`` seconds; one step where it is at once.

    Delays go up linearly, rates by equal factors (a rate is felt as a ratio); a rate that was or becomes unlimited
    changes at the last step, and slices are as they become from the first.
    """

    def __init__(self, before: Shape, after: Shape, over: float = 0.0) -> None:
        self.before = before
        self.after = after
        self.planned = after  # ``after``, as no stepped rate has changed it
        self.steps = max(1, round(over / STEP))
        self.done = 0

    @property
    def under_way(self) -> bool:
        """True if steps are left."""
        return self.done < self.steps

    @property
    def now(self) -> Shape:
        """The shape of the steps that are done; the last one is ``after``."""
        if not self.under_way:
            return self.after
        return _between(self.before, self.after, self.done / self.steps) if self.done else self.before


class ShapedDirection:
    """One direction of a path: its profile, or the change to it that is under way, and what adjusts that."""

    def __init__(self, shape: Shape) -> None:
        self.ramp = ShapeRamp(shape, shape)
        self.ramp.done = 1  # it is there already
        self._adjusts: dict[type, Adjusts] = {}

    @property
    def shape(self) -> Shape:
        """The path's present shape."""
        acts = self._adjusts.values()
        return _adjusted(self.ramp.now, (act.alone() for act in acts) if self.ramp.under_way else acts)

    def change(self, shape: Shape, over: float) -> None:
        """Begin to become this, from what is there; nothing adjusts it any more."""
        self.ramp = ShapeRamp(self.shape, shape, over)
        self._adjusts = {}
        self.ramp.done = 1

    def adjust(self, act: Adjusts) -> None:
        """Adjust what is there, and where the change under way leads to."""
        self._adjusts[type(act)] = act

    def free(self, gone: Adjusts, shape: Shape, earlier: Iterable[Adjusts]) -> None:
        """End an adjustment; the change under way leads to ``shape``, adjusted by an earlier act of its kind or not."""
        left = {kind: act for kind, act in self._adjusts.items() if kind is not type(gone)}
        for before in ((), *((act,) for act in earlier if type(act) is type(gone))):
            self._adjusts = left | {type(act): act for act in before}
            if _adjusted(self.ramp.planned, self._adjusts.values()) == shape:
                return

    def step(self, step: RateStep) -> None:
        """Take a stepped profile's next rate, to which limits have been applied."""
        self._adjusts = {kind: act.alone() for kind, act in self._adjusts.items()}
        for shape in ("before", "after"):
            setattr(self.ramp, shape, msgspec.structs.replace(getattr(self.ramp, shape), down=step.down, up=step.up))


class Actuator:
    """Carries out acts. What is one thing for all clients is done once; a gate's acts are done at each gate."""

    def __init__(
        self,
        plan: Plan,
        *,
        gates: Mapping[str, Gate],
        toxiproxy: Proxies,
        middle: Middle,
        server: JobServer,
    ) -> None:
        self.gates = gates
        self.toxiproxy = toxiproxy
        self._middle = middle
        self._server = server
        self._plan = plan
        self._lines = {
            (path, way): ShapedDirection(spec.shape) for path, spec in plan.paths.items() for way in Direction
        }

    async def at_gate(self, gate: Gate, deed: Deed) -> Readback:
        """Carry out a deed of a path's reach or of the device at one gate, and read the state back.

        Raises ``EnvironmentFault`` where this machine cannot do it.
        """
        return await act_on(gate, deed)

    async def once(self, deed: Deed, later: trio.Nursery) -> Readback:
        """Carry out a deed that is the same for all clients. Steps of a change over time go on in ``later``."""
        undone = deed.undoes if takes_back(deed) else None
        match row_of(deed.act).executor:
            case Executor.PROXY:
                return await self._reshape(deed, later)
            case Executor.MIDDLE:
                return self._at_middle(deed) if undone is None else self._middle.undo(undone)
            case Executor.GATES:
                assert isinstance(deed.act, Orphans)
                return await self._bury(deed.act.after if undone is None else None)
            case Executor.SERVER:
                return await self._at_server(deed) if undone is None else await self._server.undo(undone)
            case Executor.JOB:
                assert isinstance(deed.act, JobAct)
                return await self._server.job_do(deed.act)
            case Executor.GATE:
                raise AssertionError(f"each gate's own: {deed.act!r}")
            case other:
                assert_never(other)

    def _at_middle(self, deed: Deed) -> Readback:
        assert isinstance(deed.act, MiddleAct)
        return self._middle.do(deed.index, deed.act, deed.on, actor=deed.actor)

    async def _at_server(self, deed: Deed) -> Readback:
        assert isinstance(deed.act, ServerAct)
        if isinstance(deed.act, Recovers):
            self._middle.clear(actor="server")  # what it answered was answered in its place
        return await self._server.do(deed.index, deed.act)

    async def _bury(self, after: float | None) -> Readback:
        """Return after how long each gate closes what is dead, where they agree, and how many were dead by now."""
        told = [await gate.orphans(after) for gate in self.gates.values()]
        said = dict.fromkeys(one["after"] for one in told)
        return {"after": " or ".join(said), "dead": str(sum(int(one["dead"]) for one in told))}

    async def step(self, step: RateStep) -> Readback:
        """Give a stepped profile its next rate, and read the toxics back."""
        lines = {way: self._lines[step.path, way] for way in Direction}
        for line in lines.values():
            line.step(step)
        return await self._give(step.path, lines)

    async def _reshape(self, deed: Deed, later: trio.Nursery) -> Readback:
        path, act = deed.actor, deed.act
        assert isinstance(act, SetShape | Adjusts)
        lines = {way: self._lines[path, way] for way in Direction if way in directions(act)}
        gone = None if deed.undoes is None else self._plan.deeds[deed.undoes].act
        changed: dict[Direction, ShapeRamp] = {}
        if isinstance(act, SetShape):
            for gate in self.gates.values():
                gate.set_radio(path, act.radio)
        for way, line in lines.items():
            if isinstance(act, Adjusts):
                line.adjust(act)
            elif isinstance(gone, Adjusts) and line.ramp.under_way:
                told = reversed(self._plan.deeds[: deed.undoes])
                earlier = (one.act for one in told if one.actor == path and isinstance(one.act, Adjusts))
                line.free(gone, act.shape, earlier)
            else:
                line.change(act.shape, act.over)
                changed[way] = line.ramp
        readback = await self._give(path, lines)
        if any(ramp.under_way for ramp in changed.values()):
            later.start_soon(self._climb, path, changed, trio.current_time())
        return {"path": path, **readback}

    async def _climb(self, path: str, ramps: Mapping[Direction, ShapeRamp], began: float) -> None:
        """Go on with a change over time, where no later deed has taken its place. Each step is made when it is due."""
        for number in range(1, max(ramp.steps for ramp in ramps.values())):
            await sleep_until(began + number * STEP)
            mine = {way: self._lines[path, way] for way, ramp in ramps.items() if self._lines[path, way].ramp is ramp}
            if not mine:
                return
            for line in mine.values():
                line.ramp.done += 1
            await self._give(path, mine)

    async def _give(self, path: str, lines: Mapping[Direction, ShapedDirection]) -> Readback:
        """Give these directions of a path their shapes, with one call where both have the same."""
        shapes = {way: line.shape for way, line in lines.items()}
        if len(shapes) == len(Direction) and len(set(shapes.values())) == 1:
            return await self.toxiproxy.shape(path, next(iter(shapes.values())))
        readback: Readback = {}
        for way, shape in shapes.items():
            readback = await self.toxiproxy.shape(path, shape, way)
        return readback


def of_gates(deed: Deed) -> bool:
    """Return whether a deed is each gate's own: a path's reach, a cut, the device."""
    return row_of(deed.act).executor is Executor.GATE


async def act_on(gate: Gate, deed: Deed) -> Readback:
    """Carry out a deed of a path's reach or of the device at one gate, and read the state back.

    Raises ``EnvironmentFault`` where this machine cannot do it.
    """
    act = deed.act
    assert isinstance(act, GateAct)
    try:
        match act:
            case SetReach(word=word, direction=direction, once=once):
                readback = await gate.reach(deed.actor, word, direction=direction, once=once)
            case Cuts(how=how, mid=mid):
                readback = await gate.cut(deed.actor, how, mid)
            case Joins(path=path):
                readback = await gate.joins(path)
            case Prefers(path=path):
                readback = await gate.prefers(path)
            case Loses(path=path):
                readback = await gate.loses(path)
            case GoesOffline():
                readback = await gate.goes_offline()
            case ComesOnline():
                readback = await gate.comes_online()
            case Suspends(lasts=lasts, silently=silently):
                readback = await gate.suspend(lasts, silently=silently)
            case other:
                assert_never(other)
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, "")
        raise EnvironmentFault(f"{deed_text(deed)}: this machine refused it: {error} {name}".strip()) from error
    return readback


def _adjusted(shape: Shape, acts: Iterable[Adjusts]) -> Shape:
    for act in acts:
        shape = act.upon(shape)
    return shape


def _between(before: Shape, after: Shape, share: float) -> Shape:
    def line(a: float, b: float) -> float:
        return a + (b - a) * share

    def curve(a: float | None, b: float | None) -> float | None:
        return a if a is None or b is None or not a or not b else a * (b / a) ** share

    return Shape(
        latency=line(before.latency, after.latency),
        jitter=line(before.jitter, after.jitter),
        down=curve(before.down, after.down),
        up=curve(before.up, after.up),
        slice_size=after.slice_size,
    )
