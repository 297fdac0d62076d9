"""The nemesis: carries out the plan's deeds at their times, proves each, and makes the weather.

Times are absolute (``zero`` plus the plan's), so nothing drifts. A deed's proof runs beside the timeline: the next
deed never waits for it.
"""

import math
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from operator import attrgetter

import trio

from harness.clock import sleep_until
from harness.deeds.acts import Deed, SetReach
from harness.deeds.catalogue import ProofKind, row_of
from harness.deeds.replacement import replaced, takes_the_place_of
from harness.errors import EnvironmentFault
from harness.history import Canary as CanaryRecord
from harness.history import DeedDone, Journal, Shaped, Weather
from harness.jobserver.probe_streams import ProbePosts
from harness.run import measure
from harness.run.actuator import Actuator, Readback, of_gates
from harness.run.canary import EARLIEST, GateCanary, UpcomingDeeds
from harness.run.expected import ExpectedState
from harness.run.flows import Flows, WatchedDeed
from harness.run.interference import LEAD, Interference, ProofResult, by_reading_back, touches, undecided
from harness.scenario.model import Plan, RateStep, StallPulse, canaries_of, network_at_start

AT_ONCE = 1e-6
"""Seconds: what is planned no further apart than this is planned for one instant."""


class Nemesis:
    """One run's deeds and weather. Without ``proofs`` no canary flies, and law H0 has nothing to go by.

    ``toxics``: what the proxy shows of each path before 0 s.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        actuator: Actuator,
        journal: Journal,
        pulses: ProbePosts,
        toxics: Mapping[str, Readback],
        proofs: bool = True,
    ) -> None:
        self._plan = plan
        self._toxics = toxics
        self._actuator = actuator
        self._journal = journal
        stepped = frozenset(change.path for change in plan.weather if isinstance(change, RateStep))
        watched = canaries_of(plan.client.count) if proofs else ()
        slack = measure.TICK if plan.world == "virtual" else measure.SLACK
        self._canaries = {
            name: GateCanary(
                Flows(actuator.gates[name], ExpectedState(network_at_start(plan)), pulses), stepped=stepped, slack=slack
            )
            for name in watched
        }
        self._interference = Interference(plan)
        self._done = [trio.Event() for _ in plan.deeds]
        self._zero = 0.0
        self.carried_out = trio.Event()
        """Set once the last deed has been carried out."""
        self.proved = trio.Event()
        """Set once the proofs of all are over, and what deeds do step by step is done."""

    @property
    def lead(self) -> float:
        """The seconds before 0 s at which this must start, to measure before the first change."""
        if not self._canaries:
            return 0.0
        first = self._plan.deeds[0].at if self._plan.deeds else LEAD
        canary = next(iter(self._canaries.values()))
        shapes = (canary.takes(path) - self._first_change(path) for path in self._plan.paths)
        return max(0.0, LEAD - first, *shapes)

    async def run(self, zero: float) -> None:
        """Do every deed, then wait for the last proofs. Cancel it to stop; ``close`` then frees the canaries."""
        self._zero = zero
        async with trio.open_nursery() as flows:
            async with trio.open_nursery() as weather:
                weather.start_soon(self._make_weather, zero)
                async with trio.open_nursery() as proofs:
                    for canary in self._canaries.values():
                        canary.flows.begin(flows, zero)
                        for deed in self._plan.deeds:
                            proofs.start_soon(self._prepare, canary, deed)
                    for path in self._plan.paths:
                        proofs.start_soon(self._measure, path)
                    await self._do_all(zero, proofs)
                    self.carried_out.set()
                self.proved.set()
            flows.cancel_scope.cancel()

    async def _do_all(self, zero: float, proofs: trio.Nursery) -> None:
        for place, deed in enumerate(self._plan.deeds):
            await sleep_until(zero + deed.at)
            await self._do(deed, proofs, None if self._replaced(place) else self._moot(place))
            self._done[place].set()
            self._actuator.toxiproxy.look()

    async def close(self) -> None:
        """Free every flow of the canaries."""
        for canary in self._canaries.values():
            canary.flows.close()

    def _first_change(self, path: str) -> float:
        """Return the scenario second at which the first deed or the first weather changes what passes on a path."""
        weather = (change.at for change in self._plan.weather if change.path == path)
        return min(
            (*weather, *(deed.at for deed in self._plan.deeds if touches(deed, {path}, moves=False))), default=math.inf
        )

    async def _measure(self, path: str) -> None:
        """Measure a path's shape at the start: at one gate, as the proxies are shared."""
        outcome = undecided("the run ended first")
        try:
            canary = next(iter(self._canaries.values()), None)
            if canary is None:
                outcome = by_reading_back("without a canary")
            else:
                outcome = await canary.measure(path, self._zero + self._first_change(path))
        finally:
            toxics = _attributes(self._toxics[path])
            self._journal.write(
                Shaped(path=path, toxics=toxics, met=outcome.met, detail=outcome.detail, way=outcome.way)
            )

    async def _prepare(self, canary: GateCanary, deed: Deed) -> None:
        due = self._zero + deed.at
        await sleep_until(due - EARLIEST)
        await sleep_until(due - canary.lead(deed))
        await canary.prepare(deed, due)

    def _replaced(self, place: int) -> bool:
        """Return whether a deed of the same instant replaces a part of this one, or is met by the same proof."""
        deed = self._plan.deeds[place]
        for later in self._plan.deeds[place + 1 :]:
            if later.at > deed.at:
                break
            on_it = later.actor == deed.actor in self._plan.paths
            words = isinstance(deed.act, SetReach) and isinstance(later.act, SetReach)  # one proof meets them all
            if (on_it and (words or replaced(later.act, deed.act))) or takes_the_place_of(later, deed):
                return True
        return False

    def _moot(self, place: int) -> UpcomingDeeds:
        """Return what tells when a later deed changes what a proof of this one looks at, by the paths it looks at."""
        deed = self._plan.deeds[place]
        later = [one for one in self._plan.deeds[place + 1 :] if one.at > deed.at]
        moves = row_of(deed.act).proof is ProofKind.DEFAULT

        def at(*paths: str) -> float:
            return next((self._zero + one.at for one in later if touches(one, paths, moves=moves)), math.inf)

        return at

    async def _do(self, deed: Deed, proofs: trio.Nursery, moot: UpcomingDeeds | None) -> None:
        if not of_gates(deed):
            issued = trio.current_time()
            readback = await self._recorded(deed, "", partial(self._actuator.once, deed, proofs))
            for name, canary in self._canaries.items():
                proofs.start_soon(self._prove, canary.follow(deed, issued), name, readback, moot)
            return
        for name, gate in self._actuator.gates.items():
            issued = trio.current_time()
            readback = await self._recorded(deed, name, partial(self._actuator.at_gate, gate, deed))
            if name in self._canaries:
                proofs.start_soon(self._prove, self._canaries[name].follow(deed, issued), name, readback, moot)

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
            DeedDone(
                deed=deed.index,
                issued_ns=issued,
                returned_ns=self._journal.stamp(),
                client=client,
                readback=dict(readback),
                error=error,
            )
        )

    async def _prove(
        self, case: WatchedDeed, client: str, readback: Mapping[str, str], moot: UpcomingDeeds | None
    ) -> None:
        outcome = undecided("the run ended first")
        canary, deed = self._canaries[client], case.deed
        try:
            if moot is None:
                canary.leave(case)
                outcome = canary.shown(case, readback, "replaced at the same instant")
            else:
                outcome = self._excused(deed, await canary.prove(case, readback, moot))
        finally:
            self._journal.write(
                CanaryRecord(deed=deed.index, met=outcome.met, client=client, detail=outcome.detail, way=outcome.way)
            )

    def _excused(self, deed: Deed, outcome: ProofResult) -> ProofResult:
        """Call a proof undecided where other deeds in force did all that was met instead."""
        now = max(deed.at, trio.current_time() - self._zero)  # a float may be a hair too small for deeds of one instant
        reasons = [self._interference.by(deed, miss, now) for miss in outcome.misses]
        if outcome.met or not reasons or not all(reasons):
            return outcome
        return undecided(f"{', '.join(dict.fromkeys(reasons))} ({outcome.detail})")

    async def _make_weather(self, zero: float) -> None:
        async with trio.open_nursery() as nursery:
            for change in self._plan.weather:
                await sleep_until(zero + change.at)
                if isinstance(change, StallPulse):
                    nursery.start_soon(self._pulse, change, zero)
                else:
                    await self._step(change)

    async def _pulse(self, pulse: StallPulse, zero: float) -> None:
        self._journal.write(Weather(path=pulse.path, what="stall", lasts=pulse.lasts))
        for gate in self._actuator.gates.values():
            gate.pause(pulse.path)
        try:
            await sleep_until(zero + pulse.at + pulse.lasts)
        finally:
            for gate in self._actuator.gates.values():
                gate.resume(pulse.path)

    async def _step(self, step: RateStep) -> None:
        deeds = self._plan.deeds
        place = bisect_right(deeds, step.at - AT_ONCE, key=attrgetter("at"))
        while place < len(deeds) and deeds[place].at < step.at + AT_ONCE:
            if deeds[place].actor == step.path:
                await self._done[place].wait()  # which gives the path the profile that this is the first step of
            place += 1
        readback = await self._actuator.step(step)
        self._journal.write(Weather(path=step.path, what=f"rate {step.down:.0f} B/s", toxics=_attributes(readback)))


def _attributes(readback: Readback) -> dict[str, str]:
    """Return NAME.ATTRIBUTE → value of toxics in words."""
    pairs = ((name, word.partition("=")) for name, words in readback.items() for word in words.split())
    return {f"{name}.{key}": value for name, (key, _, value) in pairs}
