"""Shaped paths of the simulated network: what Toxiproxy's proxies are on real sockets, without tasks of their own.

A dial to a path's address goes on to its upstream at once, and each direction of the connection is a pipe with a chain
of toxics in it. A reader sleeps until the chain lets go of something; the chain's clock is wound forward from due
time to due time, as if a writer of its own had woken up for each. The rules are those of ``harness.toxiproxy.link``:

- what a socket's buffer would hold waits in front of the chain, and behind it;
- there is no half-close, and RST turns into FIN: the end of a source, once the chain has drained, closes the
  destination altogether, which then ends the other direction;
- an upstream that refuses closes the client's connection after it was accepted.

Simplified: the dial to the upstream takes no time, and finds room in its queue; and whether a proxy that closes had
bytes unread, so that its FIN became RST, is decided a read or two differently.
"""

import math
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

import trio

from harness.chance import Dice
from harness.clock import SimClock
from harness.network.pipes import Pipe
from harness.seams import Address, Direction
from harness.toxics import Chain, Toxified

READ_MAX = 32 * 1024
"""Bytes per chunk: Toxiproxy's copy buffer."""


class PipeEnd(Protocol):
    """A stream, as its connection sees it."""

    def peer_left(self) -> None:
        """Learn that the reader of the written bytes has gone."""
        ...

    def take_rst(self) -> None:
        """RST has come from it."""
        ...


class ShapedPipe(Pipe):
    """A direction with toxics in it. ``ended``, if set, is called once its end has come through."""

    def __init__(self, room: int, chain: Chain) -> None:
        super().__init__(room)
        self.ended: Callable[[], None] | None = None
        self._chain = chain
        self._pending: deque[bytes] = deque()  # in front of the chain
        self._pending_size = 0
        self._alarm = 0  # the token of the one that is set for the waiting reader; 0: none
        self._due = math.inf  # when it rings
        self._wound = trio.current_time()  # up to when the chain has done all that was due
        self._deaf = False  # the reader has gone
        self._over = False

    def look(self) -> bool:
        """Return whether there is something to read by now."""
        self._wind()
        return bool(self.chunks or self.finished)

    async def wait(self) -> None:
        """Wait for the chain's next due time, or for whatever comes earlier."""
        if not self._chain.transparent:
            self._set_alarm()
        await self.readable.wait()

    def put(self, data: memoryview) -> int:
        """Take as many of these bytes as there is room for in front of the chain, and return how many."""
        if self._deaf:
            return len(data)
        if self._chain.transparent and not self._pending:
            return super().put(data)
        self._wind()
        taken = min(len(data), self.room - self._pending_size)
        for start in range(0, taken, READ_MAX):
            self._pending.append(bytes(data[start : min(taken, start + READ_MAX)]))
        self._pending_size += taken
        self._feed()
        self._ring()
        return taken

    @property
    def has_room(self) -> bool:
        """True if a writer need not wait."""
        return self._pending_size < self.room

    def finish(self) -> None:
        """Send FIN: it follows what waits. Idempotent."""
        if self.shut:
            return
        self.shut = True
        if self._deaf or (self._chain.transparent and not self._pending):
            self._end()
        else:
            self._wind()
            self._feed()
        self._ring()

    @property
    def unread(self) -> bool:
        """True if the proxy has bytes of this direction that it has not taken yet."""
        return bool(self._pending)

    @property
    def resets(self) -> bool:
        """True if a toxic of this direction has the connection closed with RST."""
        return self._chain.resets

    def deafen(self) -> None:
        """Drop all that is written from now on: the reader has gone."""
        self._deaf = True
        self._pending.clear()
        self._pending_size = 0
        self.clear()
        self.writable.ring()

    def cut(self) -> None:
        """End at once, what is queued being lost."""
        self._deaf = self.shut = True
        self._pending.clear()
        self._end()
        self._ring()

    def change(self, apply: Callable[[Chain, float], None]) -> None:
        """Let ``apply`` change the chain's toxics now."""
        self._wind()
        apply(self._chain, trio.current_time())
        self._feed()
        self._ring()

    def _wind(self) -> None:
        """Let the chain do all that is due by now, each at its own time, as far as there is room behind it."""
        chain, now = self._chain, trio.current_time()
        while not self._over and self.size < self.room and (due := chain.next_due()) <= now:
            self._wound = max(due, self._wound)
            for piece in chain.pop(self._wound):
                self.chunks.append(piece)
                self.size += len(piece)
            self._feed()
            if chain.ended:
                self._end()
        self._wound = now

    def _feed(self) -> None:
        """Hand the chain what it has room for, at the time it is wound to."""
        chain = self._chain
        while self._pending and chain.room:
            data = self._pending.popleft()
            self._pending_size -= len(data)
            chain.push(self._wound, data)
            self.writable.ring()
        if self.shut and not self._pending:
            chain.close(self._wound)

    def _ring(self) -> None:
        """Wake the reader for what is there, or set its alarm anew."""
        if self.chunks or self.finished:
            self.readable.ring()
        elif self.readable:
            self._set_alarm()

    def _set_alarm(self) -> None:
        """Look at the chain again when it is next due."""
        due = self._chain.next_due()
        if due != self._due:
            self._due = due
            self._alarm = SimClock.current().at(due, self._alarmed)

    def _alarmed(self, token: int) -> bool:
        """Wind the chain, and wake the reader where something came of it; else wait for the next due time."""
        if token != self._alarm:
            return False  # set anew meanwhile
        self._due = math.inf
        if not self.readable:
            return False  # no reader waits; the next read winds the chain first
        self._wind()
        self._ring()
        return not self.readable

    def _end(self) -> None:
        if not self._over:
            self._over = self.finished = True
            if self.ended is not None:
                self.ended()


