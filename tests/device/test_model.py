"""Each word against each kind of open flow and against dials; each thing the OS can know."""

import pytest

from harness.device import Act, ChunkFate, Device, DeviceChange, Do, Linger, Reach
from harness.errors import UsageError
from harness.seams import Direction, Door, Signal

UP, DOWN = Direction.UPSTREAM, Direction.DOWNSTREAM
BOTH = (UP, DOWN)
CID = 7


def phone(linger=0.0):
    return Device(["wifi", "cellular"], starts_on="wifi", linger=linger)


def flowing():
    device = phone()
    device.opened(CID, "wifi")
    return device


def acts(do, *directions):
    return tuple(Act(CID, do, direction) for direction in directions)


def feels(device, path="wifi"):
    return tuple(device.feels(path, direction) for direction in BOTH)


PASS, HOLD, DROP = (ChunkFate.PASS,) * 2, (ChunkFate.HOLD,) * 2, (ChunkFate.DROP,) * 2

FROM_UP = {
    Reach.UP: ((), PASS, Door.OPEN),
    Reach.STALLED: ((), HOLD, Door.HANG),
    Reach.SILENT: (acts(Do.DISCARD, *BOTH), DROP, Door.HANG),
    Reach.CLOSED: (acts(Do.FIN, *BOTH), PASS, Door.REFUSE),
    Reach.RESET: (acts(Do.RST, *BOTH), PASS, Door.REFUSE),
    Reach.REFUSED: ((), PASS, Door.REFUSE),
    Reach.UNREACHABLE: ((), PASS, Door.HANG),
}
HOLDING_DOWNSTREAM = {
    Reach.UP: (acts(Do.RELEASE, DOWN), PASS, Door.OPEN),
    Reach.STALLED: ((), HOLD, Door.HANG),
    Reach.SILENT: (acts(Do.DISCARD, *BOTH), DROP, Door.HANG),
    Reach.CLOSED: (acts(Do.FIN, *BOTH), PASS, Door.REFUSE),
    Reach.RESET: (acts(Do.RST, *BOTH), PASS, Door.REFUSE),
    Reach.REFUSED: ((), HOLD, Door.REFUSE),
    Reach.UNREACHABLE: ((), HOLD, Door.HANG),
}
DEAD_DOWNSTREAM = {
    Reach.UP: ((), PASS, Door.OPEN),
    Reach.STALLED: ((), HOLD, Door.HANG),
    Reach.SILENT: (acts(Do.DISCARD, UP), DROP, Door.HANG),
    Reach.CLOSED: (acts(Do.FIN, UP), PASS, Door.REFUSE),
    Reach.RESET: (acts(Do.RST, *BOTH), PASS, Door.REFUSE),
    Reach.REFUSED: ((), DROP, Door.REFUSE),
    Reach.UNREACHABLE: ((), DROP, Door.HANG),
}


def test_tables_have_a_row_for_each_word():
    assert all(set(table) == set(Reach) for table in (FROM_UP, HOLDING_DOWNSTREAM, DEAD_DOWNSTREAM))


@pytest.mark.parametrize("word", Reach)
def test_word_on_an_open_flow(word):
    device = flowing()
    outcome = device.reach("wifi", word)
    assert FROM_UP[word] == (outcome.acts, feels(device), device.door("wifi"))


@pytest.mark.parametrize("word", Reach)
def test_word_on_a_flow_that_waits_downstream(word):
    device = flowing()
    device.reach("wifi", Reach.STALLED)
    assert device.arrives(CID, DOWN) is ChunkFate.HOLD
    outcome = device.reach("wifi", word)
    assert HOLDING_DOWNSTREAM[word] == (outcome.acts, feels(device), device.door("wifi"))


@pytest.mark.parametrize("word", Reach)
def test_word_on_a_flow_that_lost_bytes_downstream(word):
    device = flowing()
    device.reach("wifi", Reach.SILENT)
    assert device.arrives(CID, DOWN) is ChunkFate.DROP
    outcome = device.reach("wifi", word)
    assert DEAD_DOWNSTREAM[word] == (outcome.acts, feels(device), device.door("wifi"))
    assert device.arrives(CID, DOWN) is ChunkFate.DROP


