"""The server's side of dead flows, closed by the gate after so long: evidence for the server, and no sooner."""

import pytest
import trio

from harness.device import Reach
from harness.history import Chunk, ConnEnd
from tests.network.rig import until
from tests.network.test_cost import virtual


async def hears(server):
    """When the server's socket saw its end."""
    while await server.receive_some():
        pass
    return round(trio.current_time(), 2)


async def dial(r):
    client = await r.connect()
    await client.send_all(b"?")
    server = await r.accepted()
    await server.receive_some()
    return client, server


@virtual
async def test_dead_flow_is_closed_at_the_server_after_so_long(r):
    _, server = await dial(r)
    assert await r.gate.orphans(30.0) == {"after": "30s", "dead": "0"}
    await r.gate.reach("wifi", Reach.SILENT)
    await trio.sleep_until(10.0)
    await server.send_all(b"lost")
    assert await hears(server) == 40.0
    assert next((end.side, end.how) for end in r.of(ConnEnd)) == ("server", "closed")


@virtual
async def test_flow_that_is_dead_already_counts_from_its_death(r):
    _, server = await dial(r)
    await trio.sleep_until(5.0)
    await r.gate.loses("wifi")
    await trio.sleep_until(45.0)
    assert (await r.gate.orphans(50.0))["dead"] == "1"
    assert await hears(server) == 85.0  # the open flow outlived its path by the linger of 30 s


@virtual
async def test_client_that_closes_into_silence_is_an_orphan(r):
    client, server = await dial(r)
    await r.gate.orphans(30.0)
    await r.gate.reach("wifi", Reach.SILENT)
    await trio.sleep_until(20.0)
    await client.aclose()
    assert await hears(server) == 50.0


@virtual
async def test_living_flow_is_left_alone(r):
    _, server = await dial(r)
    await r.gate.orphans(1.0)
    with trio.move_on_after(100.0) as timeout:
        await server.receive_some()
    assert timeout.cancelled_caught


@virtual
async def test_deed_that_is_over_closes_nothing_more(r):
    _, server = await dial(r)
    await r.gate.orphans(30.0)
    await r.gate.reach("wifi", Reach.SILENT)
    await server.send_all(b"lost")
    assert (await r.gate.orphans(None))["after"] == "never"
    with trio.move_on_after(100.0) as timeout:
        await server.receive_some()
    assert timeout.cancelled_caught


@virtual
async def test_orphan_is_closed_though_the_path_is_up_again(r):
    _, server = await dial(r)
    await r.gate.orphans(30.0)
    await r.gate.reach("wifi", Reach.SILENT)
    await server.send_all(b"lost")
    await until(lambda: r.of(Chunk)[-1].fate == "dropped")
    await r.gate.reach("wifi", Reach.UP)
    died = trio.current_time()
    assert await hears(server) == pytest.approx(died + 30.0, abs=0.01)
    await server.aclose()
    await until(lambda: r.of(ConnEnd))
