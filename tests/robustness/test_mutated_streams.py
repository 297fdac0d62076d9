"""Millions of bytes of streams that once were valid, through the gate, its HTTP stage and the client, in virtual time.

Each answer is a stream of events, mutated: its events, then framed soundly; or its framing and head too. Nothing may
raise, hang or be left behind; and what the app sees of sound framing does not depend on how the bytes are cut.
"""

import gzip
import itertools
import json
import random
import tracemalloc
from dataclasses import dataclass, field
from functools import partial

import msgspec
import pytest
import trio
import trio.testing

from harness.clients import Callbacks, Observer, SSEClient
from harness.device import Device
from harness.history import Journal, Request, Response
from harness.middle import Middle
from harness.network import Gate
from harness.sse.parser import Parser
from harness.sse.policy import REFERENCE
from tests.growth import times_as_long
from tests.network.memory import MemoryNetwork

pytestmark = pytest.mark.slow

STREAMS = 64
"""In one run, of about 12 KB each."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
END = b'id: z-1\nevent: completed\ndata: {"status": "completed"}\n\n'
STATUS = json.dumps({"status": "processing", "progress": 0.5}).encode()
POLICIES = msgspec.structs.replace(REFERENCE, polls_after_failures=None, stops=())

SPICE = [
    *(b"\r", b"\n", b"\r\n", b"\n\n", b"\0", b"\xff", b"\xf0\x9f", b"\xef\xbb\xbf", "\u2028\x85".encode(), b":", b" "),
    *(b"id", b"\nid:\n", b"\nid: a-1\n", b"\nid: b-7\0\n", b"\nid: \xe2\x82\xac\x7f\n", b"\nevent: reset\n", b"\ndata"),
    *(b"\nretry: 9999999999999\n", b"\nretry: 0\n", b"data: " + b"x" * 5000, b"\n" * 300, b": " + b"-" * 300 + b"\n"),
]
FRAMES = [b"0\r\n\r\n", b"\r\n", b"ffffffffffffffffffffff\r\n", b"-1\r\n", b"Content-Length: 7\r\n", b"\r\n\r\n"]

CUTS = {"whole": [1_000_000], "coarse": [1, 200, 3000, 30_000], "fine": [1, 3, 20, 200]}
"""The sizes of what the server writes at once."""


def valid(chance, nth):
    """The nth stream of a job, with all that a stream may have."""
    ends = chance.choice([b"\n", b"\r", b"\r\n"])
    made = []
    for number in range(nth * 40, nth * 40 + 40):
        data = json.dumps({"progress": number / 2000, "message": "é😀 " * chance.randrange(40)}, ensure_ascii=False)
        block = [b"event: processing", b"id: a-%d" % number, *(b"data: " + part.encode() for part in data.split(" "))]
        block += chance.choice([[], [b": keep-alive"], [b"retry: 1500"], [b"data"], [b"unknown: x"]])
        chance.shuffle(block)
        made.append(ends.join([*block, b"", b""]))
    return b"".join(made)


def mutated(chance, data, spice=SPICE):
    """The same with some bytes flipped, ranges lost, repeated and swapped, and spice put in."""
    data = bytearray(data)
    for _ in range(chance.randrange(1, min(30, 3 + len(data) // 50))):
        at = chance.randrange(len(data) + 1)
        upto = at + chance.randrange(1, min(200, 3 + len(data) // 20))
        match chance.randrange(5):
            case 0:
                data[at : at + 1] = chance.randbytes(1)
            case 1:
                del data[at:upto]
            case 2:
                data[at:at] = data[at:upto]
            case 3:
                data[at:at] = chance.choice(spice)
            case 4:
                data[at:upto] = bytes(reversed(data[at:upto]))
    return bytes(data)


def framed(chance, body):
    """A response of this body, in one of the ways to frame it."""
    match chance.randrange(4):
        case 0:
            return HEAD + b"\r\n" + body
        case 1:
            return HEAD + b"Content-Length: %d\r\n\r\n" % (len(body) + chance.choice([0, 0, 9])) + body
        case 2:
            return HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(body)
    parts = pieces(chance, body, CUTS["coarse"])
    chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in parts]
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(chunks) + chance.choice([b"0\r\n\r\n", b""])


def pieces(chance, wire, sizes):
    at = 0
    while at < len(wire):
        size = chance.choice(sizes)
        yield wire[at : at + size]
        at += size


@dataclass
class Seen(Observer):
    """The outcome of a run: what the app saw, how each attempt ended, what the gate recorded of HTTP."""

    shown: list = field(default_factory=list)
    ends: list = field(default_factory=list)
    said: list = field(default_factory=list)
    ended: str = ""
    tasks_left: int = 0

    def attempt_ended(self, report):
        self.ends.append((report.how, report.status, report.events, report.fresh, report.bytes, report.server_retry))

    def block(self, attempt, event_id, *, event):
        self.said.append((attempt, event_id, event))

    def show(self, event):
        self.shown.append((event.callback, event.data, event.id, event.source))

    def record(self, record):
        if isinstance(record, Request):
            self.said.append((record.what, record.last_event_id))
        elif isinstance(record, Response):
            self.said.append((record.status, record.content_type))


class Server:
    """Answers the streams of one run in turn, in pieces of these sizes, and then one that completes the job."""

    def __init__(self, wires, sizes):
        self._wires = iter(wires)
        self._sizes = sizes
        self._chance = random.Random(7)

    async def run(self, listener):
        async with trio.open_nursery() as nursery:
            while True:
                nursery.start_soon(self._serve, await listener.accept())

    async def _serve(self, stream):
        asked = b""
        while b"\r\n\r\n" not in asked and (more := await stream.receive_some()):
            asked += more
        answer = (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(STATUS) + STATUS
        )
        if b"/stream " in asked:
            answer = next(self._wires, HEAD + b"\r\n" + END)
        try:
            for piece in pieces(self._chance, answer, self._sizes):
                await stream.send_all(piece)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the client had enough of it
        await stream.aclose()


def run(folder, wires, cuts):
    """Follow a job that is answered so, with such cuts."""
    seen = Seen()

    async def main():
        network = MemoryNetwork()
        listener = await network.listen()
        before = trio.lowlevel.current_statistics().tasks_living
        with Journal(folder / f"history-{cuts}", itertools.count(1).__next__, tap=seen.record) as journal:
            middle = Middle(wall_clock=lambda: 0.0, journal=journal, next_rid=itertools.count(1).__next__)
            gate = Gate(
                client="c1",
                device=Device(["wifi"], starts_on="wifi"),
                routes={"wifi": listener.address},
                radios={},
                network=network,
                journal=journal,
                stage=middle.stage,
            )
            async with trio.open_nursery() as nursery:
                nursery.start_soon(Server(wires, CUTS[cuts]).run, listener)
                async with gate.open(), client(gate.phone, seen) as under_test:
                    with trio.fail_after(len(wires) * 100):
                        shows = Callbacks(on_processing=seen.show, on_completed=seen.show, on_gap=seen.show)
                        seen.ended = (await under_test.follow("j", shows)).ended
                nursery.cancel_scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        seen.tasks_left = trio.lowlevel.current_statistics().tasks_living - before

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return seen


def client(phone, seen):
    return SSEClient("http://server", phone=phone, observer=seen, policies=POLICIES, draws=random.Random)


def mutated_events(seed):
    """Streams whose framing is sound."""
    chance = random.Random(seed)
    return [framed(chance, mutated(chance, valid(chance, nth))) for nth in range(STREAMS)]


@pytest.mark.parametrize("seed", range(2))
def test_mutated_events_are_seen_alike_whatever_the_cuts(tmp_path, seed):
    whole, *others = [run(tmp_path, mutated_events(seed), cuts) for cuts in CUTS]
    assert (whole.ended, whole.tasks_left, len(whole.ends)) == ("completed", 0, STREAMS + 1)
    assert sum(events for _, _, events, *_ in whole.ends) > STREAMS * 30
    assert others == [whole] * 2


def test_a_parser_that_minds_the_cuts_would_be_noticed(tmp_path, monkeypatch):
    """The check itself."""
    feed = Parser.feed
    monkeypatch.setattr(Parser, "feed", lambda self, data: feed(self, data.removesuffix(b"\r")))
    whole, fine = [run(tmp_path, mutated_events(0), cuts) for cuts in ("whole", "fine")]
    assert fine.shown != whole.shown


def mutated_answers(seed):
    """Return valid streams, and the same of which every other has its head mutated, and the rest any part."""
    chance = random.Random(seed)
    wires = [framed(chance, valid(chance, nth)) for nth in range(STREAMS) for _ in range(2)]
    sizes = (150, 20_000) * STREAMS
    mutants = [mutated(chance, one[:size], SPICE + FRAMES) + one[size:] for one, size in zip(wires, sizes, strict=True)]
    return wires, mutants


@pytest.mark.parametrize("seed", range(3))
def test_mutated_answers_neither_raise_nor_hang_nor_hold_memory(tmp_path, seed):
    _, wires = mutated_answers(seed)
    tracemalloc.start()
    seen = run(tmp_path, wires, "coarse")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (seen.ended, seen.tasks_left) == ("completed", 0)
    assert {"eof", "error", "wrong-type"} < {how for how, *_ in seen.ends}
    assert peak < 10_000_000


def test_mutated_answers_take_no_longer_than_valid_ones(tmp_path):
    """A parser or client that goes astray over them would take many times as long."""
    valid_ones, mutants = [partial(run, tmp_path, wires, "coarse") for wires in mutated_answers(0)]
    assert times_as_long(mutants, valid_ones, bound=1.5) < 1.5