@pytest.mark.parametrize("word", Reach)
def test_word_leaves_the_other_path_alone(word):
    device = flowing()
    assert device.reach("cellular", word).acts == ()
    assert (feels(device), device.door("wifi"), device.arrives(CID, DOWN)) == (PASS, Door.OPEN, ChunkFate.PASS)


@pytest.mark.parametrize(("word", "do"), [(Reach.CLOSED, Do.FIN), (Reach.RESET, Do.RST)])
def test_once_strikes_and_leaves_the_word(word, do):
    device = flowing()
    assert device.reach("wifi", word, once=True).acts == acts(do, *BOTH)
    assert (device.word("wifi"), device.door("wifi")) == (Reach.UP, Door.OPEN)
    assert device.opened(8, "wifi").acts == ()


@pytest.mark.parametrize(("word", "do"), [(Reach.CLOSED, Do.FIN), (Reach.RESET, Do.RST)])
def test_flow_let_in_just_before_the_word_is_struck_when_it_opens(word, do):
    device = phone()
    device.reach("wifi", word)
    assert device.opened(CID, "wifi").acts == acts(do, *BOTH)


@pytest.mark.parametrize("word", [Reach.CLOSED, Reach.RESET])
def test_struck_flow_passes_nothing_and_is_struck_by_fin_once(word):
    device = flowing()
    device.reach("wifi", word)
    assert device.arrives(CID, DOWN) is ChunkFate.DROP
    assert device.reach("wifi", Reach.CLOSED).acts == ()


@pytest.mark.parametrize("word", [Reach.STALLED, Reach.SILENT])
@pytest.mark.parametrize(("hit", "spared"), [(UP, DOWN), (DOWN, UP)])
def test_one_direction_only(word, hit, spared):
    device = flowing()
    device.reach("wifi", word, direction=hit)
    assert device.arrives(CID, spared) is ChunkFate.PASS
    assert device.arrives(CID, hit) is (ChunkFate.HOLD if word is Reach.STALLED else ChunkFate.DROP)
    assert device.door("wifi") is Door.HANG


def test_up_of_one_direction_leaves_the_other_and_dials_hanging():
    device = flowing()
    device.reach("wifi", Reach.STALLED)
    device.arrives(CID, UP)
    assert device.reach("wifi", Reach.UP, direction=UP).acts == acts(Do.RELEASE, UP)
    assert (device.feels("wifi", DOWN), device.door("wifi")) == (ChunkFate.HOLD, Door.HANG)
    device.reach("wifi", Reach.UP, direction=DOWN)
    assert device.door("wifi") is Door.OPEN


@pytest.mark.parametrize("word", [Reach.CLOSED, Reach.RESET, Reach.REFUSED, Reach.UNREACHABLE])
def test_direction_is_refused_by_words_of_both(word):
    with pytest.raises(UsageError, match="takes no direction"):
        phone().reach("wifi", word, direction=DOWN)


@pytest.mark.parametrize("word", set(Reach) - {Reach.CLOSED, Reach.RESET})
def test_once_is_refused_by_words_that_last(word):
    with pytest.raises(UsageError, match="takes no once"):
        phone().reach("wifi", word, once=True)


def test_unknown_path_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match="no path 'wlan': this device has wifi, cellular"):
        phone().joins("wlan")


def test_silence_kills_only_what_lost_something():
    device = flowing()
    device.reach("wifi", Reach.SILENT)
    device.arrives(CID, UP)
    device.reach("wifi", Reach.UP)
    assert (device.arrives(CID, UP), device.arrives(CID, DOWN)) == (ChunkFate.DROP, ChunkFate.PASS)


def test_silence_after_a_stall_kills_what_waited():
    device = flowing()
    device.reach("wifi", Reach.STALLED)
    device.arrives(CID, DOWN)
    device.reach("wifi", Reach.SILENT)
    device.reach("wifi", Reach.UP)
    assert device.arrives(CID, DOWN) is ChunkFate.DROP


def test_pause_holds_the_downstream_until_the_last_resume():
    device = flowing()
    device.pause("wifi")
    device.pause("wifi")
    assert (device.arrives(CID, DOWN), device.arrives(CID, UP), device.door("wifi")) == (
        ChunkFate.HOLD,
        ChunkFate.PASS,
        Door.OPEN,
    )
    assert device.resume("wifi").acts == ()
    assert device.resume("wifi").acts == acts(Do.RELEASE, DOWN)


