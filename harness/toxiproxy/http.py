"""A small HTTP/1.1 server: h11 on the streams of the network seam. Loopback only, bounded bodies, keep-alive."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import h11
import trio

from harness.seams import Listener, Stream

BODY_MAX = 1024 * 1024
READ_MAX = 64 * 1024
IDLE_SECONDS = 60.0  # Toxiproxy's idle timeout
READ_SECONDS = 15.0  # Toxiproxy's read timeout; here for each part of a body
WRITE_SECONDS = 30.0  # Toxiproxy's write timeout


class Request(NamedTuple):
    """One request. ``target`` is as sent, percent-encoded."""

    method: str
    target: str
    body: bytes
    user_agent: str


class Response(NamedTuple):
    """One answer; ``Content-Length`` is added, and ``Content-Type`` where there is one."""

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    def with_header(self, name: str, value: str) -> "Response":
        """Return a copy with one more header."""
        return self._replace(headers=(*self.headers, (name, value)))


Answer = Callable[[Request], Awaitable[Response]]


async def serve_http(listener: Listener, answer: Answer) -> None:
    """Accept and answer until cancelled; then every connection is closed."""
    async with trio.open_nursery() as nursery:
        while True:
            nursery.start_soon(_converse, await listener.accept(), answer)


async def _converse(stream: Stream, answer: Answer) -> None:
    """Serve one connection to its end. What a client does to its own connection concerns nobody else."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=READ_MAX)
    try:
        while await _exchange(connection, stream, answer):
            connection.start_next_cycle()
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    except h11.RemoteProtocolError as error:
        if connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            with trio.move_on_after(WRITE_SECONDS):
                await _refuse(connection, stream, error)
    finally:
        await trio.aclose_forcefully(stream)


async def _exchange(connection: h11.Connection, stream: Stream, answer: Answer) -> bool:
    """Read one request and answer it; False when the connection is done with."""
    request = await _read(connection, stream)
    if request is not None:
        response = await answer(request)
        with trio.move_on_after(WRITE_SECONDS):
            await _send(connection, stream, response)
            return connection.our_state is h11.DONE and connection.their_state is h11.DONE
    return False


async def _read(connection: h11.Connection, stream: Stream) -> Request | None:
    """Return the next request; None at the end of connection or patience. Raises h11's ``RemoteProtocolError``."""
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            if connection.they_are_waiting_for_100_continue:
                await stream.send_all(connection.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            with trio.move_on_after(READ_SECONDS if head else IDLE_SECONDS) as patience:
                connection.receive_data(bytes(await stream.receive_some(READ_MAX)))
            if patience.cancelled_caught:
                return None
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > BODY_MAX:
                raise h11.RemoteProtocolError(f"request body larger than {BODY_MAX} bytes", error_status_hint=413)
        elif isinstance(event, h11.EndOfMessage):
            assert head is not None
            agent = dict(head.headers).get(b"user-agent", b"")
            return Request(head.method.decode(), head.target.decode("latin-1"), bytes(body), agent.decode("latin-1"))
        else:
            return None


async def _send(connection: h11.Connection, stream: Stream, response: Response) -> None:
    """Send head and body in one write."""
    headers = list(response.headers)
    if response.content_type:
        headers.append(("Content-Type", response.content_type))
    if response.status != 204:
        headers.append(("Content-Length", str(len(response.body))))
    out = connection.send(h11.Response(status_code=response.status, headers=headers)) or b""
    if response.body:
        out += connection.send(h11.Data(data=response.body)) or b""
    out += connection.send(h11.EndOfMessage()) or b""
    await stream.send_all(out)


async def _refuse(connection: h11.Connection, stream: Stream, error: h11.RemoteProtocolError) -> None:
    body = f"{error}\n".encode()
    headers = (("Connection", "close"),)
    try:
        await _send(connection, stream, Response(error.error_status_hint, body, "text/plain; charset=utf-8", headers))
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return
