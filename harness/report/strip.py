"""The strip: what the network did, what the client believed, and what the app got, above one another in time."""

import math
from collections.abc import Sequence
from typing import Any

import msgspec
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Patch

from harness.judge.verdict import Span
from harness.report.canvas import (
    BLUE,
    BOTTOM,
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
from harness.report.series import Series, Update
from harness.report.wording import one_line, plural

MOST = 4000
"""More ordinary arrivals than this are thinned, and the figure says so. Lost and replayed ones are all drawn."""

ROWS = 8
"""Rows for the labels of deeds; a deed that finds no room is counted in the label of the one after it."""

LANE, LABEL_ROW, EVENTS = 0.37, 0.18, 2.1
"""Inches: a lane, a row of labels above the lanes, the events below them."""

LONGEST_NAME = 17
"""Characters of a lane's name that the margin has room for."""

LONGEST_LABEL = 70
"""Characters of the label of all that was done in one instant."""

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
_MASK: dict[str, Any] = {"boxstyle": "square,pad=0.15", "edgecolor": "none", "alpha": 0.75}
"""Behind words that a line may cross."""

# On the connection's lane: a poll that was answered, a gap told to the app, a gap that the server said aloud.
_MARKS = {"poll": ("|", PURPLE), "gap": ("X", RED), "gap said": ("d", ORANGE)}
_SAID = {"poll": "poll answered", "gap": "gap told to the app", "gap said": "gap said by the server"}


class Label(msgspec.Struct, frozen=True):
    """The words of what was done at one moment, and the row above the lanes where they stand; row 0 is the lowest."""

    at: float
    text: str
    row: int


def height(series: Series, start: float, end: float) -> float:
    """Return how many inches the strip between two moments needs."""
    lanes = len(_lanes(series, start, end)) + bool(series.crowd)
    return BOTTOM + EVENTS + LANE * lanes + _top(labels_of(series, start, end))


def draw(drawing: Drawing, series: Series, *, start: float, end: float) -> None:
    """Draw the strip between two moments into an empty drawing."""
    lanes = _lanes(series, start, end)
    count = len(lanes) + bool(series.crowd)
    labels = labels_of(series, start, end)
    bands, events = drawing.rows([LANE * count, EVENTS], top=_top(labels))
    bands.set_ylim(count - 0.42, -0.58)
    names = [one_line(name, LONGEST_NAME) for name, _ in lanes] + ["% connected"] * bool(series.crowd)
    bands.set_yticks(range(count), names)
    for tick in bands.get_yticklabels():
        tick.set_parse_math(False)
    bands.tick_params(length=0)
    bands.xaxis.set_visible(False)
    bands.spines[:].set_visible(False)
    for row, (name, spans) in enumerate(lanes):
        _band(bands, row, spans, start, end, box=name in series.others)
    _marked(bands, series, len(lanes) - 1, start, end)
    if series.crowd:
        _crowd(bands, series, len(lanes))
    _events(events, series, start, end, wordless=_wordless(lanes, series, start, end))
    failing_line(events, series, start, end)
    time_axis(events, start, end)
    _deeds(bands, events, [at for at, _ in series.deeds if start <= at <= end], labels)
    _felt(bands, [(at, felt) for at, felt in series.felt if start <= at <= end])


def _top(labels: Sequence[Label]) -> float:
    return 0.1 + LABEL_ROW * (1 + max((label.row for label in labels), default=0))


def _lanes(series: Series, start: float, end: float) -> list[tuple[str, list[Span]]]:
    """Return the lanes above the events: all paths, of the others those that say anything here, the connection."""
    here = [
        (name, spans)
        for name, spans in series.others.items()
        if any(span.start < end and span.end > start for span in spans)
    ]
    return [*series.paths.items(), *here, ("connection", _client_words(series.connection))]


def labels_of(series: Series, start: float, end: float) -> list[Label]:
    """Return the words above the lanes: of each deed that no lane says, or whose band has no room for its words."""
    said = [(at, text) for at, text in series.deeds if text and start <= at <= end]
    for name, spans in series.others.items():
        said += [(max(start, span.start), f"{name} {span.label}") for span in _unsaid(spans, start, end)]
    return _placed(sorted(said, key=lambda one: one[0]), start, end)


def _unsaid(spans: Sequence[Span], start: float, end: float) -> list[Span]:
    """Return the bands of a box, the server or the job that are seen, and have no room for one word."""
    return [
        span
        for place, span in enumerate(spans)
        if span.start < end and span.end > start and not _words_of(spans, place, start, end, box=True)[1]
    ]


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


def _band(axes: Axes, row: int, spans: Sequence[Span], start: float, end: float, *, box: bool) -> None:
    for place, span in enumerate(spans):
        left, right = max(start, span.start), min(end, span.end)
        if right <= left:
            continue
        if not span.label:
            axes.plot([left, right], [row, row], color=MUTED, linewidth=1.0, linestyle=(0, (1, 3)))
            continue
        colour, hatch = _LOOK.get(span.label, _BOX if box else (SKY, ""))
        # The hatch is an artist of its own: with a face of the same colour, matplotlib's SVG would hide it.
        size: dict[str, Any] = {"width": right - left, "left": left, "height": 0.62, "linewidth": 0}
        axes.barh(row, facecolor=colour, alpha=0.26, **size)
        if hatch:
            axes.barh(row, facecolor="none", edgecolor=colour, hatch=hatch, alpha=0.45, **size)
        axes.plot([left, left], [row - 0.31, row + 0.31], color=colour, linewidth=1.6)
        beside, shown = _words_of(spans, place, start, end, box=box)
        if shown:
            words(
                axes, beside + (end - start) * 0.006, row, shown, va="center", ha="left", fontsize=8.5, color=INK,
                bbox={**_MASK, "facecolor": PAPER if beside == right else "none"}, clip_on=True, zorder=5,
            )  # fmt: skip


def _words_of(spans: Sequence[Span], place: int, start: float, end: float, *, box: bool) -> tuple[float, str]:
    """Return where a band's words begin and as many of them as there is room for, in it or, of a box, after it."""
    span = spans[place]
    left, right = max(start, span.start), min(end, span.end)
    shown = _fitting(span.label, (right - left) / (end - start))
    if shown or not box:
        return left, shown
    until = min(end, spans[place + 1].start) if place + 1 < len(spans) else end
    return right, _fitting(span.label, (until - right) / (end - start))


def _fitting(label: str, share: float) -> str:
    """Return as many whole words of a band's label as fit into this share of the width; none is better than half."""
    text = label.strip()
    while text and share <= 0.012 * len(text) + 0.01:
        text = text.rpartition(" ")[0].rstrip(",+ ")
    return text


def _wordless(lanes: Sequence[tuple[str, list[Span]]], series: Series, start: float, end: float) -> list[str]:
    """Return what paths and the connection say in bands too short for a word, wherever they say it."""
    seen: dict[str, bool] = {}
    for name, spans in lanes:
        for place, span in enumerate(spans if name not in series.others else ()):
            if span.label.strip() and span.start < end and span.end > start:
                said = bool(_words_of(spans, place, start, end, box=False)[1])
                seen[span.label] = seen.get(span.label, False) or said
    return [label for label, said in seen.items() if not said]


def _events(axes: Axes, series: Series, start: float, end: float, *, wordless: Sequence[str]) -> None:
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
    unfelt = sum(not felt and start <= at <= end for at, felt in series.felt)
    if unfelt:
        axes.plot(
            [], [], marker="o", markersize=7, markerfacecolor=PAPER, markeredgecolor=ORANGE, markeredgewidth=1.6,
            linestyle="none", label=f"never felt: {plural(unfelt, 'deed')}",
        )  # fmt: skip
    handles, _ = axes.get_legend_handles_labels()
    for label in wordless:
        colour, hatch = _LOOK.get(label, (SKY, ""))
        face, edge = to_rgba(colour, 0.26), to_rgba(colour, 0.45)
        handles.append(Patch(facecolor=face, edgecolor=edge, hatch=hatch, linewidth=0, label=label.strip()))
    # Events rise to the right: either corner is free, unless the words of an early failure stand in the upper one.
    early = series.failing and series.moment is not None and start <= series.moment < start + 0.3 * (end - start)
    axes.legend(
        handles=handles,
        loc="lower right" if early else "upper left",
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


def _placed(said: Sequence[tuple[float, str]], start: float, end: float) -> list[Label]:
    """Return the labels of deeds, in order of time; those of one instant share one.

    A label stands higher than all later ones that begin beside it, so that no later deed's line crosses it. One that
    would stand too high is counted in the label of the next instead.
    """
    told: list[tuple[float, list[str]]] = []
    for at, text in said:
        if told and at - told[-1][0] <= 0.002 * (end - start):
            told[-1][1].append(text)
        else:
            told.append((at, [text]))
    groups = [(at, one_line(", ".join(texts), LONGEST_LABEL), len(texts), 0) for at, texts in told]
    while True:
        labels: list[Label] = []  # the later ones, from right to left
        kept: list[tuple[float, str, int, int]] = []
        for at, text, count, before in reversed(groups):
            label = Label(at, f"{text}, and {before} before" if before else text, 0)
            reach = _extent(label, start, end)[1]
            row = 1 + max((other.row for other in labels if _extent(other, start, end)[0] < reach), default=-1)
            if row < ROWS:
                labels.append(msgspec.structs.replace(label, row=row))
                kept.append((at, text, count, before))
            else:
                kept[-1] = (*kept[-1][:3], kept[-1][3] + count + before)
        if len(kept) == len(groups):
            return labels[::-1]
        groups = kept[::-1]


def _extent(label: Label, start: float, end: float) -> tuple[float, float]:
    """Return from where to where on the time axis the words stand: before their line where the figure ends."""
    wide = (0.0082 * len(label.text) + 0.012) * (end - start)
    before = label.at + wide > end + 0.01 * (end - start)
    return (label.at - wide, label.at) if before else (label.at, label.at + wide)


def _felt(bands: Axes, told: Sequence[tuple[float, bool]]) -> None:
    """Mark each deed at the foot of its line: a dot where it touched a client, a ring where it touched none."""
    for felt, face, edge, size in ((True, INK, INK, 4.0), (False, PAPER, ORANGE, 7.0)):
        at = [when for when, one in told if one is felt]
        bands.plot(
            at, [bands.get_ylim()[0]] * len(at), marker="o", markersize=size, markerfacecolor=face,
            markeredgecolor=edge, markeredgewidth=1.6 if not felt else 0.6, linestyle="none", clip_on=False, zorder=6,
        )  # fmt: skip


def _deeds(bands: Axes, events: Axes, moments: Sequence[float], labels: Sequence[Label]) -> None:
    """Draw a line through the figure for each moment at which something was done, and up to its label if it has one."""
    start, end = events.get_xlim()
    look: Any = {"color": INK, "linewidth": 0.8, "linestyle": (0, (4, 2))}
    floor = bands.get_ylim()[0]
    for at in dict.fromkeys([*moments, *(label.at for label in labels)]):
        events.axvline(at, zorder=3, **look)
        bands.plot([at, at], [floor, -0.36], **look)
    for label in labels:
        top = -0.62 - 0.46 * label.row
        bands.plot([label.at, label.at], [-0.36, top], clip_on=False, **look)
        left = _extent(label, start, end)[0] < label.at
        shift = (end - start) * (-0.005 if left else 0.005)
        words(
            bands, label.at + shift, top, label.text, ha="right" if left else "left", va="center", fontsize=8.5,
            color=INK, bbox={**_MASK, "facecolor": PAPER}, zorder=5,
        )  # fmt: skip
