"""H3: each rule, by a story that keeps it and one that breaks it, in virtual time: exact to a millisecond."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from harness.deeds import acts
from harness.device.words import Radio
from harness.history import (
    Answered,
    Boxed,
    Chunk,
    Conn,
    ConnEnd,
    DeedDone,
    Delivered,
    Dial,
    Emit,
    EndPassed,
    History,
    Listens,
    Read,
    Request,
    Response,
    Said,
    SignalHeard,
    SignalTold,
    Subscriber,
    Waited,
    Weather,
    Write,
)
from harness.history.records import PING_DIGEST
from harness.judge.verdict import LawState, LawVerdict
from harness.scenario import model
from harness.toxics.shape import Shape
from harness.vocabulary import Direction
from tests.judge.ruling import empty, law
from tests.judge.story import Story, changed, ns, numbered, plan, reach, without

UP, DOWN = "upstream", "downstream"
FREE = model.PathSpec(profile="lan", shape=Shape(), radio=Radio())
LTE = model.PathSpec(profile="lte", shape=Shape(), radio=Radio(handshake=0.2, wake=1.0, wake_after=10.0))
EDGE = model.PathSpec(profile="edge", shape=Shape(latency=0.4, jitter=0.1), radio=Radio())
SLOW = model.PathSpec(profile="edge", shape=Shape(down=10_000.0), radio=Radio())


class Wire(Story):
    """A story of bytes and dials alone: one connection on Wi-Fi from 1 s on, unless said."""

    def __init__(self, *deeds: tuple[float, str, acts.Act, str], wifi: model.PathSpec = FREE, **more: Any) -> None:
        given = {"paths": {"wifi": wifi, "cellular": FREE}, "world": "virtual", **more}
        weather = given.pop("weather", ())
        device = given.pop("device", None)
        the_plan = plan(*deeds, **given)
        the_plan = msgspec.structs.replace(the_plan, weather=weather, device=device or the_plan.device)
        super().__init__(the_plan)
        self.deeds()
        self.cid = self.conn(1.0)
        self.offsets: dict[tuple[int, str], int] = {}

    def chunk(self, at: float, fate: str = "delivered", way: str = DOWN, *, cid: int = 0, length: int = 100) -> int:
        cid = cid or self.cid
        offset = self.offsets.get((cid, way), 0)
        self.offsets[cid, way] = offset + length
        self.add(Chunk(cid=cid, direction=way, offset=offset, length=length, fate=fate), at)
        return offset

    def let_go(self, at: float, offset: int, way: str = DOWN, *, fate: str = "delivered", length: int = 100) -> None:
        self.add(Chunk(cid=self.cid, direction=way, offset=offset, length=length, fate=fate), at)

    def left(self, at: float, how: str = "fin", side: str = "client", **more: Any) -> None:
        self.add(ConnEnd(cid=self.cid, side=side, how=how, **more), at)

    def over(self, at: float = 30.0) -> History:
        self.end(at)
        return self.history()


def kills(after: float, how: str = "fin") -> tuple[float, str, acts.Act, str]:
    """A box that kills what is idle for so long; the connection is from 1 s on, if it says nothing."""
    return 0.5, "middle", acts.KillsIdle(after=after, how=how), f"kills idle after {after:g}s"


def judged(wire: Wire, history: History | None = None) -> LawVerdict:
    return law("network-as-planned", wire, history or wire.over())


def held(wire: Wire, history: History | None = None) -> bool:
    found = judged(wire, history)
    assert found.state is LawState.HELD, found.sentence
    return True


def broken(wire: Wire, history: History | None = None) -> str:
    found = judged(wire, history)
    assert found.state is LawState.FAILED
    return found.sentence


def test_a_history_without_a_beginning_is_unknown():
    assert empty("network-as-planned", plan()) is LawState.UNKNOWN


def test_where_nothing_was_dialled_nothing_went_wrong():
    wire = Wire()
    wire.records.clear()
    assert held(wire)


# Bytes.

WORDS = {"silent": "dropped", "stalled": "held", "up": "delivered"}
LAWFUL = {"delivered": "pass", "held": "wait", "dropped": "are lost"}
DONE = {"delivered": "passed", "held": "were held", "dropped": "were lost"}


@pytest.mark.parametrize("way", [UP, DOWN])
@pytest.mark.parametrize("fate", ["delivered", "held", "dropped"])
@pytest.mark.parametrize("word", WORDS)
def test_bytes_meet_what_the_path_s_word_has_for_them_in_either_direction(word, fate, way):
    wire = Wire(reach(4.0, "silent"), reach(5.0, word))
    if word == "up":
        wire.cid = wire.conn(6.0)  # one that has lost nothing
    wire.chunk(8.0, fate, way)
    if fate == WORDS[word]:
        assert held(wire, wire.over(8.1))
    else:
        at = "5 s" if word != "silent" else "4 s"
        assert broken(wire, wire.over(8.1)) == (
            f"connection {wire.cid} on wifi: at 8 s 100 bytes {DONE[fate]} {way}, "
            f"where they {LAWFUL[WORDS[word]]} by wifi {word} at {at}"
        )


@pytest.mark.parametrize("way", Direction)
def test_a_word_of_one_direction_leaves_the_other(way):
    wire = Wire(reach(4.0, "silent", direction=way))
    for each in Direction:
        wire.chunk(5.0, "dropped" if each is way else "delivered", each)
    assert held(wire)


def test_between_issue_and_return_either_is_right_and_then_the_order_of_records_decides():
    wire = Wire(reach(4.0, "silent"))
    wire.chunk(4.00005)  # the deed returns at 4.0001
    assert held(wire)
    wire.chunk(4.0001)  # the same stamp, written behind the deed's record
    assert "passed downstream" in broken(wire)


def test_a_direction_that_lost_bytes_passes_nothing_any_more():
    wire = Wire(reach(4.0, "silent"), reach(5.0, "up"))
    wire.chunk(4.5, "dropped")
    wire.chunk(5.5, way=UP)
    assert held(wire)
    wire.chunk(6.0)
    assert broken(wire).endswith("at 6 s 100 bytes passed downstream, though bytes before them were lost")


def test_held_bytes_go_on_when_the_path_lets_them():
    wire = Wire(reach(4.0, "stalled"), reach(6.0, "up"))
    offset = wire.chunk(5.0, "held")
    assert "100 bytes were held downstream, and did not go on when the path let it" in broken(wire)
    wire.let_go(6.0001, offset)
    assert held(wire)


@pytest.mark.parametrize("at", [5.5, 6.5])
def test_held_bytes_go_on_neither_before_nor_long_after(at):
    wire = Wire(reach(4.0, "stalled"), reach(6.0, "up"))
    wire.let_go(at, wire.chunk(5.0, "held"))
    broken(wire)


def test_bytes_that_a_path_held_go_with_the_fin_that_closes_it():
    wire = Wire(reach(4.0, "stalled"), reach(6.0, "closed"))
    wire.let_go(6.0001, wire.chunk(5.0, "held"))
    assert held(wire)


def test_what_a_box_ends_takes_the_held_bytes_of_the_client_with_it():
    wire = Wire(kills(5.0), reach(4.0, "stalled", direction=Direction.UPSTREAM))
    offset = wire.chunk(5.0, "held", UP)
    wire.let_go(6.0, offset, UP, fate="dropped")
    assert "were lost upstream" in broken(wire)
    wire.box("killed", 5.9999, wire.cid, "fin")
    assert held(wire)


def test_bytes_for_a_side_that_is_gone_are_lost():
    wire = Wire()
    wire.chunk(5.0, "dropped")
    assert "were lost downstream, where they pass by the plan from its beginning" in broken(wire)
    wire.left(5.0, "rst")  # written behind what it empties
    assert held(wire)


def test_what_was_half_sent_when_the_path_fell_silent_is_lost():
    wire = Wire(reach(4.0, "silent"), reach(4.2, "up"))
    offset = wire.chunk(3.9)
    wire.let_go(4.3, offset, fate="dropped")
    assert held(wire)


def test_a_sleeping_device_gets_nothing_until_it_wakes_without_its_sockets():
    wire = Wire((4.0, "device", acts.Suspends(lasts=5.0), "suspends for 5s"))
    wire.chunk(6.0, "held")
    assert held(wire)
    wire.chunk(7.0)
    assert "where they wait by device suspends for 5s at 4 s" in broken(wire)


def test_the_harness_s_own_connections_are_judged_as_well():
    wire = Wire(reach(4.0, "silent"))
    wire.cid = wire.conn(2.0, client="canary")
    wire.chunk(3.0)
    assert held(wire)
    wire.chunk(5.0)
    assert broken(wire).startswith("a canary's connection 2 on wifi: at 5 s 100 bytes passed downstream")


def test_with_several_gates_a_canary_s_connection_is_held_to_what_all_have_done():
    wire = Wire(reach(4.0, "silent"), count=2)
    wire.deed(0, client="c2")
    second = next(record for record in wire.records if isinstance(record, DeedDone) and record.client == "c2")
    second.issued_ns, second.returned_ns, second.t_ns = ns(4.001), ns(4.002), ns(4.002)
    wire.cid = wire.conn(2.0, client="canary")
    wire.chunk(4.0015)
    assert held(wire)
    wire.chunk(4.003)
    broken(wire)


# Weather.

STALL = (model.StallPulse(path="wifi", at=4.0, lasts=0.5),)
STEP = (model.RateStep(path="wifi", at=4.0, down=50_000.0, up=20_000.0),)


def stalled(fate: str, at: float) -> Wire:
    wire = Wire(weather=STALL)
    wire.add(Weather(path="wifi", what="stall", lasts=0.5), 4.0)
    offset = wire.chunk(at, fate)
    if fate == "held":
        wire.let_go(4.5, offset)
    return wire


def test_a_stall_holds_what_comes_down_and_nothing_else():
    assert held(stalled("held", 4.2))
    assert held(stalled("delivered", 4.6))
    assert "passed downstream, where they wait by wifi's stall at 4 s" in broken(stalled("delivered", 4.2))
    assert "were held downstream, where they pass by the end of wifi's stall at 4 s" in broken(stalled("held", 4.6))
    wire = stalled("held", 4.2)
    wire.chunk(4.3, way=UP)
    assert held(wire)


@pytest.mark.parametrize(("weather", "what"), [(STALL, "stall"), (STEP, "step of rate")])
def test_weather_that_is_planned_is_made(weather, what):
    assert broken(Wire(weather=weather)) == f"the {what} of wifi at 4 s was not made"
    assert held(Wire(weather=weather), Wire(weather=weather).over(4.1))  # it may still come


def test_weather_is_made_as_planned_and_none_besides():
    wire = Wire(weather=STEP)
    toxics = {f"bandwidth_{way}.rate": str(rate) for way, rate in (("upstream", 20), ("downstream", 50))}
    step = wire.add(Weather(path="wifi", what="rate 50000 B/s", toxics=toxics), 4.0)
    assert held(wire)
    step.toxics = {}
    assert broken(wire) == (
        "the step of rate of wifi at 4 s was another: bandwidth_upstream is none KB/s, not 20 (and 1 more)"
    )
    step.toxics = toxics
    step.what = "rate 90000 B/s"
    assert broken(wire) == "the step of rate of wifi at 4 s was not made (and 1 more)"
    step.what = "rate 50000 B/s"
    wire.add(Weather(path="wifi", what="stall", lasts=1.0), 7.0)
    assert broken(wire) == "at 7 s wifi had weather (stall) that nobody planned"


# Ends.

LOSES = (4.0, "device", acts.Loses(path="wifi"), "loses wifi")
OFFLINE = (4.0, "device", acts.GoesOffline(), "goes offline")
SLEEPS = (4.0, "device", acts.Suspends(lasts=5.0), "suspends for 5s")
JOINS = (2.0, "device", acts.Joins(path="cellular"), "joins cellular")


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        (reach(4.0, "closed"), "closed by wifi closed at 4 s"),
        (reach(4.0, "reset"), "reset by wifi reset at 4 s"),
        (reach(4.0, "reset", once=True), "reset by wifi reset at 4 s"),
        (LOSES, "lost by device loses wifi at 4 s"),
        (OFFLINE, "lost by device goes offline at 4 s"),
        (SLEEPS, "lost by the end of device suspends for 5s at 9 s"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_ends_open_connections_ends_each_of_them(deed, said):
    wire = Wire(deed)
    assert held(wire)
    at = said.rpartition(" at ")[2]
    assert broken(wire, without(wire.over(), ConnEnd)).startswith(
        f"connection 1 on wifi: at {at} the side of the client was not {said}"
    )


@pytest.mark.parametrize(("word", "told"), [("closed", True), ("reset", True), ("silent", False)])
def test_a_path_that_is_closed_or_reset_tells_the_server_too(word, told):
    wire = Wire(reach(4.0, word))
    history = wire.over()
    deaf = numbered(r for r in history.records if not (isinstance(r, ConnEnd) and r.side == "server"))
    assert held(wire, history)
    assert (broken if told else held)(wire, deaf)


def test_a_fin_passes_no_direction_that_lost_bytes_and_a_rst_does():
    for word in ("closed", "reset"):
        wire = Wire(reach(4.0, "silent"), reach(5.0, word))
        wire.chunk(4.5, "dropped")
        history = wire.over()
        deaf = numbered(r for r in history.records if not (isinstance(r, ConnEnd) and r.side == "client"))
        assert (held if word == "closed" else broken)(wire, deaf)


@pytest.mark.parametrize(("word", "rule"), [("silent", "held"), ("up", "broken")])
def test_a_fin_passes_no_direction_that_lost_the_end_of_a_box(word, rule):
    wire = Wire(kills(2.0, "rst"), reach(2.5, word), reach(5.0, "closed"))
    wire.box("killed", 3.0, wire.cid, "rst")
    wire.left(3.0, "closed", "server")
    history = wire.over()
    deaf = numbered(r for r in history.records if not (isinstance(r, ConnEnd) and r.side == "client"))
    assert (held if rule == "held" else broken)(wire, deaf)


@pytest.mark.parametrize(
    ("deed", "lawful"),
    [(reach(4.0, "closed"), "fin"), (reach(4.0, "reset"), "rst"), (LOSES, "lost"), (OFFLINE, "lost")],
)
@pytest.mark.parametrize("end", ["fin", "rst", "lost"])
def test_the_client_meets_the_end_that_a_deed_brings(deed, lawful, end):
    wire = Wire(deed)
    wire.add(Read(cid=wire.cid, upto=0, end=end), 4.0002)
    if end == lawful:
        assert held(wire)
    else:
        assert broken(wire).endswith(f"at 4 s its client met the end of it ({end}), where it was to be {lawful}")


def test_the_client_meets_no_end_but_the_server_s_a_box_s_or_a_deed_s():
    wire = Wire(kills(2.9))
    wire.add(Read(cid=wire.cid, upto=0, end="fin"), 4.0)
    assert broken(wire).startswith(
        "connection 1 on wifi: at 4 s its client met the end of it (fin), which nobody had sent it"
    )
    wire.box("killed", 3.9, wire.cid, "fin")
    assert held(wire)
    for passed in ({}, {"swallowed": True}):
        wire = Wire(reach(2.0, "silent")) if passed else Wire()
        wire.left(3.9, side="server", **passed)
        wire.add(Read(cid=wire.cid, upto=0, end="fin"), 4.0)
        assert (broken if passed else held)(wire)


SILENTLY = (4.0, "device", acts.Suspends(lasts=2.0, silently=True), "suspends for 2s silently")


@pytest.mark.parametrize("way", [UP, DOWN])
def test_a_connection_that_was_open_at_a_silent_sleep_passes_nothing_any_more(way):
    wire = Wire(SILENTLY)
    wire.chunk(7.0, "dropped", way)
    assert held(wire)
    wire = Wire(SILENTLY)
    wire.chunk(7.0, way=way)
    why = "though the connection was dead by device suspends for 2s silently at 4 s"
    assert broken(wire).endswith(f"at 7 s 100 bytes passed {way}, {why}")


def test_a_connection_of_after_a_silent_sleep_lives():
    wire = Wire(SILENTLY)
    wire.cid = wire.conn(6.5)
    wire.chunk(7.0)
    assert held(wire)
    wire.chunk(7.5, "dropped")
    broken(wire)


def test_a_silent_sleep_ends_no_side_and_swallows_what_does():
    wire = Wire(SILENTLY)
    wire.left(7.0, "closed", "client")
    assert broken(wire).endswith("the gate ended the side of the client, and no deed says so")
    wire = Wire(SILENTLY)
    wire.left(7.0)
    history = wire.over()
    assert held(wire, history)
    told = changed(history, ConnEnd, 0, swallowed=False)
    assert "was told on, where the path passes nothing" in broken(wire, told)


@pytest.mark.parametrize("deed", [reach(4.0, "closed"), reach(4.0, "reset"), LOSES])
def test_a_client_does_not_wait_on_for_bytes_of_what_the_gate_has_ended(deed):
    for at, rule in ((3.9, held), (4.1, held), (5.0, broken)):
        wire = Wire(deed)
        wire.add(Read(cid=wire.cid, upto=0, end="given up"), at)
        assert rule(wire)
    asleep = (3.0, "device", acts.Suspends(lasts=5.0), "suspends for 5s")
    wire = Wire(asleep, deed)
    wire.add(Read(cid=wire.cid, upto=0, end="given up"), 8.1)
    assert held(wire)


def test_a_lingering_connection_dies_when_its_grace_is_over():
    wire = Wire(JOINS, LOSES, device=model.DeviceSpec(starts_on="wifi", linger=3.0))
    wire.chunk(6.9)
    assert held(wire)
    assert broken(wire, without(wire.over(), ConnEnd)).endswith(
        "at 7.001 s the side of the client was not lost by the end of wifi's grace at 7 s"
    )


@pytest.mark.parametrize("side", ["client", "server"])
def test_the_gate_ends_no_side_of_its_own_accord(side):
    wire = Wire(kills(3.0))
    wire.left(4.0, "closed", side)
    what = "ended the side of the client" if side == "client" else "told the server of an end"
    assert broken(wire).endswith(f"at 4 s the gate {what}, and no deed says so")
    wire.box("killed", 3.9999, wire.cid, "fin")
    assert held(wire)


def test_the_server_s_side_of_a_dead_connection_is_closed_when_a_deed_has_it_so_and_not_before():
    orphan = (3.0, "server", acts.Orphans(after=2.0), "orphan for 2s")
    for at, rule in ((5.5, broken), (6.0005, held), (6.1, broken), (None, broken)):
        wire = Wire(orphan, LOSES)
        if at is not None:
            wire.left(at, "closed", "server")
        assert rule(wire)
    wire = Wire(LOSES)
    wire.left(6.1, "closed", "server")
    assert "the gate told the server of an end, and no deed says so" in broken(wire)


@pytest.mark.parametrize("side", ["client", "server"])
@pytest.mark.parametrize(("word", "lawful"), [("up", {}), ("silent", {"swallowed": True}), ("stalled", {"held": True})])
@pytest.mark.parametrize("told", [{}, {"swallowed": True}, {"held": True}], ids=str)
def test_an_end_travels_as_bytes_do(side, word, lawful, told):
    wire = Wire(reach(4.0, word)) if word != "up" else Wire()
    wire.left(5.0, side=side)
    history = wire.over(5.1)
    (end,) = (r for r in history.all(ConnEnd) if r.how == "fin")
    end.swallowed, end.held = told.get("swallowed", False), told.get("held", False)
    assert (held if told == lawful else broken)(wire, history)


def test_an_end_that_was_held_is_told_when_the_path_lets_it():
    def story(*passed: float) -> Wire:
        wire = Wire(reach(4.0, "stalled"), reach(6.0, "up"))
        wire.left(5.0, held=True)
        for at in passed:
            wire.add(EndPassed(cid=wire.cid, side="client", how="fin"), at)
        return wire

    assert held(story(6.0001))
    assert "the end of the client was held, and did not go on when the path let it" in broken(story())
    assert "the end of the client was told on, where the path passes nothing" in broken(story(5.5))


def test_a_dead_connection_is_an_orphan_from_the_deed_on_and_only_while_it_is_in_force():
    late = (8.0, "server", acts.Orphans(after=2.0), "orphan for 2s")
    for at, rule in ((8.0005, held), (8.1, broken)):
        wire = Wire(LOSES, late)
        wire.left(at, "closed", "server")
        assert rule(wire)
    longer = (5.0, "server", acts.Orphans(after=9.0), "orphan for 9s")
    wire = Wire((3.0, "server", acts.Orphans(after=2.0), "orphan for 2s"), LOSES, longer)
    wire.left(13.0005, "closed", "server")
    assert held(wire)


def test_the_gate_tells_nobody_of_an_end_that_it_still_holds():
    wire = Wire(reach(4.0, "stalled"), reach(6.0, "up"))
    wire.left(5.0, held=True)
    wire.left(6.0002, "closed", "server")
    assert broken(wire).endswith("at 6 s the gate told the server of an end, and no deed says so")
    wire.add(EndPassed(cid=wire.cid, side="client", how="fin"), 6.0001)
    assert held(wire)


def test_an_end_that_a_box_swallowed_leaves_the_bytes_before_it_on_their_way():
    mutes = (4.9, "middle", acts.MutesStreams(), "mutes streams")
    wire = Wire(reach(4.0, "stalled"), mutes, reach(6.0, "up"))
    offset = wire.chunk(4.5, "held")
    wire.box("muted", 5.0, wire.cid)
    wire.left(5.1, side="server", swallowed=True)
    wire.let_go(6.0001, offset)
    assert held(wire)


def streaming(*deeds: Any, evidence: str = "", closed: float = 6.0, **more: Any) -> Wire:
    """The connection carries a stream of the server's, which closes for some reason."""
    wire = Wire(*deeds, **more)
    rid = wire.request("stream", 1.1, cid=wire.cid)
    wire.add(Subscriber(sub=1, job="j1", what="open", rid=rid), 1.1)
    if evidence:
        wire.add(Subscriber(sub=1, job="j1", what="close", rid=rid, evidence=evidence), closed)
    return wire


