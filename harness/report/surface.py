"""One drawing in two forms: an ``<svg>`` element for the page, and pixels on white.

Places and lengths are points, from the upper left corner. A figure of matplotlib's own takes a fifth of a second, most
of it for axes, ticks and legends that are objects. Of matplotlib only the renderer of lines is used, with its hatches
and its letters, which Pillow puts at their places in a fraction of the time.
"""

import functools
import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path as File
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib import hatch as hatches
from matplotlib.backends import backend_agg
from matplotlib.colors import to_rgb
from matplotlib.path import Path
from matplotlib.transforms import Bbox, IdentityTransform
from PIL import Image, ImageDraw, ImageFont

_Agg: Any = backend_agg.RendererAgg
_POINTS = 72
"""To an inch."""

_TILE = 72
"""Points of the side of a hatch's tile, as the renderer of pixels has it: an inch."""

_DENSITY = 6
"""Strokes of a hatch in a tile, for each of its characters: the renderer's own default."""

_MEASURED = 100
"""Points of the letters whose widths are known; others are in proportion."""

_FAST = 2
"""Of zlib's levels: a sixth more bytes than its usual 6, in a third of the time."""

_HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}" class="figure" '
_HEAD += 'style="stroke-linejoin: round"><title>{}</title>'

Line = Sequence[tuple[float, float]] | np.ndarray[Any, Any]
"""Corners, one after the other."""


class Box(NamedTuple):
    """A rectangle."""

    left: float
    top: float
    right: float
    bottom: float


class Stroke(NamedTuple):
    """The look of a line. ``dash``: points that are drawn and left out, in turn; ``whole``: not moved onto pixels."""

    colour: str
    width: float = 1.5
    dash: tuple[float, ...] = ()
    round: bool = False
    whole: bool = False


class Fill(NamedTuple):
    """The look of an area. A ``hatch`` is drawn in the colour, in place of a face."""

    colour: str
    alpha: float = 1.0
    hatch: str = ""


class Words(NamedTuple):
    """The look of words, and the part of them that is at their place: start, middle, end; top, middle, bottom."""

    size: float
    colour: str
    across: str = "start"
    down: str = "middle"
    upright: bool = False


