"""Whatever happens in whatever order: bytes stay in order, the dead stay dead, signals say what is."""

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from harness.device import ChunkFate, Device, DeviceChange, Do, Reach
from harness.seams import Direction, Signal

PATHS = ("wifi", "cellular")
BOTH = frozenset(Direction)
TURNING = (Reach.UP, Reach.STALLED, Reach.SILENT)
paths = st.sampled_from(PATHS)
directions = st.sampled_from(Direction)
BRIEF = settings(max_examples=100, stateful_step_count=40, database=None)
HUNT = settings(BRIEF, max_examples=400, phases=[Phase.generate], print_blob=False)


class Lane:
    """One direction of a flow as a gate would carry it, its bytes numbered."""

    def __init__(self):
        self.sent = 0
        self.waiting = []
        self.got = []
        self.lost = False
        self.ended = False


class Walk(RuleBasedStateMachine):
    """A gate of lists around the model."""

    make = Device

    @initialize()
    def start(self):
        self.device = self.make(PATHS, starts_on="wifi", linger=5.0)
        self.lanes = {}
        self.pauses = dict.fromkeys(PATHS, 0)
        self.known = ["wifi"]  # what an app that hears signals believes
        self.before = None
        self.lingers = []
        self.cids = 0

    def do(self, outcome):
        for act in outcome.acts:
            lane = self.lanes[act.cid, act.direction]
            match act.do:
                case Do.RELEASE:
                    self.release(act.cid, act.direction)
                case Do.DISCARD:
                    lane.lost = lane.lost or bool(lane.waiting)
                    lane.waiting.clear()
                case Do.FIN:
                    assert not lane.lost, "FIN passed a gap"
                    lane.got += lane.waiting
                    lane.waiting.clear()
                    lane.ended = True
                case Do.RST | Do.ABORT:
                    lane.waiting.clear()
                    lane.ended = True
        for signal in outcome.signals:
            self.hear(signal)
        if outcome.linger:
            self.lingers.append(outcome.linger)

    def hear(self, signal):
        match signal.what:
            case "joins":
                self.known.append(signal.path)
            case "loses":
                self.known.remove(signal.path)
            case "offline":
                self.known = []
            case "online":
                self.known = list(self.device.joined)

    def release(self, cid, direction):
        lane = self.lanes[cid, direction]
        while lane.waiting:
            fate = self.device.arrives(cid, direction)
            assert fate is not ChunkFate.DROP, "what was released is dropped"
            if fate is ChunkFate.HOLD:
                return
            lane.got.append(lane.waiting.pop(0))

    @precondition(lambda self: len(self.lanes) < 6)
    @rule(path=paths)
    def open(self, path):
        self.cids += 1
        for direction in Direction:
            self.lanes[self.cids, direction] = Lane()
        self.do(self.device.opened(self.cids, path))

    @precondition(lambda self: self.lanes)
    @rule(ways=st.sets(directions, min_size=1))
    def bytes(self, ways):
        for cid, direction in self.lanes:
            if direction in ways:
                self.byte(cid, direction)

    def byte(self, cid, direction):
        lane = self.lanes[cid, direction]
        number, lane.sent = lane.sent, lane.sent + 1
        match self.device.arrives(cid, direction):
            case ChunkFate.PASS:
                assert not lane.waiting, "overtook what waits"
                assert not lane.ended, "bytes after the end"
                lane.got.append(number)
            case ChunkFate.HOLD:
                lane.waiting.append(number)
            case ChunkFate.DROP:
                lane.lost = True

    @rule(path=paths, word=st.sampled_from(TURNING), direction=st.none() | directions)
    def turn(self, path, word, direction):
        self.do(self.device.reach(path, word, direction=direction))

    @rule(path=paths, word=st.sampled_from(TURNING))
    def turn_both(self, path, word):
        self.do(self.device.reach(path, word))

    @rule(path=paths, word=st.sampled_from([word for word in Reach if word not in TURNING]), once=st.booleans())
    def shut(self, path, word, once):
        self.do(self.device.reach(path, word, once=once and word in (Reach.CLOSED, Reach.RESET)))

    @rule(path=paths)
    def pause(self, path):
        self.pauses[path] += 1
        self.do(self.device.pause(path))

    @rule(path=paths)
    def resume(self, path):
        if self.pauses[path]:
            self.pauses[path] -= 1
            self.do(self.device.resume(path))

    @rule(path=paths, what=st.sampled_from(["joins", "prefers", "loses"]))
    def os(self, path, what):
        self.do(getattr(self.device, what)(path))

    @rule(online=st.booleans())
    def flight_mode(self, online):
        self.do(self.device.comes_online() if online else self.device.goes_offline())

    @rule(asleep=st.booleans())
    def sleep(self, asleep):
        woke = self.device.suspended and not asleep
        self.do(self.device.suspends() if asleep else self.device.wakes())
        if woke:
            assert not any(self.device.passes(cid, Direction.DOWNSTREAM) for cid, _ in self.lanes), "outlived the sleep"

    @precondition(lambda self: self.lingers)
    @rule()
    def linger(self):
        self.do(self.device.linger_over(self.lingers.pop(0)))

    @invariant()
    def order_is_kept_and_nothing_passes_a_gap(self):
        for lane in getattr(self, "lanes", {}).values():
            assert lane.got == list(range(len(lane.got)))

    @invariant()
    def signals_say_what_is(self):
        if hasattr(self, "device"):
            assert sorted(self.known) == sorted(self.device.joined)
            assert (self.device.default in self.device.joined) == bool(self.device.joined)
            assert self.device.joined or self.device.default is None


