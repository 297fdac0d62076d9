"""The httpx transport of a phone: every connection of a client is dialled through ``Phone.connect``, in both worlds.

h11 does the HTTP, one connection for each request: nothing is kept alive in between, since a phone that changes
networks gains nothing from an idle socket of the old one. httpx's own transport, through httpcore, takes twice the
steps for each piece of a body, and reads it through generators that a body left early leaves suspended. Deadlines are
not httpx's: the caller guards its request (``harness.clients.deadlines``). Proxies in the environment are ignored.
"""

import contextlib
import errno
import functools
import ssl
from typing import Self

import h11
import httpx
import trio

from harness.seams import Phone, Stream

READ = 65_536
"""The most bytes of one read."""

MAX_HEAD = 100_000
"""The most bytes of a response's head, or of the line before a chunk."""

_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}


class DialFailed(httpx.ConnectError):
    """No connection came about. ``how`` is ``refused``, ``unreachable`` or ``error`` (names, TLS, the rest)."""

    def __init__(self, message: str, how: str) -> None:
        super().__init__(message)
        self.how = how


class PhoneTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 over the streams that a phone dials. Raises httpx's own exceptions.

    Without a TLS context the machine's own authorities are trusted. A request's extension ``connected`` is called once
    its connection is there, TLS included.
    """

    def __init__(self, phone: Phone, tls: ssl.SSLContext | None) -> None:
        self._phone = phone
        self._tls = tls
        if tls is not None:
            tls.set_alpn_protocols(["http/1.1"])

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the response's body is read as it arrives. Closing the response closes the connection."""
        stream = await self._dial(request.url)
        exchange = _Exchange(stream)
        try:
            request.extensions.get("connected", _nobody)()
            head = await exchange.ask(request)
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return httpx.Response(
            status_code=head.status_code,
            headers=head.headers.raw_items(),
            stream=exchange,
            extensions={"http_version": b"HTTP/" + head.http_version, "reason_phrase": head.reason},
            request=request,
        )

    async def _dial(self, url: httpx.URL) -> trio.abc.Stream:
        """Connect to the URL's origin. Raises ``DialFailed``."""
        if url.scheme not in ("http", "https") or not url.host:
            raise httpx.UnsupportedProtocol(f"expected an http or https URL, got {str(url)!r}")
        try:
            stream = await self._phone.connect(url.host, url.port or (443 if url.scheme == "https" else 80))
            return stream if url.scheme == "http" else await self._encrypt(stream, url.host)
        except (OSError, trio.BrokenResourceError, ValueError) as error:  # ValueError: a name that TLS cannot ask for
            cause = error if isinstance(error, OSError) else error.__cause__ or error
            raise DialFailed(str(error) or type(error).__name__, _how(cause)) from error

    async def _encrypt(self, stream: Stream, host: str) -> trio.abc.Stream:
        # https_compatible: a close does not wait for the peer's goodbye, which a dead path would never bring.
        try:
            made = trio.SSLStream(stream, self._tls or verifying(), server_hostname=host, https_compatible=True)
            await made.do_handshake()
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return made


@functools.cache
def verifying() -> ssl.SSLContext:
    """Return the one context of all clients that bring none: building it takes 30 ms."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _nobody() -> None:
    """Do nothing: the default observer."""


class _Exchange(httpx.AsyncByteStream):
    """One request and its answer, whose body this is. It has its connection to itself, and closes it."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)

    async def ask(self, request: httpx.Request) -> h11.Response | h11.InformationalResponse:
        """Send the request and return the head of its answer.

        Raises ``httpx.ReadError`` and ``httpx.ProtocolError``. A server may answer and close before it has the whole
        request, so an error in sending it is none yet.
        """
        http = self._http
        try:
            head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
            parts = [head, *([h11.Data(request.content)] if request.content else []), h11.EndOfMessage()]
            data = b"".join(http.send(part) or b"" for part in parts)
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            await (self._stream.send(data) if isinstance(self._stream, Stream) else self._stream.send_all(data))
        while True:
            event = await self._event()
            if isinstance(event, h11.Response) or (
                isinstance(event, h11.InformationalResponse) and event.status_code == 101
            ):
                return event

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        event = await self._event()
        if isinstance(event, h11.Data):
            return bytes(event.data)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        await _close(self._stream)

    async def _event(self) -> h11.Event | type[h11.PAUSED]:
        http = self._http
        while True:
            try:
                event = http.next_event()
            except h11.RemoteProtocolError as error:
                raise httpx.RemoteProtocolError(str(error)) from error
            if event is not h11.NEED_DATA:
                return event  # type: ignore[return-value] # mypy does not narrow a sentinel
            try:
                data = bytes(await self._stream.receive_some(READ))
            except (trio.BrokenResourceError, trio.ClosedResourceError, OSError) as error:
                raise httpx.ReadError(_said(error)) from error
            if not data and http.their_state is h11.SEND_RESPONSE:  # h11's words would not say what happened
                raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
            http.receive_data(data)


def _how(error: BaseException) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, OSError) and error.errno in _UNREACHABLE:
        return "unreachable"
    return "error"


async def _close(stream: trio.abc.Stream) -> None:
    """Close at once, be the task cancelled or not. Over TLS it does not wait for the peer's ``close_notify``."""
    if isinstance(stream, Stream):
        stream.close()
    else:
        await stream.aclose()


def _said(error: BaseException) -> str:
    """Say the reason: trio wraps the system's error, whose words are the useful ones."""
    return str(error.__cause__ or error) or type(error).__name__
