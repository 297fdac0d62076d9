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
from zlib import crc32

import trio

from harness.clock import MovableSleep
from harness.device.model import Device
from harness.history.journal import Journal
from harness.history.records import Dial, Listens, Read, Record, SignalHeard
from harness.seams import Address, Network, Phone, Signal, Stream


def os_error(code: int) -> OSError:
    """Return the operating system's error of this number, in its words."""
    return OSError(code, os.strerror(code))


class Sleep:
    """The phone's sleep. A call of the phone's OS that is made meanwhile returns when the phone wakes up."""

    def __init__(self) -> None:
        self._woken: trio.Event | None = None

    @property
    def asleep(self) -> bool:
        """True if it sleeps now."""
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


class DialledConnection:
    """The words of the gate and the phone to each other about a connection that the phone dials.

    ``cid`` is the gate's number for it, 0 until it was accepted: so before any byte of it can reach the phone.
    ``left_ns`` is when the phone's end was closed, or said FIN; 0 until then. ``sent`` and ``sent_crc``: how many bytes
    the client has sent, and their CRC-32.
    """

    __slots__ = ("cid", "left_ns", "sent", "sent_crc")

    def __init__(self) -> None:
        self.cid = 0
        self.left_ns = 0
        self.sent = 0
        self.sent_crc = 0

    def sends(self, data: bytes | bytearray | memoryview) -> None:
        """Count bytes that the client has sent."""
        self.sent += len(data)
        self.sent_crc = crc32(data, self.sent_crc)


class PhoneStream(Stream):
    """A stream whose socket the phone's OS can kill. While the phone sleeps nothing returns from it.

    What it returns has been read, and is recorded so.
    """

    def __init__(self, phone: "GatePhone", inner: Stream, connection: DialledConnection) -> None:
        self.local = inner.local
        self.peer = inner.peer
        self._phone = phone
        self._inner = inner
        self._connection = connection
        self._sleep = phone.sleep
        self._read = 0  # bytes
        self._read_crc = 0
        self._reads = 0  # records
        self._lost = False
        self._ended = False  # an end is recorded

    def lose(self) -> None:
        """The path is gone for the device: whatever is done with this stream fails from now on."""
        self._lost = True
        self._phone.leaves(self._connection)
        self._inner.reset()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what has arrived; see ``Stream``."""
        try:
            data = bytes(await self._inner.receive_some(max_bytes))
            await self._sleep.over()
        except trio.Cancelled:
            self._note("given up")
            raise
        except (trio.ClosedResourceError, trio.BrokenResourceError) as error:
            told = await self._error(error)
            closed = isinstance(error, trio.ClosedResourceError)  # by its owner, who no longer waits for it
            self._note("lost" if self._lost else "given up" if closed else "rst")
            raise told from self._cause(error)
        if self._lost:  # while it slept, and what the kernel had for it with it
            self._note("lost")
            raise trio.BrokenResourceError(os.strerror(errno.ECONNABORTED)) from os_error(errno.ECONNABORTED)
        self._read += len(data)
        self._read_crc = crc32(data, self._read_crc)
        self._note("" if data else "fin")
        return data

    def _note(self, end: str) -> None:
        """Record how far the connection has been read, and what end was met: nothing comes behind that.

        Of a connection that the gate has not met yet nothing has come, and no record could name it.
        """
        if not self._ended and self._connection.cid:
            self._ended = end not in {"", "given up"}
            self._reads += 1
            self._phone.write(
                Read(cid=self._connection.cid, upto=self._read, end=end, no=self._reads, crc=self._read_crc)
            )

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send everything; see ``Stream``."""
        await self._sleep.over()
        self._connection.sends(data)  # before the gate can have them
        try:
            await self._inner.send_all(data)
        except (trio.ClosedResourceError, trio.BrokenResourceError) as error:
            raise await self._error(error) from self._cause(error)

    def send_now(self, data: bytes | bytearray | memoryview) -> int:
        """Send what can be sent without waiting: nothing while the phone sleeps; see ``Stream``."""
        if self._sleep.asleep:
            return 0
        try:
            sent = self._inner.send_now(data)
        except (trio.ClosedResourceError, trio.BrokenResourceError) as error:
            if self._lost:
                raise trio.BrokenResourceError(os.strerror(errno.ECONNABORTED)) from self._cause(error)
            raise
        self._connection.sends(memoryview(data)[:sent])
        return sent

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
            self._phone.leaves(self._connection)
        except (trio.ClosedResourceError, trio.BrokenResourceError) as error:
            raise await self._error(error) from self._cause(error)

    def finish(self) -> None:
        """Send FIN, be the phone asleep or not: it is its kernel's to send."""
        self._phone.leaves(self._connection)
        self._inner.finish()

    def close(self) -> None:
        """Close. Idempotent."""
        self._lost = False  # closed by its owner: using it is the owner's mistake from now on
        self._phone.forget(self)
        self._phone.leaves(self._connection)
        self._inner.close()

    def reset(self) -> None:
        """Close at once with RST. Idempotent."""
        self._lost = False
        self._phone.forget(self)
        self._phone.leaves(self._connection)
        self._inner.reset()

    async def _error(self, error: Exception) -> Exception:
        """Return what the caller is told, once the phone is awake."""
        await self._sleep.over()
        return trio.BrokenResourceError(os.strerror(errno.ECONNABORTED)) if self._lost else error

    def _cause(self, error: Exception) -> BaseException | None:
        return os_error(errno.ECONNABORTED) if self._lost else error.__cause__


