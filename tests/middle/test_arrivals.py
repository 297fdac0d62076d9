"""Records of what the client's socket takes: blocks, first bytes and bodies, and nothing that it does not."""

import gzip
import hashlib
import random
import zlib

import pytest
import trio

from harness.deeds.acts import Answers, Buffers, MutesStreams, ResetsStreams, ShowsPortal
from harness.device import Reach
from harness.history import Boxed, Chunk, ConnEnd
from harness.history.records import Body, Delivered, Response, StreamBegan, StreamEnded, digest
from harness.middle import arrivals
from harness.network.ends import How, Side
from harness.seams import Direction
from harness.sse import Event, Parser
from tests.middle.bench import END, OPENED, POLL, SHOWN, START, STREAM, chunk, event, marked
from tests.middle.test_on_sockets import boxed_rig, open_stream
from tests.network.rig import read, until


def of(bench, kind):
    return [record for record in bench.seen if isinstance(record, kind)]


def ids(bench):
    return [delivered.id for delivered in of(bench, Delivered)]


def test_each_block_is_recorded_with_what_it_was(bench):
    bench.open()
    data = "€\nx"
    bench.answer(
        chunk(b"id: a-1\nevent: processing\ndata: \xe2\x82\xac\ndata: x\n\n") + chunk(b": hello\n\nretry: 2500\n")
    )
    bench.answer(chunk(b"\nid: a-2\n\ndata: no id\n\n"))
    assert of(bench, StreamBegan) == [StreamBegan(seq=3, t_ns=1, rid=1, cid=1)]
    facts = [(one.id, one.type, one.digest, one.size, one.event, one.retry) for one in of(bench, Delivered)]
    assert facts == [
        ("a-1", "processing", digest("processing", data), len(data.encode()), True, -1),
        ("a-1", "", "", 0, False, 2500),
        ("a-2", "", "", 0, False, -1),
        ("a-2", "message", digest("message", "no id"), 5, True, -1),
    ]
    assert {(one.rid, one.cid, one.t_ns) for one in of(bench, Delivered)} == {(1, 1, 1)}


def test_a_stream_that_is_cut_comes_to_no_end(bench):
    bench.open()
    bench.answer(chunk(b"data: x\n\n"))
    bench.stage.over(How.RST)
    assert of(bench, StreamEnded) == []


def test_the_last_chunk_is_the_end_of_a_stream(bench):
    bench.open()
    bench.answer(chunk(b"data: x\n\n") + END)
    assert [(one.rid, one.cid) for one in of(bench, StreamEnded)] == [(1, 1)]


def test_ids_begin_with_the_one_that_the_request_carried(bench):
    bench.ask(STREAM.replace(b"\r\n\r\n", "\r\nLast-Event-ID: ä-7\r\n\r\n".encode()))
    bench.answer(OPENED + chunk(b"data: x\n\n"))
    assert ids(bench) == ["ä-7"]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n"])
def test_slicing_and_line_ends_change_no_record(bench, size, line_end):
    bench.open()
    blocks = [event(number, "€" * number).replace(b"\n", line_end.encode()) for number in range(9)]
    bench.answer(b"".join(chunk(block) for block in blocks) + END, size)
    assert [(one.id, one.digest) for one in of(bench, Delivered)] == [
        (f"a-{number}", digest("processing", "€" * number)) for number in range(9)
    ]


def test_block_counts_when_its_last_byte_is_taken(bench):
    bench.open()
    wire = chunk(event(1)) + chunk(event(2))
    given = len(bench.to_client)
    bench.stage.to_client(wire)
    last = len(chunk(event(1))) - len(b"\r\n")  # behind it only the transfer's framing follows
    for upto in range(last):
        bench.stage.delivered(given + upto, 1)
    assert ids(bench) == []
    bench.stage.delivered(given + last, 5)
    assert [(one.id, one.t_ns) for one in of(bench, Delivered)] == [("a-1", 5)]
    bench.stage.delivered(given + len(wire), 6)
    assert ids(bench) == ["a-1", "a-2"]


def test_what_is_lost_is_never_recorded_and_what_waits_before_it_still_is(bench):
    bench.open()
    given = len(bench.to_client)
    first, second, third = chunk(event(1)), chunk(event(2)), chunk(event(3))
    bench.stage.to_client(first)
    bench.stage.to_client(second)
    bench.stage.lost(given + len(first) + 4)
    bench.stage.to_client(third)
    bench.stage.delivered(given + len(first), 1)
    bench.stage.delivered(given + 10_000, 1)
    assert ids(bench) == ["a-1"]


def test_nothing_is_recorded_after_the_clients_own_end(bench):
    bench.ask(STREAM + POLL)
    bench.answer(OPENED + chunk(event(1)))
    bench.stage.leaves(Side.CLIENT, How.FIN)
    bench.answer(chunk(event(2)) + END + SHOWN)
    assert ids(bench) == ["a-1"]
    assert len(bench.responses) == 1


