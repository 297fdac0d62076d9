"""The effect of each act on requests and streams, on the bench; each beside a case that it leaves alone."""

import pytest

from harness.deeds.acts import Answers, Buffers, Clears, KillsIdle, MutesStreams, ResetsStreams, ShowsPortal
from harness.network.ends import How, Side
from harness.sse.response import read_retry_after
from tests.middle.bench import END, HEALTH, OPENED, POLL, SHOWN, START, STREAM, chunk, event, marked

FORBIDDEN = Answers(status=403, to="streams")


def test_answer_comes_in_the_servers_place(bench):
    bench.middle.do(0, Answers(status=503, retry_after=6.5))
    bench.ask(POLL)
    assert bench.to_server == b""
    assert bench.to_client.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"Retry-After: 7\r\n" in bench.to_client
    (response,) = bench.responses
    assert (response.rid, response.status, response.retry_after, response.by) == (1, 503, "7", "middle")
    assert (bench.boxed, bench.ends) == ([("answered", 1)], [])


def test_a_date_to_come_back_at_is_counted_from_the_answers_own(bench):
    bench.middle.do(0, Answers(status=503, retry_after=30.0, dated=True))
    bench.ask(POLL)
    assert b"Date: Thu, 24 Dec 2026 12:05:06 GMT\r\nRetry-After: Thu, 24 Dec 2026 12:05:36 GMT\r\n" in bench.to_client
    (response,) = bench.responses
    assert read_retry_after(response.retry_after, response.date, None) == 30.0


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_answers_to_streams_leave_the_rest(bench, size):
    bench.middle.do(0, FORBIDDEN)
    bench.ask(START + STREAM + POLL, size=size)
    assert bench.raw_to_server == marked(START, 1) + marked(POLL, 3), "what a box answers has no number there"
    assert bench.answer(SHOWN) == SHOWN + bench.to_client[len(SHOWN) :]
    bench.answer(SHOWN)
    assert [(response.rid, response.status) for response in bench.responses] == [(1, 200), (2, 403), (3, 200)]


@pytest.mark.parametrize(("to", "passed"), [("streams", POLL), ("polls", STREAM), ("results", STREAM + POLL)])
def test_answers_go_to_their_kind(bench, to, passed):
    bench.middle.do(0, Answers(status=500, to=to))
    bench.ask(STREAM + POLL)
    assert bench.to_server == passed


def test_answer_waits_for_the_one_before_it(bench):
    bench.ask(POLL)
    bench.middle.do(0, FORBIDDEN)
    bench.ask(STREAM)
    assert bench.to_client == b""
    bench.answer(SHOWN)
    assert bench.to_client.startswith(SHOWN + b"HTTP/1.1 403 ")


def test_answer_behind_a_stream_waits_for_its_end(bench):
    bench.open()
    bench.middle.do(0, Answers(status=500, to="polls"))
    bench.ask(POLL)
    assert bench.answer(chunk(event(1))) == chunk(event(1))
    assert bench.answer(END).startswith(END + b"HTTP/1.1 500 ")


def test_body_of_an_answered_request_is_swallowed(bench):
    bench.middle.do(0, Answers(status=500, times=1))
    bench.ask(START[:-2])
    bench.ask(START[-2:] + POLL)
    assert bench.to_server == POLL


@pytest.mark.parametrize("line", [b"Connection: close\r\n", b"Expect: 100-continue\r\n"])
def test_answer_closes_where_no_request_can_follow(bench, line):
    bench.middle.do(0, Answers(status=500))
    bench.ask(START.replace(b"\r\n\r\n", b"\r\n" + line + b"\r\n") + POLL)
    assert b"Connection: close\r\n" in bench.to_client
    assert (bench.ends, bench.to_server) == ([How.FIN], b"")


def test_answer_to_head_has_no_body(bench):
    bench.middle.do(0, ShowsPortal())
    bench.ask(POLL.replace(b"GET", b"HEAD"))
    assert bench.to_client.endswith(b"\r\n\r\n")
    assert b"Content-Length: 1" in bench.to_client


def test_no_content_is_said_without_content(bench):
    bench.middle.do(0, Answers(status=204))
    bench.ask(STREAM)
    assert bench.to_client == b"HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\n\r\n"


def test_answers_stop_after_their_number_for_each_client_and_canary(tmp_path, bench):
    bench.middle.do(0, Answers(status=503, times=2))
    bench.ask(POLL * 3)
    assert (len(bench.boxed), bench.to_server) == (2, POLL)
    other = bench.middle.stage(2, "c2", "wifi")
    other.attach(bench)
    other.hears(POLL)
    assert other.to_server(POLL) == b""
    canary = bench.middle.stage(3, "canary", "wifi")
    canary.attach(bench)
    canary.hears(HEALTH)
    assert canary.to_server(HEALTH) == b""


