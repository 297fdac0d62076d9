"""The simulated network: the kernel's part in the simulated world, in memory and in virtual time.

It knows connect, listen, bytes, FIN, RST and a listener's door; the states of paths are the gate's in either world.
What it simplifies, beside the loopback it stands in for:

- bytes, FIN and RST take no time: latency and rates are the toxics', stalls the gate's;
- a direction holds ``buffer`` bytes, in one place instead of two kernels' buffers;
- a dial whose SYN is dropped knocks again as ``syn`` says, to the second, without the kernel's few milliseconds;
- a listener's queue holds ``BACKLOG`` connections; a full one drops SYNs, as Linux does;
- names are not resolved, and ports of dials are handed out in order.

The rules of closing are Linux's, tried side by side on loopback (``tests/network/test_simulated.py``): unread bytes
turn a close into RST; what was received before RST can still be read; writing to a peer that has closed succeeds once
and is answered by RST, which is ``EPIPE`` where its FIN had come and ``ECONNRESET`` elsewhere.
"""

import errno
import itertools
import operator
import os
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import trio

from harness.chance import Dice
from harness.clock import sleep_until
from harness.errors import EnvironmentFault
from harness.network.loopback import is_loopback
from harness.network.pipes import Pipe
from harness.network.shaped import ProxySide, ShapedPath
from harness.seams import Address, Door, Listener, Network, Stream

BUFFER = 4_180_000
"""Bytes that wait unread in one direction before their writer must: what a kernel was seen to swallow on loopback."""

BACKLOG = 128
CHUNK = 65_536
LINUX_SYN = (1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 11.0, 19.0, 35.0, 67.0, 131.0)
"""Seconds after the first SYN: Linux 6.5 and later, with tcp_syn_linear_timeouts 4 and tcp_syn_retries 6; the last one
gives up."""

_FIRST_DIAL, _LAST_DIAL = 32_768, 60_999  # Linux's ip_local_port_range
_FIRST_LISTENER = 10_000


class Peer(Protocol):
    """The far end of a stream."""

    def peer_left(self) -> None:
        """Learn that the stream is closed; FIN or RST tells how."""
        ...

    def take_rst(self) -> None:
        """RST has come from the stream."""
        ...


class _Turn:
    """One task at a time."""

    __slots__ = ("_taken", "_words")

    def __init__(self, words: str) -> None:
        self._words = words
        self._taken = False

    def __enter__(self) -> None:
        if self._taken:
            raise trio.BusyResourceError(self._words)
        self._taken = True

    def __exit__(self, *_: object) -> None:
        self._taken = False


