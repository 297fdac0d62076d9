import pytest

from harness.errors import ScenarioError, UsageError
from harness.scenario import load
from harness.scenario.document import Mark, Marks
from harness.scenario.place import MOST_PROBLEMS, Book, Place, nearest, not_built


def test_the_nearest_word_is_offered_and_nothing_far():
    assert nearest("silnet", ["silent", "stalled"]) == ' (did you mean "silent"?)'
    assert nearest("x", ["silent", "stalled"]) == ""
    assert nearest("", []) == ""


def test_what_is_not_built_is_named_with_its_place():
    assert str(not_built("for", "silent for 5s")) == '"for" is not built yet (in "silent for 5s")'


def test_a_problem_is_told_as_editors_read_it(write):
    path = write("scenario: x\njob: {lasts: 60s}\npaths: {wifi: wifi}\ntimeline:\n  10s: {wifi: silnet}\n")
    with pytest.raises(ScenarioError) as error:
        load(path, shown_as="handoff.yaml")
    assert str(error.value) == (
        'handoff.yaml:5:15: error: timeline 10s: "silnet" is no state or profile (did you mean "silent"?)'
    )


def test_a_place_without_a_mark_has_that_of_the_nearest_above():
    book = Book(file="f", marks={("job",): Marks(Mark(2, 1), Mark(2, 6))})
    assert book.mark(("job", "lasts", 0)) == Marks(Mark(2, 1), Mark(2, 6))
    assert book.mark(("paths",)) == Marks(Mark(0, 0), Mark(0, 0))


def test_a_book_that_is_full_reads_no_more():
    book = Book(file="f", marks={})
    place = Place(book, ("seed",), "x")

    def refuse(text):
        raise UsageError(text)

    for _ in range(MOST_PROBLEMS + 5):
        assert place.read(refuse) is None
    assert len(book.problems) == MOST_PROBLEMS


def test_substitution_is_done_once():
    book = Book(file="f", marks={}, variables={"a": "$b", "b": "5s"})
    assert book.substitute("$a+$b") == "$b+5s"
