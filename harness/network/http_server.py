"""One HTTP/1.1 connection of a server of ours: h11 on a stream, with a bound on everything a peer may take.

The requests of a connection are answered one by one. A body is read whole before a request is handed on, so the
handler sees a complete one. Every wait for the peer has a deadline (``HttpLimits``); a peer that runs into one is told
so where it may still listen, and is dropped.
"""

import abc
import contextlib
from collections.abc import Iterable

import h11
import msgspec
import trio

from harness.errors import PeerError
from harness.seams import Stream
from harness.vocabulary import REQUEST_HEADER

Headers = Iterable[tuple[str, str]]

PIECE = 1 << 14
"""Bytes of a long body per write: each has its own deadline, so a slow peer is not a dead one."""

MOST_DIGITS = 18
"""Digits of a request's number."""

_END = h11.EndOfMessage()
_NUMBER = REQUEST_HEADER.lower()


class HttpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of a peer on one connection. Times in seconds, sizes in bytes."""

    head: int = 16_384
    body: int = 65_536
    idle: float = 75.0  # between requests
    request: float = 30.0  # from a request's first byte to its last
    blocked: float = 30.0  # one write that the peer does not take
    linger: float = 1.0  # for the peer to read a refusal before the connection is closed


class HttpRequest(msgspec.Struct, frozen=True):
    """A complete request. Header names are lower case; of a repeated header the values are joined by ``, ``.

    ``target`` is as sent, percent-encoded; ``path`` is that without its query. ``rid`` is the number that the gate gave
    it, which is no header of it any more; 0 where it came by no gate.
    """

    method: str
    target: str
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


class ServerConnection(abc.ABC):
    """The h11 shell of one stream. How a refusal reads is the server's own."""

    def __init__(self, stream: Stream, limits: HttpLimits) -> None:
        self.stream = stream
        self._limits = limits
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.head)
        self._bodiless = False  # the request is a HEAD: its answer has no body (RFC 9110, 9.3.2)

    async def next_request(self) -> HttpRequest | None:
        """Wait for the next request; None when the peer is done, or never said anything.

        Raises ``Refusal`` for what is no request, ``trio.BrokenResourceError`` when the connection is gone.
        """
        self._bodiless = False
        with trio.CancelScope(deadline=trio.current_time() + self._limits.idle) as scope:
            event = self._next_event()
            if event is h11.NEED_DATA and not self._h11.trailing_data[0] and not await self._receive():
                return None
            # From its first byte on a request has one deadline, however slowly the rest drips in.
            scope.deadline = trio.current_time() + self._limits.request
            return await self._read(event)
        if self._h11.their_state is h11.IDLE and not self._h11.trailing_data[0]:
            return None
        raise Refusal(408, "timeout", f"the request was not complete within {self._limits.request:g} s")

    async def respond(self, status: int, body: bytes = b"", headers: Headers = (), *, reason: bytes = b"") -> None:
        """Send a whole answer, to a HEAD without its body. ``reason`` is the phrase beside the status.

        Raises ``trio.BrokenResourceError`` when the peer is gone or takes nothing.
        """
        length = [] if status == 204 else [("content-length", str(len(body)))]
        answer = h11.Response(status_code=status, headers=[*length, *headers], reason=reason)
        head = self._h11.send(answer) or b""
        first = self._h11.send(h11.Data(data=body)) or b"" if body and not self._bodiless else b""
        end = self._h11.send(_END) or b""
        message = memoryview(head + first + end)
        for start in range(0, len(message), PIECE):
            await self.send(message[start : start + PIECE])

    async def send(self, data: bytes | memoryview) -> None:
        """Send these bytes of an answer. Raises ``trio.BrokenResourceError`` when the peer is gone or takes nothing."""
        await trio.lowlevel.checkpoint_if_cancelled()
        sent = self.stream.send_now(data)
        if sent == len(data):
            return
        with trio.move_on_after(self._limits.blocked):
            await self.stream.send_all(memoryview(data)[sent:])
            return
        raise trio.BrokenResourceError(f"the peer took nothing for {self._limits.blocked:g} s")

    async def refuse(self, refusal: Refusal) -> None:
        """Say why, if nothing was said yet, and give the peer a moment to read it: unread bytes would reset it."""
        if self.answered:
            return
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await self.say_why(refusal)
            with trio.move_on_after(self._limits.linger):
                await self.stream.send_eof()
                while await self.stream.receive_some(PIECE):
                    pass

    @abc.abstractmethod
    async def say_why(self, refusal: Refusal) -> None:
        """Send a refusal as an answer, the last of this connection."""

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
        return _request(event, await self.body_of(event))

    async def body_of(self, head: h11.Request) -> bytes:
        """Read the body of a request whole. Raises ``Refusal`` for one that is too large."""
        del head
        body = bytearray()
        while piece := await self.more():
            body += piece
            if len(body) > self._limits.body:
                raise Refusal(413, "too_large", f"a body may have {self._limits.body} bytes")
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


def _request(head: h11.Request, body: bytes) -> HttpRequest:
    headers: dict[str, str] = {}
    for raw_name, raw_value in head.headers:
        name = raw_name.decode("ascii")
        # Last-Event-ID is UTF-8 on the wire (WHATWG HTML 9.2.3); no other header of ours needs more than ASCII.
        value = raw_value.decode("utf-8", "replace")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    target = head.target.decode("ascii", "replace")
    method, path = head.method.decode("ascii"), target.partition("?")[0]
    return HttpRequest(method, target, path, headers, body, _number(headers.pop(_NUMBER, "")))


def _number(said: str) -> int:
    """Return the number that the gate gave a request; 0 for none."""
    return int(said) if said.isascii() and said.isdecimal() and len(said) <= MOST_DIGITS else 0
