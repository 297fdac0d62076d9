"""Blocking calls of Toxiproxy's API through toxiproxy-python, made safe: the only module that imports it.

What toxiproxy-python 0.1.1 and requests under it would do by themselves, and what is done about it:

- its server is a pair of class attributes, one per process: a subclass per server;
- it has no timeouts: each call has one, and runs in a worker thread that is left behind when the deadline passes;
- it honours proxy variables and ``.netrc`` of the environment: neither is used;
- it follows redirects, to any host: a redirect is a fault;
- it reads a body however long: no more than ``ANSWER_MAX``, and none for a call that was given up;
- it does not raise on 500 and 503: every status is checked;
- it believes what it asked for: callers read the state again;
- it puts names into paths as they are: callers use ``check_name``;
- it decodes whatever JSON comes: answers are read into types.

A fault tells what was seen, in words of this module's: those of requests and urllib3 name objects in memory.
"""

import http.client
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec
import trio

from harness.errors import ToxiproxyFault
from harness.seams import Address
from harness.toxiproxy.address import join_address
from harness.toxiproxy.connection import ANSWER_MAX, ApiConnection, NoApiAnswer, os_words, shown
from harness.toxiproxy.release import Release, release_of
from harness.units import quote

T = TypeVar("T")

DEADLINE = 5.0
"""Seconds for one call. Must stay under 25, after which Toxiproxy itself gives up and stays stuck."""

SHORT_TIMEOUT = 1.0
"""Seconds for a call to a server that has let one call run out: a clean-up must not wait long again."""

SPARE = 0.5
"""Seconds by which the thread's own deadline is longer than the call's, so that one of them tells of a deadline."""

WEDGED = (
    "its lists are probably locked (Toxiproxy's issues #254, #412, #558: a toxic was changed while a client was not "
    "reading). Nothing but a restart of the server helps; `--toxiproxy embedded` does not have this defect"
)

NAME = re.compile(r"[A-Za-z0-9_.-]+")

Json = dict[str, Any]
_VERSION = "/version"


def check_name(name: str) -> str:
    """Return ``name`` if it is safe in a path of the API; else raise ``ToxiproxyFault``."""
    if NAME.fullmatch(name) is None or name in (".", ".."):
        raise ToxiproxyFault(f"a proxy's name is made of letters, digits, '_', '.' and '-', got {name!r}")
    return name


class Missing(ToxiproxyFault):
    """The server says 404: what was asked for is not there."""


class Calls:
    """Calls of one server, each under ``deadline`` seconds. ``seconds`` keeps how long each one took."""

    def __init__(self, address: Address, *, deadline: float = DEADLINE) -> None:
        assert 0 < deadline < 25
        self.address = address
        self.where = f"Toxiproxy at http://{join_address(address)}"
        self.deadline = deadline
        self.seconds: list[float] = []
        self._limiter = trio.CapacityLimiter(8)
        self._looks = ""  # of a server that let a deadline run out, once it was looked at
        self._consumer: Any = None

    async def load(self) -> None:
        """Import toxiproxy-python, so that no call's time holds the import."""
        await trio.to_thread.run_sync(self.connected, abandon_on_cancel=True, limiter=self._limiter)

    async def version(self) -> Release:
        """Return what the server says it is. Raises ``ToxiproxyFault``, also where that is no Toxiproxy."""
        try:
            return release_of(await self._call("get", _VERSION), self.where)
        except Missing:
            raise ToxiproxyFault(f"{self.where} answered 404 to GET {_VERSION}: is that a Toxiproxy?") from None

    async def get(self, path: str, kind: type[T]) -> T:
        """Return the answer to a GET. Raises ``ToxiproxyFault``, also where it is of another kind."""
        return decoded(await self._call("get", path), kind, f"{self.where} answered GET {path} with")

    async def post(self, path: str, body: Json) -> None:
        """Post this. Raises ``ToxiproxyFault``."""
        await self._call("post", path, json=body)

    async def delete(self, path: str) -> bool:
        """Delete, and say whether there was something. Raises ``ToxiproxyFault``."""
        try:
            await self._call("delete", path)
        except Missing:
            return False
        return True

    async def _call(self, verb: str, path: str, **options: Any) -> bytes:
        """Make one call in a thread, and return the body of its answer."""
        call = _Call(self, verb, path, options)
        began = trio.current_time()
        try:
            with trio.fail_after(self.deadline):
                return await trio.to_thread.run_sync(call.make, abandon_on_cancel=True, limiter=self._limiter)
        except trio.TooSlowError:
            pass
        finally:
            call.given_up = True
            self.seconds.append(trio.current_time() - began)
        raise await self.too_slow(verb.upper(), path)

    async def too_slow(self, method: str, path: str) -> ToxiproxyFault:
        """Return the fault for a call that ran into its deadline, after a look at what the server still answers."""
        waited, self.deadline = self.deadline, min(self.deadline, SHORT_TIMEOUT)
        self._looks = self._looks or await self._look(path)
        return ToxiproxyFault(f"{self.where} did not answer {method} {path} within {waited:g} s{self._looks}")

    async def _look(self, path: str) -> str:
        """Ask for what a wedged server still answers, and say what that looks like."""
        async with ApiConnection(self.address) as connection:
            try:
                answer = await connection.ask("GET", _VERSION, timeout=self.deadline)
            except NoApiAnswer as none:
                also = "" if path == _VERSION else f" GET {_VERSION}, which needs no lock, was not answered either:"
                return f";{also} it {none}. It is stopped, no Toxiproxy, or this machine is too busy"
        if path == _VERSION:
            return f", and only then with {shown(answer.body)}: the server or this machine is too busy"
        return f", but still answers GET {_VERSION}: {WEDGED}"

    def connected(self) -> Any:
        """Return toxiproxy-python's consumer of this server, made at the first call."""
        from toxiproxy.api import APIConsumer  # noqa: PLC0415 - see _Call.make

        if self._consumer is None:
            host, _, port = join_address(self.address).rpartition(":")
            self._consumer = type("Consumer", (APIConsumer,), {"host": host, "port": port})
        return self._consumer


