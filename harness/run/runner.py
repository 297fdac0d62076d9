"""One plan, run in one world: server, proxies, gates, clients, nemesis, and the history of it all.

The order of setting up is the order of the bytes' way back: server, Toxiproxy, gates, clients. Taking down is the
reverse, and what is left of it then is counted (law L12).
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from pathlib import Path

import msgspec
import trio

from harness.chance import Chance
from harness.clients.mutants import Mutant
from harness.clients.run import run_reference
from harness.clock import sleep_until
from harness.device.model import Device
from harness.device.words import Reach
from harness.errors import HarnessError, PeerError, ToxiproxyFault, leaf
from harness.history import App, Census, End, Journal, Run
from harness.history.journal import Tap
from harness.jobserver.server import JobServer
from harness.middle.middle import Middle
from harness.network.gate import Gate
from harness.run import census, health
from harness.run.actuator import Actuator
from harness.run.host import facts
from harness.run.nemesis import Nemesis
from harness.run.shaping import TIMEOUT
from harness.scenario.deadlines import horizon_of_run
from harness.scenario.model import Plan, canaries_of
from harness.seams import Address
from harness.toxiproxy.control import Proxies
from harness.toxiproxy.launch import open_toxiproxy
from harness.toxiproxy.owner import own_prefix
from harness.world import World

AFTERGLOW = 1.0
"""Seconds that a run goes on after the last of its clients, jobs and deeds: what comes later must be seen (L11)."""
HEAL = 10.0  # seconds for giving back the proxies
LEAD = 0.05  # from the Run record to 0 s


class RunSetup(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is set up before 0 s."""

    journal: Journal
    toxiproxy: Proxies
    server: JobServer
    upstream: Address
    gates: dict[str, Gate]
    nemesis: Nemesis


