"""Every act and every form of the language is drawn, by an entry that names it."""

import random
from collections import Counter

import pytest

from harness.deeds.catalogue import Actor, row_of, rows_of
from harness.fuzz.draws import Draws
from harness.fuzz.genotype import Fault
from harness.fuzz.menu import MENU, follow, invent_deed
from harness.fuzz.situation import Situation
from harness.scenario.deeds import SPEECHES

PATHS = {"wifi": "wifi", "cellular": "lte", "office": "wifi"}
TIMES = 400


def situation(*told: tuple[str, str]) -> Situation:
    now = Situation(PATHS, "wifi", {"token": "lasts 30s"})
    for at, (actor, deed) in enumerate(told, 1):
        now.hear(Fault(at=float(at), actor=actor, deed=deed))
    now.now += 0.5
    return now


SITUATIONS = (situation(), situation(("device", "goes offline"), ("job", "pauses")))


def drawn(say) -> list[str]:
    draws = Draws(random.Random(5))
    return [text for now in SITUATIONS for _ in range(TIMES) if (text := say(draws, now))]


@pytest.mark.parametrize("actor", Actor)
def test_each_act_of_each_actor_has_an_entry(actor):
    assert {entry.act for entry in MENU if entry.actor is actor} == {row.act for row in rows_of(actor)}


@pytest.mark.parametrize("entry", MENU, ids=lambda entry: f"{entry.actor} {entry.act.__name__} {entry.say.__name__}")
def test_an_entry_says_its_own_act(entry):
    assert {type(SPEECHES[entry.actor].parse(text).act) for text in drawn(entry.say)} == {entry.act}
    assert entry.weight > 0


@pytest.mark.parametrize("actor", Actor)
def test_each_form_and_kind_of_each_actor_is_drawn(actor):
    texts = [text for entry in MENU if entry.actor is actor for text in drawn(entry.say)]
    unsaid = [form.shown for form in SPEECHES[actor].forms if not any(form.resembles(text) for text in texts)]
    acts = [SPEECHES[actor].parse(text).act for text in dict.fromkeys(texts)]
    kinds = {kind for act in acts for kind in row_of(act).kinds_of(act)}
    assert (unsaid, {kind for row in rows_of(actor) for kind in row.kinds} - kinds) == ([], set())


def test_what_is_invented_is_one_of_these():
    draws = Draws(random.Random(7))
    told = Counter(invent_deed(draws, SITUATIONS[0])[0] for _ in range(TIMES))
    assert {"device", "middle", "middle on wifi", "server", "job", "wifi", "cellular"} <= set(told)


@pytest.mark.parametrize(
    ("actor", "deed", "follows"),
    [
        ("wifi", "silent for 5s", {"reset once", "joins"}),
        ("wifi", "stalled downstream only", {"reset once", "joins"}),
        ("wifi", "unreachable", {"reset once", "joins"}),
        ("middle on wifi", "shows portal", {"reset once", "closed once", "reset mid"}),
        ("middle", "kills idle after 5s", {"reset once", "closed once", "reset mid"}),
        ("middle", "buffers 1KB", {"reset once", "closed once", "reset mid"}),
        ("server", "answers 503 to polls", {"reset once", "closed once", "reset mid"}),
        ("server", "hangs", {"reset once", "closed once", "reset mid"}),
        ("wifi", "refused", set()),
        ("wifi", "closed", set()),
        ("wifi", "reset once", set()),
        ("wifi", "3g", set()),
        ("device", "suspends for 5s", set()),
        ("device", "loses wifi", set()),
        ("server", "drains", set()),
        ("server", "restarts keeping log after 5s", set()),
        ("server", "repeats 3", set()),
        ("job", "pauses", set()),
    ],
)
def test_what_would_meet_nobody_by_itself_is_often_followed_by_what_sends_somebody_there(actor, deed, follows):
    draws, found = Draws(random.Random(3)), Counter()
    for _ in range(TIMES):
        told = follow(draws, SITUATIONS[0], actor, deed)
        found[None if told is None else " ".join(told[1].split()[:2]).partition(" cell")[0].partition(" off")[0]] += 1
    assert set(found) - {None} == follows
    assert found[None] > TIMES / 3
