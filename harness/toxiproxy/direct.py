"""The embedded server asked directly: the same API, answered in this task, for the simulated world.

There can be no thread in virtual time, and toxiproxy-python blocks one; so what it would have asked over HTTP is handed
to the API as it is.
"""

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio

from harness.errors import ToxiproxyFault
from harness.seams import Network
from harness.toxiproxy.api import VERSION, Api
from harness.toxiproxy.calls import Json
from harness.toxiproxy.collection import Collection
from harness.toxiproxy.control import Toxiproxy
from harness.toxiproxy.http import Request


@asynccontextmanager
async def simulated_toxiproxy(*, network: Network, rng: random.Random) -> AsyncIterator[Toxiproxy]:
    """Yield a Toxiproxy whose proxies live in this task's nursery, on ``network``; leave none behind."""
    async with trio.open_nursery() as nursery:
        api = Api(Collection(network, nursery, rng), random.Random(rng.getrandbits(64)))  # noqa: S311 - repeatable
        yield Toxiproxy("simulated", VERSION, DirectCalls(api), prefix="")
        nursery.cancel_scope.cancel()


class DirectCalls:
    """Calls of the API of this process. They take no time, so ``seconds`` stays empty."""

    def __init__(self, api: Api) -> None:
        self.seconds: list[float] = []
        self._api = api

    async def get(self, path: str) -> Any:
        """Return the answer to a GET, decoded. Raises ``ToxiproxyFault``."""
        return await self._call("GET", path)

    async def post(self, path: str, body: Json) -> Any:
        """Return the answer to a POST, decoded. Raises ``ToxiproxyFault``."""
        return await self._call("POST", path, json.dumps(body).encode())

    async def delete(self, path: str) -> bool:
        """Delete, and say whether there was something. Raises ``ToxiproxyFault``."""
        return await self._call("DELETE", path, missing=False) is not False

    async def _call(self, verb: str, path: str, body: bytes = b"", *, missing: object = None) -> Any:
        answer = await self._api.answer(Request(verb, path, body, ""))
        if answer.status == 404 and missing is not None:
            return missing
        if not 200 <= answer.status < 300:
            said = answer.body.decode(errors="replace")
            raise ToxiproxyFault(f"the simulated Toxiproxy answered {verb} {path} with {answer.status}: {said}")
        return json.loads(answer.body) if answer.body else None
