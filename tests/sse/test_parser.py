"""One vector or test for each item of the checklist drawn from WHATWG HTML 9.2.5 and 9.2.6.

Every vector runs whole, byte by byte, and at cuts that hypothesis chooses.
"""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sse import Event, IdChange, Parser, Retry
from harness.sse.digits import LARGEST


def message(data, event_id="", kind="message"):
    return Event(kind, data, event_id)


def vector(number, claim, blob, *expected):
    return pytest.param(blob, list(expected), id=f"item {number}: {claim}")


VECTORS = [
    vector(1, "always UTF-8", "data: žluť 🐎\n\n".encode(), message("žluť 🐎")),
    vector(2, "one leading BOM is stripped", b"\xef\xbb\xbfdata: a\n\n", message("a")),
    vector(3, "a second BOM makes an unknown field", b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", message("b")),
    vector(3, "a BOM on a later line too", b"data: a\n\n\xef\xbb\xbfdata: b\n\n", message("a")),
    vector(3, "a BOM in a value is kept", b"data: \xef\xbb\xbf\n\n", message("\ufeff")),
    vector(4, "not a BOM after all", b"\xef\xbbdata: a\n\ndata: b\n\n", message("b")),
    vector(5, "invalid UTF-8 is replaced", b"data: \xff\xe2\x82\ndata: b\n\n", message("\ufffd\ufffd\nb")),
    vector(6, "long characters survive cuts", "data: €𝄞\n\n".encode(), message("€𝄞")),
    vector(7, "LF", b"data: a\ndata: b\n\n", message("a\nb")),
    vector(8, "CRLF is one end", b"data: a\r\ndata: b\r\n\r\n", message("a\nb")),
    vector(9, "CR", b"data: a\rdata: b\r\r", message("a\nb")),
    vector(10, "CR then LF never ends two lines", b"data: a\r\ndata: b\r\n\r\n\r\n", message("a\nb")),
    vector(12, "mixed", b"data: a\rdata: b\r\ndata: c\n\r\ndata: d\r\n\n", message("a\nb\nc"), message("d")),
    vector(12, "LF CR is two ends", b"data: a\n\rdata: b\n\r", message("a"), message("b")),
    vector(
        13,
        "no other character ends a line",
        "data: a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\x1dh\x1ei\n\n".encode(),
        message("a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\x1dh\x1ei"),
    ),
    vector(14, "NUL stays in data", b"data: a\0b\n\n", message("a\0b")),
    vector(17, "extra blank lines", b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n\n", message("a"), message("b")),
    vector(18, "comments", b":\n: x\n:data: no\ndata: a\n: y\ndata: b\n\n", message("a\nb")),
    vector(
        19, "one leading space goes", b"data:a\n\ndata: b\n\ndata:  c\n\n", message("a"), message("b"), message(" c")
    ),
    vector(19, "a tab is no space", b"data:\ta\n\n", message("\ta")),
    vector(20, "trailing spaces and colons stay", b"data: a: b:c  \n\n", message("a: b:c  ")),
    vector(21, "no colon, empty value", b"data\n\ndata\ndata\n\n", message(""), message("\n")),
    vector(22, "unknown names", b"Data: a\n data: b\ndatax: c\ndat: d\ndata : e\ndata: f\n\n", message("f")),
    vector(23, "data lines join", b"data: a\ndata: b\ndata: c\n\n", message("a\nb\nc")),
    vector(24, "one final LF goes", b"data: a\ndata:\n\n", message("a\n")),
    vector(25, "empty data is data", b"data:\n\ndata: \n\n", message(""), message("")),
    vector(26, "the last type wins", b"event: a\nevent: b\ndata: x\n\n", message("x", kind="b")),
    vector(
        26, "an empty type is message", b"event: a\nevent:\ndata: x\n\nevent: \ndata: y\n\n", message("x"), message("y")
    ),
    vector(27, "type resets", b"event: a\ndata: x\n\ndata: y\n\n", message("x", kind="a"), message("y")),
    vector(27, "type resets without a dispatch", b"event: a\n\ndata: y\n\n", message("y")),
    vector(28, "id", b"id: 7\ndata: a\n\n", message("a", "7")),
    vector(28, "the last id wins", b"id: 7\nid: 8\ndata: a\nid: 9\n\n", message("a", "9")),
    vector(28, "around the type too", b"id: 7\nevent: e\nid: 8\ndata: a\n\n", message("a", "8", "e")),
    vector(29, "NUL voids the id", b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n", message("a", "1"), message("b", "1")),
    vector(30, "empty id resets", b"id: 1\ndata: a\n\nid\ndata: b\n\n", message("a", "1"), message("b")),
    vector(30, "empty id with a space too", b"id: 1\ndata: a\n\nid: \ndata: b\n\n", message("a", "1"), message("b")),
    vector(31, "ids persist", b"id: 1\ndata: a\n\ndata: b\n\n", message("a", "1"), message("b", "1")),
    vector(33, "an id alone is remembered", b"id: 1\n\ndata: a\n\n", IdChange("1"), message("a", "1")),
    vector(33, "the same id alone is no change", b"id: 1\ndata: a\n\nid: 1\n\n", message("a", "1")),
    vector(33, "the empty id alone is a change", b"id: 1\ndata: a\n\nid\n\n", message("a", "1"), IdChange("")),
    vector(34, "retry", b"retry: 03000\n\nretry:0\n\n", Retry(3000), Retry(0)),
    vector(
        35,
        "retry of anything but ASCII digits",
        "".join(
            f"retry{rest}\n" for rest in [": +1", ": -1", ": 1 0", ": 1_0", ": x", ":", "", ": ٣", ": ²", ":  1"]
        ).encode(),
    ),
    vector(36, "retry needs no block", b"retry: 5\n", Retry(5)),
    vector(36, "retry comes first", b"data: a\nretry: 5\ndata: b\n\n", Retry(5), message("a\nb")),
    vector(38, "a huge retry", b"retry: 99999999999999999999\nretry: " + b"9" * 5000 + b"\n", *[Retry(LARGEST)] * 2),
    vector(39, "nothing to dispatch", b"event: a\n\n: c\n\n:\n\nretry: 1\n\n", Retry(1)),
    vector(40, "no data, no event", b"event: a\nid: 1\n\nfoo: bar\n\n", IdChange("1")),
    vector(41, "order", b"data: 1\n\ndata: 2\n\ndata: 3\n\n", message("1"), message("2"), message("3")),
    vector(42, "default type", b"data: a\n\n", message("a")),
    vector(43, "an unended block", b"data: a\n\nid: 1\ndata: b\n", message("a")),
    vector(44, "an unended line", b"data: a\n\ndata: b", message("a")),
    vector(17, "heartbeats after an id dispatch nothing", b"id: 1\ndata: a\n\n:\n\n: ping\n\n\n", message("a", "1")),
]


def feed_all(chunks, **options):
    parser = Parser(**options)
    return [item for chunk in chunks for item in parser.feed(chunk)]


def pieces(blob, cuts):
    edges = [0, *sorted(cuts), len(blob)]
    return [blob[a:b] for a, b in itertools.pairwise(edges)]


@pytest.mark.parametrize(("blob", "expected"), VECTORS)
def test_vector_whole(blob, expected):
    assert Parser().feed(blob) == expected


@pytest.mark.parametrize(("blob", "expected"), VECTORS)
def test_vector_byte_by_byte(blob, expected):
    assert feed_all(pieces(blob, range(1, len(blob)))) == expected


@pytest.mark.parametrize(("blob", "expected"), VECTORS)
def test_item_15_every_single_cut_of_a_vector_gives_the_same(blob, expected):
    assert all(feed_all(pieces(blob[:400], [at])) == feed_all([blob[:400]]) for at in range(min(len(blob), 400)))


@given(st.data())
def test_item_15_any_cuts_of_all_vectors_in_a_row_give_the_same(data):
    chosen = [vector.values for vector in data.draw(st.lists(st.sampled_from(VECTORS), min_size=1, max_size=5))]
    blob = b"\n\n".join(blob for blob, _ in chosen)
    cuts = data.draw(st.lists(st.integers(0, len(blob)), max_size=30))
    assert feed_all(pieces(blob, cuts)) == feed_all([blob])


@pytest.mark.parametrize("line_end", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize(("blob", "expected"), VECTORS)
def test_vector_with_other_line_ends(blob, expected, line_end):
    rng = random.Random(len(blob))
    lines = blob.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", line_end)
    cuts = [rng.randrange(len(lines)) for _ in range(12)]
    assert feed_all([lines]) == expected
    assert feed_all(pieces(lines, cuts)) == expected


def test_item_4_a_bom_split_over_chunks_is_stripped():
    assert feed_all([b"\xef", b"", b"\xbb", b"\xbfdata: a\n\n"]) == [message("a")]


def test_item_10_an_empty_chunk_between_cr_and_lf_changes_nothing():
    assert feed_all([b"data: a\r", b"", b"\ndata: b\r", b"\n\r", b"\n"]) == [message("a\nb")]


@pytest.mark.parametrize("ends", [b"\r\r", b"\n\r", b"\r\n\r", b"\n\n"])
def test_items_11_and_46_an_event_is_delivered_with_the_byte_that_completes_it(ends):
    parser = Parser()
    assert parser.feed(b"data: a" + ends[:-1]) == []
    assert parser.feed(ends[-1:]) == [message("a")]


def test_item_11_the_lf_after_a_delivering_cr_starts_no_line():
    parser = Parser()
    assert parser.feed(b"data: a\r\r") == [message("a")]
    assert parser.feed(b"\ndata: b\n\n") == [message("b")]


def test_item_16_a_line_of_ten_megabytes_is_delivered():
    blob = b"id: 1\ndata: " + b"x" * 10_000_000 + b"\n\n"
    chunks = pieces(blob, range(65_536, len(blob), 65_536))
    assert feed_all(chunks, max_event=None) == [message("x" * 10_000_000, "1")]


def test_long_lines_are_read_like_short_ones():
    body = b"event: a\ndata: " + b"x" * 9_000 + b"\n: c\nretry: 5\ndata\nid: 2\n\n\nid: 3\n\ndata\n\n"
    expected = [Retry(5), message("x" * 9_000 + "\n", "2", "a"), IdChange("3"), message("", "3")]
    assert feed_all([body]) == expected
    assert feed_all(pieces(body, range(1, len(body)))) == expected


def test_item_32_an_id_is_effective_at_the_blank_line_only():
    parser = Parser(last_event_id="0")
    parser.feed(b"id: 1\ndata: a\n")
    assert parser.last_event_id == "0"
    parser.feed(b"\n")
    assert parser.last_event_id == "1"


def test_item_31_a_preset_id_is_reported_by_events_without_one():
    assert Parser(last_event_id="9").feed(b"data: a\n\n") == [message("a", "9")]


def test_item_36_retry_is_reported_at_its_line_and_once():
    parser = Parser()
    assert parser.feed(b"data: a\nretry: 5") == []
    assert parser.feed(b"\r") == [Retry(5)]
    assert parser.feed(b"\ndata: b\n\n") == [message("a\nb")]


def test_item_44_a_cut_line_never_reaches_the_next_connection():
    first = Parser()
    assert first.feed(b"id: 1\ndata: a\n\nid: 2\ndata: b") == [message("a", "1")]
    second = Parser(last_event_id=first.last_event_id)
    assert second.feed(b"data: c\n\n") == [message("c", "1")]


def test_two_parsers_share_nothing():
    one, two = Parser(), Parser()
    one.feed(b"id: 1\ndata: a\n\ndata: b")
    assert two.feed(b"\n\ndata: c\n\n") == [message("c")]


@pytest.mark.parametrize(
    ("block", "own"),
    [
        ("id: 7\ndata: x\n\n", True),
        ("data: x\nid: 7\n\n", True),
        ("event: a\nid: 7\ndata: x\n\n", True),
        ("id\ndata: x\n\n", True),
        ("data: x\n\n", False),
        ("event: a\ndata: x\ndata: y\n\n", False),
        ("id: a\0b\ndata: x\n\n", False),
        (": id: 7\ndata: x\n\n", False),
    ],
)
@pytest.mark.parametrize("before", ["", "id: 7\n\n", "id: 7\ndata: x\n\n"])
def test_an_event_says_whether_the_id_is_its_own(before, block, own):
    assert Parser().feed((before + block).encode())[-1].has_id is own
    assert Parser(last_event_id="7").feed((before + block).encode())[-1].has_id is own
