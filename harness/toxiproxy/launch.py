"""Which Toxiproxy a run uses, and its life: the embedded one, a real one launched here, or one that runs already."""

import random
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import trio

from harness.errors import ToxiproxyFault
from harness.seams import Address, Network
from harness.toxiproxy.calls import DEADLINE, Calls, check_name
from harness.toxiproxy.control import Kind, Toxiproxy
from harness.toxiproxy.embedded import serve_embedded
from harness.toxiproxy.owner import orphaned
from harness.toxiproxy.process import launched
from harness.toxiproxy.servants import servants

PROGRAM = "toxiproxy-server"
HOW_TO_INSTALL = (
    "install one with `go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0` (the binary is called `server`: "
    f"name it {PROGRAM} and put it on PATH, or give its path), or choose `embedded`"
)


@asynccontextmanager
async def open_toxiproxy(
    choice: str, *, network: Network, prefix: str, rng: random.Random, deadline: float = DEADLINE
) -> AsyncIterator[Toxiproxy]:
    """Yield a Toxiproxy with none of this run's proxies, and leave none behind.

    ``choice``: ``auto`` (``toxiproxy-server`` on PATH, else embedded), ``embedded``, the path of a server program, or
    ``http://host:port`` of a running server, of which only proxies whose names begin with ``prefix`` are touched, and
    those that a dead run left (``harness.toxiproxy.owner``). Each call has ``deadline`` seconds. Raises
    ``ToxiproxyFault``; the embedded server's draws come from ``rng``.
    """
    check_name(prefix)
    if choice.startswith(("http://", "https://")):
        calls = Calls(url_address(choice), deadline=deadline)
        toxiproxy = await _opened("real", calls, prefix)
        await _clear(calls, prefix)
        async with _healing(toxiproxy):
            yield toxiproxy
        return
    program = shutil.which(PROGRAM) if choice == "auto" else None if choice == "embedded" else _program(choice)
    if program is not None:
        async with launched(program) as address:
            yield await _opened("real", Calls(address, deadline=deadline), prefix)
        return
    async with servants() as nursery:
        address = await nursery.start(_embedded, network, rng)
        yield await _opened("embedded", Calls(address, deadline=deadline), prefix)


def url_address(url: str) -> Address:
    """Return host and port of a server's URL. Raises ``ToxiproxyFault`` for one with credentials, a path or TLS.

    The fault never repeats the URL: it goes into the history, and where a password lies in what is no URL nobody knows.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 8474
    except ValueError:
        raise ToxiproxyFault(
            "expected http://host:port of a Toxiproxy server, got a URL with a bad host or port"
        ) from None
    if parts.username is not None or parts.password is not None:
        raise ToxiproxyFault("expected http://host:port: Toxiproxy has no authentication, leave the credentials out")
    if parts.scheme != "http":
        raise ToxiproxyFault(
            f"expected http://host:port, got one of {parts.scheme}: neither Toxiproxy nor its Python client speaks TLS"
        )
    if not host or parts.path not in ("", "/") or parts.query or parts.fragment:
        what = ", ".join(name for name in ("path", "query", "fragment") if getattr(parts, name).strip("/")) or "no host"
        raise ToxiproxyFault(f"expected http://host:port of a Toxiproxy server and nothing else, got a URL with {what}")
    return (f"[{host}]" if ":" in host else host), port


async def _embedded(network: Network, rng: random.Random, task_status: "trio.TaskStatus[Address]") -> None:
    await serve_embedded(network, ("127.0.0.1", 0), rng=rng, task_status=task_status)


def _program(choice: str) -> str:
    """The path of a server program: a file, or a name on PATH."""
    path = Path(shutil.which(choice) or choice).expanduser()
    if not path.is_file():
        raise ToxiproxyFault(f"there is no Toxiproxy server at {choice!r}; {HOW_TO_INSTALL}")
    return str(path.absolute())


async def _opened(kind: Kind, calls: Calls, prefix: str) -> Toxiproxy:
    await calls.load()
    answer = await calls.get("/version")
    version = str(answer.get("version", "unknown")) if isinstance(answer, dict) else "unknown"
    return Toxiproxy(kind, version, calls, prefix=prefix)


async def _clear(calls: Calls, prefix: str) -> None:
    """Remove what an aborted run with the same prefix, and runs that are dead, left on a shared server."""
    for name in await calls.get("/proxies"):
        if name.startswith(prefix) or orphaned(name):
            await calls.delete(f"/proxies/{name}")


@asynccontextmanager
async def _healing(toxiproxy: Toxiproxy) -> AsyncIterator[None]:
    """Heal at the end, also when cancelled; a failure of the body is not hidden by one of the healing."""
    try:
        yield
    except BaseException as error:
        try:
            await _heal(toxiproxy)
        except ToxiproxyFault as fault:
            error.add_note(f"and proxies were left on the server: {fault}")
        raise
    await _heal(toxiproxy)


async def _heal(toxiproxy: Toxiproxy) -> None:
    with trio.CancelScope(shield=True):  # bounded: the first call that meets its deadline ends it
        await toxiproxy.heal()
