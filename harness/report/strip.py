"""The strip: what the network did, what the client believed, and what the app got, above one another in time."""

import math
from collections.abc import Sequence

import msgspec

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
    nothing,
    time_axis,
)
from harness.report.panes import SMALL, LegendEntry, Marker, Pane, steps
from harness.report.series import Series, Update
from harness.report.surface import Fill, Stroke, Words
from harness.report.wording import one_line, plural

MOST = 4000
"""More ordinary arrivals than this are thinned, and the figure says so. Lost and replayed ones are all drawn."""

ROWS = 8
"""Rows for the labels of deeds; a deed that finds no room is counted in the label of the one after it."""

LANE, LABEL_ROW, EVENTS = 0.37, 0.18, 2.1
"""Inches: a lane, a row of labels above the lanes, the events below them."""

LONGEST_NAME = 17
"""Characters of a lane's name that the margin has room for."""

_EVENTS = "event number"

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
_MASK = 0.75
"""The opacity of the paper behind words that a line may cross."""

_FACE, _HATCH = 0.26, 0.45
"""The opacity of a band: of its face, and of its hatch."""

_MISSED = Marker("o", 7.0, PAPER, ORANGE, 1.6)
"""A deed that touched no client."""

# On the connection's lane: a poll that was answered, a gap told to the app, a gap that the server said aloud.
_MARKS = {
    "poll": Marker("|", 10, PURPLE, edge_width=1.2),
    "gap": Marker("X", 7, RED, PAPER, 0.6),
    "gap said": Marker("d", 7, ORANGE, PAPER, 0.6),
}
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
    bands.x.set(start, end)
    bands.y.set(count - 0.42, -0.58)
    names = [one_line(name, LONGEST_NAME) for name, _ in lanes] + ["% connected"] * bool(series.crowd)
    bands.y_axis([(float(row), name) for row, name in enumerate(names)], lines=False)
    for row, (name, spans) in enumerate(lanes):
        _band(bands, row, spans, start, end, box=name in series.others)
    _marked(bands, series, len(lanes) - 1, start, end)
    if series.crowd:
        _crowd(bands, series, len(lanes))
    time_axis(events, start, end)
    _events(events, series, start, end, wordless=_wordless(lanes, series, start, end))
    failing_line(events, series, start, end)
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


def failing_line(pane: Pane, series: Series, start: float, end: float, *, height: float = 0.93) -> None:
    """Mark the moment at which it went wrong, in every figure over time; the words at ``height``."""
    if series.moment is None or not series.failing or not start <= series.moment <= end:
        return
    pane.upright(series.moment, Stroke(RED, 1.4), z=3.1)
    pane.marks([series.moment], [pane.y.high], Marker("v", 8, RED), z=6.0, clip=False)
    late = series.moment > start + 0.8 * (end - start)
    look = Words(SMALL, INK, "end" if late else "start")
    shift = (-6.0 if late else 6.0, 0.0)
    pane.words(series.moment, height, "here it failed", look, shift=shift, mask=0.8, of_height=True, z=6.0)


def _marked(pane: Pane, series: Series, row: int, start: float, end: float) -> None:
    """Mark polls and gaps on the connection's lane."""
    for what, mark in _MARKS.items():
        at = [mark.at for mark in series.marks if mark.what == what and start <= mark.at <= end]
        height = row + {"poll": 0.0, "gap": -0.3, "gap said": 0.3}[what]
        pane.marks(at, [height] * len(at), mark, z=4.0)


def _crowd(pane: Pane, series: Series, row: int) -> None:
    """Draw, in a lane of its own, the share of all clients that says it is connected."""
    times = [at for at, _ in series.crowd] + [series.end]
    shares = [share for _, share in series.crowd] + [series.crowd[-1][1]]
    across, heights = steps(times, [row + 0.31 - 0.62 * share for share in shares])
    pane.area(across, row + 0.31, heights, Fill(GREEN, 0.3))
    pane.line(across, heights, Stroke(GREEN, 1.2))


def _fills(colour: str, hatch: str) -> tuple[Fill, ...]:
    """Return how a band looks."""
    return (Fill(colour, _FACE), *[Fill(colour, _HATCH, hatch)] * bool(hatch))


def _band(pane: Pane, row: int, spans: Sequence[Span], start: float, end: float, *, box: bool) -> None:
    for place, span in enumerate(spans):
        left, right = max(start, span.start), min(end, span.end)
        if right <= left:
            continue
        if not span.label:
            pane.line([left, right], [row, row], Stroke(MUTED, 1.0, dash=(1, 3)))
            continue
        colour, hatch = _LOOK.get(span.label, _BOX if box else (SKY, ""))
        pane.band((left, right), (row - 0.31, row + 0.31), *_fills(colour, hatch))
        pane.line([left, left], [row - 0.31, row + 0.31], Stroke(colour, 1.6))
        beside, shown = _words_of(spans, place, start, end, box=box)
        if shown:
            mask = _MASK if beside == right else 0.0
            pane.words(beside, row, shown, Words(SMALL, INK), shift=(3.6, 0.0), mask=mask, z=5.0, clip=True)


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