class SimStream(Stream):
    """One end of a simulated connection. Made in pairs by ``SimNetwork``."""

    def __init__(self, network: "SimNetwork", local: Address, peer: Address, inbox: Pipe, outbox: Pipe) -> None:
        self.local = local
        self.peer = peer
        self._network = network
        self._inbox = inbox
        self._outbox = outbox
        self._other: Peer | None = None  # None: it is gone altogether
        self._closed = False
        self._finished = False  # its FIN was sent
        self._fault = 0  # errno, once RST has come
        self._receiving = _Turn("another task is receiving from this stream")
        self._sending = _Turn("another task is sending on this stream")

    def joins(self, other: Peer) -> None:
        """Learn who is at the other end."""
        self._other = other

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what has arrived, at most ``max_bytes``; ``b""`` after the peer's FIN."""
        if max_bytes is None:
            max_bytes = CHUNK
        elif operator.index(max_bytes) < 1:
            raise ValueError(f"max_bytes must be at least 1, got {max_bytes!r}")
        with self._receiving:
            self._check_open()
            inbox = self._inbox
            if self._readable:
                await trio.lowlevel.checkpoint()
            else:
                await inbox.wait()
            while not self._readable:
                await inbox.wait()
            self._check_open()
            if inbox.chunks:
                return inbox.take(max_bytes)
            if inbox.finished:
                return b""
            raise self._broken()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Hand everything over; waits only where the peer's side is full."""
        with self._sending:
            self._check_sendable()
            await trio.lowlevel.checkpoint_if_cancelled()
            rest = memoryview(data)
            blocked = False
            while rest:
                self._check_sendable()
                rest = rest[self._put(rest) :]
                if rest:
                    blocked = True
                    await self._outbox.writable.wait()
            if blocked:
                return
            # Yield after the bytes are on their way, as on real sockets.
            await trio.lowlevel.cancel_shielded_checkpoint()

    def send_now(self, data: bytes | bytearray | memoryview) -> int:
        """Hand over what there is room for; see ``Stream``."""
        with self._sending:
            self._check_sendable()
            return self._put(memoryview(data))

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until there is room."""
        with self._sending:
            self._check_sendable()
            await trio.lowlevel.checkpoint()
            while not (self._closed or self._fault or self._other is None or self._outbox.has_room):
                await self._outbox.writable.wait()
            self._check_open()

    def finish(self) -> None:
        """Send FIN; see ``Stream``."""
        with self._sending:
            self._check_open()
            self._finished = True
            self._outbox.finish()

    def close(self) -> None:
        """Close; see ``Stream``."""
        if self._closed:
            return
        if self._inbox.look() and self._inbox.chunks:
            self.reset()
        else:
            self._outbox.finish()
            self._leave()

    def reset(self) -> None:
        """Close at once with RST. Idempotent, never blocks."""
        if not self._closed:
            other = self._other
            self._leave()
            if other is not None:
                other.take_rst()

    def take_rst(self) -> None:
        """RST has come from the peer: what was received before can still be read."""
        self._other = None
        # In CLOSE_WAIT, after the peer's FIN, Linux says EPIPE (tcp_reset in net/ipv4/tcp_input.c).
        self._fault = errno.EPIPE if self._inbox.finished else errno.ECONNRESET
        self._wake()

    @property
    def _readable(self) -> bool:
        return bool(self._inbox.look() or self._fault or self._closed)

    def _put(self, data: memoryview) -> int:
        if self._other is None:  # it closed in order, and answers what comes now with RST
            self._fault = errno.EPIPE
            self._wake()
            return len(data)
        return self._outbox.put(data)

    def _leave(self) -> None:
        """Close this end: it reads nothing more, and each call of it says that it is closed."""
        self._closed = True
        self._network.left(self)
        self._inbox.clear()
        other, self._other = self._other, None
        if other is not None:
            other.peer_left()
        self._wake()

    def peer_left(self) -> None:
        """Learn that the other end exists no more; how it went is told by FIN or RST."""
        self._other = None
        self._outbox.writable.ring()

    def _wake(self) -> None:
        self._inbox.readable.ring()
        self._outbox.writable.ring()

    def _check_open(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError

    def _check_sendable(self) -> None:
        if self._closed or self._finished:
            raise trio.ClosedResourceError
        if self._fault:
            raise self._broken()

    def _broken(self) -> trio.BrokenResourceError:
        """Return the error that RST left, on top of the system's own."""
        cause = OSError(self._fault, os.strerror(self._fault))
        error = trio.BrokenResourceError(str(cause))
        error.__cause__ = cause
        return error


class SimListener(Listener):
    """A bound port and its door; see ``Listener``."""

    def __init__(self, network: "SimNetwork", address: Address) -> None:
        self.address = address
        self._network = network
        self._door = Door.OPEN
        self._queue: deque[SimStream] = deque()
        self._waiting = trio.lowlevel.ParkingLot()
        self._closed = False

    async def accept(self) -> Stream:
        """Wait for the next connection; see ``Listener``."""
        if self._queue or self._closed:
            await trio.lowlevel.checkpoint()
        while not self._queue:
            if self._closed:
                raise trio.ClosedResourceError
            await self._waiting.park()
        return self._queue.popleft()

    async def set_door(self, door: Door) -> None:
        """Change what new dials meet; see ``Listener``."""
        await trio.lowlevel.checkpoint()
        if self._closed:
            raise trio.ClosedResourceError
        self._door = door

    async def aclose(self) -> None:
        """Free the port, and reset the connections that were not accepted. Idempotent."""
        if not self._closed:
            self._closed = True
            self._network.freed(self)
            while self._queue:
                self._queue.popleft().reset()
            self._waiting.unpark_all()
        await trio.lowlevel.checkpoint()

    def meets(self) -> Door:
        """Return what a SYN meets now."""
        return Door.HANG if self._door is Door.OPEN and len(self._queue) >= BACKLOG else self._door

    @property
    def lets_in(self) -> bool:
        """True if it is open, however long its queue."""
        return self._door is Door.OPEN

    def arrives(self, stream: SimStream) -> None:
        """Learn that a handshake is complete."""
        self._queue.append(stream)
        self._waiting.unpark()


