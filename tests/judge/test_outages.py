import msgspec
import pytest

from harness.deeds import acts
from harness.device.words import Radio, Reach
from harness.history import Deed, Dial, Request
from harness.judge.case import Case
from harness.judge.outages import Lapse, outages
from harness.judge.sky import Sky
from harness.scenario import model
from harness.scenario.deadlines import Ending, recovery_allowance
from harness.scenario.model import Pulse
from harness.sse.policy import Policies
from harness.toxics.shape import Shape
from tests.judge.scenes import JOINS, half_open, half_open_plan, handoff
from tests.judge.story import LTE, WIFI, Story, ns, plan, reach


def lapses(story: Story) -> list[Lapse]:
    return outages(Case(story.plan, story.history()).clients[0])


def spans(story: Story) -> list[tuple[float, float | None]]:
    return [(round(one.began, 2), one.healed and round(one.healed, 2)) for one in lapses(story)]


def long(*deeds, **more) -> Story:
    return Story(plan(*deeds, lasts=200.0, items=400, **more)).run()


def test_a_handoff_is_one_outage_told_by_the_device():
    (one,) = lapses(handoff())
    assert (one.struck, one.path, one.told, one.silent) == ("wifi", "cellular", True, True)
    assert (round(one.began, 1), round(one.healed or 0, 1), one.attempts) == (4.0, 5.0, 1)
    assert one.detection == pytest.approx(0.4)
    assert one.recovery == pytest.approx(1.2011)


@pytest.mark.parametrize("word", ["silent", "stalled", "closed", "reset", "refused", "unreachable"])
def test_every_word_but_up_makes_the_default_unusable(word):
    assert spans(long(reach(4.0, word), reach(9.0, "up"))) == [(4.0, 9.0)]


def test_one_direction_is_enough():
    deeds = reach(4.0, "silent", direction="downstream"), reach(9.0, "up", direction="downstream")
    assert spans(long(*deeds)) == [(4.0, 9.0)]


def test_usable_intervals_shorter_than_r_are_flaps_within_one_outage():
    assert spans(long(reach(4.0, "silent"), reach(9.0, "up"), reach(20.0, "silent"), reach(24.0, "up"))) == [
        (4.0, 24.0)
    ]


def test_an_interval_of_r_makes_two_outages():
    deeds = reach(4.0, "refused"), reach(9.0, "up"), reach(50.0, "refused"), reach(54.0, "up")
    assert spans(long(*deeds)) == [(4.0, 9.0), (50.0, 54.0)]


def test_a_cut_of_a_live_stream_is_healed_at_that_deed():
    assert spans(long(reach(4.0, "reset", once=True))) == [(4.0, 4.0)]


def test_a_cut_at_the_very_stamp_of_its_deed_counts():
    """In virtual time no time passes between them."""
    story = Story(plan(reach(4.0, "reset", once=True)))
    story.emit_all()
    story.deeds()
    cid = story.dial(0.01)
    story.close(4.0, cid)
    story.end(11.0)
    assert spans(story) == [(4.0, 4.0)]


def failed(story: Story, at: float) -> None:
    """A dial is over, and nobody let it in."""
    story.add(Dial(client="c1", path="wifi", port=0, from_ns=ns(at - 0.1), to_ns=ns(at), fate="refused"), at)


def test_a_retry_lengthens_r_where_it_was_in_force():
    def allowed(told_at: float) -> float:
        story = long(reach(4.0, "refused"), reach(9.0, "up"))
        story.retry_line(5.0, 3.0)
        failed(story, told_at)
        return lapses(story)[0].allowance

    assert allowed(5.0) == allowed(150.0) + 15.0


def test_a_retry_beyond_the_cap_lengthens_r_by_what_it_goes_beyond():
    def allowed(retry: float | None) -> float:
        story = long(reach(4.0, "refused"), reach(9.0, "up"), policies=Policies(backoff_base=0.5, backoff_cap=2.0))
        if retry is not None:
            story.retry_line(retry, 3.0)
        failed(story, 5.0)
        return lapses(story)[0].allowance

    noticed = 21.0  # the stream outlives the refusal of dials, and may have died silently
    assert allowed(10.0) == allowed(None) + noticed + 1.5 * 10 - 2
    assert allowed(90.0) == allowed(None) + noticed + 1.5 * 30 - 2


