"""Every act through every table: what a new deed must bring with it."""

import contextlib
import typing
from typing import Any

import pytest

from harness.deeds import acts
from harness.deeds.acts import Act, Deed
from harness.deeds.catalogue import (
    ROWS,
    Actor,
    Barrier,
    Executor,
    FactKind,
    FlowEnding,
    Footprint,
    Mood,
    ProofKind,
    Severs,
    Symptom,
    When,
    effect_of,
    path_of,
    row_of,
    rows_of,
)
from harness.deeds.replacement import GOES_ON
from harness.fuzz.coverage import DEEDS, words_of
from harness.middle.acts_in_force import ActInForce, tell
from harness.run.actuator import act_on
from harness.run.boxes import BoxAccess, prove_cleared, prove_in_force
from harness.run.readbacks import WANTED
from harness.scenario import reference
from harness.scenario.deeds import SPEECHES
from harness.scenario.forms import Form

ACTS = [*dict.fromkeys(typing.get_args(Act))]
SAID = {
    "path": [
        "up", "silent for 5s", "stalled downstream only", "reset once", "closed mid data", "3g for 5s", "3g over 5s",
        "sliced to 7B for 5s", "limited to 64kbps for 5s",
    ],
    "device": [
        "joins cellular", "prefers cellular", "loses wifi", "goes offline for 5s", "comes online", "suspends for 5s",
    ],
    "middle": [
        "answers 503 to polls 2 times", "shows portal for 5s", "mutes streams", "resets streams for 5s", "buffers 1KB",
        "buffers each event", "buffers 5s", "kills idle after 60s silently", "clears",
    ],
    "server": [
        "restarts keeping log", "restarts losing log after 5s", "orphan for 5s", "drains for 5s", "answers 503",
        "hangs", "sends retry 5000", "repeats 3 for 5s", "revokes token", "silences keepalive for 5s", "recovers",
    ],
    "job": ["pauses for 5s", "resumes", "bursts 5/s for 5s", "completes", "fails E7", "times out"],
}  # fmt: skip
"""Each form of the language once, and each actor's acts."""
DEEDS_SAID = [(Actor(actor), text) for actor, texts in SAID.items() for text in texts]


def test_every_act_has_one_row():
    assert sorted(row.act.__name__ for row in ROWS) == sorted(act.__name__ for act in ACTS)


def test_every_column_s_words_are_used_by_some_row():
    assert {row.executor for row in ROWS} == set(Executor)
    assert {row.proof for row in ROWS} == set(ProofKind)
    assert {actor for row in ROWS for actor in row.actors} == set(Actor)


@pytest.mark.parametrize(("actor", "text"), DEEDS_SAID, ids=str)
def test_every_sentence_becomes_an_act_of_its_actor_s_rows(actor, text):
    said = SPEECHES[actor].parse(text)
    row = row_of(said.act)
    assert actor in row.actors
    assert set(row.kinds_of(said.act)) <= set(row.kinds)
    who = "wifi" if actor is Actor.PATH else str(actor)
    assert set(words_of(Deed(index=0, at=0.0, actor=who, act=said.act, text=text))) <= set(DEEDS)


def test_every_form_of_every_row_is_said_here():
    met = {actor: {type(SPEECHES[actor].parse(text).act) for text in SAID[actor]} for actor in Actor}
    assert {actor: {row.act for row in rows_of(actor)} for actor in Actor} == met
    for actor, speech in SPEECHES.items():
        unsaid = [form.shown for form in speech.forms if not any(form.resembles(text) for text in SAID[actor])]
        assert unsaid == []


def test_recovers_ends_whatever_the_server_can_be_told_for_a_time():
    spanned = {row.act for row in rows_of(Actor.SERVER) if any("[for DURATION:span" in form for form in row.forms)}
    assert set(typing.get_args(GOES_ON)) == spanned


def test_what_is_read_back_of_every_act_has_a_predicate():
    assert set(WANTED) == set(ACTS)


def test_every_sentence_is_explained_and_no_other():
    shown = {Form(text).shown for row in ROWS for text in row.forms}
    assert shown == set(reference.DEEDS)


