"""A stage for clients in virtual time: a phone whose dials are scripted, and a server whose answers are.

Everything lives in one process and knows connect, bytes, FIN and RST, no more. ``play`` runs one client to its end and
gives back what the server, the observer and the app saw, each with the virtual second at which it happened.
"""

import contextlib
import errno
import functools
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import h11
import msgspec
import trio
import trio.testing

from harness.clients import Callbacks, JobEvent, JobOutcome, Observer, SSEClient
from harness.clock import MovableSleep
from harness.seams import Signal, Stream
from harness.sse.policy import REFERENCE, Ids

TERMINALS = ("completed", "failed", "timeout")


class Pipe(Stream):
    """One end of a connection."""

    def __init__(self, halves, name):
        self._halves = halves
        self.local = self.peer = (name, 1)
        self.other = None
        self.was_reset = False
        self.dead = False  # the path is silent: nothing arrives any more, FIN included
        self.closed = False

    async def receive_some(self, max_bytes=None):
        data = b"" if self.was_reset else await self._halves.receive_some(max_bytes)
        if self.dead:
            await trio.sleep_forever()
        if self.was_reset:
            raise trio.BrokenResourceError from ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        return bytes(data)

    async def send_all(self, data):
        if self.was_reset:
            await trio.lowlevel.checkpoint()
            raise trio.BrokenResourceError from ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        await self._halves.send_all(data)

    async def wait_send_all_might_not_block(self):
        await self._halves.wait_send_all_might_not_block()

    def finish(self):
        self._halves.send_stream.close()

    def close(self):
        self.closed = True
        self._halves.send_stream.close()
        self._halves.receive_stream.close()

    def sever(self):
        """Break the connection for both ends."""
        for end in (self, self.other):
            end.was_reset = True
            end._halves.send_stream.close()

    def reset(self):
        self.other.was_reset = True
        self.closed = True
        self._halves.send_stream.close()
        self._halves.receive_stream.close()


def pipe_pair(name):
    """Both ends of a connection."""
    one, other = (Pipe(half, name) for half in trio.testing.memory_stream_pair())
    one.other, other.other = other, one
    return one, other


@dataclass
class Asked:
    """A request as the server saw it."""

    at: float
    what: str
    headers: dict
    target: str

    @property
    def cursor(self):
        return self.headers.get("last-event-id")


class Reply:
    """The answer of a scripted handler."""

    def __init__(self, pipe, asked):
        self.pipe = pipe
        self.asked = asked
        self._h11 = h11.Connection(h11.SERVER)

    async def head(self, status=200, content_type="text/event-stream", **headers):
        named = [(name.replace("_", "-"), value) for name, value in headers.items()]
        if content_type:
            named.append(("content-type", content_type))
        await self._send(h11.Response(status_code=status, headers=named))

    async def body(self, data):
        await self._send(h11.Data(data=data.encode() if isinstance(data, str) else data))

    async def end(self):
        await self._send(h11.EndOfMessage())

    async def full(self, status=200, data=b"", content_type="application/json", **headers):
        await self.head(status, content_type, content_length=str(len(data)), **headers)
        if data:
            await self.body(data)
        await self.end()

    async def json(self, value, status=200):
        await self.full(status, json.dumps(value).encode())

    async def events(self, *indices, epoch="a", kind="processing", **more):
        for index in indices:
            await self.body(event(f"{epoch}-{index}", kind, **more))

    async def _send(self, what):
        data = self._h11.send(what)
        if data:
            await self.pipe.send_all(data)


def event(event_id, kind="processing", **more):
    """One block: the data says which event it is."""
    return f"id: {event_id}\nevent: {kind}\ndata: {json.dumps({'is': event_id, **more})}\n\n"


async def silence(reply):
    """Open the stream, and never say a word."""
    await reply.head()
    await trio.sleep_forever()


async def completes(reply, index=9, epoch="a"):
    """Open the stream and complete the job at once."""
    await reply.head()
    await reply.events(index, epoch=epoch, kind="completed")
    await trio.sleep_forever()


