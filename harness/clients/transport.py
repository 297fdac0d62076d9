"""The httpx transport of a phone: every connection of a client is dialled through ``Phone.connect``, in both worlds.

httpcore does the HTTP, one connection for each request: nothing is kept alive in between, since a phone that changes
networks gains nothing from an idle socket of the old one, and since a pool's expiry reads the machine's clock.
Deadlines are not httpx's: whoever makes a request guards it (``harness.clients.vigil``), so the timeouts that httpcore
hands down are ignored here. Proxies in the environment are ignored too.
"""

import errno
import functools
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Self

import httpcore
import httpx
import trio

from harness.seams import Phone, Stream

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
        url = request.url
        with _httpx_errors():
            asked = httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=_Content(request.content),
            )
            stream = await self._dial(url)
            try:
                request.extensions.get("connected", _nobody)()
                connection = httpcore.AsyncHTTP11Connection(asked.url.origin, _PhoneStream(stream))
                response = await connection.handle_async_request(asked)
            except BaseException:
                await trio.aclose_forcefully(stream)
                raise
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response.stream, stream),
            extensions=response.extensions,
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
    """Nobody wants to know."""


class _Content(httpx.AsyncByteStream):
    """A request's body in one piece.

    httpx's own is an async generator, which httpcore leaves suspended where the connection breaks while it is written.
    """

    def __init__(self, content: bytes) -> None:
        self._left = [content] if content else []

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop()


class _Body(httpx.AsyncByteStream):
    """A response's body, with httpcore's exceptions translated. It has its connection to itself, and closes it."""

    def __init__(self, parts: Any, connection: trio.abc.Stream) -> None:
        self._parts = parts
        self._connection = connection

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _httpx_errors():
            async for part in self._parts:
                yield part

    async def aclose(self) -> None:
        await _close(self._connection)


@contextmanager
def _httpx_errors() -> Iterator[None]:
    """Translate httpcore's exceptions: the two libraries use the same names."""
    try:
        yield
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raised: type[httpx.TransportError] = getattr(httpx, type(error).__name__, httpx.NetworkError)
        raise raised(str(error) or type(error).__name__) from error


def _how(error: BaseException) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, OSError) and error.errno in _UNREACHABLE:
        return "unreachable"
    return "error"


class _PhoneStream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - deadlines are the vigil's
        try:
            return bytes(await self._stream.receive_some(max_bytes))
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError) as error:
            raise httpcore.ReadError(_said(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - deadlines are the vigil's
        if not buffer:
            return
        stream = self._stream
        try:
            await (stream.send(buffer) if isinstance(stream, Stream) else stream.send_all(buffer))
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError) as error:
            raise httpcore.WriteError(_said(error)) from error

    async def aclose(self) -> None:
        await _close(self._stream)

    def get_extra_info(self, info: str) -> Any:  # noqa: ARG002 - nothing is known of a phone's sockets
        return None


async def _close(stream: trio.abc.Stream) -> None:
    """Close at once, be the task cancelled or not: over TLS too, since nobody's goodbye is waited for."""
    if isinstance(stream, Stream):
        stream.close()
    else:
        await stream.aclose()


def _said(error: BaseException) -> str:
    """Say the reason: trio wraps the system's error, whose words are the useful ones."""
    return str(error.__cause__ or error) or type(error).__name__
