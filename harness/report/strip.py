"""The strip: what the network did, what the client believed, and what the app got, above one another in time."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from harness.judge.verdict import Span
from harness.report.canvas import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PAPER,
    PURPLE,
    RED,
    SKY,
    VEIL,
    Drawing,
    dots,
    nothing,
    time_axis,
    words,
)
from harness.report.saying import one_line
from harness.report.series import Series, Update

MOST = 4000
"""More ordinary arrivals than this are thinned, and the figure says so. Lost and replayed ones are all drawn."""

ROWS = 3
"""Rows for the labels of deeds; a deed that finds no room keeps its line."""

LONGEST_NAME = 17
"""Characters of a lane's name that the margin has room for."""

# Colour, and a hatch as the second cue: the worse, the denser.
_LOOK = {
    "up": (GREEN, ""),
    "stalled": (ORANGE, "."),
    "silent": (RED, "xx"),
    "closed": (PURPLE, "\\\\"),
    "reset": (PURPLE, "||"),
    "refused": (PURPLE, "--"),
    "unreachable": (RED, "++"),
    "connecting": (SKY, "//"),
    "connected": (GREEN, ""),
    "connected, yet stale": (RED, "xx"),
    "reconnecting": (ORANGE, "//"),
    "polling": (PURPLE, "."),
    "closed ": (VEIL, ""),
    "suspended": (MUTED, "\\\\"),
    "paused": (MUTED, "."),
}
_BOX = (PURPLE, "//")
"""The look of what a box, the server or the job was told to do."""

# On the connection's lane: a poll that was answered, a gap told to the app, a gap that the server said aloud.
_MARKS = {"poll": ("|", PURPLE), "gap": ("X", RED), "gap said": ("d", ORANGE)}
_SAID = {"poll": "poll answered", "gap": "gap told to the app", "gap said": "gap said by the server"}


def draw(drawing: Drawing, series: Series, *, start: float, end: float) -> None:
    """Draw the strip between two moments into an empty drawing."""
    lanes = [*series.paths.items(), *series.others.items(), ("connection", _client_words(series.connection))]
    lanes += [("% connected", [])] if series.crowd else []
    labels = _placed([(at, text) for at, text in series.deeds if start <= at <= end], start, end)
    axes = drawing.rows([0.42 * len(lanes), 2.4], top=0.1 + 0.18 * (1 + max((row for *_, row in labels), default=0)))
    bands, events = axes
    bands.set_ylim(len(lanes) - 0.42, -0.58)
    bands.set_yticks(range(len(lanes)), [one_line(name, LONGEST_NAME) for name, _ in lanes])
    for tick in bands.get_yticklabels():
        tick.set_parse_math(False)
    bands.tick_params(length=0)
    bands.xaxis.set_visible(False)
    bands.spines[:].set_visible(False)
    for row, (name, spans) in enumerate(lanes):
        _band(bands, row, spans, start, end, usual=_BOX if name in series.others else (SKY, ""))
    _marked(bands, series, len(lanes) - (2 if series.crowd else 1), start, end)
    if series.crowd:
        _crowd(bands, series, len(lanes) - 1)
    _events(events, series, start, end)
    failing_line(events, series, start, end)
    time_axis(events, start, end)
    _deeds(bands, events, labels, start, end)


def _client_words(spans: Sequence[Span]) -> list[Span]:
    """Tell a client that is done (``closed``) from a path that is closed: nothing is wrong with the former."""
    return [
        Span(start=span.start, end=span.end, label="closed " if span.label == "closed" else span.label)
        for span in spans
    ]


def failing_line(axes: Axes, series: Series, start: float, end: float, *, height: float = 0.93) -> None:
    """Mark the moment at which it went wrong, in every figure over time; the words at ``height``."""
    if series.moment is None or not series.failing or not start <= series.moment <= end:
        return
    axes.axvline(series.moment, color=RED, linewidth=1.4, zorder=3.1)
    axes.plot(
        [series.moment], [1.0], transform=axes.get_xaxis_transform(), marker="v", markersize=8, color=RED,
        linestyle="none", clip_on=False, zorder=6,
    )  # fmt: skip
    late = series.moment > start + 0.8 * (end - start)
    axes.annotate(
        "here it failed", (series.moment, height), xycoords=axes.get_xaxis_transform(), xytext=(-6 if late else 6, 0),
        textcoords="offset points", ha="right" if late else "left", va="center", fontsize=8.5, color=INK, zorder=6,
        bbox={"boxstyle": "square,pad=0.2", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.8},
    )  # fmt: skip


