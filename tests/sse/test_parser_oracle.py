"""The parser against a slow reading of the standard's own words: decode all, split into lines, process each."""

import itertools
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.sse import Event, EventTooBig, IdChange, Parser, Retry
from harness.sse.digits import LARGEST

TOKENS = [
    *(bytes([byte]) for byte in b"\n\r: \0x059"),
    *(b"data", b"data:", b"data: ", b"id", b"id: ", b"event: ", b"retry: ", b"retry", b"re", b": c"),
    *(b"\n\n", b"\r\n", b"\r\r", b"\r\n\r\n", b"\n\r"),
    *(
        b"\xef\xbb\xbf",
        b"\xef",
        b"\xbb",
        b"\xff",
        b"\xe2\x82\xac",
        b"\xe2\x82",
        b"\xf0\x9f",
        b"\xc2\x85",
        b"\xe2\x80\xa8",
    ),
    b"id: 1\nevent: a\ndata: b\n\n",
]
STREAMS = st.lists(st.sampled_from(TOKENS), max_size=40).map(b"".join)


def standard(blob):
    """WHATWG HTML 9.2.6, paragraph by paragraph; retry at its line, an id without data as a change of the buffer."""
    text = blob.decode("utf-8", "replace").removeprefix("\ufeff")
    *lines, _unended = re.split("\r\n|\n|\r", text)
    found, data, kind, buffer, last_id = [], "", "", "", ""
    for line in lines:
        if line == "":
            if data:
                found.append(Event(kind or "message", data[:-1], buffer))
            elif buffer != last_id:
                found.append(IdChange(buffer))
            data, kind, last_id = "", "", buffer
            continue
        field, colon, value = line.partition(":")
        if colon and not field:
            continue
        value = value.removeprefix(" ")
        match field:
            case "event":
                kind = value
            case "data":
                data += value + "\n"
            case "id" if "\0" not in value:
                buffer = value
            case "retry" if re.fullmatch("[0-9]+", value):
                found.append(Retry(min(int(value), LARGEST)))
    return found, last_id


@st.composite
def chunked(draw, streams):
    blob = draw(streams)
    edges = [0, *sorted(draw(st.lists(st.integers(0, len(blob)), max_size=12))), len(blob)]
    return [blob[a:b] for a, b in itertools.pairwise(edges)]


def run(chunks, limit):
    parser, found = Parser(max_event=limit), []
    try:
        for chunk in chunks:
            found += parser.feed(chunk)
    except EventTooBig as error:
        return [*found, *error.before], parser.last_event_id, error.limit
    return found, parser.last_event_id, None


@settings(max_examples=400)
@given(chunked(STREAMS))
def test_the_parser_agrees_with_the_standard(chunks):
    assert run(chunks, None)[:2] == standard(b"".join(chunks))


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_raise_and_agree_with_the_standard(blob):
    assert run([blob], 1_000)[:2] == standard(blob)


@settings(max_examples=400)
@given(chunked(STREAMS), st.integers(0, 30))
def test_a_limit_is_met_at_the_same_place_however_the_stream_is_cut(chunks, limit):
    blob = b"".join(chunks)
    whole = run([blob], limit)
    assert run(chunks, limit) == whole
    assert run([blob[at : at + 1] for at in range(len(blob))], limit) == whole


@given(chunked(STREAMS), st.integers(0, 30))
def test_a_parser_never_holds_more_than_its_limit(chunks, limit):
    parser = Parser(max_event=limit)
    try:
        for chunk in chunks:
            parser.feed(chunk)
            assert len(parser._held) <= limit
    except EventTooBig:
        assert len(parser._held) == 0
