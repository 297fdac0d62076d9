"""Every deed's proof on a real gate: met when the gate did it, not met when it only said so (law H0)."""

from contextlib import asynccontextmanager
from math import inf

import pytest
import trio

from harness.chance import Chance
from harness.deeds.acts import ComesOnline, Deed, GoesOffline, Joins, Loses, Prefers, SetReach, SetShape
from harness.device.model import Device
from harness.device.words import Radio, Reach
from harness.history import Journal
from harness.jobserver.server import JobServer
from harness.network.gate import Gate
from harness.run.actuator import act_on
from harness.run.canary import GateCanary
from harness.run.expected import ExpectedState
from harness.run.flows import Flows
from harness.run.readbacks import toxics_shown
from harness.scenario.model import JobSpec, ServerSpec
from harness.toxics.shape import Shape
from harness.vocabulary import Direction
from harness.world import real
from tests.deeds.networks import network_of

WORDS = [SetReach(word=word) for word in Reach if word is not Reach.UP]
ONCE = [SetReach(word=word, once=True) for word in (Reach.CLOSED, Reach.RESET)]
ONE_WAY = [SetReach(word=word, direction=way) for word in (Reach.STALLED, Reach.SILENT) for way in Direction]
ACTS = [*WORDS, *ONCE, *ONE_WAY, Loses(path="wifi"), GoesOffline()]


def deed(act, actor="wifi"):
    return Deed(index=0, at=0.0, actor=actor, act=act, text=str(act))


def named(act):
    return " ".join(
        [str(getattr(act, "word", type(act).__name__)), "once" * getattr(act, "once", False)]
        + [way for way in [getattr(act, "direction", None)] if way]
    ).strip()


@asynccontextmanager
async def a_canary(tmp_path, nursery, *, joined=("wifi",)):
    """A gate with two paths to a job server, and a canary that holds its flows."""
    with Journal(tmp_path / "h", real.stamp) as journal:
        network = real.network()
        server = JobServer(
            network=network, journal=journal, job=JobSpec(lasts=60), server=ServerSpec(), chance=Chance(7)
        )
        address = await server.start(nursery)
        paths = ["wifi", "cellular"]
        gate = Gate(
            client="c1",
            device=Device(paths, starts_on=joined[0]),
            routes=dict.fromkeys(paths, address),
            radios={},
            network=network,
            journal=journal,
        )
        await gate.start(nursery)
        expected = ExpectedState(network_of(joined[0], *(path for path in paths if path != joined[0])))
        canary = GateCanary(Flows(gate, expected, server.pulses))
        canary.flows.begin(nursery, trio.current_time())
        try:
            yield gate, canary
        finally:
            canary.flows.close()
            await gate.aclose()
            await server.stop()


def never(*_):
    return inf


async def prepared(canary, last):
    """Let its flows be in use, if the path carries any."""
    await canary.prepare(last, trio.current_time() + 0.3)
    await trio.sleep(0.2)


async def proved(tmp_path, acts, *, done=True, until=inf):
    """Carry out all of these (the last only when ``done``), and let the canary meet the last."""
    async with trio.open_nursery() as nursery:
        async with a_canary(tmp_path, nursery) as (gate, canary):
            for act in acts[:-1]:
                await prepared(canary, deed(act))
                issued = trio.current_time()
                readback = await act_on(gate, deed(act))
                await canary.prove(canary.follow(deed(act), issued), readback, never)
            last = deed(acts[-1])
            await prepared(canary, last)
            issued = trio.current_time()
            readback = await act_on(gate, last) if done else gate.device_readback()
            case = canary.follow(last, issued)
            moot = trio.current_time() + until
            with trio.fail_after(30):
                outcome = await canary.prove(case, readback, lambda *_: moot)
        nursery.cancel_scope.cancel()
    return outcome


@pytest.mark.parametrize("act", ACTS, ids=named)
async def test_a_deed_that_was_done_is_met(tmp_path, act):
    outcome = await proved(tmp_path, [act])
    assert outcome.met, outcome.detail


@pytest.mark.parametrize("act", ACTS, ids=named)
async def test_a_deed_that_was_only_said_is_not_met(tmp_path, act, monkeypatch):
    monkeypatch.setattr("harness.run.canary.TIMEOUT", 0.6)
    outcome = await proved(tmp_path, [act], done=False)
    assert not outcome.met, outcome.detail


