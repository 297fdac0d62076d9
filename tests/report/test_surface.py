"""One drawing in two forms: what is in the SVG is in the pixels, at the same place."""

import io
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from harness.report.surface import Box, Fill, Stroke, Surface, Words, width

DPI = 144  # two pixels to a point
INK, RED, PAPER = "#1b1c1d", "#d55e00", (255, 255, 255)
SQUARE = [(10.0, 20.0), (30.0, 20.0), (30.0, 40.0), (10.0, 40.0)]


def a_surface():
    return Surface("figure", 100.0, 60.0, dpi=DPI, in_page={INK: "currentColor"})


def pixels(surface):
    return np.asarray(Image.open(io.BytesIO(surface.png())))


def inked(surface):
    """The box of what is not white, in points."""
    rows, columns = np.nonzero((pixels(surface) != 255).any(axis=2))
    return Box(columns.min() / 2, rows.min() / 2, (columns.max() + 1) / 2, (rows.max() + 1) / 2)


def test_an_area_is_at_its_place_in_both_forms():
    surface = a_surface()
    surface.path([SQUARE], fill=Fill(RED), closed=True)
    assert inked(surface) == (10.0, 20.0, 30.0, 40.0)
    assert tuple(pixels(surface)[60, 40]) == (0xD5, 0x5E, 0x00)
    assert 'd="M10.0 20.0L30.0 20.0L30.0 40.0L10.0 40.0Z"' in surface.svg("")
    assert f"fill: {RED}" in surface.svg("")


def test_nothing_is_drawn_of_nothing():
    surface = a_surface()
    surface.path([], stroke=Stroke(INK))
    assert (pixels(surface) == 255).all()
    assert "<path" not in surface.svg("")


def test_lines_that_are_apart_are_not_joined():
    surface = a_surface()
    surface.path([[(10, 10), (20, 10)], [(80, 10), (90, 10)]], stroke=Stroke(INK, 2))
    assert tuple(pixels(surface)[20, 100]) == PAPER
    assert 'd="M10.0 10.0L20.0 10.0M80.0 10.0L90.0 10.0"' in surface.svg("")


def test_a_clip_holds_in_both_forms():
    surface = a_surface()
    surface.path([SQUARE], fill=Fill(RED), clip=Box(15, 0, 25, 30), closed=True)
    assert inked(surface) == (15.0, 20.0, 25.0, 30.0)
    assert '<rect x="15.0" y="0.0" width="10.0" height="30.0"/>' in surface.svg("")
    (clip,) = re.findall(r'<clipPath id="([^"]+)"', surface.svg(""))
    assert f'clip-path="url(#{clip})"' in surface.svg("")


def test_a_hatch_is_strokes_of_its_colour_and_defined_once():
    surface = a_surface()
    for _ in range(2):
        surface.path([SQUARE], fill=Fill(RED, 0.5, hatch="//"), closed=True)
    found = pixels(surface)[40:80, 20:60].reshape(-1, 3)
    assert (found == 255).all(axis=1).any()
    assert (found[:, 2] < 200).any()
    assert surface.svg("").count("<pattern ") == 1
    assert surface.svg("").count('style="fill: url(#figure-hatch-') == 2


def test_half_a_colour_lets_the_paper_through():
    surface = a_surface()
    surface.path([SQUARE], fill=Fill("#000000", 0.5), closed=True)
    assert abs(int(pixels(surface)[60, 40, 0]) - 128) <= 1
    assert "fill-opacity: 0.5" in surface.svg("")


@pytest.mark.parametrize(("across", "left"), [("start", 50.0), ("middle", 50.0 - 0.5), ("end", 50.0 - 1.0)])
def test_words_stand_where_they_should_in_both_forms(across, left):
    surface = a_surface()
    surface.text(50.0, 30.0, "HHHH", Words(10.0, INK, across))
    found, wide = inked(surface), width("HHHH", 10.0)
    expected = 50.0 + (left - 50.0) * wide
    assert (found.left, found.right) == pytest.approx((expected, expected + wide), abs=1.5)
    assert (found.top + found.bottom) / 2 == pytest.approx(30.0, abs=0.8)
    assert (
        f'<text x="50.0" y="33.6" style="font-size: 10px; text-anchor: {across}; fill: currentColor">'
        in surface.svg("")
    )


@pytest.mark.parametrize(("down", "edge"), [("top", 1), ("bottom", 3)])
def test_words_hang_from_their_top_or_stand_on_their_bottom(down, edge):
    surface = a_surface()
    surface.text(20.0, 30.0, "Hg", Words(12.0, INK, "start", down))
    assert inked(surface)[edge] == pytest.approx(30.0, abs=2.0)


@pytest.mark.parametrize("upright", [False, True])
def test_letters_stand_on_their_feet(upright):
    surface = a_surface()
    surface.text(50.0, 30.0, "L", Words(20.0, INK, "middle", "middle", upright))
    ink = 255 - pixels(surface)[..., 0].astype(int)
    lines = ink.sum(axis=0 if upright else 1)  # of the letter, from its head to its foot
    head, foot = lines[lines > 0][:5].mean(), lines[lines > 0][-5:].mean()
    assert foot > 2 * head
    sides = ink.sum(axis=1 if upright else 0)
    begin, end = sides[sides > 0][[2, -3]] if not upright else sides[sides > 0][[-3, 2]]
    assert begin > 2 * end


def test_words_go_up_where_they_are_upright():
    surface = a_surface()
    surface.text(50.0, 30.0, "HHHH", Words(10.0, INK, "middle", "middle", upright=True))
    found = inked(surface)
    assert found.bottom - found.top == pytest.approx(width("HHHH", 10.0), abs=2.0)
    assert ((found.left + found.right) / 2, (found.top + found.bottom) / 2) == pytest.approx((50.0, 30.0), abs=0.8)
    assert 'transform="rotate(-90 53.6 30.0)"' in surface.svg("")


def test_the_svg_is_xml_whatever_the_words_are():
    surface = a_surface()
    surface.text(0.0, 10.0, 'a <b> & "c" $\\frac{1}{0}$', Words(9.0, INK))
    root = ET.fromstring(surface.svg('d <e> & "f"'))
    assert root.attrib["aria-label"] == 'd <e> & "f"'
    assert [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")] == ['a <b> & "c" $\\frac{1}{0}$']


def test_longer_words_are_wider_and_wider_in_larger_letters():
    assert 0.0 == width("", 9.0) < width("i", 9.0) < width("W", 9.0) < width("iW", 9.0)
    assert width("iW", 18.0) == pytest.approx(2 * width("iW", 9.0))
    assert width("\U0010ffff", 9.0) > 0.0  # that no font has


def test_every_corner_of_a_long_line_is_drawn():
    xs = np.linspace(0.0, 100.0, 1000)
    surface = a_surface()
    surface.path([np.column_stack([xs, 30 + 20 * np.sin(xs)])], stroke=Stroke(INK))
    assert surface.svg("").count("L") == 999
