"""One HTTP/1.1 connection of the server: h11 on a stream, with a bound on everything a peer may take.

The requests of a connection are answered one by one. A body is read whole before the handler runs, so a handler sees a
complete request and may answer as it likes. Every wait for the peer has a deadline (``PeerLimits``); a peer that runs
into one is told so where it may still listen, and is dropped.
"""

import contextlib
import functools
from collections.abc import Iterable

import h11
import msgspec
import trio

from harness.errors import PeerError
from harness.jobserver.behaviour import ServerBehaviour
from harness.seams import Stream
from harness.vocabulary import REQUEST_HEADER

Headers = Iterable[tuple[str, str]]

PIECE = 1 << 14
"""Bytes of a long body per write: each has its own deadline, so a slow peer is not a dead one."""


MOST_DIGITS = 18
"""Digits of a request's number."""

OPEN_BODIES = b"/healthz/stream/"
"""Requests to here are handed on while their body is still coming: it has no end before their answer has one."""


class PeerLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of a peer. Times in seconds, sizes in bytes."""

    connections: int = 10_000
    jobs: int = 10_000  # remembered; the oldest finished one is forgotten first
    head: int = 16_384
    body: int = 65_536
    idle: float = 75.0  # between requests
    request: float = 30.0  # from a request's first byte to its last
    blocked: float = 30.0  # one write that the peer does not take
    linger: float = 1.0  # for the peer to read a refusal before the connection is closed


class HttpRequest(msgspec.Struct, frozen=True):
    """A complete request. Header names are lower case; of a repeated header the values are joined by ``, ``.

    ``rid`` is the number that the gate gave it, which is no header of it any more; 0 where it came by no gate.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    rid: int = 0