def test_act_that_begins_before_the_head_is_whole_answers_it(bench):
    bench.ask(POLL[:9])
    assert bench.to_server == b""
    bench.middle.do(0, Answers(status=500, times=1))
    bench.ask(POLL[9:] + POLL)
    assert bench.to_server == POLL
    bench.answer(SHOWN)
    assert [response.status for response in bench.responses] == [500, 200]


def test_act_that_is_gone_before_the_head_is_whole_answers_nothing(bench):
    bench.middle.do(0, Answers(status=500))
    bench.ask(POLL[:9])
    bench.middle.undo(0)
    bench.ask(POLL[9:])
    assert bench.to_server == POLL


def test_portal_is_shown_to_everything(bench):
    bench.middle.do(0, ShowsPortal())
    bench.ask(START + STREAM + POLL + HEALTH)
    assert bench.to_server == b""
    assert [(answer.status, answer.content_type) for answer in bench.responses] == [(200, "text/html")] * 4
    assert {what for what, _ in bench.boxed} == {"portal"}


def test_newest_that_applies_wins(bench):
    bench.middle.do(0, ShowsPortal())
    bench.middle.do(1, Answers(status=429, to="polls"))
    bench.ask(POLL + HEALTH)
    assert [answer.status for answer in bench.responses] == [429, 200]
    bench.middle.do(2, MutesStreams())
    bench.ask(STREAM + POLL)
    assert bench.to_server == STREAM


def test_acts_keep_to_their_path(bench):
    bench.middle.do(0, ShowsPortal(), "cellular")
    bench.ask(POLL)
    assert bench.to_server == POLL
    assert bench.middle.in_force("cellular")


def test_muted_stream_gives_its_head_alone(bench):
    bench.middle.do(0, MutesStreams())
    bench.open()
    bench.answer(chunk(event(1)) + END + SHOWN)
    assert bench.to_client == OPENED
    assert not bench.stage.leaves(Side.SERVER, How.FIN)
    assert bench.stage.leaves(Side.CLIENT, How.FIN)
    assert (bench.boxed, bench.ends) == ([("muted", 1)], [])


def test_muted_stream_stays_muted_for_bytes_are_missing(bench):
    bench.open()
    bench.answer(chunk(event(1)))
    bench.middle.do(0, MutesStreams())
    bench.answer(chunk(event(2)))
    bench.middle.undo(0)
    bench.answer(chunk(event(3)))
    assert bench.to_client == OPENED + chunk(event(1))
    assert bench.boxed == [("muted", 1)]


def test_muting_leaves_what_is_no_stream(bench):
    bench.middle.do(0, MutesStreams())
    bench.ask(POLL)
    assert bench.answer(SHOWN) == SHOWN
    assert bench.boxed == []


def test_reset_comes_behind_the_head(bench):
    bench.middle.do(0, ResetsStreams())
    bench.ask(STREAM)
    assert bench.answer(OPENED + chunk(event(1))) == OPENED
    assert (bench.ends, bench.boxed) == ([How.RST], [("reset", 1)])
    assert bench.answer(chunk(event(2))) == b""


def test_open_stream_is_reset_at_its_next_byte(bench):
    bench.open()
    bench.middle.do(0, ResetsStreams())
    assert bench.ends == []
    assert bench.answer(chunk(event(1))) == b""
    assert bench.ends == [How.RST]


def test_buffer_lets_go_when_it_is_full(bench):
    bench.middle.do(0, Buffers(size=100))
    bench.open()
    blocks = [chunk(event(number)) for number in range(5)]
    assert bench.answer(blocks[0]) == bench.answer(blocks[1]) == b""
    assert bench.answer(blocks[2]) == b"".join(blocks[:3])
    assert bench.answer(blocks[3]) == b""
    assert bench.answer(END) == blocks[3] + END
    assert bench.boxed == [("held", 1)]


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_each_event_is_held_until_the_next(bench, size):
    bench.middle.do(0, Buffers(each_event=True))
    bench.open()
    bench.answer(chunk(event(1)), size)
    assert event(1) not in bench.to_client
    bench.answer(chunk(event(2)), size)
    assert event(1) in bench.to_client
    assert event(2) not in bench.to_client
    bench.answer(chunk(b": bye\n\n"), size)
    assert event(2) in bench.to_client
    bench.answer(END, size)
    assert bench.to_client == OPENED + chunk(event(1)) + chunk(event(2)) + chunk(b": bye\n\n") + END


