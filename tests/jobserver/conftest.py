"""A network in memory, and a client of a few lines, for the job server's tests."""

import errno
from pathlib import Path

import h11
import pytest
import trio
from trio.testing import MemoryReceiveStream, MemorySendStream

from harness.chance import Chance
from harness.history.journal import Journal
from harness.history.reader import read_history
from harness.jobserver import JobServer, PeerLimits
from harness.scenario.model import JobSpec, ServerSpec
from harness.seams import Address, Door, Stream


class MemoryStream(Stream):
    """One end of a connection in memory. While ``clogged``, writes towards it hang, as into a full buffer.

    Each write towards it takes ``delay`` seconds.
    """

    delay = 0.0
    other: "MemoryStream"

    def __init__(self, outgoing: MemorySendStream, incoming: MemoryReceiveStream) -> None:
        self._outgoing, self._incoming = outgoing, incoming
        self.local = self.peer = ("127.0.0.1", 1)
        self.was_reset = self.clogged = False
        self.broken = False

    async def send_all(self, data) -> None:
        if self.broken:
            raise trio.BrokenResourceError
        if self.other.clogged:
            await trio.sleep_forever()
        if self.other.delay:
            await trio.sleep(self.other.delay)
        await self._outgoing.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._outgoing.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes=None) -> bytes:
        data = await self._incoming.receive_some(max_bytes)
        if not data and self.broken:
            raise trio.BrokenResourceError from OSError(errno.ECONNRESET, "reset")
        return bytes(data)

    def finish(self) -> None:
        self._outgoing.close()

    def reset(self) -> None:
        self.was_reset = True
        self.other.broken = True
        self._outgoing.close()
        self._incoming.close()

    def close(self) -> None:
        self._outgoing.close()
        self._incoming.close()


class MemoryListener:
    address: Address = ("127.0.0.1", 80)

    def __init__(self) -> None:
        self.offer, self._take = trio.open_memory_channel[MemoryStream](100)
        self.door = Door.OPEN

    async def accept(self) -> Stream:
        return await self._take.receive()

    async def set_door(self, door: Door) -> None:
        self.door = door

    async def aclose(self) -> None:
        self._take.close()


class MemoryNetwork:
    def __init__(self) -> None:
        self.listener = MemoryListener()

    async def listen(self, address: Address = ("127.0.0.1", 0)) -> MemoryListener:
        return self.listener

    async def connect(self, address: Address, *, dialing=None) -> MemoryStream:
        if self.listener.door is Door.REFUSE:
            raise OSError(errno.ECONNREFUSED, "refused")
        up, down = trio.testing.memory_stream_one_way_pair(), trio.testing.memory_stream_one_way_pair()
        client, server = MemoryStream(up[0], down[1]), MemoryStream(down[0], up[1])
        client.other, server.other = server, client
        await self.listener.offer.send(server)
        return client


class Client:
    """One keep-alive connection."""

    def __init__(self, stream: MemoryStream) -> None:
        self.stream = stream
        self._h11 = h11.Connection(h11.CLIENT)

    async def ask(self, method, target, headers=(), body=b"") -> h11.Response:
        """Send a request and return the head of its answer."""
        headers = [("host", "jobs"), ("content-length", str(len(body))), *headers]
        data = self._h11.send(h11.Request(method=method, target=target, headers=headers))
        data += self._h11.send(h11.Data(data=body)) + self._h11.send(h11.EndOfMessage())
        await self.stream.send_all(data)
        event = await self._event()
        assert isinstance(event, h11.Response)
        return event

    async def read(self) -> bytes | None:
        """Return the next piece of the body; None at its end. A body cut short raises ``RemoteProtocolError``."""
        event = await self._event()
        if isinstance(event, h11.Data):
            return bytes(event.data)
        if self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
        return None

    async def body(self) -> bytes:
        """Return the rest of the body."""
        pieces = []
        while (data := await self.read()) is not None:
            pieces.append(data)
        return b"".join(pieces)

    async def fetch(self, method, target, headers=(), body=b"") -> tuple[int, bytes]:
        answer = await self.ask(method, target, headers, body)
        return answer.status_code, await self.body()

    async def _event(self):
        while (event := self._h11.next_event()) is h11.NEED_DATA:
            self._h11.receive_data(await self.stream.receive_some())
        return event


class Rig:
    """A job server in virtual time. ``run(main)`` calls ``main(rig)`` at 0 s and returns what the history holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.network = MemoryNetwork()
        self.start = 0.0

    def run(self, main, *, job: JobSpec, server: ServerSpec | None = None, limits: PeerLimits | None = None):
        async def outer() -> None:
            self.start = trio.current_time()
            with Journal(self.path, lambda: round(self.now * 1e9) + 1) as journal:
                self.server = JobServer(
                    network=self.network,
                    journal=journal,
                    job=job,
                    server=server or ServerSpec(),
                    chance=Chance(7),
                    limits=limits,
                )
                async with trio.open_nursery() as nursery:
                    await self.server.start(nursery)
                    await main(self)
                    await self.server.stop()

        trio.run(outer, clock=trio.testing.MockClock(autojump_threshold=0))
        return read_history(self.path)

    @property
    def now(self) -> float:
        return trio.current_time() - self.start

    async def client(self) -> Client:
        return Client(await self.network.connect(("127.0.0.1", 80)))

    async def job(self, client: Client | None = None) -> str:
        """Start a job; return its path."""
        answer = await (client or await self.client()).ask("POST", "/api/v2/imports")
        return dict(answer.headers)[b"location"].decode()

    async def follow(self, path: str, cursor: str = "", headers=()) -> Client:
        """Open a stream; return its client, whose answer was 200."""
        client = await self.client()
        resume = [("last-event-id", cursor)] if cursor else []
        answer = await client.ask("GET", f"{path}/stream", [*resume, *headers])
        assert answer.status_code == 200
        return client


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "history.jsonl.gz")
