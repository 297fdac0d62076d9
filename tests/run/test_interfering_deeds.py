"""Deeds that another deed hides from the canary are undecided, and say by what; what nothing hides must be seen."""

import pytest

from harness.device.words import Reach
from harness.history import Canary, Census
from harness.judge.judge import judge
from harness.judge.verdict import Word
from harness.middle.middle import Middle
from harness.network.gate import Gate
from harness.run.rehearsal import rehearse
from harness.scenario import Scenario, plans

# Each was called void: the canary's flow met something else.
HIDDEN = {
    "a sleeping phone resets what is dialled": {"20s": {"wifi": "closed for 2s", "device": "suspends for 5s"}},
    "a flow that ended with a restart long ago": {"15s": {"server": "restarts keeping log"}, "20s": {"wifi": "up"}},
    "a flow that a box killed": {"5s": {"middle": "kills idle after 10s"}, "20s": {"cellular": "sliced to 1B"}},
    "no stream passes to be cut": {"15s": {"middle": "mutes streams"}, "15200ms": {"wifi": "reset mid data"}},
    "the server ends what the path was to silence": {"5s": {"server": "restarts losing log", "wifi": "silent for 1s"}},
    "two words at one instant": {"5s": {"cellular": ["closed for 5s", "reset once"]}},
    "one way stalled, and over": {"15s": {"wifi": "stalled for 1s downstream only"}},
    "one way silent, and over": {"15s": {"wifi": "silent for 5s upstream only"}},
    "the last deed of a run": {"16s": {"wifi": "closed for 6s"}},
    "each event held until the next": {"10s": {"middle": "buffers each event"}},
    "one way up while the other is not": {
        "5s": {"wifi": "silent upstream only"},
        "7s": {"wifi": "stalled for 1s downstream only"},
        "12s": {"wifi": "up"},
    },
    "a strike on a path that is stalled": {"5s": {"wifi": "stalled for 3s"}, "6500ms": {"wifi": "reset once"}},
    "a dial to a server that is away": {"5s": {"server": "restarts keeping log after 3s"}, "6s": {"wifi": "up"}},
    "a slice while a box answers": {"5s": {"middle": "shows portal for 4s"}, "7s": {"wifi": "lte"}},
    "a change over time of a path that stalls meanwhile": {"5s": {"wifi": ["edge over 3s", "stalled"]}},
    "slices for a while on a path that refuses dials": {"5s": {"wifi": ["sliced to 7B for 2s", "refused"]}},
    "a dead connection that is an orphan as the path is up again": {
        "2s": {"server": "orphan for 2s"},
        "5s": {"wifi": "silent for 1990ms"},
    },
    "a server that is told while it comes back": {
        "5s": {"server": ["silences keepalive for 2s", "restarts keeping log after 2s"]},
    },
    "a word while the path is cut": {"5s": {"wifi": ["closed", "reset mid event"]}, "8s": {"server": "recovers"}},
}


def ran(timeline, **sections):
    facts = {
        "scenario": "hidden",
        "job": {"lasts": "21s"},
        "paths": {"wifi": "wifi", "cellular": "lte"},
        "timeline": timeline,
    }
    plan = plans(Scenario(**{**facts, **sections}), world="virtual")[0]
    return plan, rehearse(plan)


@pytest.mark.parametrize("timeline", HIDDEN.values(), ids=HIDDEN)
def test_what_hides_a_deed_is_no_failure_of_it(timeline):
    plan, history = ran(timeline)
    proofs = {canary.deed: canary for canary in history.all(Canary)}
    assert sorted(proofs) == [deed.index for deed in plan.deeds]
    assert {index: proof.detail for index, proof in proofs.items() if not proof.met} == {}
    assert judge(plan, history).word is not Word.VOID


def test_a_hidden_deed_says_by_what():
    _, history = ran(HIDDEN["no stream passes to be cut"])
    details = [canary.detail for canary in history.all(Canary)]
    assert details[1].startswith("undecided: middle mutes streams in force (")
    assert [canary.way for canary in history.all(Canary)][1] == "undecided"


LINGERS = {"device": {"linger": "2s"}}


def test_a_path_that_is_back_before_its_connections_are_lost_keeps_them():
    _, history = ran({"5s": {"device": ["loses wifi", "joins wifi"]}}, **LINGERS)
    lost = next(canary for canary in history.all(Canary) if canary.deed == 0)
    assert lost.detail == "undecided: the path was there again before its connections were lost"


def test_an_open_connection_is_lost_when_it_has_lingered():
    _, history = ran({"5s": {"device": "loses wifi"}, "10s": {"device": "joins wifi"}}, **LINGERS)
    assert [canary.detail for canary in history.all(Canary)] == ["open connection: rst", "dial: open"]


def test_a_strike_on_a_stalled_path_is_proved_on_the_connection_that_was_open():
    _, history = ran(HIDDEN["a strike on a path that is stalled"])
    struck = next(canary for canary in history.all(Canary) if canary.deed == 1)
    assert struck.detail == "open connection: rst, the server was told, dial: hang"


