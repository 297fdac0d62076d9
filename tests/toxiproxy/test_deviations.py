"""What the embedded server does differently, on purpose."""

import pytest

from tests.toxiproxy.client import Api
from tests.toxiproxy.conftest import embedded

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