def test_a_token_or_a_snapshot_lengthens_r_where_the_server_asked_for_it():
    def allowed(**met: float) -> float:
        story = long(reach(4.0, "refused"), reach(9.0, "up"))
        for what, at in met.items():
            story.request(what, at, status=410 if what == "stream" else 200)
        return lapses(story)[0].allowance

    question = WIFI.radio.handshake + 2 * (0.002 + 0.001)
    assert allowed(token=10.0) == pytest.approx(allowed() + 2 * question)
    assert allowed(stream=10.0) == pytest.approx(allowed() + question)
    assert allowed(token=150.0, stream=150.0) == allowed()


def test_a_snapshot_that_a_new_token_led_to_lengthens_r_too():
    """Each alone would have been within R; the second is within what the first has added."""
    story = long(reach(4.0, "refused"), reach(9.0, "up"), paths={"wifi": LTE, "cellular": LTE})
    (plain,) = lapses(story)
    story.request("token", 10.0)
    story.request("stream", 9.0 + plain.allowance + 1.0, status=410)
    assert lapses(story)[0].allowance == pytest.approx(plain.allowance + 3 * (1.11 + 0.1))


def test_a_snapshot_refused_behind_a_gap_lengthens_r_to_the_next_one():
    def allowed(*refused: float, gap: bool = True) -> float:
        story = long(reach(4.0, "refused"), reach(9.0, "up"))
        if gap:
            story.gap_signal(9.1)
        for at in refused:
            story.request("poll", at, status=503)
        return lapses(story)[0].allowance

    assert allowed(10.0) == pytest.approx(allowed())
    assert allowed(41.0, 44.0, gap=False) == allowed(gap=False)
    assert allowed(41.0, 44.0) == pytest.approx(44.006 - 9.0 + 30.0 + 2 * 0.018, abs=0.001)


def test_the_time_that_a_narrow_line_needs_for_what_came_lengthens_r():
    narrow = msgspec.structs.replace(WIFI, shape=Shape(slice_size=1))
    deeds = reach(4.0, "refused"), reach(9.0, "up")
    story = long(*deeds, paths={"wifi": narrow, "cellular": LTE})
    updates = 2 * 33  # two a second for as long as R is, and each of 200 bytes is 200 ms on the line
    assert lapses(story)[0].allowance == pytest.approx(
        lapses(long(*deeds))[0].allowance + updates * 0.2 / (1 - 0.4), rel=0.02
    )


def test_a_handler_s_work_from_before_the_outage_lengthens_r():
    def allowed(takes: float) -> float:
        story = long(reach(4.0, "refused"), reach(9.0, "up"), policies=Policies(handler_takes=takes, queue=None))
        return lapses(story)[0].allowance

    # 76 updates by the end of R (33 s), and what comes while they are worked off; none was left from before the outage.
    assert allowed(0.1) == pytest.approx(allowed(0.0) + 76 * 0.1 / (1 - 0.2) + 0.1, abs=0.2)
    # A handler slower than the updates has caught up when the job is over and the rest, all but one of 400, is done.
    assert allowed(1.0) > 200.0


def test_a_wait_that_a_loss_begins_is_as_long_as_the_retry_asks_though_the_loss_was_told():
    def allowed(*said: str, at: float = 4.01) -> float:
        story = told((1.0, CELLULAR), (4.0, LOST["wifi"]), leaves=False)
        story.retry_line(6.0, 2.0)
        failed(story, 4.001)
        for what in said:
            story.signal(what, at, "cellular")
        (one,) = lapses(story)
        assert one.told
        return one.allowance

    assert allowed("joins") == pytest.approx(3 + 1.11)
    assert allowed() == pytest.approx(3 + 1.11 + 1.5 * 6 - 1)
    assert allowed("joins", at=4.0005) == allowed()


