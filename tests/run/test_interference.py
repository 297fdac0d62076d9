"""Other deeds that can have done what was met: by hand, on plans of a few deeds."""

import pytest

from harness.run.interference import Interference, Mismatch
from harness.scenario import Scenario, plans


def hides(timeline, miss, *, of=-1, until=60.0, **sections):
    """Return what hides the last deed (or the one given), for which this was met on Wi-Fi by then."""
    facts = {"scenario": "s", "job": {"lasts": "30s"}, "paths": {"wifi": "wifi", "cellular": "lte"}}
    plan = plans(Scenario(**{**facts, "timeline": timeline, **sections}), world="virtual")[0]
    return Interference(plan).by(plan.deeds[of], miss, until)


def miss(symptom, **facts):
    return Mismatch(path="wifi", symptom=symptom, **facts)


@pytest.mark.parametrize(
    ("standing", "symptom", "said"),
    [
        ({"server": "drains"}, "ended", "server drains in force"),
        ({"server": "hangs"}, "quiet", "server hangs in force"),
        ({"wifi": "closed"}, "refused", "wifi closed in force"),
        ({"wifi": "silent upstream only"}, "quiet", "wifi silent upstream only in force"),
        ({"middle": "kills idle after 5s"}, "ended", "middle kills idle after 5s in force"),
        ({"middle": "shows portal"}, "soon", "middle shows portal in force"),
        ({"middle": "shows portal"}, "whole", "middle shows portal in force"),
        ({"server": "hangs"}, "whole", ""),
        ({"server": "hangs"}, "late", "server hangs in force"),
        ({"server": "hangs"}, "soon", ""),
        ({"wifi": "3g upstream only"}, "soon", ""),
        ({"server": "drains"}, "quiet", ""),
        ({"server": "drains"}, "let in", ""),
        ({"server": "hangs"}, "refused", ""),
        ({"cellular": "closed"}, "refused", ""),
        ({"middle on cellular": "shows portal"}, "soon", ""),
        ({"middle": "mutes streams"}, "quiet", ""),
    ],
)
def test_only_what_does_just_that_to_flows_of_this_path_explains_it(standing, symptom, said):
    assert hides({"5s": standing, "10s": {"wifi": "lte"}}, miss(symptom)) == said


def test_what_a_deed_replaces_or_takes_back_does_not_hide_it():
    assert hides({"5s": {"wifi": "silent"}, "10s": {"wifi": "up"}}, miss("quiet", held=True)) == ""
    assert hides({"5s": {"server": "hangs for 2s"}}, miss("quiet")) == ""
    assert hides({"5s": {"wifi": "silent for 2s upstream only"}}, miss("quiet")) == ""


def test_an_orphan_s_end_is_met_by_the_server_alone():
    timeline = {"5s": {"server": "orphan for 2s"}, "10s": {"wifi": "silent"}}
    assert hides(timeline, miss("told", held=True)) == "server orphan for 2s in force"
    assert hides(timeline, miss("ended", held=True)) == ""
    for word in ("drains", "restarts keeping log"):
        assert hides({"5s": {"server": word}, "5500ms": {"wifi": "silent"}}, miss("told", held=True)) != ""
    assert hides({"5s": {"wifi": "stalled"}, "6s": {"server": "hangs"}}, miss("told", held=True)) == ""


def test_what_is_over_hides_a_held_connection_alone():
    timeline = {"5s": {"wifi": "closed once"}, "5500ms": {"wifi": "stalled"}}
    assert hides(timeline, miss("ended", held=True)) == "wifi closed once in force"
    assert hides(timeline, miss("ended")) == ""
    later = {"5s": {"wifi": "closed once"}, "6s": {"wifi": "stalled"}}
    assert hides(later, miss("ended", held=True)) == ""


