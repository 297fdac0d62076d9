"""The data plane on real sockets: one body, the embedded server and a real one."""

import errno
import socket

import pytest
import trio

from harness.network.real import RealNetwork
from harness.seams import Stream
from harness.toxiproxy.address import split_address
from tests.network.test_real import needs_ipv6

network = RealNetwork()


async def exactly(stream: Stream, count: int) -> bytes:
    got = b""
    while len(got) < count:
        data = await stream.receive_some(count - len(got))
        assert data, f"the stream ended after {got!r}"
        got += data
    return got


async def ends(stream: Stream) -> None:
    """Wait for the end, however it comes."""
    try:
        while await stream.receive_some():
            pass
    except trio.BrokenResourceError:
        pass


async def round_trip(stream: Stream, data: bytes) -> float:
    began = trio.current_time()
    await stream.send_all(data)
    assert await exactly(stream, len(data)) == data
    return trio.current_time() - began


@pytest.fixture(autouse=True)
async def _bounded():
    with trio.fail_after(20):
        yield


@pytest.fixture
async def line(api, upstream):
    """A client through a proxy named p to an echo."""
    client = await network.connect(await api.proxy("p", upstream))
    await round_trip(client, b"hello")
    yield client
    await client.aclose()


async def test_bytes_pass_both_ways_unchanged(line):
    data = bytes(range(256)) * 4000
    got = bytearray()

    async def read():
        while len(got) < len(data):
            got.extend(await line.receive_some())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await line.send_all(data)
    assert bytes(got) == data


async def test_latency_is_never_early_and_not_much_late(api, line):
    await api.toxic("p", "latency", latency=30)
    taken = [await round_trip(line, b"x") for _ in range(15)]
    assert min(taken) >= 0.030
    assert min(taken) < 0.030 + 0.010  # the least of many: a busy host is late now and then


async def test_latency_is_pipelined(api, line):
    await api.toxic("p", "latency", latency=200)
    began = trio.current_time()
    for number in range(5):
        await line.send_all(bytes([number]))
        await trio.sleep(0.01)
    assert await exactly(line, 5) == bytes(range(5))
    assert 0.24 <= trio.current_time() - began < 5 * 0.2  # as long as one after the other would take


async def test_bandwidth_holds_its_rate(api, line):
    await api.toxic("p", "bandwidth", rate=100)
    taken = [await round_trip(line, b"x" * 20_000) for _ in range(3)]
    assert min(taken) >= 0.198
    assert min(taken) < 0.198 * 1.25  # a kernel may hand the reader its last bytes as a chunk of their own


async def test_a_stall_loses_nothing(api, line):
    await api.toxic("p", "bandwidth", rate=0)
    for number in range(5):
        await line.send_all(bytes([number]))
    with trio.move_on_after(0.15) as timeout:
        await line.receive_some()
    assert timeout.cancelled_caught
    await api.ok("DELETE", "/proxies/p/toxics/bandwidth_downstream")
    assert await exactly(line, 5) == bytes(range(5))


async def test_slices_arrive_one_by_one(api, line):
    await api.toxic("p", "slicer", average_size=2, delay=20_000)
    began = trio.current_time()
    await line.send_all(b"abcdefgh")
    assert len(await line.receive_some()) == 2
    assert await exactly(line, 6) == b"cdefgh"
    assert trio.current_time() - began >= 0.06


async def test_removing_latency_frees_what_waits(api, line):
    await api.toxic("p", "latency", latency=10_000)
    await line.send_all(b"abc")
    await trio.sleep(0.05)  # on its way through the echo into the toxic
    await api.ok("DELETE", "/proxies/p/toxics/latency_downstream")
    with trio.fail_after(2):
        assert await exactly(line, 3) == b"abc"


async def test_updating_latency_counts_for_what_comes_after(api, line):
    await api.toxic("p", "latency", latency=5000)
    await api.ok("POST", "/proxies/p/toxics/latency_downstream", {"attributes": {"latency": 40}})
    assert 0.04 <= await round_trip(line, b"x") < 2


async def test_reset_removes_toxics_and_leaves_connections(api, line):
    await api.toxic("p", "latency", latency=5000)
    await api.ok("POST", "/reset")
    assert await api.ok("GET", "/proxies/p/toxics") == []
    assert await round_trip(line, b"x") < 2


async def test_reset_starts_what_was_disabled(api, upstream):
    await api.proxy("p", upstream)
    await api.ok("POST", "/proxies/p", {"enabled": False})
    await api.ok("POST", "/reset")
    assert (await api.ok("GET", "/proxies/p"))["enabled"] is True


async def test_the_toxics_of_one_stream_leave_the_other_alone(api, line):
    await api.toxic("p", "bandwidth", "upstream", rate=0)
    await line.send_all(b"x")
    with trio.move_on_after(0.1) as timeout:
        await line.receive_some()
    assert timeout.cancelled_caught


@pytest.mark.parametrize("how", ["disable", "delete", "move"])
async def test_disable_delete_and_move_close_every_connection(api, line, how):
    if how == "disable":
        await api.ok("POST", "/proxies/p", {"enabled": False})
    elif how == "delete":
        await api.ok("DELETE", "/proxies/p")
    else:
        await api.ok("POST", "/proxies/p", {"upstream": "127.0.0.1:9"})
    with trio.fail_after(2):
        assert await line.receive_some() == b""


