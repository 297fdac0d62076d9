"""One flow through the gate: two directions, each in order, each as the device decides.

The hot path is one task a direction: read, ask the device, write. What must wait goes to a queue, and a second task
lives as long as the queue does. Only one of the two writes at a time, and nothing overtakes the queue.

Ends are kept apart: an end that is gone is not told to the other unless the path lets it through. A socket stays open
until both ends have left, or closing it would tell what the path has swallowed.
"""

import math
from collections import deque
from collections.abc import Awaitable, Callable

import trio

from harness.device.model import Act, Device, Do, Fate
from harness.device.radio import Antenna
from harness.history.journal import Journal
from harness.history.records import Chunk, ConnEnd
from harness.network.ends import How, Side
from harness.network.stage import Stage
from harness.seams import Direction, Stream

CHUNK = 65_536
HELD_LIMIT = 8_000_000
"""Bytes that may wait in one direction; then its sender feels back-pressure."""

UPSTREAM, DOWNSTREAM = Direction.UPSTREAM, Direction.DOWNSTREAM


_SOURCE = {UPSTREAM: Side.CLIENT, DOWNSTREAM: Side.SERVER}
_SINK = {UPSTREAM: Side.SERVER, DOWNSTREAM: Side.CLIENT}
_AWAY = {Side.CLIENT: UPSTREAM, Side.SERVER: DOWNSTREAM}
_TOWARD = {Side.CLIENT: DOWNSTREAM, Side.SERVER: UPSTREAM}


class _Link:
    """One direction of a flow."""

    def __init__(self, flow: "Flow", direction: Direction) -> None:
        self.flow = flow
        self.direction = direction
        self._offset = 0
        self._waiting: deque[tuple[int, bytes | How]] = deque()
        self._waiting_bytes = 0
        self._final = False  # the network ended this direction: what waits goes unasked
        self._entering = False  # bytes are between the stage and the queue: what the stage adds goes behind them
        self._behind: list[bytes | How] = []
        self._sending: trio.CancelScope | None = None
        self._flushing = False
        self._wake = trio.Event()
        self._room = trio.Event()

    async def pump(self) -> None:
        """Carry what the source sends until it leaves, or the gate closed it."""
        source = self.flow.streams[_SOURCE[self.direction]]
        while True:
            try:
                data = await source.receive_some(CHUNK)
            except trio.BrokenResourceError:
                self.flow.leave(_SOURCE[self.direction], How.RST)
                return
            except trio.ClosedResourceError:
                return
            if not data:
                self.flow.leave(_SOURCE[self.direction], How.FIN)
                return
            await self._take(bytes(data))

    async def _take(self, data: bytes) -> None:
        """Let the stage see what came, and carry what it lets go."""
        stage = self.flow.stage
        if stage is None:
            await self._carry(data)
        elif self.direction is UPSTREAM:
            stage.hears(data)
            await self._carry(data)
        else:
            self._entering = True
            data = stage.to_client(data)
            if data:
                await self._carry(data)
            self._entering = False
            if self._behind:
                behind, self._behind = self._behind, []
                for item in behind:
                    self._queue(item)
            await self._wait_for_room()

    async def _carry(self, data: bytes) -> None:
        flow = self.flow
        offset = self._offset
        self._offset += len(data)
        if flow.device.passes(flow.cid, self.direction):
            await flow.wait_for_radio()
        fate = flow.device.arrives(flow.cid, self.direction)
        if fate is Fate.DROP:
            self._drop(offset, data)
        elif fate is Fate.PASS and not (self._waiting or self._flushing or self._sending):
            await self._send(offset, data)
            self._kick()
        else:
            if fate is Fate.HOLD:
                self._record(offset, data, "held")
            self._put(offset, data)
            await self._wait_for_room()

    async def _wait_for_room(self) -> None:
        while self._waiting_bytes > HELD_LIMIT:
            self._room = trio.Event()
            await self._room.wait()

    def say(self, data: bytes) -> None:
        """Let bytes of the stage's own follow what went before; they meet the radio as any others."""
        self._queue(data)

    def end(self, how: How, *, final: bool = False) -> None:
        """Let FIN or RST follow what waits. ``final``: the device has decided already, for all that waits too."""
        self._final = self._final or final
        self._queue(how)
        self._wake.set()

    def _queue(self, item: bytes | How) -> None:
        if self._entering:
            self._behind.append(item)
            return
        offset = self._offset
        if isinstance(item, bytes):
            self._offset += len(item)
            fate = self.flow.device.arrives(self.flow.cid, self.direction)
            if fate is Fate.DROP:
                self._drop(offset, item)
                return
            if fate is Fate.HOLD:
                self._record(offset, item, "held")
        self._put(offset, item)

    def release(self) -> None:
        """What waits may go on."""
        self._wake.set()

    def discard(self) -> None:
        """What waits is gone, and what is blocked half sent: the direction is read on, and dropped."""
        if self._sending is not None:
            self._sending.cancel()
            self.flow.device.arrives(self.flow.cid, self.direction)  # half a chunk may be missing: dead from now on
        for offset, item in self._waiting:
            if isinstance(item, bytes):
                self._drop(offset, item)
        self._waiting.clear()
        self._waiting_bytes = 0
        self._room.set()
        self._wake.set()

    def start(self) -> None:
        """The flow has its nursery: begin to write what waits already."""
        self._kick()

    def _put(self, offset: int, item: bytes | How) -> None:
        self._waiting.append((offset, item))
        if isinstance(item, bytes):
            self._waiting_bytes += len(item)
        self._kick()

    def _kick(self) -> None:
        if self._waiting and not self._flushing and self._sending is None and self.flow.nursery is not None:
            self._flushing = True
            self.flow.nursery.start_soon(self._flush)

    async def _flush(self) -> None:
        """Write what waits, asking anew for each piece; ends with the queue."""
        device, cid = self.flow.device, self.flow.cid
        while self._waiting:
            fate = Fate.PASS if self._final else device.arrives(cid, self.direction)
            if fate is Fate.HOLD:
                self._wake = trio.Event()
                await self._wake.wait()
            elif fate is Fate.DROP:
                self.discard()
            else:
                offset, item = self._waiting.popleft()
                if isinstance(item, How):
                    await self._finish(item)
                else:
                    self._waiting_bytes -= len(item)
                    self._room.set()
                    self.flow.use_radio()
                    await self._send(offset, item)
        self._flushing = False

    async def _send(self, offset: int, data: bytes) -> None:
        sink = _SINK[self.direction]
        # Recorded first, so that nobody's record of having read these bytes comes before ours.
        self._record(offset, data, "delivered")
        broken = False
        self._sending = sending = trio.CancelScope()
        to_send = data
        if (stage := self.flow.stage) is not None:
            if self.direction is DOWNSTREAM:
                stage.delivered(offset + len(data))
            else:
                to_send = stage.to_server(data)
        with sending:
            try:
                if to_send:
                    await self.flow.streams[sink].send_all(to_send)
            except trio.BrokenResourceError:
                broken = True
            except trio.ClosedResourceError:
                pass  # the gate reset this end meanwhile
        self._sending = None
        if sending.cancelled_caught:
            self._drop(offset, data)
        if broken:
            self.flow.leave(sink, How.RST)

    async def _finish(self, how: How) -> None:
        sink = _SINK[self.direction]
        if how is How.RST:
            self.flow.streams[sink].reset()
            self.flow.note(sink, How.CLOSED)
            return
        try:
            await self.flow.streams[sink].send_eof()
        except trio.BrokenResourceError:
            self.flow.leave(sink, How.RST)
        except trio.ClosedResourceError:
            pass  # reset meanwhile
        if self.flow.boxed:
            self.flow.note(sink, How.CLOSED)

    def _drop(self, offset: int, data: bytes) -> None:
        self._record(offset, data, "dropped")
        if self.direction is DOWNSTREAM:
            self.flow.die()

    def _record(self, offset: int, data: bytes, fate: str) -> None:
        chunk = Chunk(cid=self.flow.cid, direction=self.direction, offset=offset, length=len(data), fate=fate)
        self.flow.journal.write(chunk)


