"""One direction of a flow: read, ask the device, write, in order.

The hot path is one task: what must wait goes to a queue, and a second task lives as long as the queue does. Only one of
the two writes at a time, and nothing overtakes the queue.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol
from zlib import crc32

import trio

from harness.device.model import ChunkFate, Device
from harness.history.journal import Journal
from harness.history.records import Chunk
from harness.network.ends import How, Side
from harness.network.stage import Stage
from harness.seams import Direction, Stream

CHUNK = 65_536
HELD_LIMIT = 8_000_000
"""Bytes that may wait in one direction; then its sender feels back-pressure."""

UPSTREAM, DOWNSTREAM = Direction.UPSTREAM, Direction.DOWNSTREAM

_SOURCE = {UPSTREAM: Side.CLIENT, DOWNSTREAM: Side.SERVER}
SINK = {UPSTREAM: Side.SERVER, DOWNSTREAM: Side.CLIENT}
"""The end that a direction leads to."""


class LinkedFlow(Protocol):
    """The flow that a link is one direction of, as the link needs it.

    ``dialed``: the links may carry. ``summed``: checksums are kept of all bytes. ``boxed``: the stage ended the flow.
    """

    cid: int
    device: Device
    journal: Journal
    stage: Stage | None
    streams: dict[Side, Stream]
    dialed: bool
    summed: bool
    boxed: bool

    def carry(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run this beside the rest."""

    def leave(self, side: Side, how: How) -> None:
        """Take in that an end has left."""

    def note(self, side: Side, how: How) -> None:
        """Record how a side ended."""

    def passed(self, side: Side) -> None:
        """Take in that the other side learns now of this one's end."""

    def die(self) -> None:
        """Take in that nothing reaches the client any more."""

    async def wait_for_radio(self, direction: Direction, offset: int) -> None:
        """Pay for what the radio costs bytes at this offset."""

    def use_radio(self) -> None:
        """Note bytes that the radio carries without being charged."""


