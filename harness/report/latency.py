"""Update latency over the run: each event's delay from its *intended* emission, so that an outage is not hidden."""

import math

from harness.report.canvas import BLUE, GREEN, INK, MUTED, ORANGE, PURPLE, RED, Drawing, nothing, shade, time_axis
from harness.report.panes import SMALL, Marker, Pane
from harness.report.series import Series
from harness.report.strip import MOST, failing_line
from harness.report.surface import Stroke, Words
from harness.report.wording import bare

FLOOR = 0.0005
"""Delays below this are drawn here: a log scale has no zero."""

LIMIT = 0.1
"""The line of the law ``prompt``: 100 ms."""

LABEL = "update latency (log scale)"

TICKS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)


def draw(drawing: Drawing, series: Series) -> None:
    """Draw the latency of each update against the moment it was due."""
    (pane,) = drawing.rows([1])
    time_axis(pane, 0.0, series.end or 1.0)
    came = [update for update in series.updates if not math.isinf(update.seen)]
    if not series.updates:
        pane.y_axis([], label=LABEL)
        nothing(pane, "no record of what the app saw")
        return
    shade(pane, series.faults)
    top = max([10 * LIMIT, *(update.delay for update in came)]) * (6 if series.lost else 2.2)
    pane.y.set(FLOOR * 0.8, top, log=True)
    pane.y_axis([(tick, bare(tick)) for tick in TICKS if tick < top], label=LABEL)
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
            pane.specks([update.due for update in updates], delays, colour, 2.6, label=label + count)
    if series.lost:
        _never(pane, series, top)
    _limit(pane, series)
    for place, span in enumerate(series.steady):
        named = "steady window" if place == 0 else ""
        pane.line([span.start, span.end], [FLOOR, FLOOR], Stroke(GREEN, 4), label=named)
    failing_line(pane, series, 0.0, series.end, height=0.45)
    pane.legend("above")


def _limit(pane: Pane, series: Series) -> None:
    """Draw the limit where the law holds a client to it: in steady windows whose network allows it, nowhere else."""
    pane.level(LIMIT, Stroke(MUTED, 0.7, dash=(0.7, 2.1)))
    for span in series.prompt:
        pane.line([span.start, span.end], [LIMIT, LIMIT], Stroke(INK, 1.6), z=3.0)
    if series.prompt:
        pane.words(series.prompt[0].start, LIMIT * 1.12, "limit 100 ms", Words(SMALL, INK, "start", "bottom"))
    else:
        pane.words(series.end, LIMIT * 1.12, "100 ms: no limit here ", Words(SMALL, MUTED, "end", "bottom"))


def _never(pane: Pane, series: Series, top: float) -> None:
    """Mark the lost in a band of their own above all that came."""
    lost = series.lost
    every = lost[:: max(1, len(lost) // 60)]
    cross = Marker("x", 5, RED, edge_width=1.3)
    pane.marks([update.due for update in every], [top * 0.62] * len(every), cross, label=f"never: {len(lost)}")
    pane.level(top * 0.4, Stroke(MUTED, 0.7))