def test_held_bytes_count_when_they_are_let_go(bench):
    bench.middle.do(0, Buffers(seconds=2.0))
    bench.open()
    bench.answer(chunk(event(1)) + chunk(event(2)))
    assert of(bench, StreamBegan) + of(bench, Delivered) == []
    bench.tick(3)
    assert ids(bench) == ["a-1", "a-2"]


@pytest.mark.parametrize("act", [MutesStreams(), ResetsStreams()])
def test_what_a_box_swallows_is_not_recorded(bench, act):
    bench.open()
    bench.answer(chunk(event(1)))
    bench.middle.do(0, act)
    bench.answer(chunk(event(2)) + chunk(event(3)))
    assert ids(bench) == ["a-1"]


@pytest.mark.parametrize("mid", ["id", "data", "character", "event"])
def test_event_that_was_cut_is_not_recorded(bench, mid):
    bench.open()
    bench.stage.cut(How.FIN, mid)
    bench.answer(chunk(b": hello\n\n") + chunk(event(1, "€")) + chunk(event(2)))
    assert ids(bench) == []
    assert len(of(bench, StreamBegan)) == 1


def test_blocks_before_broken_framing_are_recorded(bench):
    bench.open()
    bench.answer(chunk(event(1)) + chunk(event(2)) + b"no size\r\n" + event(3))
    assert bench.stage.opaque
    assert ids(bench) == ["a-1", "a-2"]


# Content codings.


def coded(coding, wire, size=1 << 20):
    head = OPENED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: " + coding + b"\r\n\r\n")
    return head + b"".join(chunk(wire[at : at + size]) for at in range(0, len(wire), size)) + END


def bare(text):
    return zlib.compress(text, wbits=-zlib.MAX_WBITS)


@pytest.mark.parametrize("size", [1, 5, 1000])
@pytest.mark.parametrize(
    ("coding", "compress"),
    [(b"gzip", gzip.compress), (b"deflate", zlib.compress), (b"deflate", bare), (b"identity", bytes)],
)
def test_coded_stream_is_undone(bench, coding, compress, size):
    bench.ask(STREAM)
    bench.answer(coded(coding, compress(event(1) + event(2, "€")), size))
    assert ids(bench) == ["a-1", "a-2"]
    assert bench.responses[0].coding == ""


def test_stream_in_a_coding_that_is_not_understood_says_so(bench):
    bench.ask(STREAM)
    bench.answer(coded(b"br", b"whatever it is"))
    assert bench.responses[0].coding == "br"
    assert of(bench, Delivered) == []
    assert len(of(bench, StreamBegan)) == 1


def test_stream_that_is_not_in_its_coding_is_recorded_up_to_there(bench):
    bench.ask(STREAM)
    bench.answer(coded(b"gzip", gzip.compress(event(1)) + event(2)))
    assert ids(bench) == ["a-1"]


def test_bomb_holds_up_nothing(bench, monkeypatch):
    monkeypatch.setattr(arrivals, "MOST_PIECES", 10)
    bench.ask(STREAM)
    bomb = gzip.compress(gzip.compress(bytes(10_000_000)) * 20)
    bench.answer(coded(b"gzip, gzip", bomb))
    assert of(bench, Delivered) == []


def test_block_beyond_the_bound_ends_the_record(bench, monkeypatch):
    monkeypatch.setattr(arrivals, "LONGEST_BLOCK", 100)
    bench.open()
    bench.answer(chunk(event(1) + event(2, "x" * 200) + event(3)))
    bench.answer(chunk(event(4)))
    assert ids(bench) == ["a-1"]


# Bodies.


def body_of(data, rid=1, *, whole=True):
    hexed = hashlib.blake2b(data, digest_size=8).hexdigest()
    return (rid, len(data), hexed, whole)


def bodies(bench):
    return [(body.rid, body.length, body.digest, body.whole) for body in of(bench, Body)]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_each_plain_answer_has_one_body(bench, size):
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b"abc") + chunk(b"de") + END
    bench.ask(POLL * 3 + POLL.replace(b"GET", b"HEAD") + STREAM)
    bench.answer(SHOWN + chunked + b"HTTP/1.1 204 No\r\n\r\n" + SHOWN[:-2] + OPENED + chunk(event(1)), size)
    assert bodies(bench) == [body_of(b"{}"), body_of(b"abcde", 2), body_of(b"", 3), body_of(b"", 4)]
    kinds = [type(record) for record in bench.seen if not isinstance(record, Delivered)]
    assert kinds[5:] == [Response, Body] * 4 + [Response, StreamBegan]


def test_body_of_a_box_is_recorded_too(bench):
    bench.middle.do(0, ShowsPortal())
    bench.ask(START)
    (portal,) = of(bench, Body)
    assert portal.whole
    assert bodies(bench) == [body_of(bench.to_client.partition(b"\r\n\r\n")[2])]