def test_buffer_of_seconds_lets_go_after_them(bench):
    bench.middle.do(0, Buffers(seconds=30.0))
    bench.open()
    bench.tick(5)
    bench.answer(chunk(event(1)))
    bench.tick(29)
    bench.answer(chunk(event(2)))
    assert bench.to_client == OPENED
    bench.tick(1)
    assert bench.to_client == OPENED + chunk(event(1)) + chunk(event(2))


@pytest.mark.parametrize("act", [Buffers(size=1000), Buffers(each_event=True), Buffers(seconds=9.0)])
def test_buffer_that_ends_gives_what_it_held(bench, act):
    bench.middle.do(0, act)
    bench.open()
    bench.answer(chunk(event(1))[:7])
    bench.middle.do(1, Clears())
    bench.answer(chunk(event(1))[7:])
    assert bench.to_client == OPENED + chunk(event(1))


@pytest.mark.parametrize("act", [Buffers(size=1000), Buffers(each_event=True), Buffers(seconds=9.0)])
def test_servers_end_lets_go_what_is_held(bench, act):
    bench.middle.do(0, act)
    bench.open()
    bench.answer(chunk(event(1)))
    assert bench.stage.leaves(Side.SERVER, How.FIN)
    assert bench.to_client == OPENED + chunk(event(1))


def test_buffer_is_bounded(bench):
    bench.middle.do(0, Buffers(seconds=1000.0))
    bench.open()
    given = [len(bench.answer(chunk(bytes(60_000)))) for _ in range(70)]
    assert max(given) > 4_000_000
    assert given.count(0) == 69


@pytest.mark.parametrize(("how", "ends"), [("fin", [How.FIN]), ("silently", []), ("524", [How.FIN])])
def test_idle_stream_is_killed(bench, how, ends):
    bench.open()
    bench.middle.do(0, KillsIdle(after=60.0, how=how))
    bench.tick(59)
    bench.answer(chunk(b":\n\n"))
    bench.tick(59.9)
    assert bench.boxed == []
    bench.tick(0.2)
    assert (bench.ends, bench.boxed) == (ends, [("killed", 1)])
    assert bench.answer(chunk(event(1))) == b""
    assert bench.to_client == OPENED + chunk(b":\n\n")


def test_idle_request_is_answered_where_its_answer_has_not_begun(bench):
    bench.middle.do(0, KillsIdle(after=100.0, how="524"))
    bench.ask(POLL)
    bench.tick(101)
    assert bench.to_client.startswith(b"HTTP/1.1 524 Unknown\r\n")
    assert [(answer.status, answer.by) for answer in bench.responses] == [(524, "middle")]
    assert bench.ends == [How.FIN]


def test_silently_killed_flow_tells_nobody(bench):
    bench.open()
    bench.middle.do(0, KillsIdle(after=60.0, how="silently"))
    bench.tick(61)
    assert not bench.stage.leaves(Side.CLIENT, How.FIN)
    assert not bench.stage.leaves(Side.SERVER, How.FIN)
    before = bench.to_server
    bench.ask(POLL)
    assert bench.to_server == before
    assert len(bench.requests) == 2, "it was made all the same"


@pytest.mark.parametrize(
    "act", [KillsIdle(after=60.0), MutesStreams(), ResetsStreams(), Buffers(each_event=True), Buffers(seconds=9.0)]
)
@pytest.mark.parametrize("first", [True, False])
def test_no_box_acts_on_a_connection_that_has_ended_at_both_ends(bench, act, first):
    bench.open()
    if first:
        bench.middle.do(0, act)
        if isinstance(act, MutesStreams | Buffers):
            bench.stage.to_client(b"")
    before = bench.boxed
    bench.stage.parted()
    bench.middle.do(1, act)
    bench.answer(chunk(event(1)) + chunk(event(2)))
    bench.tick(100)
    assert not bench.stage.cut(How.RST, "data")
    assert (bench.boxed, bench.ends) == (before, [])


def test_killing_idle_counts_from_the_deed(bench):
    bench.open()
    bench.tick(1000)
    bench.middle.do(0, KillsIdle(after=60.0))
    bench.tick(59)
    assert bench.ends == []


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize(("mid", "cut"), [("id", b"id: a"), ("data", b"data: "), ("event", b"data: x\n")])
def test_cut_falls_inside_the_next_event(bench, size, mid, cut):
    bench.open()
    bench.answer(chunk(event(1)))
    assert bench.stage.cut(How.RST, mid)
    bench.answer(chunk(b": keep-alive\n\n") + chunk(event(2)) + chunk(event(3)), size)
    assert bench.ends == [How.RST]
    assert bench.boxed == [("cut", 1)]
    part = bench.to_client.partition(b"keep-alive\n\n")[2]
    assert cut in part
    assert event(2) not in part
    assert b"a-3" not in part


