"""The HTTP of the embedded Toxiproxy's API: how its answers look, and what its clients may take.

Nothing that a client sends ends the server, and nothing that goes wrong within an answer does: the client hears 500,
and the log has the rest.
"""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import NamedTuple

import trio

from harness.network.accepting import accept
from harness.network.http_server import HttpLimits, HttpRequest, Refusal, ServerConnection
from harness.seams import Listener, Stream

LIMITS = HttpLimits(head=65_536, body=1_048_576, idle=60.0, request=15.0, blocked=30.0)
"""The times are Toxiproxy's own timeouts: idle, read and write."""

log = logging.getLogger(__name__)


class ApiResponse(NamedTuple):
    """One answer; ``Date`` and ``Content-Length`` are added, and ``Content-Type`` where there is one."""

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    def with_header(self, name: str, value: str) -> "ApiResponse":
        """Return a copy with one more header."""
        return self._replace(headers=(*self.headers, (name, value)))


Answer = Callable[[HttpRequest], Awaitable[ApiResponse]]
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


class _Conversation(ServerConnection):
    """One connection. An error on it ends this connection alone."""

    def __init__(self, stream: Stream, answer: Answer, date: Date) -> None:
        super().__init__(stream, LIMITS)
        self._answer = answer
        self._date = date

    async def run(self) -> None:
        """Serve to the end of the connection."""
        try:
            await self._converse()
        except _GONE:
            pass
        except Refusal as refusal:
            await self.refuse(refusal)
        except Exception:  # a defect, ours or h11's: it ends this connection only
            log.exception("a request failed")
            await self.refuse(Refusal(500, "", "the server failed to answer"))
        finally:
            await trio.aclose_forcefully(self.stream)

    async def _converse(self) -> None:
        while (request := await self.next_request()) is not None:
            await self._respond(await self._answer(request))
            if not self.reusable():
                return

    async def say_why(self, refusal: Refusal) -> None:
        """Send a refusal in plain text."""
        await self._respond(ApiResponse(refusal.status, f"{refusal}\n".encode(), _PLAIN, (("Connection", "close"),)))

    async def _respond(self, response: ApiResponse) -> None:
        headers = [("Date", self._date()), *response.headers]
        if response.content_type:
            headers.append(("Content-Type", response.content_type))
        await self.respond(response.status, response.body, headers, reason=_reason(response.status))


def _reason(status: int) -> bytes:
    """Return the phrase that goes with a status (RFC 9110, 15)."""
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""
