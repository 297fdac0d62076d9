"""All figures of a run, as files beside its verdict: SVG for the page, PNG on white for everything else."""

from collections.abc import Callable
from pathlib import Path

import msgspec

import harness.report.plotting  # noqa: F401 - before anything else loads matplotlib
from harness.report import distribution, latency, staleness, strip
from harness.report.canvas import INK, Drawing, time_axis
from harness.report.folder import RunResult, write_bytes, write_text
from harness.report.series import Series, read_series
from harness.report.surface import Stroke

ZOOM = 0.12
"""The zoomed strip shows this share of the run before and after the failing moment, and at least ``ZOOM_LEAST``."""

ZOOM_LEAST = 2.0

MOST_OF_IT = 0.8
"""A zoom that would show more than this share of the run is none."""

Draw = Callable[[Drawing, Series], None]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure: the name of its files, its caption, its height in inches, and who draws it."""

    name: str
    caption: str
    height: float
    draw: Draw


def planned(series: Series) -> list[Figure]:
    """Return the figures of a run: the strip, whole and zoomed at the failure or first fault, and three measures."""
    end = series.end or 1.0
    found = [
        Figure(
            name="strip",
            caption="What the network did, what the client said, and which events reached the app when",
            height=strip.height(series, 0.0, end),
            draw=lambda drawing, series: strip.draw(drawing, series, start=0.0, end=end),
        ),
        Figure(
            name="staleness",
            caption="Staleness: the age of the oldest update that was due and not on the screen",
            height=2.5,
            draw=staleness.draw,
        ),
        Figure(
            name="latency",
            caption="Update latency, from intended emission to the app",
            height=3.0,
            draw=latency.draw,
        ),
        Figure(
            name="distribution",
            caption="Share of updates later than x; p50 and p99 with their 95 % intervals",
            height=3.0,
            draw=distribution.draw,
        ),
    ]
    window = zoomed(series)
    if window:
        since, until = window
        what = "failing moment" if series.failing else "first fault"
        found.insert(
            1,
            Figure(
                name="zoom",
                caption=f"The strip from {since:.1f} s to {until:.1f} s, around the {what}",
                height=strip.height(series, since, until),
                draw=lambda drawing, series: strip.draw(drawing, series, start=since, end=until),
            ),
        )
    return found


def zoomed(series: Series) -> tuple[float, float] | None:
    """Return the part of the run around the failing moment, or from the first fault until the app had caught up.

    None without such a moment, or where it would be most of the run.
    """
    if series.moment is None or series.end <= 4 * ZOOM_LEAST:
        return None
    around = max(ZOOM_LEAST, ZOOM * series.end)
    until = series.moment if series.failing else max(series.moment, series.caught_up or 0.0)
    start, end = max(0.0, series.moment - around), min(series.end, until + around)
    return (start, end) if end - start < MOST_OF_IT * series.end else None


def draw_figures(run: RunResult) -> list[Path]:
    """Draw all figures of a run into its folder and return the files. From the files of the run alone."""
    series = read_series(run)
    for left in run.folder.glob("*.svg"):  # a page holds them as they are: none that was not drawn here
        left.unlink()
    written = []
    for figure in planned(series):
        caption = f"{figure.caption} ({series.caption})" if series.caption else figure.caption
        drawing = Drawing(figure.name, figure.height)
        figure.draw(drawing, series)
        markup, pixels = drawing.pictures(caption)
        svg, png = run.folder / f"{figure.name}.svg", run.folder / f"{figure.name}.png"
        write_text(svg, markup)
        write_bytes(png, pixels)
        written += [svg, png]
    return written


def practise() -> None:
    """Draw something and throw it away, so that fonts and caches are filled before there is anything to draw."""
    drawing = Drawing("practice", 2.0)
    (pane,) = drawing.rows([1])
    time_axis(pane, 0.0, 1.0)
    pane.line([0.0, 1.0], [0.0, 1.0], Stroke(INK), label="0123456789")
    pane.legend("above")
    drawing.pictures("practice")
