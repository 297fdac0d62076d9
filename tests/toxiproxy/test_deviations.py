"""The embedded server's deviations from the real one, all on purpose."""

import pytest
import trio

from harness.network.real import RealNetwork
from tests.toxiproxy.client import Api
from tests.toxiproxy.conftest import embedded
from tests.toxiproxy.test_closing_toxics import FIN, RST, end

OFF = {"name": "p", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9", "enabled": False}


@pytest.fixture
async def own(nursery):
    return Api("embedded", await nursery.start(embedded))


async def test_a_proxy_with_a_slash_in_its_name_is_refused(own):
    """Toxiproxy creates it and can never delete it."""
    answer = await own.call("POST", "/proxies", {**OFF, "name": "a/b"})
    assert (answer.status, answer.json["error"]) == (400, "a name may not contain '/': a/b")


async def test_a_toxic_with_a_slash_in_its_name_is_refused(own):
    await own.ok("POST", "/proxies", OFF)
    answer = await own.call("POST", "/proxies/p/toxics", {"type": "latency", "name": "a/b"})
    assert (answer.status, answer.json["error"]) == (400, "a name may not contain '/': a/b")


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [("bandwidth", {"rate": -1}), ("slicer", {}), ("slicer", {"average_size": 1, "size_variation": 2})],
)
async def test_attributes_that_crash_toxiproxy_are_refused(own, kind, attributes):
    await own.ok("POST", "/proxies", OFF)
    answer = await own.call("POST", "/proxies/p/toxics", {"type": kind, "attributes": attributes})
    assert answer.status == 400
    assert answer.json["error"].startswith(f"bad request body: {kind} ")
    assert await own.ok("GET", "/proxies/p/toxics") == []


async def test_a_refused_update_changes_nothing(own):
    """Toxiproxy keeps the attributes decoded before the bad one."""
    await own.ok("POST", "/proxies", OFF)
    await own.toxic("p", "latency", latency=5)
    path = "/proxies/p/toxics/latency_downstream"
    assert (await own.call("POST", path, {"attributes": {"latency": 9, "jitter": 1.5}})).status == 400
    assert (await own.ok("GET", path))["attributes"] == {"latency": 5, "jitter": 0}


@pytest.mark.parametrize("listen", ["", ":0", "0.0.0.0:0", "[::]:0", "localhost:0"])
async def test_listening_on_all_interfaces_becomes_loopback(own, listen):
    proxy = await own.ok("POST", "/proxies", {**OFF, "listen": listen, "enabled": True})
    assert proxy["listen"].startswith("127.0.0.1:")


async def test_listening_elsewhere_is_refused(own):
    answer = await own.call("POST", "/proxies", {**OFF, "listen": "192.0.2.1:0", "enabled": True})
    assert answer.status == 500
    assert answer.json["error"].startswith("listen tcp: 192.0.2.1:0: bind: only loopback is served here")
    assert await own.ok("GET", "/proxies") == {}


@pytest.fixture
async def line(own):
    """Both ends of a connection through a proxy named p."""
    listener = await RealNetwork().listen()
    client = await RealNetwork().connect(await own.proxy("p", listener.address))
    server = await listener.accept()
    with trio.fail_after(10):
        yield client, server
    for stream in (client, server):
        await stream.aclose()
    await listener.aclose()


async def test_reset_peer_resets_connections_that_are_open_already(own, line):
    """On Toxiproxy they get a FIN."""
    client, server = line
    await own.toxic("p", "reset_peer", timeout=0)
    await server.send_all(b"x")
    assert (await end(client), await end(server)) == ((b"", RST), (b"", RST))


async def test_a_reset_peer_whose_draw_was_lost_resets_nothing(own, line):
    """On Toxiproxy it does (its issue #603)."""
    _, server = line
    body = {"type": "reset_peer", "toxicity": 0, "attributes": {"timeout": 0}}
    await own.ok("POST", "/proxies/p/toxics", body)
    await server.send_all(b"x")
    assert await line[0].receive_some() == b"x"
    await own.ok("POST", "/proxies/p", {"enabled": False})
    assert await end(line[0]) == (b"", FIN)


async def test_the_wait_of_reset_peer_can_be_interrupted(own, line):
    """On Toxiproxy the call waits, and the connection is lost."""
    client, server = line
    await own.toxic("p", "reset_peer", timeout=60_000)
    await server.send_all(b"x")
    await trio.sleep(0.05)
    with trio.fail_after(2):
        await own.ok("DELETE", "/proxies/p/toxics/reset_peer_downstream")
        assert await client.receive_some() == b"x"