def test_a_signal_ends_the_wait_in_which_it_is_heard():
    def allowed(heard: float) -> float:
        story = told((1.0, CELLULAR), (4.0, LOST["wifi"]), leaves=False)
        story.retry_line(6.0, 2.0)
        failed(story, 4.001)
        story.signal("joins", 4.0005, "cellular", heard=heard)
        return lapses(story)[0].allowance

    assert allowed(4.002) == pytest.approx(3 + 1.11)
    assert allowed(4.0006) == pytest.approx(3 + 1.11 + 1.5 * 6 - 1)


def test_a_retry_after_is_obeyed_where_no_signal_ends_its_wait():
    def allowed(
        seconds: float, *, signal: float | None = None, obeys: bool = True, retry: float | None = None
    ) -> float:
        policies = Policies(backoff_base=1.0, backoff_cap=2.0, retry_stream=20.0, obeys_retry_after=obeys)
        story = long(reach(4.0, "refused"), reach(9.0, "up"), policies=policies)
        if retry is not None:
            story.retry_line(retry, 3.0)
        cid = story.conn(9.501, began=9.5)
        story.request("stream", 9.502, cid=cid, status=429, retry_after=f"{seconds:.0f}")
        story.close(9.6, cid)
        if signal is not None:
            story.signal("joins", signal, "cellular")
        return lapses(story)[0].allowance

    plain, question = 2 + 3 + 0.01, 0.02
    assert allowed(10.0) == pytest.approx(0.6 + 10 + 1 + question, abs=0.05)
    assert allowed(99.0) == pytest.approx(0.6 + 20 + 1 + question, abs=0.05)
    assert allowed(1.0) == pytest.approx(plain, abs=0.05)
    assert allowed(10.0, signal=11.0) == pytest.approx(plain, abs=0.05)
    assert allowed(10.0, obeys=False) == pytest.approx(plain, abs=0.05)
    assert allowed(25.0, retry=8.0) >= 0.6 + 20 + 8
    assert allowed(2.0, retry=20.0) >= 0.6 + 20 + 20


def test_the_loss_of_a_path_tells_nothing_of_its_healing():
    def told_by(what: str) -> bool:
        story = long(reach(4.0, "closed"), reach(9.0, "up"))
        (stream,) = (one.cid for one in story.records if isinstance(one, Request) and one.what == "stream")
        story.close(4.0, stream)
        story.signal(what, 9.05, "wifi")
        return lapses(story)[0].told

    assert told_by("joins")
    assert not told_by("loses")


def test_a_dial_that_a_new_way_begins_anew_has_its_time_from_then_on():
    def allowed(*, joins: float, asks: float = 9.1, answered: bool = False) -> float:
        story = long(reach(4.0, "refused"), reach(9.0, "up"), policies=Policies(backoff_cap=2.0))
        story.request("stream", asks, status=200 if answered else 0)
        story.signal("joins", joins, "cellular")
        return lapses(story)[0].allowance

    plain = 2 + 3 + 0.01
    assert allowed(joins=13.0) == pytest.approx(13 - 9 + 3 + 0.01, abs=0.1)
    assert allowed(joins=13.0, answered=True) == pytest.approx(plain, abs=0.1)
    assert allowed(joins=13.0, asks=13.1) == pytest.approx(plain, abs=0.1)
    assert allowed(joins=30.0) == pytest.approx(plain, abs=0.1)


def test_a_dial_is_begun_anew_by_the_signal_that_is_heard_while_it_lasts():
    def allowed(*, told: float, heard: float) -> float:
        story = long(reach(4.0, "refused"), reach(9.0, "up"), policies=Policies(backoff_cap=2.0))
        story.request("stream", 9.1, status=0)
        story.signal("resumed", told, heard=heard)
        return lapses(story)[0].allowance

    assert allowed(told=9.05, heard=9.2) == pytest.approx(0.2 + 3 + 0.01 + max(0, 5 - 3.2), abs=0.1)
    assert allowed(told=9.05, heard=13.0) == pytest.approx(13 - 9 + 3 + 0.01, abs=0.1)


