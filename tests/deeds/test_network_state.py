"""The fold, against the model that drives the gate: both are written by hand, and must tell the same of every word."""

import itertools
import random

import pytest

from harness.deeds import acts
from harness.deeds.acts import Deed
from harness.deeds.catalogue import FlowEnding, Mood
from harness.deeds.network_state import (
    DEVICE,
    Fold,
    NetworkState,
    Passage,
    after,
    lingered,
    over,
)
from harness.device.model import ChunkFate, Device, DeviceChange, Do, Linger
from harness.device.words import Radio, Reach
from harness.toxics.shape import Shape
from harness.vocabulary import Direction, Door
from tests.deeds.networks import network_of

DOWN, UP = Direction.DOWNSTREAM, Direction.UPSTREAM
PASSAGES = {ChunkFate.PASS: Passage.PASS, ChunkFate.HOLD: Passage.HOLD, ChunkFate.DROP: Passage.DROP}
ONE_WAY = (Reach.UP, Reach.STALLED, Reach.SILENT)
STRIKES = (Reach.CLOSED, Reach.RESET)
WORDS = [
    *(acts.SetReach(word=word) for word in Reach),
    *(acts.SetReach(word=word, direction=way) for word in ONE_WAY for way in Direction),
    *(acts.SetReach(word=word, once=True) for word in STRIKES),
]
DEVICE_ACTS = [
    *(kind(path=path) for kind in (acts.Joins, acts.Prefers, acts.Loses) for path in ("wifi", "cellular")),
    acts.GoesOffline(),
    acts.ComesOnline(),
]


def said(act: acts.SetReach) -> str:
    return " ".join([str(act.word), *([act.direction] if act.direction else []), *(["once"] if act.once else [])])


def deed(act: acts.Act, actor: str = "wifi", *, index: int = 0, on: str = "", undoes: int | None = None) -> Deed:
    return Deed(index=index, at=0.0, actor=actor, act=act, text="", on=on, undoes=undoes)


def folded(*told: Deed, network: NetworkState | None = None) -> NetworkState:
    network = network or network_of("wifi", "cellular")
    for at, one in enumerate(told):
        network = after(network, one, float(at)).state
    return network


@pytest.mark.parametrize(
    "words", list(itertools.product(WORDS, repeat=2)), ids=lambda words: ", ".join(map(said, words))
)
def test_every_word_after_every_word_is_to_bytes_and_dials_what_the_gate_makes_of_it(words):
    device, network = Device(["wifi", "cellular"], starts_on="wifi"), network_of("wifi", "cellular")
    for word in words:
        device.reach("wifi", word.word, direction=word.direction, once=word.once)
        network = after(network, deed(word), 0.0).state
    path = network.paths["wifi"]
    assert path.door is device.door("wifi")
    assert path.passages == {way: PASSAGES[device.feels("wifi", way)] for way in Direction}
    assert path.word is device.word("wifi")
    assert network.paths["cellular"] == network_of("wifi", "cellular").paths["cellular"]


@pytest.mark.parametrize("word", WORDS, ids=said)
def test_every_word_ends_the_open_flows_that_the_gate_ends(word):
    device = Device(["wifi"], starts_on="wifi")
    device.opened(1, "wifi")
    outcome = device.reach("wifi", word.word, direction=word.direction, once=word.once)
    device.arrives(1, DOWN)
    device.arrives(1, UP)
    struck = {act.do for act in outcome.acts} & {Do.FIN, Do.RST}
    expected = {Do.FIN: FlowEnding.FIN, Do.RST: FlowEnding.RST}[struck.pop()] if struck else None
    if word.word is Reach.SILENT:
        expected = FlowEnding.DROPPED  # what arrived is lost, and so is all behind it
        device.reach("wifi", Reach.UP)
        assert not all(device.passes(1, way) for way in Direction)
    change = after(network_of("wifi"), deed(word), 0.0)
    assert change.ended == ({"wifi": expected} if expected else {})


class Phone:
    """A device of the gate's, told acts instead of calls."""

    def __init__(self, linger: float) -> None:
        self.device = Device(["wifi", "cellular"], starts_on="wifi", linger=linger)
        self.lingers: list[Linger] = []

    def tell(self, act: acts.Act) -> DeviceChange:
        match act:
            case acts.Joins(path=path):
                outcome = self.device.joins(path)
            case acts.Prefers(path=path):
                outcome = self.device.prefers(path)
            case acts.Loses(path=path):
                outcome = self.device.loses(path)
            case acts.GoesOffline():
                outcome = self.device.goes_offline()
            case acts.Suspends(silently=silently):
                outcome = self.device.suspends(silently=silently)
            case _:
                outcome = self.device.comes_online()
        if outcome.linger is not None:
            self.lingers.append(outcome.linger)
        return outcome


