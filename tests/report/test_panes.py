"""Axes: where values are, what is round, what covers what, and where a legend has room."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.panes import LegendEntry, Marker, Pane, Scale, _rows, steps
from harness.report.surface import Box, Fill, Stroke, Surface, Words

BOX = Box(50.0, 10.0, 150.0, 60.0)
LINE = Stroke("#000001", 1.0)


def a_pane():
    return Pane(BOX, ink="#000002", muted="#000003", grid="#000004", paper="#000005")


def drawn(pane):
    surface = Surface("figure", 200.0, 100.0, dpi=72, in_page={})
    pane.draw(surface)
    return surface.svg("")


def paths(svg):
    return re.findall(r'<path d="([^"]*)"', svg)


def test_a_scale_goes_from_its_beginning_to_its_end():
    scale = Scale()
    scale.set(10.0, 30.0)
    assert list(scale.share([10.0, 20.0, 30.0])) == [0.0, 0.5, 1.0]
    scale.set(2.0, -0.5)  # lanes are counted downwards
    assert list(scale.share([2.0, -0.5])) == [0.0, 1.0]
    scale.set(1.0, 100.0, log=True)
    assert list(scale.share([1.0, 10.0, 100.0])) == pytest.approx([0.0, 0.5, 1.0])


def test_a_scale_without_length_and_a_zero_on_a_logarithmic_one_are_somewhere():
    scale = Scale()
    scale.set(3.0, 3.0)
    assert math.isfinite(scale.share(3.0))
    scale.set(1.0, 100.0, log=True)
    assert -10.0 < scale.share(0.0) < -1.0


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.0, 40.0, ["0", "5", "10", "15", "20", "25", "30", "35", "40"]),
        (0.0, 120.0, ["0", "20", "40", "60", "80", "100", "120"]),
        (0.0, 0.1, ["0", "0.02", "0.04", "0.06", "0.08", "0.1"]),
        (15.08, 27.72, ["16", "18", "20", "22", "24", "26"]),
    ],
)
def test_ticks_are_round(low, high, said):
    scale = Scale()
    scale.set(low, high)
    assert [label for _, label in scale.ticks(9)] == said


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 12))
def test_ticks_are_on_the_axis_and_not_too_many(low, length, most):
    scale = Scale()
    scale.set(low, low + length)
    ticks = [value for value, _ in scale.ticks(most)]
    assert len(ticks) <= most + 1
    assert all(low - 1e-6 * length <= value <= low + 1.000001 * length for value in ticks)


def test_values_are_at_their_places():
    pane = a_pane()
    pane.x.set(0.0, 10.0)
    pane.y.set(0.0, 100.0)
    pane.line([0.0, 5.0, 10.0], [0.0, 50.0, 100.0], LINE)
    assert paths(drawn(pane)) == ["M50.0 60.0L100.0 35.0L150.0 10.0"]


def test_what_is_not_finite_breaks_a_line():
    pane = a_pane()
    ys = [0.0, 1.0, math.nan, 0.0, 1.0, math.inf, 0.5]
    pane.line([0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0], ys, LINE)
    assert paths(drawn(pane)) == ["M50.0 60.0L70.0 10.0M110.0 60.0L130.0 10.0"]


def test_the_higher_is_drawn_later_whatever_was_said_first():
    pane = a_pane()
    pane.words(0.5, 0.5, "above", Words(9.0, "#000002"))
    pane.line([0.0, 1.0], [0.0, 1.0], LINE)
    pane.band((0.0, 1.0), (0.0, 1.0), Fill("#000006"))
    pane.shade(0.2, 0.4, Fill("#000007"))
    svg = drawn(pane)
    assert sorted(svg.index(mark) for mark in ("#000007", "#000006", "#000001", "above")) == [
        svg.index(mark) for mark in ("#000007", "#000006", "#000001", "above")
    ]


def test_nothing_is_drawn_of_no_values_and_their_label_is_in_the_legend():
    pane = a_pane()
    pane.line([], [], LINE)
    pane.specks([], [], "#000001", 2.0)
    pane.area([], 0.0, [], Fill("#000001"))
    pane.marks([], [], Marker("o", 4.0, "#000001"), label="none yet")
    assert paths(drawn(pane)) == []
    pane.legend("above")
    assert re.findall(r">([^<>]+)</text>", drawn(pane)) == ["none yet"]


@pytest.mark.parametrize("shape", list("ox|^vDdX"))
def test_every_shape_is_around_its_place(shape):
    pane = a_pane()
    pane.marks([0.5], [0.5], Marker(shape, 10.0, "#000001"))
    (data,) = paths(drawn(pane))
    corners = [tuple(map(float, place.split())) for place in re.findall(r"[\d.]+ [\d.]+", data)]
    assert max(math.hypot(x - 100.0, y - 35.0) for x, y in corners) <= 7.2


def test_the_axes_have_ticks_labels_and_a_grid():
    pane = a_pane()
    pane.x_axis([(0.0, "nought"), (1.0, "one")], label="across", below=20.0)
    pane.y_axis([(0.5, "half")], label="up")
    svg = drawn(pane)
    assert re.findall(r">([^<>]+)</text>", svg) == ["nought", "one", "across", "half", "up"]
    assert paths(svg)[:2] == ["M50.0 10.0L50.0 60.0M150.0 10.0L150.0 60.0", "M50.0 35.0L150.0 35.0"]
    assert {"M50.0 60.0L150.0 60.0", "M50.0 60.0L50.0 10.0", "M46.5 35.0L50.0 35.0"} <= set(paths(svg))


def test_words_from_a_peer_are_printable_and_have_paper_behind_them():
    pane = a_pane()
    pane.words(0.0, 1.0, "a\x1b[2Jb", Words(10.0, "#000002"), shift=(5.0, 0.0), mask=0.5, of_height=True)
    svg = drawn(pane)
    assert "\x1b" not in svg
    assert "fill: #000005; fill-opacity: 0.5" in svg
    assert '<text x="55.0" y="13.6"' in svg


def test_a_value_is_kept_until_the_next():
    assert steps([0.0, 1.0, 3.0], [5.0, 6.0, 7.0]) == ([0.0, 1.0, 1.0, 3.0, 3.0], [5.0, 5.0, 6.0, 6.0, 7.0])
    assert steps([], []) == ([], [])


def test_a_legend_has_as_many_rows_as_it_needs():
    assert _rows([40.0, 40.0], 200.0) == [[0, 1]]
    assert _rows([100.0, 100.0, 20.0, 300.0], 200.0) == [[0], [1, 2], [3]]
    assert _rows([], 200.0) == [[]]


@pytest.mark.parametrize("where", ["above", "upper left", "lower right"])
def test_a_legend_shows_the_look_of_each_of_its_lines(where):
    pane = a_pane()
    pane.line([0.0, 1.0], [0.0, 1.0], LINE, label="a line")
    pane.legend(where, LegendEntry("a band", (Fill("#000008"), Fill("#000009", 1.0, "//"))))
    svg = drawn(pane)
    assert re.findall(r">([^<>]+)</text>", svg) == ["a line", "a band"]
    assert "#000008" in svg
    assert "figure-hatch-2f2f-000009" in svg
