"""Cuts, suspension and orphans at the gate, with the middle's stage in its flows, on real sockets."""

import pytest
import trio

from harness.device import Reach
from harness.errors import UsageError
from harness.history import Boxed, ConnEnd
from tests.middle.bench import POLL, SHOWN, chunk, event
from tests.middle.test_on_sockets import boxed_rig, ends, open_stream
from tests.network.rig import read, rig, until


@pytest.mark.parametrize("mid", ["id", "data", "character", "event"])
async def test_event_is_cut_then_fin(tmp_path, mid):
    async with boxed_rig(tmp_path) as r:
        client, server = await open_stream(r)
        back = await r.gate.cut("wifi", Reach.CLOSED, mid)
        assert (back["armed"], back["word"]) == (str(r.gate.flows()[0]), "up")
        await server.send_all(chunk(b": still here\n\n") + chunk(event(7, "€€€")) + chunk(event(8)))
        got = await read(client, 1 << 20)
        assert b"still here" in got
        assert b"a-8" not in got
        assert event(7, "€€€") not in got
        assert await server.receive_some() == b""
        (box,) = r.of(Boxed)
        assert (box.what, box.detail.partition(" ")[0].rstrip(",")) == ("cut", mid)
        assert ends(r) == {("client", "closed"), ("server", "closed")}


async def test_event_is_cut_then_rst(tmp_path):
    async with boxed_rig(tmp_path) as r:
        client, server = await open_stream(r)
        await r.gate.cut("wifi", Reach.RESET, "data")
        await server.send_all(chunk(event(7)))
        with pytest.raises(trio.BrokenResourceError) as caught:
            await read(client, 1 << 20)
        assert isinstance(caught.value.__cause__, ConnectionResetError)
        again, _ = await open_stream(r, 2)
        await again.aclose()


async def test_cut_character_leaves_half_of_it(tmp_path):
    async with boxed_rig(tmp_path) as r:
        client, server = await open_stream(r)
        await r.gate.cut("wifi", Reach.CLOSED, "character")
        await server.send_all(chunk(event(7, "€")))
        with pytest.raises(UnicodeDecodeError):
            (await read(client, 1 << 20)).decode()


async def test_cut_leaves_flows_without_a_stream_and_other_paths(tmp_path):
    async with boxed_rig(tmp_path) as r:
        client = await r.connect()
        await client.send_all(POLL)
        server = await r.accepted()
        assert (await r.gate.cut("wifi", Reach.CLOSED, "id"))["armed"] == "none"
        await server.send_all(SHOWN)
        assert await read(client, len(SHOWN)) == SHOWN
        stream, far = await open_stream(r, 2)
        assert (await r.gate.cut("cellular", Reach.CLOSED, "id"))["armed"] == "none"
        await far.send_all(chunk(event(1)))
        assert await read(stream, len(chunk(event(1)))) == chunk(event(1))


@pytest.mark.parametrize(("how", "mid"), [(Reach.SILENT, "id"), (Reach.CLOSED, "name")])
async def test_cut_of_other_words_is_refused(tmp_path, how, mid):
    async with rig(tmp_path) as r:
        with pytest.raises(UsageError, match="a cut is closed or reset"):
            await r.gate.cut("wifi", how, mid)


async def test_flow_without_a_stage_cannot_be_cut(tmp_path):
    async with rig(tmp_path) as r:
        await r.dial()
        assert (await r.gate.cut("wifi", Reach.CLOSED, "id"))["armed"] == "none"


async def test_burst_held_by_a_stall_is_cut_when_it_arrives(tmp_path):
    async with boxed_rig(tmp_path) as r:
        client, server = await open_stream(r)
        await r.gate.reach("wifi", Reach.STALLED)
        await server.send_all(chunk(event(1)))
        await until(lambda: len(r.records) and r.of(ConnEnd) == [])
        await r.gate.cut("wifi", Reach.CLOSED, "data")
        await server.send_all(chunk(event(2)))
        await until(lambda: r.of(Boxed))
        await r.gate.reach("wifi", Reach.UP)
        got = await read(client, 1 << 20)
        assert event(1) in got or b"a-1" in got
        assert event(2) not in got


async def test_server_that_dies_before_the_cut_event_is_no_cut(tmp_path):
    async with boxed_rig(tmp_path) as r:
        client, server = await open_stream(r)
        await r.gate.cut("wifi", Reach.RESET, "data")
        await server.send_all(chunk(event(1))[:15])
        await server.aclose()
        assert await read(client, 1 << 20) == chunk(event(1))[:15]
        assert r.of(Boxed) == []