def test_body_that_the_client_left_is_not_whole(bench):
    bench.ask(POLL)
    bench.answer(SHOWN[:-1])
    bench.stage.leaves(Side.CLIENT, How.FIN)
    bench.answer(SHOWN[-1:])
    bench.stage.ended()
    assert bodies(bench) == [body_of(b"{", whole=False)]


def test_body_whose_bytes_were_lost_is_as_long_as_what_came(bench):
    bench.ask(POLL)
    bench.answer(SHOWN[:-1])
    bench.stage.lost(len(bench.to_client))
    bench.answer(SHOWN[-1:])
    bench.stage.ended()
    assert bodies(bench) == [body_of(b"{", whole=False)]


@pytest.mark.parametrize(
    ("server", "client", "whole"),
    [(How.FIN, How.FIN, True), (How.RST, How.RST, False), (None, How.FIN, False), (How.FIN, How.RST, False)],
)
def test_body_that_ends_with_its_connection_is_whole_where_the_client_learns_that_the_server_ended(
    bench, server, client, whole
):
    bench.ask(POLL)
    bench.answer(b"HTTP/1.1 200 OK\r\n\r\nabc")
    if server is not None:
        bench.stage.leaves(Side.SERVER, server)
    bench.stage.over(client)
    bench.stage.ended()
    assert bodies(bench) == [body_of(b"abc", whole=whole)]


def test_body_that_ends_with_its_connection_is_not_whole_before_it_was_taken(bench):
    bench.ask(POLL)
    bench.answer(b"HTTP/1.1 200 OK\r\n\r\nabc")
    bench.stage.to_client(b"def")
    bench.stage.leaves(Side.SERVER, How.FIN)
    bench.stage.over(How.FIN)
    assert bodies(bench) == [body_of(b"abc", whole=False)]


def test_of_the_canarys_flows_only_heads_are_recorded(canary):
    canary.ask(POLL + STREAM)
    canary.answer(SHOWN + OPENED + chunk(event(1)) + END)
    canary.stage.ended()
    assert len(canary.responses) == 2
    assert of(canary, Body) + of(canary, StreamBegan) + of(canary, Delivered) == []


def test_uses_of_an_act_are_counted_by_client(tmp_path, bench):
    bench.middle.do(0, Answers(status=503, times=2))
    bench.ask(POLL * 3)
    bench.middle.do(1, Answers(status=500))
    bench.ask(POLL)
    assert [box.spent for box in of(bench, Boxed)] == [1, 2, 0]


# On sockets.


async def test_blocked_send_that_the_path_loses_counts_as_far_as_the_socket_took_it(tmp_path):
    chance = random.Random(5)
    blocks = [event(number, "x" * chance.randrange(40_000)) for number in range(2000)]
    async with boxed_rig(tmp_path) as r, trio.open_nursery() as nursery:
        client, server = await open_stream(r)

        @nursery.start_soon
        async def send():
            for block in blocks:
                await server.send_all(chunk(block))

        (flow,) = r.gate._flows.values()
        await until(lambda: flow._links[Direction.DOWNSTREAM]._sending is not None)  # the client does not read
        assert 0 < len(r.of(Delivered)) < len(blocks)
        await r.gate.reach("wifi", Reach.SILENT)
        await until(lambda: any(one.fate == "dropped" for one in r.of(Chunk)))
        got = b""
        with trio.move_on_after(0.5):
            while more := await client.receive_some():
                got += more
        nursery.cancel_scope.cancel()
    parser = Parser(max_event=None)
    found = []
    while got:
        size, _, got = got.partition(b"\r\n")
        found += parser.feed(got[: int(size, 16)])
        got = got[int(size, 16) + 2 :]
    expected = [(one.id, digest(one.type, one.data)) for one in found if isinstance(one, Event)]
    assert [(one.id, one.digest) for one in r.of(Delivered)] == expected


async def test_body_cut_by_the_path_is_recorded_before_the_clients_end(tmp_path):
    async with boxed_rig(tmp_path) as r:
        client = await r.connect()
        await client.send_all(POLL)
        server = await r.accepted()
        await read(server, len(marked(POLL, 1)))
        await server.send_all(SHOWN[:-1])
        assert await read(client, len(SHOWN) - 1) == SHOWN[:-1]
        await r.gate.reach("wifi", Reach.RESET)
        await until(lambda: r.of(Body))
        (end,) = [end for end in r.of(ConnEnd) if end.side == "client"]
        assert r.of(Body)[0].seq < end.seq
        assert bodies_of(r) == [(1, "{", False)]


def bodies_of(r):
    known = {hashlib.blake2b(text.encode(), digest_size=8).hexdigest(): text for text in ("", "{", "{}")}
    return [(body.length, known[body.digest], body.whole) for body in r.of(Body)]