def test_model_keeps_its_invariants():
    run_state_machine_as_test(Walk, settings=BRIEF)


class Forgets(Device):
    """Revives what lost bytes, as soon as the path is up."""

    def arrives(self, cid, direction):
        fate = super().arrives(cid, direction)
        self._flows[cid].dead.clear()
        return fate


class Hurries(Device):
    """Lets new bytes pass what it still holds."""

    def reach(self, path, word, **how):
        outcome = super().reach(path, word, **how)
        return type(outcome)(acts=tuple(act for act in outcome.acts if act.do is not Do.RELEASE))


class Whispers(Device):
    """Loses a path without a signal."""

    def loses(self, path):
        outcome = super().loses(path)
        return type(outcome)(acts=outcome.acts, lost=outcome.lost, linger=outcome.linger)


class Refreshed(Device):
    """Wakes up with its sockets as they were."""

    def wakes(self):
        self._suspended = False
        for path in self._paths.values():
            path.pauses -= 1
        return DeviceChange(signals=(Signal(what="resumed"),))


SCRIPTS = {
    Forgets: lambda walk: (walk.turn_both("wifi", Reach.SILENT), walk.bytes(BOTH), walk.turn_both("wifi", Reach.UP)),
    Hurries: lambda walk: (walk.turn_both("wifi", Reach.STALLED), walk.bytes(BOTH), walk.turn_both("wifi", Reach.UP)),
    Whispers: lambda walk: (walk.os("wifi", "loses"),),
    Refreshed: lambda walk: (walk.sleep(True), walk.bytes(BOTH), walk.sleep(False)),
}


def play(make, script):
    """Take these steps of the walk, and hold the invariants against where they lead."""
    walk = type("Scripted", (Walk,), {"make": make})()
    walk.start()
    walk.open("wifi")
    script(walk)
    walk.bytes(BOTH)
    walk.order_is_kept_and_nothing_passes_a_gap()
    walk.signals_say_what_is()


@pytest.mark.parametrize("broken", SCRIPTS)
def test_planted_fault_is_seen_where_the_model_passes(broken):
    play(Device, SCRIPTS[broken])
    with pytest.raises(AssertionError):
        play(broken, SCRIPTS[broken])


def test_walk_finds_a_planted_fault_by_itself():
    walk = type("Planted", (Walk,), {"make": Forgets})
    with pytest.raises(AssertionError):
        run_state_machine_as_test(walk, settings=HUNT)
