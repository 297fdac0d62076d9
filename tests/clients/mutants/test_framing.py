"""A parser that knows one way of writing a stream, given the others, beside the right parser."""

from harness.clients.mutants import REFERENCE_CLIENT, mutant
from harness.sse.events import Event
from harness.sse.policy import REFERENCE
from harness.sse.session import Session
from tests.clients.beside import both, streams
from tests.clients.stage import event, says


def read(name, *chunks):
    """Return what the reference's and the mutant's parser find: events by id and data, and the id buffer at last."""
    found = []
    for one in (REFERENCE_CLIENT, mutant(name)):
        session = Session()
        parser = one.decisions(REFERENCE).parser(session)
        wires = [wire for chunk in chunks for wire in parser.feed(chunk)]
        for wire in wires:
            session.note(wire)
        events = [(wire.id, wire.data) for wire in wires if isinstance(wire, Event)]
        found.append((events, session.last_event_id))
    return found


def test_keeps_bom_loses_the_first_field():
    right, wrong = read("keeps-bom", b"\xef\xbb\xbfdata: x\nid: 1\n\ndata: y\n\n")
    assert (right, wrong) == (([("1", "x"), ("1", "y")], "1"), ([("1", "y")], "1"))


def test_needs_space_sees_no_data_without_one():
    right, wrong = read("needs-space", b"id:1\ndata:x\n\nid:2\ndata: y\ndata:z\n\n")
    assert (right, wrong) == (([("1", "x"), ("2", "y\nz")], "2"), ([("2", "y")], "2"))


def test_blanks_id_forgets_the_id_at_an_event_without_one():
    right, wrong = read("blanks-id", b"id: 1\ndata: x\n\n", b"event: ping\ndata: {}\n\n")
    assert (right, wrong) == (([("1", "x"), ("1", "{}")], "1"), ([("1", "x"), ("", "{}")], ""))


def test_skips_id_blocks_overlooks_an_id_without_data():
    right, wrong = read("skips-id-blocks", b"id: 1\n\n", b"data: x\n\nid: 2\n\n")
    assert (right, wrong) == (([("1", "x")], "2"), ([("", "x")], ""))


def test_loses_late_ids_takes_an_id_before_the_data_alone():
    right, wrong = read("loses-late-ids", b"id: 1\ndata: x\n\n", b"data: y\nid: 2\n\n")
    assert (right, wrong) == (([("1", "x"), ("2", "y")], "2"), ([("1", "x"), ("1", "y")], "1"))


def test_refuses_parameters_opens_no_stream_that_has_some():
    policies = REFERENCE
    for kind, same in (("text/event-stream", True), ("text/event-stream; charset=utf-8", False)):
        one, other = (
            who.decisions(policies).judge(200, kind, token_refreshed=False)
            for who in (REFERENCE_CLIENT, mutant("refuses-parameters"))
        )
        assert (one.meaning is other.meaning) is same


def test_ends_at_lf_finds_no_end_in_crlf_or_cr():
    for end in (b"\r\n", b"\r"):
        right, wrong = read("ends-at-lf", b"id: 1\ndata: x\n\n".replace(b"\n", end))
        assert (right, wrong) == (([("1", "x")], "1"), ([], ""))
    right, wrong = read("ends-at-lf", b"\xef\xbb\xbfid: 1\ndata: x\n", b"\n")
    assert right == wrong


def test_discards_cr_glues_lines_that_one_parts():
    right, wrong = read("discards-cr", b"id: 1\r\ndata: x\r\n\r\n", b"id: 2\rdata: y\r\r")
    assert (right, wrong) == (([("1", "x"), ("2", "y")], "2"), ([("1", "x")], "1"))


def test_a_stream_of_the_commonest_shape_is_read_as_the_reference_reads_it():
    for name in ("keeps-bom", "needs-space", "blanks-id", "skips-id-blocks", "loses-late-ids", "ends-at-lf"):
        reference, wrong = both(name, streams(says(event("a-0"), event("a-1", "completed"))))
        assert wrong.shown == reference.shown