class _Call:
    """One call, made in a worker thread. ``given_up`` is set once its caller has stopped waiting."""

    def __init__(self, calls: Calls, verb: str, path: str, options: Json) -> None:
        self.given_up = False
        self._calls = calls
        self._verb = verb
        self._path = path
        self._options = options
        self._said = f"{calls.where} to {verb.upper()} {path}"

    def make(self) -> bytes:
        """Call, check the status, and return the body; foreign exceptions end here."""
        import requests  # noqa: PLC0415 - toxiproxy-python's import takes 166 ms, so both wait for the first call
        from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists  # noqa: PLC0415 - the same
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - the same

        calls = self._calls
        call: Callable[..., Any] = getattr(calls.connected(), self._verb)
        try:
            answer = call(
                self._path,
                timeout=calls.deadline + SPARE,  # of each read, not of the call; it lets an abandoned thread end
                proxies={"http": None, "all": None},
                auth=_nobody,
                allow_redirects=False,
                hooks={"response": self._take},
                **self._options,
            )
        except NotFound as error:
            raise Missing(f"{self._said} answered 404: {_told(error)}; did something else remove it?") from None
        except (ProxyExists, InvalidToxic) as error:
            raise ToxiproxyFault(f"{self._said} refused: {_told(error)}") from None
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise ToxiproxyFault(f"{self._said} failed: it {_seen(error)}; is the server running?") from None
        body = bytes(answer.content)
        if answer.status_code == 503:
            raise ToxiproxyFault(f"{self._said} answered 503: {WEDGED}")
        if not 200 <= answer.status_code < 300:
            raise ToxiproxyFault(f"{self._said} answered {answer.status_code}: {_line(body)}")
        return body

    def _take(self, answer: Any, **_: Any) -> None:
        """Read the body, as much as may be. requests calls this when it has the head."""
        if 300 <= answer.status_code < 400:
            answer.close()
            to = quote(answer.headers.get("Location", ""), 200)
            raise ToxiproxyFault(
                f"{self._said} answered {answer.status_code}, a redirect to {to}. It is not followed: Toxiproxy sends "
                "nobody elsewhere, so something else is on that port"
            )
        body = bytearray()
        for piece in answer.iter_content(65_536):
            body += piece
            if self.given_up or len(body) > ANSWER_MAX:
                answer.close()
                raise ToxiproxyFault(f"{self._said} answered more than {ANSWER_MAX} bytes: is that a Toxiproxy?")
        answer._content = bytes(body)  # noqa: SLF001 - where requests itself would have put it, without a bound


def decoded(body: bytes, kind: type[T], said: str) -> T:
    """Read an answer. Raises ``ToxiproxyFault`` where it is of another kind; ``said`` begins its text."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        why = quote(str(error), 120)[1:-1]  # it may name a key of the answer
    except RecursionError:
        why = "nested too deep"
    except (msgspec.DecodeError, UnicodeDecodeError):
        why = "something else than JSON"
    raise ToxiproxyFault(f"{said} {shown(body)}, which no Toxiproxy says ({why}): is something else on that port?")


def _nobody(request: Any) -> Any:
    """Add no credentials: without this, requests would look for some in ``.netrc``."""
    return request


def _told(error: Exception) -> str:
    """Return the body of an answer, which toxiproxy-python hands on as bytes."""
    body = error.args[0] if error.args else b""
    return _line(body if isinstance(body, bytes) else str(body).encode())


def _line(body: bytes) -> str:
    """Return the beginning of a body on one line, with nothing in it that could steer a terminal."""
    return quote(body.decode(errors="replace").strip(), 300)[1:-1] or "nothing"


def _seen(error: BaseException) -> str:
    """Return what the server did, by the first cause that tells."""
    for cause in _causes(error):
        if isinstance(cause, http.client.RemoteDisconnected):  # an OSError as well
            return "closed the connection without a word"
        if isinstance(cause, OSError) and cause.errno is not None:
            return os_words(cause)
        if isinstance(cause, http.client.IncompleteRead):
            return "broke off in the middle of its answer"
        if isinstance(cause, http.client.HTTPException):
            return "answered what is no HTTP"
    return "gave an answer that cannot be read"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and what it wraps, as requests and urllib3 do it: in arguments, ``reason``, cause and context."""
    waiting, met = [error], set[int]()
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and id(each) not in met:
            met.add(id(each))
            yield each
            waiting += [*each.args, getattr(each, "reason", None), each.__cause__, each.__context__]