class Surface:
    """Takes lines and words in the order in which they cover one another. ``in_page``: a colour's name in the SVG."""

    def __init__(self, name: str, width: float, height: float, *, dpi: int, in_page: Mapping[str, str]) -> None:
        self.width, self.height = width, height
        self._name, self._dpi, self._in_page = name, dpi, in_page
        self._scale = dpi / _POINTS
        self._agg = _Agg(round(width * self._scale), round(height * self._scale), dpi)
        self._below = float(self._agg.height)
        self._body: list[str] = []
        self._defined: dict[str, str] = {}
        whole = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)]
        self._pixels([whole], None, Fill("#ffffff"), None, closed=True)

    def path(
        self,
        lines: Sequence[Line],
        *,
        stroke: Stroke | None = None,
        fill: Fill | None = None,
        clip: Box | None = None,
        closed: bool = False,
    ) -> None:
        """Draw lines, as one: their strokes do not add up where they cross."""
        if not lines:
            return
        data = "".join("M" + "L".join([f"{x:.1f} {y:.1f}" for x, y in line]) + "Z" * closed for line in lines)
        self._body.append(f'<path d="{data}"{self._clipped(clip)} style="{self._style(stroke, fill)}"/>')
        self._pixels(lines, stroke, fill, clip, closed=closed)

    def text(self, x: float, y: float, text: str, words: Words, *, clip: Box | None = None) -> None:
        """Write a line of text. It is text, whatever is in it: no markup, and no mathematics."""
        rise = {"top": 0.86, "middle": 0.36, "bottom": -0.21}[words.down] * words.size
        base = (x + rise, y) if words.upright else (x, y + rise)
        turn = f' transform="rotate(-90 {base[0]:.1f} {base[1]:.1f})"' * words.upright
        self._body.append(
            f'<text x="{base[0]:.1f}" y="{base[1]:.1f}"{turn}{self._clipped(clip)} style="font-size: {words.size:g}px; '
            f'text-anchor: {words.across}; fill: {self._in_page.get(words.colour, words.colour)}">'
            f"{html.escape(text, quote=False)}</text>"
        )
        before = {"start": 0.0, "middle": 0.5, "end": 1.0}[words.across] * width(text, words.size)
        self._letters((base[0], base[1] + before) if words.upright else (base[0] - before, base[1]), text, words, clip)

    def svg(self, title: str) -> str:
        """Return the element, with these words for who cannot see it."""
        said = html.escape(title)
        head = _HEAD.format(self.width, self.height, said, said)
        return f"{head}<defs>{''.join(self._defined.values())}</defs>\n" + "\n".join(self._body) + "\n</svg>\n"

    def png(self) -> bytes:
        """Return the pixels as a file."""
        out = io.BytesIO()
        size = self._agg.width, self._agg.height
        image = Image.frombuffer("RGBA", size, self._agg.buffer_rgba(), "raw", "RGBA", 0, 1).convert("RGB")
        image.save(out, format="png", dpi=(self._dpi, self._dpi), compress_level=_FAST)
        return out.getvalue()

    def _style(self, stroke: Stroke | None, fill: Fill | None) -> str:
        if fill is None:
            found = ["fill: none"]
        else:
            face = f"url(#{self._hatched(fill)})" if fill.hatch else self._in_page.get(fill.colour, fill.colour)
            found = [f"fill: {face}"] + [f"fill-opacity: {fill.alpha:g}"] * (fill.alpha < 1)
        if stroke is not None:
            found += [f"stroke: {self._in_page.get(stroke.colour, stroke.colour)}", f"stroke-width: {stroke.width:g}"]
            found += [f"stroke-dasharray: {' '.join(f'{length:g}' for length in stroke.dash)}"] * bool(stroke.dash)
            found += ["stroke-linecap: round"] * stroke.round
        return "; ".join(found)

    def _clipped(self, clip: Box | None) -> str:
        if clip is None:
            return ""
        name = f"{self._name}-within-{'-'.join(f'{edge:.0f}' for edge in clip)}"
        self._defined[name] = (
            f'<clipPath id="{name}"><rect x="{clip.left:.1f}" y="{clip.top:.1f}" width="{clip.right - clip.left:.1f}" '
            f'height="{clip.bottom - clip.top:.1f}"/></clipPath>'
        )
        return f' clip-path="url(#{name})"'

    def _hatched(self, fill: Fill) -> str:
        """Define a hatch, once for each colour, and return its name."""
        name = f"{self._name}-hatch-{fill.hatch.encode().hex()}-{fill.colour.strip('#')}"
        if name not in self._defined:
            colour = self._in_page.get(fill.colour, fill.colour)
            self._defined[name] = (
                f'<pattern id="{name}" patternUnits="userSpaceOnUse" width="{_TILE}" height="{_TILE}">'
                f'<path d="{_tile(fill.hatch)}" style="fill: {colour}; stroke: {colour}; stroke-width: 1"/></pattern>'
            )
        return name

    def _pixels(
        self, lines: Sequence[Line], stroke: Stroke | None, fill: Fill | None, clip: Box | None, *, closed: bool
    ) -> None:
        look = self._look(clip)
        look.set_linewidth(stroke.width if stroke else 0.0)
        if stroke:
            look.set_foreground(stroke.colour)
            look.set_capstyle("round" if stroke.round else "butt")
            look.set_dashes(0, stroke.dash or None)
            look.set_snap(False if stroke.whole else None)
        face = None
        if fill and fill.hatch:
            look.set_hatch(fill.hatch)
            look.set_hatch_color((*to_rgb(fill.colour), fill.alpha))
        elif fill:
            face = (*to_rgb(fill.colour), fill.alpha)
        corners = np.concatenate([np.asarray(line, dtype=float) for line in lines]) * self._scale
        corners[:, 1] = self._below - corners[:, 1]
        self._agg.draw_path(
            look, _path(corners, [len(line) for line in lines], closed=closed), IdentityTransform(), face
        )

    def _letters(self, at: tuple[float, float], text: str, words: Words, clip: Box | None) -> None:
        """Put the pixels of a line of text whose first letter stands at a place."""
        font = _font(words.size * self._scale)
        left, top, right, bottom = map(int, font.getbbox(text, anchor="ls"))
        if right <= left or bottom <= top:
            return
        ink = Image.new("L", (right - left, bottom - top))
        ImageDraw.Draw(ink).text((-left, -top), text, fill=255, font=font, anchor="ls")
        x, y = round(at[0] * self._scale), round(at[1] * self._scale)
        if words.upright:
            ink = ink.transpose(Image.Transpose.ROTATE_90)
            left, bottom = top, -left
        picture = np.empty((ink.height, ink.width, 4), dtype=np.uint8)
        picture[..., :3] = np.multiply(to_rgb(words.colour), 255).round()
        picture[..., 3] = np.asarray(ink)[::-1]  # the renderer counts rows from the bottom
        self._agg.draw_image(self._look(clip), x + left, self._below - (y + bottom), picture)

    def _look(self, clip: Box | None) -> Any:
        look = self._agg.new_gc()
        if clip is not None:
            left, top, right, bottom = (edge * self._scale for edge in clip)
            look.set_clip_rectangle(Bbox([[left, self._below - bottom], [right, self._below - top]]))
        return look


def width(text: str, size: float) -> float:
    """Return how wide a line of text is in letters of this size."""
    return sum(map(_advance, text)) * size / _MEASURED


@functools.cache
def _font(size: float) -> ImageFont.FreeTypeFont:
    """Return the letters that matplotlib brings, so many pixels high; letter after letter, on every machine alike."""
    path = File(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


@functools.lru_cache(4096)
def _advance(letter: str) -> float:
    return _font(_MEASURED).getlength(letter)


def _path(corners: np.ndarray[Any, Any], lengths: Sequence[int], *, closed: bool) -> Path:
    """Return lines of so many corners each as one path, of which every corner is kept."""
    codes = np.full(len(corners), Path.LINETO, dtype=Path.code_type)
    ends = np.cumsum(lengths)
    codes[0] = Path.MOVETO
    codes[ends[:-1]] = Path.MOVETO
    if closed:
        corners, codes = np.insert(corners, ends, corners[ends - 1], axis=0), np.insert(codes, ends, Path.CLOSEPOLY)
    path = Path(corners, codes)
    path.should_simplify = False
    return path


@functools.cache
def _tile(hatch: str) -> str:
    """Return a hatch's strokes in its tile, as the data of a path."""
    path: Any = hatches.get_path(hatch, _DENSITY)
    found = []
    for corners, code in path.iter_segments(curves=True, simplify=False):
        letter = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}.get(code)
        if letter is None:
            found.append("Z")
            continue
        places = corners.reshape(-1, 2) * _TILE
        found.append(letter + " ".join(f"{x:.1f} {_TILE - y:.1f}" for x, y in places))
    return "".join(found)