def test_a_strike_in_the_instant_of_a_word_is_proved_on_the_connection_that_was_open():
    _, history = ran({"5s": {"wifi": ["unreachable", "reset once"]}})
    assert [(canary.deed, canary.detail) for canary in history.all(Canary)] == [
        (0, "read back; replaced at the same instant"),
        (1, "open connection: rst, the server was told, dial: hang"),
    ]


def test_a_way_that_is_free_again_is_proved_by_a_new_dial_alone():
    _, history = ran(HIDDEN["one way silent, and over"])
    assert [canary.detail for canary in history.all(Canary)] == [
        "open connection: upstream nothing, downstream passes, dial: hang",
        "open connection: upstream nothing, dial: open",  # what it has lost stays lost
    ]


@pytest.mark.parametrize("deed", ["reset mid data", "closed once"])
def test_a_canary_that_the_end_of_the_run_cuts_short_leaves_no_socket(deed):
    _, history = ran({"5s": {"server": "hangs for 2s", "wifi": deed}}, job={"lasts": "5s"})
    start, end = history.all(Census)
    assert end.counts == start.counts
    assert sorted(canary.deed for canary in history.all(Canary)) == [0, 1, 2]


async def said_only(gate, path, *_args, **_options):
    """A gate that says what it was told, and does nothing."""
    return gate.path_readback(path)


def test_a_deed_that_nothing_hides_must_be_seen(monkeypatch):
    monkeypatch.setattr(Gate, "reach", said_only)
    plan, history = ran({"5s": {"wifi": "silent"}})
    assert judge(plan, history).word is Word.VOID


def test_what_is_over_for_long_hides_nothing(monkeypatch):
    monkeypatch.setattr(Gate, "reach", said_only)
    plan, history = ran({"2s": {"server": "restarts keeping log after 1s"}, "10s": {"wifi": "silent"}})
    assert judge(plan, history).word is Word.VOID


def test_a_box_on_another_path_hides_nothing(monkeypatch):
    monkeypatch.setattr(Gate, "reach", said_only)
    plan, history = ran({"2s": {"middle on cellular": "mutes streams"}, "10s": {"wifi": "silent"}})
    assert judge(plan, history).word is Word.VOID


@pytest.mark.parametrize("slow", ["satellite", "edge"])
def test_a_question_that_was_cut_short_is_not_asked_again(slow):
    plan, history = ran({"0s": {"wifi": "sliced to 2B"}}, paths={"wifi": slow})
    assert judge(plan, history).word is not Word.VOID


@pytest.mark.parametrize("standing", ["server: drains", "server: hangs", "middle: answers 503"])
def test_what_could_not_have_done_it_hides_nothing(monkeypatch, standing):
    """A server that is away lets no dial in where the path must not."""
    monkeypatch.setattr(Gate, "reach", said_only)
    actor, _, deed = standing.partition(": ")
    plan, history = ran({"5s": {actor: deed}, "10s": {"wifi": "unreachable for 2s"}})
    assert judge(plan, history).word is Word.VOID


@pytest.mark.parametrize("way", ["upstream", "downstream"])
def test_one_way_that_was_only_said_to_be_free_again_is_not_met(monkeypatch, way):
    done = Gate.reach

    async def deaf(gate, path, word, **options):
        return await (said_only(gate, path) if word is Reach.UP else done(gate, path, word, **options))

    monkeypatch.setattr(Gate, "reach", deaf)
    plan, history = ran({"10s": {"wifi": f"silent for 2s {way} only"}})
    assert judge(plan, history).word is Word.VOID


@pytest.mark.parametrize("deed", ["closed mid data", "reset mid event"])
def test_a_stream_that_ended_between_two_events_was_not_cut(monkeypatch, deed):
    async def strikes(gate, path, how, _mid):
        return await gate.reach(path, how, once=True)

    monkeypatch.setattr(Gate, "cut", strikes)
    plan, history = ran({"10s": {"wifi": deed}})
    assert judge(plan, history).word is Word.VOID


def test_a_path_that_was_only_said_to_be_lost_is_not_met(monkeypatch):
    async def deaf(gate, _path):
        return {**gate.device_readback(), "default": "cellular"}

    monkeypatch.setattr(Gate, "loses", deaf)
    plan, history = ran({"5s": {"device": "joins cellular"}, "10s": {"device": "loses wifi"}})
    assert judge(plan, history).word is Word.VOID


@pytest.mark.parametrize("deed", ["buffers each event", "buffers 90B", "buffers 300ms"])
def test_a_box_that_was_only_said_to_buffer_is_not_met(monkeypatch, deed):
    monkeypatch.setattr(Middle, "do", lambda *_args, **_options: {})
    plan, history = ran({"10s": {"middle": deed}})
    assert judge(plan, history).word is Word.VOID


@pytest.mark.parametrize("deed", ["buffers each event", "buffers 20B", "buffers 90B", "buffers 300ms"])
def test_a_box_that_buffers_is_met(deed):
    plan, history = ran({"10s": {"middle": deed}})
    assert judge(plan, history).word is not Word.VOID