@pytest.mark.parametrize("linger", [0.0, 2.0])
@pytest.mark.parametrize("seed", range(200))
def test_whatever_the_device_is_told_it_has_the_paths_that_the_gate_gives_it(seed, linger):
    told = random.Random(seed).choices([*DEVICE_ACTS, acts.Suspends(lasts=5.0), "grace is over", "wakes"], k=12)
    phone, network, graces = Phone(linger), network_of("wifi", "cellular", linger=linger), []
    for act in told:
        if act == "grace is over":  # the oldest one's
            if not graces:
                continue
            outcome = phone.device.linger_over(phone.lingers.pop(0))
            change = lingered(network, graces.pop(0))
        elif act == "wakes":
            outcome = phone.device.wakes()
            change = over(network, 7)
        else:
            outcome = phone.tell(act)
            change = after(network, deed(act, DEVICE, index=7), 0.0)
            if change.grace is not None:
                graces.append(change.grace)
        network = change.state
        assert sorted(change.ended) == sorted(outcome.lost)
        assert change.signals == outcome.signals
        assert (network.default, network.joined) == (phone.device.default, phone.device.joined)
        assert (network.away is not None, network.asleep) == (phone.device.offline, phone.device.suspended)
        for path, way in itertools.product(network.paths, Direction):
            assert network.passage(path, way) is PASSAGES[phone.device.feels(path, way)]


BARRIERS = [
    (acts.Answers(status=503), "middle", Mood.TOLD),
    (acts.Answers(status=403, to="streams"), "server", Mood.TOLD),
    (acts.Answers(status=503, to="polls"), "middle", None),
    (acts.ShowsPortal(), "middle", Mood.TOLD),
    (acts.MutesStreams(), "middle", Mood.MUTE),
    (acts.ResetsStreams(), "middle", Mood.TOLD),
    (acts.Buffers(size=4096), "middle", Mood.MUTE),
    (acts.KillsIdle(after=60.0), "middle", None),
    (acts.Drains(), "server", Mood.TOLD),
    (acts.Hangs(), "server", Mood.MUTE),
    (acts.Restarts(keeps_log=True, after=2.0), "server", Mood.TOLD),
    (acts.Repeats(count=2), "server", None),
    (acts.Suspends(lasts=5.0), "device", Mood.MUTE),
]


@pytest.mark.parametrize(("act", "actor", "mood"), BARRIERS, ids=lambda value: str(value)[:30])
def test_what_stands_keeps_streams_from_passing_until_it_is_over(act, actor, mood):
    network = folded(deed(act, actor, index=4))
    assert [one.deed.index for one in network.standing] == [4]
    assert [(one.actor, one.mood) for one in network.barriers("wifi")] == ([(actor, mood)] if mood else [])
    assert over(network, 4).state.standing == ()


@pytest.mark.parametrize("act", [acts.Recovers(), acts.RevokesToken(), acts.SendsRetry(value="5000"), acts.Clears()])
def test_what_is_done_at_once_leaves_nothing_standing(act):
    assert folded(deed(act, "server" if not isinstance(act, acts.Clears) else "middle")).standing == ()


def test_a_box_cleared_on_one_path_stands_on_the_other():
    network = folded(deed(acts.ShowsPortal(), "middle", index=0), deed(acts.Clears(), "middle", index=1, on="wifi"))
    assert [len(list(network.barriers(path))) for path in ("wifi", "cellular")] == [0, 1]


def test_a_box_of_one_path_leaves_those_of_the_others_and_the_whole_middle_replaces_both():
    told = [deed(acts.ShowsPortal(), "middle", index=at, on=on) for at, on in enumerate(["wifi", "cellular", ""])]
    assert [one.deed.index for one in folded(*told[:2]).standing] == [0, 1]
    assert [one.deed.index for one in folded(*told).standing] == [2]


def test_the_oldest_barrier_comes_first():
    network = folded(deed(acts.Hangs(), "server", index=0), deed(acts.ShowsPortal(), "middle", index=1))
    assert [one.deed.index for one in network.barriers("wifi")] == [0, 1]


