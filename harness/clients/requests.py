"""Makes the client's requests: the token and where it may go, redirects, deadlines, how much of an answer is kept.

The token goes to the origin of ``base_url`` only, and over TLS that was verified where there is TLS at all (the context
given must verify). The same holds for the headers that the app adds, which may be secrets too. Redirects are followed
by hand, so that this is decided anew at every hop.
"""

import functools
import math
import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote as percent_encoded

import httpx
import msgspec
import trio

from harness.clients.body import ResponseBody
from harness.clients.deadlines import Deadlines, Phase
from harness.clients.token import BearerToken, TokenAnswer
from harness.clients.transport import DialFailed, PhoneTransport
from harness.errors import NOT_JSON, UsageError
from harness.seams import Phone
from harness.sse.policy import Policies
from harness.sse.response import media_type, read_retry_after
from harness.sse.session import header_value
from harness.units import quote

MAX_ANSWER = 1_000_000
"""The most bytes of an answer to a question: a job's id, a status, a token."""

MAX_RESULTS = 64_000_000
"""The most bytes of an answer that may be large."""

_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]++").fullmatch  # RFC 9110, 5.1
_HOST = re.compile(r"[^%\\<>^`{|}\"\s]++|[^:]*+:.*").fullmatch  # a name or IPv4 (URL Standard, 3.5); or IPv6
_HOPS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_HEADERS = {
    b"accept": b"*/*",
    b"accept-encoding": b"identity",
    b"connection": b"close",
    b"user-agent": f"python-httpx/{httpx.__version__}".encode(),
}


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """Paths below ``base_url``; ``:job`` stands for the job's id. ``token`` None: there is nothing to refresh."""

    start: str = "/api/v2/imports"
    stream: str = "/api/v2/imports/:job/stream"
    status: str = "/api/v2/imports/:job"
    results: str = "/api/v2/imports/:job/results"
    token: str | None = "/api/v2/token"  # noqa: S105 - a path


@dataclass(frozen=True)
class WholeResponse:
    """A response with its whole body."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def media_type(self) -> str:
        """The essence of the content type, in lower case."""
        return media_type(self.headers.get("content-type"))


_NOT_NOW = frozenset({408, 425, 429})


class ExchangeTimeout(httpx.TransportError):
    """The exchange was cut short by a deadline of the client's."""


class NoToken(httpx.TransportError):
    """A token was refused, and no new one could be had for now."""