class SignalListener(trio.abc.ReceiveChannel[Signal]):
    """A listener's end of the signals: what it receives is *heard*, and recorded so. A sleeping phone hears nothing.

    ``hang_up`` is told who listens no more.
    """

    def __init__(
        self, heard: Callable[[Signal, int], None], hang_up: "Callable[[SignalListener], None]", sleep: Sleep
    ) -> None:
        self._heard = heard
        self._hang_up = hang_up
        self._sleep = sleep
        self._told: tuple[Signal, int] | None = None  # what it has, and will hear once the phone is awake
        self._mouth, self._inner = trio.open_memory_channel[tuple[Signal, int]](math.inf)

    def tell(self, signal: Signal, told: int) -> None:
        """Let it hear this signal next, after those before it; ``told`` is the number of the signal's record."""
        self._mouth.send_nowait((signal, told))

    def end(self) -> None:
        """No signal comes any more."""
        self._mouth.close()

    async def receive(self) -> Signal:
        """Return the next signal; see ``trio.abc.ReceiveChannel``."""
        if self._told is None:
            self._told = await self._inner.receive()
        await self._sleep.over()
        (signal, told), self._told = self._told, None
        self._heard(signal, told)
        return signal

    async def aclose(self) -> None:
        """Listen no more. Idempotent."""
        self._hang_up(self)
        await self._inner.aclose()


class _Dial:
    """A dial on its way, through a path."""

    def __init__(self, path: str, from_ns: int) -> None:
        self.path = path
        self.from_ns = from_ns
        self.local: Address = ("", 0)
        self.connection = DialledConnection()
        self.scope = trio.CancelScope()
        self.lost = False

    def lose(self) -> None:
        """The path is gone for the device."""
        self.lost = True
        self.scope.cancel()

    def fate(self, error: BaseException) -> str:
        """Say what it met; see the record."""
        if not self.path:
            return "no path"
        if isinstance(error, trio.Cancelled):
            return "given up"
        if self.lost:
            return "lost"
        cause = error if isinstance(error, OSError) else error.__cause__  # this machine's own shortage has one
        if isinstance(cause, ConnectionRefusedError):
            return "refused"
        code = cause.errno if isinstance(cause, OSError) else None
        return errno.errorcode.get(code or 0, type(error).__name__)


