"""Proofs of what boxes and servers are told: met when it was done, not met when it was only said."""

from contextlib import asynccontextmanager
from math import inf

import pytest
import trio
import trio.testing

from harness.chance import Chance
from harness.deeds.acts import (
    Answers,
    Buffers,
    Cuts,
    Deed,
    Drains,
    Hangs,
    KillsIdle,
    MutesStreams,
    Recovers,
    ResetsStreams,
    Restarts,
    ShowsPortal,
)
from harness.device.model import Device
from harness.device.words import Radio, Reach
from harness.history import Journal
from harness.jobserver.server import JobServer
from harness.middle.middle import Middle
from harness.network.gate import Gate
from harness.run.actuator import Actuator, act_on, of_gates
from harness.run.boxes import BoxAccess, prove_in_force
from harness.run.canary import GateCanary
from harness.run.expected import ExpectedState
from harness.run.flows import Flows
from harness.scenario.model import DeviceSpec, JobSpec, PathSpec, Plan, ServerSpec
from harness.toxics.shape import Shape
from harness.world import real
from tests.deeds.networks import network_of

MIDDLE = [
    Answers(status=403),
    Answers(status=403, to="streams"),
    Answers(status=503, retry_after=7.0, to="polls"),
    Answers(status=410, to="results"),
    ShowsPortal(),
    MutesStreams(),
    ResetsStreams(),
    Buffers(size=65_536),
    Buffers(seconds=1.0),
    KillsIdle(after=0.3),
    KillsIdle(after=0.3, how="silently"),
]
SERVER = [Restarts(keeps_log=True, after=2.0), Restarts(keeps_log=False, after=2.0), Drains(), Hangs()]
CUTS = [Cuts(how=how, mid=mid) for how in (Reach.CLOSED, Reach.RESET) for mid in ("id", "data", "character", "event")]


def deed(act, actor, index=0, undoes=None):
    return Deed(index=index, at=0.0, actor=actor, act=act, text=str(act), undoes=undoes)


def a_plan():
    path = PathSpec(profile="loopback", shape=Shape(), radio=Radio())
    return Plan(
        scenario="s",
        seed=7,
        job=JobSpec(lasts=60),
        paths={"wifi": path},
        device=DeviceSpec(starts_on="wifi"),
        horizon=60,
    )


class Nothing:
    """A Toxiproxy that is never asked."""


@asynccontextmanager
async def a_rig(tmp_path, nursery):
    with Journal(tmp_path / "h", real.stamp) as journal:
        network, rids = real.network(), iter(range(1, 1_000))
        server = JobServer(
            network=network, journal=journal, job=JobSpec(lasts=60), server=ServerSpec(), chance=Chance(7)
        )
        address = await server.start(nursery)
        middle = Middle(wall_clock=lambda: 0.0, journal=journal, next_rid=lambda: next(rids))
        gate = Gate(
            client="c1",
            device=Device(["wifi"], starts_on="wifi"),
            routes={"wifi": address},
            radios={},
            network=network,
            journal=journal,
            stage=middle.stage,
        )
        await gate.start(nursery)
        actuator = Actuator(a_plan(), gates={"c1": gate}, toxiproxy=Nothing(), middle=middle, server=server)
        canary = GateCanary(Flows(gate, ExpectedState(network_of("wifi")), server.pulses))
        canary.flows.begin(nursery, trio.current_time())
        try:
            yield actuator, gate, canary
        finally:
            canary.flows.close()
            await gate.aclose()
            await server.stop()


async def proved(tmp_path, deeds, *, done=True):
    """Carry out all deeds (the last only when ``done``), and meet the last."""
    async with trio.open_nursery() as nursery:
        async with a_rig(tmp_path, nursery) as (actuator, gate, canary):
            for each in deeds[:-1]:
                await actuator.once(each, nursery)
                canary.leave(canary.follow(each, trio.current_time()))
            last, readback = deeds[-1], {}
            await canary.prepare(last, trio.current_time() + 0.3)
            await trio.sleep(0.2)
            issued = trio.current_time()
            if done:
                readback = await (act_on(gate, last) if of_gates(last) else actuator.once(last, nursery))
            with trio.fail_after(30):
                outcome = await canary.prove(canary.follow(last, issued), readback, lambda *_: inf)
        nursery.cancel_scope.cancel()
    return outcome


