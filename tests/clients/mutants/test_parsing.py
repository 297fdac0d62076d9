"""A wrong parser beside the right one, on the same reads; and the harm that it does to a client."""

from harness.clients.mutants import REFERENCE_CLIENT, mutant
from harness.clients.mutants.parsing import BUFFER
from harness.sse.events import Event
from harness.sse.policy import REFERENCE
from harness.sse.session import Session
from tests.clients.beside import both, streams
from tests.clients.stage import event, says


def reads(name, *chunks):
    """Return what the parsers of the reference and of the mutant find in each of these reads: ids and data."""
    found = []
    for one in (REFERENCE_CLIENT, mutant(name)):
        parser = one.decisions(REFERENCE).parser(Session())
        found.append([[(wire.id, wire.data) for wire in parser.feed(c) if isinstance(wire, Event)] for c in chunks])
    return found


def block(event_id, data="x", end=b"\n"):
    return f"id: {event_id}\ndata: {data}\n\n".encode().replace(b"\n", end)


def test_one_event_late_hands_an_event_on_with_the_next():
    right, wrong = reads("one-event-late", block(1), block(2), block(3))
    assert right == [[("1", "x")], [("2", "x")], [("3", "x")]]
    assert wrong == [[], [("1", "x")], [("2", "x")]]


def test_fills_buffer_waits_for_a_kilobyte():
    right, wrong = reads("fills-buffer", block(1), block(2, "y" * BUFFER), block(3))
    assert [len(found) for found in right] == [1, 1, 1]
    assert wrong == [[], [("1", "x")], []]


def test_splits_crlf_ends_an_event_between_its_lines():
    right, wrong = reads("splits-crlf", b"id: 1\r\ndata: x\r", b"\ndata: y\r\n\r\n")
    assert right == [[], [("1", "x\ny")]]
    assert wrong == [[], [("1", "x"), ("1", "y")]]


def test_splits_crlf_counts_one_line_end_within_a_read():
    right, wrong = reads("splits-crlf", block(1, end=b"\r\n"), block(2, end=b"\r\n"))
    assert wrong == right


def test_withholds_cr_holds_an_event_that_ends_with_it():
    right, wrong = reads("withholds-cr", block(1, end=b"\r"), block(2, end=b"\r"))
    assert right == [[("1", "x")], [("2", "x")]]
    assert wrong == [[], [("1", "x")]]


def test_decodes_chunks_breaks_a_character_that_two_reads_share():
    whole = block(1, "é")
    cut = whole.index("é".encode()) + 1
    right, wrong = reads("decodes-chunks", whole[:cut], whole[cut:])
    assert (right, wrong) == ([[], [("1", "é")]], [[], [("1", "\ufffd\ufffd")]])


def test_splits_on_unicode_cuts_data_at_a_line_separator():
    right, wrong = reads("splits-on-unicode", block(1, "a\u2028b"), block(2, "a\x85data: b"))
    assert right == [[("1", "a\u2028b")], [("2", "a\x85data: b")]]
    assert wrong == [[("1", "a")], [("2", "a\nb")]]


def test_shows_phantoms_dispatches_a_comment_once_there_was_an_id():
    right, wrong = reads("shows-phantoms", b": alive\n\n", block(1), b": alive\n\n", b": alive\n\n")
    assert right == [[], [("1", "x")], [], []]
    assert wrong == [[], [("1", "x")], [("1", "")], [("1", "")]]


def test_drops_remainder_loses_an_event_that_two_reads_share():
    one, two = block(1), block(2)
    right, wrong = reads("drops-remainder", one + two[:9], two[9:] + block(3))
    assert right == [[("1", "x")], [("2", "x"), ("3", "x")]]
    assert wrong == [[("1", "x")], [("3", "x")]]


def test_drops_blank_lines_never_sees_an_end_however_the_reads_fall():
    assert reads("drops-blank-lines", block(1), block(2), b"\n", b"\n\n")[1] == [[], [], [], []]
    whole = block(1) + block(2)
    assert reads("drops-blank-lines", *(whole[at : at + 1] for at in range(len(whole))))[1] == [[]] * len(whole)


def test_misnumbers_bursts_gives_all_events_of_a_read_the_last_id():
    right, wrong = reads("misnumbers-bursts", block(1), block(2, "y") + block(3, "z"))
    assert right == [[("1", "x")], [("2", "y"), ("3", "z")]]
    assert wrong == [[("1", "x")], [("3", "y"), ("3", "z")]]


def test_glues_connections_reads_on_where_the_last_one_was_cut():
    payloads = []
    story = streams(says(event("a-0"), "event: processing\ndata: cut"), says(event("a-1"), event("a-2", "completed")))
    reference, wrong = both("glues-connections", story, handler=lambda shown: payloads.append(shown.data))
    assert (reference.ids, wrong.ids) == (["a-0", "a-1", "a-2"], ["a-0", "a-0", "a-2"])
    assert [data for data in payloads if "cut" in data] == ['cutid: a-1\n{"is": "a-1"}']


def test_dispatches_at_eof_shows_what_came_of_an_event_that_was_cut():
    payloads = []
    story = streams(says(event("a-0"), "id: a-1\nevent: processing\ndata: cu"), says(event("a-2", "completed")))
    reference, wrong = both(
        "dispatches-at-eof", story, handler=lambda shown: payloads.append((shown.id, shown.data[:2]))
    )
    assert (reference.stage.cursors(), wrong.stage.cursors()) == ([None, "a-0"], [None, "a-1"])
    assert [one for one in payloads if one[0] == "a-1"] == [("a-1", "cu")]


def test_dispatches_at_eof_ends_the_job_by_a_terminal_event_that_was_cut():
    story = streams(says(event("a-0"), "event: completed\ndata: {}\n"), says(event("a-2", "completed")))
    reference, wrong = both("dispatches-at-eof", story)
    assert (len(reference.stage.times("stream")), len(wrong.stage.times("stream"))) == (2, 1)
    assert (wrong.outcome.ended, wrong.hows, wrong.left_open, wrong.tasks_left) == ("completed", ["done"], 0, 0)