class Link:
    """One direction of a flow."""

    def __init__(self, flow: LinkedFlow, direction: Direction) -> None:
        self.flow = flow
        self.direction = direction
        self._offset = 0
        self._crc = 0  # of all bytes so far
        self._crcs: dict[int, int] = {}  # the same with each piece that neither passed nor was lost yet, by its offset
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
        offset = self._enters(data)
        if not self._final and flow.device.passes(flow.cid, self.direction):
            await flow.wait_for_radio(self.direction, offset)
        if self._final:  # nothing follows a FIN that the network made, be it meanwhile
            self._drop(offset, data)
            return
        fate = flow.device.arrives(flow.cid, self.direction)
        if fate is ChunkFate.DROP:
            self._drop(offset, data)
        elif fate is ChunkFate.PASS and not (self._waiting or self._flushing or self._sending):
            await self._send(offset, data)
            self._kick()
        else:
            if fate is ChunkFate.HOLD:
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
        # The source's own end needs no task where nothing is in its way. One that the gate or a box made goes by the
        # queue, as does what they said in the other direction.
        if not final and self._idle and self.flow.device.arrives(self.flow.cid, self.direction) is ChunkFate.PASS:
            self._finish(how)
        else:
            self._queue(how)
            self._wake.set()

    def _queue(self, item: bytes | How) -> None:
        if self._entering:
            self._behind.append(item)
            return
        offset = self._offset
        if isinstance(item, bytes):
            self._enters(item)
            fate = self.flow.device.arrives(self.flow.cid, self.direction)
            if fate is ChunkFate.DROP:
                self._drop(offset, item)
                return
            if fate is ChunkFate.HOLD:
                self._record(offset, item, "held")
        self._put(offset, item)

    def _enters(self, data: bytes) -> int:
        """Give bytes their place among those of this direction; return its offset."""
        offset = self._offset
        self._offset += len(data)
        if self.flow.summed:
            self._crc = crc32(data, self._crc)
            self._crcs[offset] = self._crc
        return offset

    def release(self) -> None:
        """Let the waiting bytes go on."""
        self._wake.set()

    def discard(self) -> None:
        """Drop the waiting bytes and those that are half sent, and drop each byte that is read from now on."""
        if self._sending is not None:
            self._sending.cancel()
            self.flow.device.arrives(self.flow.cid, self.direction)  # half a chunk may be missing: dead from now on
        self.drop_waiting()

    def drop_waiting(self) -> None:
        """Drop the waiting bytes. Bytes that are half sent go on."""
        for offset, item in self._waiting:
            if isinstance(item, bytes):
                self._drop(offset, item)
        self._waiting.clear()
        self._waiting_bytes = 0
        self._room.set()
        self._wake.set()

    def start(self) -> None:
        """The flow has dialled: begin to write what waits already."""
        self._kick()

    @property
    def _idle(self) -> bool:
        """True if what comes now need not queue behind anything."""
        busy = self._waiting or self._flushing or self._entering or self._sending is not None
        return self.flow.dialed and not busy

    def _put(self, offset: int, item: bytes | How) -> None:
        self._waiting.append((offset, item))
        if isinstance(item, bytes):
            self._waiting_bytes += len(item)
        self._kick()

    def _kick(self) -> None:
        if self._waiting and not self._flushing and self._sending is None and self.flow.dialed:
            self._flushing = True
            self.flow.carry(self._flush)

    async def _flush(self) -> None:
        """Write what waits, asking anew for each piece; ends with the queue."""
        device, cid = self.flow.device, self.flow.cid
        while self._waiting:
            fate = ChunkFate.PASS if self._final else device.arrives(cid, self.direction)
            if fate is ChunkFate.HOLD:
                self._wake = trio.Event()
                await self._wake.wait()
            elif fate is ChunkFate.DROP:
                self.discard()
            else:
                offset, item = self._waiting.popleft()
                if isinstance(item, How):
                    self._finish(item)
                else:
                    self._waiting_bytes -= len(item)
                    self._room.set()
                    self.flow.use_radio()
                    await self._send(offset, item)
        self._flushing = False

    async def _send(self, offset: int, data: bytes) -> None:
        sink = SINK[self.direction]
        # Recorded first, so that no reader's record of these bytes comes before ours.
        began_ns = self._record(offset, data, "delivered")
        stage, down = self.flow.stage, self.direction is DOWNSTREAM
        to_send = data if stage is None or down else stage.to_server(data)
        try:
            sent = self.flow.streams[sink].send_now(to_send) if to_send else 0
            if down and stage is not None:
                stage.delivered(offset + sent, began_ns)
            if sent < len(to_send) and not await self._send_rest(sink, memoryview(to_send)[sent:], offset + sent):
                self._drop(offset, data)
        except trio.BrokenResourceError:
            self.flow.leave(sink, How.RST)
        except trio.ClosedResourceError:
            pass  # the gate reset this end meanwhile

    async def _send_rest(self, sink: Side, rest: memoryview, offset: int) -> bool:
        """Send as there is room; False where ``discard`` ended that."""
        stream = self.flow.streams[sink]
        stage = self.flow.stage if self.direction is DOWNSTREAM else None
        with trio.CancelScope() as self._sending:
            while rest:
                await stream.wait_send_all_might_not_block()
                began_ns = self.flow.journal.stamp()
                sent = stream.send_now(rest)
                if not sent:  # it may know nothing but to send everything
                    await stream.send_all(rest)
                    sent = len(rest)
                rest, offset = rest[sent:], offset + sent
                if stage is not None:
                    stage.delivered(offset, began_ns)
        given_up = self._sending.cancelled_caught
        self._sending = None
        return not given_up

    def _finish(self, how: How) -> None:
        sink = SINK[self.direction]
        self.flow.passed(_SOURCE[self.direction])
        if self.direction is DOWNSTREAM and self.flow.stage is not None:
            self.flow.stage.over(how)
        if how is How.RST:
            self.flow.note(sink, How.CLOSED)
            self.flow.streams[sink].reset()
            return
        try:
            if self.direction is UPSTREAM and (stage := self.flow.stage) is not None and (rest := stage.rest()):
                self.flow.streams[sink].send_now(rest)
            self.flow.streams[sink].finish()
        except trio.BrokenResourceError:
            self.flow.leave(sink, How.RST)
        except trio.ClosedResourceError:
            pass  # reset meanwhile
        if self.flow.boxed:
            self.flow.note(sink, How.CLOSED)

    def _drop(self, offset: int, data: bytes) -> None:
        self._record(offset, data, "dropped")
        if self.direction is DOWNSTREAM:
            if self.flow.stage is not None:
                self.flow.stage.lost(offset)
            self.flow.die()

    def _record(self, offset: int, data: bytes, fate: str) -> int:
        """Record these bytes; return the record's stamp."""
        crc = self._crcs.get(offset, 0)
        if fate != "held":
            self._crcs.pop(offset, None)
        chunk = Chunk(cid=self.flow.cid, direction=self.direction, offset=offset, length=len(data), fate=fate, crc=crc)
        self.flow.journal.write(chunk)
        return chunk.t_ns