class GatePhone(Phone):
    """A phone whose paths are the listeners of one gate."""

    def __init__(
        self, *, client: str, device: Device, network: Network, address: Callable[[str], Address], journal: Journal
    ) -> None:
        self._client = client
        self._device = device
        self._network = network
        self._address = address
        self._journal = journal
        self._dials: dict[_Dial, None] = {}
        self._streams: dict[PhoneStream, str] = {}
        self._dialled: dict[Address, DialledConnection] = {}  # from where; until the gate has accepted it
        self._ears: list[SignalListener] = []
        self.sleep = Sleep()
        self._ended_dials = 0
        self._over = False  # nothing is recorded any more

    async def connect(self, host: str, port: int) -> Stream:  # noqa: ARG002 - every origin lies behind the gate
        """Dial through the path that is the default now, whatever becomes the default while it hangs.

        Raises ``OSError``: ``ENETUNREACH`` where there is no path, ``ECONNABORTED`` where this one is lost meanwhile,
        ``ECONNREFUSED`` and others as the network says.
        """
        await self.sleep.over()
        dial = _Dial(self._device.default or "", self._journal.stamp())
        self._dials[dial] = None
        try:
            stream = await self._dial(dial)
        except BaseException as error:
            self._dialled.pop(dial.local, None)
            self.leaves(dial.connection)
            self._end(dial, dial.fate(error))
            raise
        finally:
            del self._dials[dial]
        self._end(dial, "open")
        mine = PhoneStream(self, stream, dial.connection)
        self._streams[mine] = dial.path
        return mine

    async def _dial(self, dial: _Dial) -> Stream:
        """Return what the network connects, if the path was not lost by then, and the phone awake again."""
        if not dial.path:
            await trio.lowlevel.checkpoint()
            raise os_error(errno.ENETUNREACH)
        stream: Stream | None = None

        def dialing(local: Address) -> None:
            dial.local = local
            self._dialled[local] = dial.connection

        try:
            with dial.scope:
                stream = await self._network.connect(self._address(dial.path), dialing=dialing)
            await self.sleep.over()
        except BaseException:
            if stream is not None:
                stream.reset()
            raise
        if not dial.lost:
            assert stream is not None
            return stream
        if stream is not None:
            stream.reset()
        raise os_error(errno.ECONNABORTED)

    def signals(self) -> SignalListener:
        """Return a fresh channel of all signals from now on; it ends with the gate."""
        listener = SignalListener(self._heard, self._hang_up, self.sleep)
        self._ears.append(listener)
        self.write(Listens(client=self._client, on=True))
        return listener

    async def sleep_until(self, deadline: float, movable_sleep: MovableSleep | None = None) -> None:
        """Sleep to this instant of trio's clock; a deadline that passes while the phone sleeps is met as it wakes."""
        await (movable_sleep or MovableSleep()).until(deadline)
        await self.sleep.over()

    # For its streams.

    def forget(self, stream: PhoneStream) -> None:
        """Its owner has closed it. Idempotent."""
        self._streams.pop(stream, None)

    def leaves(self, connection: DialledConnection) -> None:
        """Note that the phone's end of a connection leaves now. Idempotent."""
        if not connection.left_ns:
            connection.left_ns = self._journal.stamp()

    # For the gate.

    def accepted(self, peer: Address, cid: int) -> DialledConnection | None:
        """Return the connection that was dialled from there, now with this number; None: not dialled by the phone."""
        connection = self._dialled.pop(peer, None)
        if connection is not None:
            connection.cid = cid
        return connection

    def lose(self, path: str) -> None:
        """Kill the sockets of this path, dials on their way included."""
        for dial in self._dials:
            if dial.path == path:
                dial.lose()
        for stream in [stream for stream, its_path in self._streams.items() if its_path == path]:
            stream.lose()

    def suspend(self) -> None:
        """Fall asleep: the client's calls of its OS return no more, and it is told nothing. Idempotent."""
        self.sleep.begin()

    def wake(self) -> None:
        """Wake up: the client's calls return, and what it was told it hears. Idempotent."""
        self.sleep.end()

    @property
    def ears(self) -> int:
        """The number of listeners for signals."""
        return len(self._ears)

    def tell(self, signal: Signal, told: int) -> None:
        """Tell every listener, and let each know the number of the record; on a sleeping phone they hear it later."""
        for listener in self._ears:
            listener.tell(signal, told)

    def hang_up(self) -> None:
        """End all channels of signals and every sleep. Nothing is recorded from then on."""
        self.sleep.end()
        for listener in tuple(self._ears):
            listener.end()
            self._hang_up(listener)
        self._over = True

    # Records.

    def _hang_up(self, listener: SignalListener) -> None:
        if listener in self._ears:
            self._ears.remove(listener)
            self.write(Listens(client=self._client, on=False))

    def _heard(self, signal: Signal, told: int) -> None:
        self.write(SignalHeard(client=self._client, what=signal.what, path=signal.path or "", told=told))

    def _end(self, dial: _Dial, fate: str) -> None:
        now = self._journal.stamp()
        self._ended_dials += 1
        self.write(
            Dial(
                client=self._client,
                path=dial.path,
                port=dial.local[1],
                from_ns=dial.from_ns,
                to_ns=now,
                fate=fate,
                no=self._ended_dials,
                t_ns=now,
            )
        )

    def write(self, record: Record) -> None:
        """Record this, unless the phone's time is over."""
        if not self._over:  # else the journal may be closed as well
            self._journal.write(record)
