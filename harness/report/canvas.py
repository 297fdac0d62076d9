"""The figures' common ground: colours, axes, and an SVG that lives in a light page as well as in a dark one.

matplotlib is imported by the figure modules only, and only to draw. Each figure is drawn once. Its PNG is on white; in
its SVG the neutral colours become ``currentColor`` and CSS variables, the background is transparent, text stays text,
and every id gets the figure's prefix, so that many fit in one page.
"""

from collections.abc import Iterable, Sequence

from harness.judge.verdict import Span
from harness.report.panes import NORMAL, Pane
from harness.report.surface import Box, Fill, Surface, Words

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

X_LABEL = 20.9
"""Points from the lowest axes to the label of the time axis."""

_INCH = 72.0
_DPI = 110


class Drawing:
    """A figure to be: so many inches high, with axes below one another."""

    def __init__(self, name: str, height: float) -> None:
        self.name = name
        self._height = height
        self._panes: list[Pane] = []

    def rows(self, heights: Sequence[float], *, top: float = 0.3) -> list[Pane]:
        """Return axes below one another, as high in proportion, under a margin of ``top`` inches."""
        room, above = self._height - BOTTOM - top, top
        for height in heights:
            below = above + room * height / sum(heights)
            box = Box(MARGIN * _INCH, above * _INCH, (WIDTH - 0.22) * _INCH, below * _INCH)
            self._panes.append(Pane(box, ink=INK, muted=MUTED, grid=GRID, paper=PAPER))
            above = below
        return self._panes

    def pictures(self, title: str) -> tuple[str, bytes]:
        """Return the figure for a page, one ``<svg>`` element, and as a PNG; the same bytes for the same figure."""
        surface = Surface(self.name, WIDTH * _INCH, self._height * _INCH, dpi=_DPI, in_page=_FOLLOW)
        for pane in self._panes:
            pane.draw(surface)
        return surface.svg(title), surface.png()


def time_axis(pane: Pane, start: float, end: float) -> None:
    """Set the range of the time axis, in scenario seconds, and label it."""
    pane.x.set(start, end)
    pane.x_axis(pane.x.ticks(9), label="time in the scenario (s)", below=X_LABEL)


def shade(pane: Pane, faults: Iterable[Span]) -> None:
    """Shade the faults: a tint and a hatch, so that it is seen without colour."""
    for place, span in enumerate(span for span in faults if span.end > span.start):
        label = "fault in force" if place == 0 else ""
        pane.shade(span.start, span.end, Fill(VEIL), Fill(GRID, hatch="////"), label=label)


def nothing(pane: Pane, why: str) -> None:
    """Say in the middle of empty axes why they are empty."""
    middle = (pane.x.low + pane.x.high) / 2
    pane.words(middle, 0.5, why, Words(NORMAL, MUTED, "middle"), of_height=True)
