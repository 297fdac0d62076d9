"""The phone of a client that lives in this process: how it dials, hears signals and sleeps.

A phone's sockets die with their path, at the phone alone: the other side learns nothing. The error is
``ECONNABORTED``, which both phone systems give: Android destroys the sockets of a lost network (``SOCK_DESTROY`` ends
in Linux's ``tcp_abort``, with this errno, also for a dial that hangs), and it is what lies beneath
``NSURLErrorNetworkConnectionLost`` (-1005) on iOS.
"""

import errno
import math
import os
from collections.abc import Callable

import trio

from harness.clock import Nap
from harness.device.model import Device
from harness.seams import Address, Network, Phone, Signal, Stream

Heard = Callable[[Signal, int], object]
"""Called as a listener hears a signal, with the number of the record that it was told by."""


def os_error(code: int) -> OSError:
    """Return the operating system's error of this number, in its words."""
    return OSError(code, os.strerror(code))


class Sleep:
    """Whether the phone sleeps. Whoever calls its OS meanwhile returns when it wakes up."""

    def __init__(self) -> None:
        self._woken: trio.Event | None = None

    @property
    def asleep(self) -> bool:
        """Whether it sleeps now."""
        return self._woken is not None

    def begin(self) -> None:
        """Fall asleep. Idempotent."""
        if self._woken is None:
            self._woken = trio.Event()

    def end(self) -> None:
        """Wake up. Idempotent."""
        if self._woken is not None:
            self._woken.set()
            self._woken = None

    async def over(self) -> None:
        """Wait until the phone is awake."""
        while self._woken is not None:
            await self._woken.wait()


class PhoneStream(Stream):
    """A stream whose socket the phone's OS can kill. While the phone sleeps nothing returns from it."""

    def __init__(self, inner: Stream, forget: "Callable[[PhoneStream], object]", sleep: Sleep) -> None:
        self.local = inner.local
        self.peer = inner.peer
        self._inner = inner
        self._forget = forget
        self._sleep = sleep
        self._lost = False

    def lose(self) -> None:
        """The path is gone for the device: whatever is done with this stream fails from now on."""
        self._lost = True
        self._inner.reset()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what has arrived; see ``Stream``."""
        try:
            data = bytes(await self._inner.receive_some(max_bytes))
        except (trio.ClosedResourceError, trio.BrokenResourceError) as error:
            raise await self._error(error) from self._cause(error)
        if self._sleep.asleep:
            await self._sleep.over()
            if self._lost:  # what the kernel had for it went with the socket
                raise trio.BrokenResourceError(str(os_error(errno.ECONNABORTED))) from os_error(errno.ECONNABORTED)
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send everything; see ``Stream``."""
        await self._sleep.over()
        try:
            await self._inner.send_all(data)
        except (trio.ClosedResourceError, trio.BrokenResourceError) as error:
            raise await self._error(error) from self._cause(error)

    def send_now(self, data: bytes | bytearray | memoryview) -> int:
        """Send what can be sent without waiting: nothing while the phone sleeps; see ``Stream``."""
        if self._sleep.asleep:
            return 0
        try:
            return self._inner.send_now(data)
        except (trio.ClosedResourceError, trio.BrokenResourceError) as error:
            if self._lost:
                raise trio.BrokenResourceError(os.strerror(errno.ECONNABORTED)) from self._cause(error)
            raise

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until there is room; see ``Stream``."""
        try:
            await self._inner.wait_send_all_might_not_block()
        except (trio.ClosedResourceError, trio.BrokenResourceError) as error:
            raise await self._error(error) from self._cause(error)

    async def send_eof(self) -> None:
        """Send FIN; see ``Stream``."""
        await self._sleep.over()
        try:
            await self._inner.send_eof()
        except (trio.ClosedResourceError, trio.BrokenResourceError) as error:
            raise await self._error(error) from self._cause(error)

    def finish(self) -> None:
        """Send FIN, be the phone asleep or not: it is its kernel's to send."""
        self._inner.finish()

    def close(self) -> None:
        """Close. Idempotent."""
        self._lost = False  # closed by its owner: using it is the owner's mistake from now on
        self._forget(self)
        self._inner.close()

    def reset(self) -> None:
        """Close at once with RST. Idempotent."""
        self._lost = False
        self._forget(self)
        self._inner.reset()

    async def _error(self, error: Exception) -> Exception:
        """What the caller is told, once the phone is awake."""
        await self._sleep.over()
        return trio.BrokenResourceError(os.strerror(errno.ECONNABORTED)) if self._lost else error

    def _cause(self, error: Exception) -> BaseException | None:
        return os_error(errno.ECONNABORTED) if self._lost else error.__cause__


