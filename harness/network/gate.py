"""The gate: the phone's radio, as a TCP relay that the device model drives. One per client.

It owns *reachability*: which path is the default, and what a path's state does to open flows and to new dials. It
makes a half-open connection real, since neither side learns of the other's end while the path swallows it. The shape of
a path (latency, rates) belongs to the proxy behind it. The same shell runs on real sockets and on a simulated network:
all it asks of a network is connect, listen, bytes, FIN, RST and a listener's door.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Self

import trio

from harness.clock import sleep_until
from harness.device.model import Device, DeviceChange, Linger
from harness.device.radio import RadioState
from harness.device.words import Radio, Reach
from harness.errors import UsageError
from harness.history.journal import Journal
from harness.history.records import Conn, SignalTold
from harness.network.ends import How, Side
from harness.network.phone import GatePhone
from harness.network.relay import RelayedFlow
from harness.network.stage import StageMaker
from harness.seams import Address, Direction, Door, Listener, Network, Signal, Stream
from harness.vocabulary import CANARY

MIDS = ("id", "data", "character", "event")
"""Where inside an event a cut may fall."""


_ONE_INSTANT = 1e-6
"""Seconds within which two sums of the plan's times are one instant: floats differ by less."""


class Gate:
    """Relays one client's connections, path by path, as its device decides.

    ``routes`` says where each path leads, ``radios`` what it costs (a path without one costs nothing). A flow's ``cid``
    is the ``seq`` of its ``Conn`` record, and so unique in the journal. Open it before use, and close it before the
    journal. Each deed returns, once it is in force, what the gate then reads back.
    """

    def __init__(
        self,
        *,
        client: str,
        device: Device,
        routes: Mapping[str, Address],
        radios: Mapping[str, Radio],
        network: Network,
        journal: Journal,
        stage: StageMaker | None = None,
    ) -> None:
        missing = [path for path in device.paths if path not in routes]
        if missing:
            raise UsageError(f"the gate of {client} has no route for {', '.join(missing)}")
        self.client = client
        self.device = device
        self.phone = GatePhone(client=client, device=device, network=network, address=self.address, journal=journal)
        self._routes = dict(routes)
        self._radios = {path: RadioState(radios.get(path, Radio())) for path in device.paths}
        self._network = network
        self._journal = journal
        self._stage = stage
        self._listeners: dict[str, Listener] = {}
        self._flows: dict[int, RelayedFlow] = {}
        self._canaries: set[Address] = set()
        self._released: set[Address] = set()  # of those that were given up before they were accepted
        self._deeds = {path: trio.Lock() for path in device.paths}
        self._nursery: trio.Nursery | None = None
        self._graces: dict[Linger, float] = {}  # of paths that were lost: when each is over
        self._sleeps = 0  # suspensions so far
        self._asleep_until = 0.0
        self._wakes_silently = False
        self._bury_after: float | None = None
        self._buries = 0  # changes of it so far
        self._closing = trio.Event()
        self._closed = trio.Event()

    # Its life.

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        """Run the gate for the length of a block."""
        await self._listen()
        async with trio.open_nursery() as nursery:
            await nursery.start(self._run)
            try:
                yield self
            finally:
                await self.aclose()

    async def start(self, nursery: trio.Nursery) -> None:
        """Run the gate in this nursery until ``aclose``. Raises ``EnvironmentFault`` where it cannot listen."""
        await self._listen()
        await nursery.start(self._run)

    async def aclose(self) -> None:
        """Close the doors, reset every flow at both ends, end the signals. Leaves no task, socket or port behind."""
        self._closing.set()
        if self._nursery is not None:
            with trio.CancelScope(shield=True):
                await self._closed.wait()

    async def _listen(self) -> None:
        try:
            for path in self.device.paths:
                self._listeners[path] = await self._network.listen()
        except BaseException:
            await self._stop_listening()
            raise

    async def _stop_listening(self) -> None:
        with trio.CancelScope(shield=True):
            for listener in self._listeners.values():
                await listener.aclose()

    async def _run(self, task_status: "trio.TaskStatus[None]" = trio.TASK_STATUS_IGNORED) -> None:
        try:
            async with trio.open_nursery() as self._nursery:
                for path, listener in self._listeners.items():
                    self._nursery.start_soon(self._serve, path, listener)
                task_status.started()
                await self._closing.wait()
                await self._stop_listening()
                self._nursery.cancel_scope.cancel()
        finally:
            await self._stop_listening()
            self.phone.hang_up()
            self._closed.set()

    # What is where.

    def address(self, path: str) -> Address:
        """Return the address that a client dials to use this path."""
        return self._listeners[path].address

    def set_radio(self, path: str, radio: Radio) -> None:
        """Let the path cost this much from now on."""
        self.device.door(path)
        self._radios[path].radio = radio

    def flows(self, path: str | None = None) -> tuple[int, ...]:
        """Return the cids of the flows that are open at either end, the canary's among them."""
        return tuple(cid for cid, flow in self._flows.items() if path in (None, flow.path))

    async def dial(self, path: str) -> Stream:
        """Dial this path for the harness itself, whether or not the device may use it. Hangs and fails as any dial.

        The flow is recorded as the canary's; the radio neither charges nor notices it.
        """
        mine: list[Address] = []

        def dialing(local: Address) -> None:
            mine.append(local)
            self._canaries.add(local)

        try:
            return await self._network.connect(self.address(path), dialing=dialing, aside=True)
        except BaseException:
            self._canaries.difference_update(mine)
            raise

    def release(self, stream: Stream) -> None:
        """Let the server's side of a flow that ``dial`` made end with this one, whatever its path swallows."""
        self._released.add(stream.local)
        for flow in self._flows.values():
            if flow.streams[Side.CLIENT].peer == stream.local:
                self._released.discard(stream.local)
                flow.release()

    # Deeds.

    async def reach(
        self, path: str, word: Reach, *, direction: Direction | None = None, once: bool = False
    ) -> Mapping[str, str]:
        """Let the path take a word; see ``Device.reach``. Raises ``EnvironmentFault`` where dials cannot hang."""
        device = self.device
        device.check_word(word, direction=direction, once=once)
        device.door(path)
        async with self._deeds[path]:
            listener = self._listeners[path]
            if device.refuses(word, once=once):
                await listener.set_door(Door.REFUSE)  # first: who sees its FIN may redial at once
            self._apply(device.reach(path, word, direction=direction, once=once))
            await listener.set_door(device.door(path))
        return self.path_readback(path)

    def pause(self, path: str) -> Mapping[str, str]:
        """Weather: hold the path's downstream until ``resume``. Nests, and leaves the word alone."""
        self._apply(self.device.pause(path))
        return self.path_readback(path)

    def resume(self, path: str) -> Mapping[str, str]:
        """End one ``pause``."""
        self._apply(self.device.resume(path))
        return self.path_readback(path)

    async def joins(self, path: str) -> Mapping[str, str]:
        """Let the device use the path."""
        self._end_graces()
        return await self._tell(self.device.joins(path))

    async def prefers(self, path: str) -> Mapping[str, str]:
        """New dials use the path."""
        self._end_graces()
        return await self._tell(self.device.prefers(path))

    async def loses(self, path: str) -> Mapping[str, str]:
        """Take the path from the device: its connections get the OS's error at the phone; the server learns nothing."""
        self._end_graces()
        return await self._tell(self.device.loses(path))

    async def goes_offline(self) -> Mapping[str, str]:
        """Take all paths from the device."""
        self._end_graces()
        return await self._tell(self.device.goes_offline())

    async def comes_online(self) -> Mapping[str, str]:
        """Give the device its paths again."""
        self._end_graces()
        return await self._tell(self.device.comes_online())

    async def cut(self, path: str, how: Reach, mid: str) -> Mapping[str, str]:
        """Cut the next event of each event stream that is open on a path, then end its connection.

        ``how`` is ``closed`` or ``reset``, ``mid`` one of ``id``, ``data``, ``character`` and ``event``. Needs a stage
        that knows HTTP. Raises ``UsageError`` for other words.
        """
        ways = {Reach.CLOSED: How.FIN, Reach.RESET: How.RST}
        if how not in ways or mid not in MIDS:
            raise UsageError(f"a cut is closed or reset, mid {', '.join(MIDS)}; got {how!s} mid {mid}")
        self.device.door(path)
        await trio.lowlevel.checkpoint()
        armed = [
            flow.cid
            for flow in self._flows.values()
            if flow.path == path and flow.stage is not None and flow.stage.cut(ways[how], mid)
        ]
        return {**self.path_readback(path), "armed": " ".join(map(str, armed)) or "none"}

    async def suspend(self, lasts: float, *, silently: bool = False) -> Mapping[str, str]:
        """Let the device sleep this long. Returns at once; a suspension begun meanwhile may make it longer.

        ``silently``: its sockets are dead when it wakes, and say nothing.
        """
        assert self._nursery is not None, "a gate that is not open has no device to suspend"
        until = trio.current_time() + lasts
        if until >= self._asleep_until:
            self._asleep_until, self._wakes_silently = until, silently
        self._sleeps += 1
        self.phone.suspend()
        readback = await self._tell(self.device.suspends(silently=silently))
        self._nursery.start_soon(self._wake, self._sleeps)
        return readback

    async def orphans(self, after: float | None) -> Mapping[str, str]:
        """Close the server's side of flows that have been dead for so long, from now on; None: no more.

        A flow is dead when nothing reaches its client any more and its server was not told.
        """
        self._bury_after = after
        self._buries += 1
        await trio.lowlevel.checkpoint()
        dead = [flow for flow in self._flows.values() if flow.dead_since is not None]
        for flow in dead:
            self._died(flow)
        return {"after": "never" if after is None else f"{after:g}s", "dead": str(len(dead))}

    def path_readback(self, path: str) -> Mapping[str, str]:
        """Return what is in force on a path."""
        device = self.device
        return {
            "path": path,
            "word": device.word(path),
            "upstream": device.feels(path, Direction.UPSTREAM),
            "downstream": device.feels(path, Direction.DOWNSTREAM),
            "door": device.door(path),
            "flows": str(len(self.flows(path))),
        }

    def device_readback(self) -> Mapping[str, str]:
        """Return what the device knows."""
        readback = {"default": self.device.default or "none", "joined": " ".join(self.device.joined) or "none"}
        return {**readback, "suspended": "yes"} if self.device.suspended else readback

    # Within.

    async def _tell(self, outcome: DeviceChange) -> Mapping[str, str]:
        self._apply(outcome)
        await trio.lowlevel.checkpoint()
        return self.device_readback()

    def _apply(self, outcome: DeviceChange) -> None:
        # What the OS knows is recorded before the flows that end by it, and told after: no effect before its cause.
        told = [(signal, self._told(signal)) for signal in outcome.signals]
        for path in outcome.lost:
            self.phone.lose(path)
        for act in outcome.acts:
            self._flows[act.cid].apply(act)
        for signal, seq in told:
            self.phone.tell(signal, seq)
        if outcome.linger is not None and self._nursery is not None:
            self._nursery.start_soon(self._linger, outcome.linger)

    def _told(self, signal: Signal) -> int:
        return self._journal.write(
            SignalTold(client=self.client, what=signal.what, path=signal.path or "", ears=self.phone.ears)
        )

    async def _wake(self, turn: int) -> None:
        await sleep_until(self._asleep_until)
        if turn == self._sleeps:
            self._apply(self.device.wakes(silently=self._wakes_silently))
            self.phone.wake()

    def _died(self, flow: RelayedFlow) -> None:
        if self._bury_after is not None and self._nursery is not None:
            self._nursery.start_soon(self._bury, flow, self._bury_after, self._buries)

    async def _bury(self, flow: RelayedFlow, after: float, turn: int) -> None:
        assert flow.dead_since is not None
        await sleep_until(flow.dead_since + after)
        if turn == self._buries and flow.cid in self._flows:
            flow.bury()

    async def _linger(self, linger: Linger) -> None:
        self._graces[linger] = due = trio.current_time() + linger.seconds
        await sleep_until(due)
        if self._graces.pop(linger, None) is not None:
            self._apply(self.device.linger_over(linger))

    def _end_graces(self) -> None:
        """Let a grace that is over at this instant be over before the deed of this instant, as the plan has it."""
        over = [linger for linger, due in self._graces.items() if due <= trio.current_time() + _ONE_INSTANT]
        for linger in over:
            del self._graces[linger]
            self._apply(self.device.linger_over(linger))

    async def _serve(self, path: str, listener: Listener) -> None:
        while True:
            try:
                stream = await listener.accept()
            except trio.ClosedResourceError:
                return
            self._admit(path, stream)

    def _admit(self, path: str, stream: Stream) -> None:
        assert self._nursery is not None
        cid = self._journal.written + 1
        canary = stream.peer in self._canaries
        self._canaries.discard(stream.peer)
        client = CANARY if canary else self.client
        written = self._journal.write(
            Conn(cid=cid, client=client, path=path, peer=f"{stream.peer[0]}:{stream.peer[1]}")
        )
        assert written == cid
        flow = self._flows[cid] = RelayedFlow(
            cid=cid,
            path=path,
            client=stream,
            device=self.device,
            journal=self._journal,
            radio=None if canary else self._radios[path],
            stage=self._stage(cid, client, path) if self._stage is not None else None,
            died=self._died,
            connection=self.phone.accepted(stream.peer, cid),
        )
        if stream.peer in self._released:
            self._released.discard(stream.peer)
            flow.release()
        self._apply(self.device.opened(cid, path))
        self._nursery.start_soon(self._relay, flow)

    async def _relay(self, flow: RelayedFlow) -> None:
        try:
            await flow.run(partial(self._network.connect, self._routes[flow.path], aside=flow.aside))
        finally:
            self.device.gone(flow.cid)
            del self._flows[flow.cid]