@pytest.mark.parametrize("act", MIDDLE, ids=str)
async def test_what_the_middle_does_is_met(tmp_path, act):
    outcome = await proved(tmp_path, [deed(act, "middle")])
    assert outcome.met, outcome.detail


@pytest.mark.parametrize("act", MIDDLE, ids=str)
async def test_what_the_middle_only_says_is_not_met(tmp_path, act, monkeypatch):
    monkeypatch.setattr("harness.run.boxes.TIMEOUT", 0.3)
    outcome = await proved(tmp_path, [deed(act, "middle")], done=False)
    assert not outcome.met, outcome.detail


@pytest.mark.parametrize("act", SERVER, ids=str)
async def test_what_the_server_does_is_met(tmp_path, act):
    outcome = await proved(tmp_path, [deed(act, "server")])
    assert outcome.met, outcome.detail


@pytest.mark.parametrize("act", SERVER, ids=str)
async def test_what_the_server_only_says_is_not_met(tmp_path, act):
    outcome = await proved(tmp_path, [deed(act, "server")], done=False)
    assert not outcome.met, outcome.detail


async def test_a_server_that_recovers_is_met(tmp_path):
    outcome = await proved(tmp_path, [deed(Drains(), "server"), deed(Recovers(), "server", 1)])
    assert outcome.met, outcome.detail


async def test_an_act_that_is_undone_is_met_as_gone(tmp_path):
    portal = deed(ShowsPortal(), "middle")
    outcome = await proved(tmp_path, [portal, deed(ShowsPortal(), "middle", 1, undoes=0)])
    assert outcome.met, outcome.detail


async def test_an_act_that_was_only_said_to_be_undone_is_not_met(tmp_path):
    portal = deed(ShowsPortal(), "middle")
    outcome = await proved(tmp_path, [portal, deed(ShowsPortal(), "middle", 1, undoes=0)], done=False)
    assert not outcome.met, outcome.detail


@pytest.mark.parametrize("act", CUTS, ids=lambda act: f"{act.how} mid {act.mid}")
async def test_a_cut_is_met_inside_an_event(tmp_path, act):
    outcome = await proved(tmp_path, [deed(act, "wifi")])
    assert outcome.met, outcome.detail


async def test_a_cut_that_was_only_said_is_not_met(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.run.canary.TIMEOUT", 0.5)
    outcome = await proved(tmp_path, [deed(CUTS[0], "wifi")], done=False)
    assert not outcome.met, outcome.detail


@pytest.mark.parametrize(
    ("how", "ends", "most", "expected"),
    [
        ("fin", 0.1, 0.0, (False, "ended")),  # it ended before it had been idle for so long
        ("fin", 0.4, 0.0, (True, "ended")),
        ("fin", None, 0.0, (False, "quiet")),
        ("silently", 0.4, 0.2, (False, "ended")),
        ("silently", None, 0.1, (False, "quiet")),  # an answer is back before it has been idle for so long
        ("silently", None, 0.2, (True, "quiet")),
    ],
)
async def test_an_answer_may_take_longer_than_a_box_waits(autojump_clock, how, ends, most, expected):
    async def dial():
        ours, theirs = trio.testing.memory_stream_pair()
        ours.close = ours.send_stream.close
        if ends is not None:
            nursery.start_soon(end, theirs)
        return ours

    async def end(theirs):
        await trio.sleep(ends)
        await theirs.aclose()

    async with trio.open_nursery() as nursery:
        seen = await prove_in_force(
            KillsIdle(after=0.3, how=how), BoxAccess(dial=dial, release=lambda _: None, most=most)
        )
    assert (seen.met, seen.symptom) == expected
