"""Streams of the real world: one TCP socket, one wait per chunk, sends that do not wait when they need not.

trio's own ``SocketStream`` costs 0.55 of toxiproxy-server's events per core as a relay; waiting once per chunk and
sending without blocking on a socket of our own costs 0.92.
"""

import contextlib
import errno
import operator
import socket
import struct
from collections.abc import Callable

import trio

from harness.network.forwarding import HAS_EPOLL, Forwarder, Forwarding
from harness.seams import Address, Stream

CHUNK = 65_536
_RST_ON_CLOSE = struct.pack("ii", 1, 0)
_OPTIONAL = contextlib.suppress(OSError)
"""macOS takes no option of a connection that its peer has ended (EINVAL); the next read tells of that end."""


class RealStream(Stream):
    """A connected, non-blocking TCP socket as a ``Stream``. It owns the socket from now on."""

    def __init__(self, sock: socket.socket) -> None:
        assert not sock.getblocking(), "a stream needs a non-blocking socket"
        self._sock = sock
        self._sending = False
        self._finished = False
        self._forwarding: Forwarding | None = None
        with _OPTIONAL:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.local: Address = sock.getsockname()[:2]  # of IPv6 the flow label and scope follow
        try:
            self.peer: Address = sock.getpeername()[:2]
        except OSError:  # gone between accept and now: the first read says so
            self.peer = ("", 0)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what has arrived, at most ``max_bytes``; ``b""`` after the peer's FIN."""
        if max_bytes is None:
            max_bytes = CHUNK
        elif operator.index(max_bytes) < 1:
            raise ValueError(f"max_bytes must be at least 1, got {max_bytes!r}")
        self._check_open()
        while True:
            await trio.lowlevel.wait_readable(self._sock)
            try:
                return self._sock.recv(max_bytes)
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._translate(error) from error

    async def forward(self, to: Stream, size: int, may: Callable[[], bool]) -> bytes:
        """Hand on what arrives, in the task that does so for all streams of this trio run; see ``Stream``.

        Without epoll nothing is handed on there: what arrives is the caller's to send.
        """
        if not HAS_EPOLL:
            return await super().forward(to, size, may)
        self._check_open()
        await trio.lowlevel.checkpoint_if_cancelled()
        forwarding = self._forwarding = Forwarder.add(self._sock, size, send=to.send_now, may=may)
        try:
            await forwarding.wait()
        finally:
            self._forwarding = None
        if isinstance(forwarding.error, OSError):
            raise self._translate(forwarding.error) from forwarding.error
        if forwarding.error is not None:
            raise forwarding.error
        return forwarding.data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Hand everything to the kernel; waits only where its buffer is full."""
        self._claim()
        try:
            await trio.lowlevel.checkpoint_if_cancelled()
            rest = memoryview(data)
            blocked = False
            while rest:
                try:
                    rest = rest[self._sock.send(rest) :]
                except BlockingIOError:
                    blocked = True
                    await trio.lowlevel.wait_writable(self._sock)
                except OSError as error:
                    raise self._translate(error) from error
        finally:
            self._sending = False
        if not blocked:  # yield after the bytes are on their way: before it, a pass of the scheduler would delay them
            await trio.lowlevel.cancel_shielded_checkpoint()

    def send_now(self, data: bytes | bytearray | memoryview) -> int:
        """Hand the kernel what it takes; see ``Stream``."""
        self._claim()
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise self._translate(error) from error
        finally:
            self._sending = False

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the kernel's buffer has room."""
        self._claim()
        try:
            await trio.lowlevel.wait_writable(self._sock)
        finally:
            self._sending = False

    def finish(self) -> None:
        """Send FIN; see ``Stream``."""
        if self._sending:
            raise trio.BusyResourceError("another task is sending on this stream")
        self._check_open(also_for_sending=False)
        if self._finished:
            return
        self._finished = True
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            if error.errno != errno.ENOTCONN:
                raise self._translate(error) from error

    def close(self) -> None:
        """Close; see ``Stream``."""
        if self._sock.fileno() != -1:
            trio.lowlevel.notify_closing(self._sock)
            if self._forwarding is not None:
                self._forwarding.end(trio.ClosedResourceError())
            self._sock.close()

    def reset(self) -> None:
        """Close at once with RST. Idempotent, never blocks."""
        if self._sock.fileno() != -1:
            with _OPTIONAL:
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
            self.close()

    def _claim(self) -> None:
        if self._sending:
            raise trio.BusyResourceError("another task is sending on this stream")
        self._check_open(also_for_sending=True)
        self._sending = True

    def _check_open(self, *, also_for_sending: bool = False) -> None:
        if self._sock.fileno() == -1 or (also_for_sending and self._finished):
            raise trio.ClosedResourceError

    def _translate(self, error: OSError) -> Exception:
        if self._sock.fileno() == -1 or error.errno == errno.EBADF:
            return trio.ClosedResourceError(str(error))
        return trio.BrokenResourceError(str(error))
