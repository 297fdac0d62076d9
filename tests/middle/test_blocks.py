"""Ends of blocks at any slicing and with any line ends; the places of cuts."""

import random

import pytest

from harness.middle.blocks import TAIL, BlockScanner, cut_at, is_event

BLOCK = b"id: a-7\nevent: processing\ndata: {}\n\n"
ENDS = [b"\n", b"\r", b"\r\n"]


def ends_of(body, pieces):
    scanner, at, found = BlockScanner(), 0, []
    for piece in pieces:
        found += [at + end for end in scanner.feed(piece)]
        at += len(piece)
    return found


@pytest.mark.parametrize("end", ENDS)
def test_blocks_end_behind_their_blank_line(end):
    blocks = [b"id: 1\ndata: x\n\n".replace(b"\n", end), b": comment\n\n".replace(b"\n", end)]
    body = b"".join(blocks)
    assert ends_of(body, [body]) == [len(blocks[0]), len(body)]


@pytest.mark.parametrize("end", ENDS)
def test_slicing_moves_no_end_but_before_the_second_half_of_a_crlf(end):
    body = b"id: 1\ndata: x\n\n: c\n\nid: 2\ndata: y\n\n".replace(b"\n", end)
    whole, chance = ends_of(body, [body]), random.Random(1)
    for _ in range(300):
        cuts = sorted(chance.sample(range(1, len(body)), 6))
        pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
        found = ends_of(body, pieces)
        assert len(found) == len(whole)
        assert all(b - a in ({0, 1} if end == b"\r\n" else {0}) for a, b in zip(found, whole, strict=True))


@pytest.mark.parametrize("end", ENDS)
def test_tail_tells_whether_a_block_begins(end):
    body = b"id: 1\ndata: x\n\nid: 2\ndata: y\n\n".replace(b"\n", end)
    scanner = BlockScanner()
    for at in range(len(body)):
        assert BlockScanner(body[max(0, at - TAIL) : at]).at_start == scanner.at_start, (at, body[:at])
        scanner.feed(body[at : at + 1])


def test_comment_is_no_event():
    assert is_event(BLOCK)
    assert not is_event(b": data\n\n")
    assert not is_event(b"id: 3\n\n")


def test_only_the_field_of_that_name_is_data():
    assert is_event(b"\xef\xbb\xbfdata\n\n")
    assert not is_event(b"dataset: 7\n data: x\nData: x\n\n")
    block = b"dataset: 7\ndata:abcd\n\n"
    assert block[: cut_at(block, "data")] == b"dataset: 7\ndata:ab"
    assert cut_at(b"\xef\xbb\xbf" + block, "data") == 3 + cut_at(block, "data")


@pytest.mark.parametrize(
    ("mid", "before"),
    [("id", b"id: a"), ("data", b"id: a-7\nevent: processing\ndata: "), ("event", BLOCK[:-1])],
)
def test_cut_falls_where_the_word_says(mid, before):
    assert BLOCK[: cut_at(BLOCK, mid)] in {before, before + BLOCK[len(before) : len(before) + 1]}


def test_cut_of_a_character_falls_inside_it():
    block = "data: a€b\n\n".encode()
    with pytest.raises(UnicodeDecodeError):
        block[: cut_at(block, "character")].decode()
    assert cut_at(BLOCK, "character") == cut_at(BLOCK, "data")


@pytest.mark.parametrize("end", ENDS)
def test_cut_before_the_blank_line_leaves_all_of_the_event_but_its_end(end):
    block = BLOCK.replace(b"\n", end)
    assert block[: cut_at(block, "event")] + end == block


@pytest.mark.parametrize("block", [b"data\n\n", b"data:\n\n", b"\ndata: x\n\n", b"data: x\r\r"])
@pytest.mark.parametrize("mid", ["id", "data", "character", "event"])
def test_cut_is_inside_every_event(block, mid):
    assert 0 < cut_at(block, mid) < len(block)
