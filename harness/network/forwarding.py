"""Bytes handed from one socket to another for many connections at once, by one task and an epoll of its own.

A task of each connection's own costs a wait, an ``epoll_ctl`` and ten frames of coroutines between the arrival of bytes
and their sending: a third of what a proxy adds to an event's way (measured beside toxiproxy-server). Here:

1. A connection's task sleeps as long as nothing but forwarding is to be done. Its socket is in this epoll, level
   triggered, so that one wait of trio's serves all sockets, and none has to be armed again.
2. What cannot be forwarded at once, whatever the reason, goes to the connection's task: the end, an error, bytes that
   fill the buffer, bytes that the destination has no room for, bytes that the owner wants to see.
3. A socket leaves the epoll with its task's wake-up, and before it is closed.
"""

import contextlib
import select
import socket
from collections.abc import Callable

import trio

from harness.clock import Wakeup

HAS_EPOLL = hasattr(select, "epoll")
"""Linux has it. Elsewhere a connection's own task does it all, and a proxy adds more to an event's way."""

_GONE = (trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError)

Send = Callable[[bytes], int]
"""Sends what can be sent at once, and returns how many bytes that were."""


class Forwarding:
    """One socket whose bytes are handed on. ``data`` is what its owner has to look after, ``error`` why it cannot."""

    __slots__ = ("_forwarder", "_may", "_send", "_size", "_sock", "_wakeup", "data", "error", "fd")

    def __init__(
        self, forwarder: "Forwarder", sock: socket.socket, size: int, *, send: Send, may: Callable[[], bool]
    ) -> None:
        self.fd = sock.fileno()
        self.data = b""
        self.error: Exception | None = None
        self._forwarder = forwarder
        self._sock = sock
        self._size = size
        self._send = send
        self._may = may
        self._wakeup = Wakeup()

    async def wait(self) -> None:
        """Sleep until the owner is needed."""
        try:
            await self._wakeup.wait()
        finally:
            self._forwarder.forget(self)

    def ready(self) -> None:
        """There is something to read: hand it on, or wake the owner."""
        try:
            data = self._sock.recv(self._size)
        except BlockingIOError:
            return
        except OSError as error:
            self.end(error)
            return
        if data and len(data) < self._size and self._may():
            with contextlib.suppress(*_GONE):  # the owner meets the same when it sends them
                data = data[self._send(data) :]
            if not data:
                return
        self.data = data
        self.end(None)

    def end(self, error: Exception | None) -> None:
        """Wake the owner, because of an error or of what is in ``data``."""
        self.error = error
        self._forwarder.forget(self)
        self._wakeup.ring()


class Forwarder:
    """The task and its epoll. It lives in the trio run as long as it has something to forward."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._found: dict[int, Forwarding] = {}
        self._scope = trio.CancelScope()

    @staticmethod
    def add(sock: socket.socket, size: int, *, send: Send, may: Callable[[], bool]) -> Forwarding:
        """Begin to hand on what ``sock`` receives, ``size`` bytes at most at once, as long as it ``may`` be."""
        forwarder = _forwarder.get()
        if forwarder is None:
            forwarder = Forwarder()
            _forwarder.set(forwarder)
            trio.lowlevel.spawn_system_task(forwarder.run, name="harness.network.forwarding")
        made = Forwarding(forwarder, sock, size, send=send, may=may)
        forwarder._found[made.fd] = made
        forwarder._epoll.register(made.fd, select.EPOLLIN)
        return made

    def forget(self, one: Forwarding) -> None:
        """Leave this socket alone from now on. Idempotent."""
        if self._found.get(one.fd) is one:
            del self._found[one.fd]
            self._epoll.unregister(one.fd)
            if not self._found:
                if _forwarder.get() is self:
                    _forwarder.set(None)
                self._scope.cancel()

    async def run(self) -> None:
        """Hand on until nothing is left to."""
        try:
            with self._scope:
                while True:
                    await trio.lowlevel.wait_readable(self._epoll.fileno())
                    for fd, _ in self._epoll.poll(0):
                        if one := self._found.get(fd):
                            one.ready()
        finally:
            self._epoll.close()


_forwarder: trio.lowlevel.RunVar[Forwarder | None] = trio.lowlevel.RunVar("forwarder", default=None)