class Runner:
    """Runs one plan in one world, and writes its history to ``history`` (None: the ``tap`` alone gets it).

    ``toxiproxy``: auto, embedded, a path or a URL. The simulated world has its own. Without ``proofs`` no fault is
    proved: for searches, which prove what they found by running it again. ``planted`` is the client in place of the one
    that the plan names.
    """

    def __init__(
        self,
        plan: Plan,
        history: Path | None,
        *,
        world: World,
        toxiproxy: str = "auto",
        tap: Tap | None = None,
        proofs: bool = True,
        planted: Mutant | None = None,
    ) -> None:
        self.plan = plan
        self._planted = planted
        self._history = history
        self._choice = toxiproxy
        self._world = world
        self._tap = tap
        self._proofs = proofs
        self._chance = Chance(plan.seed)
        self._zero: float | None = None
        self._proxies_left: tuple[str, ...] = ()
        self._rid = 0

    def now(self) -> float:
        """Scenario seconds; 0 until the first client starts."""
        return 0.0 if self._zero is None else trio.current_time() - self._zero

    async def run(self, stop: trio.Event) -> None:
        """Run to the end of the plan, or until ``stop``; either way the history says how it ended.

        Raises ``EnvironmentFault`` where this machine or the Toxiproxy server cannot do it; what was recorded stays.
        """
        with Journal(self._history, self._world.stamp, tap=self._tap) as journal:
            before = self._census("start")
            reason, detail = "fault", "an error of the harness; see harness.log"
            try:
                reason = await self._set_up_and_play(journal, before, stop)
                detail = ""
            except BaseException as error:
                cause = leaf(error)
                if isinstance(cause, HarnessError):
                    detail = str(cause)
                raise
            finally:
                journal.write(self._census("end"))
                journal.write(End(reason=reason, detail=detail, counts=journal.counts))

    async def _set_up_and_play(self, journal: Journal, before: Census, stop: trio.Event) -> str:
        async with self._proxies() as toxiproxy, trio.open_nursery() as nursery:
            server = JobServer(
                network=self._world.network,
                journal=journal,
                job=self.plan.job,
                server=self.plan.server,
                chance=self._chance,
            )
            upstream = await server.start(nursery)
            routes, toxics = await self._add_paths(toxiproxy, upstream)
            middle = Middle(
                journal=journal,
                next_rid=self._next_rid,
                gates=len(canaries_of(self.plan.client.count)),
                wall_clock=self._world.wall_clock,
            )
            gates = await self._open_gates(nursery, journal, routes, middle)
            actuator = Actuator(self.plan, gates=gates, toxiproxy=toxiproxy, middle=middle, server=server)
            nemesis = Nemesis(
                self.plan, actuator=actuator, journal=journal, pulses=server.pulses, toxics=toxics, proofs=self._proofs
            )
            rig = RunSetup(
                journal=journal, toxiproxy=toxiproxy, server=server, upstream=upstream, gates=gates, nemesis=nemesis
            )
            failed = True
            try:
                reason = await self._play(rig, before, stop)
                failed = False
            finally:
                with trio.CancelScope(shield=True):
                    await self._take_down(rig, quietly=failed)
                nursery.cancel_scope.cancel()
        return reason

    def _proxies(self) -> AbstractAsyncContextManager[Proxies]:
        if self._world.proxies is not None:
            return nullcontext(self._world.proxies(self._chance.dice("toxics")))
        rng = self._chance.stream("toxics")
        return open_toxiproxy(self._choice, network=self._world.network, prefix=own_prefix(), rng=rng)

    def _census(self, when: str) -> Census:
        return census.take(when, proxies=list(self._proxies_left), open_sockets=self._world.sockets)

    async def _take_down(self, rig: RunSetup, *, quietly: bool) -> None:
        """Free everything in the reverse order. A Toxiproxy that answers no more is left to its launcher.

        ``quietly``: something has failed already, and what fails now is only its consequence.
        """
        await rig.nemesis.close()
        for gate in rig.gates.values():
            await gate.aclose()
        await rig.server.stop()
        with trio.move_on_after(HEAL):
            try:
                await rig.toxiproxy.heal()
                self._proxies_left = await rig.toxiproxy.names()
            except ToxiproxyFault:
                if not quietly:
                    raise

    async def _add_paths(
        self, toxiproxy: Proxies, upstream: Address
    ) -> tuple[dict[str, Address], dict[str, dict[str, str]]]:
        """Return where each path's proxy listens, and what it shows of its toxics."""
        routes, toxics = {}, {}
        for path, spec in self.plan.paths.items():
            routes[path] = await toxiproxy.add(path, upstream)
            toxics[path] = await toxiproxy.shape(path, spec.shape)
        return routes, toxics

    async def _open_gates(
        self, nursery: trio.Nursery, journal: Journal, routes: dict[str, Address], middle: Middle
    ) -> dict[str, Gate]:
        gates: dict[str, Gate] = {}
        for number in range(1, self.plan.client.count + 1):
            name = f"c{number}"
            gate = Gate(
                client=name,
                device=Device(self.plan.paths, starts_on=self.plan.device.starts_on, linger=self.plan.device.linger),
                routes=routes,
                radios={path: spec.radio for path, spec in self.plan.paths.items()},
                network=self._world.network,
                journal=journal,
                stage=middle.stage,
            )
            await gate.start(nursery)
            gates[name] = gate
            for path, spec in self.plan.paths.items():
                if spec.start is not Reach.UP:
                    await gate.reach(path, spec.start)
        return gates

    def _next_rid(self) -> int:
        self._rid += 1
        return self._rid

    async def _play(self, rig: RunSetup, before: Census, stop: trio.Event) -> str:
        """Run from just before 0 s to the end. Returns why it ended: done, limit or interrupted."""
        lead = max(LEAD, rig.nemesis.lead)
        zero = trio.current_time() + lead
        self._zero = zero
        self._begin(rig, before, lead)
        reason = "done"

        async def cut(word: str, wait: Callable[[], Awaitable[None]]) -> None:
            nonlocal reason
            await wait()
            reason = word
            everything.cancel_scope.cancel()

        async with trio.open_nursery() as everything:
            if not self._world.simulated:  # there the scheduler is never late, and nothing flushes by the clock
                everything.start_soon(rig.journal.keep_flushing)
                everything.start_soon(rig.toxiproxy.watch)
                everything.start_soon(partial(health.watch, rig.journal, controls=rig.toxiproxy.control_seconds))
            everything.start_soon(rig.nemesis.run, zero)
            everything.start_soon(cut, "interrupted", stop.wait)
            everything.start_soon(cut, "limit", partial(self._outlast, rig.server, zero))
            async with trio.open_nursery() as clients:
                for name in rig.gates:
                    clients.start_soon(self._client, name, rig, zero)
            # That a client gave up, or had it easy, is no reason for a deed or for the job's end not to come.
            await rig.nemesis.carried_out.wait()
            if self.plan.job.ends != "never":
                await rig.server.all_over()
            await trio.sleep(AFTERGLOW)
            with trio.move_on_after(TIMEOUT):  # else a deed near the end that does nothing would pass for one that does
                await rig.nemesis.proved.wait()
            everything.cancel_scope.cancel()
        await rig.toxiproxy.check()  # or a client would be blamed for another party's change since the last look
        return reason

    async def _outlast(self, server: JobServer, zero: float) -> None:
        """Sleep to the horizon, which moves while a job begins late, or to the plan's limit."""
        due = horizon_of_run(self.plan, 0.0)
        while trio.current_time() < zero + due:
            await sleep_until(zero + due)
            due = horizon_of_run(self.plan, server.accepted - zero)

    def _begin(self, rig: RunSetup, before: Census, lead: float) -> None:
        plan = self.plan
        toxiproxy = {"toxiproxy": rig.toxiproxy.kind, "toxiproxy version": rig.toxiproxy.version}
        if rig.toxiproxy.passed_over:
            toxiproxy["toxiproxy passed over"] = rig.toxiproxy.passed_over
        rig.journal.write(
            Run(
                zero_ns=self._world.stamp() + round(lead * 1e9),
                scenario=plan.scenario,
                variant=plan.variant,
                client=plan.client.like,
                world=plan.world,
                seed=plan.seed,
                facts={**facts(), **toxiproxy, **self._world.facts},
            )
        )
        rig.journal.write(before)

    async def _client(self, name: str, rig: RunSetup, zero: float) -> None:
        spec = self.plan.client
        late = 0.0 if name == "c1" else self._chance.stream("arrive", name).uniform(0.0, spec.arrive)
        await sleep_until(zero + late)
        try:
            await run_reference(
                name=name,
                base_url=f"http://{rig.upstream[0]}:{rig.upstream[1]}",
                spec=spec,
                phone=rig.gates[name].phone,
                journal=rig.journal,
                chance=self._chance,
                wall_clock=self._world.wall_clock,
                planted=self._planted,
            )
        except PeerError as error:
            # No job could be started: that is what the app saw, and nothing of the harness's failed.
            now = self._world.stamp()
            rig.journal.write(
                App(client=name, job="", callback="error", enter_ns=now, exit_ns=now, detail=str(error), no=1)
            )
