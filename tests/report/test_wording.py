import pytest

from harness.judge.verdict import ExpectationVerdict, Interval, LawState
from harness.report.wording import (
    against,
    bare,
    duration,
    elapsed,
    fitting,
    one_line,
    printable,
    quantity,
    spread,
    wrapped,
)
from harness.scenario.model import Expectation


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0 ms"),
        (0.0018, "1.8 ms"),
        (0.009, "9 ms"),
        (0.043, "43 ms"),
        (1.96, "2.0 s"),
        (110.2, "110 s"),
        (432, "7m12s"),
    ],
)
def test_a_duration_has_the_unit_of_its_size(value, said):
    assert duration(value) == said


def test_an_invocation_is_timed_to_the_tenth_below_three_minutes():
    assert [elapsed(43.2), elapsed(121.3), elapsed(432.1)] == ["43.2 s", "121.3 s", "7m12s"]


def test_a_limit_has_no_needless_fraction():
    assert [bare(5.0), bare(0.5), bare(2.5)] == ["5 s", "500 ms", "2.5 s"]


def test_a_quantity_speaks_the_unit_of_its_limit():
    assert quantity(0.3, "s", like=2.0) == "0.3 s"
    assert quantity(0.3, "s") == "300 ms"
    assert quantity(None, "s") == "n too small"
    assert [quantity(4, ""), quantity(4.2e6, "B"), quantity(20, "%")] == ["4", "4.2 MB", "20 %"]


def test_a_missed_limit_is_not_written_as_if_it_held():
    expected = Expectation(metric="recovery", sort="under", limit=5.0, unit="s")
    missed = ExpectationVerdict(metric="recovery", limit="", state=LawState.FAILED, measured=Interval(value=6.2))
    assert against(expected, missed) == "recovery 6.2 s (limit < 5 s)"


def test_an_interval_of_one_value_is_not_shown():
    assert spread(Interval(value=1.0, low=1.0, high=1.0)) == ""
    assert spread(Interval(value=0.009, low=0.0084, high=0.0107)) == "8.4 ms … 11 ms"


def test_control_characters_and_bidirectional_marks_are_replaced():
    assert printable("a\x1b\x00\u202eb\ud800c\td") == "a\ufffd\ufffd\ufffdb\ufffdc\td"


def test_a_long_line_is_cut_with_an_ellipsis():
    assert one_line("a  b\nc" + "d" * 40, 8) == "a b cdd…"


def test_wrapped_text_hangs():
    assert wrapped("one two three", indent="- ", hanging="  ", width=9) == ["- one two", "  three"]


@pytest.mark.parametrize(
    ("text", "width", "cut"),
    [
        ("p99 4.8 ms on wifi (752)", 22, "p99 4.8 ms on wifi…"),
        ("stale for 110 s of silence", 13, "stale for…"),
        ("stale for 110 s of silence", 16, "stale for 110 s…"),
        ("212 of 380 planned", 12, "212 of 380…"),
        ("well, this", 8, "well…"),
    ],
)
def test_no_figure_is_cut_from_its_unit(text, width, cut):
    assert one_line(text, width) == cut


def test_whole_parts_are_shown_while_they_fit():
    parts = ["recovery 1.9 s < 5 s", "attempts 2 ≤ 6", "terminal 0.3 s < 2 s"]
    assert fitting(parts, 60, " · ") == "recovery 1.9 s < 5 s · attempts 2 ≤ 6 · terminal 0.3 s < 2 s"
    assert fitting(parts, 59, " · ") == "recovery 1.9 s < 5 s · attempts 2 ≤ 6 · …"
    assert fitting(parts, 40, " · ") == "recovery 1.9 s < 5 s · …"


def test_no_line_breaks_between_a_figure_and_what_it_counts():
    text = "limits missed: recovery 6.2 s (limit < 5 s), 6 not judged"
    for width in range(16, 60):
        lines = wrapped(text, indent="", width=width)
        assert " ".join(lines) == text
        assert not [line for line in lines if line[-1] in "0123456789<"]
