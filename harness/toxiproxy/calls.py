"""Blocking calls of Toxiproxy's API through toxiproxy-python, made safe: the only module that imports it.

What toxiproxy-python 0.1.1 would do by itself, and what is done about it:

- its server is a pair of class attributes, one per process: a subclass per server;
- it has no timeouts: each call has one, and runs in a worker thread that is left behind when the deadline passes;
- it honours proxy variables of the environment: none is used;
- it does not raise on 500 and 503: every status is checked;
- it believes what it asked for: callers read the state again;
- it puts names into paths as they are: callers use ``check_name``.
"""

import functools
import re
from collections.abc import Callable
from typing import Any

import trio

from harness.errors import ToxiproxyFault
from harness.seams import Address

DEADLINE = 5.0
"""Seconds for one call. Must stay under 25, after which Toxiproxy itself gives up and stays stuck."""

IMPATIENCE = 1.0
"""Seconds for a call to a server that has let one run out: whoever cleans up behind it shall not wait long again."""

WEDGED = (
    "its lists are probably locked (Toxiproxy's issues #254, #412, #558: a toxic was changed while a client was not "
    "reading). Nothing but a restart of the server helps; `--toxiproxy embedded` does not have this defect"
)

NAME = re.compile(r"[A-Za-z0-9_.-]+")

Json = dict[str, Any]


def check_name(name: str) -> str:
    """Return ``name`` if it is safe in a path of the API; else raise ``ToxiproxyFault``."""
    if NAME.fullmatch(name) is None or name in (".", ".."):
        raise ToxiproxyFault(f"a proxy's name is made of letters, digits, '_', '.' and '-', got {name!r}")
    return name


class Calls:
    """Calls of one server, each under ``deadline`` seconds. ``seconds`` keeps how long each one took."""

    def __init__(self, address: Address, *, deadline: float = DEADLINE) -> None:
        assert 0 < deadline < 25
        self.where = f"http://{address[0]}:{address[1]}"
        self.seconds: list[float] = []
        self._address = address
        self._deadline = deadline
        self._limiter = trio.CapacityLimiter(8)
        self._consumer: Any = None

    async def load(self) -> None:
        """Import toxiproxy-python, so that no call's time holds the import."""
        await trio.to_thread.run_sync(self._connected, abandon_on_cancel=True, limiter=self._limiter)

    async def get(self, path: str) -> Any:
        """Return the answer to a GET, decoded. Raises ``ToxiproxyFault``."""
        return await self._call("get", path)

    async def post(self, path: str, body: Json) -> Any:
        """Return the answer to a POST, decoded. Raises ``ToxiproxyFault``."""
        return await self._call("post", path, json=body)

    async def delete(self, path: str) -> bool:
        """Delete, and say whether there was something. Raises ``ToxiproxyFault``."""
        return await self._call("delete", path, missing=False) is not False

    async def _call(self, verb: str, path: str, *, missing: object = None, **options: Any) -> Any:
        """Make one call in a thread. ``missing``, if given, is what 404 gives instead of a fault."""
        work = functools.partial(self._blocking, verb, path, missing, options)
        began = trio.current_time()
        try:
            with trio.fail_after(self._deadline):
                return await trio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._limiter)
        except trio.TooSlowError:
            waited, self._deadline = self._deadline, min(self._deadline, IMPATIENCE)
            raise ToxiproxyFault(
                f"Toxiproxy at {self.where} did not answer {verb.upper()} {path} within {waited:g} s: {WEDGED}"
            ) from None
        finally:
            self.seconds.append(trio.current_time() - began)

    def _blocking(self, verb: str, path: str, missing: object, options: Json) -> Any:
        """In the worker thread: call, check the status, decode; foreign exceptions end here."""
        import requests  # noqa: PLC0415 - toxiproxy-python's import takes 166 ms, so both wait for the first call
        from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists  # noqa: PLC0415 - the same

        said = f"Toxiproxy at {self.where} to {verb.upper()} {path}"
        call: Callable[..., Any] = getattr(self._connected(), verb)
        try:
            # A timeout of requests bounds each read, not the call; it lets an abandoned thread end.
            answer = call(path, timeout=self._deadline, proxies={"http": None, "all": None}, **options)
            if answer.status_code == 503:
                raise ToxiproxyFault(f"{said} answered 503: {WEDGED}")
            if not 200 <= answer.status_code < 300:
                raise ToxiproxyFault(f"{said} answered {answer.status_code}: {answer.text[:300].strip()}")
            return answer.json() if answer.content else None
        except NotFound as error:
            if missing is None:
                raise ToxiproxyFault(f"{said} answered 404: {_text(error)}; did something else remove it?") from error
            return missing
        except (ProxyExists, InvalidToxic) as error:
            raise ToxiproxyFault(f"{said} refused: {_text(error)}") from error
        except requests.Timeout as error:
            raise ToxiproxyFault(f"{said} did not answer within {self._deadline:g} s: {WEDGED}") from error
        except requests.JSONDecodeError as error:
            raise ToxiproxyFault(f"{said} answered something else than JSON: is that a Toxiproxy?") from error
        except requests.RequestException as error:
            raise ToxiproxyFault(f"{said} failed ({error}): is the server running?") from error

    def _connected(self) -> Any:
        from toxiproxy.api import APIConsumer  # noqa: PLC0415 - see _blocking

        host, port = self._address
        if self._consumer is None:
            self._consumer = type("Consumer", (APIConsumer,), {"host": host, "port": port})
        return self._consumer


def _text(error: Exception) -> str:
    """Return the body of an answer, which toxiproxy-python hands on as bytes."""
    body = error.args[0] if error.args else b""
    return body.decode(errors="replace")[:300].strip() if isinstance(body, bytes) else str(body)
