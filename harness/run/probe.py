"""Flows of the harness's own: HTTP over a stream it dialled itself, to see what a path and its boxes do.

The plain question is ``GET /healthz``; a server that does not know it answers 404, which proves as much. An event
stream is asked for at ``/healthz/stream``, and a body of a size at ``/healthz/bytes/SIZE``.
"""

import errno
from collections.abc import Callable, Mapping
from typing import Literal

import h11
import msgspec
import trio

from harness.deeds.catalogue import Symptom
from harness.jobserver.probe_streams import BEGAN
from harness.run.beats import BeatReader, began_of
from harness.seams import Stream

Meeting = Literal["answer", "silence", "fin", "rst"]
SYMPTOMS: Mapping[Meeting, Symptom] = {"answer": "otherwise", "silence": "quiet", "fin": "ended", "rst": "ended"}
"""The symptom where this was met instead of another meeting."""
Release = Callable[[Stream], None]
"""Called as a flow is given up: lets its server's side end too (``Gate.release``)."""
READ = 65_536
HEALTH = "/healthz"
STREAM = "/healthz/stream"
BYTES = "/healthz/bytes"


class Met(msgspec.Struct, frozen=True, kw_only=True):
    """The meeting of a question: after how many seconds, in how many reads of how many bytes; its answer's head."""

    what: Meeting
    seconds: float
    reads: int = 0
    length: int = 0
    status: int = 0
    content_type: str = ""
    took: float = 0.0  # seconds from when the server began its answer to the last byte of it, where it says when


class Probe:
    """A connection that asks one question at a time."""

    def __init__(self, stream: Stream, release: Release = lambda _: None) -> None:
        self.stream = stream
        self.alive = True  # it carries another question
        self._release = release
        self._http = h11.Connection(h11.CLIENT)
        self._head: h11.Response | None = None
        self._reads = self._length = 0

    async def ask(self, timeout: float, *, target: str = HEALTH, accept: str = "*/*") -> Met:
        """Ask and wait for the whole answer, the connection's end, or ``timeout`` seconds without either.

        After anything but an answer the flow asks no more.
        """
        self.alive = False  # also where this is cancelled: the answer may still be on its way
        met = await self._meet(timeout, target, accept)
        self.alive = met.what == "answer" and self._again()
        return met

    async def ending(self, timeout: float) -> Meeting:
        """Wait for this connection's end without asking: ``fin``, ``rst``, or ``silence`` when the time is over."""
        what: Meeting = "silence"
        with trio.move_on_after(timeout):
            try:
                while await self.stream.receive_some(READ):
                    pass
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                what = ending_of(error)
            else:
                what = "fin"
        return what

    def close(self) -> None:
        """Close, and let the server's side end."""
        self._release(self.stream)
        self.stream.close()

    async def _meet(self, timeout: float, target: str, accept: str) -> Met:
        began = trio.current_time()
        what: Meeting = "silence"
        with trio.move_on_after(timeout):
            try:
                await self._send(target, accept)
                what = await self._answer()
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                what = ending_of(error)
            except h11.RemoteProtocolError:
                what = "answer"  # a peer answered; that it was no HTTP is not the path's doing
        return Met(
            what=what,
            seconds=trio.current_time() - began,
            reads=self._reads,
            length=self._length,
            status=self._head.status_code if self._head is not None else 0,
            content_type=_header(self._head, b"content-type").partition(";")[0].strip().lower(),
            took=trio.current_time() - began_of(_header(self._head, BEGAN.encode())),
        )

    async def _send(self, target: str, accept: str) -> None:
        question = h11.Request(method="GET", target=target, headers=[("Host", "canary"), ("Accept", accept)])
        self._head = None
        self._reads = self._length = 0
        head = self._http.send(question)
        end = self._http.send(h11.EndOfMessage())
        await self.stream.send_all((head or b"") + (end or b""))

    async def _answer(self) -> Meeting:
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                self._head = event
            elif isinstance(event, h11.EndOfMessage):
                return "answer"
            elif isinstance(event, h11.ConnectionClosed):
                return "fin"

    async def _event(self) -> object:
        """Return the next event of the answer, reading as much as it takes; ``ConnectionClosed`` at FIN."""
        while (event := self._http.next_event()) is h11.NEED_DATA:
            data = bytes(await self.stream.receive_some(READ))
            if not data:
                return h11.ConnectionClosed()
            self._reads += 1
            self._length += len(data)
            self._http.receive_data(data)
        return event

    def _again(self) -> bool:
        """Return whether this connection may carry another question."""
        try:
            self._http.start_next_cycle()
        except h11.LocalProtocolError:
            return False
        return True


class StreamProbe:
    """A connection that asks for one event stream, and reads its beats when it is told to."""

    def __init__(self, stream: Stream, release: Release = lambda _: None) -> None:
        self.answer = BeatReader()
        self._stream = stream
        self._release = release

    async def ask(self) -> None:
        """Ask for the stream. Raises trio's ``BrokenResourceError`` where the connection has ended."""
        await self._stream.send_all(
            f"GET {STREAM} HTTP/1.1\r\nHost: canary\r\nAccept: text/event-stream\r\n\r\n".encode()
        )

    async def until(self, seen: Callable[[], bool], timeout: float) -> Meeting:
        """Read until this has been ``seen`` (answer), the connection's end, or for so many seconds (silence)."""
        with trio.move_on_after(timeout):
            try:
                while not seen():
                    data = bytes(await self._stream.receive_some(READ))
                    if not data:
                        return "fin"
                    self.answer.take(data, trio.current_time())
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                return ending_of(error)
            return "answer"
        return "silence"

    @property
    def streams(self) -> bool:
        """True if it is the server's own stream that answers, as far as its head has come."""
        return (self.answer.status, self.answer.content_type, self.answer.stranger) == (200, "text/event-stream", False)

    def close(self) -> None:
        """Close, and let the server's side end."""
        self._release(self._stream)
        self._stream.close()


def ending_of(error: Exception) -> Meeting:
    """Tell a RST from an orderly end by the errno below trio's error."""
    cause = error.__cause__
    if isinstance(cause, OSError) and cause.errno in {errno.EPIPE, errno.ESHUTDOWN}:
        return "fin"
    return "rst"


def _header(head: h11.Response | None, name: bytes) -> str:
    """Return what an answer's head says under this name; empty where it says nothing."""
    headers = head.headers if head is not None else ()
    return next((value.decode("latin-1") for key, value in headers if key == name), "")