@pytest.mark.parametrize("evidence", ["fin", "rst"])
def test_the_server_learns_of_no_silent_death(evidence):
    wire = streaming(LOSES, evidence=evidence)
    assert broken(wire) == (
        f"connection 1 on wifi: at 6 s the server learned of its end ({evidence}), which nobody had told it"
    )
    assert held(streaming(LOSES, evidence="newer"))
    assert held(streaming(reach(4.0, "reset"), evidence=evidence))


def test_an_end_that_is_told_comes_to_the_server():
    wire = streaming(evidence="fin", closed=4.1)
    wire.left(4.0)
    assert held(wire)
    late = streaming(evidence="fin", closed=9.0)
    late.left(4.0)
    assert held(late)  # it learned: how soon it says so is another law's
    wire = streaming()
    wire.left(4.0)
    assert broken(wire) == "connection 1 on wifi: at 4 s its end was told on, and the server learned nothing of it"
    wire = streaming((3.5, "server", acts.Hangs(), "hangs"))
    wire.left(4.0)
    assert held(wire)  # it says nothing of what it learns
    assert broken(streaming(reach(4.0, "closed"))).endswith("and the server learned nothing of it")
    assert held(streaming(reach(4.0, "closed"), evidence="fin", closed=4.2))


# Bodies.


