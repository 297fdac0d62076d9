import pytest

from harness.errors import UsageError
from harness.judge.laws import FUNDAMENTAL, LAWS, law_named
from harness.scenario import expectations


def test_every_law_is_explained_and_is_one_that_the_language_knows():
    assert tuple(law.word for law in LAWS) == expectations.LAWS
    assert all(law.title and law.says and law.breaks for law in LAWS)


def test_each_law_has_a_priority_of_its_own():
    assert sorted(law.priority for law in LAWS) == list(range(1, len(LAWS) + 1))
    assert FUNDAMENTAL[:2] == ("history-whole", "in-time")
    assert FUNDAMENTAL[-1] == "prompt"


def test_a_law_is_found_by_its_word_or_code():
    assert law_named("no-gap").code == "L2"
    assert law_named(" l2 ").word == "no-gap"


def test_an_unknown_law_is_refused_with_the_known_ones():
    with pytest.raises(
        UsageError,
        match=r"'no-gaps' \(did you mean \"no-gap\"\?\): expected one of fault-seen, history-whole, server-as-planned",
    ):
        law_named("no-gaps")
