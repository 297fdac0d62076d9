"""The nemesis: carries out the plan's deeds at their times, proves each, and makes the weather.

Times are absolute (``zero`` plus the plan's), so nothing drifts. A deed's proof runs beside the timeline: the next
deed never waits for it.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import trio

from harness.clock import sleep_until
from harness.deeds.acts import Cuts, Deed, SetReach
from harness.deeds.replacement import replaced, takes_the_place_of
from harness.errors import EnvironmentFault
from harness.history import Canary as CanaryRecord
from harness.history import Deed as DeedRecord
from harness.history import Journal, Weather
from harness.run.canary import Canary
from harness.run.hands import Hands, Readback, of_gates
from harness.run.hidden import LEAD, Hidden, Outcome, by_reading_back, undecided
from harness.run.promises import Promise
from harness.scenario.model import Plan, Pulse, Step, network_at_start

MOOT = float("-inf")


class Nemesis:
    """One run's deeds and weather. Without ``proofs`` no canary flies, and law H0 has nothing to go by."""

    def __init__(self, plan: Plan, *, hands: Hands, journal: Journal, proofs: bool = True) -> None:
        self._plan = plan
        self._hands = hands
        self._journal = journal
        network = network_at_start(plan)
        self._canaries = {name: Canary(gate, network) for name, gate in hands.gates.items() if proofs}
        self._hidden = Hidden(plan)
        self._zero = 0.0
        self.carried_out = trio.Event()
        """Set once the last deed has been carried out."""
        self.proved = trio.Event()
        """Set once the proofs of all are over, and what deeds do step by step is done."""

    @property
    def lead(self) -> float:
        """How long before 0 s this must be started, for the flows that the first deed is proved by."""
        first = self._plan.deeds[0].at if self._plan.deeds and self._canaries else LEAD
        return max(0.0, LEAD - first)

    async def run(self, zero: float) -> None:
        """Do every deed, then wait for the last proofs. Cancel it to stop; ``close`` then frees the canaries."""
        self._zero = zero
        async with trio.open_nursery() as weather:
            weather.start_soon(self._make_weather, zero)
            async with trio.open_nursery() as proofs:
                await self._do_all(zero, proofs)
                self.carried_out.set()
            self.proved.set()

    async def _do_all(self, zero: float, proofs: trio.Nursery) -> None:
        for place, deed in enumerate(self._plan.deeds):
            due = zero + deed.at
            if place == 0 or deed.at > self._plan.deeds[place - 1].at or isinstance(deed.act, Cuts):
                await sleep_until(due - LEAD)
                for canary in self._canaries.values():
                    proofs.start_soon(self._prepare, canary, deed)
            await sleep_until(due)
            await self._do(deed, proofs, self._moot_at(place, zero))
            self._hands.toxiproxy.look()

    async def close(self) -> None:
        """Free every flow of the canaries."""
        for canary in self._canaries.values():
            await canary.close()

    async def _prepare(self, canary: Canary, deed: Deed) -> None:
        await canary.prepare(deed.actor, stream=isinstance(deed.act, Cuts))

    def _moot_at(self, place: int, zero: float) -> float:
        """When a later deed makes this one's proof moot: -inf where one of the same instant replaces a part of it."""
        deed = self._plan.deeds[place]
        for later in self._plan.deeds[place + 1 :]:
            if later.at > deed.at:
                return zero + later.at
            on_it = later.actor == deed.actor in self._plan.paths
            words = isinstance(deed.act, SetReach) and isinstance(later.act, SetReach)  # one proof meets them all
            if (on_it and (words or replaced(later.act, deed.act))) or takes_the_place_of(later, deed):
                return MOOT
        return float("inf")

    async def _do(self, deed: Deed, proofs: trio.Nursery, until: float) -> None:
        if not of_gates(deed):
            readback = await self._recorded(deed, "", partial(self._hands.once, deed, proofs))
            for name, canary in self._canaries.items():
                proofs.start_soon(self._prove, deed, name, canary.follow(deed), readback, until)
            return
        for name, gate in self._hands.gates.items():
            readback = await self._recorded(deed, name, partial(self._hands.at_gate, gate, deed))
            if name in self._canaries:
                proofs.start_soon(self._prove, deed, name, self._canaries[name].follow(deed), readback, until)

    async def _recorded(self, deed: Deed, client: str, act: Callable[[], Awaitable[Readback]]) -> Readback:
        """Carry a deed out and record it, also where this machine refused; raises what ``act`` raises."""
        issued = self._journal.stamp()
        try:
            readback = await act()
        except EnvironmentFault as fault:
            self._record(deed, issued, client, {}, error=str(fault))
            raise
        self._record(deed, issued, client, readback)
        return readback

    def _record(self, deed: Deed, issued: int, client: str, readback: Readback, *, error: str = "") -> None:
        self._journal.write(
            DeedRecord(
                deed=deed.index,
                issued_ns=issued,
                returned_ns=self._journal.stamp(),
                client=client,
                readback=dict(readback),
                error=error,
            )
        )

    async def _prove(
        self, deed: Deed, client: str, promise: Promise, readback: Mapping[str, str], until: float
    ) -> None:
        outcome = undecided("the run ended first")
        try:
            if until == MOOT:
                outcome = by_reading_back("replaced at the same instant")
            else:
                outcome = self._excused(deed, await self._canaries[client].prove(deed, promise, readback, until))
        finally:
            self._journal.write(
                CanaryRecord(deed=deed.index, met=outcome.met, client=client, detail=outcome.detail, way=outcome.way)
            )

    def _excused(self, deed: Deed, outcome: Outcome) -> Outcome:
        """Call a proof undecided where other deeds in force did all that was met instead."""
        now = max(deed.at, trio.current_time() - self._zero)  # a float may be a hair too small for deeds of one instant
        reasons = [self._hidden.by(deed, miss, now) for miss in outcome.misses]
        if outcome.met or not reasons or not all(reasons):
            return outcome
        return undecided(f"{', '.join(dict.fromkeys(reasons))} ({outcome.detail})")

    async def _make_weather(self, zero: float) -> None:
        async with trio.open_nursery() as nursery:
            for change in self._plan.weather:
                await sleep_until(zero + change.at)
                if isinstance(change, Pulse):
                    nursery.start_soon(self._pulse, change, zero)
                else:
                    await self._step(change)

    async def _pulse(self, pulse: Pulse, zero: float) -> None:
        self._journal.write(Weather(path=pulse.path, what="stall", lasts=pulse.lasts))
        for gate in self._hands.gates.values():
            gate.pause(pulse.path)
        try:
            await sleep_until(zero + pulse.at + pulse.lasts)
        finally:
            for gate in self._hands.gates.values():
                gate.resume(pulse.path)

    async def _step(self, step: Step) -> None:
        await self._hands.step(step)
        self._journal.write(Weather(path=step.path, what=f"rate {step.down:.0f} B/s"))
