import msgspec
import pytest

from harness.deeds.acts import Answers, ComesOnline, Deed, Drains, GoesOffline, Hangs, Recovers, Restarts, SetReach
from harness.device.words import Reach
from harness.report.actors import other_spans, path_spans
from harness.report.figures import planned
from harness.report.folder import read_results
from harness.report.series import read_series
from harness.scenario.deed_text import deed_text
from harness.scenario.model import Plan
from harness.vocabulary import Direction
from tests.report import boxed, synthetic


def said(plan: Plan, lane: str, end: float = 40.0) -> list[tuple[float, float, str]]:
    times = {deed.index: deed.at for deed in plan.deeds}
    return [(span.start, span.end, span.label) for span in other_spans(plan, times, end).get(lane, [])]


def of_server(*deeds: tuple[float, object, str]) -> Plan:
    made = [Deed(index=index, at=at, actor="server", act=act, text=text) for index, (at, act, text) in enumerate(deeds)]
    return msgspec.structs.replace(synthetic.handoff_plan(), deeds=tuple(made))


@pytest.mark.parametrize(
    ("lane", "spans"),
    [
        ("middle", [(2.0, 12.0, "mutes streams")]),
        ("middle on wifi", [(4.0, 37.0, "kills idle after 60s")]),
        ("server", [(15.0, 18.0, "restarts, loses its log")]),
        ("job", [(21.0, 25.0, "paused"), (27.0, 29.0, "bursts, 200/s")]),
        ("device", [(31.0, 36.0, "suspended")]),
    ],
)
def test_each_actor_has_a_lane_of_what_it_was_told(lane, spans):
    assert said(boxed.boxed_plan(), lane) == spans


def test_a_hand_over_has_no_lanes_but_its_paths():
    plan = synthetic.handoff_plan()
    assert other_spans(plan, {deed.index: deed.at for deed in plan.deeds}, 40.0) == {}


def test_a_server_does_several_things_until_it_recovers():
    plan = of_server(
        (1.0, Answers(status=503), "answers 503"), (2.0, Hangs(), "hangs"), (3.0, Answers(status=500), "answers 500"),
        (4.0, Recovers(), "recovers"),
    )  # fmt: skip
    assert said(plan, "server") == [
        (1.0, 2.0, "answers 503"),
        (2.0, 3.0, "answers 503 + hangs"),
        (3.0, 4.0, "hangs + answers 500"),
    ]


def test_a_restart_ends_what_the_server_did():
    plan = of_server(
        (1.0, Drains(), "drains"), (3.0, Restarts(keeps_log=True, after=2.0), "restarts keeping log after 2s")
    )
    assert said(plan, "server") == [(1.0, 3.0, "drains"), (3.0, 5.0, "restarts, keeps its log")]


def test_coming_online_gives_back_only_the_paths_there_were():
    deeds = (
        Deed(index=0, at=5.0, actor="device", act=GoesOffline(), text="goes offline for 5s"),
        Deed(index=1, at=10.0, actor="device", act=ComesOnline(), text="goes offline for 5s", undoes=0),
    )
    handoff = synthetic.handoff_plan()
    joining = msgspec.structs.replace(handoff.deeds[2], index=2, at=30.0)
    plan = msgspec.structs.replace(handoff, deeds=(*deeds, joining))
    spans = path_spans(plan, {deed.index: deed.at for deed in plan.deeds}, 40.0)
    assert [(span.start, span.label) for span in spans["wifi"]] == [(0.0, "up"), (5.0, ""), (10.0, "up")]
    assert [(span.start, span.label) for span in spans["cellular"]] == [(0.0, ""), (30.0, "up")]


def test_a_deed_that_undoes_is_the_end_of_the_first():
    plan = boxed.boxed_plan()
    assert [deed_text(deed, plan) for deed in plan.deeds][:6] == [
        "middle mutes streams for 10s",
        "middle on wifi kills idle after 60s",
        "end of middle mutes streams",
        "server restarts losing log after 3s",
        "job pauses for 4s",
        "end of job pauses",
    ]


def test_an_undone_state_of_a_path_is_its_state_before():
    deeds = (
        Deed(index=0, at=5.0, actor="wifi", act=SetReach(word="stalled"), text="stalled for 5s"),
        Deed(index=1, at=10.0, actor="wifi", act=SetReach(word="up"), text="stalled for 5s", undoes=0),
    )
    plan = msgspec.structs.replace(synthetic.handoff_plan(), deeds=deeds)
    spans = path_spans(plan, {0: 5.0, 1: 10.0}, 20.0)["wifi"]
    assert [(span.start, span.label) for span in spans] == [(0.0, "up"), (5.0, "stalled"), (10.0, "up")]
    assert deed_text(deeds[1], plan) == "end of wifi stalled"


def test_polls_and_gaps_are_marked_and_polled_updates_told_apart(tmp_path):
    boxed.put_boxed(tmp_path)
    series = read_series(read_results(tmp_path).runs[0])
    assert [(round(mark.at), mark.what) for mark in series.marks] == [
        (4, "poll"), (7, "poll"), (10, "poll"), (18, "gap said"), (18, "gap"),
    ]  # fmt: skip
    assert sum(update.polled for update in series.updates) == 16
    assert [span.label for span in series.connection].count("polling") == 1


def test_of_several_clients_the_share_that_is_connected_has_a_lane(tmp_path):
    boxed.put_boxed(tmp_path, clients=4)
    series = read_series(read_results(tmp_path).runs[0])
    assert [share for at, share in series.crowd if at < 1] == [0, 0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 1]
    assert planned(series)[0].height > planned(msgspec.structs.replace(series, crowd=[]))[0].height


def test_a_path_of_which_one_way_is_stalled_or_silent_says_which():
    deeds = (
        Deed(index=0, at=5.0, actor="wifi", text="stalled downstream only",
             act=SetReach(word=Reach.STALLED, direction=Direction.DOWNSTREAM)),
        Deed(index=1, at=8.0, actor="wifi", text="silent upstream only",
             act=SetReach(word=Reach.SILENT, direction=Direction.UPSTREAM)),
        Deed(index=2, at=9.0, actor="wifi", text="up", act=SetReach(word=Reach.UP)),
    )  # fmt: skip
    plan = msgspec.structs.replace(synthetic.handoff_plan(), deeds=deeds)
    spans = path_spans(plan, {deed.index: deed.at for deed in deeds}, 20.0)["wifi"]
    assert [(span.start, set(span.label.split(", "))) for span in spans] == [
        (0.0, {"up"}),
        (5.0, {"stalled downstream"}),
        (8.0, {"stalled downstream", "silent upstream"}),
        (9.0, {"up"}),
    ]