class Requests:
    """The requests of one client, on one transport. Raises ``httpx.HTTPError`` where no whole answer came.

    It remembers how long an answer asked to be left alone by ``Retry-After``, for each path by itself: that binds who
    asks there next. ``wall_clock`` gives the seconds since 1970.
    """

    def __init__(
        self,
        base_url: str,
        *,
        phone: Phone,
        policies: Policies,
        headers: Mapping[str, str],
        token: str | None,
        tls: ssl.SSLContext | None,
        endpoints: Endpoints,
        wall_clock: Callable[[], float] | None = None,
    ) -> None:
        self._base = _base(base_url)
        if tls is not None and tls.verify_mode is not ssl.CERT_REQUIRED:
            raise UsageError("the TLS context does not verify the server; give one that trusts your own CA instead")
        for what, path in msgspec.structs.asdict(endpoints).items():
            if path is not None and not path.startswith("/"):
                raise UsageError(f"expected a path that begins with /, got {quote(path)} for the endpoint {what!r}")
        self._endpoints = endpoints
        self._phone = phone
        self._policies = policies
        self._headers = dict(_header(name, value) for name, value in headers.items())
        if token is not None:
            _header("Authorization", token)
        self._token = BearerToken(token, self._new_token)
        self._wall_clock = wall_clock
        self._put_off: dict[str, float] = {}  # until when a path is to be left alone
        self._asking: list[tuple[str, str, Deadlines]] = []  # method, path and deadlines of each question
        self._urls: dict[str, httpx.URL] = {}
        self._cookies = httpx.Cookies()
        self._transport = PhoneTransport(phone, tls)

    def deadlines(self) -> Deadlines:
        """Return the deadlines of a new exchange."""
        return Deadlines(self._phone, self._policies)

    def path(self, what: str, job: str = "") -> str:
        """Return the path of an endpoint (a field of ``Endpoints``) for this job."""
        path: str = getattr(self._endpoints, what)
        return path.replace(":job", percent_encoded(job, safe=""))

    def retry_after(self, response: httpx.Response) -> float | None:
        """Return the seconds that an answer asks for by ``Retry-After``, the last one; None where it does not."""
        *_, value = [None, *response.headers.get_list("retry-after")]
        *_, date = ["", *response.headers.get_list("date")]
        return read_retry_after(value, date, self._wall_clock() if self._wall_clock is not None else None)

    def put_off(self, *paths: str) -> float | None:
        """Return the seconds for which these paths are still to be left alone; None where the server asked for none."""
        left = max(self._put_off.get(path, -math.inf) for path in paths) - trio.current_time()
        return left if left > 0 else None

    def network_changed(self) -> None:
        """The device changed its network: questions that hang are dropped, as far as they can be asked again."""
        for method, _, deadlines in self._asking:
            if deadlines.phase is Phase.DIALLING or (deadlines.phase is Phase.ASKING and method == "GET"):
                deadlines.cut("signal")

    def resumed(self) -> None:
        """The device wakes: no answer will come, so what can be asked again is dropped at once."""
        for method, path, deadlines in self._asking:
            if deadlines.phase is Phase.DIALLING or method == "GET" or path == self._endpoints.token:
                deadlines.cut("signal")

    @asynccontextmanager
    async def open(
        self, method: str, path: str, deadlines: Deadlines, *, headers: Mapping[bytes, bytes], body: bytes = b""
    ) -> AsyncIterator[httpx.Response]:
        """Send a request, follow redirects, and give the response with its body still to come."""
        url = self._url(path)
        for _ in range(_HOPS + 1):
            deadlines.enter(Phase.DIALLING)
            request = self._request(method, url, deadlines, headers, body)
            response = await self._transport.handle_async_request(request)
            async with aclosing(response):
                if "set-cookie" in response.headers:
                    self._cookies.extract_cookies(response)
                location, *others = dict.fromkeys(response.headers.get_list("location")) or [""]
                leads = response.status_code in _REDIRECTS and (method == "GET" or response.status_code >= 307)
                if not (leads and location):  # without a Location it is an answer like any other
                    yield response
                    return
            if others:
                raise httpx.RemoteProtocolError(f"a redirect ({response.status_code}) to several places")
            try:
                url = url.join(location)
                _origin(url)
            except (httpx.InvalidURL, UnicodeError) as error:  # UnicodeError: of a host's name
                raise httpx.RemoteProtocolError(f"a redirect to what is no URL: {error}", request=request) from error
        raise httpx.TooManyRedirects(f"more than {_HOPS} redirects, the last one to {url}", request=request)

    async def ask(self, method: str, path: str, body: bytes = b"", *, large: bool = False) -> WholeResponse:
        """Send a request and read the whole answer. A 401 refreshes the token and is asked once more.

        The answer to a question has to be whole within the watchdog's time after its head: one that trickles for ever
        is none. A ``large`` one takes its time, as long as bytes come.
        """
        answer, used = await self._ask(method, path, body, large=large)
        if answer.status == 401 and await self.refresh(used):
            answer, _ = await self._ask(method, path, body, large=large)
            if answer.status == 401 and self.token_lapsed:
                raise httpx.RemoteProtocolError("the new token had run out before it was used")
        return answer

    @property
    def token_lapsed(self) -> bool:
        """True if the token may have run out by now, so that a 401 is no refusal of it."""
        return self._token.lapsed

    @property
    def refreshes(self) -> int:
        """The number of times that a new token was asked for."""
        return self._token.renewals

    async def refresh(self, used: str) -> bool:
        """Get a new token in place of the ``Authorization`` that was refused; False where there is none to be had.

        Raises ``NoToken`` where the network or the server was in trouble, or asked not to be asked yet.
        """
        try:
            return self._endpoints.token is not None and await self._token.renew(used)
        except httpx.HTTPError as error:
            raise NoToken(str(error)) from error

    async def _new_token(self) -> TokenAnswer | None:
        path = self.path("token")
        if (left := self.put_off(path)) is not None:
            raise httpx.TransportError(f"the server asked not to be asked for a token for {left:.3g} s")
        answer, _ = await self._ask("POST", path, b"")
        if answer.status // 100 != 2:
            # A server in trouble, or a redirect, says nothing of the token.
            if answer.status >= 500 or answer.status // 100 == 3 or answer.status in _NOT_NOW:
                raise httpx.RemoteProtocolError(f"no new token for now: status {answer.status}")
            return None
        try:
            issued = msgspec.json.decode(answer.body, type=TokenAnswer)
        except NOT_JSON as error:
            raise httpx.RemoteProtocolError(f"the answer to a token refresh has no token: {error}") from error
        if not header_value(issued.token):
            raise httpx.RemoteProtocolError("the answer to a token refresh has a token that no header can carry")
        return issued

    async def _ask(self, method: str, path: str, body: bytes, *, large: bool = False) -> tuple[WholeResponse, str]:
        deadlines = self.deadlines()
        self._asking.append((method, path, deadlines))
        try:
            answer = await self._answer(method, path, body, deadlines, large=large)
        finally:
            self._asking.remove((method, path, deadlines))
        if answer is None:
            what = f"{method} {path}: {deadlines.ended_by}"
            raise DialFailed(what, deadlines.ended_by) if deadlines.phase is Phase.DIALLING else ExchangeTimeout(what)
        return answer

    async def _answer(
        self, method: str, path: str, body: bytes, deadlines: Deadlines, *, large: bool
    ) -> tuple[WholeResponse, str] | None:
        answer = None
        received = bytearray()
        most = MAX_RESULTS if large else MAX_ANSWER
        headers = {b"content-type": b"application/json"} if body else {}
        async with deadlines.watch(), self.open(method, path, deadlines, headers=headers, body=body) as response:
            pieces = ResponseBody(response)
            deadlines.enter(Phase.FLOWING)
            seconds = self._policies.heed_retry_after(self.retry_after(response))
            if seconds is not None and response.status_code != 401:  # which is asked again with a new token, at once
                self._put_off[path] = max(self._put_off.get(path, 0.0), trio.current_time() + seconds)
            async for piece in pieces:
                if large:
                    deadlines.feed()
                if len(received) + len(piece) > most:
                    deadlines.cut(f"an answer larger than {most} bytes")
                    break
                received += piece
            else:  # whole, be it at the instant of its deadline
                used = response.request.headers.get("authorization", "")
                answer = WholeResponse(response.status_code, response.headers, bytes(received)), used
        return answer

    def _request(
        self, method: str, url: httpx.URL, deadlines: Deadlines, headers: Mapping[bytes, bytes], body: bytes
    ) -> httpx.Request:
        ours = _origin(url) == _origin(self._base)
        allowed = {**_HEADERS, **(self._headers if ours else {}), **headers}
        if ours and (authorization := self._token.authorization):
            allowed[b"authorization"] = authorization.encode()
        connected = functools.partial(deadlines.enter, Phase.ASKING)
        return httpx.Request(
            method,
            url,
            headers=allowed,
            content=body or None,
            cookies=self._cookies,
            extensions={"connected": connected},
        )

    def _url(self, path: str) -> httpx.URL:
        """Return the URL of a path below the base; a client asks for few, and parsing one takes 30 µs."""
        if path not in self._urls:
            self._urls[path] = httpx.URL(str(self._base) + path)
        return self._urls[path]


