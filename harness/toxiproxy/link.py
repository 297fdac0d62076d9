"""One direction of one proxied connection: a reader, the chain, a writer.

With no toxic, the reader writes what it reads: one receive and one send per chunk. Once a toxic is there, a writer task
wakes up for what is due, so that a blocked writer does not stop the chain's clock: what is read meanwhile keeps the
time of its arrival.

There is no half-close, as in Toxiproxy: the end of the source, once the chain has drained, closes the destination
altogether; so the opposite link's reader fails, and its destination is closed in turn.
"""

from collections.abc import Callable

import trio

from harness.seams import Stream
from harness.toxics import Chain

READ_MAX = 32 * 1024
"""Bytes per chunk where toxics can tell: Toxiproxy's copy buffer."""

READ_MAX_BULK = 256 * 1024
"""Bytes per read while no toxic is there and the read before was full. Not always: a buffer of this size is mapped
and unmapped by the allocator each time, so that the read of an event takes 14 µs instead of 2.4 (measured)."""

_GONE = (trio.BrokenResourceError, trio.ClosedResourceError)


class Link:
    """Copies ``source`` to ``destination`` through ``chain`` until either ends. ``run`` once."""

    def __init__(self, source: Stream, destination: Stream, chain: Chain) -> None:
        self._source = source
        self._destination = destination
        self._chain = chain
        self._size = READ_MAX
        self._writing = False  # the writer task has bytes in its hands
        self._alarm: trio.CancelScope | None = None  # the writer task's sleep
        self._roomy = trio.lowlevel.ParkingLot()

    async def run(self) -> None:
        """Copy to the end, then close the destination. Cancelling loses what is queued."""
        try:
            async with trio.open_nursery() as nursery:
                if not await self._read(nursery):
                    nursery.cancel_scope.cancel()
        finally:
            await trio.aclose_forcefully(self._destination)

    def change(self, apply: Callable[[Chain, float], None]) -> None:
        """Let ``apply`` change the chain's toxics; what this releases is written without delay."""
        apply(self._chain, trio.current_time())
        self._wake()

    async def _read(self, nursery: trio.Nursery) -> bool:
        """Read to the end of the source. False: the destination failed, so nothing is left to do."""
        chain = self._chain
        while data := await self._receive():
            if chain.transparent and not self._writing:
                if not await self._send(data):
                    return False
                continue
            chain.push(trio.current_time(), data)
            self._start_or_wake(nursery)
            while not chain.room:
                await self._roomy.park()
        if not chain.transparent or self._alarm is not None:  # a writer once started waits for the chain's end
            chain.close(trio.current_time())
            self._start_or_wake(nursery)
        return True

    async def _receive(self) -> bytes:
        """Return the next chunk; empty at the end, however it came: Toxiproxy turns an RST into a FIN."""
        try:
            data = bytes(await self._source.receive_some(self._size))
        except _GONE:
            return b""
        self._size = READ_MAX_BULK if len(data) >= READ_MAX and self._chain.transparent else READ_MAX
        return data

    async def _send(self, data: bytes) -> bool:
        try:
            await self._destination.send(data)
        except _GONE:
            return False
        return True

    def _start_or_wake(self, nursery: trio.Nursery) -> None:
        if self._alarm is None:
            self._alarm = trio.CancelScope()
            nursery.start_soon(self._write, nursery)
        else:
            self._wake()

    def _wake(self) -> None:
        if self._alarm is not None:
            self._alarm.deadline = self._chain.next_due()

    async def _write(self, nursery: trio.Nursery) -> None:
        """Write what the chain lets go of, each piece by itself, until the end has come through."""
        chain = self._chain
        while not chain.ended:
            if (due := chain.next_due()) > trio.current_time():
                with trio.CancelScope(deadline=due) as self._alarm:
                    await trio.sleep_forever()
            pieces = chain.pop(trio.current_time())
            if chain.room:
                self._roomy.unpark_all()
            self._writing = True
            for piece in pieces:
                if not await self._send(piece):
                    nursery.cancel_scope.cancel()
                    return
            self._writing = False