def test_up_does_not_end_a_pause_and_a_resume_does_not_end_a_stall():
    device = flowing()
    device.pause("wifi")
    device.reach("wifi", Reach.STALLED)
    device.arrives(CID, DOWN)
    assert device.reach("wifi", Reach.UP).acts == ()
    device.reach("wifi", Reach.STALLED)
    assert device.resume("wifi").acts == ()
    assert device.reach("wifi", Reach.UP).acts == acts(Do.RELEASE, DOWN)


def test_asking_whether_bytes_would_pass_kills_nothing():
    device = flowing()
    device.reach("wifi", Reach.SILENT)
    assert not device.passes(CID, DOWN)
    device.reach("wifi", Reach.UP)
    assert device.passes(CID, DOWN)


def test_nothing_reaches_an_end_that_left():
    device = flowing()
    device.leaves(CID, DOWN)
    assert (device.arrives(CID, DOWN), device.arrives(CID, UP)) == (ChunkFate.DROP, ChunkFate.PASS)
    assert device.reach("wifi", Reach.RESET).acts == acts(Do.RST, UP)


def test_gone_flow_is_asked_for_nothing():
    device = flowing()
    device.gone(CID)
    device.gone(CID)
    assert device.reach("wifi", Reach.RESET).acts == ()


# What the OS knows.


def test_first_path_is_joined_and_default():
    device = phone()
    assert (device.joined, device.default, device.paths) == (("wifi",), "wifi", ("wifi", "cellular"))


def test_joining_signals_and_leaves_the_default():
    device = phone()
    assert device.joins("cellular") == DeviceChange(signals=(Signal(what="joins", path="cellular"),))
    assert device.default == "wifi"


def test_joining_again_is_nothing():
    assert phone().joins("wifi") == DeviceChange()


def test_preferring_joins_first_and_leaves_open_flows():
    device = flowing()
    told = (Signal(what="joins", path="cellular"), Signal(what="prefers", path="cellular"))
    assert device.prefers("cellular") == DeviceChange(signals=told)
    assert (device.default, device.arrives(CID, DOWN)) == ("cellular", ChunkFate.PASS)
    assert device.prefers("cellular") == DeviceChange()


LOST_FLOW = (*acts(Do.ABORT, DOWN), *acts(Do.DISCARD, UP))


def test_losing_kills_at_the_phone_alone_and_falls_back_to_the_path_joined_last():
    device = flowing()
    device.joins("cellular")
    assert device.loses("wifi") == DeviceChange(
        acts=LOST_FLOW, signals=(Signal(what="loses", path="wifi"),), lost=("wifi",)
    )
    assert (device.default, device.arrives(CID, UP), device.arrives(CID, DOWN)) == (
        "cellular",
        ChunkFate.DROP,
        ChunkFate.DROP,
    )


def test_losing_the_last_path_leaves_no_network_until_one_joins():
    device = phone()
    device.loses("wifi")
    assert device.default is None
    device.joins("cellular")
    assert device.default == "cellular"


def test_losing_an_unjoined_path_is_nothing():
    assert phone().loses("cellular") == DeviceChange()


def test_losing_leaves_the_physics():
    device = phone()
    device.loses("wifi")
    assert device.door("wifi") is Door.OPEN


def test_linger_outlives_the_loss_of_the_default():
    device = phone(linger=30.0)
    device.opened(CID, "wifi")
    outcome = device.loses("wifi")
    assert (outcome.acts, outcome.lost, outcome.linger) == ((), (), Linger("wifi", 30.0, 1))
    assert device.arrives(CID, DOWN) is ChunkFate.PASS
    assert device.linger_over(outcome.linger) == DeviceChange(acts=LOST_FLOW, lost=("wifi",))
    assert device.linger_over(outcome.linger) == DeviceChange()


def test_linger_is_for_the_default_only():
    device = phone(linger=30.0)
    device.joins("cellular")
    assert device.loses("cellular") == DeviceChange(
        signals=(Signal(what="loses", path="cellular"),), lost=("cellular",)
    )


def test_rejoining_ends_a_linger():
    device = phone(linger=30.0)
    device.opened(CID, "wifi")
    linger = device.loses("wifi").linger
    device.joins("wifi")
    assert device.linger_over(linger) == DeviceChange()
    assert device.loses("wifi").linger == Linger("wifi", 30.0, 2)


