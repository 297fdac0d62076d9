import pytest

from harness.errors import UsageError
from harness.judge.laws import LAWS
from harness.judge.laws.help import HELP, law_help


def test_every_law_is_explained():
    assert [(one.code, one.word) for one in HELP] == [(one.code, one.word) for one in LAWS]
    assert all(one.title and one.says and one.breaks for one in HELP)


def test_a_law_is_found_by_its_word_or_code():
    assert law_help("no-gap").code == "L2"
    assert law_help(" l2 ").word == "no-gap"


def test_an_unknown_law_is_refused_with_the_known_ones():
    with pytest.raises(
        UsageError,
        match=r"'no-gaps' \(did you mean \"no-gap\"\?\): expected one of fault-seen, history-whole, server-as-planned",
    ):
        law_help("no-gaps")