def lanes_of(series: Series) -> int:
    """Return how many lanes the strip has above the events."""
    return len(series.paths) + len(series.others) + 1 + bool(series.crowd)


def _marked(axes: Axes, series: Series, row: int, start: float, end: float) -> None:
    """Mark polls and gaps on the connection's lane."""
    for what, (marker, colour) in _MARKS.items():
        at = [mark.at for mark in series.marks if mark.what == what and start <= mark.at <= end]
        tick = marker == "|"
        height = row + {"poll": 0.0, "gap": -0.3, "gap said": 0.3}[what]
        axes.plot(
            at, [height] * len(at), marker=marker, markersize=10 if tick else 7, color=colour,
            markeredgecolor=colour if tick else PAPER, markeredgewidth=1.2 if tick else 0.6, linestyle="none", zorder=4,
        )  # fmt: skip


def _crowd(axes: Axes, series: Series, row: int) -> None:
    """Draw, in a lane of its own, the share of all clients that says it is connected."""
    times = [at for at, _ in series.crowd] + [series.end]
    shares = [share for _, share in series.crowd] + [series.crowd[-1][1]]
    heights = [row + 0.31 - 0.62 * share for share in shares]
    axes.fill_between(times, heights, row + 0.31, step="post", color=GREEN, alpha=0.3, linewidth=0)
    axes.plot(times, heights, drawstyle="steps-post", color=GREEN, linewidth=1.2)


def _band(
    axes: Axes, row: int, spans: Sequence[Span], start: float, end: float, *, usual: tuple[str, str] = (SKY, "")
) -> None:
    for place, span in enumerate(spans):
        left, right = max(start, span.start), min(end, span.end)
        if right <= left:
            continue
        if not span.label:
            axes.plot([left, right], [row, row], color=MUTED, linewidth=1.0, linestyle=(0, (1, 3)))
            continue
        colour, hatch = _LOOK.get(span.label, usual)
        # The hatch is an artist of its own: with a face of the same colour, matplotlib's SVG would hide it.
        size: dict[str, Any] = {"width": right - left, "left": left, "height": 0.62, "linewidth": 0}
        axes.barh(row, facecolor=colour, alpha=0.26, **size)
        if hatch:
            axes.barh(row, facecolor="none", edgecolor=colour, hatch=hatch, alpha=0.45, **size)
        axes.plot([left, left], [row - 0.31, row + 0.31], color=colour, linewidth=1.6)
        shown, beside = _fitting(span.label, (right - left) / (end - start)), left
        if not shown and usual is _BOX:  # after a short band, where nothing follows
            until = spans[place + 1].start if place + 1 < len(spans) else end
            shown, beside = _fitting(span.label, (until - right) / (end - start)), right
        if shown:
            words(
                axes, beside + (end - start) * 0.006, row, shown, va="center", ha="left", fontsize=8.5,
                color=INK, bbox={"boxstyle": "square,pad=0.15", "facecolor": "none", "edgecolor": "none"}, clip_on=True,
            )  # fmt: skip


def _fitting(label: str, share: float) -> str:
    """Return as many whole words of a band's label as fit into this share of the width; none is better than half."""
    text = label.strip()
    while text and share <= 0.012 * len(text) + 0.01:
        text = text.rpartition(" ")[0].rstrip(",+ ")
    return text


