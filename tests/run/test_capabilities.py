import pytest

from harness.errors import EnvironmentFault
from harness.network import real
from harness.run.capabilities import hanging_words, require
from harness.scenario import load, plans

HEAD = "scenario: s\njob: {lasts: 10s}\npaths: {wifi: wifi, cellular: lte}\ntimeline:\n"
HANGING = """\
  1s: {wifi: silent for 500ms}
  2s: {cellular: [stalled downstream only, up]}
  3s: {wifi: unreachable}
  4s: {cellular: silent upstream only}
"""
OPEN = "  1s: {wifi: refused}\n  2s: {wifi: [up, closed once]}\n  3s: {wifi: reset}\n  4s: {device: goes offline}\n"


@pytest.fixture
def planned(tmp_path):
    def planned(timeline, head=HEAD):
        (tmp_path / "s.yaml").write_text(head + timeline)
        return plans(load(tmp_path / "s.yaml"))[0]

    return planned


def test_words_by_which_dials_hang_are_named_with_their_lines(planned):
    assert hanging_words(planned(HANGING)) == [
        "wifi: silent for 500ms (line 5)",
        "cellular: stalled downstream only (line 6)",
        "wifi: unreachable (line 7)",
        "cellular: silent upstream only (line 8)",
    ]


def test_a_path_that_is_silent_from_the_start_is_named(planned):
    head = HEAD.replace("cellular: lte", "cellular: offline")
    assert hanging_words(planned("  1s: {wifi: reset}\n", head)) == ["cellular: silent at the start"]


def test_words_by_which_dials_end_are_none(planned):
    assert hanging_words(planned(OPEN)) == []


def test_here_every_plan_can_be_carried_out(planned):
    require(planned(HANGING))


def test_where_dials_cannot_hang_those_words_alone_are_refused_by_name(planned, monkeypatch):
    monkeypatch.setattr(real, "DIALS_CAN_HANG", False)
    require(planned(OPEN))
    with pytest.raises(EnvironmentFault) as told:
        require(planned(HANGING))
    named = "wifi: silent for 500ms (line 5), cellular: stalled downstream only (line 6), wifi: unreachable (line 7)"
    assert str(told.value) == f"{real.NO_HANGING}: {named}, and 1 more"


def test_where_no_port_can_be_kept_no_run_is_made_on_real_sockets(planned, monkeypatch):
    monkeypatch.setattr(real, "ports_can_be_kept", lambda: False)
    with pytest.raises(EnvironmentFault, match="--world virtual"):
        require(planned(OPEN))
