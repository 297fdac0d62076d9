"""Axes with what is drawn in them, in the words of figures: scales and ticks, lines, bands, marks, words, a legend.

What is drawn is kept until the drawing is finished: by then the scales are known, and what lies above what.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from harness.report.surface import Box, Fill, Line, Stroke, Surface, Words, width
from harness.report.wording import printable

SMALL = 8.5
NORMAL = 9.0
"""Points of letters: of words inside a figure, and of its axes."""

_SHADE, _GRID, _AREA, _LINE, _AXIS, _WORDS = 0.4, 0.5, 1.0, 2.0, 2.5, 3.0
"""The order of layers, the lowest first, where a drawing does not say."""

_TICK = 3.5
"""Points of a tick, and between it and its label."""

_SAMPLE, _GAP, _ROW = 12.0, 5.0, 12.5
"""Points of a legend: the width of a sample, what is between it and its words, the height of a row."""

_SPECK = np.array([0.1, 0.0])
"""Half a speck in points: shorter lines are dropped when pixels are drawn."""

_ROUND = [(math.cos(turn * math.pi / 10), math.sin(turn * math.pi / 10)) for turn in range(20)]
_SHAPES: dict[str, tuple[list[list[tuple[float, float]]], bool]] = {  # in halves of the size: lines, and whether closed
    "o": ([_ROUND], True),
    "x": ([[(-1, -1), (1, 1)], [(-1, 1), (1, -1)]], False),
    "|": ([[(0, -1), (0, 1)]], False),
    "^": ([[(0, -1), (1, 1), (-1, 1)]], True),
    "v": ([[(0, 1), (1, -1), (-1, -1)]], True),
    "D": ([[(0, -1.4), (1.4, 0), (0, 1.4), (-1.4, 0)]], True),
    "d": ([[(0, -1.4), (0.85, 0), (0, 1.4), (-0.85, 0)]], True),
    "X": (
        [
            [
                (-0.5, -1),
                (0, -0.5),
                (0.5, -1),
                (1, -0.5),
                (0.5, 0),
                (1, 0.5),
                (0.5, 1),
                (0, 0.5),
                (-0.5, 1),
                (-1, 0.5),
                (-0.5, 0),
                (-1, -0.5),
            ],
        ],
        True,
    ),
}


class Marker(NamedTuple):
    """The look of a point: one of the shapes ``o x | ^ v D d X``, its size in points, its face and its edge."""

    shape: str
    size: float
    colour: str
    edge: str = ""
    edge_width: float = 1.0


class LegendEntry(NamedTuple):
    """A line of a legend: its words, and the look that they explain."""

    label: str
    looks: tuple[Stroke | Marker | Fill, ...]


class Scale:
    """A scale: values to shares of an axis. A logarithmic one has no place for zero: it is put far below the rest."""

    def __init__(self) -> None:
        self.low, self.high, self.log = 0.0, 1.0, False

    def set(self, low: float, high: float, *, log: bool = False) -> None:
        """Set what the axis shows, from its beginning to its end."""
        self.low, self.high, self.log = low, high, log

    def share(self, values: Any) -> Any:
        """Return where on the axis values are: 0 is its beginning, 1 its end."""
        if not self.log:
            return (np.asarray(values, dtype=float) - self.low) / ((self.high - self.low) or 1.0)
        least = math.log(self.low)
        found = np.log(np.maximum(np.asarray(values, dtype=float), self.low / 1000))
        return (found - least) / (math.log(self.high) - least)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """Return round values on the axis, at most so many, with their labels."""
        low, high = sorted((self.low, self.high))
        rough = (high - low or 1.0) / most
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(unit * factor for factor in (1, 2, 2.5, 5, 10, 20) if unit * factor >= rough * 0.999)
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        return [(number * step, f"{round(number * step, 9):g}") for number in range(first, last + 1)]


class Pane:
    """Axes in a box of the surface. ``x`` and ``y`` are their scales; ``y`` counts from the bottom."""

    def __init__(self, box: Box, *, ink: str, muted: str, grid: str, paper: str) -> None:
        self.box = box
        self.x, self.y = Scale(), Scale()
        self.entries: list[LegendEntry] = []
        self._ink, self._muted, self._grid, self._paper = ink, muted, grid, paper
        self._items: list[tuple[float, Callable[[Surface], None]]] = []

    def place(self, x: Any, y: Any) -> np.ndarray[Any, Any]:
        """Return the points of the surface for values, a row each."""
        left, top, right, bottom = self.box
        across, up = self.x.share(x), self.y.share(y)
        return np.stack(np.broadcast_arrays(left + across * (right - left), bottom - up * (bottom - top)), axis=-1)

    def line(
        self, xs: Sequence[float], ys: Sequence[float], stroke: Stroke, *, label: str = "", z: float = _LINE,
        clip: bool = True,
    ) -> None:  # fmt: skip
        """Draw a line through values; what is not finite breaks it."""
        self._name(label, stroke)
        if len(xs):
            self._add(z, lambda on: on.path(_unbroken(self.place(xs, ys)), stroke=stroke, clip=self._clip(clip)))

    def specks(self, xs: Sequence[float], ys: Sequence[float], colour: str, size: float, *, label: str = "") -> None:
        """Draw many points as one path of round-ended specks: a tenth of the bytes of as many marks."""
        stroke = Stroke(colour, size, round=True, whole=True)
        self._name(label, stroke)

        def draw(on: Surface) -> None:
            places = self.place(xs, ys)
            ends = np.stack([places - _SPECK, places + _SPECK], axis=1)
            on.path(list(ends), stroke=stroke, clip=self.box)

        if len(xs):
            self._add(_LINE, draw)

    def area(self, xs: Sequence[float], low: float, high: Sequence[float], fill: Fill) -> None:
        """Fill what lies between a level and values."""
        outline = [*xs, *reversed(xs)], [*high, *[low] * len(xs)]
        if len(xs):
            self._add(_AREA, lambda on: on.path([self.place(*outline)], fill=fill, clip=self.box, closed=True))

    def band(self, x: tuple[float, float], y: tuple[float, float], *fills: Fill, z: float = _AREA) -> None:
        """Fill a rectangle of values, with each of the looks."""
        outline = [x[0], x[1], x[1], x[0]], [y[0], y[0], y[1], y[1]]

        def draw(on: Surface) -> None:
            for fill in fills:
                on.path([self.place(*outline)], fill=fill, clip=self.box, closed=True)

        self._add(z, draw)

    def shade(self, since: float, until: float, *fills: Fill, label: str = "") -> None:
        """Fill the whole height between two values, below everything else."""
        self._name(label, *fills)

        def draw(on: Surface) -> None:
            (left, right), (_, top, _, bottom) = self.place([since, until], self.y.low)[:, 0], self.box
            outline = [(left, top), (right, top), (right, bottom), (left, bottom)]
            for fill in fills:
                on.path([outline], fill=fill, clip=self.box, closed=True)

        self._add(_SHADE, draw)

    def upright(self, x: float, stroke: Stroke, *, z: float = _LINE) -> None:
        """Draw a line at a value, through the whole height."""
        self._add(z, lambda on: on.path([self.place([x, x], [self.y.low, self.y.high])], stroke=stroke, clip=self.box))

    def level(self, y: float, stroke: Stroke, *, z: float = _LINE) -> None:
        """Draw a line at a value, through the whole width."""
        self._add(z, lambda on: on.path([self.place([self.x.low, self.x.high], [y, y])], stroke=stroke, clip=self.box))

    def marks(
        self, xs: Sequence[float], ys: Sequence[float], mark: Marker, *, label: str = "", z: float = _LINE,
        clip: bool = True,
    ) -> None:  # fmt: skip
        """Draw a mark at each of these values; without any, only its line in the legend is there."""
        self._name(label, mark)
        if len(xs):
            self._add(z, lambda on: _draw_marks(on, self.place(xs, ys), mark, self._clip(clip)))

    def words(
        self, x: float, y: float, text: str, words: Words, *, shift: tuple[float, float] = (0.0, 0.0),
        mask: float = 0.0, of_height: bool = False, z: float = _WORDS, clip: bool = False,
    ) -> None:  # fmt: skip
        """Write at a value, ``shift`` points right of it and below it; y may be a share ``of_height``.

        What steers a terminal or breaks XML is replaced. A ``mask`` is how opaque the paper behind the words is.
        """
        said = printable(text)

        def draw(on: Surface) -> None:
            left, top = map(float, self.place(x, self.y.low if of_height else y))
            if of_height:
                top = self.box.bottom - y * (self.box.bottom - self.box.top)
            left, top = left + shift[0], top + shift[1]
            if mask:
                paper = Fill(self._paper, mask)
                on.path([_behind(left, top, said, words)], fill=paper, clip=self._clip(clip), closed=True)
            on.text(left, top, said, words, clip=self._clip(clip))

        self._add(z, draw)

    def x_axis(
        self, ticks: Sequence[tuple[float, str]], *, grid: bool = True, label: str = "", below: float = 0.0
    ) -> None:
        """Draw the axis below, its ticks and their labels, and ``below`` it in points what it shows."""
        line, grids = Stroke(self._muted, 0.8), Stroke(self._grid, 0.7)
        left, top, right, bottom = self.box

        def draw(on: Surface) -> None:
            on.path([[(left, bottom), (right, bottom)]], stroke=line)
            for value, said in ticks:
                at = float(self.place(value, self.y.low)[0])
                on.path([[(at, bottom), (at, bottom + _TICK)]], stroke=line)
                on.text(at, bottom + 2 * _TICK, said, Words(NORMAL, self._ink, "middle", "top"))
            if label:
                on.text((left + right) / 2, bottom + below, label, Words(NORMAL, self._ink, "middle", "top"))

        self._add(_AXIS, draw)
        if grid and ticks:
            self._add(
                _GRID,
                lambda on: on.path(
                    [[(at, top), (at, bottom)] for at in self.place([tick[0] for tick in ticks], self.y.low)[:, 0]],
                    stroke=grids,
                ),
            )

    def y_axis(
        self, ticks: Sequence[tuple[float, str]], *, grid: bool = True, label: str = "", lines: bool = True
    ) -> None:
        """Draw the axis on the left; without ``lines`` only the labels of its ticks."""
        line, grids = Stroke(self._muted, 0.8), Stroke(self._grid, 0.7)
        left, top, right, bottom = self.box

        def draw(on: Surface) -> None:
            if lines:
                on.path([[(left, bottom), (left, top)]], stroke=line)
            for value, said in ticks:
                at = float(self.place(self.x.low, value)[1])
                if lines:
                    on.path([[(left - _TICK, at), (left, at)]], stroke=line)
                on.text(left - (2 * _TICK if lines else _TICK), at, said, Words(NORMAL, self._ink, "end", "middle"))
            if label:
                on.text(_Y_LABEL, (top + bottom) / 2, label, Words(NORMAL, self._ink, "middle", "middle", upright=True))

        self._add(_AXIS, draw)
        if grid and lines and ticks:
            self._add(
                _GRID,
                lambda on: on.path(
                    [[(left, at), (right, at)] for at in self.place(self.x.low, [tick[0] for tick in ticks])[:, 1]],
                    stroke=grids,
                ),
            )

    def legend(self, where: str, *more: LegendEntry) -> None:
        """Explain what has a label, and ``more``: in a row ``above``, or in the ``upper left`` or ``lower right``."""
        self._add(5.0, lambda on: self._draw_legend(on, where, [*self.entries, *more]))

    def draw(self, on: Surface) -> None:
        """Draw everything onto the surface."""
        for _, draw in sorted(self._items, key=lambda item: item[0]):
            draw(on)

    def _draw_legend(self, on: Surface, where: str, entries: Sequence[LegendEntry]) -> None:
        if not entries:
            return
        wide = [_SAMPLE + _GAP + width(entry.label, SMALL) for entry in entries]
        left, top, right, bottom = self.box
        if where == "above":
            rows = _rows(wide, right - left)
            for number, row in enumerate(rows):
                x = left + 4.0
                for place in row:
                    self._draw_entry(on, x, top - 9.0 - _ROW * (len(rows) - 1 - number), entries[place])
                    x += wide[place] + 3 * _GAP
            return
        size = max(wide) + 8.0, _ROW * len(entries) + 5.0
        x, y = (left + 4.0, top + 4.0) if where == "upper left" else (right - 4.0 - size[0], bottom - 4.0 - size[1])
        outline = [(x, y), (x + size[0], y), (x + size[0], y + size[1]), (x, y + size[1])]
        on.path([outline], fill=Fill(self._paper, 0.8), closed=True)
        for number, entry in enumerate(entries):
            self._draw_entry(on, x + 4.0, y + 2.5 + _ROW * (number + 0.5), entry)

    def _draw_entry(self, on: Surface, x: float, y: float, entry: LegendEntry) -> None:
        for look in entry.looks:
            if isinstance(look, Stroke):
                on.path([[(x, y), (x + _SAMPLE, y)]], stroke=look)
            elif isinstance(look, Fill):
                top, bottom, right = y - 3.2, y + 3.2, x + _SAMPLE
                on.path([[(x, top), (right, top), (right, bottom), (x, bottom)]], fill=look, closed=True)
            else:
                _draw_marks(on, np.array([[x + _SAMPLE / 2, y]]), look, None)
        on.text(x + _SAMPLE + _GAP, y, entry.label, Words(SMALL, self._ink))

    def _name(self, label: str, *looks: Stroke | Marker | Fill) -> None:
        if label:
            self.entries.append(LegendEntry(label, looks))

    def _clip(self, wanted: bool) -> Box | None:
        return self.box if wanted else None

    def _add(self, z: float, draw: Callable[[Surface], None]) -> None:
        self._items.append((z, draw))


_Y_LABEL = 31.5
"""Points from the left edge of the surface to the label of an axis that goes up."""


def steps(xs: Sequence[float], ys: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the corners of a line that keeps each value until the next."""
    across = [x for x in xs for _ in range(2)][1:]
    return across, [y for y in ys for _ in range(2)][:-1]


