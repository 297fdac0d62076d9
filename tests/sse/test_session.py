from harness.sse import Event, IdChange, Parser, Retry, Session


def test_item_50_a_fresh_session_sends_no_last_event_id():
    assert Session().header() is None
    assert Session("7").header() == b"7"


def test_items_51_and_33_the_next_request_carries_the_last_id_dispatched():
    session = Session()
    session.note(Event("message", "a", "1"))
    assert session.header() == b"1"
    session.note(IdChange("2"))
    assert session.header() == b"2"


def test_item_52_an_empty_id_means_no_header():
    session = Session("1")
    session.note(IdChange(""))
    assert session.header() is None


def test_item_53_the_header_is_utf8():
    assert Session("žluť").header() == "žluť".encode()


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
