"""The control API: what each method and path answers. Compatible with Toxiproxy 2.12, tried side by side.

What differs on purpose stands in ``harness.toxiproxy.embedded``.
"""

import random
import re
import string
from collections.abc import Awaitable, Callable
from urllib.parse import quote, unquote

from harness import __version__
from harness.network.http_server import HttpRequest
from harness.toxiproxy.bodies import ApiError, Json, decode, encode, proxy_body, toxic_body
from harness.toxiproxy.collection import Collection
from harness.toxiproxy.http import ApiResponse
from harness.toxiproxy.proxy import Proxy

VERSION = f"2.12.0+harness.{__version__}"
"""The version whose API this is, and whose work."""

JSON = "application/json"
PLAIN = "text/plain; charset=utf-8"
_ID_LETTERS = string.ascii_lowercase + string.digits

Handler = Callable[[HttpRequest, list[str]], Awaitable[ApiResponse]]


class Api:
    """Answers requests from a ``Collection``. ``rng`` numbers the requests."""

    def __init__(self, proxies: Collection, rng: random.Random) -> None:
        self._proxies = proxies
        self._rng = rng
        self._routes: list[tuple[re.Pattern[str], dict[str, Handler]]] = [
            (re.compile("/version"), {"GET": self._version}),
            (re.compile("/reset"), {"POST": self._reset}),
            (re.compile("/populate"), {"POST": self._populate}),
            (re.compile("/proxies"), {"GET": self._list, "POST": self._create}),
            (
                re.compile("/proxies/([^/]+)"),
                {"GET": self._show, "POST": self._update, "PATCH": self._update, "DELETE": self._delete},
            ),
            (re.compile("/proxies/([^/]+)/toxics"), {"GET": self._toxics, "POST": self._add_toxic}),
            (
                re.compile("/proxies/([^/]+)/toxics/([^/]+)"),
                {
                    "GET": self._toxic,
                    "POST": self._update_toxic,
                    "PATCH": self._update_toxic,
                    "DELETE": self._remove_toxic,
                },
            ),
        ]

    async def answer(self, request: HttpRequest) -> ApiResponse:
        """Answer one request; nothing is raised for a bad one."""
        path = unquote(request.target.partition("?")[0])
        if "//" in path or re.search(r"/\.{1,2}(/|$)", path):
            return ApiResponse(301, headers=(("Location", quote(_cleaned(path))),))
        for pattern, methods in self._routes:
            if found := pattern.fullmatch(path):
                handler = methods.get(request.method)
                return await self._routed(handler, request, list(found.groups())) if handler else ApiResponse(405)
        return ApiResponse(404, b"404 page not found\n", PLAIN, (("X-Content-Type-Options", "nosniff"),))

    async def _routed(self, handler: Handler, request: HttpRequest, names: list[str]) -> ApiResponse:
        if request.headers.get("user-agent", "").startswith("Mozilla/"):
            response = ApiResponse(403, b"User agent not allowed\n", PLAIN, (("X-Content-Type-Options", "nosniff"),))
        else:
            try:
                response = await handler(request, names)
            except ApiError as error:
                response = _refusal(error)
        letters = "".join(self._rng.choices(_ID_LETTERS, k=20))
        return response.with_header("X-Toxiproxy-Request-Id", letters)

    async def _version(self, _request: HttpRequest, _names: list[str]) -> ApiResponse:
        return ApiResponse(200, f'{{"version": "{VERSION}"}}\n'.encode(), "application/json;charset=utf-8")

    async def _list(self, _request: HttpRequest, _names: list[str]) -> ApiResponse:
        return _json(200, {name: proxy_body(proxy) for name, proxy in self._proxies.proxies.items()})

    async def _create(self, request: HttpRequest, _names: list[str]) -> ApiResponse:
        return _json(201, proxy_body(await self._proxies.create(decode(request.body))))

    async def _show(self, _request: HttpRequest, names: list[str]) -> ApiResponse:
        return _json(200, proxy_body(self._proxies.get(names[0])))

    async def _update(self, request: HttpRequest, names: list[str]) -> ApiResponse:
        proxy = self._proxies.get(names[0])
        await self._proxies.update(proxy, decode(request.body))
        return _json(200, proxy_body(proxy))

    async def _delete(self, _request: HttpRequest, names: list[str]) -> ApiResponse:
        await self._proxies.delete(self._proxies.get(names[0]))
        return ApiResponse(204)

    async def _toxics(self, _request: HttpRequest, names: list[str]) -> ApiResponse:
        return _json(200, proxy_body(self._proxies.get(names[0]))["toxics"])

    async def _add_toxic(self, request: HttpRequest, names: list[str]) -> ApiResponse:
        proxy = self._proxies.get(names[0])
        return _json(200, toxic_body(self._proxies.add_toxic(proxy, decode(request.body))))

    async def _toxic(self, _request: HttpRequest, names: list[str]) -> ApiResponse:
        return _json(200, toxic_body(self._proxies.toxic(self._proxies.get(names[0]), names[1])))

    async def _update_toxic(self, request: HttpRequest, names: list[str]) -> ApiResponse:
        proxy = self._proxies.get(names[0])
        spec = self._proxies.toxic(proxy, names[1])
        return _json(200, toxic_body(self._proxies.update_toxic(proxy, spec, decode(request.body))))

    async def _remove_toxic(self, _request: HttpRequest, names: list[str]) -> ApiResponse:
        proxy = self._proxies.get(names[0])
        proxy.remove_toxic(self._proxies.toxic(proxy, names[1]))
        return ApiResponse(204)

    async def _reset(self, _request: HttpRequest, _names: list[str]) -> ApiResponse:
        await self._proxies.reset()
        return ApiResponse(204)

    async def _populate(self, request: HttpRequest, _names: list[str]) -> ApiResponse:
        """Answer with the proxies made so far, also on an error, and with ``null`` for none, as Toxiproxy does."""
        done: list[Proxy] = []
        failure: Json = {}
        try:
            await self._proxies.populate(decode(request.body), done)
        except ApiError as error:
            failure = {"error": error.message, "status": error.status}
        proxies = [proxy_body(proxy) for proxy in done] or None
        return _json(failure.get("status", 201), {**failure, "proxies": proxies})


def _json(status: int, value: object) -> ApiResponse:
    return ApiResponse(status, encode(value), JSON)


def _refusal(error: ApiError) -> ApiResponse:
    body = encode({"error": error.message, "status": error.status}) + b"\n"
    return ApiResponse(error.status, body, PLAIN, (("X-Content-Type-Options", "nosniff"),))


def _cleaned(path: str) -> str:
    """Return the path without empty and dot segments; a final slash stays."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")