def _events(pane: Pane, series: Series, start: float, end: float, *, wordless: Sequence[str]) -> None:
    if not series.updates:
        pane.y_axis([], label=_EVENTS)
        nothing(pane, "no record of what the app saw")
        return
    near = [update for update in series.updates if start <= update.due <= end or start <= update.seen <= end]
    numbers = [float(update.index) for update in near]
    first, last = min(numbers, default=0.0), max(numbers, default=1.0)
    spare = 0.05 * (last - first) or 0.5
    pane.y.set(first - spare, last + spare)
    pane.y_axis(pane.y.ticks(7), label=_EVENTS)
    pane.line([update.due for update in near], numbers, Stroke(MUTED, 1.0), label="emitted, as intended")
    lost = [update for update in near if math.isinf(update.seen)]
    replayed = [update for update in near if update.replayed and not update.polled]
    polled = [update for update in near if update.polled]
    usual = [update for update in near if not (update.replayed or update.polled) and update.seen <= end]
    step = max(1, -(-len(usual) // MOST))
    shown = usual[::step]
    thinned = f" (every {step}th drawn)" if step > 1 else ""
    _arrivals(pane, shown, BLUE, f"reached the app{thinned}")
    _arrivals(pane, replayed, ORANGE, f"replayed: {len(replayed)}")
    _arrivals(pane, polled, PURPLE, f"seen by a poll: {len(polled)}")
    if replayed:
        pane.marks([replayed[-1].seen], [replayed[-1].index], Marker("^", 6, ORANGE))
    _lost(pane, lost)
    for what, label in _SAID.items():
        count = sum(mark.what == what and start <= mark.at <= end for mark in series.marks)
        if count:
            pane.marks([], [], _MARKS[what], label=f"{label}: {count}")
    unfelt = sum(not felt and start <= at <= end for at, felt in series.felt)
    if unfelt:
        pane.marks([], [], _MISSED, label=f"never felt: {plural(unfelt, 'deed')}")
    more = [LegendEntry(label.strip(), _fills(*_LOOK.get(label, (SKY, "")))) for label in wordless]
    # Events rise to the right: either corner is free, unless the words of an early failure stand in the upper one.
    early = series.failing and series.moment is not None and start <= series.moment < start + 0.3 * (end - start)
    pane.legend("lower right" if early else "upper left", *more)


def _arrivals(pane: Pane, updates: Sequence[Update], colour: str, label: str) -> None:
    if updates:
        seen, index = [update.seen for update in updates], [float(update.index) for update in updates]
        pane.specks(seen, index, colour, 2.6, label=label)


def _lost(pane: Pane, lost: Sequence[Update]) -> None:
    """Mark lost events where they were due: a dense run of them as a thick line, with a cross at least every 40th."""
    if not lost:
        return
    every = lost[:: max(1, len(lost) // 40)]
    cross = Marker("x", 5, RED, edge_width=1.4)
    pane.marks([one.due for one in every], [one.index for one in every], cross, label=f"lost: {len(lost)}")
    pane.specks([one.due for one in lost], [float(one.index) for one in lost], RED, 2.0)


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


def _felt(bands: Pane, told: Sequence[tuple[float, bool]]) -> None:
    """Mark each deed at the foot of its line: a dot where it touched a client, a ring where it touched none."""
    for felt, mark in ((True, Marker("o", 4.0, INK, edge_width=0.6)), (False, _MISSED)):
        at = [when for when, one in told if one is felt]
        bands.marks(at, [bands.y.low] * len(at), mark, clip=False, z=6.0)


def _deeds(bands: Pane, events: Pane, moments: Sequence[float], labels: Sequence[Label]) -> None:
    """Draw a line through the figure for each moment at which something was done, and up to its label if it has one."""
    start, end = events.x.low, events.x.high
    look = Stroke(INK, 0.8, dash=(3.2, 1.6))
    for at in dict.fromkeys([*moments, *(label.at for label in labels)]):
        events.upright(at, look, z=3.0)
        bands.line([at, at], [bands.y.low, -0.36], look)
    for label in labels:
        top = -0.62 - 0.46 * label.row
        bands.line([label.at, label.at], [-0.36, top], look, clip=False)
        left = _extent(label, start, end)[0] < label.at
        shift = (-3.0 if left else 3.0, 0.0)
        bands.words(
            label.at, top, label.text, Words(SMALL, INK, "end" if left else "start"), shift=shift, mask=_MASK, z=5.0
        )
