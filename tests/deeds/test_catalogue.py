"""Every act through every table: what a new deed must bring with it."""

import re
import typing
from pathlib import Path

import pytest
from msgspec.structs import fields

from harness.deeds import acts, catalogue
from harness.deeds.acts import Act, Deed
from harness.deeds.catalogue import ROWS, Actor, Executor, Proof, row_of, rows_of
from harness.fuzz.coverage import DEEDS, words_of
from harness.run.readbacks import DONE, TAKEN_BACK, read_back
from harness.scenario.deeds import SPEECHES

README = Path(catalogue.__file__).with_name("README.md")
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
    assert {row.proof for row in ROWS} == set(Proof)
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


def test_what_is_read_back_has_a_predicate_and_its_end_too():
    read_back = {row.act for row in ROWS if row.proof is Proof.READBACK}
    assert set(DONE) == read_back
    spanned = {
        type(speech.parse(text).act)
        for actor, speech in SPEECHES.items()
        for text in SAID[actor]
        if speech.parse(text).span is not None
    }
    by_index = {row.act for row in ROWS if row.executor is Executor.SERVER} & spanned & read_back
    assert set(TAKEN_BACK) == by_index


@pytest.mark.parametrize("act", DONE, ids=lambda act: act.__name__)
def test_an_executor_that_shows_nothing_has_done_nothing(act):
    values = {"lasts": 5.0, "after": 5.0, "value": "5000", "count": 3, "rate": 5.0, "how": "completed"}
    wanted = {field.name: values[field.name] for field in fields(act) if field.required}
    assert not DONE[act](act(**wanted), {})


@pytest.mark.parametrize(
    ("act", "shown", "undoes"),
    [
        (acts.Suspends(lasts=5.0), {"suspended": "no"}, None),
        (acts.Orphans(after=5.0), {"orphans": "left alone"}, None),
        (acts.Orphans(after=5.0), {"orphans": "closed after 4 s"}, None),
        (acts.SendsRetry(value="5"), {"streams told": "none"}, None),
        (acts.Repeats(count=3), {"repeats": "0"}, None),
        (acts.Repeats(count=3), {"repeats": "3"}, 0),
        (acts.SilencesKeepalive(), {"keep-alive": "yes"}, None),
        (acts.SilencesKeepalive(), {"keep-alive": "no"}, 0),
        (acts.Pauses(), {"jobs": "1"}, None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, acts.Frozen) else str(value),
)
def test_an_executor_that_shows_another_state_has_not_done_it(act, shown, undoes):
    assert not read_back(Deed(index=1, at=0.0, actor="server", act=act, text="", undoes=undoes), shown).met


def test_the_page_has_every_sentence():
    page = README.read_text().replace("\\|", "|")
    shown = [re.sub(r":[a-z_]+", "", text) for row in ROWS for text in row.forms]
    assert [text for text in shown if f"`{text}`" not in page] == []