def test_a_word_that_two_others_replaced_by_halves_hides_nothing():
    half = {"5s": {"wifi": "stalled"}, "7s": {"wifi": "silent upstream only"}, "12s": {"wifi": "lte"}}
    assert hides(half, miss("late")) == "wifi stalled in force"
    replaced = {"5s": {"wifi": "stalled"}, "7s": {"wifi": ["silent upstream only", "silent downstream only"]}}
    assert hides({**replaced, "12s": {"wifi": "lte"}}, miss("late")) == ""


def test_what_comes_too_late_may_be_a_newer_deed_s_doing_and_too_soon_only_a_newer_profile_s():
    timeline = {"5s": {"wifi": ["3g", "limited to 64kbps"]}}
    assert hides(timeline, miss("late"), of=0) == "wifi limited to 64kbps in force"
    assert hides(timeline, miss("soon"), of=0) == ""
    assert hides({"5s": {"wifi": "3g"}, "6s": {"wifi": "wifi"}}, miss("soon"), of=0) == "wifi wifi in force"


def test_a_cut_hides_for_as_long_as_it_may_wait_for_its_event():
    told = {"5s": {"wifi": "reset mid data"}}
    assert hides({**told, "12s": {"wifi": "lte"}}, miss("ended", held=True)) == "wifi reset mid data in force"
    assert hides({**told, "14s": {"wifi": "lte"}}, miss("ended", held=True)) == ""


def test_the_end_of_a_box_s_span_leaves_another_that_says_the_same():
    told = {"5s": {"middle": "mutes streams for 4s"}, "6s": {"middle on wifi": "mutes streams"}}
    found = hides({**told, "12s": {"wifi": "reset mid data"}}, miss("quiet", held=True, stream=True))
    assert found == "middle on wifi mutes streams in force"


def test_slices_that_a_stall_held_back_come_in_one_piece():
    timeline, stalls = {"5s": {"wifi": "sliced to 16B"}}, {"profile": "wifi", "stalls": "3000/h"}
    paths = {"wifi": stalls, "cellular": "lte"}
    assert hides(timeline, miss("whole", held=True), paths=paths) == "wifi's weather in force"
    assert hides(timeline, miss("whole", held=True)) == ""


def test_what_an_idle_kill_silenced_stays_silent_when_the_box_is_gone():
    killed = {"1s": {"middle": "kills idle after 2s silently"}, "9s": {"middle": "clears"}, "20s": {"wifi": "up"}}
    assert hides(killed, miss("quiet", held=True)) == "middle kills idle after 2s silently in force"
    assert hides(killed, miss("quiet")) == ""
    told = {**killed, "1s": {"middle": "kills idle after 2s"}}
    assert hides(told, miss("quiet", held=True)) == ""


def test_of_two_boxes_the_newer_hides_the_older():
    timeline = {"5s": {"middle": "answers 503"}, "6s": {"middle": "shows portal"}}
    assert hides(timeline, miss("otherwise"), of=0) == "middle shows portal in force"
    assert hides(timeline, miss("otherwise"), of=1) == ""


def test_a_restart_hides_until_the_server_is_back():
    timeline = {"5s": {"server": "restarts keeping log after 2s"}, "7s": {"wifi": "up"}}
    assert hides(timeline, miss("ended")) == "server restarts keeping log after 2s in force"
    timeline = {"5s": {"server": "restarts keeping log after 2s"}, "8s": {"wifi": "up"}}
    assert hides(timeline, miss("ended")) == ""


def test_a_device_that_went_offline_has_lost_what_there_was_and_nothing_later():
    told = {"5s": {"device": "goes offline"}}
    assert hides({**told, "12s": {"wifi": "lte"}}, miss("ended", held=True)) == ""
    found = hides({**told, "5500ms": {"wifi": "lte"}}, miss("ended", held=True), of=1)
    assert found == "device goes offline in force"