def buffered(act: acts.Buffers, *written: tuple[int, float, float | None], muted: float = 0.0, **more: Any) -> Wire:
    """A buffer in the way of a stream: its events by number, when each was written, and when it was taken.

    Event 0 is none of the log: the server said something besides. ``muted``: when a box before it had muted the stream.
    """
    before = [(0.1, "middle", acts.MutesStreams(), "mutes streams")] if muted else []
    wire = streaming(*before, (muted + 0.5, "middle", act, "buffers"), **more)
    if muted:
        wire.add(Boxed(cid=wire.cid, client="c1", what="muted", rid=1), muted)
    for index, at, taken in written:
        if not index:
            wire.add(Said(sub=1, what="retry", began_ns=ns(at)), at)
            continue
        wire.emit(index, at)
        wire.add(Write(sub=1, job="j1", epoch="a", first=index, last=index, rid=1, began_ns=ns(at)), at)
        if taken is not None:
            wire.add(Delivered(rid=1, cid=wire.cid, id=wire.id(index), type="processing", digest=f"da{index}"), taken)
    return wire


@pytest.mark.parametrize(
    ("act", "written", "sentence"),
    [
        (acts.Buffers(seconds=2.0), [(1, 3.0, 5.0), (2, 6.0, 8.0)], ""),
        (acts.Buffers(seconds=2.0), [(1, 3.0, 5.0), (2, 6.0, 7.0)], "event a-2 of its stream was let go after 1.0 s"),
        (acts.Buffers(seconds=2.0), [(1, 3.0, 5.0), (0, 3.1, 5.0), (2, 4.0, 5.0)], ""),
        (acts.Buffers(seconds=2.0), [(1, 3.0, 4.5), (0, 3.1, 4.5), (2, 4.0, 4.5)], "was let go after 1.5 s"),
        (acts.Buffers(each_event=True), [(1, 3.0, 4.0), (2, 4.0, 5.0), (3, 5.0, 9.0)], ""),
        (acts.Buffers(each_event=True), [(1, 3.0, 3.0), (2, 4.0, 5.0)], "a-1 of its stream was let go before anything"),
        (acts.Buffers(each_event=True), [(1, 3.0, 3.0), (0, 3.0, 3.0), (2, 4.0, 5.0)], ""),
        (acts.Buffers(each_event=True), [(0, 3.0, 3.0), (1, 3.0, 3.0), (2, 4.0, 5.0)], "was let go before anything"),
    ],
)  # fmt: skip
def test_a_buffer_lets_nothing_go_too_soon_and_what_is_said_besides_follows_what_was_written_before(
    act, written, sentence
):
    made = buffered(act, *written)
    assert sentence in broken(made, made.over(9.1)) if sentence else held(made, made.over(9.1))


