"""The servers under test: one body, an embedded and a real Toxiproxy."""

import contextlib
import random
import shutil
import socket
import subprocess

import pytest
import trio

from harness.network.real import RealNetwork
from harness.toxiproxy import serve_embedded
from harness.toxiproxy.process import _GUARD
from tests.toxiproxy.client import Api, ask

PROGRAM = shutil.which("toxiproxy-server")
ABSENT = "no toxiproxy-server on PATH"
OLD_PROGRAM = shutil.which("toxiproxy-server-2.5.0")
OLD_ABSENT = "no toxiproxy-server-2.5.0 on PATH; CI installs it"


@pytest.fixture(scope="session")
def real_address():
    """One real server for all tests; each test cleans up after itself."""
    with real_server(PROGRAM, ABSENT) as address:
        yield address


@pytest.fixture(scope="session")
def old_address():
    """The same of release 2.5.0, whose API is not quite the later one's."""
    with real_server(OLD_PROGRAM, OLD_ABSENT) as address:
        yield address


@contextlib.contextmanager
def real_server(program, absent):
    """Run this program; yields where its API will be. Skips the test where there is none."""
    if program is None:
        pytest.skip(absent)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = probe.getsockname()
    command = ["/bin/sh", "-c", _GUARD, "sh", program, "-host", address[0], "-port", str(address[1])]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        yield address
        assert server.stdin is not None
        server.stdin.close()


async def answering(address):
    with trio.fail_after(10):
        while True:
            try:
                return await ask(address, "GET", "/version")
            except OSError:
                await trio.sleep(0.02)


@pytest.fixture(params=["embedded", "real"])
async def api(request, nursery):
    async with served(request.param, request, nursery) as api:
        yield api


@pytest.fixture(params=["embedded", "real", "old"])
async def any_api(request, nursery):
    """Also the oldest release that is tried."""
    async with served(request.param, request, nursery) as api:
        yield api


@contextlib.asynccontextmanager
async def served(kind, request, nursery):
    """Yield a server of this kind, and remove all proxies at the end."""
    if kind == "embedded":
        address = await nursery.start(embedded)
    else:
        address = request.getfixturevalue(f"{kind}_address")
        await answering(address)
    api = Api(kind, address)
    yield api
    for name in await api.ok("GET", "/proxies"):
        await api.ok("DELETE", f"/proxies/{name}")


async def embedded(task_status):
    await serve_embedded(RealNetwork(), ("127.0.0.1", 0), rng=random.Random(1), task_status=task_status)


@pytest.fixture
async def upstream(nursery):
    """An echo server: its address."""
    listener = await RealNetwork().listen()

    async def echo(stream):
        async with stream:
            try:
                while data := await stream.receive_some():
                    await stream.send_all(data)
            except trio.BrokenResourceError:
                pass

    async def accept():
        with contextlib.suppress(trio.ClosedResourceError):
            while True:
                nursery.start_soon(echo, await listener.accept())

    nursery.start_soon(accept)
    yield listener.address
    await listener.aclose()


@pytest.fixture
async def pair(api):
    """Both ends of a connection through a proxy named p: the client's and the server's."""
    listener = await RealNetwork().listen()
    client = await RealNetwork().connect(await api.proxy("p", listener.address))
    server = await listener.accept()
    yield client, server
    for stream in (client, server):
        await stream.aclose()
    await listener.aclose()
