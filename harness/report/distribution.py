"""How many updates were later than x: the distribution's tail, which is what users meet."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from harness.judge.percentiles import estimate
from harness.report.canvas import BLUE, GREEN, INK, RED, Drawing, nothing
from harness.report.latency import FLOOR, LIMIT, TICKS
from harness.report.series import Series
from harness.report.wording import bare, duration

MOST_STEPS = 400
"""A curve of more samples is drawn through so many of its ranks, evenly on the log scale of the tail."""


def draw(drawing: Drawing, series: Series) -> None:
    """Draw the share of updates later than x, for the whole run and for the steady windows, with p50 and p99."""
    (axes,) = drawing.rows([1])
    axes.set_xlabel("update latency x, from intended emission (log scale)")
    axes.set_ylabel("updates later than x")
    whole = sorted(update.delay for update in series.updates)
    if not whole:
        nothing(axes, "no record of what the app saw")
        axes.set_xticks([])
        axes.set_yticks([])
        return
    windows = series.prompt or series.steady  # where the law has a say, only what it judges
    steady = sorted(
        update.delay for update in series.updates if any(span.start <= update.due <= span.end for span in windows)
    )
    named = "steady windows held to 100 ms" if series.prompt else "steady windows"
    finite = [delay for delay in whole if not math.isinf(delay)]
    right = max([10 * LIMIT, *finite]) * 2
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(FLOOR, right)
    axes.set_ylim(0.6 / len(whole), 1.6)
    axes.set_xticks([tick for tick in TICKS if tick < right], [bare(tick) for tick in TICKS if tick < right])
    shares = [share for share in (1.0, 0.1, 0.01, 0.001, 0.0001) if share > 0.6 / len(whole)]
    axes.set_yticks(shares, [f"{share * 100:g} %" for share in shares])
    axes.minorticks_off()
    axes.grid(visible=True)
    _curve(axes, whole, right=right, color=BLUE, label=f"whole run: {len(whole)}")
    if steady and len(steady) < len(whole):
        _curve(axes, steady, right=right, color=GREEN, linestyle=(0, (5, 1.5)), label=f"{named}: {len(steady)}")
    if series.prompt:
        axes.axvline(LIMIT, color=INK, linewidth=1.0, linestyle=(0, (6, 2)))
        axes.text(LIMIT * 1.05, 1.25, "limit 100 ms", ha="left", va="center", fontsize=8.5)
    _marks(axes, steady or whole)
    lost = len(whole) - len(finite)
    if lost:
        share = lost / len(whole)
        axes.axhline(share, color=RED, linewidth=0.9, linestyle=(0, (2, 2)))
        axes.text(right * 0.95, share * 0.6, f"{share:.0%} never came", color=INK, ha="right", va="top", fontsize=8.5)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, fontsize=8.5, handlelength=2, borderaxespad=0.1)


def _curve(axes: Axes, ordered: Sequence[float], *, right: float, **look: Any) -> None:
    """Draw one minus the empirical distribution, as steps. The lost stay above the curve's right end."""
    n = len(ordered)
    if n <= MOST_STEPS:
        ranks = list(range(n))
    else:  # ranks from the top, spread evenly on a log scale, so that the tail keeps every sample
        ranks = sorted({n - round(n ** (place / MOST_STEPS)) for place in range(MOST_STEPS + 1)})
    came = [rank for rank in ranks if not math.isinf(ordered[rank])]
    xs = [FLOOR] + [max(FLOOR, ordered[rank]) for rank in came]
    ys = [1.0] + [(n - rank - 1) / n or 0.3 / n for rank in came]
    if len(came) < len(ranks):
        xs, ys = [*xs, right], [*ys, ys[-1]]
    axes.step(xs, ys, where="post", linewidth=1.8, **look)


def _marks(axes: Axes, ordered: Sequence[float]) -> None:
    """Mark p50 and p99 with their 95 % intervals; none where the sample is too small to say."""
    for name, share, marker in (("p50", 0.5, "o"), ("p99", 0.01, "D")):
        found = estimate(ordered, name)
        if found.value is None or found.low is None or found.high is None or math.isinf(found.value):
            continue
        axes.plot([found.low, found.high], [share, share], color=INK, linewidth=2.2, solid_capstyle="butt", zorder=4)
        axes.plot([found.value], [share], color=INK, marker=marker, markersize=5.5, linestyle="none", zorder=5)
        text = f"{name} {duration(found.value)} ({duration(found.low)} … {duration(found.high)})"
        # Below and left of a falling curve there is always room, but for the axis; above and right of it, too.
        near = math.log(max(found.low, FLOOR) / FLOOR) < 0.4 * math.log(axes.get_xlim()[1] / FLOOR)
        axes.annotate(
            text, (found.high if near else found.low, share), xytext=(7, 8) if near else (-7, -2),
            textcoords="offset points", fontsize=8.5, ha="left" if near else "right", va="bottom" if near else "top",
        )  # fmt: skip
