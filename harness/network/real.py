"""The real network: loopback listeners whose doors can be shut while they live, and dials that keep their errno.

A listener is two sockets. The *keeper* is bound, never listens, and holds the port as long as the listener lives. The
*ear* listens on the same port (both have SO_REUSEADDR) and is there only while the door is not refusing: without it the
kernel answers each SYN with RST.

A door that hangs is an ear whose queue is full: Linux drops a SYN then, and the dialer tries again. The order matters
(measured: the other way round, a dial slipped in 5 of 5 times): wake the waiting ``accept`` calls, then ``listen(0)``,
then fill the queue with a dial of our own. Fillers come from an address of their own, by which ``accept`` knows them.
"""

import errno
import os
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable

import trio

from harness.errors import EnvironmentFault, OutOfFiles
from harness.network.kernel import loopback_address
from harness.network.streams import RealStream
from harness.seams import Address, Door, Listener, Network, Stream

BACKLOG = 128
FILLER = "127.0.0.2"
_FILL_TRIES = 8
_FILL_TIMEOUT = 1.0
_ESTABLISHED = 1
_SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)  # accept(2), socket(2)
_QUEUE = struct.Struct("24xII")  # struct tcp_info: tcpi_unacked, tcpi_sacked; of a listener: queue, and its limit


DIALS_CAN_HANG = sys.platform == "linux"
"""Only Linux drops the SYNs that a full queue has no room for, and tells in TCP_INFO that it is full."""

NO_HANGING = f"no SYN can be left unanswered on {sys.platform}: words that make dials hang need Linux, or virtual time"
NO_SOCKETS = (
    f"no runs on real sockets on {sys.platform}: a port that refuses dials would be lost, since no second socket can "
    "be bound to it (Linux can, and `--world virtual` needs none)"
)


def ports_can_be_kept() -> bool:
    """Return whether a second socket can be bound to a port: the port stays ours while nothing listens; see above.

    Linux allows it with SO_REUSEADDR as long as neither listens (socket(7)); BSD's sockets do not.
    """
    with socket.socket() as keeper, socket.socket() as ear:
        for sock in (keeper, ear):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        try:
            ear.bind(keeper.getsockname())
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
    return True


class RealNetwork(Network):
    """Connect and listen on this machine's loopback."""

    async def connect(
        self,
        address: Address,
        *,
        dialing: Callable[[Address], None] | None = None,
        aside: bool = False,  # noqa: ARG002 - a kernel draws nothing
    ) -> Stream:
        """Dial; see ``Network``. The socket is connected directly, since trio's helper hides the errno."""
        sock = _socket(_family(address))
        try:
            code = sock.connect_ex(address)
            if dialing is not None:
                dialing(sock.getsockname()[:2])
            if code == errno.EINPROGRESS:
                await trio.lowlevel.wait_writable(sock)
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            else:
                await trio.lowlevel.checkpoint()
        except BaseException:
            sock.close()
            raise
        if code:
            sock.close()
            raise OSError(code, f"{os.strerror(code)}: {address[0]}:{address[1]}")
        return RealStream(sock)

    async def listen(self, address: Address = ("127.0.0.1", 0)) -> Listener:
        """Bind and listen; see ``Network``."""
        await trio.lowlevel.checkpoint()
        return RealListener(address)


