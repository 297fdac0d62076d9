"""One connection of the job server: its answers in JSON, and those without an end, its streams."""

import functools

import h11
import msgspec
import trio

from harness.jobserver.behaviour import ServerBehaviour
from harness.network.http_server import Headers, HttpLimits, Refusal, ServerConnection
from harness.seams import Stream

OPEN_BODIES = b"/healthz/stream/"
"""Requests to here are handed on while their body is still coming: it has no end before their answer has one."""

_END = h11.EndOfMessage()


class PeerLimits(HttpLimits, frozen=True, kw_only=True):
    """The limits of all peers together, besides."""

    connections: int = 10_000
    jobs: int = 10_000  # remembered; the oldest finished one is forgotten first


def error_body(code: str, message: str) -> bytes:
    """Return the JSON of every error answer."""
    return msgspec.json.encode({"error": {"code": code, "message": message}})


class HttpConnection(ServerConnection):
    """A connection that the server's behaviour may keep from writing."""

    def __init__(self, stream: Stream, limits: PeerLimits, behaviour: ServerBehaviour) -> None:
        super().__init__(stream, limits)
        self.limits = limits
        self.leaving = trio.Event()  # the server goes: an answer without an end had better end now
        self.leave: list[tuple[str, str]] = []  # for the page that made the current request to read its answer
        self._behaviour = behaviour

    async def may_write(self) -> None:
        """Wait while the server hangs."""
        if self._behaviour.hangs:
            await self._behaviour.leave_to_write()

    async def send(self, data: bytes | memoryview) -> None:
        """Send these bytes of an answer, as soon as the server may write."""
        await self.may_write()
        await super().send(data)

    async def respond_json(self, status: int, body: bytes, headers: Headers = ()) -> None:
        """Send a whole answer in JSON, never to be stored by a cache."""
        kind = [("content-type", "application/json"), ("cache-control", "no-store")]
        await self.respond(status, body, [*kind, *headers])

    async def respond(self, status: int, body: bytes = b"", headers: Headers = (), *, reason: bytes = b"") -> None:
        """Send a whole answer, with the leave of the page that asked for it to read it."""
        await super().respond(status, body, [*headers, *self.leave], reason=reason)

    async def say_why(self, refusal: Refusal) -> None:
        """Send a refusal in JSON."""
        await self.respond_json(refusal.status, error_body(refusal.code, str(refusal)), [("connection", "close")])

    async def body_of(self, head: h11.Request) -> bytes:
        """Read the body whole, unless it has no end yet."""
        return b"" if head.target.startswith(OPEN_BODIES) else await super().body_of(head)

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

    @property
    def flooded(self) -> bool:
        """True if the peer has sent ahead more than a request may have."""
        return len(self._h11.trailing_data[0]) > self.limits.head + self.limits.body


@functools.lru_cache(maxsize=16)
def _stream_head(headers: tuple[tuple[str, str], ...]) -> h11.Response:
    """Return the head of a stream. h11 looks at each header of a new one, and most streams have the same."""
    return h11.Response(status_code=200, headers=list(headers))