def test_a_stream_that_the_server_keeps_quiet_for_longer_than_the_watchdog_is_dialled_anew_like_any():
    def allowed(*, due: float, watchdog: float, keepalive: float | None = 15.0) -> float:
        online = (5.0, "device", acts.ComesOnline(), "comes online")
        deeds = (4.0, "device", acts.GoesOffline(), "goes offline"), online
        policies, server = Policies(watchdog=watchdog), model.ServerSpec(keepalive=keepalive)
        story = Story(plan(*deeds, lasts=due, items=1, policies=policies, server=server)).run()
        story.signal("online", 5.0)
        (one,) = lapses(story)
        assert one.told
        return one.allowance

    told, plain = 3 + 0.01, 30 + 3 + 0.01
    assert allowed(due=9.0, watchdog=10.0) == pytest.approx(told, abs=0.1)
    assert allowed(due=16.0, watchdog=20.0) == pytest.approx(told, abs=0.1)
    assert allowed(due=16.0, watchdog=10.0) == pytest.approx(plain, abs=0.1)
    assert allowed(due=30.0, watchdog=20.0, keepalive=None) == pytest.approx(plain, abs=0.1)


def test_an_outage_before_anything_was_due_is_not_judged_where_another_follows():
    """The job was paused; what shows only after the second is no slow recovery from the first."""
    deeds = reach(1.0, "refused"), reach(2.0, "up"), reach(60.0, "refused"), reach(64.0, "up")
    story = Story(plan(*deeds, lasts=130.0, items=2))
    story.emit_all()
    story.deeds()
    story.show(1, 66.0)
    story.end(131.0)
    first, second = lapses(story)
    assert (first.first_due, first.caught_up) == (pytest.approx(65.0), pytest.approx(66.0))
    assert (first.spared, second.spared) == ("another outage began before it could show", "")


def test_a_silent_outage_is_noticed_before_the_wait_that_its_retry_asks_for():
    story = long(reach(4.0, "silent"), reach(9.0, "up"))
    (plain,) = lapses(story)
    story.retry_line(900.0, 2.0)
    failed(story, 25.0)
    assert lapses(story)[0].allowance == pytest.approx(plain.allowance + 21 + 45 - 30)


def test_a_silent_death_is_given_the_wait_that_its_retry_asks_for():
    def allowed(*retry: float) -> float:
        story = half_open(half_open_plan(Policies()))
        for seconds in retry:
            story.retry_line(seconds, 2.0)
        story.hang_up(9.0, "watchdog")
        (one,) = lapses(story)
        return one.allowance

    assert allowed(4.0) == pytest.approx(allowed() + 5.0)  # 1.5 · 4 s in place of the base of 1 s
    assert allowed(900.0) == pytest.approx(allowed() + 44.0)  # clamped to 30 s


def test_a_silent_death_beside_a_usable_default_is_healed_at_that_deed():
    (one,) = lapses(half_open())
    assert (round(one.began, 1), round(one.healed or 0, 1), one.silent, one.told) == (4.0, 4.0, True, False)
    assert one.allowance == pytest.approx(21 + 1 + 3 + 0.21 + 0.9, abs=1.0)


def test_a_path_without_a_stream_may_do_as_it_likes():
    assert spans(long((1.0, "device", JOINS, "joins cellular"), reach(4.0, "silent", "cellular"))) == []


def test_a_change_of_shape_or_another_path_is_no_outage():
    shape = acts.SetShape(profile="3g", shape=Shape(latency=0.1), radio=Radio())
    assert spans(long((4.0, "wifi", shape, "3g"), (5.0, "device", JOINS, "joins cellular"))) == []


def test_losing_the_path_of_the_stream_is_an_outage_even_where_another_takes_over():
    loses = acts.Loses(path="wifi")
    story = long((1.0, "device", JOINS, "joins cellular"), (4.0, "device", loses, "loses wifi"))
    assert spans(story) == [(4.0, 4.0)]


