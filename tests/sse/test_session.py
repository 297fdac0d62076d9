import pytest

from harness.sse import Event, IdChange, Parser, Retry, Session, cursor_header


def test_item_50_a_fresh_session_sends_no_last_event_id():
    assert cursor_header(Session().last_event_id) is None
    assert cursor_header(Session("7").last_event_id) == b"7"


def test_item_51_the_next_request_carries_the_last_id_dispatched():
    session = Session()
    session.note(Event("message", "a", "1"))
    assert session.last_event_id == "1"
    session.note(IdChange("2"))
    assert session.last_event_id == "2"


def test_item_52_an_empty_id_means_no_header():
    session = Session("1")
    session.note(IdChange(""))
    assert cursor_header(session.last_event_id) is None


def test_item_53_the_header_is_utf8():
    assert cursor_header("žluť") == "žluť".encode()


@pytest.mark.parametrize("cursor", ["a\x01b", " a", "a\t", "\x7f"])
def test_an_id_that_no_header_can_carry_is_not_sent(cursor):
    assert cursor_header(cursor) is None


def test_item_37_the_reconnection_time_survives_connections():
    session = Session()
    assert session.reconnection_time is None
    for blob in [b"retry: 2500\ndata: a\n\n", b"data: b\n\n"]:
        for wire in Parser(last_event_id=session.last_event_id).feed(blob):
            session.note(wire)
    assert session.reconnection_time == 2.5


def test_item_38_a_huge_retry_is_a_finite_time():
    session = Session()
    for wire in Parser().feed(b"retry: " + b"9" * 5_000 + b"\n"):
        session.note(wire)
    assert session.reconnection_time == Retry(2**31 - 1).seconds == 2147483.647
