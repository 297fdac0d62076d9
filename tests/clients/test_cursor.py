import pytest

from harness.clients.cursor import Cursor, IdStanding, position
from harness.sse.events import Event


@pytest.mark.parametrize(
    ("event_id", "read"),
    [
        ("a-0", ("a", 0)),
        ("epoch-with-hyphens-17", ("epoch-with-hyphens", 17)),
        ("-5", ("", 5)),
        ("a-007", ("a", 7)),
        ("", None),
        ("17", None),
        ("a-", None),
        ("a-b", None),
        ("a-٣", None),
        ("a-+1", None),
        ("a-1234567890123456789", None),
    ],
)
def test_only_an_epoch_and_an_ordinal_are_read_from_an_id(event_id, read):
    assert position(event_id) == read


def shown(*ids):
    cursor = Cursor()
    for event_id in ids:
        cursor.show(event_id)
    return cursor


def test_the_first_id_is_fresh_whatever_its_ordinal():
    assert Cursor().standing("a-17") is IdStanding.FRESH


def test_what_was_shown_is_a_repeat_and_what_was_skipped_is_late():
    cursor = shown("a-0", "a-1", "a-5", "a-6")
    assert [cursor.standing(f"a-{n}") for n in (0, 1, 2, 4, 5, 6, 7)] == [
        IdStanding.REPEAT,
        IdStanding.REPEAT,
        IdStanding.LATE,
        IdStanding.LATE,
        IdStanding.REPEAT,
        IdStanding.REPEAT,
        IdStanding.FRESH,
    ]


def test_a_snapshot_covers_all_before_it():
    cursor = shown("a-0")
    cursor.show("a-9", complete=True)
    assert cursor.standing("a-4") is IdStanding.REPEAT


def without_id(cursor, *behind):
    """How events without an id stand that are told with these ones."""
    return [cursor.standing_of(Event("processing", "{}", one, False)) for one in behind]


def test_an_event_without_an_id_is_fresh_whatever_was_shown():
    assert set(without_id(shown("a-0", "a-1", "a-5"), "", "17", "b-0", "a-0", "a-3", "a-5")) == {IdStanding.FRESH}


def test_a_snapshot_covers_an_event_without_an_id_behind_an_older_one_of_its_epoch():
    cursor = shown("a-0")
    cursor.show("a-9", complete=True)
    cursor.show("a-12")
    assert without_id(cursor, "a-4", "a-8") == [IdStanding.REPEAT] * 2
    assert without_id(cursor, "a-9", "a-10", "b-4", "") == [IdStanding.FRESH] * 4


def test_low_ordinals_of_a_new_epoch_are_not_old():
    cursor = shown("a-0", "a-7")
    assert cursor.standing("b-1") is IdStanding.NEW_EPOCH


def test_an_epoch_that_was_left_does_not_come_back():
    cursor = shown("a-7", "b-0")
    assert cursor.standing("a-8") is IdStanding.LATE


def test_ids_of_another_shape_are_compared_for_equality_only():
    cursor = shown("x9f")
    assert [cursor.standing(event_id) for event_id in ("x9f", "x9e", "")] == [
        IdStanding.REPEAT,
        IdStanding.FRESH,
        IdStanding.FRESH,
    ]


def test_what_is_remembered_is_bounded():
    cursor = shown(*(f"a-{n}" for n in range(0, 1000, 2)), *(f"e{n}-0" for n in range(100)))
    assert len(cursor._holes) <= 64
    assert len(cursor._retired) <= 16


def test_the_next_ordinal_follows_and_a_later_one_does_not():
    cursor = shown("a-4")
    assert [cursor.follows(event_id) for event_id in ("a-3", "a-5", "a-6", "b-9", "x")] == [
        True,
        True,
        False,
        True,
        True,
    ]