def _events(axes: Axes, series: Series, start: float, end: float) -> None:
    axes.set_xlim(start, end)
    axes.set_ylabel("event number")
    axes.grid(visible=True, axis="y")
    if not series.updates:
        nothing(axes, "no record of what the app saw")
        return
    near = [update for update in series.updates if start <= update.due <= end or start <= update.seen <= end]
    axes.plot(
        [update.due for update in near],
        [update.index for update in near],
        color=MUTED,
        linewidth=1.0,
        label="emitted, as intended",
    )
    lost = [update for update in near if math.isinf(update.seen)]
    replayed = [update for update in near if update.replayed and not update.polled]
    polled = [update for update in near if update.polled]
    usual = [update for update in near if not (update.replayed or update.polled) and update.seen <= end]
    step = max(1, -(-len(usual) // MOST))
    shown = usual[::step]
    thinned = f" (every {step}th drawn)" if step > 1 else ""
    _arrivals(axes, shown, BLUE, f"reached the app{thinned}", 2.6)
    _arrivals(axes, replayed, ORANGE, f"replayed: {len(replayed)}", 2.6)
    _arrivals(axes, polled, PURPLE, f"seen by a poll: {len(polled)}", 2.6)
    if replayed:
        last = replayed[-1]
        axes.plot([last.seen], [last.index], marker="^", markersize=6, color=ORANGE, linestyle="none")
    _lost(axes, lost)
    for what, label in _SAID.items():
        count = sum(mark.what == what and start <= mark.at <= end for mark in series.marks)
        if count:
            marker, colour = _MARKS[what]
            axes.plot([], [], marker=marker, color=colour, linestyle="none", label=f"{label}: {count}")
    axes.legend(
        loc="upper left",
        fontsize=8.5,
        handlelength=1.4,
        borderaxespad=0.4,
        frameon=True,
        facecolor=PAPER,
        edgecolor="none",
    )  # fmt: skip


def _arrivals(axes: Axes, updates: Sequence[Update], colour: str, label: str, size: float) -> None:
    if updates:
        seen, index = [update.seen for update in updates], [float(update.index) for update in updates]
        dots(axes, seen, index, colour=colour, size=size, label=label)


def _lost(axes: Axes, lost: Sequence[Update]) -> None:
    """Mark lost events where they were due: a dense run of them as a thick line, with a cross at least every 40th."""
    if not lost:
        return
    every = lost[:: max(1, len(lost) // 40)]
    axes.plot(
        [update.due for update in every], [update.index for update in every], color=RED, linestyle="none", marker="x",
        markersize=5, markeredgewidth=1.4, label=f"lost: {len(lost)}",
    )  # fmt: skip
    dots(
        axes,
        [update.due for update in lost],
        [float(update.index) for update in lost],
        colour=RED,
        size=2.0,
        label="_lost",
    )


def _placed(deeds: Sequence[tuple[float, str]], start: float, end: float) -> list[tuple[float, str, int]]:
    """Return each deed with the row of its label, -1 for none.

    Of deeds whose labels would touch, the first has the highest row, so that no later deed's line crosses a label.
    """
    placed: list[tuple[float, str, int]] = []
    cluster: list[tuple[float, str]] = []
    reach = float("-inf")
    unsaid = [(at, text, -1) for at, text in deeds if not text]
    for at, text in [*(deed for deed in deeds if deed[1]), (float("inf"), "")]:
        if at >= reach and cluster:
            rows = min(ROWS, len(cluster))
            placed += [(at, text, max(-1, rows - 1 - place)) for place, (at, text) in enumerate(cluster)]
            cluster, reach = [], float("-inf")
        cluster.append((at, text))
        reach = max(reach, at + _wide(text, start, end))
    return placed + unsaid


def _wide(text: str, start: float, end: float) -> float:
    return (0.0082 * len(text) + 0.012) * (end - start)


def _deeds(bands: Axes, events: Axes, placed: Sequence[tuple[float, str, int]], start: float, end: float) -> None:
    """Draw each deed as a line through the figure, up to its label."""
    for at, text, row in placed:
        events.axvline(at, color=INK, linewidth=0.8, linestyle=(0, (4, 2)), zorder=3)
        top = -0.62 - 0.46 * max(0, row)
        bands.plot([at, at], [bands.get_ylim()[0], top], color=INK, linewidth=0.8, linestyle=(0, (4, 2)), clip_on=False)
        if row < 0 or not text:
            continue
        left = at + _wide(text, start, end) > end + 0.01 * (end - start)
        shift = (end - start) * (-0.005 if left else 0.005)
        words(bands, at + shift, top, text, ha="right" if left else "left", va="center", fontsize=8.5, color=INK)