def _base(text: str) -> httpx.URL:
    """Read the URL that every path is put behind. Raises ``UsageError`` where nothing can be put behind it."""
    try:
        url = httpx.URL(text.rstrip("/"))
        host, port = url.host, 80 if url.port is None else url.port
    except (httpx.InvalidURL, UnicodeError) as error:
        raise UsageError(f"expected an http or https URL, got {quote(text)}: {error}") from error
    if url.scheme not in ("http", "https") or not _HOST(host) or not 0 < port < 65_536:
        raise UsageError(f"expected an http or https URL, got {quote(text)}")
    if url.userinfo:
        raise UsageError(
            f"the base URL has a name or password in it, for {quote(host)}: give a token, or the header "
            "Authorization among the headers"
        )
    for sign, name in (("?", "query"), ("#", "fragment")):
        if sign in text:
            raise UsageError(f"expected a base URL that paths can be put behind, got one with a {name}: {quote(text)}")
    return url


def _header(name: str, value: str) -> tuple[bytes, bytes]:
    """Encode a header of the app's. Raises ``UsageError`` where none could be sent so: it would be tried for ever."""
    if not _FIELD_NAME(name):
        raise UsageError(f"expected the name of a header, such as X-Api-Key, got {quote(name)}")
    if header_value(value) is None:
        raise UsageError(f"the value of the header {name} has a character that no header can carry, such as a line end")
    return name.lower().encode(), value.encode()


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
