"""Who listens for signals is recorded as it begins and ends, and each signal is heard by all who listened then."""

import trio

from harness.history import Listens, SignalHeard, SignalTold
from tests.network.rig import rig, simulated


def listening(r):
    """Return how many listened when each signal was told, as the records of listening have it."""
    ears, found = 0, []
    for one in r.records:
        if isinstance(one, Listens):
            ears += 1 if one.on else -1
        elif isinstance(one, SignalTold):
            found.append(ears)
    return found


@simulated
async def test_listening_begins_and_ends(r):
    one = r.gate.phone.signals()
    await trio.sleep_until(1.0)
    other = r.gate.phone.signals()
    await trio.sleep_until(2.0)
    await one.aclose()
    await one.aclose()
    await trio.sleep_until(3.0)
    await other.aclose()
    found = [(one.client, (one.t_ns - r.zero) / 1e9, one.on) for one in r.of(Listens)]
    assert found == [("c1", 0.0, True), ("c1", 1.0, True), ("c1", 2.0, False), ("c1", 3.0, False)]


@simulated
async def test_listener_that_is_cancelled_listens_no_more(r):
    with trio.move_on_after(1.0):
        async with r.gate.phone.signals() as signals:
            await signals.receive()
    assert [one.on for one in r.of(Listens)] == [True, False]
    await r.gate.joins("cellular")
    assert [one.ears for one in r.of(SignalTold)] == [0]


@simulated
async def test_a_signal_counts_those_who_listen(r):
    for deed in (r.gate.joins("cellular"), r.gate.prefers("cellular"), r.gate.loses("wifi"), r.gate.goes_offline()):
        await deed
        r.gate.phone.signals()
    assert [one.ears for one in r.of(SignalTold)] == listening(r) == [0, 1, 2, 3]


@simulated
async def test_who_begins_to_listen_while_the_phone_sleeps_hears_nothing_of_before(r):
    early = r.gate.phone.signals()
    await r.gate.suspend(45.0)
    await r.gate.joins("cellular")
    late = r.gate.phone.signals()
    await trio.sleep_until(46.0)
    assert [one.ears for one in r.of(SignalTold)] == listening(r) == [1, 1, 2]
    assert [(await early.receive()).what for _ in range(3)] == ["suspended", "joins", "resumed"]
    assert (await late.receive()).what == "resumed"
    told = {one.seq: one.ears for one in r.of(SignalTold)}
    heard = [one.told for one in r.of(SignalHeard)]
    assert {seq: heard.count(seq) for seq in told} == told


@simulated
async def test_a_signal_is_not_lost_on_who_gives_up_listening_for_it_while_the_phone_sleeps(r):
    signals = r.gate.phone.signals()
    await r.gate.suspend(45.0)
    with trio.move_on_after(1.0):
        await signals.receive()
    assert not r.of(SignalHeard)
    assert (await signals.receive()).what == "suspended"
    assert [(one.what, (one.t_ns - r.zero) / 1e9) for one in r.of(SignalHeard)] == [("suspended", 45.0)]


async def test_a_gate_that_closes_ends_all_listening(tmp_path):
    async with rig(tmp_path) as r:
        signals = r.gate.phone.signals()
    assert [one.on for one in r.of(Listens)] == [True, False]
    await signals.aclose()
    assert len(r.of(Listens)) == 2  # the journal is closed