def test_cut_spares_the_event_that_is_half_told(bench):
    bench.open()
    bench.answer(chunk(event(1))[:20])
    bench.stage.cut(How.FIN, "data")
    bench.answer(chunk(event(1))[20:])
    assert (bench.to_client, bench.ends) == (OPENED + chunk(event(1)), [])
    bench.answer(chunk(event(2)))
    assert bench.ends == [How.FIN]


def test_cut_waits_for_its_event_whatever_acts_come_and_go_meanwhile(bench):
    bench.open()
    bench.stage.cut(How.RST, "data")
    whole = chunk(event(1, "x" * 40))
    bench.answer(whole[:-8], 1)
    bench.middle.do(0, Buffers(size=100))
    bench.answer(whole[-8:], 1)
    assert bench.ends == [How.RST]
    assert bench.to_client.endswith(b"data: " + b"x" * 19)


def test_newer_cut_falls_into_the_event_that_the_older_one_holds(bench):
    bench.open()
    bench.stage.cut(How.RST, "id")
    bench.answer(chunk(event(1))[:15], 1)
    bench.stage.cut(How.FIN, "data")
    bench.answer(chunk(event(1))[15:] + chunk(event(2)), 1)
    assert bench.ends == [How.FIN]
    assert bench.to_client.endswith(b"processing\ndata: ")


def test_mute_that_meets_no_byte_leaves_a_cut_the_event_that_it_holds(bench):
    bench.open()
    bench.stage.cut(How.RST, "data")
    bench.answer(chunk(event(1))[:15], 1)
    bench.middle.do(0, MutesStreams())
    bench.middle.undo(0)
    bench.answer(chunk(event(1))[15:] + chunk(event(2)), 1)
    assert bench.ends == [How.RST]
    assert bench.to_client.endswith(b"processing\ndata: ")


def test_cut_needs_a_stream(bench):
    assert not bench.stage.cut(How.FIN, "id")
    bench.ask(POLL)
    bench.answer(SHOWN)
    assert not bench.stage.cut(How.FIN, "id")


def test_cut_of_a_stream_that_is_buffered_loses_nothing_before_it(bench):
    bench.middle.do(0, Buffers(seconds=30.0))
    bench.open()
    bench.answer(chunk(event(1)))
    bench.stage.cut(How.FIN, "event")
    bench.answer(chunk(event(2)))
    assert bench.to_client.startswith(OPENED + chunk(event(1)))
    assert bench.to_client.endswith(event(2)[:-1])


def test_canary_meets_the_acts(canary):
    canary.middle.do(0, FORBIDDEN)
    canary.ask(HEALTH)
    assert canary.to_server == HEALTH
    canary.answer(SHOWN)
    canary.ask(b"GET /api/v2/imports/canary/stream HTTP/1.1\r\nHost: canary\r\n\r\n")
    assert canary.boxed == [("answered", 2)]


def test_garbage_behind_a_buffered_stream_loses_nothing(bench):
    bench.middle.do(0, Buffers(seconds=30.0))
    bench.open()
    bench.answer(chunk(event(1)))
    bench.ask(b"\0garbage\r\n\r\n")
    bench.answer(chunk(event(2)))
    assert bench.to_client == OPENED + chunk(event(1)) + chunk(event(2))
    assert bench.stage.opaque


def test_garbage_behind_a_muted_stream_gives_it_no_voice(bench):
    bench.middle.do(0, MutesStreams())
    bench.open()
    bench.answer(chunk(event(1)))
    bench.ask(b"\0garbage\r\n\r\n")
    assert bench.answer(chunk(event(2))) == b""


def test_muted_stream_is_not_cut(bench):
    bench.middle.do(0, MutesStreams())
    bench.open()
    bench.stage.cut(How.FIN, "data")
    assert bench.answer(chunk(event(1))) == b""
    assert bench.ends == []


def test_transparent_stage_hands_on_the_same_objects(bench):
    bench.ask(START[:-4])
    body = START[-4:]
    bench.stage.hears(body)
    assert bench.stage.to_server(body) is body
    bench.again()
    bench.open()
    wire = chunk(event(1))
    assert bench.stage.to_client(wire) is wire
