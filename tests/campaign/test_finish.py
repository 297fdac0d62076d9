"""The steps after a run: which runs are drawn."""

import msgspec
import pytest

from harness.campaign.finish import Figures, finish
from harness.report import compose
from harness.scenario.model import Expectation
from tests.campaign.folders import REAL, put_run, told


@pytest.mark.parametrize(
    ("figures", "word", "drawn"),
    [
        ("all", "pass", 1),
        ("all", "unknown", 1),
        ("failed", "pass", 0),
        ("failed", "unknown", 1),
        ("none", "unknown", 0),
    ],
)
def test_a_run_is_drawn_where_its_figures_are_wanted(tmp_path, monkeypatch, figures, word, drawn):
    many = Expectation(metric="events", sort="at least", limit=1e9)
    plan = msgspec.structs.replace(REAL, expect=(many,) if word == "unknown" else ())
    folder = put_run(tmp_path, plan, told(plan))
    seen = []
    monkeypatch.setattr(compose, "draw_run", seen.append)
    assert finish(folder, Figures(figures)).word == word
    assert seen == [folder] * drawn
