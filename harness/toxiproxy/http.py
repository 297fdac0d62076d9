"""A small HTTP/1.1 server: h11 on the streams of the network seam. Loopback only, bounded bodies, keep-alive.

Nothing that a client sends ends the server, and nothing that goes wrong within an answer does: the client hears 500,
and the log has the rest.
"""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import NamedTuple

import h11
import trio

from harness.network.accepting import accept
from harness.seams import Listener, Stream

BODY_MAX = 1024 * 1024
READ_MAX = 64 * 1024
IDLE_SECONDS = 60.0  # Toxiproxy's idle timeout
READ_SECONDS = 15.0  # Toxiproxy's read timeout; here for each part of a body
WRITE_SECONDS = 30.0  # Toxiproxy's write timeout

log = logging.getLogger(__name__)


class ApiRequest(NamedTuple):
    """One request. ``target`` is as sent, percent-encoded."""

    method: str
    target: str
    body: bytes
    user_agent: str


class ApiResponse(NamedTuple):
    """One answer; ``Date`` and ``Content-Length`` are added, and ``Content-Type`` where there is one."""

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    def with_header(self, name: str, value: str) -> "ApiResponse":
        """Return a copy with one more header."""
        return self._replace(headers=(*self.headers, (name, value)))


Answer = Callable[[ApiRequest], Awaitable[ApiResponse]]
Date = Callable[[], str]
"""Returns now, as an HTTP date (RFC 9110, 5.6.7)."""

_GONE = (trio.BrokenResourceError, trio.ClosedResourceError)
_PLAIN = "text/plain; charset=utf-8"


async def serve_http(listener: Listener, answer: Answer, date: Date) -> None:
    """Accept and answer until cancelled; then every connection is closed. ``date`` stamps each answer."""
    async with trio.open_nursery() as nursery:
        while True:
            stream = await accept(listener, "the embedded Toxiproxy's API")
            nursery.start_soon(_Conversation(stream, answer, date).run)


class _Conversation:
    """One connection. An error on it ends this connection alone."""

    def __init__(self, stream: Stream, answer: Answer, date: Date) -> None:
        self._stream = stream
        self._answer = answer
        self._date = date
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=READ_MAX)
        self._method = ""  # of the request that was read last

    async def run(self) -> None:
        """Serve to the end of the connection."""
        try:
            while await self._exchange():
                self._h11.start_next_cycle()
        except _GONE:
            pass
        except h11.RemoteProtocolError as error:
            await self._refuse(error.error_status_hint, str(error))
        except Exception:  # a defect, ours or h11's: it ends this connection only
            log.exception("a request failed")
            await self._refuse(500, "the server failed to answer")
        finally:
            await trio.aclose_forcefully(self._stream)

    async def _exchange(self) -> bool:
        """Read one request and answer it; False when the connection is done with."""
        request = await self._read()
        if request is not None:
            response = await self._answer(request)
            with trio.move_on_after(WRITE_SECONDS):
                await self._send(response)
                return self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE
        return False

    async def _read(self) -> ApiRequest | None:
        """Return the next request; None at the end of connection or deadline. Raises ``RemoteProtocolError``."""
        head: h11.Request | None = None
        body = bytearray()
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA:
                if self._h11.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[], reason=_reason(100))
                    await self._stream.send_all(self._h11.send(go_on) or b"")
                with trio.move_on_after(READ_SECONDS if head else IDLE_SECONDS) as timeout:
                    self._h11.receive_data(bytes(await self._stream.receive_some(READ_MAX)))
                if timeout.cancelled_caught:
                    return None
            elif isinstance(event, h11.Request):
                head = event
                self._method = head.method.decode("ascii")
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > BODY_MAX:
                    raise h11.RemoteProtocolError(f"request body larger than {BODY_MAX} bytes", error_status_hint=413)
            elif isinstance(event, h11.EndOfMessage):
                assert head is not None
                agent = dict(head.headers).get(b"user-agent", b"")
                return ApiRequest(self._method, head.target.decode("latin-1"), bytes(body), agent.decode("latin-1"))
            else:
                return None

    async def _send(self, response: ApiResponse) -> None:
        """Send head and body in one write; to a HEAD, the head alone (RFC 9110, 9.3.2)."""
        headers = [("Date", self._date()), *response.headers]
        if response.content_type:
            headers.append(("Content-Type", response.content_type))
        if response.status != 204:
            headers.append(("Content-Length", str(len(response.body))))
        out = self._h11.send(
            h11.Response(status_code=response.status, headers=headers, reason=_reason(response.status))
        )
        out = out or b""
        if response.body and self._method != "HEAD":
            out += self._h11.send(h11.Data(data=response.body)) or b""
        out += self._h11.send(h11.EndOfMessage()) or b""
        await self._stream.send_all(out)

    async def _refuse(self, status: int, why: str) -> None:
        """Say why, where nothing was said yet; the connection is then over."""
        if self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            with trio.move_on_after(WRITE_SECONDS):
                try:
                    await self._send(ApiResponse(status, f"{why}\n".encode(), _PLAIN, (("Connection", "close"),)))
                except (*_GONE, h11.LocalProtocolError):
                    return


def _reason(status: int) -> bytes:
    """Return the phrase that goes with a status (RFC 9110, 15)."""
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""
