import re
from functools import partial

import msgspec
import pytest

from harness.report.canvas import Drawing
from harness.report.figures import draw_figures, planned, zoomed
from harness.report.folder import RunResult, read_results
from harness.report.series import read_series
from tests.growth import times_as_long
from tests.report import synthetic

NAMES = ("strip", "zoom", "staleness", "latency", "distribution")
LABELS = {
    "strip": ("event number", "time in the scenario (s)"),
    "staleness": ("staleness (s)", "time in the scenario (s)"),
    "latency": ("update latency (log scale)", "time in the scenario (s)"),
    "distribution": ("updates later than x", "update latency x, from intended emission (log scale)"),
}


def svg_of(run: RunResult, name: str) -> str:
    return (run.folder / f"{name}.svg").read_text()


def texts(svg: str) -> list[str]:
    return re.findall(r">([^<>]+)</text>", svg)


@pytest.mark.parametrize("name", LABELS)
def test_axes_are_labelled_with_their_units(handoff, name):
    for label in LABELS[name]:
        assert label in texts(svg_of(handoff, name))


def test_every_figure_is_there_twice(half_open):
    for name in NAMES:
        assert (half_open.folder / f"{name}.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert svg_of(half_open, name).startswith("<svg ")


def test_the_strip_names_paths_deeds_and_what_became_of_events(handoff, half_open):
    assert {"wifi", "cellular", "connection", "wifi silent", "device loses wifi", "device joins cellular"} <= set(
        texts(svg_of(handoff, "strip"))
    )
    assert "replayed: 100" in texts(svg_of(handoff, "strip"))
    assert {"lost: 502", "connected, yet stale"} <= set(texts(svg_of(half_open, "strip")))


def test_latency_has_the_line_of_a_hundred_milliseconds_and_the_lost(half_open):
    assert {"limit 100 ms", "never: 502", "steady window"} <= {
        text.strip() for text in texts(svg_of(half_open, "latency"))
    }


def test_the_distribution_marks_its_percentiles_with_intervals(handoff):
    marks = [text for text in texts(svg_of(handoff, "distribution")) if re.match(r"p\d\d ", text)]
    assert [re.sub(r"[\d.]+", "#", mark) for mark in marks] == ["p# # ms (# ms … # ms)"] * 2


def test_colours_of_text_and_axes_follow_the_page(handoff):
    for name in NAMES:
        svg = svg_of(handoff, name)
        assert "currentColor" in svg
        assert not any(colour in svg for colour in ("#000000", "#ffffff", "#1b1c1d", "font-family: 'Deja"))


def test_ids_carry_the_figures_name(handoff):
    ids = re.findall(r'\bid="([^"]+)"', svg_of(handoff, "latency"))
    assert ids
    assert all(found.startswith("latency-") for found in ids)


def test_drawing_twice_gives_the_same_bytes(handoff):
    before = {name: svg_of(handoff, name) for name in NAMES}
    draw_figures(handoff)
    assert {name: svg_of(handoff, name) for name in NAMES} == before


def test_1600_events_are_drawn_in_less_than_twice_the_time_of_100(tmp_path):
    for items in (100, 1600):
        synthetic.put_handoff(tmp_path / str(items), items=items)
        synthetic.put_manifest(tmp_path / str(items))
    few, many = [partial(draw_figures, read_results(tmp_path / str(items)).runs[0]) for items in (100, 1600)]
    assert times_as_long(many, few, bound=2.0) < 2.0


def test_the_zoom_lies_around_the_fault_and_a_short_run_has_none(handoff):
    series = read_series(handoff)
    assert zoomed(series) == pytest.approx((15.08, 27.72), abs=0.01)
    assert zoomed(msgspec.structs.replace(series, end=7.0)) is None
    assert zoomed(msgspec.structs.replace(series, moment=None)) is None


def test_words_from_a_file_are_text_and_no_mathematics(handoff):
    series = read_series(handoff)
    series.deeds[:] = [(20.0, "$\\frac{1}{0}$ <script>alert(1)</script>")]
    (strip, *_) = planned(series)
    drawing = Drawing("strip", strip.height)
    strip.draw(drawing, series)
    svg, _ = drawing.pictures('a <b> & "c"')
    assert "$\\frac{1}{0}$ &lt;script&gt;alert(1)&lt;/script&gt;" in svg
    assert "<title>a &lt;b&gt; &amp; &quot;c&quot;</title>" in svg


def test_a_run_without_records_is_drawn_as_such(tmp_path):
    folder = synthetic.put_handoff(tmp_path, history=False)
    plan = synthetic.handoff_plan()
    draw_figures(RunResult(plan=plan, verdict=synthetic.handoff_verdict(plan), folder=folder))
    assert "no record of what the app saw" in texts((folder / "latency.svg").read_text())