class RealListener(Listener):
    """One bound port and its door.

    Raises ``EnvironmentFault`` where the address is taken or forbidden, or the system binds one socket to a port.
    """

    def __init__(self, address: Address) -> None:
        host, port = address
        bound = loopback_address(host), port
        self._keeper = _socket(_family(bound))
        self._ear: socket.socket | None = None
        self._fillers: list[socket.socket] = []
        self._filling: set[Address] = set()  # where those dial from that have no address of their own: ::1 is alone
        self._ready: deque[socket.socket] = deque()  # accepted before the door was shut, not yet asked for
        self._closed = False
        self._changed = trio.Event()
        self._door = Door.OPEN
        self._lock = trio.Lock()
        try:
            self._keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._keeper.bind(bound)
            self.address: Address = self._keeper.getsockname()[:2]
            self._ear = self._listening(BACKLOG)
        except OSError as error:
            self._keeper.close()
            if error.errno == errno.EADDRINUSE and not ports_can_be_kept():
                raise EnvironmentFault(NO_SOCKETS) from error
            hint = "another program has it; stop it, or choose another port"
            if error.errno != errno.EADDRINUSE:
                hint = "choose a port this user may bind"
            elif not port:
                hint = "no port is free; end what holds them, or widen net.ipv4.ip_local_port_range"
            where = f"{host}:{port}" if port else host
            raise EnvironmentFault(f"cannot listen on {where} ({error.strerror}): {hint}") from error

    async def accept(self) -> Stream:
        """Wait for the next connection; see ``Listener``.

        Raises ``OutOfFiles`` where there is none left for it; it waits in the kernel's queue meanwhile.
        """
        await trio.lowlevel.checkpoint()
        while True:
            if self._closed:
                raise trio.ClosedResourceError
            if self._ready:
                return RealStream(self._ready.popleft())
            if self._door is not Door.OPEN:
                await self._changed.wait()
                continue
            assert self._ear is not None
            try:
                await trio.lowlevel.wait_readable(self._ear)
            except trio.ClosedResourceError:  # the door moved, or the listener closed
                continue
            if self._lets_in():  # it may have changed since the ear became readable
                self._take()

    async def set_door(self, door: Door) -> None:
        """Change what new dials meet; see ``Listener``. ``HANG`` needs Linux, else raises ``EnvironmentFault``."""
        async with self._lock:
            await trio.lowlevel.checkpoint()
            if self._closed:
                raise trio.ClosedResourceError
            if door is self._door:
                return
            if door is Door.HANG:
                await self._hang()
            elif door is Door.REFUSE:
                self._turn(door)
                self._deafen()
            else:
                self._drop_fillers()
                if self._ear is None:
                    self._ear = self._listening(BACKLOG)
                else:
                    self._ear.listen(BACKLOG)
                self._turn(door)

    async def aclose(self) -> None:
        """Free the port; see ``Listener``. Connections that were not accepted are reset."""
        if not self._closed:
            self._closed = True
            self._turn(self._door)
            self._deafen()
            while self._ready:
                self._ready.popleft().close()
            self._keeper.close()
        await trio.lowlevel.checkpoint()

    def _lets_in(self) -> bool:
        return self._door is Door.OPEN and not self._closed

    def _turn(self, door: Door) -> None:
        """Let ``accept`` see the new door."""
        self._door = door
        if self._ear is not None:
            trio.lowlevel.notify_closing(self._ear)
        self._changed.set()
        self._changed = trio.Event()

    def _listening(self, backlog: int) -> socket.socket:
        listener = _socket(_family(self.address))
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(self.address)
            listener.listen(backlog)
        except OSError:
            listener.close()
            raise
        return listener

    def _take(self) -> None:
        """Move what the kernel has accepted to ``_ready``; fillers are not connections."""
        assert self._ear is not None
        while True:
            try:
                sock, peer = self._ear.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in (errno.ECONNABORTED, errno.EPROTO):
                    continue
                kind = OutOfFiles if error.errno in _SHORTAGES else EnvironmentFault
                raise kind(f"cannot accept a connection ({error.strerror}): raise `ulimit -n`") from error
            if peer[0] == FILLER or peer[:2] in self._filling:
                self._filling.discard(peer[:2])
                sock.close()
                continue
            sock.setblocking(False)
            self._ready.append(sock)

    def _deafen(self) -> None:
        """Close the ear: SYNs are answered with RST from now on."""
        self._drop_fillers()
        if self._ear is not None:
            if not self._closed:
                self._take()
            trio.lowlevel.notify_closing(self._ear)
            self._ear.close()
            self._ear = None

    def _drop_fillers(self) -> None:
        for filler in self._fillers:
            filler.close()
        self._fillers.clear()

    async def _hang(self) -> None:
        if not DIALS_CAN_HANG:
            raise EnvironmentFault(f"{self.address[0]}:{self.address[1]}: {NO_HANGING}")
        self._turn(Door.HANG)
        if self._ear is None:
            self._ear = self._listening(0)
        else:
            self._ear.listen(0)
        for _ in range(_FILL_TRIES):
            self._take()  # dials that were let in before the door was shut, and fillers of an earlier try
            self._drop_fillers()
            if await self._filled():
                return
        raise EnvironmentFault(f"the queue of {self.address[0]}:{self.address[1]} did not fill: dials would not hang")

    async def _filled(self) -> bool:
        """Fill the queue; True when it is full and it is our own filler that fills it."""
        listener = self._ear
        assert listener is not None
        filler = _socket(_family(self.address))
        self._fillers.append(filler)
        if filler.family == socket.AF_INET:
            filler.bind((FILLER, 0))
        filler.connect_ex(self.address)
        if filler.family == socket.AF_INET6:
            self._filling.add(filler.getsockname()[:2])
        with trio.move_on_after(_FILL_TIMEOUT):
            while not self._full(listener):  # loopback fills it within our own dial, or a softirq later
                await trio.lowlevel.checkpoint()
                if listener.fileno() == -1:
                    raise trio.ClosedResourceError
        state: int = filler.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        return state == _ESTABLISHED and self._full(listener)

    @staticmethod
    def _full(listener: socket.socket) -> bool:
        queued, limit = _QUEUE.unpack(listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _QUEUE.size))
        return bool(queued > limit)


def _family(address: Address) -> socket.AddressFamily:
    """Return the family of a literal address: only IPv6 ones have colons."""
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


def _socket(family: socket.AddressFamily) -> socket.socket:
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:  # never to be taken for what a dial met
        kind = OutOfFiles if error.errno in _SHORTAGES else EnvironmentFault
        raise kind(f"cannot open a socket ({error.strerror}): raise `ulimit -n`") from error
    sock.setblocking(False)
    return sock
