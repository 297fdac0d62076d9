"""A figure drawn at once in two forms is what matplotlib draws in either."""

import io
import re

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from harness.report.svg_and_png import svg_and_png

DPI = 110


def drawn():
    """Lines, dashes, markers, hatches, clips, a filled curve and words."""
    figure = Figure(figsize=(4, 3))
    axes = figure.subplots()
    axes.set_xlim(0, 10)
    axes.set_ylim(0, 10)
    axes.plot([-5, 20], [0, 14], linewidth=3, linestyle="--")  # beyond the axes on either side
    axes.plot([2, 4, 6], [8, 8, 8], marker="o", linestyle="none", label="three")
    axes.axvspan(7, 8, hatch="//", facecolor="none", edgecolor="red")
    axes.fill_between([0, 5, 10], [1, 2, 1], alpha=0.3)
    axes.plot([0, 10], [0, 10], clip_path=Circle((5, 5), 2, transform=axes.transData))
    return figure


def pixels(png):
    return mpl.image.imread(io.BytesIO(png))[..., :3]


def by_matplotlib(**options):
    out = io.BytesIO()
    drawn().savefig(out, **options)
    return out.getvalue()


def test_the_svg_is_matplotlibs_own():
    with mpl.rc_context({"svg.hashsalt": "x", "svg.fonttype": "none"}):
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        expected = by_matplotlib(format="svg", facecolor="none", metadata=metadata)
        assert svg_and_png(drawn(), DPI)[0] == expected.decode()


def test_the_pixels_are_matplotlibs_own_but_for_the_edges_of_letters():
    ours = pixels(svg_and_png(drawn(), DPI)[1])
    theirs = pixels(by_matplotlib(format="png", dpi=DPI, facecolor="white"))
    assert ours.shape == theirs.shape
    inside = (slice(50, 280), slice(60, 390))  # of the axes: all words are outside
    assert np.abs(ours - theirs)[inside].max() < 0.01
    assert np.abs(ours - theirs).mean() < 0.01


@pytest.mark.parametrize("corners", [100, 1000])
def test_a_path_of_many_corners_is_written_to_a_tenth(corners):
    figure = Figure(figsize=(4, 3))
    xs = np.linspace(0.0, 1.0, corners)
    figure.add_axes((0, 0, 1, 1)).plot(xs, np.sqrt(xs))
    with mpl.rc_context({"path.simplify": False}):
        svg, _ = svg_and_png(figure, DPI)
    written = re.findall(r"(?m)^L [\d.]+ ([\d.]+)", svg)
    assert max(len(number.partition(".")[2]) for number in written) == (6 if corners == 100 else 1)
