"""Executors replaced by nothing: a fault that did not happen makes the run void, whatever the client did."""

import pytest

from harness.deeds.catalogue import Actor
from harness.judge.judge import judge
from harness.judge.verdict import Word
from harness.run import hands
from harness.run.hands import Hands
from harness.run.rehearsal import rehearse
from harness.scenario import Scenario, plans

DEEDS = [
    ("wifi", "silent for 5s"), ("wifi", "stalled for 5s"), ("wifi", "reset once"), ("wifi", "refused for 5s"),
    ("wifi", "closed mid data"), ("wifi", "edge for 10s"), ("wifi", "sliced to 7B for 5s"),
    ("wifi", "limited to 64kbps for 5s"),
    ("device", "joins cellular"), ("device", "loses wifi"), ("device", "goes offline for 5s"),
    ("device", "suspends for 5s"),
    ("middle", "answers 503 for 5s"), ("middle", "shows portal for 5s"), ("middle", "mutes streams for 5s"),
    ("middle", "resets streams for 5s"), ("middle", "buffers 4KB for 5s"), ("middle", "kills idle after 2s"),
    ("server", "restarts keeping log after 2s"), ("server", "orphan for 5s"), ("server", "drains for 5s"),
    ("server", "hangs for 5s"), ("server", "answers 503 for 5s"), ("server", "sends retry 5000"),
    ("server", "repeats 3 for 5s"), ("server", "revokes token"), ("server", "silences keepalive for 5s"),
    ("job", "pauses for 5s"), ("job", "bursts 20/s for 1s"), ("job", "completes"), ("job", "fails E7"),
]  # fmt: skip


def plan_of(actor, text):
    [plan] = plans(
        Scenario(
            scenario="hollow",
            job={"lasts": "40s", "updates": "every 500ms"},
            server={"token": "lasts 300s"},
            paths={"wifi": "wifi", "cellular": "lte"},
            timeline={"10s": {actor: text}},
        ),
        world="virtual",
    )
    return plan


@pytest.mark.parametrize(("actor", "text"), DEEDS, ids=lambda value: value)
def test_a_deed_that_is_only_said_voids_the_run(monkeypatch, actor, text):
    plan = plan_of(actor, text)
    assert judge(plan, rehearse(plan)).word is not Word.VOID

    async def nothing(*_):
        return {}

    monkeypatch.setattr(Hands, "once", nothing)
    monkeypatch.setattr(hands, "act_on", nothing)
    verdict = judge(plan, rehearse(plan))
    assert verdict.word is Word.VOID, verdict.sentence


def test_every_actor_is_here():
    assert {actor if actor != "wifi" else "path" for actor, _ in DEEDS} == {actor.value for actor in Actor}
