"""One drawing of a figure, in two forms: as SVG, and as pixels. Walking through a figure costs more than either."""

import io
from typing import Any

import matplotlib as mpl
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.backends import backend_agg, backend_svg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Bbox, IdentityTransform, Transform, TransformedPath

_Svg: Any = backend_svg.RendererSVG
_Agg: Any = backend_agg.RendererAgg
_NAMELESS = {"Date": None, "Creator": None, "Format": None, "Type": None}
_ANONYMOUS: Any = {"Software": None}
_POINTS = 72
"""To an inch: the resolution of a figure that is drawn here, since that is the SVG's."""


_MANY = 200
"""Corners from which on a tenth of a point, a seventh of a pixel, has to do for a path in the SVG."""

_FAST = 2
"""Of zlib's levels: a sixth more bytes than its usual 6, in a third of the time."""


def svg_and_png(figure: Figure, dpi: int) -> tuple[str, bytes]:
    """Return the figure as an SVG file, transparent, and as a PNG of this resolution, on white."""
    figure.dpi = _POINTS
    figure.patch.set_facecolor("none")
    width, height = figure.get_size_inches()
    renderer = _Both(width, height, dpi)
    figure.draw(renderer)
    return renderer.svg(), renderer.png()


class _Both(RendererBase):
    """Hands everything on to matplotlib's own two renderers. Lengths are points; pixels are a multiple of them."""

    def __init__(self, width: float, height: float, dpi: int) -> None:
        super().__init__()
        self._size = (width * _POINTS, height * _POINTS)
        self._dpi = dpi
        self._scale = Affine2D().scale(dpi / _POINTS)
        self._text = io.StringIO()
        self._svg = _Svg(*self._size, self._text, image_dpi=dpi, metadata=_NAMELESS)
        self._agg = _Agg(width * dpi, height * dpi, dpi)
        paper = self._agg.new_gc()
        paper.set_linewidth(0.0)
        whole = Affine2D().scale(width * dpi, height * dpi)
        self._agg.draw_path(paper, Path.unit_rectangle(), whole, (1.0, 1.0, 1.0, 1.0))

    def svg(self) -> str:
        """The SVG file; to be called once, after drawing."""
        self._svg.finalize()
        return self._text.getvalue()

    def png(self) -> bytes:
        """The PNG file."""
        out = io.BytesIO()
        mpl.image.imsave(
            out, self._agg.buffer_rgba(), format="png", origin="upper", dpi=self._dpi, metadata=_ANONYMOUS,
            pil_kwargs={"compress_level": _FAST},
        )  # fmt: skip
        return out.getvalue()

    def draw_path(self, gc: GraphicsContextBase, path: Path, transform: Transform, rgbFace: Any = None) -> None:  # noqa: N803
        corners: Any = path.vertices
        if len(corners) > _MANY:
            self._svg.draw_path(gc, self._rounded(path, transform), IdentityTransform(), rgbFace)
        else:
            self._svg.draw_path(gc, path, transform, rgbFace)
        self._agg.draw_path(self._scaled(gc), path, transform + self._scale, rgbFace)

    def draw_markers(  # noqa: PLR0917 - its own signature
        self,
        gc: GraphicsContextBase,
        marker_path: Path,
        marker_trans: Transform,
        path: Path,
        trans: Transform,
        rgbFace: Any = None,  # noqa: N803
    ) -> None:
        self._svg.draw_markers(gc, marker_path, marker_trans, path, trans, rgbFace)
        self._agg.draw_markers(
            self._scaled(gc), marker_path, marker_trans + self._scale, path, trans + self._scale, rgbFace
        )

    def draw_text(  # noqa: PLR0917 - the same
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: Any = False,
        mtext: Text | None = None,
    ) -> None:
        self._svg.draw_text(gc, x, y, s, prop, angle, ismath, mtext)
        place = self._scale.transform((x, y))
        self._agg.draw_text(self._scaled(gc), place[0], place[1], s, prop, angle, ismath, mtext)

    def get_text_width_height_descent(self, s: str, prop: FontProperties, ismath: Any) -> tuple[float, float, float]:
        found: tuple[float, float, float] = self._svg.get_text_width_height_descent(s, prop, ismath)
        return found

    def open_group(self, s: str, gid: str | None = None) -> None:
        self._svg.open_group(s, gid)

    def close_group(self, s: str) -> None:
        self._svg.close_group(s)

    def flipy(self) -> bool:
        return True

    def get_canvas_width_height(self) -> tuple[float, float]:
        return self._size

    def _rounded(self, path: Path, transform: Transform) -> Path:
        """The path in points to a tenth, as the SVG counts them: from the top."""
        height = self._size[1]
        points = transform.transform(path.vertices)
        points[:, 0] = points[:, 0].round(1)
        points[:, 1] = height - (height - points[:, 1]).round(1)
        return Path(points, path.codes)

    def _scaled(self, gc: GraphicsContextBase) -> GraphicsContextBase:
        """The same look for the pixels: widths and dashes are points in either form, but clips are places."""
        scaled = GraphicsContextBase()
        scaled.copy_properties(gc)
        box: Any = gc.get_clip_rectangle()
        path, transform = gc.get_clip_path()
        if box is not None:
            scaled.set_clip_rectangle(Bbox(self._scale.transform(box.get_points())))
        if transform is not None:
            whole: Any = path
            scaled.set_clip_path(TransformedPath(whole, transform + self._scale))
        return scaled