class Refusal(PeerError):
    """The peer's bytes are no request that can be answered: the status that says so, then the end."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def error_body(code: str, message: str) -> bytes:
    """Return the JSON of every error answer."""
    return msgspec.json.encode({"error": {"code": code, "message": message}})


class HttpConnection:
    """The h11 shell of one stream."""

    def __init__(self, stream: Stream, limits: PeerLimits, behaviour: ServerBehaviour) -> None:
        self.stream = stream
        self.limits = limits
        self.leaving = trio.Event()  # the server goes: an answer without an end had better end now
        self.leave: list[tuple[str, str]] = []  # for the page that made the current request to read its answer
        self._behaviour = behaviour
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.head)
        self._bodiless = False  # the request is a HEAD: its answer has no body (RFC 9110, 9.3.2)

    async def next_request(self) -> HttpRequest | None:
        """Wait for the next request; None when the peer is done, or never said anything.

        Raises ``Refusal`` for what is no request, ``trio.BrokenResourceError`` when the connection is gone.
        """
        self._bodiless = False
        with trio.CancelScope(deadline=trio.current_time() + self.limits.idle) as scope:
            event = self._next_event()
            if event is h11.NEED_DATA and not self._h11.trailing_data[0] and not await self._receive():
                return None
            # From its first byte on a request has one deadline, however slowly the rest drips in.
            scope.deadline = trio.current_time() + self.limits.request
            return await self._read(event)
        if self._h11.their_state is h11.IDLE and not self._h11.trailing_data[0]:
            return None
        raise Refusal(408, "timeout", f"the request was not complete within {self.limits.request:g} s")

    async def respond(self, status: int, body: bytes = b"", headers: Headers = ()) -> None:
        """Send a whole answer, to a HEAD without its body.

        Raises ``trio.BrokenResourceError`` when the peer is gone or takes nothing.
        """
        length = [] if status == 204 else [("content-length", str(len(body)))]
        head = self._h11.send(h11.Response(status_code=status, headers=[*length, *headers, *self.leave])) or b""
        first = self._h11.send(h11.Data(data=body)) or b"" if body and not self._bodiless else b""
        end = self._h11.send(_END) or b""
        message = memoryview(head + first + end)
        for start in range(0, len(message), PIECE):
            await self.send(message[start : start + PIECE])

    async def send(self, data: bytes | memoryview) -> None:
        """Send these bytes of an answer. Raises ``trio.BrokenResourceError`` when the peer is gone or takes nothing."""
        await self.may_write()
        await trio.lowlevel.checkpoint_if_cancelled()
        sent = self.stream.send_now(data)
        if sent == len(data):
            return
        with trio.move_on_after(self.limits.blocked):
            await self.stream.send_all(memoryview(data)[sent:])
            return
        raise trio.BrokenResourceError(f"the peer took nothing for {self.limits.blocked:g} s")

    async def respond_json(self, status: int, body: bytes, headers: Headers = ()) -> None:
        """Send a whole answer in JSON, never to be stored by a cache."""
        await self.respond(
            status, body, [("content-type", "application/json"), ("cache-control", "no-store"), *headers]
        )

    async def refuse(self, refusal: Refusal) -> None:
        """Say why, if nothing was said yet, and give the peer a moment to read it: unread bytes would reset it."""
        if self._h11.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await self.respond_json(refusal.status, error_body(refusal.code, str(refusal)), [("connection", "close")])
            with trio.move_on_after(self.limits.linger):
                await self.stream.send_eof()
                while await self.stream.receive_some(PIECE):
                    pass

    async def may_write(self) -> None:
        """Wait while the server hangs."""
        if self._behaviour.hangs:
            await self._behaviour.leave_to_write()

    def begin_stream(self, headers: Headers) -> bytes:
        """Return the head of a 200 whose body goes on until ``end_stream``. The caller sends it."""
        return self._h11.send(_stream_head((*headers, *self.leave))) or b""

    def frame(self, data: bytes) -> bytes:
        """Return a piece of that body as it goes on the wire: a chunk, or as it is for HTTP/1.0 (RFC 9112, 7.1).

        h11 would make the same chunk, at five times the cost, which is a tenth of that of an event. Nothing is no
        chunk: an empty one would end the body.
        """
        return b"%x\r\n%b\r\n" % (len(data), data) if data and self._h11.their_http_version != b"1.0" else data

    def end_stream(self) -> bytes:
        """Return the end of that body."""
        return self._h11.send(_END) or b""

    async def respond_stream_head(self, headers: Headers) -> None:
        """Answer a HEAD of what would be a stream."""
        await self.send(self.begin_stream(headers) + self.end_stream())

    async def hear(self) -> bool:
        """While a stream is being sent: wait for bytes, and keep them for the next request. False: FIN, or a flood."""
        return await self._receive() and not self.flooded

    async def more(self) -> bytes:
        """Return the next bytes of a body that is still coming; ``b""`` at its end, or where the peer has left."""
        while (event := self._next_event()) is h11.NEED_DATA:
            if not await self._receive():
                return b""
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    @property
    def half_heard(self) -> bool:
        """True if the current request's body has not come to its end."""
        return self._h11.their_state is h11.SEND_BODY

    @property
    def flooded(self) -> bool:
        """True if the peer has sent ahead more than a request may have."""
        return len(self._h11.trailing_data[0]) > self.limits.head + self.limits.body

    def reusable(self) -> bool:
        """Make ready for the next request, if this connection can carry one."""
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
            return True
        return False

    @property
    def answered(self) -> bool:
        """True if the answer to the current request has begun."""
        return self._h11.our_state not in (h11.IDLE, h11.SEND_RESPONSE)

    async def _read(self, event: object) -> HttpRequest | None:
        """Read the rest of a request from its first event."""
        while event is h11.NEED_DATA:
            event = self._next_event()
            if event is h11.NEED_DATA and not await self._receive():
                return None
        if not isinstance(event, h11.Request):
            return None
        self._bodiless = event.method == b"HEAD"
        if self._h11.they_are_waiting_for_100_continue:
            await self.send(self._h11.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        return _request(event, b"" if event.target.startswith(OPEN_BODIES) else await self._body())

    async def _body(self) -> bytes:
        body = bytearray()
        while piece := await self.more():
            body += piece
            if len(body) > self.limits.body:
                raise Refusal(413, "too_large", f"a body may have {self.limits.body} bytes")
        if self.half_heard:
            raise trio.BrokenResourceError("the peer left in the middle of a body")
        return bytes(body)

    def _next_event(self) -> object:
        try:
            return self._h11.next_event()
        except h11.RemoteProtocolError as error:
            raise Refusal(error.error_status_hint, "bad_request", f"not HTTP: {error}") from error

    async def _receive(self) -> bool:
        """Hand what comes to h11; False at FIN."""
        data = await self.stream.receive_some(1 << 16)
        if data:
            self._h11.receive_data(bytes(data))
        return bool(data)


_END = h11.EndOfMessage()
_NUMBER = REQUEST_HEADER.lower()


@functools.lru_cache(maxsize=16)
def _stream_head(headers: tuple[tuple[str, str], ...]) -> h11.Response:
    """Return the head of a stream. h11 looks at each header of a new one, and most streams have the same."""
    return h11.Response(status_code=200, headers=list(headers))


def _request(head: h11.Request, body: bytes) -> HttpRequest:
    headers: dict[str, str] = {}
    for raw_name, raw_value in head.headers:
        name = raw_name.decode("ascii")
        # Last-Event-ID is UTF-8 on the wire (WHATWG HTML 9.2.3); no other header of ours needs more than ASCII.
        value = raw_value.decode("utf-8", "replace")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    path = head.target.decode("ascii", "replace").partition("?")[0]
    return HttpRequest(head.method.decode("ascii"), path, headers, body, _number(headers.pop(_NUMBER, "")))


def _number(said: str) -> int:
    """Return the number that the gate gave a request; 0 for none."""
    return int(said) if said.isascii() and said.isdecimal() and len(said) <= MOST_DIGITS else 0