def test_lingering_streams_die_when_the_linger_is_over():
    story = long((1.0, "device", JOINS, "joins cellular"), (4.0, "device", acts.Loses(path="wifi"), "loses wifi"))
    device = model.DeviceSpec(starts_on="wifi", linger=30.0)
    story.plan = msgspec.structs.replace(story.plan, device=device)
    assert spans(story) == [(34.0, 34.0)]


def test_offline_and_online():
    deeds = (4.0, "device", acts.GoesOffline(), "goes offline"), (9.0, "device", acts.ComesOnline(), "comes online")
    assert spans(long(*deeds)) == [(4.0, 9.0)]


def test_an_outage_that_never_ends():
    assert spans(long(reach(4.0, "closed"))) == [(4.0, None)]


def test_a_stall_outlived_is_recovered_without_being_noticed():
    story = Story(plan(reach(4.0, "stalled"), reach(6.0, "up"))).run(skip=(9, 10, 11))
    for index in (9, 10, 11):
        story.show(index, 6.0 + index / 10_000)
    (one,) = lapses(story)
    assert (one.detected, one.attempts) == (None, 0)
    assert one.recovery == pytest.approx(0.001, abs=0.0002)


def test_weather_is_no_outage():
    story = long()
    pulses = (Pulse(path="wifi", at=4.0, lasts=2.0),)
    story.plan = msgspec.structs.replace(story.plan, weather=pulses)
    assert spans(story) == []


def test_deeds_count_from_when_they_took_hold():
    story = long(reach(4.0, "silent"), reach(9.0, "up"))
    for record in story.records:
        if isinstance(record, Deed):
            record.returned_ns += 10**9
    assert spans(story) == [(5.0, 10.0)]


def test_the_sky_lasts_to_the_horizon():
    case = Case(handoff().plan, handoff().history())
    sky = Sky(case.clients[0])
    assert [(spell.path, spell.usable) for spell in sky.spells] == [
        ("wifi", True), ("wifi", False), (None, False), ("cellular", True),
    ]  # fmt: skip
    assert sky.spells[-1].end == case.plan.horizon
    assert sky.at(4.2).path == "wifi"


CELLULAR, ETHERNET, WIFI_AGAIN = (acts.Joins(path=path) for path in ("cellular", "ethernet", "wifi"))
PREFERS = {path: acts.Prefers(path=path) for path in ("wifi", "cellular", "ethernet")}
LOST = {path: acts.Loses(path=path) for path in ("wifi", "cellular")}
SAID = {acts.Joins: "joins", acts.Prefers: "prefers", acts.Loses: "loses"}

NOTHING = ()
OTHER_JOINS = ((4.5, ETHERNET),)
OTHER_JOINS_AS_IT_HEALS = ((9.0, ETHERNET),)
OTHER_BECOMES_DEFAULT = ((4.5, PREFERS["cellular"]),)
NEW_ONE_BECOMES_DEFAULT = ((4.5, ETHERNET), (4.5, PREFERS["ethernet"]))
BROKEN_BECOMES_DEFAULT = ((4.5, PREFERS["wifi"]),)
OWN_IS_LOST = ((4.5, LOST["wifi"]),)
OTHER_IS_LOST = ((4.5, LOST["cellular"]),)
OTHER_IS_LOST_AS_IT_HEALS = ((9.0, LOST["cellular"]),)
OWN_RETURNS = ((4.4, LOST["cellular"]), (4.5, LOST["wifi"]), (9.0, WIFI_AGAIN))

PLAIN, TOLD, UNNOTICED = Ending.PLAIN, Ending.TOLD, Ending.UNNOTICED