def test_offline_takes_all_at_once_and_online_brings_it_back():
    device = phone(linger=30.0)
    device.opened(CID, "wifi")
    device.joins("cellular")
    offline = DeviceChange(acts=LOST_FLOW, signals=(Signal(what="offline"),), lost=("wifi", "cellular"))
    assert device.goes_offline() == offline
    assert (device.default, device.joined, device.offline) == (None, (), True)
    assert device.goes_offline() == DeviceChange()
    assert device.comes_online() == DeviceChange(signals=(Signal(what="online"),))
    assert (device.default, device.joined, device.offline) == ("wifi", ("wifi", "cellular"), False)
    assert device.comes_online() == DeviceChange()


def test_offline_ends_a_linger_with_its_flows():
    device = phone(linger=30.0)
    device.opened(CID, "wifi")
    linger = device.loses("wifi").linger
    assert device.goes_offline().acts == LOST_FLOW
    assert device.linger_over(linger) == DeviceChange()


def test_path_joined_while_offline_is_the_default_and_stays_so():
    device = phone()
    device.goes_offline()
    device.joins("cellular")
    assert device.default == "cellular"
    device.comes_online()
    assert (device.default, device.joined) == ("cellular", ("wifi", "cellular"))


def test_path_lost_while_offline_does_not_come_back():
    device = phone()
    device.joins("cellular")
    device.goes_offline()
    device.loses("wifi")
    device.comes_online()
    assert (device.default, device.joined) == ("cellular", ("cellular",))


def test_sleeping_device_holds_what_comes_and_wakes_with_dead_sockets():
    device = flowing()
    assert device.suspends() == DeviceChange(signals=(Signal(what="suspended"),))
    assert device.suspended
    assert (device.arrives(CID, DOWN), device.arrives(CID, UP)) == (ChunkFate.HOLD, ChunkFate.PASS)
    woken = (Act(CID, Do.ABORT, DOWN), Act(CID, Do.DISCARD, UP))
    assert device.wakes() == DeviceChange(acts=woken, signals=(Signal(what="resumed"),), lost=("wifi", "cellular"))
    assert not device.suspended
    assert {device.arrives(CID, way) for way in BOTH} == {ChunkFate.DROP}
    assert device.default == "wifi"


def test_device_that_slept_silently_wakes_with_dead_sockets_that_say_nothing():
    device = flowing()
    device.arrives(CID, UP)
    assert device.suspends(silently=True) == DeviceChange(
        acts=acts(Do.DISCARD, *BOTH), signals=(Signal(what="suspended"),)
    )
    assert {device.arrives(CID, way) for way in BOTH} == {ChunkFate.DROP}
    device.opened(8, "wifi")  # let in while it slept: a socket of after the death
    assert device.arrives(8, DOWN) is ChunkFate.HOLD
    woken = (Act(8, Do.RELEASE, DOWN),)
    assert device.wakes(silently=True) == DeviceChange(acts=woken, signals=(Signal(what="resumed"),))
    assert {device.arrives(CID, way) for way in BOTH} == {ChunkFate.DROP}
    assert device.arrives(8, DOWN) is ChunkFate.PASS


def test_device_that_sleeps_already_can_lose_its_sockets_silently_and_be_told_as_it_wakes():
    device = flowing()
    device.suspends()
    assert device.suspends(silently=True) == DeviceChange(acts=acts(Do.DISCARD, *BOTH))
    assert device.wakes().lost == ("wifi", "cellular")


def test_sleeping_twice_and_waking_awake_are_nothing():
    device = flowing()
    assert device.wakes() == DeviceChange()
    device.suspends()
    assert device.suspends() == DeviceChange()
    device.wakes()
    device.opened(8, "wifi")
    assert device.arrives(8, DOWN) is ChunkFate.PASS


def test_silence_while_asleep_takes_what_was_held():
    device = flowing()
    device.suspends()
    device.arrives(CID, DOWN)
    assert device.reach("wifi", Reach.SILENT).acts == acts(Do.DISCARD, *BOTH)
    device.reach("wifi", Reach.UP)
    assert device.arrives(CID, DOWN) is ChunkFate.DROP