ALL, STREAMS, POLLS = frozenset({"streams", "polls", "results"}), frozenset({"streams"}), frozenset({"polls"})
EFFECTS = {
    # sentence: (seconds, settles, armed), severs, (mood, kinds, of open streams too, delays), symptoms, of streams
    "up": ((None, 0, 0), None, None, "", ""),
    "silent for 5s": ((None, 0, 0), ("dropped", "DONE"), ("mute", ALL, True, False), "quiet", ""),
    "stalled downstream only": ((None, 0, 0), None, ("mute", ALL, True, True), "quiet late whole", ""),
    "unreachable": ((None, 0, 0), None, ("mute", ALL, False, False), "quiet", ""),
    "refused": ((None, 0, 0), None, ("told", ALL, False, False), "refused", ""),
    "closed": ((None, 0, 0), ("fin", "DONE"), ("told", ALL, False, False), "ended refused", ""),
    "reset": ((None, 0, 0), ("rst", "DONE"), ("told", ALL, False, False), "ended refused", ""),
    "reset once": ((0, 0, 0), ("rst", "DONE"), None, "ended", ""),
    "closed mid data": ((0, 0, 8), ("fin", "EVENT"), None, "ended", "otherwise"),
    "3g for 5s": ((None, 0, 0), None, None, "late soon", ""),
    "3g over 5s": ((None, 5, 0), None, None, "late soon", ""),
    "sliced to 7B for 5s": ((None, 0, 0), None, None, "late", ""),
    "limited to 64kbps for 5s": ((None, 0, 0), None, None, "late", ""),
    "joins cellular": ((None, 0, 0), None, None, "", ""),
    "prefers cellular": ((None, 0, 0), None, None, "", ""),
    "loses wifi": ((None, 0, 0), ("aborted", "DONE"), None, "ended", ""),
    "goes offline for 5s": ((None, 0, 0), ("aborted", "DONE"), None, "ended", ""),
    "comes online": ((0, 0, 0), None, None, "", ""),
    "suspends for 5s": ((5, 0, 0), ("aborted", "OVER"), ("mute", ALL, True, False), "ended quiet late", ""),
    "answers 503": ((None, 0, 0), None, ("told", ALL, False, False), "otherwise late soon whole", ""),
    "answers 503 to polls 2 times": (
        (None, 0, 0),
        None,
        ("told", POLLS, False, False),
        "otherwise late soon whole",
        "",
    ),
    "shows portal for 5s": ((None, 0, 0), None, ("told", ALL, False, False), "otherwise late soon whole", ""),
    "mutes streams": ((None, 0, 0), None, ("mute", STREAMS, True, False), "", "ended quiet"),
    "resets streams for 5s": ((None, 0, 0), None, ("told", STREAMS, False, False), "", "ended"),
    "buffers 1KB": ((None, 0, 0), None, ("mute", STREAMS, True, True), "", "ended quiet otherwise"),
    "kills idle after 60s": ((None, 0, 0), ("fin", "IDLE"), None, "ended quiet late", ""),
    "kills idle after 60s silently": ((None, 0, 0), ("dropped", "IDLE"), None, "ended quiet late", ""),
    "clears": ((0, 0, 0), None, None, "", ""),
    "restarts keeping log": ((0, 0, 0), ("fin", "DONE"), ("told", ALL, False, False), "ended", ""),
    "restarts losing log after 5s": ((5, 0, 0), ("fin", "DONE"), ("told", ALL, False, False), "ended", ""),
    "orphan for 5s": ((None, 5, 0), None, None, "told", ""),
    "drains for 5s": ((None, 0, 0), ("fin", "DONE"), ("told", ALL, False, False), "ended", ""),
    "hangs": ((None, 0, 0), None, ("mute", ALL, True, False), "quiet late", ""),
    "sends retry 5000": ((0, 0, 0), None, None, "", ""),
    "repeats 3 for 5s": ((None, 0, 0), None, None, "", ""),
    "revokes token": ((0, 0, 0), None, None, "", ""),
    "silences keepalive for 5s": ((None, 0, 0), None, None, "", ""),
    "recovers": ((0, 0, 0), None, None, "", ""),
    "pauses for 5s": ((None, 0, 0), None, None, "", ""),
    "resumes": ((0, 0, 0), None, None, "", ""),
    "bursts 5/s for 5s": ((5, 0, 0), None, None, "", ""),
    "completes": ((0, 0, 0), None, None, "", ""),
}
DOUBTFUL = {
    # kind of act: what may have come before it or after it
    acts.SetReach: "DELIVERY END DIAL", acts.Cuts: "DELIVERY END", acts.SetShape: "DELIVERY", acts.SetSlice: "DELIVERY",
    acts.Limits: "DELIVERY", acts.Joins: "SIGNAL DIAL", acts.Prefers: "SIGNAL DIAL",
    acts.Loses: "SIGNAL DIAL DELIVERY END", acts.GoesOffline: "SIGNAL DIAL DELIVERY END",
    acts.ComesOnline: "SIGNAL DIAL", acts.Suspends: "SIGNAL DIAL DELIVERY END", acts.Answers: "ANSWER",
    acts.ShowsPortal: "ANSWER", acts.MutesStreams: "DELIVERY", acts.ResetsStreams: "DELIVERY END",
    acts.Buffers: "DELIVERY", acts.KillsIdle: "DELIVERY END", acts.Clears: "DELIVERY END DIAL ANSWER",
    acts.Restarts: "DELIVERY END DIAL ANSWER EMISSION", acts.Drains: "DELIVERY END DIAL ANSWER",
    acts.Hangs: "DELIVERY END DIAL ANSWER", acts.Recovers: "DELIVERY END DIAL ANSWER", acts.Orphans: "",
    acts.SendsRetry: "", acts.Repeats: "DELIVERY", acts.RevokesToken: "ANSWER", acts.SilencesKeepalive: "",
    acts.Pauses: "EMISSION DELIVERY", acts.Resumes: "EMISSION DELIVERY", acts.Bursts: "EMISSION DELIVERY",
    acts.Ends: "EMISSION DELIVERY",
}  # fmt: skip


