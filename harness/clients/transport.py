"""The httpx transport of a phone: every connection of a client is dialled through ``Phone.connect``, in both worlds.

httpcore's pool does the HTTP. Nothing is kept alive between requests, since the pool's expiry of idle connections reads
the machine's clock, and since a phone that changes networks gains nothing from an idle socket of the old one.
Deadlines are not httpx's: whoever makes a request guards it (``harness.clients.vigil``), so the timeouts that httpcore
hands down are ignored here. Proxies in the environment are ignored too.
"""

import errno
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import httpcore
import httpx
import trio

from harness.seams import Phone

_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}


class DialFailed(httpx.ConnectError):
    """No connection came about. ``how`` is ``refused``, ``unreachable`` or ``error`` (names, TLS, the rest)."""

    def __init__(self, message: str, how: str) -> None:
        super().__init__(message)
        self.how = how


class PhoneTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 over the streams that a phone dials; use one per client. Raises httpx's own exceptions.

    Without a TLS context httpcore makes one for each connection that needs it, which verifies.
    """

    def __init__(self, phone: Phone, tls: ssl.SSLContext | None) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            network_backend=_PhoneBackend(phone),
            max_connections=None,
            max_keepalive_connections=0,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the response's body is read as it arrives. Closing the response closes the connection."""
        with _httpx_errors():
            response = await self._pool.handle_async_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(
                        scheme=request.url.raw_scheme,
                        host=request.url.raw_host,
                        port=request.url.port,
                        target=request.url.raw_path,
                    ),
                    headers=request.headers.raw,
                    content=_Content(request.content),
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response.stream),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()


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
    """A response's body, with httpcore's exceptions translated."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _httpx_errors():
            async for part in self._stream:
                yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


class _DialError(httpcore.ConnectError):
    """Carries the system's error: httpcore raises ``from None``, which would lose it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error) or type(error).__name__)
        self.error = error


@contextmanager
def _httpx_errors() -> Iterator[None]:
    """Translate httpcore's exceptions: the two libraries use the same names."""
    try:
        yield
    except _DialError as error:
        raise DialFailed(str(error), _how(error.error)) from error.error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raised: type[httpx.TransportError] = getattr(httpx, type(error).__name__, httpx.NetworkError)
        raise raised(str(error) or type(error).__name__) from error


def _how(error: BaseException) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, OSError) and error.errno in _UNREACHABLE:
        return "unreachable"
    return "error"


class _PhoneBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, phone: Phone) -> None:
        self._phone = phone

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - httpcore's signature; deadlines are the vigil's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        assert local_address is None and socket_options is None  # noqa: PT018 - nobody sets them
        try:
            return _PhoneStream(await self._phone.connect(host, port))
        except (OSError, trio.BrokenResourceError) as error:
            raise _DialError(error) from error

    async def connect_unix_socket(self, *_args: Any, **_kwargs: Any) -> httpcore.AsyncNetworkStream:
        raise httpcore.UnsupportedProtocol("a phone dials hosts and ports, not Unix sockets")

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)


class _PhoneStream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - see connect_tcp
        try:
            return bytes(await self._stream.receive_some(max_bytes))
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError) as error:
            raise httpcore.ReadError(_said(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - see connect_tcp
        if not buffer:
            return
        try:
            await self._stream.send_all(buffer)
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError) as error:
            raise httpcore.WriteError(_said(error)) from error

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - see connect_tcp
    ) -> httpcore.AsyncNetworkStream:
        # https_compatible: a close does not wait for the peer's goodbye, which a dead path would never bring.
        stream = trio.SSLStream(self._stream, ssl_context, server_hostname=server_hostname, https_compatible=True)
        try:
            await stream.do_handshake()
        except (trio.BrokenResourceError, OSError) as error:
            await trio.aclose_forcefully(self._stream)
            raise _DialError(error.__cause__ if isinstance(error.__cause__, OSError) else error) from error
        except BaseException:
            await trio.aclose_forcefully(self._stream)
            raise
        return _PhoneStream(stream)

    def get_extra_info(self, info: str) -> Any:  # noqa: ARG002 - nothing is known of a phone's sockets
        return None


def _said(error: BaseException) -> str:
    """Say the reason: trio wraps the system's error, whose words are the useful ones."""
    return str(error.__cause__ or error) or type(error).__name__