class Flow:
    """A client's connection and the gate's own one to the server. ``radio`` None: it costs nothing (the canary)."""

    def __init__(
        self,
        *,
        cid: int,
        path: str,
        client: Stream,
        device: Device,
        journal: Journal,
        radio: Antenna | None,
        stage: Stage | None,
        died: "Callable[[Flow], None]" = lambda _: None,
    ) -> None:
        self.cid = cid
        self.path = path
        self.device = device
        self.journal = journal
        self.stage = stage
        self.streams: dict[Side, Stream] = {Side.CLIENT: client}
        self.nursery: trio.Nursery | None = None
        self.boxed = False  # the stage ended it
        self.dead_since: float | None = None  # nothing reaches the client any more, and the server was not told
        self._died = died
        self._service: trio.Nursery | None = None
        self._nap: trio.CancelScope | None = None
        self._nap_until = math.inf
        self._radio = radio
        self._ready_at = radio.dial(trio.current_time()) if radio is not None else 0.0
        self._links = {direction: _Link(self, direction) for direction in (UPSTREAM, DOWNSTREAM)}
        self._left: dict[Side, How] = {}
        self._noted: set[Side] = set()
        self._dial = trio.CancelScope()
        if stage is not None:
            stage.attach(self)

    async def run(self, connect: Callable[[], Awaitable[Stream]]) -> None:
        """Dial the server, relay until both ends have left, leave nothing open."""
        try:
            async with trio.open_nursery() as self._service:
                self.look_again()
                await self._relay(connect)
                self._service.cancel_scope.cancel()
            for stream in self.streams.values():
                await stream.aclose()
        finally:
            for stream in self.streams.values():
                stream.reset()
            for side in Side:
                self.note(side, How.CLOSED)
            if self.stage is not None:
                self.stage.ended()

    async def _relay(self, connect: Callable[[], Awaitable[Stream]]) -> None:
        async with trio.open_nursery() as nursery:
            connected = await self._connect(connect)
            self.nursery = nursery
            nursery.start_soon(self._links[UPSTREAM].pump)
            if connected:
                nursery.start_soon(self._links[DOWNSTREAM].pump)
            for link in self._links.values():
                link.start()

    def say(self, data: bytes) -> None:
        """Send the client bytes of the stage's own, through the radio."""
        self._links[DOWNSTREAM].say(data)

    def end(self, how: How) -> None:
        """End both sides for the stage: the client's through the radio, the server's with FIN, which is beyond it."""
        self.boxed = True
        self._links[DOWNSTREAM].end(how)
        if self._left.get(Side.SERVER) is not How.RST:
            self._links[UPSTREAM].end(How.FIN, final=True)

    def look_again(self) -> None:
        """Watch the stage's deadline, which came nearer."""
        if self._service is None or self.stage is None or self.stage.deadline >= self._nap_until:
            return
        if self._nap is None:
            self._service.start_soon(self._tick)
        else:
            self._nap.cancel()
        self._nap_until = self.stage.deadline

    async def _tick(self) -> None:
        """Tell the stage when its deadline has come, as long as it has one."""
        assert self.stage is not None
        while not math.isinf(until := self.stage.deadline):
            self._nap_until = until
            with trio.CancelScope() as self._nap:
                await trio.sleep_until(until)
            if self.stage.deadline <= trio.current_time():
                self.stage.due()
        self._nap = None
        self._nap_until = math.inf

    def die(self) -> None:
        """Note that nothing reaches the client any more. Idempotent."""
        if self.dead_since is None:
            self.dead_since = trio.current_time()
            self._died(self)

    def bury(self) -> bool:
        """Close the server's side of a dead flow; False where that has ended already."""
        if Side.SERVER in self._noted or Side.SERVER not in self.streams:
            return False
        self._links[UPSTREAM].end(How.FIN, final=True)
        self.note(Side.SERVER, How.CLOSED)
        return True

    def apply(self, act: Act) -> None:
        """Do what the device says."""
        link, sink = self._links[act.direction], _SINK[act.direction]
        match act.do:
            case Do.RELEASE:
                link.release()
            case Do.DISCARD:
                link.discard()
            case Do.FIN:
                link.end(How.FIN, final=True)
                self.note(sink, How.CLOSED)
            case Do.RST | Do.ABORT:
                self._reset(sink)
                link.discard()
                self.note(sink, How.CLOSED, swallowed=act.do is Do.ABORT)
                if act.do is Do.ABORT:
                    self.die()

    def leave(self, side: Side, how: How) -> None:
        """An end has left; the other learns of it as the path allows. RST may follow a FIN, nothing else repeats."""
        if self._left.get(side) in (how, How.RST):
            return
        self._left[side] = how
        if how is How.RST:
            self.device.leaves(self.cid, _TOWARD[side])
            self._links[_TOWARD[side]].discard()
        known = self.stage is None or self.stage.leaves(side)
        fate = self.device.arrives(self.cid, _AWAY[side])
        swallowed = fate is Fate.DROP or not known
        self.note(side, how, swallowed=swallowed)
        if not swallowed:
            self._links[_AWAY[side]].end(how)
        elif side is Side.CLIENT:
            self.die()

    def note(self, side: Side, how: How, *, swallowed: bool = False) -> None:
        """Record how a side ended; its first end counts."""
        if side not in self._noted:
            self._noted.add(side)
            self.journal.write(ConnEnd(cid=self.cid, side=side, how=how, swallowed=swallowed))

    async def wait_for_radio(self) -> None:
        """Pay for the handshake, and for waking the radio."""
        if self._radio is not None:
            now = trio.current_time()
            until = max(self._ready_at, self._radio.chunk(now))
            if until > now:
                await trio.sleep_until(until)

    def use_radio(self) -> None:
        """Note bytes that the radio carries without being charged: a burst after a stall."""
        if self._radio is not None:
            self._radio.use(trio.current_time())

    async def _connect(self, connect: Callable[[], Awaitable[Stream]]) -> bool:
        """Dial the server; a refusal reaches the client as RST, the nearest thing to it."""
        with self._dial:
            try:
                self.streams[Side.SERVER] = await connect()
            except OSError:
                self.leave(Side.SERVER, How.RST)
        return Side.SERVER in self.streams

    def _reset(self, side: Side) -> None:
        stream = self.streams.get(side)
        if stream is not None:
            stream.reset()
        else:
            self._dial.cancel()