def test_what_lets_an_event_go_may_be_a_ping_that_was_lost_on_its_way():
    server = model.ServerSpec(frames="varied")
    act = acts.Buffers(each_event=True)
    ends = [(1, 3.0, 3.0), (2, 4.0, None)]
    assert "before anything" in broken(buffered(act, *ends))
    assert held(buffered(act, *ends, server=server))
    assert "before anything" in broken(buffered(act, (1, 3.0, 3.0), (2, 4.0, 5.0), server=server))


@pytest.mark.parametrize(("at", "let_go"), [(4.2, True), (4.0, False), (None, False)])
def test_a_ping_lets_an_event_without_an_id_go_and_not_the_one_whose_id_it_is_told_with(at, let_go):
    made = buffered(acts.Buffers(each_event=True), (1, 3.0, 4.0), (2, 4.0, 4.2), (3, 5.0, 5.5)).without_id(2)
    if at is not None:
        made.add(Delivered(rid=1, cid=made.cid, id="a-1", type="ping", digest=PING_DIGEST), at)
    assert held(made, made.over(9.1)) if let_go else "before anything" in broken(made, made.over(9.1))


def test_a_buffer_owes_nothing_of_a_stream_that_is_mute_for_good():
    late = buffered(acts.Buffers(seconds=2.0), (1, 3.0, None))
    assert "event a-1 of its stream, written at 3 s, was held too long" in broken(late, late.over(9.1))
    mute = buffered(acts.Buffers(seconds=2.0), (1, 3.0, None), muted=2.0)
    assert held(mute, mute.over(9.1))