def test_a_lost_path_hides_until_its_connections_are_gone():
    told = {"5s": {"device": ["joins cellular", "loses wifi"]}, "12s": {"wifi": "lte"}}
    assert hides(told, miss("ended", held=True)) == ""
    assert hides(told, miss("ended", held=True), device={"linger": "8s"}) == "device loses wifi in force"


def test_what_comes_after_the_proof_hides_nothing():
    assert hides({"5s": {"wifi": "lte"}, "10s": {"server": "hangs"}}, miss("quiet"), of=0, until=9.0) == ""


def test_muted_streams_hide_a_cut_and_no_question():
    timeline = {"5s": {"middle": "mutes streams"}, "10s": {"wifi": "reset mid data"}}
    assert hides(timeline, miss("quiet", held=True, stream=True)) == "middle mutes streams in force"


def test_who_struck_once_refuses_nobody():
    timeline = {"5s": {"wifi": ["unreachable", "closed once"]}}
    assert hides(timeline, miss("refused"), of=0) == ""
    assert hides(timeline, miss("ended", held=True), of=0) == "wifi closed once in force"


def test_a_box_hides_only_what_it_does_to_a_stream_itself():
    told = {"5s": {"middle": "resets streams"}, "10s": {"wifi": "reset mid data"}}
    assert hides(told, miss("ended", stream=True)) == "middle resets streams in force"
    assert hides(told, miss("quiet", stream=True)) == ""
    muted = {"5s": {"middle": ["buffers 1KB", "mutes streams"]}}
    assert hides(muted, miss("quiet", stream=True), of=0) == "middle mutes streams in force"
    assert hides(muted, miss("otherwise", stream=True), of=0) == ""


def test_what_a_server_that_drained_has_ended_stays_ended_when_it_recovers():
    told = {"5s": {"server": "drains"}, "5300ms": {"server": "recovers"}}
    assert hides(told, miss("ended", held=True)) == "server drains in force"
    assert hides(told, miss("ended")) == ""


@pytest.mark.parametrize("back", ["joins wifi", "prefers wifi"])
def test_only_a_path_that_is_back_within_its_grace_keeps_what_was_open(back):
    joined = {"2s": {"device": ["joins cellular", "prefers cellular"]}}
    lingering = {"device": {"linger": "2s"}}
    told = {"5s": {"device": "loses wifi"}, "6s": {"device": back if "joins" in back else ["joins wifi", back]}}
    kept = miss("quiet", held=True)
    assert hides(told, kept, of=0, **lingering) == "device joins wifi in force"
    assert hides(told, kept, of=0) == ""
    assert hides(joined | told, kept, of=2, **lingering) == ""  # it was no default: nothing lingers
    late = {"5s": {"device": "loses wifi"}, "7500ms": {"device": "joins wifi"}}
    assert hides(late, kept, of=0, **lingering) == ""
    assert hides(told, kept, of=0, until=5.5, **lingering) == ""
    offline = {"5s": {"device": ["loses wifi", "goes offline"]}, "6s": {"device": ["comes online", "joins wifi"]}}
    assert hides(offline, kept, of=0, **lingering) == ""


def test_a_profile_is_in_the_promise_of_all_that_come_later_and_a_box_is_behind_a_newer_box_alone():
    assert hides({"5s": {"wifi": "3g"}, "6s": {"wifi": "sliced to 7B"}}, miss("late"), of=1) == ""
    boxes = {"5s": {"middle": "shows portal"}, "6s": {"middle": "mutes streams"}, "7s": {"wifi": "lte"}}
    assert hides(boxes, miss("otherwise"), of=1) == ""
    assert hides(boxes, miss("otherwise"), of=2) == "middle shows portal in force"
    gone = {"5s": {"middle": "shows portal"}, "6s": {"middle": "mutes streams for 1s"}}
    assert hides(gone, miss("otherwise"), of=2) == "middle shows portal in force"
    idle = {"5s": {"middle": "shows portal"}, "6s": {"middle": "kills idle after 5s"}}
    assert hides(idle, miss("otherwise"), of=1) == ""
