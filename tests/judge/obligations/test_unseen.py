"""Unseen waits and dials, on a network told in stretches."""

import math

import msgspec
import pytest

from harness.judge.facts.network_timeline import DoorStretch
from harness.judge.obligations.doors import Doors
from harness.judge.obligations.instants import Instants, between, earliest, latest
from harness.judge.obligations.unseen import Unseen
from harness.sse.policy import Jitter, Policies
from harness.vocabulary import Door

KNOCKS = (1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 11.0)
NO_PATH = "no path"
BARRED = "barred"
ASLEEP = "asleep"


def network(*turns: tuple[float, str]) -> Doors:
    """Open from 0 s, and then what each turn says. A reset strikes streams, and lets dials in."""
    found, since, word = [], 0.0, "open"
    for at, then in [*turns, (math.inf, "")]:
        doors = {} if word == NO_PATH else {"wifi": Door(word) if word in {*Door} else Door.OPEN}
        passes = word in {"open", "reset"}
        struck = frozenset({"wifi"} if then in {"hang", "reset", BARRED} else ())
        path = None if word == NO_PATH else "wifi"
        found.append(DoorStretch(since, at, path, doors, passes, word == ASLEEP, struck))
        since, word = at, then
    return Doors(found)


def let_in(doors: Doors, *, healed: float, wait: tuple[float, float] = (8.5, 9.0), n: int = 1, **more) -> Instants:
    policies = more.pop("policies", Policies())
    return Unseen(policies, doors, healed=healed, knocks=KNOCKS, **more).let_in({n: between(*wait)})


def test_who_dials_an_open_door_is_let_in_then():
    assert let_in(network(), healed=8.0) == between(8.5, 9.0)


@pytest.mark.parametrize("word", ["refuse", NO_PATH])
def test_a_dial_that_is_refused_is_followed_by_the_next_wait(word):
    found = let_in(network((8.0, word), (9.5, "open")), healed=9.5)
    assert (earliest(found), latest(found)) == (9.5, 9.0 + 2.0)  # d of n 1 is 2 s


def test_recovery_is_not_monotone_in_the_waits():
    """A reset at 8 s, and two short refusals: the longest waits are over sooner than some between."""
    doors = network((8.0, "open"), (8.4, "refuse"), (8.92, "open"), (9.3, "refuse"), (10.9, "open"))

    def back(wait: tuple[float, float]) -> float:
        return latest(let_in(doors, healed=10.9, wait=wait))

    assert back((8.95, 9.0)) < 11.5, "the longest first wait meets the open door, and keeps its stream"
    assert back((8.5, 8.9)) == pytest.approx(10.895 + 4.0, abs=0.02), "8.895 s and 2 s is refused, and waits for 4 s"
    assert back((8.5, 9.0)) == back((8.5, 8.9)) > back((9.0, 9.0))


def test_a_dial_that_hangs_is_let_in_by_its_next_knock():
    found = let_in(network((8.0, "hang"), (10.2, "open")), healed=10.2, wait=(8.5, 8.5))
    assert (earliest(found), latest(found)) == (pytest.approx(10.5), pytest.approx(10.5, abs=0.01))


def test_a_dial_that_hangs_for_longer_than_its_deadline_waits_and_dials_again():
    policies = Policies(connect_timeout=3.0, jitter=Jitter.NONE)
    found = let_in(network((8.0, "hang"), (30.0, "open")), healed=30.0, wait=(8.5, 8.5), policies=policies)
    # 8.5 + 3, 2 s; 13.5 + 3, 4 s; 20.5 + 3, 8 s: 31.5
    assert latest(found) == pytest.approx(31.5, abs=0.05)


def test_a_deadline_that_is_never_earns_no_longer_a_time_than_ten_seconds():
    found = let_in(network((8.0, "hang"), (20.0, "open")), healed=20.0, policies=Policies(connect_timeout=None))
    assert latest(found) == pytest.approx(9.0 + 10 + 2.0, abs=0.05)


def test_a_door_that_turns_from_hanging_to_refusing_fails_the_dial_at_its_knock():
    doors = network((8.0, "hang"), (9.2, "refuse"), (9.8, "open"))
    found = let_in(doors, healed=9.8, wait=(8.5, 8.5))
    assert (earliest(found), latest(found)) == (pytest.approx(9.5 + 1.0), pytest.approx(9.5 + 2.0, abs=0.02))


def test_a_signal_ends_the_wait_and_the_dial_that_hangs():
    refused = network((8.0, "refuse"), (12.0, "open"))
    assert latest(let_in(refused, healed=12.0, n=5, signals=[12.0])) == pytest.approx(13.0)
    assert latest(let_in(refused, healed=12.0, n=5)) == pytest.approx(9.0 + 30, abs=0.02)
    hung = network((8.0, "hang"), (12.0, "open"))
    assert latest(let_in(hung, healed=12.0, wait=(11.4, 11.4), signals=[12.1])) == pytest.approx(13.1)


def test_a_signal_heard_as_the_wait_begins_may_not_end_it():
    refused = network((8.0, "refuse"), (8.6, "open"))
    found = let_in(refused, healed=8.6, wait=(8.55, 8.55), n=3, signals=[8.6], near=0.1)
    assert latest(found) == pytest.approx(8.55 + 8, abs=0.02)


def test_a_box_that_turns_a_stream_away_is_followed_by_the_next_wait():
    found = let_in(network((8.0, BARRED), (9.2, "open")), healed=9.2, limit=0.5)
    assert latest(found) == pytest.approx(9.0 + 0.5 + 2.0, abs=0.02)


def test_a_stream_that_was_let_in_before_the_healing_is_struck_and_its_wait_is_the_first():
    found = let_in(network((9.5, "reset"), (9.6, "open")), healed=9.6, n=5)
    assert (earliest(found), latest(found)) == (10.0, pytest.approx(10.5, abs=0.01))


def test_nobody_dials_asleep_and_the_rest_of_a_wait_may_be_waited_out_behind_it():
    found = let_in(network((8.0, ASLEEP), (20.0, "open")), healed=20.0)
    assert earliest(found) == latest(found) == pytest.approx(20.0)
    refused = network((8.0, "refuse"), (10.0, ASLEEP), (20.0, "open"))
    assert latest(let_in(refused, healed=20.0, n=3)) == pytest.approx(9.0 + 8 + 10, abs=0.02)


def test_a_wait_that_nobody_declared_has_no_bound():
    policies = msgspec.structs.replace(Policies(), backoff_base=msgspec.UNSET, backoff_cap=msgspec.UNSET)
    assert let_in(network((8.0, "refuse"), (9.5, "open")), healed=9.5, policies=policies) == 0


def test_who_dials_never_is_never_let_in():
    assert Unseen(Policies(), network(), healed=1.0, knocks=KNOCKS).let_in({}) == 0