def answers(status, **headers):
    """A handler that answers every request with this status."""

    async def handler(reply):
        await reply.full(status, **headers)

    return handler


def says(*blocks, then="fin"):
    """A stream of these blocks that then ends so."""

    async def handler(reply):
        await reply.head()
        for block in blocks:
            await reply.body(block)
        if then == "fin":
            await reply.end()
        elif then == "rst":
            reply.pipe.reset()
        else:
            await trio.sleep_forever()

    return handler


def taking(seconds):
    """A callback of an app that takes so long."""

    async def handler(_event):
        await trio.sleep(seconds)

    return handler


def in_turn(*handlers):
    """A handler that is another one each time; the last one stays."""
    left = list(handlers)

    async def handler(reply):
        await (left.pop(0) if len(left) > 1 else left[0])(reply)

    return handler


@dataclass
class Stage:
    """The phone and the server. ``streams`` are handlers in the order of stream requests; the last one repeats."""

    streams: list = field(default_factory=lambda: [completes])
    status: Callable = lambda reply: reply.json({"status": "processing", "progress": 0.1, "lastEventId": ""})
    results: Callable = lambda reply: reply.json({"rows": 3})
    token: Callable = lambda reply: reply.json({"token": "fresh"})
    starts: Callable = lambda reply: reply.json({"jobId": "j"}, 202)
    doors: Callable[[float], str] = lambda _at: "open"
    clock_zero: float = 0.0
    dials: list = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    pipes: list = field(default_factory=list)
    signal_senders: list = field(default_factory=list)
    streamed: int = 0

    # The phone.

    async def connect(self, host, port):
        await trio.lowlevel.checkpoint()
        at = trio.current_time() - self.clock_zero
        self.dials.append(round(at, 6))
        match self.doors(at):
            case "refuse":
                raise OSError(errno.ECONNREFUSED, "Connection refused")
            case "unreachable":
                raise OSError(errno.ENETUNREACH, "Network is unreachable")
            case "hang":
                await trio.sleep_forever()
        ours, theirs = pipe_pair(host)
        self.pipes.append(ours)
        await self._accept(theirs)
        return ours

    def signals(self):
        send, receive = trio.open_memory_channel(100)
        self.signal_senders.append(send)
        return receive

    async def sleep_until(self, deadline, movable_sleep=None):
        await (movable_sleep or MovableSleep()).until(deadline)

    def signal(self, what, path="lte"):
        for send in self.signal_senders:
            try:
                send.send_nowait(Signal(what=what, path=path))
            except trio.BrokenResourceError:
                continue

    # The server.

    async def _accept(self, pipe):
        self.nursery.start_soon(self._serve, pipe)

    async def _serve(self, pipe):
        connection = h11.Connection(h11.SERVER)
        request = None
        try:
            while True:
                found = connection.next_event()
                if found is h11.NEED_DATA:
                    data = await pipe.receive_some()
                    connection.receive_data(data)
                    if not data:
                        return
                elif isinstance(found, h11.Request):
                    request = found
                elif isinstance(found, h11.EndOfMessage):
                    break
            await self._answer(pipe, connection, request)
        except (trio.BrokenResourceError, trio.ClosedResourceError, h11.ProtocolError):
            pass
        finally:
            await trio.aclose_forcefully(pipe)

    async def _answer(self, pipe, connection, request):
        target = request.target.decode()
        headers = {name.decode(): value.decode() for name, value in request.headers}
        what = {"/token": "token", "/stream": "stream", "/results": "results", "imports": "start"}
        what = next((what for end, what in what.items() if target.endswith(end)), "poll")
        asked = Asked(round(trio.current_time() - self.clock_zero, 6), what, headers, target)
        self.asked.append(asked)
        reply = Reply(pipe, asked)
        reply._h11 = connection
        if what == "stream":
            handler = self.streams[min(self.streamed, len(self.streams) - 1)]
            self.streamed += 1
        else:
            handler = {"poll": self.status, "results": self.results, "token": self.token, "start": self.starts}[what]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._until_gone, pipe, nursery)
            with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):  # the client has gone
                await handler(reply)
            nursery.cancel_scope.cancel()

    async def _until_gone(self, pipe, nursery):
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while await pipe.receive_some():
                pass
        nursery.cancel_scope.cancel()

    def times(self, what):
        return [asked.at for asked in self.asked if asked.what == what]

    def cursors(self):
        return [asked.cursor for asked in self.asked if asked.what == "stream"]


