"""The hands: how each act of a plan is carried out, at the gates, the proxies, the middle, the server or its jobs."""

import errno
from collections.abc import Mapping
from functools import partial

import msgspec
import trio

from harness.clock import sleep_until
from harness.errors import EnvironmentFault
from harness.jobserver.server import JobServer
from harness.middle.middle import Middle
from harness.network.gate import Gate
from harness.scenario.deed_text import deed_text
from harness.scenario.model import (
    Answers,
    Buffers,
    Bursts,
    Clears,
    ComesOnline,
    Cuts,
    Deed,
    Ends,
    GoesOffline,
    Joins,
    KillsIdle,
    Loses,
    MutesStreams,
    Orphans,
    Pauses,
    Plan,
    Prefers,
    Recovers,
    ResetsStreams,
    Resumes,
    ServerAct,
    SetReach,
    SetShape,
    SetSlice,
    ShowsPortal,
    Step,
    Suspends,
)
from harness.toxics.shape import Shape
from harness.toxiproxy.control import Proxies
from harness.vocabulary import Direction

STEP = 0.25  # seconds between the steps of a change `over DUR`
Readback = Mapping[str, str]


class Hands:
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
        self._toxiproxy = toxiproxy
        self._middle = middle
        self._server = server
        self._shapes = {path: spec.shape for path, spec in plan.paths.items()}

    async def at_gate(self, gate: Gate, deed: Deed) -> Readback:
        """Carry out a deed of a path's reach or of the device at one gate, and read the state back.

        Raises ``EnvironmentFault`` where this machine cannot do it.
        """
        return await act_on(gate, deed)

    async def once(self, deed: Deed, later: trio.Nursery) -> Readback:
        """Carry out a deed that is the same for all clients. Steps of a change over time go on in ``later``."""
        if deed.undoes is not None and deed.actor in {"middle", "server"}:
            return await self._undo(deed)
        match deed.act:
            case SetShape() | SetSlice():
                return await self._reshape(deed, later)
            case Answers() | ShowsPortal() | MutesStreams() | ResetsStreams() | Buffers() | KillsIdle() | Clears():
                return self._middle.do(deed.index, deed.act, deed.on, actor=deed.actor)
            case Pauses() | Resumes() | Bursts() | Ends():
                return await self._server.job_do(deed.act)
            case Orphans(after=after):
                return await self._bury(after)
            case Recovers():
                self._middle.clear(actor="server")  # what it answered was answered in its place
        assert isinstance(deed.act, ServerAct)
        return await self._server.do(deed.index, deed.act)

    async def _undo(self, deed: Deed) -> Readback:
        assert deed.undoes is not None
        if deed.actor == "middle" or isinstance(deed.act, Answers):
            return self._middle.undo(deed.undoes)
        if isinstance(deed.act, Orphans):
            return await self._bury(None)
        return await self._server.undo(deed.undoes)

    async def _bury(self, after: float | None) -> Readback:
        for gate in self.gates.values():
            await gate.orphans(after)
        return {"orphans": "left alone" if after is None else f"closed after {after:g} s"}

    async def step(self, step: Step) -> None:
        """Give a stepped profile its next rate."""
        shape = msgspec.structs.replace(self._shapes[step.path], down=step.down, up=step.up)
        self._shapes[step.path] = shape
        await self._toxiproxy.shape(step.path, shape)

    async def _reshape(self, deed: Deed, later: trio.Nursery) -> Readback:
        path, act = deed.actor, deed.act
        before = self._shapes[path]
        if isinstance(act, SetSlice):
            steps, direction = [msgspec.structs.replace(before, slice_size=act.size)], None
        else:
            assert isinstance(act, SetShape)
            steps, direction = ramp(before, act.shape, act.over), act.direction
            for gate in self.gates.values():
                gate.set_radio(path, act.radio)
        self._shapes[path] = steps[-1]
        readback = await self._toxiproxy.shape(path, steps[0], direction)
        if len(steps) > 1:
            later.start_soon(partial(self._climb, path, steps[1:], trio.current_time(), direction))
        return readback

    async def _climb(self, path: str, steps: list[Shape], began: float, direction: Direction | None) -> None:
        for number, shape in enumerate(steps, 1):
            await sleep_until(began + number * STEP)
            await self._toxiproxy.shape(path, shape, direction)


def of_gates(deed: Deed) -> bool:
    """Whether a deed is each gate's own: a path's reach, a cut, the device."""
    return isinstance(deed.act, SetReach | Cuts | Joins | Prefers | Loses | GoesOffline | ComesOnline | Suspends)


async def act_on(gate: Gate, deed: Deed) -> Readback:
    """Carry out a deed of a path's reach or of the device at one gate, and read the state back.

    Raises ``EnvironmentFault`` where this machine cannot do it.
    """
    readback: Readback = {}
    try:
        match deed.act:
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
            case Suspends(lasts=lasts):
                readback = await gate.suspend(lasts)
            case _:
                raise AssertionError(deed.act)
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, "")
        raise EnvironmentFault(f"{deed_text(deed)}: this machine refused it: {error} {name}".strip()) from error
    return readback


def ramp(before: Shape, after: Shape, over: float) -> list[Shape]:
    """The shapes from ``before`` to ``after`` in steps of ``STEP`` seconds; ``after`` alone when at once.

    Delays go up linearly, rates by equal factors (a rate is felt as a ratio); a rate that was or becomes unlimited
    changes at the last step.
    """
    count = max(1, round(over / STEP))
    return [_between(before, after, step / count) for step in range(1, count)] + [after]


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
        slice_size=before.slice_size,
    )
