"""Executors replaced by nothing: a fault that did not happen makes the run void, whatever the client did."""

import pytest

from harness.deeds.acts import Clears, Limits, Recovers, SetSlice
from harness.deeds.catalogue import Actor
from harness.judge.judge import judge
from harness.judge.verdict import Word
from harness.run import actuator
from harness.run.actuator import Actuator
from harness.run.rehearsal import rehearse
from harness.scenario import Scenario, plans

DEEDS = [
    ("wifi", "silent for 5s"), ("wifi", "stalled for 5s"), ("wifi", "reset once"), ("wifi", "refused for 5s"),
    ("wifi", "closed mid data"), ("wifi", "edge for 10s"), ("wifi", "edge over 4s"),
    ("wifi", "sliced to 7B for 5s"),
    ("wifi", "limited to 64kbps for 5s"),
    ("device", "joins cellular"), ("device", "loses wifi"), ("device", "goes offline for 5s"),
    ("device", "suspends for 5s"), ("device", "suspends for 5s silently"),
    ("middle", "answers 503 for 5s"), ("middle", "shows portal for 5s"), ("middle", "mutes streams for 5s"),
    ("middle", "resets streams for 5s"), ("middle", "buffers 4KB for 5s"), ("middle", "kills idle after 2s"),
    ("server", "restarts keeping log after 2s"), ("server", "orphan for 5s"), ("server", "drains for 5s"),
    ("server", "hangs for 5s"), ("server", "answers 503 for 5s"), ("server", "sends retry 5000"),
    ("server", "repeats 3 for 5s"), ("server", "revokes token"), ("server", "silences keepalive for 5s"),
    ("job", "pauses for 5s"), ("job", "bursts 20/s for 1s"), ("job", "completes"), ("job", "fails E7"),
]  # fmt: skip


def plan_of(actor, text, **sections):
    [plan] = plans(
        Scenario(
            scenario="hollow",
            **{
                "job": {"lasts": "40s", "updates": "every 500ms"},
                "server": {"token": "lasts 300s"},
                "paths": {"wifi": "wifi", "cellular": "lte"},
                "timeline": {"10s": {actor: text}},
                **sections,
            },
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

    monkeypatch.setattr(Actuator, "once", nothing)
    monkeypatch.setattr(actuator, "act_on", nothing)
    verdict = judge(plan, rehearse(plan))
    assert verdict.word is Word.VOID, verdict.sentence


ENDS = [
    ("middle", "answers 503 for 5s"), ("middle", "answers 503 to streams for 5s"),
    ("middle", "answers 503 to polls for 5s"),
    ("middle", "answers 410 to results for 5s"), ("middle", "shows portal for 5s"), ("middle", "mutes streams for 5s"),
    ("middle", "resets streams for 5s"), ("middle", "buffers 4KB for 5s"), ("server", "answers 503 for 5s"),
    ("server", "drains for 2s"), ("server", "hangs for 5s"), ("server", "repeats 3 for 5s"),
    ("server", "silences keepalive for 5s"), ("job", "pauses for 5s"), ("wifi", "silent for 5s"),
    ("wifi", "refused for 5s"), ("wifi", "edge for 10s"), ("device", "goes offline for 5s"),
]  # fmt: skip


@pytest.mark.parametrize(("actor", "text"), ENDS, ids=lambda value: value)
def test_an_end_that_is_only_said_voids_the_run(monkeypatch, actor, text):
    plan, done = plan_of(actor, text), (Actuator.once, actuator.act_on)
    assert judge(plan, rehearse(plan)).word is not Word.VOID

    async def once(these, deed, later):
        return {} if deed.undoes is not None else await done[0](these, deed, later)

    async def act_on(gate, deed):
        return {} if deed.undoes is not None else await done[1](gate, deed)

    monkeypatch.setattr(Actuator, "once", once)
    monkeypatch.setattr(actuator, "act_on", act_on)
    verdict = judge(plan, rehearse(plan))
    assert verdict.word is Word.VOID, verdict.sentence


@pytest.mark.parametrize("kept", ["mutes streams", "resets streams", "buffers 4KB", "shows portal", "answers 503"])
def test_a_clearing_that_is_only_said_voids_the_run(monkeypatch, kept):
    plan = plan_of("middle", kept, timeline={"10s": {"middle": kept}, "15s": {"middle": "clears"}})
    assert judge(plan, rehearse(plan)).word is not Word.VOID
    done = Actuator.once

    async def once(these, deed, later):
        return {} if isinstance(deed.act, Clears) else await done(these, deed, later)

    monkeypatch.setattr(Actuator, "once", once)
    assert judge(plan, rehearse(plan)).word is Word.VOID


@pytest.mark.parametrize("goes_on", ["answers 503", "hangs", "drains"])
def test_a_recovery_that_is_only_said_voids_the_run_and_one_that_is_done_does_not(monkeypatch, goes_on):
    plan = plan_of("", "", timeline={"10s": {"server": goes_on}, "15s": {"server": "recovers"}})
    assert judge(plan, rehearse(plan)).word is not Word.VOID
    done = Actuator.once

    async def once(these, deed, later):
        return {} if isinstance(deed.act, Recovers) else await done(these, deed, later)

    monkeypatch.setattr(Actuator, "once", once)
    assert judge(plan, rehearse(plan)).word is Word.VOID


SLOW = {"wifi": "satellite", "cellular": "lte"}
ALSO_HOLLOW = {
    "a limit where a profile was told": ({"5s": {"wifi": "lte"}, "10s": {"wifi": "limited to 64kbps"}}, {}),
    "a limit on a path of a long delay": ({"10s": {"wifi": "limited to 64kbps"}}, {"paths": SLOW}),
    "a limit and slices at once": ({"10s": {"wifi": ["limited to 64kbps", "sliced to 16B"]}}, {}),
    "large slices": ({"10s": {"wifi": "sliced to 4KB"}}, {}),
}


@pytest.mark.parametrize(("timeline", "sections"), ALSO_HOLLOW.values(), ids=ALSO_HOLLOW)
@pytest.mark.parametrize("kind", [Limits, SetSlice])
def test_what_adjusts_a_shape_is_met_for_itself(monkeypatch, timeline, sections, kind):
    plan = plan_of("", "", timeline=timeline, **sections)
    assert judge(plan, rehearse(plan)).word is not Word.VOID
    if not any(isinstance(deed.act, kind) for deed in plan.deeds):
        return
    done = Actuator.once

    async def once(these, deed, later):
        return {} if isinstance(deed.act, kind) else await done(these, deed, later)

    monkeypatch.setattr(Actuator, "once", once)
    assert judge(plan, rehearse(plan)).word is Word.VOID


@pytest.mark.parametrize("word", ["silent", "stalled", "refused", "unreachable"])
def test_a_word_that_is_told_with_a_shape_is_met_all_the_same(monkeypatch, word):
    plan = plan_of("", "", timeline={"10s": {"wifi": [f"{word} for 5s", "3g"]}})
    assert judge(plan, rehearse(plan)).word is not Word.VOID

    async def nothing(*_):
        return {}

    monkeypatch.setattr(actuator, "act_on", nothing)
    assert judge(plan, rehearse(plan)).word is Word.VOID


def test_every_actor_is_here():
    assert {actor if actor != "wifi" else "path" for actor, _ in DEEDS} == {actor.value for actor in Actor}
