"""The figures' common ground: colours, axes, and an SVG that lives in a light page as well as in a dark one.

matplotlib is imported by the figure modules only, without pyplot (half a second), and only to draw. Each figure is
drawn once. Its PNG is on white; in its SVG the neutral colours become ``currentColor`` and CSS variables, the
background is transparent, text stays text, and every id gets the figure's prefix, so that many fit in one page.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Self

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import blended_transform_factory

from harness.judge.verdict import Span
from harness.report.svg_and_png import svg_and_png
from harness.report.wording import printable

# Okabe and Ito, "Color Universal Design" (2008): told apart by people with any common colour blindness.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9"
# Neutral colours are right on white as they are; in the SVG they follow the page.
INK, MUTED, GRID, VEIL, PAPER = "#1b1c1d", "#6a6b6c", "#dcddde", "#efeeed", "#fefefd"
_FOLLOW = {
    INK: "currentColor",
    MUTED: "var(--muted, #6a6b6c)",
    GRID: "var(--grid, #dcddde)",
    VEIL: "var(--veil, #efeeed)",
}
_FOLLOW |= {PAPER: "var(--paper, #fefefd)"}
# Three of the palette are too dark for a dark page; the page defines lighter ones there.
_FOLLOW |= {BLUE: "var(--blue, #0072b2)", RED: "var(--red, #d55e00)", GREEN: "var(--green, #009e73)"}

WIDTH = 9.6
MARGIN = 1.12
"""Inches on the left, for the names of lanes and the labels of an axis."""

BOTTOM = 0.46
"""Inches below the lowest axes, for the time axis and its label."""

_X_LABEL, _Y_LABEL = 0.17, 0.5
"""Inches from the edge of the figure to the labels of its axes."""

_DPI = 110
_NUMBER = re.compile(r"(?<=[ \"(,MLCQ])-?\d+\.\d{3,}")
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "hatch.linewidth": 0.7,
    "path.simplify": False,
    "legend.frameon": False,
}


class Drawing:
    """A figure to be. Use as a context manager around drawing and saving, since matplotlib's settings are global."""

    def __init__(self, name: str, height: float) -> None:
        self.name = name
        settings: Any = {**_STYLE, "svg.hashsalt": name}
        self._settings = mpl.rc_context(settings)
        self._height = height
        self.figure = Figure()

    def __enter__(self) -> Self:
        self._settings.__enter__()
        self.figure = Figure(figsize=(WIDTH, self._height))
        return self

    def __exit__(self, *exc: object) -> None:
        self._settings.__exit__(None, None, None)

    def rows(self, heights: Sequence[float], *, top: float = 0.3) -> list[Axes]:
        """Return axes below one another that share the time axis, under a margin of ``top`` inches.

        The margins are fixed: a layout engine takes a tenth of a second a figure.
        """
        axes = self.figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=list(heights))
        self.figure.subplots_adjust(
            left=MARGIN / WIDTH,
            right=1 - 0.22 / WIDTH,
            bottom=BOTTOM / self._height,
            top=1 - top / self._height,
            hspace=0.0,
        )
        for row in axes[:, 0]:
            self._place_labels(row)
        return list(axes[:, 0])

    def _place_labels(self, axes: Axes) -> None:
        """Give an axis's label a fixed place: to keep it clear of the ticks' takes as long as drawing them."""
        transform = self.figure.dpi_scale_trans
        axes.yaxis.set_label_coords(_Y_LABEL, 0.5, blended_transform_factory(transform, axes.transAxes))
        axes.xaxis.set_label_coords(0.5, _X_LABEL, blended_transform_factory(axes.transAxes, transform))

    def pictures(self, title: str) -> tuple[str, bytes]:
        """Return the figure for a page, one ``<svg>`` element, and as a PNG; the same bytes for the same figure."""
        svg, png = svg_and_png(self.figure, _DPI)
        return _for_page(svg, self.name, title), png


def time_axis(axes: Axes, start: float, end: float) -> None:
    """Label the time axis and set its range, in scenario seconds."""
    axes.set_xlim(start, end)
    axes.set_xlabel("time in the scenario (s)")
    axes.grid(visible=True, axis="x")


def shade(axes: Axes, faults: Iterable[Span], *, label: bool = True) -> None:
    """Shade the faults: a tint and a hatch, so that it is seen without colour."""
    for place, span in enumerate(span for span in faults if span.end > span.start):
        axes.axvspan(
            span.start, span.end, facecolor=VEIL, edgecolor=GRID, hatch="////", linewidth=0, zorder=0.4,
            label="fault in force" if label and place == 0 else None,
        )  # fmt: skip


def dots(axes: Axes, xs: Sequence[float], ys: Sequence[float], *, colour: str, size: float, label: str) -> None:
    """Draw many points as one path of round-ended specks: a tenth of the bytes of as many markers in the SVG."""
    span = (axes.get_xlim()[1] - axes.get_xlim()[0]) or 1.0
    speck = span * 3e-4  # shorter ones are dropped when pixels are drawn
    line_x = [value for x in xs for value in (x - speck, x + speck, float("nan"))]
    line_y = [value for y in ys for value in (y, y, float("nan"))]
    axes.plot(line_x, line_y, color=colour, linewidth=size, solid_capstyle="round", snap=False, label=label)


def words(axes: Axes, x: float, y: float, text: str, **options: Any) -> None:
    """Write text that came from a file or a peer: no mathematics, nothing unprintable."""
    axes.text(x, y, printable(text), parse_math=False, **options)


def nothing(axes: Axes, why: str) -> None:
    """Say in the middle of empty axes why they are empty."""
    axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", color=MUTED)


def _without(body: str, begin: str, end: str) -> str:
    """Return the text without what stands between these marks, and without the marks."""
    first, *pieces = body.split(begin)
    return first + "".join(piece.partition(end)[2] for piece in pieces)


def _for_page(svg: str, name: str, title: str) -> str:
    body = svg[svg.index("<svg") :]
    body = _without(_without(body, "<metadata>", "</metadata>"), "<!--", "-->\n")
    body = _NUMBER.sub(lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), body)
    for colour, instead in _FOLLOW.items():
        body = body.replace(colour, instead)
    # As an attribute, only CSS knows what a variable is.
    body = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", body)
    body = re.sub(r"font-family: [^;\"]{0,300}; ?", "", body)  # the page's own typeface
    body = re.sub(r'\b(fill|stroke)="(var\([^"]+|currentColor)"', r'style="\1: \2"', body)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', body)
    body = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', body)
    body = re.sub(r"url\(#([^()]+)\)", rf"url(#{name}-\1)", body)
    opening = re.search(r'viewBox="([^"]+)"', body)
    assert opening is not None, "matplotlib always writes a viewBox"
    safe = title.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    head = f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{opening[1]}"'
    inner = body[body.index(">") + 1 :]
    return f'{head} role="img" aria-label="{safe}" class="figure"><title>{safe}</title>{inner.strip()}\n'