class ProxySide:
    """The proxy's socket that a stream of a shaped connection is connected to."""

    def __init__(self, *, hears: ShapedPipe, says: ShapedPipe) -> None:
        self._hears = hears
        self._says = says

    def peer_left(self) -> None:
        """Learn that the stream has closed: what it sent goes on, what is said to it is lost."""
        self._says.deafen()
        self._hears.finish()

    def take_rst(self) -> None:
        """RST is an end like any other to a proxy."""


class ShapedPath(Toxified):
    """A named way to an upstream with toxics on it; ``SimNetwork.path`` makes one. Its connections live on without it.

    Each change holds from now on, also for open connections, as in ``harness.toxiproxy.proxy``.
    """

    def __init__(self, address: Address, upstream: Address, *, room: int, dice: Dice) -> None:
        super().__init__()
        self.address = address
        self.upstream = upstream
        self._room = room
        self._dice = dice
        self._made = {False: 0, True: 0}  # pipes so far; those aside have numbers of their own
        self._pipes: dict[Direction, dict[ShapedPipe, None]] = {direction: {} for direction in Direction}

    def pipes(self, *, aside: bool = False) -> tuple[ShapedPipe, ShapedPipe]:
        """Return a new connection's directions, upstream first; one ``aside`` changes no draw of the others."""
        return self._pipe(Direction.UPSTREAM, aside), self._pipe(Direction.DOWNSTREAM, aside)

    def join(self, up: ShapedPipe, down: ShapedPipe, near: PipeEnd, far: PipeEnd) -> None:
        """Let the end of either direction be the end of the other."""
        up.ended = partial(self._ended, Direction.UPSTREAM, up, down, far)
        down.ended = partial(self._ended, Direction.DOWNSTREAM, down, up, near)

    def cut(self) -> None:
        """Close every connection at once, what is queued being lost."""
        for pipes in self._pipes.values():
            for pipe in tuple(pipes):
                pipe.cut()

    def _change(self, direction: Direction, apply: Callable[[Chain, float], None]) -> None:
        for pipe in tuple(self._pipes[direction]):
            pipe.change(apply)

    def _ended(self, direction: Direction, pipe: ShapedPipe, back: ShapedPipe, reader: PipeEnd) -> None:
        """The proxy closes its socket to the reader: with RST where a toxic has it so, or bytes were left unread."""
        self._pipes[direction].pop(pipe, None)
        if back.unread or pipe.resets or back.resets:
            pipe.finished = False
            reader.take_rst()
        else:
            reader.peer_left()
        back.finish()

    def _pipe(self, direction: Direction, aside: bool) -> ShapedPipe:
        self._made[aside] += 1
        number = -self._made[aside] if aside else self._made[aside]
        pipe = ShapedPipe(self._room, Chain(self.toxics_of(direction), self._dice.split(number), trio.current_time()))
        self._pipes[direction][pipe] = None
        return pipe