@pytest.mark.parametrize("word", [word for word in Reach if word is not Reach.UP])
async def test_up_after_each_word_is_met(tmp_path, word):
    outcome = await proved(tmp_path, [SetReach(word=word), SetReach(word=Reach.UP)])
    assert outcome.met, outcome.detail


@pytest.mark.parametrize("word", [word for word in Reach if word is not Reach.UP])
async def test_up_that_was_only_said_is_not_met(tmp_path, word, monkeypatch):
    monkeypatch.setattr("harness.run.canary.TIMEOUT", 0.6)
    outcome = await proved(tmp_path, [SetReach(word=word), SetReach(word=Reach.UP)], done=False)
    assert not outcome.met, outcome.detail


@pytest.mark.parametrize("act", ONE_WAY, ids=named)
@pytest.mark.parametrize("done", [True, False], ids=["done", "only said"])
async def test_one_way_that_is_free_again_is_met_by_a_new_dial(tmp_path, act, done, monkeypatch):
    monkeypatch.setattr("harness.run.canary.TIMEOUT", 0.6)
    outcome = await proved(tmp_path, [act, SetReach(word=Reach.UP, direction=act.direction)], done=done)
    assert outcome.met is done, outcome.detail


async def test_a_reset_after_silence_is_met_on_the_dead_connection_too(tmp_path):
    outcome = await proved(tmp_path, [SetReach(word=Reach.SILENT), SetReach(word=Reach.RESET)])
    assert outcome.met, outcome.detail


async def test_a_close_after_silence_is_met_by_the_dial_alone(tmp_path):
    outcome = await proved(tmp_path, [SetReach(word=Reach.SILENT), SetReach(word=Reach.CLOSED)])
    assert outcome.met, outcome.detail


@pytest.mark.parametrize(
    "acts",
    [
        [Joins(path="cellular")],
        [Joins(path="cellular"), Prefers(path="cellular")],
        [Loses(path="wifi"), Joins(path="cellular")],
        [GoesOffline(), ComesOnline()],
    ],
    ids=lambda acts: " ".join(named(act) for act in acts),
)
async def test_a_device_that_moves_is_met(tmp_path, acts):
    outcome = await proved(tmp_path, acts)
    assert outcome.met, outcome.detail


async def test_a_preference_that_was_only_said_is_not_met(tmp_path):
    outcome = await proved(tmp_path, [Joins(path="cellular"), Prefers(path="cellular")], done=False)
    assert not outcome.met


async def test_a_proof_cut_short_by_the_next_deed_is_decided_by_what_was_seen(tmp_path):
    outcome = await proved(tmp_path, [SetReach(word=Reach.SILENT)], until=0.05)
    assert outcome.met, outcome.detail


@pytest.mark.parametrize(
    ("shape", "said"),
    [(Shape(latency=0.1), "at least 99 ms"), (Shape(latency=0.0058, jitter=0.001), "the mean of 20 (at least ")],
    ids=["long", "short"],
)
async def test_a_shape_that_is_only_shown_is_not_met(tmp_path, shape, said):
    slow = deed(SetShape(profile="slow", shape=shape, radio=Radio()))
    shown = {"path": "wifi", **toxics_shown(dict.fromkeys(Direction, shape))}
    async with trio.open_nursery() as nursery:
        async with a_canary(tmp_path, nursery) as (_, canary):
            await prepared(canary, slow)
            outcome = await canary.prove(canary.follow(slow, trio.current_time()), shown, never)
        nursery.cancel_scope.cancel()
    assert not outcome.met  # nothing was slowed down
    assert said in outcome.detail


async def test_a_shape_that_is_not_even_shown_is_not_met(tmp_path):
    slow = deed(SetShape(profile="slow", shape=Shape(latency=0.1), radio=Radio()))
    async with trio.open_nursery() as nursery:
        async with a_canary(tmp_path, nursery) as (_, canary):
            outcome = await canary.prove(canary.follow(slow, trio.current_time()), {}, never)
        nursery.cancel_scope.cancel()
    assert (outcome.met, outcome.detail) == (False, "read back nothing")
