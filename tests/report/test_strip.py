"""The strip: every act has words in a lane or above them, and no lane is there for nothing."""

import html
import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.deeds.acts import Clears, Deed, MutesStreams, SetReach, Suspends
from harness.judge.verdict import Span
from harness.report import strip
from harness.report.actors import told_by_lane
from harness.report.canvas import Drawing
from harness.report.folder import read_results
from harness.report.series import Series, read_series
from tests.report import boxed
from tests.report.test_hostile import dumped, needs_chromium, title

WALK = [
    (2.0, "wifi reset once"),
    (9.0, "server sends retry 2000"),
    (12.0, "wifi closed once"),
    (14.0, "device loses wifi"),
    (14.5, "device joins cellular"),
    (18.0, "cellular stalled for 2s"),
]


@pytest.fixture
def series(handoff) -> Series:
    return msgspec.structs.replace(read_series(handoff), deeds=[], others={}, end=40.0)


def texts(series: Series, start: float, end: float) -> list[str]:
    drawing = Drawing("strip", strip.height(series, start, end))
    strip.draw(drawing, series, start=start, end=end)
    return re.findall(r">([^<>]+)</text>", drawing.pictures("strip")[0])


def test_every_deed_without_a_lane_has_its_words_however_close_they_lie(series):
    found = texts(msgspec.structs.replace(series, deeds=WALK), 0.0, 40.0)
    assert [text for _, text in WALK if text not in found] == []


def test_a_band_too_short_for_its_words_has_them_above(series):
    middle = [Span(start=4.0, end=4.5, label="resets streams"), Span(start=6.0, end=30.0, label="answers 503")]
    found = texts(msgspec.structs.replace(series, others={"middle": middle}), 0.0, 40.0)
    assert {"middle", "middle resets streams", "answers 503"} <= set(found)
    assert "middle answers 503" not in found


def test_a_lane_is_there_where_it_says_something(series):
    told = msgspec.structs.replace(series, others={"middle": [Span(start=4.0, end=5.0, label="clears")]})
    assert "middle" in texts(told, 0.0, 20.0)
    assert "middle" not in texts(told, 20.0, 40.0)
    assert strip.height(told, 20.0, 40.0) == pytest.approx(strip.height(told, 0.0, 20.0) - strip.LANE)


def test_what_was_done_in_one_instant_shares_a_label(series):
    deeds = [(15.0, "device joins cellular"), (15.0, "device prefers cellular")]
    found = strip.labels_of(msgspec.structs.replace(series, deeds=deeds), 0.0, 40.0)
    assert [(label.at, label.text) for label in found] == [(15.0, "device joins cellular, device prefers cellular")]


def test_deeds_without_end_are_counted_where_there_is_no_room(series):
    deeds = [(10.0 + 0.1 * number, f"wifi reset once, time {number}") for number in range(60)]
    found = strip.labels_of(msgspec.structs.replace(series, deeds=deeds), 0.0, 40.0)
    counted = sum(int(count) for label in found for count in re.findall(r"and (\d+) before", label.text))
    assert len(found) == strip.ROWS
    assert len(found) + counted == 60


@given(st.lists(st.tuples(st.floats(0.0, 40.0), st.integers(1, 40).map("x".__mul__)), max_size=30).map(sorted))
def test_no_later_deeds_line_crosses_a_label(deeds):
    labels = strip._placed(deeds, 0.0, 40.0)
    for place, label in enumerate(labels):
        reach = strip._extent(label, 0.0, 40.0)[1]
        assert all(other.row < label.row for other in labels[place + 1 :] if other.at < reach)


def test_a_colour_whose_bands_are_all_too_short_for_its_word_is_in_the_legend(series):
    spans = [Span(start=0.0, end=9.5, label="connected"), Span(start=9.5, end=9.8, label="reconnecting")]
    brief = msgspec.structs.replace(series, connection=[*spans, Span(start=9.8, end=40.0, label="connected")])
    assert texts(brief, 0.0, 40.0).count("reconnecting") == 1
    assert "reconnecting" not in texts(msgspec.structs.replace(series, connection=spans[:1]), 0.0, 40.0)


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        (Deed(index=0, at=2.0, actor="middle", act=MutesStreams(), text="mutes streams"), True),
        (Deed(index=0, at=12.0, actor="middle", act=Clears(), text="clears"), True),
        (Deed(index=0, at=13.0, actor="middle", act=Clears(), text="clears"), False),
        (Deed(index=0, at=37.0, actor="middle", act=Clears(), text="clears"), True),
        (Deed(index=0, at=31.0, actor="device", act=Suspends(lasts=5.0), text="suspends for 5s"), True),
        (Deed(index=0, at=2.0, actor="wifi", act=SetReach(word="silent"), text="silent for 1s"), False),
        (Deed(index=0, at=3.0, actor="wifi", act=SetReach(word="silent"), text="silent for 1s", undoes=1), True),
    ],
)
def test_a_deed_is_told_by_a_lane_where_a_band_begins_or_ends_with_it(deed, said):
    others = {
        "middle": [Span(start=2.0, end=12.0, label="mutes streams")],
        "middle on wifi": [Span(start=4.0, end=37.0, label="kills idle after 60s")],
        "device": [Span(start=31.0, end=36.0, label="suspended")],
    }
    assert told_by_lane(deed, {0: deed.at}, others) is said


PROBE = """<!doctype html><title>quiet</title>
<iframe style="border:0;width:{width}px;height:900px" srcdoc="{page}"></iframe>
<script>onload = () => {{ const page = document.querySelector("iframe").contentDocument;
  const after = (one) => page.defaultView.getComputedStyle(one, "::after").content;
  const boxes = [...page.querySelectorAll("figure .scroll")].filter((one) => one.clientWidth);
  document.title = JSON.stringify({{
    wider: page.documentElement.scrollWidth > {width},
    scrolls: boxes.map((one) => one.scrollWidth > one.clientWidth),
    hints: boxes.map((one) => after(one.parentNode.querySelector("figcaption")).includes("sideways")) }}); }};
</script>"""


@pytest.mark.slow
@needs_chromium
@pytest.mark.parametrize(("width", "scrolls"), [(390, True), (1280, False)])
def test_a_figure_wider_than_the_screen_scrolls_and_says_so(drawn, tmp_path, width, scrolls):
    probe = tmp_path / "probe.html"
    probe.write_text(PROBE.format(width=width, page=html.escape((drawn / "report.html").read_text())))
    found = json.loads(html.unescape(title(dumped(probe, tmp_path / "profile"))))
    assert found["wider"] is False
    assert found["scrolls"]
    assert set(found["scrolls"]) == set(found["hints"]) == {scrolls}


def test_the_boxes_of_a_whole_run_have_their_lanes(tmp_path):
    boxed.put_boxed(tmp_path)
    found = texts(read_series(read_results(tmp_path).runs[0]), 0.0, 40.0)
    assert {"middle", "middle on wifi", "server", "job", "device"} <= set(found)
