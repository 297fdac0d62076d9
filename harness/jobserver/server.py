"""The reference server: it listens, answers, does what a scenario tells it, and leaves nothing behind when it ends."""

import trio

from harness.chance import Chance
from harness.deeds.acts import JobAct, ServerAct
from harness.history.journal import Journal
from harness.jobserver.acceptor import Acceptor
from harness.jobserver.actuator import Readback, ServerActuator
from harness.jobserver.behaviour import ServerBehaviour
from harness.jobserver.connection import PeerLimits
from harness.jobserver.emission import ServerCounts
from harness.jobserver.probe_streams import ProbePosts
from harness.jobserver.registry import Registry
from harness.scenario.model import JobSpec, ServerSpec
from harness.seams import Address, Network

LOOPBACK: Address = ("127.0.0.1", 0)


class JobServer:
    """The job API on one address of either world. Every job is one of ``job``'s kind; ``journal`` gets the truth.

    Lives in the nursery given to ``start``, until ``stop`` or that nursery's cancellation; both free its port, its
    connections and its tasks. Not to be started twice.
    """

    def __init__(
        self,
        *,
        network: Network,
        journal: Journal | None,
        job: JobSpec,
        server: ServerSpec,
        chance: Chance,
        address: Address = LOOPBACK,
        limits: PeerLimits | None = None,
    ) -> None:
        self.limits = limits or PeerLimits()
        self._network = network
        self._address = address
        behaviour = ServerBehaviour()
        self._registry = Registry(
            spec=job, server=server, chance=chance, journal=journal, limits=self.limits, behaviour=behaviour
        )
        self._acceptor = Acceptor(self._registry, behaviour, self.limits)
        self._actuator = ServerActuator(self._registry, self._acceptor, behaviour)
        self._scope = trio.CancelScope()
        self._ended = trio.Event()

    @property
    def address(self) -> Address:
        """The address on which it listens; port 0 stands for any, until it has started."""
        return self._address

    @property
    def counts(self) -> ServerCounts:
        """The counts of what the server has done so far."""
        return self._registry.counts

    @property
    def pulses(self) -> ProbePosts:
        """The held streams that probes announce."""
        return self._acceptor.pulses

    @property
    def accepted(self) -> float:
        """The time at which it accepted its last job, in seconds of trio's clock; minus infinity before the first."""
        return self._registry.accepted

    async def start(self, nursery: trio.Nursery) -> Address:
        """Listen; return the address. Raises ``EnvironmentFault`` where it cannot be bound."""
        address: Address = await nursery.start(self._run)
        return address

    async def do(self, index: int, act: ServerAct) -> Readback:
        """Do this, as the plan's deed of this index; return the state read back once it is in force.

        ``Answers`` and ``Orphans`` are not the server's to do: the middle and the gate do them.
        """
        return await self._actuator.do(index, act)

    async def undo(self, index: int) -> Readback:
        """Take the deed of this index back, where nothing else has done so; return the state read back."""
        return await self._actuator.undo(index)

    async def job_do(self, act: JobAct) -> Readback:
        """Tell all running jobs; return how many heard it."""
        return self._actuator.job_do(act)

    async def all_over(self) -> None:
        """Return once every job that was accepted has ended, and its end was emitted: never for one without an end."""
        await self._registry.all_over()

    async def stop(self) -> None:
        """Drop all connections and jobs, free the port, and return when that is done. For a started server only."""
        self._scope.cancel()
        await self._ended.wait()

    async def _run(self, *, task_status: trio.TaskStatus[Address]) -> None:
        listener = await self._network.listen(self._address)
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    self._actuator.nursery = nursery
                    nursery.start_soon(self._registry.alarms.run)
                    self._address = listener.address
                    task_status.started(self._address)
                    await self._acceptor.receive(listener, nursery)
        finally:
            with trio.CancelScope(shield=True):
                await listener.aclose()
            self._ended.set()


async def serve(
    address: Address,
    *,
    network: Network,
    job: JobSpec,
    server: ServerSpec,
    chance: Chance,
    journal: Journal | None = None,
    task_status: trio.TaskStatus[JobServer] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve alone on this address until cancelled. ``nursery.start`` hands back the server, for its counts."""
    jobs = JobServer(network=network, journal=journal, job=job, server=server, chance=chance, address=address)
    async with trio.open_nursery() as nursery:
        await jobs.start(nursery)
        task_status.started(jobs)
        await trio.sleep_forever()
