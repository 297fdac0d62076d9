import msgspec
import pytest

from harness.deeds import acts
from harness.device.words import Reach
from harness.history import DeedDone
from harness.judge.case import Case
from harness.judge.facts.network_timeline import NetworkTimeline
from harness.judge.measures.outages import Outage, outages
from harness.judge.measures.steady import steady
from harness.scenario import model
from tests.judge.ruling import law
from tests.judge.story import Story, ns, plan

MUTE = acts.MutesStreams()
CLEAR = (9.0, "middle", acts.Clears(), "clears")
RECOVER = (9.0, "server", acts.Recovers(), "recovers")


def story_of(*deeds, **more) -> Story:
    return Story(plan(*deeds, lasts=200.0, items=400, **more)).run()


def outages_of(story: Story) -> list[Outage]:
    return outages(Case(story.plan, story.history()).clients[0])


def spans(story: Story) -> list[tuple[float, float | None]]:
    return [(round(one.began, 2), one.healed and round(one.healed, 2)) for one in outages_of(story)]


@pytest.mark.parametrize(
    "act",
    [
        acts.Answers(status=503), acts.Answers(status=403, to="streams"), acts.ShowsPortal(), MUTE,
        acts.ResetsStreams(), acts.Buffers(size=64_000), acts.Buffers(each_event=True),
    ],
)  # fmt: skip
def test_a_box_that_stops_streams_is_an_outage_until_it_clears(act):
    (one,) = outages_of(story_of((4.0, "middle", act, "stops"), CLEAR))
    assert (round(one.began, 1), round(one.healed or 0, 1), one.struck, one.path) == (4.0, 9.0, "middle", "wifi")


@pytest.mark.parametrize(
    "act", [acts.Answers(status=503, to="polls"), acts.Answers(status=500, to="results"), acts.KillsIdle(after=60.0)]
)
def test_a_box_that_lets_streams_pass_is_none(act):
    assert spans(story_of((4.0, "middle", act, "lets pass"), CLEAR)) == []


@pytest.mark.parametrize("act", [acts.Drains(), acts.Hangs(), acts.Answers(status=503)])
def test_a_server_that_serves_no_stream_is_an_outage_until_it_recovers(act):
    (one,) = outages_of(story_of((4.0, "server", act, "is away"), RECOVER))
    assert (round(one.began, 1), round(one.healed or 0, 1), one.struck) == (4.0, 9.0, "server")


@pytest.mark.parametrize("act", [acts.SendsRetry(value="5000"), acts.Repeats(count=2), acts.SilencesKeepalive()])
def test_a_server_s_manners_are_no_outage(act):
    assert spans(story_of((4.0, "server", act, "does"), RECOVER)) == []


def test_a_restart_lasts_as_long_as_it_says():
    (one,) = outages_of(story_of((4.0, "server", acts.Restarts(keeps_log=True, after=5.0), "restarts")))
    assert (round(one.began, 1), round(one.healed or 0, 1), one.silent) == (4.0, 9.0, False)


def test_a_restart_at_once_still_ends_the_streams():
    (one,) = outages_of(story_of((4.0, "server", acts.Restarts(keeps_log=False), "restarts")))
    assert (round(one.began, 1), round(one.healed or 0, 1)) == (4.0, 4.0)


def test_a_restart_at_once_is_over_at_once_also_where_its_call_takes_no_time():
    story = story_of((4.0, "server", acts.Restarts(keeps_log=False), "restarts"))
    for record in story.records:
        if isinstance(record, DeedDone):
            record.returned_ns = record.issued_ns
    assert spans(story) == [(4.0, 4.0)]
    intervals = Case(story.plan, story.history()).clients[0].once(NetworkTimeline).intervals
    assert {interval.usable for interval in intervals} == {True}


def test_a_cut_on_the_way_to_a_stream_is_one_and_a_cut_of_a_poll_is_none():
    def cuts(what):
        story = Story(plan((4.0, "wifi", acts.SetReach(word=Reach.RESET, once=True), "reset once"), lasts=20.0))
        cid = story.conn(3.5)
        story.request(what, 3.6, cid=cid, status=0)
        story.deeds()
        story.close(4.0, cid)
        story.end(21.0)
        return [(cut.path, cut.deed) for cut in Case(story.plan, story.history()).clients[0].once(NetworkTimeline).cuts]

    assert cuts("token") == [("wifi", 0)]
    assert cuts("stream") == [("wifi", 0)]
    assert cuts("poll") == []


