"""A stage on the bench: a middle of its own, hands that write down, a clock that the test turns."""

import itertools
import re
from pathlib import Path

from harness.history import Boxed, Journal, Record, Request, Response
from harness.middle import Middle
from harness.network.ends import How

STREAM = b"GET /api/v2/imports/j1/stream HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n"
POLL = b"GET /api/v2/imports/j1 HTTP/1.1\r\nHost: a\r\n\r\n"
START = b"POST /api/v2/imports HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nGET "
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: canary\r\n\r\n"
OPENED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
SHOWN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
END = b"0\r\n\r\n"


MARK = re.compile(rb"X-Harness-Request: (\d+)\r\n")


def marked(request: bytes, rid: int) -> bytes:
    """The request as it goes to the server: its number behind the request line, and no other byte changed."""
    line, end, fields = request.partition(b"\n")
    return line + end + b"X-Harness-Request: %d\r\n" % rid + fields


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


def event(number: int, data: str = "x") -> bytes:
    return f"id: a-{number}\nevent: processing\ndata: {data}\n\n".encode()


class Bench:
    """One flow of one client. ``to_client`` and ``raw_to_server`` are all bytes that went there, in order."""

    def __init__(self, folder: Path, client: str = "c1", path: str = "wifi", gates: int = 1) -> None:
        self.seen: list[Record] = []
        self.journal = Journal(folder / f"{client}-{path}", lambda: 1, tap=self.seen.append)
        self.middle = Middle(
            journal=self.journal,
            next_rid=itertools.count(1).__next__,
            gates=gates,
            now=lambda: self.now,
            wall_clock=lambda: self.wall,
        )
        self.now, self.wall = 100.0, 1_798_113_906.7  # Thu, 24 Dec 2026
        self.client, self.path = client, path
        self.again()

    def again(self) -> None:
        """A new connection."""
        self.to_client = self.raw_to_server = b""
        self.ends: list[How] = []
        self.stage = self.middle.stage(1, self.client, self.path)
        self.stage.attach(self)

    def say(self, data: bytes) -> None:
        assert not self.ends, "nothing can be said behind an end"
        self.to_client += data
        self.stage.delivered(len(self.to_client), 1)

    def end(self, how: How) -> None:
        self.ends.append(how)

    def look_again(self) -> None:
        pass

    def ask(self, data: bytes, size: int = 1 << 20) -> None:
        for at in range(0, len(data), size):
            self.stage.hears(data[at : at + size])
            self.raw_to_server += self.stage.to_server(data[at : at + size])

    def answer(self, data: bytes, size: int = 1 << 20) -> bytes:
        before = len(self.to_client)
        for at in range(0, len(data), size):
            self.to_client += self.stage.to_client(data[at : at + size])
            self.stage.delivered(len(self.to_client), 1)
        return self.to_client[before:]

    def open(self) -> None:
        """A stream is under way."""
        self.ask(STREAM)
        self.answer(OPENED)

    def tick(self, seconds: float) -> None:
        """Turn the clock, and keep the stage's deadlines."""
        until = self.now + seconds
        while self.stage.deadline <= until:
            self.now = self.stage.deadline
            self.stage.due()
        self.now = until

    @property
    def to_server(self) -> bytes:
        """The bytes that went to the server, without the numbers of its requests."""
        return MARK.sub(b"", self.raw_to_server)

    @property
    def numbers(self) -> list[int]:
        """The requests that the server was told by number."""
        return [int(number) for number in MARK.findall(self.raw_to_server)]

    @property
    def boxed(self) -> list[tuple[str, int]]:
        return [(record.what, record.rid) for record in self.seen if isinstance(record, Boxed)]

    @property
    def requests(self) -> list[Request]:
        return [record for record in self.seen if isinstance(record, Request)]

    @property
    def responses(self) -> list[Response]:
        return [record for record in self.seen if isinstance(record, Response)]