class Ear(trio.abc.ReceiveChannel[Signal]):
    """A listener's end of the signals: what it receives is *heard*, and noted so. While the phone sleeps nobody hears.

    Each comes with the number of the record that it was told by.
    """

    def __init__(self, inner: "trio.MemoryReceiveChannel[tuple[Signal, int]]", sleep: Sleep, heard: "Heard") -> None:
        self._inner = inner
        self._sleep = sleep
        self._heard = heard

    async def receive(self) -> Signal:
        """Return the next signal; see ``trio.abc.ReceiveChannel``."""
        signal, told = await self._inner.receive()
        await self._sleep.over()
        self._heard(signal, told)
        return signal

    async def aclose(self) -> None:
        """Listen no more. Idempotent."""
        await self._inner.aclose()


class _Dial:
    """A dial on its way."""

    def __init__(self) -> None:
        self.scope = trio.CancelScope()
        self.lost = False

    def lose(self) -> None:
        self.lost = True
        self.scope.cancel()


class GatePhone(Phone):
    """A phone whose paths are the listeners of one gate."""

    def __init__(self, *, device: Device, network: Network, address: Callable[[str], Address], heard: Heard) -> None:
        self._device = device
        self._network = network
        self._address = address
        self._heard = heard
        self._dials: dict[_Dial, str] = {}
        self._streams: dict[PhoneStream, str] = {}
        self._mouths: list[trio.MemorySendChannel[tuple[Signal, int]]] = []
        self._sleep = Sleep()
        self._untold: list[tuple[Signal, int]] = []  # of a sleeping phone

    async def connect(self, host: str, port: int) -> Stream:  # noqa: ARG002 - every origin lies behind the gate
        """Dial through the path that is the default now, whatever becomes the default while it hangs.

        Raises ``OSError``: ``ENETUNREACH`` where there is no path, ``ECONNABORTED`` where this one is lost meanwhile,
        ``ECONNREFUSED`` and others as the network says.
        """
        await self._sleep.over()
        path = self._device.default
        if path is None:
            await trio.lowlevel.checkpoint()
            raise os_error(errno.ENETUNREACH)
        dial = _Dial()
        self._dials[dial] = path
        stream: Stream | None = None
        try:
            with dial.scope:
                stream = await self._network.connect(self._address(path))
            await self._sleep.over()
        except BaseException:
            if stream is not None:
                stream.reset()
            raise
        finally:
            del self._dials[dial]
        if dial.lost:
            if stream is not None:
                stream.reset()
            raise os_error(errno.ECONNABORTED)
        assert stream is not None
        mine = PhoneStream(stream, lambda closed: self._streams.pop(closed, None), self._sleep)
        self._streams[mine] = path
        return mine

    def signals(self) -> Ear:
        """Return a fresh channel of all signals from now on; it ends with the gate."""
        mouth: trio.MemorySendChannel[tuple[Signal, int]]
        mouth, inner = trio.open_memory_channel[tuple[Signal, int]](math.inf)
        self._mouths.append(mouth)
        return Ear(inner, self._sleep, self._heard)

    async def sleep_until(self, deadline: float, nap: Nap | None = None) -> None:
        """Sleep to this instant of trio's clock; a deadline that passes while the phone sleeps is met as it wakes."""
        await (nap or Nap()).until(deadline)
        await self._sleep.over()

    # For the gate.

    def lose(self, path: str) -> None:
        """Kill the sockets of this path, dials on their way included."""
        for dial in [dial for dial, its_path in self._dials.items() if its_path == path]:
            dial.lose()
        for stream in [stream for stream, its_path in self._streams.items() if its_path == path]:
            stream.lose()

    def suspend(self) -> None:
        """Fall asleep: the client's calls of its OS return no more, and it is told nothing. Idempotent."""
        self._sleep.begin()

    def wake(self) -> None:
        """Wake up, and tell what there was to tell. Idempotent."""
        self._sleep.end()
        untold, self._untold = self._untold, []
        for signal, told in untold:
            self.tell(signal, told)

    @property
    def ears(self) -> int:
        """How many listen for signals."""
        return sum(mouth.statistics().open_receive_channels for mouth in self._mouths)

    def tell(self, signal: Signal, told: int) -> None:
        """Tell every listener, and let each know the number of the record; those that hung up are forgotten.

        A sleeping phone tells when it wakes.
        """
        if self._sleep.asleep:
            self._untold.append((signal, told))
            return
        for mouth in tuple(self._mouths):
            try:
                mouth.send_nowait((signal, told))
            except trio.BrokenResourceError:
                self._mouths.remove(mouth)

    def hang_up(self) -> None:
        """End all channels of signals; nobody waits for a wake-up any more."""
        self._sleep.end()
        for mouth in self._mouths:
            mouth.close()
        self._mouths.clear()