class Watcher(Observer):
    """Keeps what an observer is told, with the time."""

    def __init__(self, stage):
        self.stage = stage
        self.log = []
        self.ends = []

    def _note(self, *what):
        self.log.append((round(trio.current_time() - self.stage.clock_zero, 6), *what))

    def attempt_began(self, n, cause, wait, last_event_id):
        self._note("attempt", n, cause, round(wait, 6))

    def attempt_ended(self, report):
        self._note("ended", report.n, report.how)
        self.ends.append(report)

    def status(self, word, attempt):
        self._note("status", word)

    def gap(self, reason, event_id, *, healed):
        self._note("gap", reason, healed)

    def absorbed(self, event_id, why):
        self._note("absorbed", event_id, why)

    def adopted(self, event_id):
        self._note("adopted", event_id)

    def results(self, job, status, body, *, whole, detail):
        self._note("results", status, whole)

    def of(self, kind):
        return [entry for entry in self.log if entry[1] == kind]


@dataclass
class Played:
    """The result of a play. ``shown``: (second, callback, id, source) as the app saw it."""

    stage: Stage
    watcher: Watcher
    shown: list = field(default_factory=list)
    outcome: JobOutcome | None = None
    left_open: int = 0
    tasks_left: int = 0

    @property
    def causes(self):
        return [cause for _at, _kind, _n, cause, _wait in self.watcher.of("attempt")]

    @property
    def waits(self):
        return [wait for *_rest, wait in self.watcher.of("attempt")]

    @property
    def hows(self):
        return [report.how for report in self.watcher.ends]

    @property
    def words(self):
        return [word for _at, _kind, word in self.watcher.of("status")]

    @property
    def ids(self):
        return [event_id for _at, _callback, event_id, _source in self.shown]


def play(
    stage: Stage,
    *,
    policies=REFERENCE,
    lasts: float = 3600.0,
    handler: Callable[[JobEvent], Awaitable[None] | None] = lambda event: None,
    beside: Callable[..., Awaitable[None]] | None = None,
    draws=random.Random,
    base_url="http://server",
    ids=Ids.EPOCH_INDEX,
    **client,
) -> Played:
    """Follow a job on this stage, in virtual time, to its end or for ``lasts`` seconds.

    The server is one whose ids tell epochs, as the harness's own do, unless ``ids`` says otherwise.
    """
    played = Played(stage, Watcher(stage))
    policies = msgspec.structs.replace(policies, ids=ids)

    def show(event):
        at = round(trio.current_time() - stage.clock_zero, 6)
        played.shown.append((at, event.callback, event.id, event.source))
        return handler(event)

    callbacks = Callbacks(**{f"on_{name}": show for name in ("initialized", "processing", *TERMINALS, "error", "gap")})
    make = functools.partial(
        SSEClient, base_url, policies=policies, phone=stage, observer=played.watcher, draws=draws, **client
    )

    async def main():
        stage.clock_zero = trio.current_time()
        async with trio.open_nursery() as stage.nursery:
            await trio.testing.wait_all_tasks_blocked()
            before = trio.lowlevel.current_statistics().tasks_living
            async with make() as under_test, trio.open_nursery() as actors:
                if beside is not None:
                    actors.start_soon(beside, stage, under_test)
                with trio.move_on_after(lasts):
                    played.outcome = await under_test.follow("j", callbacks)
                actors.cancel_scope.cancel()
            played.left_open = sum(not pipe.closed for pipe in stage.pipes)
            await trio.testing.wait_all_tasks_blocked()
            played.tasks_left = trio.lowlevel.current_statistics().tasks_living - before
            stage.nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return played
