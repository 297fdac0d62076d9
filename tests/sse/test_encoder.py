import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sse import Event, IdChange, LineEnds, Parser, Retry, encode, encode_comment, encode_retry

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=10)
ENDS = st.sampled_from([*LineEnds, b"\n", b"\r", b"\r\n"])


def test_an_event_is_written_as_id_type_data_blank():
    assert encode("processing", "{}", "e1-7") == b"id: e1-7\nevent: processing\ndata: {}\n\n"


def test_the_default_type_is_not_written():
    assert encode(data="a") == encode("", "a") == encode("message", "a") == b"data: a\n\n"


@pytest.mark.parametrize("breaks", ["\n", "\r", "\r\n"])
def test_every_kind_of_break_in_data_starts_another_field(breaks):
    assert encode(data=f"a{breaks}{breaks}b") == b"data: a\ndata: \ndata: b\n\n"


def test_data_of_none_dispatches_nothing():
    assert Parser().feed(encode(data=None, id="1")) == [IdChange("1")]


def test_an_empty_id_resets_and_none_keeps():
    blob = encode(data="a", id="1") + encode(data="b") + encode(data="c", id="")
    assert [event.id for event in Parser().feed(blob)] == ["1", "1", ""]


@pytest.mark.parametrize("bad", ["a\0", "a\r", "a\n"])
def test_an_id_that_no_stream_can_carry_is_refused(bad):
    with pytest.raises(ValueError, match="expected an id without NUL, CR and LF"):
        encode(data="a", id=bad)


@pytest.mark.parametrize("bad", ["a\r", "a\nb"])
def test_a_type_that_no_stream_can_carry_is_refused(bad):
    with pytest.raises(ValueError, match="expected a type without CR and LF"):
        encode(bad, "a")


def test_a_lone_surrogate_is_refused():
    with pytest.raises(ValueError, match="lone surrogate '\\\\ud800'"):
        encode(data="\ud800")


def test_another_line_end_is_refused():
    with pytest.raises(ValueError, match="expected LF, CR or CRLF"):
        encode(data="a", line_end=b"\n\n")


def test_line_ends():
    assert encode(data="a\nb", line_end=b"\r") == encode(data="a\nb", line_end=LineEnds.CR) == b"data: a\rdata: b\r\r"
    assert encode(data="a", line_end=b"\r\n") == encode(data="a", line_end=LineEnds.CRLF) == b"data: a\r\n\r\n"


def test_mixed_line_ends_use_all_three_and_are_the_same_each_time():
    blob = encode("a", "b\nc\nd", "1", line_end=LineEnds.MIXED)
    rest = blob.replace(b"\r\n", b"")
    assert b"\r\n" in blob
    assert b"\r" in rest
    assert b"\n" in rest
    assert encode("a", "b\nc\nd", "1", line_end=LineEnds.MIXED) == blob


def test_comments_and_retries():
    assert encode_comment() == b":\n\n"
    assert encode_comment("a\nb", line_end=b"\r\n") == b": a\r\n: b\r\n\r\n"
    assert encode_retry(2500) == b"retry: 2500\n\n"
    with pytest.raises(ValueError, match="at least 0 ms, got -1"):
        encode_retry(-1)


@given(st.lists(st.tuples(LINE, TEXT, LINE, ENDS), max_size=5))
def test_what_is_encoded_is_parsed_back(rows):
    blob = b"".join(encode(kind, data, key, line_end=end) for kind, data, key, end in rows)
    lines = [data.replace("\r\n", "\n").replace("\r", "\n") for _, data, _, _ in rows]
    expected = [Event(kind or "message", data, key) for (kind, _, key, _), data in zip(rows, lines, strict=True)]
    assert Parser().feed(blob) == expected


@given(TEXT, st.integers(0, 10_000), ENDS)
def test_comments_and_retries_disturb_no_event(text, ms, end):
    blob = encode_comment(text, line_end=end) + encode_retry(ms, line_end=end) + encode(data="a", line_end=end)
    assert Parser().feed(blob) == [Retry(ms), Event("message", "a", "")]
