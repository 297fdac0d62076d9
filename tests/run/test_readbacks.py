"""Executors must show what the plan has: an executor that shows nothing, or another state, has done nothing."""

import pytest

from harness.deeds.acts import Deed
from harness.run.expected import ExpectedState
from harness.run.readbacks import contradiction, nothing_for
from harness.scenario.deeds import SPEECHES
from tests.deeds.networks import network_of
from tests.deeds.test_catalogue import DEEDS_SAID, Actor


def step_of(actor, text, *, undone=False, before=()):
    """The step of a deed, after others; or of its end."""
    expected = ExpectedState(network_of("wifi", "cellular"))
    told = [*before, (actor, text)]
    deeds = []
    for at, (who, said) in enumerate(told):
        act = SPEECHES[Actor(who)].parse(said).act
        deeds.append(Deed(index=at, at=at, actor="wifi" if who == "path" else str(who), act=act, text=said))
    if undone:
        last = deeds[-1]
        deeds.append(Deed(index=len(deeds), at=9.0, actor=last.actor, act=last.act, text=text, undoes=last.index))
    steps = [expected.do(deed, deed.at) for deed in deeds]
    return steps[-1]


@pytest.mark.parametrize(("actor", "text"), DEEDS_SAID, ids=str)
def test_an_executor_that_shows_nothing_has_done_nothing(actor, text):
    assert contradiction(step_of(actor, text), {}) == "read back nothing"


SERVER = {"door": "open", "hangs": "no", "repeats": "0", "keep-alive": "yes"}
TOXICS = {"latency_upstream": "latency=100 jitter=50", "bandwidth_upstream": "rate=41"}
DOWN = {"latency_downstream": "latency=100 jitter=50", "bandwidth_downstream": "rate=98"}
SHOWN = [
    ("path", "silent", {"word": "silent", "upstream": "drop", "downstream": "drop", "door": "hang"}, "word", "up"),
    ("path", "reset once", {"word": "up", "upstream": "pass", "door": "open"}, "door", "refuse"),
    ("path", "3g", {"path": "wifi", **TOXICS, **DOWN}, "latency_upstream", "latency=2 jitter=1"),
    ("device", "loses wifi", {"default": "none", "joined": "none"}, "default", "wifi"),
    ("device", "suspends for 5s", {"default": "wifi", "joined": "wifi", "suspended": "yes"}, "suspended", "no"),
    ("middle", "shows portal", {"in force": "shows portal"}, "in force", "nothing"),
    ("server", "hangs", {**SERVER, "hangs": "yes"}, "hangs", "no"),
    ("server", "drains", {**SERVER, "door": "refuse"}, "door", "open"),
    ("server", "restarts keeping log after 2s", {**SERVER, "door": "refuse"}, "door", "open"),
    ("server", "orphan for 5s", {"after": "5s", "dead": "0"}, "after", "4s"),
    ("server", "sends retry 5000", {**SERVER, "streams told": "0"}, "streams told", "none"),
    ("server", "repeats 3", {**SERVER, "repeats": "3"}, "repeats", "0"),
    ("server", "silences keepalive", {**SERVER, "keep-alive": "no"}, "keep-alive", "yes"),
    ("job", "pauses", {"jobs told": "0"}, "jobs told", ""),
]


@pytest.mark.parametrize(("actor", "text", "shown", "key", "other"), SHOWN, ids=lambda value: str(value)[:30])
def test_what_is_shown_must_be_what_the_plan_has(actor, text, shown, key, other):
    step = step_of(actor, text)
    assert contradiction(step, shown) == ""
    assert f"{key}: {other}" in contradiction(step, {**shown, key: other})


def test_the_end_of_a_deed_is_shown_as_what_is_left():
    portal, muted = ("middle", "shows portal"), ("middle", "mutes streams")
    assert contradiction(step_of(*portal, undone=True, before=[muted]), {"in force": "mutes streams"}) == ""
    assert contradiction(step_of("server", "repeats 3", undone=True), SERVER) == ""
    assert contradiction(step_of("server", "repeats 3", undone=True), {**SERVER, "repeats": "3"}) != ""


def test_what_the_weather_holds_back_is_shown_too():
    shown = {"word": "refused", "upstream": "pass", "downstream": "hold", "door": "refuse"}
    assert contradiction(step_of("path", "refused"), shown) == ""


def test_rates_that_the_weather_changes_are_not_held_against_anything():
    shown = {"path": "wifi", **TOXICS, **DOWN, "bandwidth_downstream": "rate=7"}
    assert contradiction(step_of("path", "3g"), shown) != ""
    assert contradiction(step_of("path", "3g"), shown, stepped=True) == ""


def test_a_direction_on_its_way_to_its_shape_is_not_held_against_anything():
    assert (
        contradiction(step_of("path", "3g over 5s"), {"path": "wifi", "latency_upstream": "latency=7 jitter=4"}) == ""
    )


NOBODY = [
    ("server", "sends retry 5000", "streams told", "no stream was live"),
    ("server", "revokes token", "revoked", "no token was good"),
    ("server", "orphan for 5s", "dead", "no connection was dead"),
    ("job", "completes", "jobs told", "no job was under way"),
]


@pytest.mark.parametrize(("actor", "text", "key", "why"), NOBODY)
def test_a_deed_of_which_nobody_was_told_had_nothing_to_do(actor, text, key, why):
    assert nothing_for(step_of(actor, text), {key: "0"}) == why
    assert nothing_for(step_of(actor, text), {key: "1"}) == ""
    assert nothing_for(step_of(actor, text), {}) == ""


def test_what_stands_still_alone_can_be_resumed():
    assert nothing_for(step_of("job", "resumes"), {"jobs told": "1"}) == "no job stood still"
    assert nothing_for(step_of("job", "resumes", before=[("job", "pauses")]), {"jobs told": "1"}) == ""
