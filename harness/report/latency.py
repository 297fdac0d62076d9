"""Update latency over the run: each event's delay from its *intended* emission, so that an outage is not hidden."""

import math

from matplotlib.axes import Axes

from harness.report.canvas import BLUE, GREEN, INK, MUTED, ORANGE, PURPLE, RED, Drawing, dots, nothing, shade, time_axis
from harness.report.series import Series
from harness.report.strip import MOST, failing_line
from harness.report.wording import bare

FLOOR = 0.0005
"""Delays below this are drawn here: a log scale has no zero."""

LIMIT = 0.1
"""The line of the law ``prompt``: 100 ms."""

TICKS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)


def draw(drawing: Drawing, series: Series) -> None:
    """Draw the latency of each update against the moment it was due."""
    (axes,) = drawing.rows([1])
    time_axis(axes, 0.0, series.end or 1.0)
    axes.set_ylabel("update latency (log scale)")
    came = [update for update in series.updates if not math.isinf(update.seen)]
    if not series.updates:
        nothing(axes, "no record of what the app saw")
        axes.set_yticks([])
        return
    shade(axes, series.faults)
    top = max([10 * LIMIT, *(update.delay for update in came)]) * (6 if series.lost else 2.2)
    axes.set_yscale("log")
    axes.set_ylim(FLOOR * 0.8, top)
    axes.set_yticks([tick for tick in TICKS if tick < top], [bare(tick) for tick in TICKS if tick < top])
    axes.minorticks_off()
    axes.grid(visible=True, axis="y")
    usual = [update for update in came if not (update.replayed or update.polled)]
    step = max(1, -(-len(usual) // MOST))
    thinned = f", every {step}th drawn" if step > 1 else ""
    for updates, colour, label in (
        (usual[::step], BLUE, f"as it happened: {len(usual)}{thinned}"),
        ([update for update in came if update.replayed and not update.polled], ORANGE, "replayed: "),
        ([update for update in came if update.polled], PURPLE, "seen by a poll: "),
    ):
        if updates:
            count = "" if colour == BLUE else str(len(updates))
            delays = [max(FLOOR, update.delay) for update in updates]
            dots(axes, [update.due for update in updates], delays, colour=colour, size=2.6, label=label + count)
    if series.lost:
        _never(axes, series, top)
    _limit(axes, series)
    for place, span in enumerate(series.steady):
        named = "steady window" if place == 0 else None
        axes.plot([span.start, span.end], [FLOOR, FLOOR], color=GREEN, linewidth=4, solid_capstyle="butt", label=named)
    failing_line(axes, series, 0.0, series.end, height=0.45)
    legend = axes.legend(
        loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=5, fontsize=8.5, handlelength=1.4, borderaxespad=0.1
    )
    legend.set_zorder(5)


def _limit(axes: Axes, series: Series) -> None:
    """Draw the limit where the law holds a client to it: in steady windows whose network allows it, nowhere else."""
    axes.axhline(LIMIT, color=MUTED, linewidth=0.7, linestyle=(0, (1, 3)))
    for span in series.prompt:
        axes.plot([span.start, span.end], [LIMIT, LIMIT], color=INK, linewidth=1.6, solid_capstyle="butt", zorder=3)
    if series.prompt:
        axes.text(series.prompt[0].start, LIMIT * 1.12, "limit 100 ms", ha="left", va="bottom", fontsize=8.5)
    else:
        axes.text(
            series.end, LIMIT * 1.12, "100 ms: no limit here ", ha="right", va="bottom", fontsize=8.5, color=MUTED
        )


def _never(axes: Axes, series: Series, top: float) -> None:
    """Mark the lost in a band of their own above all that came."""
    lost = series.lost
    every = lost[:: max(1, len(lost) // 60)]
    axes.plot(
        [update.due for update in every], [top * 0.62] * len(every), color=RED, linestyle="none", marker="x",
        markersize=5, markeredgewidth=1.3, label=f"never: {len(lost)}",
    )  # fmt: skip
    axes.axhline(top * 0.4, color=MUTED, linewidth=0.7)