R_OF = {
    # The stream's path is the default, so the outage lasts until that is up again (9 s) or another one.
    **{
        ("default", word, said): found
        for word in ("silent", "stalled", "closed")
        for said, found in {
            NOTHING: (4.0, 9.0, PLAIN),
            OTHER_JOINS: (4.0, 9.0, PLAIN),
            OTHER_JOINS_AS_IT_HEALS: (4.0, 9.0, PLAIN),
            OTHER_BECOMES_DEFAULT: (4.0, 4.5, PLAIN),
            NEW_ONE_BECOMES_DEFAULT: (4.0, 4.5, PLAIN),
            OWN_IS_LOST: (4.0, 4.5, TOLD),
            OTHER_IS_LOST: (4.0, 9.0, PLAIN),
            OTHER_IS_LOST_AS_IT_HEALS: (4.0, 9.0, PLAIN),
            OWN_RETURNS: (4.0, 9.0, TOLD),
        }.items()
    },
    ("default", "closed", OWN_IS_LOST): (4.0, 4.5, PLAIN),  # whose stream has ended waits, and a loss ends no wait
    # The stream is on Wi-Fi still, new connections use cellular: its silent death is the outage, healed at once.
    ("beside", "silent", NOTHING): (4.0, 4.0, UNNOTICED),
    ("beside", "silent", OTHER_JOINS): (4.0, 4.0, UNNOTICED),
    ("beside", "silent", NEW_ONE_BECOMES_DEFAULT): (4.0, 4.0, UNNOTICED),
    ("beside", "silent", OWN_IS_LOST): (4.0, 4.5, TOLD),
    ("beside", "silent", OTHER_IS_LOST): (4.0, 9.0, PLAIN),  # the silent one becomes the default
    ("beside", "silent", BROKEN_BECOMES_DEFAULT): (4.0, 9.0, PLAIN),
    # A stream that is stalled is not dead: no outage, until it is cut or the default is the stalled path.
    ("beside", "stalled", NOTHING): None,
    ("beside", "stalled", OTHER_JOINS): None,
    ("beside", "stalled", NEW_ONE_BECOMES_DEFAULT): None,
    ("beside", "stalled", OWN_IS_LOST): (4.5, 4.5, TOLD),
    ("beside", "stalled", OTHER_IS_LOST): (4.5, 9.0, PLAIN),
    ("beside", "stalled", BROKEN_BECOMES_DEFAULT): (4.5, 9.0, PLAIN),
    # A FIN is no signal of the device. Who has heard it has left the path, and its loss is nothing to them.
    ("beside", "closed", NOTHING): (4.0, 4.0, PLAIN),
    ("beside", "closed", OTHER_JOINS): (4.0, 4.0, PLAIN),
    ("beside", "closed", NEW_ONE_BECOMES_DEFAULT): (4.0, 4.0, PLAIN),
    ("beside", "closed", OWN_IS_LOST): (4.0, 4.0, PLAIN),
    ("beside", "closed", OTHER_IS_LOST): (4.0, 9.0, PLAIN),
    ("beside", "closed", BROKEN_BECOMES_DEFAULT): (4.0, 9.0, PLAIN),
}


@pytest.mark.parametrize(("place", "word", "said"), R_OF)
def test_each_outage_is_given_the_r_that_the_law_words_for_it(place, word, said):
    before = [(1.0, CELLULAR)] + [(2.0, PREFERS["cellular"])] * (place == "beside")
    deeds = sorted([*before, *said, (4.0, word), (9.0, "up")], key=lambda deed: deed[0])
    story = told(*deeds, leaves=word == "closed")
    found = [(round(one.began, 1), round(one.healed, 1), ending(one, story)) for one in lapses(story)]
    assert found == ([] if R_OF[place, word, said] is None else [R_OF[place, word, said]])


def told(*deeds, leaves):
    """A stream on Wi-Fi; ``leaves`` it at once when that breaks, else stays. The device says what the deeds are."""
    paths = {"wifi": WIFI, "cellular": LTE, "ethernet": WIFI}
    done = [reach(at, act) if isinstance(act, str) else (at, "device", act, "") for at, act in deeds]
    story = Story(plan(*done, lasts=200.0, items=400, paths=paths)).run()
    for at, act in deeds:
        if not isinstance(act, str):
            story.signal(SAID[type(act)], at + 0.0001, act.path)
    if leaves:
        story.close(4.001, 2)
    return story