# Dials.


def dialled(*deeds: Any, fate: str, path: str = "wifi", at: float = 5.0, to: float = 5.0, **more: Any) -> Wire:
    wire = Wire(*deeds, **more)
    wire.add(Dial(client="c1", path=path, port=1, from_ns=ns(at), to_ns=ns(to), fate=fate), to)
    return wire


@pytest.mark.parametrize(
    ("word", "lawful"),
    [
        ("up", "open"), ("refused", "refused"), ("closed", "refused"), ("reset", "refused"),
        ("unreachable", "given up"), ("silent", "given up"), ("stalled", "given up"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("fate", ["open", "refused", "given up"])
def test_a_dial_meets_the_door_of_its_path(word, lawful, fate):
    deeds = [reach(4.0, word)] if word != "up" else []
    wire = dialled(*deeds, fate=fate, to=7.0 if fate == "given up" else 5.0)
    assert (held if fate == lawful else broken)(wire)


def test_a_dial_s_fault_names_the_dial_the_door_and_the_deed():
    assert broken(dialled(reach(4.0, "refused"), fate="open")) == (
        "the dial of c1 at 5 s was let in, where wifi refuses dials by wifi refused at 4 s"
    )
    assert broken(dialled(fate="given up", to=7.0)) == (
        "the dial of c1 at 5 s hung until 7 s, where wifi answers it by 5.251 s"
    )


def test_a_dial_that_hung_while_the_door_opened_gets_in_with_its_next_syn():
    hangs, opens = reach(4.0, "unreachable"), reach(6.5, "up")
    assert held(dialled(hangs, opens, fate="open", to=7.0))  # Linux sends a SYN after 1 s, and one after 2 s
    assert "where wifi answers it by 7.251 s" in broken(dialled(hangs, opens, fate="open", to=8.0))


def test_a_dial_that_began_as_the_door_opened_may_have_met_it_shut():
    hangs, opens = reach(4.0, "unreachable"), reach(5.0, "up")
    assert held(dialled(hangs, opens, fate="open", to=6.0))
    assert "where wifi answers it by 6.251 s" in broken(dialled(hangs, opens, fate="open", to=6.5))
    assert "where wifi answers it by 5.261 s" in broken(dialled(hangs, opens, fate="open", at=5.01, to=6.0))


def test_a_dial_goes_through_the_path_that_was_the_default_as_it_began():
    assert held(dialled(JOINS, fate="open"))
    assert broken(dialled(JOINS, fate="open", path="cellular")) == (
        "the dial of c1 at 5 s went through cellular, and was to go through wifi by the plan from its beginning"
    )
    assert held(dialled(LOSES, fate="no path", path=""))
    assert broken(dialled(LOSES, fate="open")) == (
        "the dial of c1 at 5 s went through wifi, and was to go through no path by device loses wifi at 4 s"
    )
    assert broken(dialled(LOSES, fate="open", path="")) == "the dial of c1 at 5 s had no path, and was open"


def test_a_dial_comes_in_where_it_went():
    wire = Wire()
    wire.add(Conn(cid=9, client="c1", path="cellular", peer="127.0.0.1:77"), 5.0)
    wire.add(Dial(client="c1", path="wifi", port=77, from_ns=ns(5.0), to_ns=ns(5.0), fate="open"), 5.0)
    assert broken(wire) == "the dial of c1 at 5 s went through wifi, and came in on cellular"


def test_a_dial_is_lost_with_its_path_and_not_otherwise():
    lost = (5.5, "device", acts.Loses(path="wifi"), "loses wifi")
    hangs = reach(4.0, "unreachable")
    assert held(dialled(hangs, lost, fate="lost", to=5.5))
    assert "was lost with wifi, which the device did not lose" in broken(dialled(hangs, fate="lost", to=5.5))
    back = reach(5.9, "up")
    assert "was let in, though wifi was lost" in broken(dialled(hangs, lost, back, fate="open", to=6.0))


def test_a_connection_is_let_in_by_an_open_door_alone():
    wire = Wire(reach(4.0, "unreachable"))
    wire.add(Conn(cid=9, client="canary", path="wifi"), 5.0)
    assert broken(wire) == (
        "a canary's connection 9 on wifi was let in at 5 s, where wifi lets dials hang by wifi unreachable at 4 s"
    )


def test_a_sleeping_device_neither_dials_nor_asks():
    assert broken(dialled(SLEEPS, fate="open")).endswith("came from a device that slept")
    wire = Wire(SLEEPS)
    wire.request("poll", 6.0, cid=wire.cid, status=0)
    assert broken(wire).endswith("at 6 s a request came from a device that slept")
    wire = Wire(SLEEPS)
    wire.add(Read(cid=wire.cid, upto=10), 6.0)
    assert broken(wire).endswith("at 6 s a client read bytes on a device that slept")
    wire = Wire(SLEEPS)
    wire.left(6.0)
    assert "at 6 s a client left on a device that slept" in broken(wire)


def test_a_connection_that_a_deed_ends_is_not_left_to_end_by_itself():
    wire = Wire(LOSES)
    history = wire.over()
    (end, *_) = (record for record in history.all(ConnEnd) if record.side == "client")
    behind = [record for record in history.records if record is not end]
    place = next(at for at, record in enumerate(behind) if isinstance(record, DeedDone))
    end.how, end.swallowed, end.t_ns = "rst", False, ns(4.0001)
    behind.insert(place + 1, end)
    assert "the side of the client was not lost by device loses wifi at 4 s" in broken(wire, numbered(behind))


# The radio.


def radio(*, handshake: float = 1.2, wake: float = 1.0, deed: tuple[float, str, acts.Act, str] | None = None) -> Wire:
    """The first request waits for the waking and the handshake."""
    lte = msgspec.structs.replace(LTE, radio=msgspec.structs.replace(LTE.radio, wake=wake))
    wire = Wire(*([deed] if deed is not None else []), wifi=lte)
    offset = wire.chunk(1.0 + handshake, way=UP)
    wire.add(Waited(cid=wire.cid, direction=UP, offset=offset, until_ns=ns(1.0 + handshake)), 1.0)
    return wire


def waits(wire: Wire, at: float, until: float, passes: float | None = None, way: str = DOWN) -> Wire:
    offset = wire.chunk(until if passes is None else passes, way=way)
    wire.add(Waited(cid=wire.cid, direction=way, offset=offset, until_ns=ns(until)), at)
    return wire


def passes(wire: Wire, at: float, way: str = DOWN) -> Wire:
    wire.chunk(at, way=way)
    return wire


@pytest.mark.parametrize(
    ("wire", "sentence"),
    [
        (radio, ""),
        (lambda: radio(handshake=1.0), "at 1 s bytes passed upstream before the handshake was paid for, by 2.2 s"),
        (lambda: radio(handshake=2.2), "at 1 s bytes waited upstream until 3.2 s for a radio that was awake"),
        (lambda: passes(Wire(wifi=LTE), 1.1, UP), "passed upstream before the handshake was paid for, by 2.2 s"),
        (lambda: passes(radio(), 8.0), ""),
        (lambda: passes(radio(), 20.0), "passed downstream before waking the radio was paid for, by 21 s"),
        (lambda: waits(radio(), 20.0, 21.0), ""),
        (lambda: waits(radio(), 20.0, 21.0, way=UP), ""),
        (lambda: waits(radio(), 20.0, 20.5), "before waking the radio was paid for, by 21 s"),
        (lambda: waits(radio(), 20.0, 22.0), "waited downstream until 22 s for a radio that was awake"),
        (lambda: waits(radio(), 8.0, 9.0), "waited downstream until 9 s for a radio that was awake"),
        (lambda: waits(radio(), 20.0, 21.0, 20.7), "which were to wait for the radio until 21 s"),
        (lambda: waits(radio(), 20.0, 21.0, 21.3), "which were to wait for the radio only until 21 s"),
        (lambda: passes(radio(), 12.2), ""),  # a gap of exactly wake_after: either
        (lambda: waits(radio(), 12.2, 13.2), ""),
        (lambda: passes(waits(radio(), 20.0, 21.0), 20.6, UP), "passed upstream before waking the radio"),
    ],
)  # fmt: skip
def test_the_radio_costs_what_it_costs_and_no_more(wire, sentence):
    made = wire()
    assert sentence in broken(made) if sentence else held(made)


def test_the_radio_is_not_charged_for_a_burst_let_go_nor_for_what_a_box_says():
    wire = Wire(reach(4.0, "stalled"), reach(20.0, "up"), wifi=LTE)
    waits(wire, 1.0, 2.2, way=UP)
    offset = wire.chunk(5.0, "held")
    wire.let_go(20.0001, offset)
    assert held(wire)
    wire = radio(deed=(15.0, "middle", acts.Buffers(seconds=5.0), "buffers 5s"))
    wire.box("held", 15.5, wire.cid)
    assert held(passes(wire, 20.5))


def test_the_radio_is_that_of_the_last_deed_and_either_near_it():
    free = acts.SetShape(profile="lan", shape=Shape(), radio=Radio())
    for at, rule in ((3.9, broken), (4.00005, held), (5.0, held)):
        wire = Wire((4.0, "wifi", free, "lan"), wifi=LTE)
        wire.cid = wire.conn(at)
        wire.chunk(at, way=UP)
        assert rule(wire)


def test_a_wake_after_of_zero_is_a_cost_of_dials_alone():
    each = msgspec.structs.replace(LTE, radio=Radio(handshake=0.2, wake=1.0, wake_after=0.0))
    wire = Wire(wifi=each)
    waits(wire, 1.0, 2.2, way=UP)
    passes(wire, 25.0)
    assert held(wire)
    wire.cid = wire.conn(26.0)
    wire.chunk(26.0, way=UP)
    broken(wire)


def test_a_canary_does_without_the_radio():
    wire = Wire(wifi=LTE)
    wire.cid = wire.conn(5.0, client="canary")
    wire.chunk(5.0, way=UP)
    assert held(wire)


# Idle connections.


def idle(*, byte: float, killed: float | None) -> Wire:
    """A byte of the server's, and a box that kills what has been idle for 3 s."""
    wire = Wire(kills(3.0))
    wire.chunk(byte)
    return killed_at(wire, killed) if killed is not None else wire


def killed_at(wire: Wire, at: float) -> Wire:
    wire.box("killed", at, wire.cid, "fin")
    wire.left(at, "closed", "server")
    wire.left(at + 0.0001, "closed")
    return wire


@pytest.mark.parametrize(
    ("byte", "killed", "sentence"),
    [
        (2.0, 5.0, ""),
        (2.0, 4.9, "ended it too soon"),
        (2.0, 5.1, "ended it too late"),
        (2.0, None, "lived on without a byte since 2 s"),
    ],
)
def test_a_box_ends_what_was_idle_for_as_long_as_it_is_told_and_not_sooner(byte, killed, sentence):
    wire = idle(byte=byte, killed=killed)
    assert sentence in broken(wire) if sentence else held(wire)


@pytest.mark.parametrize("passes", [21.0, 24.5], ids=["before the kill", "never"])
def test_a_byte_of_the_server_s_counts_for_the_box_before_it_waits_for_the_radio(passes):
    def story(killed: float) -> Wire:
        kill = (18.0, "middle", acts.KillsIdle(after=3.0, how="fin"), "kills idle after 3s")
        wire = radio(deed=kill, wake=passes - 20.0, handshake=passes - 19.8)
        wire.add(Waited(cid=wire.cid, direction=DOWN, offset=0, until_ns=ns(passes)), 20.0)
        killed_at(wire, killed)
        wire.chunk(passes)
        return wire

    assert held(story(23.0))
    assert "too soon" in broken(story(22.9))
    assert "too late" in broken(story(23.2))


# Signals.


@pytest.mark.parametrize(
    ("deed", "what"),
    [
        (JOINS, "joins cellular"), (LOSES, "loses wifi"), (OFFLINE, "offline"), (SLEEPS, "suspended"),
        ((4.0, "device", acts.Prefers(path="cellular"), "prefers cellular"), "joins cellular"),
    ],
)  # fmt: skip
def test_the_app_is_told_each_signal_of_the_plan(deed, what):
    wire = Wire(deed)
    assert held(wire)
    deaf = without(wire.over(), SignalTold)
    assert broken(wire, deaf).startswith(f"c1 was not told the signal {what} by device ")


def test_the_app_is_told_nothing_that_no_deed_explains():
    wire = Wire()
    wire.signal("joins", 5.0, "cellular", ears=0)
    assert broken(wire) == "c1 was told the signal joins cellular at 5 s, which no deed explains"


def test_a_signal_goes_into_every_ear_that_is_open():
    wire = Wire(LOSES)
    wire.signal("loses", 4.00005, "wifi", heard=4.00006)
    assert held(wire)
    wire.add(Listens(client="c1", on=True), 2.0)
    assert broken(wire) == "c1: the phone told the signal loses wifi at 4 s to 1 listener, where 2 listened"


def test_what_ends_connections_is_told_before():
    wire = Wire(LOSES)
    history = wire.over()
    (told,), (end, *_) = history.all(SignalTold), history.all(ConnEnd)
    swapped = [{told.seq: end, end.seq: told}.get(record.seq, record) for record in history.records]
    assert "was told the signal loses wifi at 4 s after connection 1 on wifi was gone" in broken(
        wire, numbered(swapped)
    )


def test_a_signal_that_was_told_is_heard():
    wire = Wire(LOSES)
    wire.signal("loses", 4.00005, "wifi", heard=4.00006)
    assert broken(wire, without(wire.over(), SignalHeard)) == (
        "c1 was told the signal loses wifi at 4 s, and 0 of 1 listeners heard it"
    )
    wire.add(Listens(client="c1", on=False), 4.1)
    assert held(wire, without(wire.over(), SignalHeard))


def test_a_device_that_sleeps_hears_as_it_wakes():
    for heard, rule in ((9.0001, held), (9.5, broken), (6.1, broken)):
        wire = Wire(SLEEPS, (6.0, "device", acts.Joins(path="cellular"), "joins cellular"))
        wire.signal("suspended", 4.00005, heard=heard)
        wire.signal("joins", 6.00005, "cellular", heard=heard)
        wire.signal("resumed", 9.0, heard=heard)
        assert rule(wire)


# Delays and rates.


def answered(at: float, arrived: float, back: float, *, sent: float | None = None, wifi: model.PathSpec = EDGE) -> Wire:
    """One request: heard and sent at the gate, at the server, and its answer at the gate."""
    return asked(Wire(wifi=wifi), at, arrived, back, sent=sent)


def asked(wire: Wire, at: float, arrived: float, back: float, *, sent: float | None = None) -> Wire:
    wire.rids += 1
    wire.add(Request(rid=wire.rids, cid=wire.cid, client="c1", what="poll", method="GET", target="/", job="j1"), at)
    wire.chunk(at + 1e-6 if sent is None else sent, way=UP)
    wire.add(Answered(rid=wire.rids, status=200), arrived)
    wire.add(Response(rid=wire.rids, cid=wire.cid, status=200), back)
    return wire


def test_nothing_comes_sooner_than_its_path_lets_it_either_way():
    assert held(answered(2.0, 2.4, 2.8))
    assert broken(answered(2.0, 2.2, 2.8)) == (
        "connection 1 on wifi: at 2.2 s a request came upstream after 200 ms, and wifi takes 299 ms at the least"
    )
    assert broken(answered(2.0, 2.4, 2.6)) == (
        "connection 1 on wifi: at 2.6 s an answer came downstream after 200 ms, and wifi takes 299 ms at the least"
    )


def test_a_request_s_way_begins_where_it_has_passed_the_radio():
    wire = Wire(wifi=msgspec.structs.replace(EDGE, radio=LTE.radio))
    wire.request("poll", 1.0, cid=wire.cid, status=0)
    waits(wire, 1.0, 2.2, way=UP)
    wire.add(Answered(rid=1, status=200), 2.3)
    assert broken(wire) == (
        "connection 1 on wifi: at 2.3 s a request came upstream after 100 ms, and wifi takes 299 ms at the least"
    )


def test_a_request_that_nothing_keeps_passes_at_once():
    assert broken(answered(2.0, 3.0, 3.5, sent=2.5, wifi=FREE)) == (
        "connection 1 on wifi: at 2.5 s 100 bytes passed upstream, which had come at 2 s and were kept by nothing"
    )
    wire = Wire(reach(2.1, "stalled", direction=Direction.UPSTREAM), reach(2.4, "up"))
    assert held(asked(wire, 2.0, 3.0, 3.5, sent=2.5))  # it was held in between, by no record of its own


def live(wire: Wire, delays: Iterable[float], *, since: float = 3.0) -> Wire:
    """A stream with an event a second, each this long after its emission."""
    if wire.rids == 0:
        asked(wire, 1.5, 1.95, 2.4)
    for index, delay in enumerate(delays):
        emitted, name = since + index, f"a-{since + index:g}"
        wire.add(
            Emit(
                job="j1", epoch="a", index=index, id=name, type="processing", digest=name,
                intended_ns=ns(emitted), actual_ns=ns(emitted),
            ),
            emitted,
        )  # fmt: skip
        wire.chunk(emitted + delay)
        wire.add(Delivered(rid=1, cid=wire.cid, id=name, type="processing", digest=name), emitted + delay)
    return wire


def test_a_live_event_comes_no_sooner_than_its_path_lets_it():
    assert held(live(Wire(wifi=EDGE), [0.31]))
    assert "event a-4 came downstream after 290 ms, and wifi takes 299 ms" in broken(
        live(Wire(wifi=EDGE), [0.31, 0.29])
    )


def test_twenty_events_are_on_average_as_late_as_their_path():
    assert held(live(Wire(wifi=EDGE), [0.4] * 20))
    assert held(live(Wire(wifi=EDGE), [0.31] * 18))  # too few, with the answer's
    assert broken(live(Wire(wifi=EDGE), [0.31] * 20)) == (
        "21 delays on wifi downstream were 317 ms on average, and take 349 ms at the least"
    )


def test_of_twenty_events_at_least_one_is_as_quick_as_its_path():
    assert held(live(Wire(wifi=EDGE), [0.8] * 20))  # the answer before them was
    wire = live(asked(Wire(wifi=EDGE), 1.0, 1.5, 2.2), [0.8] * 20)
    assert (
        broken(wire)
        == "of 21 delays on wifi downstream the quickest took 700 ms, and the path takes 551 ms at the most"
    )


def test_a_line_with_a_rate_is_late_only_where_it_has_room():
    for rate, rule in ((100_000.0, broken), (300.0, held)):
        shape = msgspec.structs.replace(EDGE.shape, down=rate)
        wire = Wire(wifi=msgspec.structs.replace(EDGE, shape=shape))
        assert rule(live(asked(wire, 1.0, 1.5, 2.5), [1.0] * 20))


def test_what_is_near_a_change_of_shape_counts_for_neither_and_the_last_shape_for_what_is_behind_it():
    fast = acts.SetShape(profile="lan", shape=Shape(), radio=Radio())
    slow = acts.SetShape(profile="edge", shape=EDGE.shape, radio=Radio())
    over = msgspec.structs.replace(slow, over=5.0)
    upstream = msgspec.structs.replace(slow, direction=Direction.UPSTREAM)
    for act, wifi, delays, rule in (
        (fast, EDGE, [0.4, 0.4, 0.1, 0.0], held),  # event a-5 is on its way at 5.2 s
        (fast, EDGE, [0.4, 0.1], broken),
        (slow, FREE, [0.0, 0.0, 0.2, 0.4], held),
        (slow, FREE, [0.0, 0.0, 0.2, 0.0], broken),
        (over, FREE, [0.0, 0.0, 0.2, 0.0, 0.0, 0.1, 0.1], held),
        (over, FREE, [0.0, 0.0, 0.2, 0.0, 0.0, 0.1, 0.1, 0.3, 0.1], broken),
        (upstream, FREE, [0.0, 0.0, 0.0, 0.0], held),
    ):
        wire = Wire((5.05, "wifi", act, "turns"), wifi=wifi)
        assert rule(live(asked(wire, 1.5, 1.9, 2.3), delays))


def test_several_events_of_one_piece_are_one_delay():
    wire = live(Wire(wifi=EDGE), [0.4] * 19)
    live(wire, [0.301], since=25.0)
    for index in range(30):
        name = f"b-{index}"
        wire.add(
            Emit(job="j1", epoch="b", index=index, id=name, type="processing", digest=name, intended_ns=ns(25.0),
                 actual_ns=ns(25.0)), 25.0,
        )  # fmt: skip
        wire.add(Delivered(rid=1, cid=wire.cid, id=name, type="processing", digest=name), 25.301)
    assert held(wire)


def test_a_line_is_no_faster_than_its_rate():
    for every, rule in ((0.01, held), (0.005, broken)):  # 100 bytes each, at 10 KB/s
        wire = Wire(wifi=SLOW)
        for index in range(600):
            wire.chunk(1.0 + index * every)
        assert rule(wire)
    assert "had come in" in broken(wire)
    assert "at 10 KB/s" in broken(wire)


def test_held_bytes_count_for_a_rate_when_they_came():
    wire = Wire(reach(4.0, "stalled"), reach(9.0, "up"), wifi=SLOW)
    offsets = [wire.chunk(4.1 + index * 0.01, "held") for index in range(400)]
    for offset in offsets:
        wire.let_go(9.0001, offset)
    assert held(wire)


# The verdict.


def test_the_evidence_is_the_record_and_the_advice_says_whose_fault_it_is():
    wire = Wire(reach(4.0, "silent"))
    wire.chunk(5.0)
    found = judged(wire)
    (evidence,) = found.evidence
    assert (evidence.lane, round(evidence.at, 3), found.cause) == ("gate", 5.0, "delivered-where-drop")
    assert found.advice.startswith("The harness did not do what the plan says")


def test_each_kind_of_fault_is_told_once_of_a_connection():
    wire = Wire(reach(4.0, "silent"))
    for at in range(5, 15):
        wire.chunk(float(at))
    assert not broken(wire).endswith("more)")
