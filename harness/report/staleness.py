"""Staleness over the run: how old was what the user looked at?"""

from collections.abc import Sequence

from harness.report.canvas import BLUE, INK, Drawing, nothing, shade, time_axis
from harness.report.panes import NORMAL, Marker
from harness.report.series import Series, peaks
from harness.report.strip import failing_line
from harness.report.surface import Fill, Stroke, Words
from harness.report.wording import duration

SLICES = 720
"""The curve shows the highest staleness of each of so many slices of the run: no peak is lost."""

LABEL = "staleness (s)"


def draw(drawing: Drawing, series: Series) -> None:
    """Draw the age of the oldest update that was due and not yet on the screen."""
    (pane,) = drawing.rows([1])
    time_axis(pane, 0.0, series.end or 1.0)
    if not series.updates:
        pane.y_axis([], label=LABEL)
        nothing(pane, "no record of what the app saw")
        return
    curve = _corners(peaks(series.stale, SLICES, series.end))
    times, values = [time for time, _ in curve], [value for _, value in curve]
    worst = max(range(len(values)), key=values.__getitem__)
    pane.y.set(0.0, max(values[worst] * 1.22, 0.1))
    pane.y_axis(pane.y.ticks(6), label=LABEL)
    shade(pane, series.faults)
    pane.area(times, 0.0, values, Fill(BLUE, 0.18))
    pane.line(times, values, Stroke(BLUE, 1.5), label=f"highest in each {duration(series.end / SLICES)}")
    if values[worst] > 0.1:
        pane.marks([times[worst]], [values[worst]], Marker("o", 5, INK))
        late = times[worst] > series.end * 0.75
        look = Words(NORMAL, INK, "end" if late else "start", "bottom")
        said = f"{duration(values[worst])} stale"
        pane.words(times[worst], values[worst], said, look, shift=(-7 if late else 7, -3))
    failing_line(pane, series, 0.0, series.end)
    pane.legend("above")


def _corners(curve: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the curve without the inner points of its level stretches: most of a run nothing is stale."""
    ends = {0, len(curve) - 1}
    return [
        point
        for place, point in enumerate(curve)
        if place in ends or not curve[place - 1][1] == point[1] == curve[place + 1][1]
    ]
