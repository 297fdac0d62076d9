"""The passive HTTP stage of one flow through the gate: it reads along, and writes down who asked what and was answered.

It changes no byte, and it never raises on what a peer sends: a flow that is not HTTP/1 (TLS, garbage, a head beyond
the bound) is *opaque* from then on, and simply not recorded. Bodies are skipped; what follows the head of an event
stream is not even looked at, until the client's next request on that connection says that the stream has ended.

Each message has an h11 connection of its own: of the server's role for a request, of the client's (which has been told
the method, and so knows where the answer ends) for a response. So keep-alive and pipelining need no bookkeeping but the
queue of requests not answered yet.
"""

from collections import deque
from collections.abc import Callable, Iterable

import h11

from harness.history.journal import Journal
from harness.history.records import Request, Response
from harness.middle.kinds import RequestKinds
from harness.middle.redaction import redact

LONGEST_HEAD = 65_536
MOST_PENDING = 100
"""Requests sent ahead of their answers, before the flow counts as opaque."""


class HttpStage:
    """Reads along on the flow ``cid`` of one client. ``next_rid`` numbers the requests of the whole run."""

    def __init__(
        self,
        *,
        cid: int,
        client: str,
        path: str,
        journal: Journal,
        next_rid: Callable[[], int],
        routes: RequestKinds,
    ) -> None:
        self.cid = cid
        self.client = client
        self.path = path
        self.opaque = False
        self.streaming = False  # an event stream is under way: its bytes are not looked at
        self._journal = journal
        self._next_rid = next_rid
        self._routes = routes
        self._request: h11.Connection | None = None
        self._response: h11.Connection | None = None
        self._pending: deque[tuple[int, bytes]] = deque()  # rid and method, answered in this order

    def upstream(self, data: bytes) -> None:
        """Bytes from the client, in order, as they reach the gate."""
        if not self.opaque:
            self._follow(self._read_requests, data)

    def downstream(self, data: bytes) -> None:
        """Bytes from the server, in order, as they reach the gate."""
        if not self.opaque and not self.streaming:
            self._follow(self._read_responses, data)

    def ended(self) -> None:
        """The flow is over: nothing more will come, and nothing is kept."""
        self._give_up()

    def _follow(self, read: Callable[[bytes], None], data: bytes) -> None:
        try:
            if data:
                read(data)
        except (h11.RemoteProtocolError, h11.LocalProtocolError):
            self._give_up()

    def _give_up(self) -> None:
        self.opaque = True
        self._request = self._response = None
        self._pending.clear()

    def _read_requests(self, data: bytes) -> None:
        while data:
            if self._request is None:
                self._request = h11.Connection(h11.SERVER, max_incomplete_event_size=LONGEST_HEAD)
            self._request.receive_data(data)
            data = b""
            while (event := self._request.next_event()) is not h11.NEED_DATA:
                if isinstance(event, h11.Request):
                    self._asked(event)
                elif isinstance(event, h11.EndOfMessage):
                    data, _ = self._request.trailing_data
                    self._request = None
                    break
                elif not isinstance(event, h11.Data):
                    raise h11.RemoteProtocolError(f"no HTTP from here on: {event!r}")

    def _asked(self, head: h11.Request) -> None:
        headers = _headers(head.headers)
        method, target = head.method.decode("latin-1"), head.target.decode("latin-1")
        path, origin = _address(target, headers.get("host", ""))
        what, job = self._routes.classify(method, path, headers.get("accept", ""))
        shown, secret = redact(target)
        rid = self._next_rid()
        self._journal.write(
            Request(
                rid=rid,
                cid=self.cid,
                client=self.client,
                what=what,
                method=method,
                target=shown,
                job=job,
                last_event_id=headers.get("last-event-id"),
                token=secret or "authorization" in headers,
                origin=origin,
            )
        )
        self.streaming = False  # whoever asks again has read the end of the stream
        self._pending.append((rid, head.method))
        if len(self._pending) > MOST_PENDING:
            raise h11.RemoteProtocolError("too many requests ahead of their answers")

    def _read_responses(self, data: bytes) -> None:
        while data:
            if self._response is None:
                self._response = self._expect()
            self._response.receive_data(data)
            data = b""
            while (event := self._response.next_event()) is not h11.NEED_DATA:
                if isinstance(event, h11.Response):
                    self._answered(event)
                    if self.streaming:
                        return
                elif isinstance(event, h11.EndOfMessage):
                    data, _ = self._response.trailing_data
                    self._response = None
                    self._pending.popleft()
                    break
                elif isinstance(event, h11.InformationalResponse) and event.status_code != 101:
                    continue
                elif not isinstance(event, h11.Data):
                    raise h11.RemoteProtocolError(f"no HTTP from here on: {event!r}")

    def _expect(self) -> h11.Connection:
        """Return a reader for the answer to the oldest request that has none."""
        if not self._pending:
            raise h11.RemoteProtocolError("an answer to nothing")
        _, method = self._pending[0]
        reader = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
        reader.send(h11.Request(method=method, target=b"/", headers=[(b"host", b"any")]))
        reader.send(h11.EndOfMessage())
        return reader

    def _answered(self, head: h11.Response) -> None:
        headers = _headers(head.headers)
        content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        rid, _ = self._pending[0]
        self._journal.write(
            Response(
                rid=rid,
                cid=self.cid,
                status=head.status_code,
                content_type=content_type,
                retry_after=headers.get("retry-after", ""),
                location=redact(headers.get("location", ""))[0],
            )
        )
        if content_type == "text/event-stream" and head.status_code == 200:
            self.streaming = True
            self._response = None
            self._pending.popleft()


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by lower-case name; of a repeated one the last. Values are UTF-8, as ``Last-Event-ID`` is."""
    return {name.decode("latin-1"): value.decode("utf-8", "replace") for name, value in raw}


def _address(target: str, host: str) -> tuple[str, str]:
    """Return the path and the origin that a request target and its ``Host`` name. The gate sees no TLS inside."""
    scheme, mark, rest = target.partition("://")
    if mark and not target.startswith("/"):
        host, _, rest = rest.partition("/")
        target = f"/{rest}"
        host = host.rpartition("@")[2]
    else:
        scheme = "http"
    return target.partition("?")[0], f"{scheme}://{host}" if host else ""
