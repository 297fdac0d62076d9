"""The Toxiproxy of a run, and its life: the embedded one, a real one launched here, or one that runs already."""

import random
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import trio

from harness.errors import ToxiproxyFault
from harness.seams import Address, Network
from harness.toxiproxy.address import is_url, url_address
from harness.toxiproxy.calls import DEADLINE, Calls, check_name
from harness.toxiproxy.connection import ApiConnection
from harness.toxiproxy.control import Toxiproxy, ToxiproxyKind
from harness.toxiproxy.embedded import serve_embedded
from harness.toxiproxy.owner import orphaned
from harness.toxiproxy.process import launched
from harness.toxiproxy.release import release_words
from harness.toxiproxy.servants import servants

AUTO = "auto"
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

    ``choice``: ``auto`` (``toxiproxy-server`` on PATH; embedded where there is none, or where it cannot be used, which
    ``passed_over`` then says), ``embedded``, the path of a server program, or ``http://host:port`` of a running server,
    of which only proxies whose names begin with ``prefix`` are touched, and those that a dead run left
    (``harness.toxiproxy.owner``). Each call has ``deadline`` seconds. Raises ``ToxiproxyFault``; the embedded server's
    draws come from ``rng``.
    """
    check_name(prefix)
    async with AsyncExitStack() as stack:
        if is_url(choice):
            way = _running(url_address(choice), prefix, deadline)
        elif choice == "embedded" or (choice == AUTO and shutil.which(PROGRAM) is None):
            way = _embedded(network, rng, prefix, deadline)
        else:
            way = _launched(_program(PROGRAM if choice == AUTO else choice), prefix, deadline)
        try:
            toxiproxy = await stack.enter_async_context(way)
        except ToxiproxyFault as fault:
            if choice != AUTO:
                raise
            toxiproxy = await stack.enter_async_context(_embedded(network, rng, prefix, deadline))
            toxiproxy.passed_over = f"the {PROGRAM} on PATH cannot be used: {' '.join(str(fault).split())}"
        yield toxiproxy


@asynccontextmanager
async def _running(address: Address, prefix: str, deadline: float) -> AsyncIterator[Toxiproxy]:
    calls = Calls(address, deadline=deadline)
    toxiproxy = await _opened("real", calls, prefix)
    await _clear(calls, prefix)
    async with _healing(toxiproxy):
        yield toxiproxy


@asynccontextmanager
async def _launched(program: str, prefix: str, deadline: float) -> AsyncIterator[Toxiproxy]:
    async with launched(program) as address:
        yield await _opened("real", Calls(address, deadline=deadline), prefix)


@asynccontextmanager
async def _embedded(network: Network, rng: random.Random, prefix: str, deadline: float) -> AsyncIterator[Toxiproxy]:
    async with servants() as nursery:
        address = await nursery.start(partial(serve_embedded, network, ("127.0.0.1", 0), rng=rng))
        yield await _opened("embedded", Calls(address, deadline=deadline), prefix)


def _program(choice: str) -> str:
    """Return the path of a server program: a file, or a name on PATH."""
    path = Path(shutil.which(choice) or choice).expanduser()
    if not path.is_file():
        raise ToxiproxyFault(f"there is no Toxiproxy server at {choice!r}; {HOW_TO_INSTALL}")
    return str(path.absolute())


async def _opened(kind: ToxiproxyKind, calls: Calls, prefix: str) -> Toxiproxy:
    await calls.load()
    release = await calls.version()
    async with ApiConnection(calls.address) as connection:
        version = await release_words(release, connection, calls.where, timeout=calls.deadline)
    return Toxiproxy(kind, version, calls, prefix=prefix)


async def _clear(calls: Calls, prefix: str) -> None:
    """Remove what an aborted run with the same prefix, and runs that are dead, left on a shared server."""
    for name in await calls.get("/proxies", dict[str, Any]):
        if name.startswith(prefix) or orphaned(name):
            await calls.delete(f"/proxies/{quote(name, safe='')}")  # whose it was may have named it otherwise


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
