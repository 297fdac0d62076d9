"""The nemesis: carries out the plan's deeds at their times, proves each, and makes the weather.

Times are absolute (``zero`` plus the plan's), so nothing drifts. A deed's proof runs beside the timeline: the next
deed never waits for it.
"""

import errno
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
import trio

from harness.errors import EnvironmentFault
from harness.history import Canary as CanaryRecord
from harness.history import Deed as DeedRecord
from harness.history import Journal, Weather
from harness.network.gate import Gate
from harness.run.canary import LEAD, Canary, Outcome
from harness.scenario.model import (
    ComesOnline,
    Deed,
    GoesOffline,
    Joins,
    Loses,
    Plan,
    Prefers,
    Pulse,
    SetReach,
    SetShape,
    SetSlice,
    Step,
)
from harness.toxics.shape import Shape

if TYPE_CHECKING:
    from harness.toxiproxy.control import Toxiproxy

STEP = 0.25  # seconds between the steps of a change `over DUR`


class Nemesis:
    """One run's deeds and weather. ``gates`` and ``canaries`` are by client name."""

    def __init__(
        self,
        plan: Plan,
        *,
        gates: Mapping[str, Gate],
        toxiproxy: "Toxiproxy",
        journal: Journal,
    ) -> None:
        self._plan = plan
        self._gates = gates
        self._toxiproxy = toxiproxy
        self._journal = journal
        self._shapes = {path: spec.shape for path, spec in plan.paths.items()}
        words = {path: spec.start for path, spec in plan.paths.items()}
        self._canaries = {name: Canary(gate, self._shapes, words) for name, gate in gates.items()}

    @property
    def lead(self) -> float:
        """How long before 0 s this must be started, for the flows that the first deed is proved by."""
        first = self._plan.deeds[0].at if self._plan.deeds else LEAD
        return max(0.0, LEAD - first)

    async def run(self, zero: float) -> None:
        """Do every deed, then wait for the last proofs. Cancel it to stop; ``close`` then frees the canaries."""
        async with trio.open_nursery() as proofs:
            proofs.start_soon(self._make_weather, zero)
            for place, deed in enumerate(self._plan.deeds):
                due = zero + deed.at
                if place == 0 or deed.at > self._plan.deeds[place - 1].at:
                    await trio.sleep_until(due - LEAD)
                    for canary in self._canaries.values():
                        proofs.start_soon(canary.prepare, deed.actor)
                await trio.sleep_until(due)
                await self._do(deed, proofs, self._moot_at(place, zero))

    async def close(self) -> None:
        """Free every flow of the canaries."""
        for canary in self._canaries.values():
            await canary.close()

    def _moot_at(self, place: int, zero: float) -> float:
        """When a later deed makes this one's proof moot: -inf where its path takes another word in the same instant."""
        deed = self._plan.deeds[place]
        for later in self._plan.deeds[place + 1 :]:
            if later.at > deed.at:
                return zero + later.at
            if later.actor == deed.actor and isinstance(deed.act, SetReach | SetShape | SetSlice):
                return float("-inf")
        return float("inf")

    async def _do(self, deed: Deed, proofs: trio.Nursery, until: float) -> None:
        if isinstance(deed.act, SetShape | SetSlice):
            readback = await self._reshape(deed, proofs)
            for name, canary in self._canaries.items():
                proofs.start_soon(self._prove, deed, name, canary, readback, until)
            return
        for name, gate in self._gates.items():
            issued = self._journal.stamp()
            readback = dict(await act_on(gate, deed))
            self._record(deed, issued, name, readback)
            proofs.start_soon(self._prove, deed, name, self._canaries[name], readback, until)

    def _record(self, deed: Deed, issued: int, client: str, readback: Mapping[str, str]) -> None:
        self._journal.write(
            DeedRecord(
                deed=deed.index,
                issued_ns=issued,
                returned_ns=self._journal.stamp(),
                client=client,
                readback=dict(readback),
            )
        )

    async def _reshape(self, deed: Deed, proofs: trio.Nursery) -> Mapping[str, str]:
        """Change a path's shape at its proxy; a change ``over`` so long takes its first step now, the rest beside."""
        path, act = deed.actor, deed.act
        assert isinstance(act, SetShape | SetSlice)
        before = self._shapes[path]
        if isinstance(act, SetSlice):
            after = msgspec.structs.replace(before, slice_size=act.size)
            steps, direction = [after], None
        else:
            after = act.shape
            steps, direction = ramp(before, after, act.over), act.direction
            for gate in self._gates.values():
                gate.set_radio(path, act.radio)
        self._shapes[path] = after
        issued = self._journal.stamp()
        readback = await self._toxiproxy.shape(path, steps[0], direction)
        self._record(deed, issued, "", readback)
        if len(steps) > 1:
            proofs.start_soon(self._climb, deed, steps[1:], trio.current_time())
        return readback

    async def _climb(self, deed: Deed, steps: list[Shape], began: float) -> None:
        assert isinstance(deed.act, SetShape)
        for number, shape in enumerate(steps, 1):
            await trio.sleep_until(began + number * STEP)
            await self._toxiproxy.shape(deed.actor, shape, deed.act.direction)

    async def _prove(self, deed: Deed, client: str, canary: Canary, readback: Mapping[str, str], until: float) -> None:
        if until == float("-inf"):
            outcome = Outcome(met=True, detail="read back; replaced at the same instant")
        else:
            outcome = await canary.prove(deed, readback, until)
        self._journal.write(CanaryRecord(deed=deed.index, met=outcome.met, client=client, detail=outcome.detail))

    async def _make_weather(self, zero: float) -> None:
        async with trio.open_nursery() as nursery:
            for change in self._plan.weather:
                await trio.sleep_until(zero + change.at)
                if isinstance(change, Pulse):
                    nursery.start_soon(self._pulse, change, zero)
                else:
                    await self._step(change)

    async def _pulse(self, pulse: Pulse, zero: float) -> None:
        self._journal.write(Weather(path=pulse.path, what="stall", lasts=pulse.lasts))
        for gate in self._gates.values():
            gate.pause(pulse.path)
        try:
            await trio.sleep_until(zero + pulse.at + pulse.lasts)
        finally:
            for gate in self._gates.values():
                gate.resume(pulse.path)

    async def _step(self, step: Step) -> None:
        shape = msgspec.structs.replace(self._shapes[step.path], down=step.down, up=step.up)
        self._shapes[step.path] = shape
        await self._toxiproxy.shape(step.path, shape)
        self._journal.write(Weather(path=step.path, what=f"rate {step.down:.0f} B/s"))


async def act_on(gate: Gate, deed: Deed) -> Mapping[str, str]:
    """Carry out a deed of a path's reach or of the device at one gate, and read the state back.

    Raises ``EnvironmentFault`` where this machine cannot do it.
    """
    try:
        match deed.act:
            case SetReach(word=word, direction=direction, once=once):
                return await gate.reach(deed.actor, word, direction=direction, once=once)
            case Joins(path=path):
                return await gate.joins(path)
            case Prefers(path=path):
                return await gate.prefers(path)
            case Loses(path=path):
                return await gate.loses(path)
            case GoesOffline():
                return await gate.goes_offline()
            case ComesOnline():
                return await gate.comes_online()
            case _:
                raise AssertionError(deed.act)
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, "")
        raise EnvironmentFault(f"{deed.actor} {deed.text}: this machine refused it: {error} {name}".strip()) from error


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