def ending(lapse: Lapse, story: Story) -> Ending:
    """Which of the three R an outage was given."""
    given = {recovery_allowance(story.plan, one, path=lapse.path): one for one in Ending}
    assert len(given) == 3
    return given[lapse.allowance]


def test_where_no_stream_is_open_the_client_s_own_path_is_the_default():
    story = told((1.0, CELLULAR), (4.0, "silent"), (9.0, "up"), leaves=False)
    story.close(3.0, 2)
    (one,) = lapses(story)
    assert (round(one.healed or 0, 1), ending(one, story)) == (9.0, PLAIN)
    story.signal("joins", 9.0001, "wifi")
    assert ending(lapses(story)[0], story) == TOLD


def test_where_no_stream_is_open_the_loss_of_a_path_ends_no_wait():
    story = told((1.0, CELLULAR), (4.0, "silent"), (4.5, LOST["wifi"]), leaves=False)
    assert ending(lapses(story)[0], story) == TOLD
    story.close(3.0, 2)
    (one,) = lapses(story)
    assert (round(one.healed or 0, 1), ending(one, story)) == (4.5, PLAIN)


def test_a_loss_that_was_told_helps_little_where_the_path_it_leaves_heals_without_a_word():
    paths = {"wifi": WIFI, "cellular": msgspec.structs.replace(LTE, start=Reach.UNREACHABLE)}
    back = reach(30.0, "up", "cellular")
    story = Story(plan((1.0, "device", CELLULAR, ""), (4.0, "device", LOST["wifi"], ""), back, paths=paths)).run()
    story.signal("loses", 4.0001, "wifi")
    (one,) = lapses(story)
    assert (round(one.began, 1), round(one.healed or 0, 1), ending(one, story)) == (4.0, 30.0, PLAIN)


def test_a_signal_whose_dial_met_the_last_refusal_tells_nothing_of_the_healing():
    def told(*, refused: bool) -> bool:
        story = long((4.0, "device", acts.GoesOffline(), "goes offline"), (9.0, "device", acts.ComesOnline(), "online"))
        story.signal("online", 8.99)
        if refused:
            story.request("stream", 8.992, status=504)
        return lapses(story)[0].told

    assert told(refused=False)
    assert not told(refused=True)


def test_a_signal_whose_dial_was_refused_by_the_path_itself_tells_nothing_of_the_healing():
    def told(ended: float) -> bool:
        story = long((4.0, "device", acts.GoesOffline(), "goes offline"), (9.0, "device", acts.ComesOnline(), "online"))
        story.signal("online", 8.98)
        story.dial(8.981, cause="signal", opens=False)
        story.hang_up(ended, "refused")
        return lapses(story)[0].told

    assert not told(8.99)
    assert told(9.01)


def test_a_signal_whose_stream_a_box_kept_mute_tells_nothing_of_the_healing():
    def told(muted_at: float) -> bool:
        story = long((4.0, "device", acts.GoesOffline(), "goes offline"), (9.0, "device", acts.ComesOnline(), "online"))
        story.signal("online", 8.98)
        rid = story.request("stream", 8.982)
        story.box("muted", muted_at, story.cids, rid=rid)
        return lapses(story)[0].told

    assert not told(8.99)
    assert told(9.5)


def test_a_silent_default_is_given_the_cap_whatever_the_watchdog():
    """D is for a death beside a usable default only."""
    story = long(reach(4.0, "silent"), reach(9.0, "up"), policies=Policies(watchdog=60.0))
    assert [ending(one, story) for one in lapses(story)] == [PLAIN]


def test_silent_deaths_one_after_the_other_are_still_unnoticed():
    again = (5.0, "device", PREFERS["cellular"], ""), reach(6.0, "up"), reach(7.0, "silent")
    story = long((1.0, "device", CELLULAR, ""), (3.0, "device", PREFERS["cellular"], ""), reach(4.0, "silent"), *again)
    assert [(round(one.began), round(one.healed), ending(one, story)) for one in lapses(story)] == [(4, 7, UNNOTICED)]
