"""The toxics that close connections, on real sockets: one body, the embedded server and a real one."""

import pytest
import trio

from harness.network.real import RealNetwork
from harness.seams import Stream
from tests.toxiproxy.test_proxy import exactly

network = RealNetwork()
FIN, RST = "FIN", "RST"


@pytest.fixture(autouse=True)
async def _bounded():
    with trio.fail_after(20):
        yield


async def end(stream: Stream) -> tuple[bytes, str]:
    """Read to the end; return what came before it, and how it came."""
    got = b""
    try:
        while data := await stream.receive_some():
            got += data
    except trio.BrokenResourceError:
        return got, RST
    return got, FIN


async def silent(stream: Stream, seconds: float = 0.15) -> bool:
    """Return whether nothing comes for a while, not even the end."""
    with trio.move_on_after(seconds):
        await end(stream)
        return False
    return True


async def test_slow_close_holds_the_end_of_its_direction_back(api, pair):
    client, server = pair
    await api.toxic("p", "slow_close", delay=1_500)
    began = trio.current_time()
    await server.send_all(b"last")
    await server.aclose()
    assert await exactly(client, 4) == b"last"
    assert trio.current_time() - began < 1.5  # the delay is of the end alone
    assert await end(client) == (b"", FIN)
    assert trio.current_time() - began >= 1.5


async def test_slow_close_leaves_the_other_direction_alone(api, pair):
    client, server = pair
    await api.toxic("p", "slow_close", delay=10_000)
    await client.aclose()
    with trio.fail_after(2):
        assert await end(server) == (b"", FIN)


async def test_removing_slow_close_closes_now(api, pair):
    client, server = pair
    await api.toxic("p", "slow_close", delay=10_000)
    await server.aclose()
    assert await silent(client)
    await api.ok("DELETE", "/proxies/p/toxics/slow_close_downstream")
    with trio.fail_after(2):
        assert await end(client) == (b"", FIN)


async def test_timeout_0_drops_and_never_closes_until_it_is_removed(api, pair):
    client, server = pair
    await api.toxic("p", "timeout", timeout=0)
    await server.send_all(b"dropped")
    assert await silent(client)
    await client.send_all(b"the other way")
    assert await exactly(server, 13) == b"the other way"
    await api.ok("DELETE", "/proxies/p/toxics/timeout_downstream")
    assert (await end(client), await end(server)) == ((b"", FIN), (b"", FIN))


async def test_timeout_closes_an_idle_connection(api, pair):
    client, server = pair
    began = trio.current_time()
    await api.toxic("p", "timeout", timeout=200)
    assert (await end(client), await end(server)) == ((b"", FIN), (b"", FIN))
    assert 0.2 <= trio.current_time() - began < 2


async def test_timeout_is_there_from_the_start(api, pair):
    """On a connection that is made after it, and on which nothing ever happens."""
    await api.toxic("p", "timeout", timeout=200)
    listen = (await api.ok("GET", "/proxies/p"))["listen"]
    host, port = listen.split(":")
    began = trio.current_time()
    late = await network.connect((host, int(port)))
    assert await end(late) == (b"", FIN)
    assert 0.2 <= trio.current_time() - began < 2
    await late.aclose()


async def test_resetting_the_server_removes_a_timeout_and_so_closes(api, pair):
    client, _ = pair
    await api.toxic("p", "timeout", timeout=0)
    await api.ok("POST", "/reset")
    with trio.fail_after(2):
        assert await end(client) == (b"", FIN)


async def test_a_timeout_whose_draw_was_lost_closes_too_when_it_is_removed(api, pair):
    client, server = pair
    await api.ok("POST", "/proxies/p/toxics", {"type": "timeout", "toxicity": 0, "attributes": {"timeout": 1}})
    await server.send_all(b"passes")
    assert await exactly(client, 6) == b"passes"
    await api.ok("DELETE", "/proxies/p/toxics/timeout_downstream")
    with trio.fail_after(2):
        assert await end(client) == (b"", FIN)


@pytest.fixture
async def poisoned(api):
    """Both ends of a connection through a proxy named p that has a reset_peer downstream from the start."""
    listener = await network.listen()
    address = await api.proxy("p", listener.address)
    await api.toxic("p", "reset_peer", timeout=100)
    client = await network.connect(address)
    server = await listener.accept()
    yield client, server
    for stream in (client, server):
        await stream.aclose()
    await listener.aclose()


async def test_reset_peer_resets_both_sides_after_data(poisoned):
    client, server = poisoned
    await client.send_all(b"the other way")
    assert await exactly(server, 13) == b"the other way"
    assert await silent(client)
    began = trio.current_time()
    await server.send_all(b"swallowed")
    assert (await end(client), await end(server)) == ((b"", RST), (b"", RST))
    assert 0.1 <= trio.current_time() - began < 2


async def test_reset_peer_resets_when_the_server_closes(poisoned):
    client, server = poisoned
    server.finish()
    assert (await end(client))[1] == RST


@pytest.mark.parametrize("how", ["the client leaves", "the proxy is disabled"])
async def test_a_close_under_reset_peer_is_a_reset(api, poisoned, how):
    client, server = poisoned
    if how == "the client leaves":
        await client.aclose()
    else:
        await api.ok("POST", "/proxies/p", {"enabled": False})
    with trio.fail_after(2):
        assert (await end(server))[1] == RST


async def test_limit_data_passes_exactly_its_bytes_and_closes(api, pair):
    client, server = pair
    await server.send_all(b"before ")
    assert await exactly(client, 7) == b"before "
    await api.toxic("p", "limit_data", bytes=5)
    await server.send_all(b"abc")
    assert await exactly(client, 3) == b"abc"
    await server.send_all(b"defgh")
    assert await end(client) == (b"de", FIN)
    with trio.fail_after(2):
        await end(server)


async def test_limit_data_0_closes_at_the_first_chunk(api, pair):
    client, server = pair
    await api.toxic("p", "limit_data", bytes=0)
    assert await silent(client)
    await server.send_all(b"x")
    assert await end(client) == (b"", FIN)


async def test_limit_data_keeps_its_count_over_an_update(api, pair):
    client, server = pair
    await api.toxic("p", "limit_data", bytes=100)
    await server.send_all(b"abc")
    assert await exactly(client, 3) == b"abc"
    await api.ok("PATCH", "/proxies/p/toxics/limit_data_downstream", {"attributes": {"bytes": 4}})
    await server.send_all(b"def")
    assert await end(client) == (b"d", FIN)
