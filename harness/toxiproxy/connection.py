"""One connection to a server's API, kept open: to look at a server, and to notice its end.

The calls that change something are toxiproxy-python's (``harness.toxiproxy.calls``), each of which dials anew and lives
in a thread. What is here lives in trio: it can be cancelled, it says what it saw where no answer came, it reads no more
than ``ANSWER_MAX``, it follows no redirect, and the end of the connection is known the moment it comes.
"""

import contextlib
import errno
import os
import socket
from types import TracebackType
from typing import NamedTuple, Self

import h11
import trio

from harness.seams import Address
from harness.toxiproxy.address import join_address
from harness.units import quote

ANSWER_MAX = 16 * 1024 * 1024
"""Bytes of one answer that are read: the proxies of some ten thousand runs."""

_READ = 65_536
_SHOWN = 60  # characters of something unexpected, of at most four bytes each


class ApiAnswer(NamedTuple):
    """One answer, whole."""

    status: int
    body: bytes


class NoApiAnswer(Exception):
    """No answer of the API came. The text is a predicate whose subject is the server, such as "sent nothing"."""


class ApiConnection:
    """Asks one question at a time over one connection, which it dials when it has none.

    A server may close a connection at any time between two questions (RFC 9112, section 9.3.1); the question that meets
    this is asked once more, on a new one.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._stream: trio.SocketStream | None = None
        self._http = h11.Connection(h11.CLIENT)
        self._received = b""

    async def __aenter__(self) -> Self:
        """Dial nothing yet."""
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Close, without waiting for anything."""
        await self._drop()

    async def ask(self, method: str, path: str, *, timeout: float) -> ApiAnswer:
        """Return the whole answer to a question without a body.

        Raises ``NoApiAnswer`` after ``timeout`` s, or before.
        """
        answer: ApiAnswer | None = None
        with trio.move_on_after(timeout):
            used = self._stream is not None
            try:
                answer = await self._exchange(method, path)
            except NoApiAnswer:
                if not used or self._received:
                    raise
                answer = await self._exchange(method, path)
        if answer is None:
            seen = self._received
            await self._drop()
            raise NoApiAnswer(
                f"sent {len(seen)} bytes and no whole answer within {timeout:g} s: {shown(seen)}"
                if seen
                else f"sent nothing within {timeout:g} s"
            )
        return answer

    async def ended(self) -> None:
        """Wait until the server ends the connection that is open; for ever where none is."""
        if self._stream is None:
            await trio.sleep_forever()
        with contextlib.suppress(trio.BrokenResourceError):
            await self._stream.receive_some(_READ)  # to say something unasked is an end as well
        await self._drop()

    async def _exchange(self, method: str, path: str) -> ApiAnswer:
        """Ask on the connection that is open or a new one. What it leaves open can carry another question."""
        done = False
        self._received = b""
        try:
            stream = await self._opened()
            await stream.send_all(self._question(method, path))
            answer = await self._answer(stream)
            done = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        except OSError as error:
            raise NoApiAnswer(os_words(error)) from error
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise NoApiAnswer(self._broken()) from error
        except h11.RemoteProtocolError as error:
            raise NoApiAnswer(self._no_http()) from error
        finally:
            if done:
                self._http.start_next_cycle()
            else:
                await self._drop()
        return answer

    async def _opened(self) -> trio.SocketStream:
        if self._stream is None:
            self._http = h11.Connection(h11.CLIENT)
            self._stream = await trio.open_tcp_stream(*self._address)
        return self._stream

    def _question(self, method: str, path: str) -> bytes:
        headers = [("Host", join_address(self._address)), ("Content-Length", "0")]
        head = self._http.send(h11.Request(method=method, target=path, headers=headers)) or b""
        return head + (self._http.send(h11.EndOfMessage()) or b"")

    async def _answer(self, stream: trio.SocketStream) -> ApiAnswer:
        status, body = 0, bytearray()
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                data = await stream.receive_some(_READ)
                self._received += data[:_READ] if len(self._received) < _READ else b""
                self._http.receive_data(data)
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > ANSWER_MAX:
                    raise NoApiAnswer(f"sent an answer of more than {ANSWER_MAX} bytes")
            elif isinstance(event, h11.EndOfMessage):
                return ApiAnswer(status, bytes(body))
            elif isinstance(event, h11.ConnectionClosed):
                raise NoApiAnswer(self._broken())
            elif event is h11.PAUSED:
                raise NoApiAnswer(self._no_http())

    def _no_http(self) -> str:
        """Say what came where h11 found no answer: it takes an answer cut short for one that breaks the rules."""
        if self._http.trailing_data[1] and self._received[:5] in (b"", b"HTTP/"):
            return self._broken()
        return f"answered what is no HTTP to an API: {shown(self._received)}"

    def _broken(self) -> str:
        if self._received:
            return f"broke off in the middle of its answer: {shown(self._received)}"
        return "closed the connection without a word"

    async def _drop(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await trio.aclose_forcefully(stream)


def os_words(error: OSError) -> str:
    """Return what an attempt to dial or to read met, as ``NoApiAnswer`` says it."""
    for cause in (error, error.__cause__, *getattr(error.__cause__, "exceptions", ())):  # trio tries every address
        if isinstance(cause, socket.gaierror):
            return "has a name that nobody knows here"
        if isinstance(cause, OSError) and cause.errno == errno.ECONNREFUSED:
            return "is not there: nothing listens on that port"
        if isinstance(cause, OSError) and cause.errno == errno.ECONNRESET:
            return "reset the connection"
        if isinstance(cause, OSError) and cause.errno is not None:
            return f"cannot be reached: {os.strerror(cause.errno)}"
    return "cannot be reached"


def shown(data: bytes) -> str:
    """Return the beginning of what a peer sent, quoted, on one line."""
    return quote(data[: 4 * _SHOWN].decode(errors="replace"), _SHOWN)