@pytest.mark.parametrize(
    ("act", "left"),
    [
        (acts.Recovers(), [4]),
        (acts.Restarts(keeps_log=True, after=2.0), [2, 3, 4, 9]),
        (acts.Restarts(keeps_log=True), [2, 3, 4]),
        (acts.Answers(status=403), [0, 1, 3, 4, 9]),
        (acts.Answers(status=403, to="polls"), [0, 1, 2, 3, 4, 9]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_server_goes_on_until_it_recovers_and_a_new_process_serves(act, left):
    goes_on_with = [
        acts.Drains(), acts.Hangs(), acts.Answers(status=503), acts.Repeats(count=2), acts.Orphans(after=5.0),
    ]  # fmt: skip
    told = [deed(one, "server", index=index) for index, one in enumerate(goes_on_with)]
    assert [one.deed.index for one in folded(*told, deed(act, "server", index=9)).standing] == left


def test_the_end_of_a_span_takes_back_its_own_deed_alone():
    muted, portal = deed(acts.MutesStreams(), "middle", index=0), deed(acts.ShowsPortal(), "middle", index=1)
    end = deed(acts.MutesStreams(), "middle", index=2, undoes=0)
    assert [one.deed.index for one in folded(muted, portal, end).standing] == [1]


def test_a_silent_sleep_lets_open_flows_die_as_it_begins_and_tells_them_nothing_as_it_ends():
    silent = acts.Suspends(lasts=5.0, silently=True)
    fell_asleep = after(network_of("wifi", "cellular"), deed(silent, DEVICE, index=4), 0.0)
    assert fell_asleep.ended == dict.fromkeys(("wifi", "cellular"), FlowEnding.DEAD)
    woke = over(fell_asleep.state, 4)
    assert (woke.ended, [one.what for one in woke.signals]) == ({}, ["resumed"])
    device = Device(["wifi"], starts_on="wifi")
    device.opened(1, "wifi")
    assert {act.do for act in device.suspends(silently=True).acts} == {Do.DISCARD}
    outcome = device.wakes(silently=True)
    assert (outcome.acts, outcome.lost) == ((), ())
    assert not any(device.passes(1, way) for way in Direction)


@pytest.mark.parametrize(("silently", "ended"), [((True, False), True), ((False, True), False)])
def test_of_two_sleeps_the_one_that_ends_last_says_what_sockets_are_told(silently, ended):
    sleeps = [acts.Suspends(lasts=5.0 + at, silently=how) for at, how in enumerate(silently)]
    network = folded(*(deed(act, DEVICE, index=at) for at, act in enumerate(sleeps)))
    assert over(network, 0).ended == {}
    assert bool(over(over(network, 0).state, 1).ended) is ended


def test_of_two_sleeps_neither_replaces_the_other():
    slept = folded(deed(acts.Suspends(lasts=10.0), DEVICE, index=0), deed(acts.Suspends(lasts=1.0), DEVICE, index=1))
    assert [one.deed.index for one in over(slept, 1).state.standing] == [0]


def test_a_shape_of_one_way_leaves_the_other_and_the_slower_counts():
    slow = acts.SetShape(profile="edge", shape=Shape(latency=0.4, down=10.0, up=20.0), radio=Radio(), direction=UP)
    path = folded(deed(slow)).paths["wifi"]
    assert (path.shapes[DOWN].latency, path.shapes[UP].latency) == (0.0, 0.4)
    assert (path.shape.latency, path.shape.down, path.shape.up) == (0.4, None, 20.0)


@pytest.mark.parametrize("act", [acts.SetSlice(size=16), acts.Limits(rate=8_000.0)], ids=lambda act: type(act).__name__)
def test_what_adjusts_a_shape_does_so_both_ways_and_leaves_the_rest(act):
    before = Shape(latency=0.4, down=10_000.0, up=4_000.0)
    path = folded(deed(acts.SetShape(profile="edge", shape=before, radio=Radio(), loss=0.1)), deed(act)).paths["wifi"]
    after_it = {
        acts.SetSlice: Shape(latency=0.4, down=10_000.0, up=4_000.0, slice_size=16),
        acts.Limits: Shape(latency=0.4, down=8_000.0, up=4_000.0),
    }[type(act)]
    assert path.shapes == dict.fromkeys(Direction, after_it)
    assert path.loss == 0.1


def test_a_limit_is_one_of_both_ways():
    assert acts.Limits(rate=8_000.0).upon(Shape()) == Shape(down=8_000.0, up=8_000.0)


def test_a_change_over_time_is_unsettled_until_it_is_there_or_replaced():
    climbs = acts.SetShape(profile="edge", shape=Shape(latency=0.4), radio=Radio(), over=4.0)
    network = folded(deed(climbs))
    assert (network.paths["wifi"].unsettled(1.0), network.paths["wifi"].unsettled(5.0)) == (3.0, 0.0)
    at_once = acts.SetShape(profile="wifi", shape=Shape(), radio=Radio())
    assert after(network, deed(at_once), 1.0).state.paths["wifi"].unsettled(1.0) == 0.0


@pytest.mark.parametrize("act", [acts.Drains(), acts.Restarts(keeps_log=True)])
def test_a_server_that_goes_ends_every_stream_by_fin(act):
    change = after(network_of("wifi", "cellular"), deed(act, "server"), 0.0)
    assert change.ended == {"wifi": FlowEnding.FIN, "cellular": FlowEnding.FIN}


def test_a_path_that_is_half_up_lets_no_dial_in():
    network = folded(deed(acts.SetReach(word=Reach.SILENT)), deed(acts.SetReach(word=Reach.UP, direction=UP)))
    assert (network.paths["wifi"].door, network.passes) == (Door.HANG, False)


def told(fold: Fold, *deeds: Deed) -> list[list[tuple[float, int, dict[str, FlowEnding]]]]:
    """Return what came by itself before each of these deeds: when, of which deed, and how it ended what was open."""
    found = []
    for one in deeds:
        found.append([(passed.at, passed.deed.index, passed.change.ended) for passed in fold.pass_to(one.at)])
        fold.do(one, one.at)
    return found


def at(seconds: float, act: acts.Act, actor: str = DEVICE, index: int = 0) -> Deed:
    return Deed(index=index, at=seconds, actor=actor, act=act, text="")


def test_what_is_over_at_an_instant_is_over_before_its_deeds():
    fold = Fold(network_of("wifi", "cellular", linger=2.0))
    deeds = at(1.0, acts.Loses(path="wifi")), at(3.0, acts.Joins(path="wifi"), index=1)
    assert told(fold, *deeds) == [[], [(3.0, 0, {"wifi": FlowEnding.ABORTED})]]
    fold = Fold(network_of("wifi", linger=2.0))
    assert told(fold, deeds[0], at(2.9, acts.Joins(path="wifi")), at(9.0, acts.GoesOffline())) == [
        [],
        [],
        [(3.0, 0, {})],
    ]
    assert fold.state.lingering == {}


def test_what_stands_for_its_own_time_is_gone_when_that_is_over():
    fold = Fold(network_of("wifi"))
    sleep, restart = (
        at(1.0, acts.Suspends(lasts=4.0), index=3),
        at(2.0, acts.Restarts(keeps_log=True, after=1.0), "server", 4),
    )
    burst = at(2.5, acts.Bursts(rate=5.0, lasts=1.0), "job", 5)
    assert told(fold, sleep, restart, burst) == [[], [], []]
    assert [one.deed.index for one in fold.state.standing] == [3, 4, 5]
    left = [(one.at, one.deed.index, [its.deed.index for its in fold.state.standing]) for one in fold.pass_to(9.0)]
    assert left == [(3.0, 4, [3, 5]), (3.5, 5, [3]), (5.0, 3, [])]


def test_what_took_longer_than_its_own_time_is_over_when_it_returned():
    fold = Fold(network_of("wifi"))
    fold.do(at(1.0, acts.Restarts(keeps_log=True, after=1.0), "server"), 1.0, until=2.2)
    assert list(fold.pass_to(2.1)) == []
    assert [passed.at for passed in fold.pass_to(2.2)] == [2.2]


def test_what_is_taken_back_before_its_time_is_over_does_nothing_then():
    fold = Fold(network_of("wifi"))
    fold.do(at(1.0, acts.Answers(status=503), "middle", 7), 1.0)
    fold.take_back(7)
    assert fold.state.standing == ()


def test_a_job_pauses_until_it_resumes_or_ends_and_bursts_add_up():
    paused = at(1.0, acts.Pauses(), "job", 1)
    for ends in (acts.Resumes(), acts.Ends(how="completed")):
        assert [one.deed.index for one in folded(paused).standing] == [1]
        assert folded(paused, at(2.0, ends, "job", 2)).standing == ()
    bursts = [at(1.0, acts.Bursts(rate=5.0, lasts=9.0), "job", index) for index in (1, 2)]
    assert [one.deed.index for one in folded(*bursts).standing] == [1, 2]


def test_a_restart_without_a_time_of_its_own_leaves_nothing_standing():
    assert folded(deed(acts.Restarts(keeps_log=True), "server")).standing == ()
