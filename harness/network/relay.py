"""One flow through the gate: two directions, each in order, each as the device decides, and a stage in their way.

Ends are kept apart: an end that is gone is not told to the other unless the path lets it through. A socket stays open
until both ends have left, or closing it would tell what the path has swallowed.
"""

import math
from collections.abc import Awaitable, Callable

import trio

from harness.clock import MovableSleep, sleep_until
from harness.device.model import Act, ChunkFate, Device, Do
from harness.device.radio import RadioState
from harness.history.journal import Journal
from harness.history.records import ConnEnd, EndPassed, Waited
from harness.network.ends import How, Side
from harness.network.link import DOWNSTREAM, SINK, UPSTREAM, Link
from harness.network.phone import DialledConnection
from harness.network.stage import Stage
from harness.seams import Direction, Stream

_AWAY = {Side.CLIENT: UPSTREAM, Side.SERVER: DOWNSTREAM}
_TOWARD = {Side.CLIENT: DOWNSTREAM, Side.SERVER: UPSTREAM}


class RelayedFlow:
    """A client's connection and the gate's own one to the server. ``radio`` None: it costs nothing (the canary).

    ``connection`` is what the phone knows of it; None where no phone of this process has dialled it.
    """

    def __init__(
        self,
        *,
        cid: int,
        path: str,
        client: Stream,
        device: Device,
        journal: Journal,
        radio: RadioState | None,
        stage: Stage | None,
        died: "Callable[[RelayedFlow], None]" = lambda _: None,
        connection: DialledConnection | None = None,
    ) -> None:
        self.cid = cid
        self.path = path
        self.device = device
        self.journal = journal
        self.stage = stage
        self.streams: dict[Side, Stream] = {Side.CLIENT: client}
        self.dialed = False  # the links may carry
        self.aside = radio is None  # the harness's own
        self.summed = connection is not None  # its bytes are held against those that its phone has sent and read
        self.boxed = False  # the stage ended it
        self.dead_since: float | None = None  # nothing reaches the client any more, and the server was not told
        self._died = died
        self._connection = connection
        self._released = False  # the server's side ends with the client's
        self._tasks: trio.Nursery | None = None  # until nothing is carried any more
        self._carrying = 0
        self._movable_sleep: MovableSleep | None = None
        self._sleep_until = math.inf
        self._radio = radio
        self._ready_at = radio.dial(trio.current_time()) if radio is not None else 0.0
        self._links = {direction: Link(self, direction) for direction in (UPSTREAM, DOWNSTREAM)}
        self._left: dict[Side, How] = {}
        self._noted: set[Side] = set()
        self._held: dict[Side, How] = {}  # ends that the other side knows nothing of yet
        self._dial = trio.CancelScope()
        if stage is not None:
            stage.attach(self)

    async def run(self, connect: Callable[[], Awaitable[Stream]]) -> None:
        """Dial the server, relay until both ends have left, leave nothing open."""
        try:
            async with trio.open_nursery() as self._tasks:
                self.look_again()
                connected = await self._connect(connect)
                self.dialed = True
                self.carry(self._links[UPSTREAM].pump)
                if connected:
                    self.carry(self._links[DOWNSTREAM].pump)
                for link in self._links.values():
                    link.start()
                if self._released:
                    self.release()
            for stream in self.streams.values():
                stream.close()
        finally:
            self._tasks = None
            for stream in self.streams.values():
                stream.reset()
            for side in Side:
                self.note(side, How.CLOSED)
            if self.stage is not None:
                self.stage.ended()

    def carry(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run this beside the rest. When nothing of the kind is left the flow is over, and nothing begins any more."""
        if self._tasks is not None:
            self._carrying += 1
            self._tasks.start_soon(self._carry, work)

    async def _carry(self, work: Callable[[], Awaitable[None]]) -> None:
        await work()
        self._carrying -= 1
        if not self._carrying and self._tasks is not None:
            self._tasks.cancel_scope.cancel()
            self._tasks = None

    def say(self, data: bytes) -> None:
        """Send the client bytes of the stage's own, through the radio."""
        self._links[DOWNSTREAM].say(data)

    def end(self, how: How) -> None:
        """End both sides for the stage: the client's through the radio, the server's with FIN, which is beyond it.

        The client's bytes that a stalled path holds have not reached the box. They are lost: their reader has gone.
        """
        self.boxed = True
        self._links[DOWNSTREAM].end(how)
        self._links[UPSTREAM].drop_waiting()
        if self._left.get(Side.SERVER) is not How.RST:
            self._links[UPSTREAM].end(How.FIN, final=True)

    def look_again(self) -> None:
        """Watch the stage's deadline, which came nearer."""
        if self._tasks is None or self.stage is None or self.stage.deadline >= self._sleep_until:
            return
        if self._movable_sleep is None:
            self._tasks.start_soon(self._tick)
        else:
            self._movable_sleep.end()
        self._sleep_until = self.stage.deadline

    async def _tick(self) -> None:
        """Tell the stage when its deadline has come, as long as it has one."""
        assert self.stage is not None
        while not math.isinf(until := self.stage.deadline):
            self._sleep_until = until
            self._movable_sleep = self._movable_sleep or MovableSleep()
            await self._movable_sleep.until(until)
            if self.stage.deadline <= trio.current_time():
                self.stage.due()
        self._movable_sleep = None
        self._sleep_until = math.inf

    def die(self) -> None:
        """Note that nothing reaches the client any more. Idempotent."""
        if self.dead_since is None:
            self.dead_since = trio.current_time()
            self._died(self)

    def release(self) -> None:
        """Close the server's side as soon as the client has left, and be over."""
        self._released = True
        if Side.CLIENT in self._noted and self._tasks is not None:
            self.note(Side.SERVER, How.CLOSED)
            self._tasks.cancel_scope.cancel()
            self._tasks = None

    def bury(self) -> bool:
        """Close the server's side of a dead flow; False where that has ended already."""
        if Side.SERVER in self._noted or Side.SERVER not in self.streams:
            return False
        self._links[UPSTREAM].end(How.FIN, final=True)
        self.note(Side.SERVER, How.CLOSED)
        return True

    def apply(self, act: Act) -> None:
        """Do what the device says."""
        link, sink = self._links[act.direction], SINK[act.direction]
        match act.do:
            case Do.RELEASE:
                link.release()
            case Do.DISCARD:
                link.discard()
            case Do.FIN:
                link.end(How.FIN, final=True)
                self.note(sink, How.CLOSED)
            case Do.RST | Do.ABORT:
                if sink is Side.CLIENT and self.stage is not None:
                    self.stage.over(How.RST)
                self.note(sink, How.CLOSED, swallowed=act.do is Do.ABORT)  # before a peer can meet it
                self._reset(sink)
                link.discard()
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
        known = self.stage is None or self.stage.leaves(side, how)
        fate = self.device.arrives(self.cid, _AWAY[side])
        swallowed = fate is ChunkFate.DROP or not known
        self.note(side, how, swallowed=swallowed, held=fate is ChunkFate.HOLD and not swallowed)
        if not swallowed:
            self._links[_AWAY[side]].end(how)
        elif side is Side.CLIENT:
            self.die()
        if self._released:
            self.release()

    def note(self, side: Side, how: How, *, swallowed: bool = False, held: bool = False) -> None:
        """Record how a side ended; its first end counts."""
        if side not in self._noted:
            self._noted.add(side)
            now = self.journal.stamp()
            phone = self._connection if side is Side.CLIENT else None
            left = phone.left_ns if phone is not None else 0
            self.journal.write(
                ConnEnd(
                    cid=self.cid,
                    side=side,
                    how=how,
                    swallowed=swallowed,
                    held=held,
                    left_ns=left if left < now else 0,
                    sent=phone.sent if phone is not None else 0,
                    crc=phone.sent_crc if phone is not None else 0,
                    t_ns=now,
                )
            )
            if held:
                self._held[side] = how
            if self.stage is not None and len(self._noted) == len(Side):
                self.stage.parted()

    def passed(self, side: Side) -> None:
        """Record that the other side learns now of this one's end, if that was held."""
        how = self._held.pop(side, None)
        if how is not None:
            self.journal.write(EndPassed(cid=self.cid, side=side, how=how))

    async def wait_for_radio(self, direction: Direction, offset: int) -> None:
        """Pay for the handshake, and for waking the radio, for bytes at this offset; a wait is recorded as it begins.

        They may then be held or lost all the same.
        """
        if self._radio is not None:
            now = trio.current_time()
            until = max(self._ready_at, self._radio.chunk(now))
            if until > now:
                at_ns = self.journal.stamp()  # its own: of a wait of microseconds the journal's would be the end
                until_ns = at_ns + round((until - now) * 1e9)
                waited = Waited(cid=self.cid, direction=direction, offset=offset, until_ns=until_ns, t_ns=at_ns)
                self.journal.write(waited)
                await sleep_until(until)

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