def test_what_was_open_on_a_lost_path_ends_before_the_deeds_of_that_instant():
    lost, back = (4.0, "device", acts.Loses(path="wifi"), "loses wifi"), acts.Joins(path="wifi")
    for at, ended in ((34.0, [34.0]), (33.9, [])):
        story = story_of(
            (1.0, "device", acts.Joins(path="cellular"), "joins"), lost, (at, "device", back, "joins wifi")
        )
        story.plan = msgspec.structs.replace(story.plan, device=model.DeviceSpec(starts_on="wifi", linger=30.0))
        for record in story.records:
            if isinstance(record, DeedDone):
                record.returned_ns = record.issued_ns
        assert [
            round(cut.at, 2) for cut in Case(story.plan, story.history()).clients[0].once(NetworkTimeline).cuts
        ] == ended


def test_a_call_that_returns_when_the_restart_is_over_began_when_it_was_made():
    story = story_of((4.0, "server", acts.Restarts(keeps_log=True, after=5.0), "restarts"))
    for record in story.records:
        if isinstance(record, DeedDone):
            record.returned_ns = ns(9.2)
    assert spans(story) == [(4.0, 9.2)]


def test_a_restart_ends_what_the_server_was_told_before():
    drains = (4.0, "server", acts.Drains(), "drains")
    assert spans(story_of(drains, (7.0, "server", acts.Restarts(keeps_log=True, after=2.0), "restarts"))) == [
        (4.0, 9.0)
    ]


def test_a_suspended_device_is_an_outage_until_it_wakes():
    story = story_of((4.0, "device", acts.Suspends(lasts=5.0), "suspends for 5s"))
    timeline = Case(story.plan, story.history()).clients[0].once(NetworkTimeline)
    assert spans(story) == [(4.0, 9.0)]
    assert (outages_of(story)[0].struck, round(timeline.slept(0.0, 6.0), 2), round(timeline.slept(0.0, 99.0), 2)) == (
        "device", 2.0, 5.0,
    )  # fmt: skip


def test_a_deed_that_undoes_takes_back_its_own_only():
    portal, mute = (4.0, "middle", acts.ShowsPortal(), "shows portal"), (5.0, "middle", MUTE, "mutes streams")
    story = story_of(portal, mute, (6.0, "middle", MUTE, "mutes streams"), CLEAR)
    deeds = list(story.plan.deeds)
    deeds[2] = msgspec.structs.replace(deeds[2], undoes=1)
    story.plan = msgspec.structs.replace(story.plan, deeds=tuple(deeds))
    assert spans(story) == [(4.0, 9.0)]
    deeds[2] = msgspec.structs.replace(deeds[2], act=acts.ShowsPortal(), undoes=0)
    deeds[1] = msgspec.structs.replace(deeds[1], act=acts.Answers(status=503, to="polls"))
    story.plan = msgspec.structs.replace(story.plan, deeds=tuple(deeds))
    assert spans(story) == [(4.0, 6.0)]


def test_a_box_on_another_path_is_none_of_the_client_s():
    story = story_of((4.0, "middle", MUTE, "mutes streams"), CLEAR)
    on = tuple(msgspec.structs.replace(deed, on="cellular") for deed in story.plan.deeds)
    story.plan = msgspec.structs.replace(story.plan, deeds=on)
    assert spans(story) == []


def test_a_path_can_be_cleared_alone():
    story = story_of((4.0, "middle", MUTE, "mutes streams"), CLEAR)
    for path, healed in (("wifi", 9.0), ("cellular", None)):
        deeds = (story.plan.deeds[0], msgspec.structs.replace(story.plan.deeds[1], on=path))
        story.plan = msgspec.structs.replace(story.plan, deeds=deeds)
        assert spans(story) == [(4.0, healed)]


def test_answers_that_are_counted_heal_with_the_last():
    story = story_of((4.0, "middle", acts.Answers(status=503, to="streams", times=2), "answers 503 2 times"))
    story.request("stream", 5.0, last="a-7", status=503, by="middle")
    assert spans(story) == [(4.0, None)]
    story.request("stream", 7.0, last="a-7", status=503, by="middle")
    assert spans(story) == [(4.0, 7.01)]