@pytest.mark.parametrize("text", EFFECTS)
def test_what_each_act_makes_doubtful(text):
    act = _said(text)
    assert effect_of(act).doubtful == {FactKind[name] for name in DOUBTFUL[type(act)].split()}


BOXED = {
    acts.Answers: "answered", acts.ShowsPortal: "portal", acts.MutesStreams: "muted", acts.ResetsStreams: "reset",
    acts.Buffers: "held", acts.KillsIdle: "killed", acts.Cuts: "cut",
}  # fmt: skip


def test_what_a_box_s_record_says_of_an_act():
    assert {row.act: row.boxed for row in ROWS if row.boxed} == BOXED


PROMISED = {acts.SetShape, acts.SetSlice, acts.Limits}
IN_FRONT = {acts.Answers, acts.ShowsPortal, acts.MutesStreams, acts.ResetsStreams, acts.Buffers}


def _said(text: str) -> Act:
    actor = next(actor for actor, speech in SPEECHES.items() if any(form.resembles(text) for form in speech.forms))
    return SPEECHES[actor].parse(text).act


@pytest.mark.parametrize("text", EFFECTS)
def test_what_each_act_does_and_what_is_seen_of_it(text):
    (seconds, settles, armed), severs, barrier, flows, streams = EFFECTS[text]
    act = _said(text)
    found = effect_of(act)
    assert (found.seconds, found.settles, found.armed) == (seconds, settles, armed)
    assert found.severs == (severs and Severs(FlowEnding(severs[0]), When[severs[1]]))
    assert found.barrier == (barrier and Barrier(Mood(barrier[0]), *barrier[1:]))
    assert found.mark == Footprint(
        flows=frozenset(flows.split()),
        streams=frozenset(streams.split()),
        struck=text in {"reset once", "loses wifi", "goes offline for 5s"},
        promised=type(act) in PROMISED,
        in_front=type(act) in IN_FRONT,
    )


def test_each_act_s_effect_is_told_and_only_known_symptoms():
    assert {type(_said(text)) for text in EFFECTS} == set(ACTS)
    marks = [effect_of(_said(text)).mark for text in EFFECTS]
    assert {symptom for mark in marks for symptom in mark.flows | mark.streams} <= set(typing.get_args(Symptom))


@pytest.mark.parametrize(
    ("actor", "text", "path"),
    [
        ("wifi", "silent", "wifi"),
        ("wifi", "sliced to 7B", "wifi"),
        ("device", "loses cellular", "cellular"),
        ("device", "suspends for 5s", ""),
        ("middle", "shows portal", ""),
        ("server", "drains", ""),
    ],
)
def test_a_deed_is_about_a_path_or_about_all(actor, text, path):
    assert path_of(Deed(index=0, at=0.0, actor=actor, act=_said(text), text=text)) == path


def test_what_is_narrowed_to_a_path_is_about_that_one():
    assert path_of(Deed(index=0, at=0.0, actor="middle", act=acts.ShowsPortal(), text="", on="cellular")) == "cellular"


BY_REQUESTS = (ProofKind.REQUEST, ProofKind.AWAY)


class Asked(Exception):
    """An actor was asked to carry an act out, or was dialled to meet it."""


class Anybody:
    """Whatever it is told to do, it says that it was asked."""

    def __getattr__(self, name: str) -> Any:
        async def asked(*_args: object, **_options: object) -> None:
            raise Asked(name)

        return asked


@pytest.mark.parametrize(("actor", "text"), DEEDS_SAID, ids=str)
async def test_every_act_of_the_gate_s_is_asked_of_a_gate_and_every_request_s_proof_dials(actor, text):
    act, row = SPEECHES[actor].parse(text).act, row_of(SPEECHES[actor].parse(text).act)
    if row.executor is Executor.GATE:
        with pytest.raises(Asked):
            await act_on(Anybody(), Deed(index=0, at=0.0, actor="wifi", act=act, text=text))
    way = BoxAccess(dial=Anybody().dial, release=lambda _: None)
    for seen in (
        (lambda: prove_in_force(act, way), lambda: prove_cleared([act], way)) if row.proof in BY_REQUESTS else ()
    ):
        with contextlib.suppress(Asked):
            assert (await seen()).briefly  # what is held, or idle, for so long that no proof waits to see it
    if row.executor is Executor.MIDDLE:
        assert tell(ActInForce(index=0, act=act, on="", actor="middle"))
