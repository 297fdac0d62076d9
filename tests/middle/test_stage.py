"""The stage over whole conversations, at every slicing of the bytes, and over garbage."""

import itertools
from pathlib import Path

import pytest

from harness.history.journal import Journal
from harness.history.records import Record, Request, Response
from harness.middle import HttpStage, RequestKinds
from tests.middle.bench import MARK, marked

STREAM = (
    b"GET /api/v2/imports/j1/stream HTTP/1.1\r\nHost: a:1\r\nAccept: text/event-stream\r\nLast-Event-ID: a-3\r\n\r\n"
)
OPENED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream;charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
POLL = b"GET /api/v2/imports/j1 HTTP/1.1\r\nHost: a:1\r\nAuthorization: Bearer s3cret\r\n\r\n"
SHOWN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
START = b"POST /api/v2/imports HTTP/1.1\r\nHost: a:1\r\nContent-Length: 4\r\n\r\nGET "
BUSY = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"


class Bench:
    def __init__(self, path: Path) -> None:
        self.seen: list[Record] = []
        self.given = 0
        self.sent = self.passed = b""
        self.journal = Journal(path, lambda: 1, tap=self.seen.append)
        self.stage = HttpStage(
            wall_clock=lambda: 0.0,
            cid=4,
            client="c1",
            path="wifi",
            journal=self.journal,
            next_rid=itertools.count(1).__next__,
            routes=RequestKinds(),
            now=lambda: 0.0,
        )

    def talk(self, *turns: bytes, size: int = 1 << 20) -> list[Record]:
        """Client and server by turns, the client first, each turn in pieces of this size."""
        for number, turn in enumerate(turns):
            hear = self.to_client if number % 2 else self.to_server
            for start in range(0, len(turn), size):
                hear(turn[start : start + size])
        return self.seen

    def to_server(self, data: bytes) -> None:
        self.stage.hears(data)
        self.sent += data
        self.passed += self.stage.to_server(data)

    def hang_up(self) -> None:
        """The client ends, and every byte of it has gone on: none is changed, but each request has its number."""
        self.passed += self.stage.rest()
        assert MARK.sub(b"", self.passed) == self.sent

    def to_client(self, data: bytes) -> None:
        assert self.stage.to_client(data) == data
        self.given += len(data)
        self.stage.delivered(self.given, 1)

    @property
    def requests(self) -> list[Request]:
        return [record for record in self.seen if isinstance(record, Request)]

    @property
    def responses(self) -> list[Response]:
        return [record for record in self.seen if isinstance(record, Response)]


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path / "history")
    yield bench
    bench.journal.close()


def test_stream_request_is_recorded_with_its_cursor_and_job(bench):
    request, response = bench.talk(STREAM, OPENED)
    assert (request.rid, request.cid, request.client, request.what, request.job) == (1, 4, "c1", "stream", "j1")
    assert (request.last_event_id, request.token, request.origin) == ("a-3", False, "http://a:1")
    assert (response.rid, response.status, response.content_type) == (1, 200, "text/event-stream")


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_slicing_changes_no_record(bench, size):
    bench.talk(START, BUSY, POLL, SHOWN, STREAM, OPENED, size=size)
    assert [request.what for request in bench.requests] == ["start", "poll", "stream"]
    assert [(response.rid, response.status) for response in bench.responses] == [(1, 503), (2, 200), (3, 200)]
    assert bench.responses[0].retry_after == "7"


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_each_request_goes_on_with_its_number_behind_the_request_line(bench, size):
    bench.talk(START + POLL, BUSY + SHOWN, STREAM, OPENED, size=size)
    bench.hang_up()
    assert bench.passed == marked(START, 1) + marked(POLL, 2) + marked(STREAM, 3)
    assert bench.passed.splitlines()[:2] == [b"POST /api/v2/imports HTTP/1.1", b"X-Harness-Request: 1"]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_number_that_a_client_sends_is_dropped(bench, size):
    forged = b"x-harness-REQUEST: 99\r\n"
    folded = b"X-Harness-Request:\r\n 7,\r\n\t8\r\n"
    near = b"X-Harness-Requests: 5\r\nA: X-Harness-Request: 6\r\n"
    head, end, body = START.partition(b"\r\n\r\n")
    asked = head + b"\r\n" + forged + near + folded + end[2:] + body
    for at in range(0, len(asked), size):
        bench.to_server(asked[at : at + size])
    assert bench.passed == marked(head + b"\r\n" + near + end[2:] + body, 1)


def test_request_line_that_ends_in_a_bare_line_feed_has_its_number_behind_it(bench):
    bench.talk(b"GET /x HTTP/1.1\nHost: a\n\n")
    assert bench.passed == b"GET /x HTTP/1.1\nX-Harness-Request: 1\r\nHost: a\n\n"