def test_answers_that_the_canary_used_up_heal_with_the_first_stream():
    story = story_of((4.0, "middle", acts.Answers(status=503, to="streams", times=2), "answers 503 2 times"))
    story.request("stream", 5.0, last="a-7", status=503, by="middle")
    story.request("stream", 7.0, last="a-7")
    assert spans(story) == [(4.0, 7.01)]


@pytest.mark.parametrize(("how", "silent"), [("fin", False), ("silently", True)])
def test_an_idle_connection_killed_is_an_outage_when_the_box_says_so(how, silent):
    story = story_of((4.0, "middle", acts.KillsIdle(after=60.0, how=how), "kills idle"))
    story.box("killed", 70.0, 2, how)
    (one,) = outages_of(story)
    assert (one.began, one.healed, one.silent, one.struck) == (70.0, 70.0, silent, "wifi")


def test_a_stream_cut_inside_an_event_is_an_outage_when_it_was_cut():
    cuts = acts.Cuts(how=model.Reach.CLOSED, mid="data")
    story = story_of((4.0, "wifi", cuts, "closed mid data"))
    assert spans(story) == []
    story.box("cut", 4.5, cid=2)
    assert spans(story) == [(4.5, 4.5)]


def test_a_token_that_runs_out_is_no_fault_of_the_client_s():
    story = story_of()
    story.subscribe(0.014, until=30.0, evidence="expired")
    assert spans(story) == [(30.0, 30.0)]
    windows = steady(Case(story.plan, story.history()).clients[0])
    assert round(windows[0].end, 1) == 29.9


def test_a_mute_box_that_was_there_before_the_first_dial_is_not_noticed_by_it():
    story = Story(plan((0.0, "middle", MUTE, "mutes streams"), CLEAR, lasts=60.0, items=60))
    story.emit_all()
    story.deeds()
    story.request("start", 0.001, status=202)
    story.dial(0.01)
    story.end(story.plan.horizon, "limit")
    (one,) = outages_of(story)
    assert (one.detected, one.attempts, one.silent) == (None, 0, True)
    assert law("recovery", story).evidence[0].text.startswith("middle mutes streams")


def test_usable_stretches_join_what_follows_without_a_break():
    story = story_of((4.0, "middle", MUTE, "mutes streams"), CLEAR, (20.0, "device", acts.Joins(path="cellular"), "x"))
    timeline = Case(story.plan, story.history()).clients[0].once(NetworkTimeline)
    assert [(round(a, 1), round(b, 1)) for a, b in timeline.usable_stretches()] == [
        (0.0, 4.0), (9.0, round(story.plan.horizon, 1)),
    ]  # fmt: skip


def test_of_sleeps_that_overlap_each_second_counts_once():
    sleeps = [
        (at, "device", acts.Suspends(lasts=lasts), "sleeps") for at, lasts in ((10.0, 15.0), (20.0, 2.0), (24.0, 6.0))
    ]
    story = story_of(*sleeps)
    timeline = NetworkTimeline(Case(story.plan, story.history()).clients[0])
    assert [(round(since, 2), round(until, 2)) for since, until in timeline.asleep] == [(10.0, 30.0)]
    assert [round(timeline.slept(*span), 2) for span in ((0.0, 100.0), (21.0, 29.0))] == [20.0, 8.0]
    found = [timeline.awake_by(*span) for span in ((0.0, 9.0), (9.0, 10.5), (25.0, 26.0), (41.0, 42.0))]
    assert [round(at, 2) for at in found] == [9.0, 30.5, 31.0, 42.0]


def test_a_stream_that_a_silence_ended_was_ended_silently():
    word = acts.SetReach(word=Reach.SILENT)
    story = story_of((4.0, "wifi", word, "silent"), (9.0, "wifi", acts.SetReach(word=Reach.UP), "up"))
    timeline = NetworkTimeline(Case(story.plan, story.history()).clients[0])
    assert [(cut.path, cut.silent, cut.deed) for cut in timeline.cuts][:1] == [("wifi", True, 0)]
