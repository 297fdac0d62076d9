"""Where bodies lie on the wire, at any slicing, and what is no framing."""

import random

import pytest

from harness.middle.framing import LONGEST_LINE, Framing, FramingError

CHUNKED = {"transfer-encoding": "chunked"}
WIRE = b"5\r\nhello\r\n1;name=value\r\n \r\n5\r\nworld\r\n0\r\nTrailer: x\r\n\r\n"


def bodies(framing, pieces):
    """The body found, and what lay behind its end."""
    body, rest = b"", b""
    for piece in pieces:
        if framing.over:
            rest += piece
            continue
        spans, used = framing.follow(piece)
        body += b"".join(piece[start:stop] for start, stop in spans)
        rest += piece[used:]
    return body, rest


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_chunked_body_is_found_at_any_slicing(size):
    wire = WIRE + b"HTTP/1.1 next"
    framing = Framing(CHUNKED)
    assert bodies(framing, [wire[at : at + size] for at in range(0, len(wire), size)]) == (
        b"hello world",
        b"HTTP/1.1 next",
    )
    assert framing.over


def test_random_cuts_find_the_same_body():
    chance = random.Random(3)
    payload = chance.randbytes(5000)
    wire = b"".join(
        b"%x\r\n%s\r\n" % (len(part), part) for at in range(0, 5000, 333) if (part := payload[at : at + 333])
    )
    for _ in range(200):
        cuts = sorted(chance.sample(range(len(wire)), 9))
        pieces = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
        assert bodies(Framing(CHUNKED), pieces) == (payload, b"")


def test_length_ends_the_body():
    framing = Framing({"content-length": "3"})
    assert bodies(framing, [b"ab", b"cd"]) == (b"abc", b"d")
    assert framing.over


def test_no_length_is_a_body_until_the_end_of_the_connection():
    framing = Framing({})
    assert bodies(framing, [b"ab", b"cd"]) == (b"abcd", b"")
    assert not framing.over


def test_empty_body_is_over_at_once():
    assert Framing({"content-length": "0"}).over


@pytest.mark.parametrize("wire", [b"xyz\r\n", b"-5\r\n", b"1\r\nab\r\n", b"\r\n", b"1" * (LONGEST_LINE + 1)])
def test_what_is_no_framing_is_said(wire):
    framing = Framing(CHUNKED)
    with pytest.raises(FramingError):
        bodies(framing, [wire, b"more"])


def test_what_comes_before_the_wrong_line_is_the_bodys():
    framing = Framing(CHUNKED)
    wire = b"2\r\nab\r\n1\r\nc\r\nno size\r\n"
    spans, used = framing.follow(wire)
    assert [wire[start:stop] for start, stop in spans] == [b"ab", b"c"]
    assert wire[used:] == b"no size\r\n"
    for _ in range(2):
        with pytest.raises(FramingError):
            framing.follow(wire[used:])
