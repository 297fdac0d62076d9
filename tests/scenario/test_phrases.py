import pytest

from harness.errors import UsageError
from harness.scenario.phrases import above_zero, choice, match, more_than_zero, one_of, or_never
from harness.units import parse_count, parse_duration


def test_a_form_gives_the_values_of_its_tokens():
    assert match("poll every DURATION after N failures", "poll  every 3s after 2 failures") == [3.0, 2]
    assert match("on change", "on change") == []


def test_a_form_with_other_words_does_not_match():
    assert match("at most N", "at least 6") is None
    assert match("at most N", "at most 6 or so") is None


def test_a_form_with_the_right_words_and_a_wrong_token_says_so():
    with pytest.raises(UsageError, match='expected a whole number such as 6, got "six"'):
        match("at most N", "at most six")


def test_forms_are_listed_where_none_matches():
    setting = one_of({"N events": lambda events: {"queue": events}, "unbounded": lambda: {"queue": None}})
    assert (setting.parse("8 events"), setting.parse("unbounded")) == ({"queue": 8}, {"queue": None})
    with pytest.raises(UsageError) as refusal:
        setting.parse("unbound")
    assert str(refusal.value) == ('expected "N events" or "unbounded", got "unbound" (did you mean "unbounded"?)')


def test_a_choice_is_one_of_its_words():
    assert choice("late", {"drop it": 1}).parse("drop  it") == {"late": 1}
    with pytest.raises(UsageError, match='expected one of a, b, got "c"'):
        choice("x", ("a", "b")).parse("c")


def test_nothing_is_not_more_than_zero():
    assert more_than_zero(parse_count)("1") == 1
    assert above_zero(0.5) == 0.5
    for refused in (lambda: more_than_zero(parse_duration)("0s"), lambda: above_zero(0)):
        with pytest.raises(UsageError, match="expected more than zero"):
            refused()


def test_never_is_a_word_of_its_own():
    assert or_never("watchdog").parse("never") == {"watchdog": None}
    assert or_never("retry", word="none").parse("5s") == {"retry": 5.0}
