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

PIECES = 32
"""Pieces that are written before everything else has its turn: a slicer may make 32,768 of one chunk, and a write that
need not wait yields to no other task. 32 take 0.2 ms."""

_GONE = (trio.BrokenResourceError, trio.ClosedResourceError)


class ToxicLink:
    """Copies ``source`` to ``destination`` through ``chain`` until either ends. ``run`` once.

    ``resets`` says whether the connection, of which this is one direction, is closed with RST.
    """

    def __init__(self, source: Stream, destination: Stream, chain: Chain, resets: Callable[[], bool]) -> None:
        self._chain = chain
        self._source = source
        self._destination = destination
        self._resets = resets
        self._size = READ_MAX
        self._writing = False  # the writer task has bytes in its hands
        self._nursery: trio.Nursery | None = None
        self._alarm: trio.CancelScope | None = None  # the writer task's sleep
        self._roomy = trio.lowlevel.ParkingLot()

    async def run(self) -> None:
        """Copy to the end, then close the destination. Cancelling loses what is queued."""
        try:
            async with trio.open_nursery() as self._nursery:
                self._start_or_wake()
                if not await self._read():
                    self._nursery.cancel_scope.cancel()
        finally:
            self._nursery = None
            if self._resets():
                self._destination.reset()
            else:
                self._destination.close()

    def change(self, apply: Callable[[Chain, float], None]) -> None:
        """Let ``apply`` change the chain's toxics; what this releases is written without delay."""
        apply(self._chain, trio.current_time())
        self._start_or_wake()

    async def _read(self) -> bool:
        """Read to the end of the source. False: the destination failed, so nothing is left to do."""
        chain = self._chain
        while data := await self._receive():
            if self._passes():
                if not await self._send(data):
                    return False
                continue
            chain.push(trio.current_time(), data)
            self._start_or_wake()
            while not chain.room:
                await self._roomy.park()
        if not chain.transparent or self._alarm is not None:  # a writer once started waits for the chain's end
            chain.close(trio.current_time())
            self._start_or_wake()
        return True

    async def _receive(self) -> bytes:
        """Return the next chunk; empty at the end, however it came: Toxiproxy turns an RST into a FIN.

        Where no toxic has a say, what is no bulk is handed on without this task, and not returned.
        """
        try:
            if self._size == READ_MAX and self._passes():
                data = await self._source.forward(self._destination, READ_MAX, self._passes)
            else:
                data = bytes(await self._source.receive_some(self._size))
        except _GONE:
            return b""
        self._size = READ_MAX_BULK if len(data) >= READ_MAX and self._chain.transparent else READ_MAX
        return data

    def _passes(self) -> bool:
        return self._chain.transparent and not self._writing

    async def _send(self, data: bytes) -> bool:
        try:
            await self._destination.send(data)
        except _GONE:
            return False
        return True

    def _start_or_wake(self) -> None:
        """See to it that the writer wakes up when the chain next has something; it starts with the first toxic."""
        if self._alarm is not None:
            self._alarm.deadline = self._chain.next_due()
        elif self._nursery is not None and not self._chain.transparent:
            self._alarm = trio.CancelScope()
            self._nursery.start_soon(self._write, self._nursery)

    async def _write(self, nursery: trio.Nursery) -> None:
        """Write what the chain lets go of, each piece by itself, until the end has come through; then end the link."""
        chain = self._chain
        while not chain.ended:
            if (due := chain.next_due()) > trio.current_time():
                with trio.CancelScope(deadline=due) as self._alarm:
                    await trio.sleep_forever()
            pieces = chain.pop(trio.current_time(), PIECES)
            if chain.room:
                self._roomy.unpark_all()
            self._writing = True
            for piece in pieces:
                if not await self._send(piece):
                    nursery.cancel_scope.cancel()
                    return
            self._writing = False
            if len(pieces) >= PIECES:
                await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
