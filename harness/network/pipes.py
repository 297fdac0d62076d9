"""Pipes of the simulated network: one direction of a connection, with no more in it than what was sent and not read."""

from collections import deque

from harness.clock import Wakeup


class Pipe:
    """One direction of a connection: what was sent and not yet read, as far as ``room`` bytes."""

    def __init__(self, room: int) -> None:
        self.chunks: deque[bytes] = deque()
        self.size = 0
        self.room = room
        self.shut = False  # the writer's FIN was sent
        self.finished = False  # and has arrived
        self.readable = Wakeup()
        self.writable = Wakeup()

    def look(self) -> bool:
        """Return whether there is something to read: bytes, or the end."""
        return bool(self.chunks or self.finished)

    async def wait(self) -> None:
        """Wait until it is worth another look."""
        await self.readable.wait()

    def put(self, data: memoryview) -> int:
        """Take as many of these bytes as there is room for, and return how many."""
        taken = min(len(data), self.room - self.size)
        if taken:
            self.chunks.append(bytes(data[:taken]))
            self.size += taken
            self.readable.ring()
        return taken

    def take(self, most: int) -> bytes:
        """Return what waits, at most so many bytes: chunks that came apart are read together, as from a kernel."""
        chunks = self.chunks
        data = chunks.popleft()
        if len(data) < most and chunks:
            parts = [data]
            left = most - len(data)
            while chunks and left > 0:
                parts.append(chunks.popleft())
                left -= len(parts[-1])
            data = b"".join(parts)
        if len(data) > most:
            chunks.appendleft(data[most:])
            data = data[:most]
        self.size -= len(data)
        self.writable.ring()
        return data

    @property
    def has_room(self) -> bool:
        """True if a writer need not wait."""
        return self.size < self.room

    def finish(self) -> None:
        """Send FIN. Idempotent."""
        self.shut = self.finished = True
        self.readable.ring()

    def clear(self) -> None:
        """Forget what was not read."""
        self.chunks.clear()
        self.size = 0