def _rows(wide: Sequence[float], room: float) -> list[list[int]]:
    """Return which entries of a legend stand in which row, so that each row has room."""
    rows: list[list[int]] = [[]]
    left = room
    for place, size in enumerate(wide):
        if rows[-1] and size > left:
            rows.append([])
            left = room
        rows[-1].append(place)
        left -= size + 3 * _GAP
    return rows


def _unbroken(places: np.ndarray[Any, Any]) -> list[Line]:
    """Return the stretches of a line between what is not finite, of two corners and more."""
    good = np.isfinite(places).all(axis=1)
    if good.all():
        return [places] if len(places) > 1 else []
    cuts = np.flatnonzero(np.diff(good)) + 1
    return [part for part in np.split(places, cuts) if len(part) > 1 and np.isfinite(part).all()]


def _draw_marks(on: Surface, places: Iterable[np.ndarray[Any, Any]], mark: Marker, clip: Box | None) -> None:
    lines, closed = _SHAPES[mark.shape]
    half = mark.size / 2
    found = [[(x + half * dx, y + half * dy) for dx, dy in line] for x, y in places for line in lines]
    edge = Stroke(mark.edge or mark.colour, mark.edge_width, whole=True)
    on.path(found, stroke=edge, fill=Fill(mark.colour) if closed else None, clip=clip, closed=closed)


def _behind(x: float, y: float, text: str, words: Words) -> list[tuple[float, float]]:
    """Return the corners of the paper behind words that a line may cross."""
    wide, pad = width(text, words.size), 0.15 * words.size
    left = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[words.across] * wide - pad
    right, half = left + wide + 2 * pad, 0.55 * words.size + pad
    return [(left, y - half), (right, y - half), (right, y + half), (left, y + half)]