class SimNetwork(Network):
    """Connect and listen in memory. ``syn``: seconds from a dial's first SYN to each retry, the last gives up."""

    def __init__(self, *, buffer: int = BUFFER, syn: Sequence[float] = LINUX_SYN) -> None:
        self.syn = tuple(syn)
        self._buffer = buffer
        self._listeners: dict[Address, SimListener] = {}
        self._paths: dict[Address, ShapedPath] = {}
        self._streams: dict[SimStream, None] = {}
        self._ports = itertools.cycle(range(_FIRST_DIAL, _LAST_DIAL))
        self._taken: set[int] = set()

    async def connect(
        self, address: Address, *, dialing: Callable[[Address], None] | None = None, aside: bool = False
    ) -> Stream:
        """Dial; see ``Network``. Raises ``ECONNREFUSED``, or ``ETIMEDOUT`` when the last SYN stays unanswered."""
        local = ("127.0.0.1", self._port())
        try:
            if dialing is not None:
                dialing(local)
            await self._handshake(address)
        except BaseException:
            self._taken.discard(local[1])
            raise
        path = self._paths.get(address)
        if path is not None:
            return self._through(path, local, aside=aside)
        near, far = self._pair(local, address)
        self._listeners[address].arrives(far)
        return near

    def path(self, upstream: Address, dice: Dice) -> ShapedPath:
        """Make a path to ``upstream``, as yet without toxics; ``close_path`` takes it away."""
        made = ShapedPath(self._free_address("127.0.0.1"), upstream, room=self._buffer, dice=dice)
        self._paths[made.address] = made
        return made

    def close_path(self, path: ShapedPath) -> None:
        """Take a path away, and close every connection through it."""
        del self._paths[path.address]
        path.cut()

    async def listen(self, address: Address = ("127.0.0.1", 0)) -> Listener:
        """Bind and listen; see ``Network``. Raises ``EnvironmentFault`` where the address is taken or not loopback."""
        await trio.lowlevel.checkpoint()
        host, port = address
        if not is_loopback(host):
            raise EnvironmentFault(f"cannot listen on {host}: only loopback is served, use 127.0.0.1 or [::1]")
        if not port:
            address = self._free_address(host)
        if address in self._listeners or address in self._paths:
            raise EnvironmentFault(f"cannot listen on {host}:{port}: it is taken; choose another port")
        made = self._listeners[address] = SimListener(self, address)
        return made

    def sockets(self) -> list[str]:
        """Return what is open now: listeners, then ends of connections, in the order of their making."""
        listening = [f"listens on {host}:{port}" for host, port in self._listeners]
        return listening + [f"{_text(stream.local)} to {_text(stream.peer)}" for stream in self._streams]

    async def _handshake(self, address: Address) -> None:
        """Return when the door lets in a SYN of a dial that begins now."""
        began = trio.current_time()
        await trio.lowlevel.checkpoint_if_cancelled()
        knocks = iter(self.syn)
        while (door := self._meets(address)) is Door.HANG:
            if (knock := next(knocks, None)) is None:
                raise _os_error(errno.ETIMEDOUT, address)
            await sleep_until(began + knock)
        if door is Door.REFUSE:
            await trio.lowlevel.checkpoint()  # who redials at once shall let others run
            raise _os_error(errno.ECONNREFUSED, address)

    def _free_address(self, host: str) -> Address:
        addresses = ((host, port) for port in itertools.count(_FIRST_LISTENER))
        return next(free for free in addresses if free not in self._listeners and free not in self._paths)

    def _meets(self, address: Address) -> Door:
        if address in self._paths:
            return Door.OPEN
        listener = self._listeners.get(address)
        return Door.REFUSE if listener is None else listener.meets()

    def _port(self) -> int:
        port = next(port for port in self._ports if port not in self._taken)
        self._taken.add(port)
        return port

    def _pair(self, local: Address, address: Address) -> tuple[SimStream, SimStream]:
        up, down = Pipe(self._buffer), Pipe(self._buffer)
        near = SimStream(self, local, address, inbox=down, outbox=up)
        far = SimStream(self, address, local, inbox=up, outbox=down)
        near.joins(far)
        far.joins(near)
        self._streams[near] = self._streams[far] = None
        return near, far

    def _through(self, path: ShapedPath, local: Address, *, aside: bool) -> SimStream:
        """Return a connection through a path: its proxy takes it in, whatever the upstream then says."""
        listener = self._listeners.get(path.upstream)
        if listener is None or not listener.lets_in:
            near, far = self._pair(local, path.address)
            far.close()
            return near
        up, down = path.pipes(aside=aside)
        near = SimStream(self, local, path.address, inbox=down, outbox=up)
        far = SimStream(self, path.upstream, local, inbox=up, outbox=down)
        self._streams[near] = self._streams[far] = None
        path.join(up, down, near, far)
        near.joins(ProxySide(hears=up, says=down))
        far.joins(ProxySide(hears=down, says=up))
        listener.arrives(far)
        return near

    # For its streams and listeners.

    def left(self, stream: SimStream) -> None:
        """Learn that an end of a connection is closed."""
        self._streams.pop(stream, None)
        self._taken.discard(stream.local[1])

    def freed(self, listener: SimListener) -> None:
        """Learn that a port is free again."""
        self._listeners.pop(listener.address, None)


def _os_error(code: int, address: Address) -> OSError:
    return OSError(code, f"{os.strerror(code)}: {_text(address)}")


def _text(address: Address) -> str:
    return f"{address[0]}:{address[1]}"