def test_half_a_head_goes_on_when_its_client_ends(bench):
    bench.talk(POLL + STREAM[:20])
    assert bench.passed == marked(POLL, 1)
    bench.hang_up()
    assert bench.passed == marked(POLL, 1) + STREAM[:20]


def test_head_goes_on_once_it_is_whole_and_its_body_as_it_comes(bench):
    for upto in range(1, START.index(b"\r\n\r\n") + 4):
        bench.to_server(START[upto - 1 : upto])
        assert bench.passed == b""
    bench.to_server(b"\n")
    assert bench.passed == marked(START[:-4], 1)
    bench.to_server(b"GE")
    assert bench.passed == marked(START[:-2], 1)


def test_pipelined_requests_get_their_own_answers(bench):
    bench.talk(START + POLL + STREAM, BUSY + SHOWN + OPENED)
    assert [(response.rid, response.status) for response in bench.responses] == [(1, 503), (2, 200), (3, 200)]


def test_bytes_of_an_event_stream_are_no_answers(bench):
    bench.talk(STREAM, OPENED + b"14\r\nHTTP/1.1 500 No\r\n\r\n!\r\n", b"", b"5\r\nHTTP/\r\n")
    assert bench.stage.streaming
    assert len(bench.responses) == 1


def test_request_after_a_stream_on_the_same_connection_is_recorded(bench):
    bench.talk(STREAM, OPENED + b"0\r\n\r\n", POLL, SHOWN)
    assert [request.what for request in bench.requests] == ["stream", "poll"]
    assert [response.content_type for response in bench.responses] == ["text/event-stream", "application/json"]


def test_authorization_is_recorded_as_a_fact_only(bench):
    (request,) = bench.talk(POLL)
    assert request.token
    assert "s3cret" not in repr(request)


def test_secrets_in_query_and_location_are_redacted(bench):
    asked = b"GET /x?a=1&access_token=s3cret HTTP/1.1\r\nHost: a\r\n\r\n"
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://u:s3cret@b/?sig=s3cret\r\nContent-Length: 0\r\n\r\n"
    request, response, _ = bench.talk(asked, moved)
    assert (request.target, request.token) == ("/x?a=1&access_token=[redacted]", True)
    assert response.location == "http://[redacted]@b/?sig=[redacted]"


def test_answer_to_head_has_no_body(bench):
    head = b"HEAD /api/v2/imports/j1 HTTP/1.1\r\nHost: a\r\n\r\n"
    bench.talk(head, b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", POLL, SHOWN)
    assert [response.rid for response in bench.responses] == [1, 2]


def test_informational_answers_are_no_answers(bench):
    bench.talk(POLL, b"HTTP/1.1 103 Early Hints\r\n\r\n" + SHOWN)
    assert [response.status for response in bench.responses] == [200]


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 9, b"GET\r\n\r\n", b"\0" * 99])
def test_garbage_makes_the_flow_opaque_and_raises_nothing(bench, garbage):
    assert bench.talk(garbage, garbage, POLL, SHOWN) == []
    assert bench.stage.opaque
    assert bench.passed == bench.sent == garbage + POLL


@pytest.mark.parametrize(
    "greeting",
    [b"SSH-2.0-OpenSSH_9.6\r\n", b"\x81\x85fr", b"GET  /x HTTP/1.1\r\n", b"HELO a\n", b"GET /x HTTP/1.1\rHost"],
)
def test_what_is_no_request_line_waits_for_no_more(bench, greeting):
    bench.to_server(greeting)
    assert bench.stage.opaque
    assert bench.passed == greeting


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_a_request_line_is_one_at_each_of_its_bytes(bench, line_end):
    asked = b"M-SEARCH http://a/x?y=%20&z HTTP/1.0" + line_end + b"Host: a" + line_end * 2
    for upto in range(len(asked)):
        bench.to_server(asked[upto : upto + 1])
        assert not bench.stage.opaque
    assert [request.method for request in bench.requests] == ["M-SEARCH"]


def test_endless_head_is_given_up_at_the_bound(bench):
    for _ in range(100):
        bench.to_server(b"x" * 1000)
    assert bench.stage.opaque
    assert bench.passed == bench.sent


def test_requests_without_answers_are_given_up_at_the_bound(bench):
    bench.talk(POLL * 101)
    assert bench.stage.opaque


def test_answer_to_nothing_makes_the_flow_opaque(bench):
    assert bench.talk(b"", SHOWN) == []
    assert bench.stage.opaque


def test_upgraded_connection_is_opaque_after_its_head(bench):
    bench.talk(POLL, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nbytes")
    assert bench.stage.opaque


def test_ended_flow_keeps_nothing(bench):
    bench.talk(STREAM[:20])
    bench.stage.ended()
    assert bench.talk(POLL, SHOWN) == []