async def test_a_disabled_proxy_refuses_and_keeps_its_port_and_toxics(api, upstream):
    address = await api.proxy("p", upstream)
    await api.toxic("p", "latency", latency=20)
    await api.ok("POST", "/proxies/p", {"enabled": False})
    with pytest.raises(OSError, match="refused") as refusal:
        await network.connect(address)
    assert refusal.value.errno == errno.ECONNREFUSED
    proxy = await api.ok("POST", "/proxies/p", {"enabled": True})
    assert proxy["listen"] == f"{address[0]}:{address[1]}"
    client = await network.connect(address)
    assert await round_trip(client, b"x") >= 0.02
    await client.aclose()


async def test_an_update_with_the_same_addresses_leaves_connections(api, line, upstream):
    proxy = await api.ok("GET", "/proxies/p")
    await api.ok("POST", "/proxies/p", {"listen": proxy["listen"], "upstream": proxy["upstream"], "enabled": True})
    assert await round_trip(line, b"x") < 2


async def test_a_taken_port_is_500_and_adds_nothing(api, upstream):
    host, port = await api.proxy("p", upstream)
    body = {"name": "q", "listen": f"{host}:{port}", "upstream": "127.0.0.1:9"}
    answer = await api.call("POST", "/proxies", body)
    message = f"listen tcp {host}:{port}: bind: address already in use"
    assert (answer.status, answer.json["error"]) == (500, message)
    assert list(await api.ok("GET", "/proxies")) == ["p"]


async def test_moving_to_a_taken_port_leaves_the_proxy_disabled_there(api, upstream):
    host, port = await api.proxy("p", upstream)
    await api.proxy("q", upstream)
    assert (await api.call("POST", "/proxies/q", {"listen": f"{host}:{port}"})).status == 500
    moved = await api.ok("GET", "/proxies/q")
    assert (moved["enabled"], moved["listen"]) == (False, f"{host}:{port}")


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1:99999"])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_move_to_what_is_no_address_leaves_the_proxy_and_its_connections(api, line, method, listen):
    before = await api.ok("GET", "/proxies/p")
    answer = await api.call(method, "/proxies/p", {"listen": listen, "enabled": False})
    message = "address nonsense: missing port in address" if listen == "nonsense" else "address 99999: invalid port"
    assert (answer.status, answer.json["error"]) == (500, message)
    assert await api.ok("GET", "/proxies/p") == before
    assert await round_trip(line, b"x") < 2


async def test_a_replacement_by_what_is_no_address_leaves_the_proxy_and_its_connections(api, line):
    before = await api.ok("GET", "/proxies/p")
    answer = await api.call("POST", "/populate", [{"name": "p", "listen": "nonsense", "upstream": "127.0.0.1:9"}])
    assert answer.status == 500
    assert await api.ok("GET", "/proxies/p") == before
    assert await round_trip(line, b"x") < 2


async def test_a_taken_port_is_told_as_it_was_resolved(api, upstream):
    _, port = await api.proxy("p", upstream)
    body = {"name": "q", "listen": f"localhost:{port}", "upstream": "127.0.0.1:9"}
    answer = await api.call("POST", "/proxies", body)
    assert answer.json["error"] == f"listen tcp 127.0.0.1:{port}: bind: address already in use"


@needs_ipv6
async def test_an_upstream_on_ipv6_is_reached(api):
    listener = await network.listen(("::1", 0))
    body = {"name": "p", "listen": "[::1]:0", "upstream": f"[::1]:{listener.address[1]}"}
    listen = (await api.ok("POST", "/proxies", body))["listen"]
    assert listen.startswith("[::1]:")
    async with await network.connect(split_address(listen)) as client, await listener.accept() as server:
        await server.send_all(b"x")
        assert await exactly(client, 1) == b"x"
    await listener.aclose()


async def test_a_dead_upstream_closes_the_client_after_it_connected(api):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = await network.connect(await api.proxy("p", unused.getsockname()))
        with trio.fail_after(2):
            await ends(client)
        await client.aclose()


async def test_there_is_no_half_close(pair):
    """A client that sends FIN gets the end at once, and the server's answer is lost."""
    client, server = pair
    await client.send_eof()
    with trio.fail_after(2):
        assert await server.receive_some() == b""
        assert await client.receive_some() == b""


@pytest.mark.parametrize("side", [0, 1])
async def test_an_rst_on_one_side_is_a_fin_on_the_other(pair, side):
    pair[side].reset()
    with trio.fail_after(2):
        assert await pair[1 - side].receive_some() == b""


async def test_the_end_is_not_delayed_by_latency_but_follows_the_data(api, pair):
    client, server = pair
    await api.toxic("p", "latency", latency=100)
    began = trio.current_time()
    await server.send_all(b"last")
    await server.aclose()
    assert await exactly(client, 4) == b"last"
    assert await client.receive_some() == b""
    assert 0.1 <= trio.current_time() - began < 1


async def test_the_end_of_an_idle_connection_passes_latency_at_once(api, pair):
    client, server = pair
    await api.toxic("p", "latency", latency=10_000)
    await server.aclose()
    with trio.fail_after(2):
        assert await client.receive_some() == b""


async def test_the_server_learns_at_once_that_a_stalled_client_left(api, pair):
    client, server = pair
    await api.toxic("p", "bandwidth", rate=0)
    await server.send_all(b"x")
    await client.aclose()
    with trio.fail_after(2):
        await ends(server)


async def test_toxicity_half_poisons_some_connections_for_good(api, upstream):
    address = await api.proxy("p", upstream)
    await api.ok("POST", "/proxies/p/toxics", {"type": "latency", "toxicity": 0.5, "attributes": {"latency": 200}})
    slow = []
    for _ in range(24):
        client = await network.connect(address)
        first, second = [await round_trip(client, b"x") for _ in range(2)]
        slow.append(first >= 0.2)
        assert (second >= 0.2) is slow[-1]
        await client.aclose()
    assert 3 <= sum(slow) <= 21
