"""Staleness over the run: how old was what the user looked at?"""

from collections.abc import Sequence

from harness.report.canvas import BLUE, INK, Drawing, nothing, shade, time_axis
from harness.report.series import Series, peaks
from harness.report.strip import failing_line
from harness.report.wording import duration

SLICES = 720
"""The curve shows the highest staleness of each of so many slices of the run: no peak is lost."""


def draw(drawing: Drawing, series: Series) -> None:
    """Draw the age of the oldest update that was due and not yet on the screen."""
    (axes,) = drawing.rows([1])
    time_axis(axes, 0.0, series.end or 1.0)
    axes.set_ylabel("staleness (s)")
    if not series.updates:
        nothing(axes, "no record of what the app saw")
        axes.set_yticks([])
        return
    curve = _corners(peaks(series.stale, SLICES, series.end))
    shade(axes, series.faults)
    axes.grid(visible=True, axis="y")
    times, values = [time for time, _ in curve], [value for _, value in curve]
    axes.fill_between(times, values, color=BLUE, alpha=0.18, linewidth=0)
    axes.plot(times, values, color=BLUE, linewidth=1.5, label=f"highest in each {duration(series.end / SLICES)}")
    worst = max(range(len(values)), key=values.__getitem__)
    axes.set_ylim(0, max(values[worst] * 1.22, 0.1))
    if values[worst] > 0.1:
        axes.plot([times[worst]], [values[worst]], marker="o", markersize=5, color=INK, linestyle="none")
        late = times[worst] > series.end * 0.75
        axes.annotate(
            f"{duration(values[worst])} stale", (times[worst], values[worst]), xytext=(-7 if late else 7, 3),
            textcoords="offset points", ha="right" if late else "left", va="bottom", fontsize=9,
        )  # fmt: skip
    failing_line(axes, series, 0.0, series.end)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, fontsize=8.5, handlelength=1.4, borderaxespad=0.1)


def _corners(curve: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the curve without the inner points of its level stretches: most of a run nothing is stale."""
    ends = {0, len(curve) - 1}
    return [
        point
        for place, point in enumerate(curve)
        if place in ends or not curve[place - 1][1] == point[1] == curve[place + 1][1]
    ]
