import tracemalloc

import pytest

from harness.errors import PeerError
from harness.sse import Event, EventTooBig, Parser, Retry


def test_a_line_that_never_ends_is_refused():
    parser = Parser(max_event=100)
    assert parser.feed(b"data: " + b"x" * 94) == []
    with pytest.raises(EventTooBig, match=r"at most 100 bytes.*so far 101 bytes.*`max event`") as caught:
        parser.feed(b"x")
    assert (caught.value.limit, caught.value.size, caught.value.before) == (100, 101, ())
    assert isinstance(caught.value, PeerError)


def test_a_block_of_short_lines_that_never_ends_is_refused():
    parser = Parser(max_event=100)
    assert [parser.feed(b"data: x\n") for _ in range(12)] == [[]] * 12
    with pytest.raises(EventTooBig):
        parser.feed(b"data: x\n")


def test_a_complete_event_is_measured_too():
    with pytest.raises(EventTooBig):
        Parser(max_event=100).feed(b"data: " + b"x" * 100 + b"\n\n")


def test_an_event_of_exactly_the_limit_passes():
    block = b"data: " + b"x" * 93 + b"\n"
    assert len(block) == 100
    assert Parser(max_event=100).feed(block + b"\n") == [Event("message", "x" * 93, "")]


def test_what_came_before_the_big_event_is_handed_over():
    with pytest.raises(EventTooBig) as caught:
        Parser(max_event=20).feed(b"data: a\n\nretry: 5\ndata: " + b"x" * 30)
    assert caught.value.before == (Event("message", "a", ""), Retry(5))


def test_a_finished_parser_stays_finished():
    parser = Parser(max_event=10)
    for _ in range(2):
        with pytest.raises(EventTooBig):
            parser.feed(b"data: 123456")
    with pytest.raises(EventTooBig) as caught:
        parser.feed(b"\n\ndata: a\n\n")
    assert caught.value.before == ()


def test_large_reads_of_small_events_are_not_refused():
    assert len(Parser(max_event=10).feed(b"data: a\n\n" * 100)) == 100


def test_comments_and_retries_without_blank_lines_hold_no_memory():
    parser = Parser(max_event=100)
    for _ in range(1_000):
        parser.feed(b": keep-alive\nretry: 5\n")
    assert len(parser._held) == 0


def test_one_byte_chunks_of_a_large_event_cost_memory_once():
    parser = Parser(max_event=None)
    tracemalloc.start()
    for _ in range(100_000):
        parser.feed(b"x")
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 200_000
