"""The share of updates that were later than x: the distribution's tail, which is what users meet."""

import math
from collections.abc import Sequence

from harness.judge.percentiles import estimate
from harness.report.canvas import BLUE, GREEN, INK, RED, X_LABEL, Drawing, nothing
from harness.report.latency import FLOOR, LIMIT, TICKS
from harness.report.panes import SMALL, Marker, Pane, steps
from harness.report.series import Series
from harness.report.surface import Stroke, Words
from harness.report.wording import bare, duration

MOST_STEPS = 400
"""A curve of more samples is drawn through so many of its ranks, evenly on the log scale of the tail."""

X, Y = "update latency x, from intended emission (log scale)", "updates later than x"


def draw(drawing: Drawing, series: Series) -> None:
    """Draw the share of updates later than x, for the whole run and for the steady windows, with p50 and p99."""
    (pane,) = drawing.rows([1])
    whole = sorted(update.delay for update in series.updates)
    if not whole:
        pane.x_axis([], label=X, below=X_LABEL)
        pane.y_axis([], label=Y)
        nothing(pane, "no record of what the app saw")
        return
    windows = series.prompt or series.steady  # where the law has a say, only what it judges
    steady = sorted(
        update.delay for update in series.updates if any(span.start <= update.due <= span.end for span in windows)
    )
    named = "steady windows held to 100 ms" if series.prompt else "steady windows"
    finite = [delay for delay in whole if not math.isinf(delay)]
    right = max([10 * LIMIT, *finite]) * 2
    pane.x.set(FLOOR, right, log=True)
    pane.y.set(0.6 / len(whole), 1.6, log=True)
    pane.x_axis([(tick, bare(tick)) for tick in TICKS if tick < right], label=X, below=X_LABEL)
    shares = [share for share in (1.0, 0.1, 0.01, 0.001, 0.0001) if share > 0.6 / len(whole)]
    pane.y_axis([(share, f"{share * 100:g} %") for share in shares], label=Y)
    _curve(pane, whole, Stroke(BLUE, 1.8), right=right, label=f"whole run: {len(whole)}")
    if steady and len(steady) < len(whole):
        _curve(pane, steady, Stroke(GREEN, 1.8, dash=(9, 2.7)), right=right, label=f"{named}: {len(steady)}")
    if series.prompt:
        pane.upright(LIMIT, Stroke(INK, 1.0, dash=(6, 2)))
        pane.words(LIMIT * 1.05, 1.25, "limit 100 ms", Words(SMALL, INK))
    _marks(pane, steady or whole)
    lost = len(whole) - len(finite)
    if lost:
        share = lost / len(whole)
        pane.level(share, Stroke(RED, 0.9, dash=(1.8, 1.8)))
        pane.words(right * 0.95, share * 0.6, f"{share:.0%} never came", Words(SMALL, INK, "end", "top"))
    pane.legend("above")


def _curve(pane: Pane, ordered: Sequence[float], stroke: Stroke, *, right: float, label: str) -> None:
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
    pane.line(*steps(xs, ys), stroke, label=label)


def _marks(pane: Pane, ordered: Sequence[float]) -> None:
    """Mark p50 and p99 with their 95 % intervals; none where the sample is too small to say."""
    for name, share, marker in (("p50", 0.5, "o"), ("p99", 0.01, "D")):
        found = estimate(ordered, name)
        if found.value is None or found.low is None or found.high is None or math.isinf(found.value):
            continue
        pane.line([found.low, found.high], [share, share], Stroke(INK, 2.2), z=4.0)
        pane.marks([found.value], [share], Marker(marker, 5.5, INK), z=5.0)
        text = f"{name} {duration(found.value)} ({duration(found.low)} … {duration(found.high)})"
        # Below and left of a falling curve there is always room, but for the axis; above and right of it, too.
        near = math.log(max(found.low, FLOOR) / FLOOR) < 0.4 * math.log(pane.x.high / FLOOR)
        look = Words(SMALL, INK, "start" if near else "end", "bottom" if near else "top")
        pane.words(found.high if near else found.low, share, text, look, shift=(7, -8) if near else (-7, 2))
